//! A deployment rule as a resource.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::check::{Check, KINDS, check_field, required_by, requires_itself};
use super::{ApprovalKind, Override};
use crate::domain::answer::Refusal;
use crate::domain::deployment::Place;
use crate::domain::fields::{Fields, MAX_NAME};
use crate::domain::names::{fold, rename};
use crate::domain::naming::{EnvironmentType, Kind};
use crate::domain::time::{instant, rfc3339};

/// What a rule does when it is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleStatus {
    /// It blocks.
    Enabled,
    /// It is reported and does not block.
    ReportOnly,
    /// It is not looked at.
    Disabled,
}

impl RuleStatus {
    /// The words on the wire.
    pub(super) const WORDS: [(&'static str, RuleStatus); 3] = [
        ("enabled", RuleStatus::Enabled),
        ("report_only", RuleStatus::ReportOnly),
        ("disabled", RuleStatus::Disabled),
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            RuleStatus::Enabled => "enabled",
            RuleStatus::ReportOnly => "report_only",
            RuleStatus::Disabled => "disabled",
        }
    }
}

/// What a rule does to a version that was current in the cell before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollbacks {
    /// It passes.
    Pass,
    /// It is judged as any other.
    Gated,
}

impl Rollbacks {
    const WORDS: [(&'static str, Rollbacks); 2] =
        [("pass", Rollbacks::Pass), ("gated", Rollbacks::Gated)];

    const fn as_str(self) -> &'static str {
        match self {
            Rollbacks::Pass => "pass",
            Rollbacks::Gated => "gated",
        }
    }

    /// What a rule does that says nothing of it.
    fn of(check: &Check) -> Rollbacks {
        match check {
            Check::Concurrency(_) | Check::NoDeployWindow(_) | Check::Damaged { .. } => {
                Rollbacks::Gated
            }
            _ => Rollbacks::Pass,
        }
    }
}

/// What the API shows of a rule beside what a client writes.
const SHOWN_BESIDE: [&str; 6] = [
    "id",
    "effective_status",
    "damaged",
    "warnings",
    "created_at",
    "updated_at",
];

/// A rule as a client writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// What people call it.
    pub name: String,
    /// What it does when it is violated.
    pub status: RuleStatus,
    /// The products it is for; none means all.
    pub products: Vec<String>,
    /// The environments it is for; none means all.
    pub environments: Vec<String>,
    /// What it demands.
    pub check: Check,
    /// Whether a rollback passes.
    pub rollbacks: Rollbacks,
}

impl RuleSpec {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown: a rule with a typing
    /// error in it must not pass for one that protects.
    pub fn read(body: Value) -> Result<RuleSpec, Refusal> {
        RuleSpec::read_fields(Fields::of_body(body)?)
    }

    /// Reads a rule back from where it was stored. One that cannot be read any more blocks: it must
    /// not open what it protects.
    pub fn read_stored(definition: Map<String, Value>) -> RuleSpec {
        let fields = Fields::of(definition.clone(), vec!["body".to_owned()]);
        RuleSpec::read_fields(fields.stored())
            .unwrap_or_else(|error| RuleSpec::damaged(definition, &error))
    }

    /// As much of a damaged rule as can be read; where that is unclear it is for everything.
    fn damaged(definition: Map<String, Value>, error: &Refusal) -> RuleSpec {
        let reason = match error {
            Refusal::Invalid(errors) => errors
                .iter()
                .map(|error| format!("{}: {}", error.loc.join("."), error.msg))
                .collect::<Vec<_>>()
                .join("; "),
            other => other.to_string(),
        };
        let mut fields = Fields::of(definition.clone(), Vec::new()).stored();
        RuleSpec {
            name: fields
                .text("name", MAX_NAME)
                .unwrap_or_else(|| "Damaged rule".to_owned()),
            status: fields
                .choice("status", &RuleStatus::WORDS)
                .unwrap_or(RuleStatus::Enabled),
            products: fields.names("products").unwrap_or_default(),
            environments: fields.names("environments").unwrap_or_default(),
            check: Check::Damaged { reason, definition },
            rollbacks: Rollbacks::Gated,
        }
    }

    fn read_fields(mut fields: Fields) -> Result<RuleSpec, Refusal> {
        let name = fields.required_text("name", MAX_NAME);
        let status = fields.choice("status", &RuleStatus::WORDS);
        let products = fields.names("products").unwrap_or_default();
        let environments = fields.names("environments").unwrap_or_default();
        for name in &environments {
            let word = type_of(name);
            if word.is_some_and(|word| EnvironmentType::parse(&word).is_none()) {
                let msg = format!("{name:?} should be {}", EnvironmentType::words());
                fields.reject("environments", "enum", msg);
            }
        }
        let kind = fields.required_choice("type", &KINDS);
        let rollbacks = fields.choice("rollbacks", &Rollbacks::WORDS);
        let config = fields.object("config").unwrap_or_default();
        let path = vec!["body".to_owned(), "config".to_owned()];
        let mut config = Fields::of(config, path);
        if fields.is_stored() {
            config = config.stored();
        }
        let check = kind.and_then(|kind| Check::read(kind, &mut config));
        if kind.is_some() {
            config.refuse_unread();
        }
        fields.refuse_unread();
        if let Some(name) = check
            .as_ref()
            .filter(|_| !fields.is_stored())
            .and_then(|check| requires_itself(check, &environments))
        {
            let msg = format!(
                "A deployment to {name} cannot require {name} itself: nothing would ever be \
                 checked"
            );
            config.reject(check_field(check.as_ref()), "value_error", msg);
        }
        let concurrency = matches!(check, Some(Check::Concurrency(_)));
        if concurrency && rollbacks == Some(Rollbacks::Pass) {
            let msg = "A deployment in progress holds a rollback too";
            fields.reject("rollbacks", "value_error", msg);
        }
        fields.absorb(config);
        fields.finish()?;
        match check {
            Some(check) => Ok(RuleSpec {
                name,
                status: status.unwrap_or(RuleStatus::Enabled),
                products,
                environments,
                rollbacks: rollbacks.unwrap_or(Rollbacks::of(&check)),
                check,
            }),
            None => Err(Refusal::Invalid(Vec::new())),
        }
    }

    /// The rule with some of its fields replaced.
    ///
    /// # Errors
    /// As [`RuleSpec::read`].
    pub fn patched(&self, changes: &Map<String, Value>) -> Result<RuleSpec, Refusal> {
        let mut fields = Fields::of(changes.clone(), vec!["body".to_owned()]);
        // What `GET` shows beside them comes back with them.
        for name in SHOWN_BESIDE {
            fields.take(name);
        }
        fields.refuse_empty();
        let mut body = match &self.check {
            Check::Damaged { definition, .. } => Value::Object(definition.clone()),
            _ => self.to_json(),
        };
        if let Value::Object(object) = &mut body {
            object.extend(fields.clone_object());
        }
        fields.finish()?;
        RuleSpec::read(body)
    }

    /// The rule as a client writes it.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.check.type_name(),
            "status": self.status.as_str(),
            "products": self.products,
            "environments": self.environments,
            "rollbacks": self.rollbacks.as_str(),
            "config": self.check.config(),
        })
    }

    /// The rule with another name for what it calls `old`; none if it does not name that.
    pub fn renamed(&self, kind: Kind, old: &str, new: &str) -> Option<RuleSpec> {
        let mut spec = self.clone();
        let replace = |names: &mut Vec<String>| rename(names, old, new);
        match kind {
            Kind::Product => replace(&mut spec.products),
            Kind::Environment => {
                replace(&mut spec.environments);
                match &mut spec.check {
                    Check::Flow {
                        required_environments,
                    }
                    | Check::QualityApproval {
                        required_environments,
                        ..
                    } => replace(required_environments),
                    Check::SoakTime { environment, .. } if fold(environment) == fold(old) => {
                        new.clone_into(environment);
                    }
                    _ => {}
                }
            }
        }
        (spec != *self).then_some(spec)
    }

    /// Every environment that it names, but for types.
    pub fn named_environments(&self) -> impl Iterator<Item = &String> {
        let own = self.environments.iter();
        own.filter(|name| type_of(name).is_none())
            .chain(required_by(&self.check))
    }

    /// Whether a start under this rule waits for another environment whose start, under one of
    /// `others`, waits for this one: then neither ever starts.
    pub fn circle(&self, others: &[Rule]) -> Option<String> {
        let edges = |spec: &RuleSpec| -> Vec<(String, String)> {
            let Check::Flow {
                required_environments,
            } = &spec.check
            else {
                return Vec::new();
            };
            if spec.status == RuleStatus::Disabled {
                return Vec::new();
            }
            let pairs = spec.environments.iter().flat_map(|from| {
                required_environments
                    .iter()
                    .map(move |to| (fold(from), fold(to)))
            });
            pairs.filter(|(from, to)| from != to).collect()
        };
        let all: Vec<_> = others
            .iter()
            .map(|rule| &rule.spec)
            .filter(|other| {
                let both = |a: &[String], b: &[String]| {
                    a.is_empty()
                        || b.is_empty()
                        || a.iter().any(|a| b.iter().any(|b| fold(a) == fold(b)))
                };
                both(&other.products, &self.products)
            })
            .chain([self])
            .flat_map(edges)
            .collect();
        for (start, _) in edges(self) {
            let mut seen = vec![start.clone()];
            let mut next = 0;
            while let Some(at) = seen.get(next).cloned() {
                next += 1;
                for (_, to) in all.iter().filter(|(from, _)| *from == at) {
                    if *to == start {
                        return Some(start);
                    }
                    if !seen.contains(to) {
                        seen.push(to.clone());
                    }
                }
            }
        }
        None
    }

    /// Whether the rule is for this product and environment.
    pub fn applies_to(&self, place: &Place) -> bool {
        let environment = fold(&place.environment);
        let of_type = place.environment_type.map(EnvironmentType::as_str);
        let named = self.environments.iter().any(|name| {
            fold(name) == environment
                || of_type.is_some_and(|word| type_of(name).as_deref() == Some(word))
        });
        self.is_for_product(&place.product) && (self.environments.is_empty() || named)
    }

    /// Whether the rule is for this product.
    pub fn is_for_product(&self, product: &str) -> bool {
        let product = fold(product);
        self.products.is_empty() || self.products.iter().any(|name| fold(name) == product)
    }

    /// Whether people meet the rule, by what they say.
    pub fn is_for_people(&self) -> bool {
        matches!(
            self.check,
            Check::QualityApproval { .. } | Check::ReleaseApproval(_)
        )
    }

    /// What people must be able to approve for the rule to be met.
    pub fn needs_people(&self) -> Option<ApprovalKind> {
        match &self.check {
            Check::QualityApproval { terms, .. } if !terms.keys => Some(ApprovalKind::Quality),
            Check::ReleaseApproval(terms) if !terms.keys => Some(ApprovalKind::Release),
            _ => None,
        }
    }

    /// What whoever makes the rule may not have meant.
    pub fn hints(&self, now: i64) -> Vec<String> {
        match &self.check {
            Check::NoDeployWindow(window) => window.hints(instant(now)),
            _ => Vec::new(),
        }
    }
}

/// The type, if a rule names environments by it: `type:production`.
fn type_of(name: &str) -> Option<String> {
    let (prefix, word) = name.split_once(':')?;
    (prefix.trim().eq_ignore_ascii_case("type")).then(|| word.trim().to_ascii_lowercase())
}

/// A stored rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its identifier.
    pub id: String,
    /// The rule.
    pub spec: RuleSpec,
    /// What it does for a time in place of its status.
    pub overridden: Option<Override>,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in microseconds since 1970.
    pub updated_at: i64,
}

impl Rule {
    /// Reads a rule back from where it was stored.
    pub fn read_stored(
        id: String,
        mut definition: Map<String, Value>,
        (created_at, updated_at): (i64, i64),
    ) -> Rule {
        // A damaged override is none: the rule then does what its status says.
        let overridden = definition
            .shift_remove("override")
            .and_then(|stored| serde_json::from_value(stored).ok());
        Rule {
            id,
            spec: RuleSpec::read_stored(definition),
            overridden,
            created_at,
            updated_at,
        }
    }

    /// The rule as it is stored.
    pub fn definition(&self) -> Value {
        let mut definition = match &self.spec.check {
            Check::Damaged { definition, .. } => Value::Object(definition.clone()),
            _ => self.spec.to_json(),
        };
        if let Some(overridden) = &self.overridden {
            definition["override"] = json!(overridden);
        }
        definition
    }

    /// The override that is in force.
    pub fn override_at(&self, now: i64) -> Option<&Override> {
        self.overridden
            .as_ref()
            .filter(|overridden| overridden.holds(now))
    }

    /// What it does now when it is violated.
    pub fn status_at(&self, now: i64) -> RuleStatus {
        self.override_at(now)
            .map_or(self.spec.status, |overridden| overridden.status)
    }

    /// The rule as the API shows it.
    pub fn to_json(&self, now: i64) -> Value {
        let mut shown = Map::new();
        shown.insert("id".to_owned(), self.id.clone().into());
        if let Value::Object(spec) = self.spec.to_json() {
            shown.extend(spec);
        }
        let overridden = self.override_at(now).map(Override::to_json);
        shown.insert("override".to_owned(), overridden.into());
        let effective = self.status_at(now).as_str();
        shown.insert("effective_status".to_owned(), effective.into());
        if let Check::Damaged { reason, .. } = &self.spec.check {
            shown.insert("damaged".to_owned(), reason.clone().into());
        }
        shown.insert("created_at".to_owned(), rfc3339(self.created_at).into());
        shown.insert("updated_at".to_owned(), rfc3339(self.updated_at).into());
        Value::Object(shown)
    }
}

/// Tells the states of a rule apart, as an entity tag.
pub fn etag(shown: &Value) -> String {
    let hash = Sha256::digest(shown.to_string().as_bytes());
    let hex: String = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}
