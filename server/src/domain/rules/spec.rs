//! A deployment rule as a resource.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Window;
use crate::domain::answer::Refusal;
use crate::domain::fields::{Fields, MAX_NAME};
use crate::domain::names::fold;
use crate::domain::time::rfc3339;

/// The longest soak time: a year.
const MAX_SOAK_MINUTES: i64 = 366 * 24 * 60;
const MAX_APPROVALS: i64 = 100;

/// What a rule does when it is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleStatus {
    /// It blocks.
    Enabled,
    /// It is reported and does not block.
    ReportOnly,
    /// It is not looked at.
    Disabled,
}

impl RuleStatus {
    const WORDS: [(&'static str, RuleStatus); 3] = [
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

/// What a rule demands.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// No other deployment of the product is in progress in the environment.
    Concurrency,
    /// Nothing is deployed in a window of time.
    NoDeployWindow(Window),
    /// The version was deployed to other environments before.
    Flow {
        /// Those environments.
        required_environments: Vec<String>,
    },
    /// The version ran in another environment for some time.
    SoakTime {
        /// That environment.
        environment: String,
        /// How long, in minutes.
        soak_minutes: i64,
    },
    /// People approved the version's quality in other environments.
    QualityApproval {
        /// Those environments.
        required_environments: Vec<String>,
        /// How many people, in each of them.
        required_approvals: i64,
    },
    /// People approved the release to the environment.
    ReleaseApproval {
        /// How many people.
        required_approvals: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Concurrency,
    NoDeployWindow,
    Flow,
    SoakTime,
    QualityApproval,
    ReleaseApproval,
}

const KINDS: [(&str, Kind); 6] = [
    ("concurrency", Kind::Concurrency),
    ("no_deploy_window", Kind::NoDeployWindow),
    ("flow", Kind::Flow),
    ("soak_time", Kind::SoakTime),
    ("quality_approval", Kind::QualityApproval),
    ("release_approval", Kind::ReleaseApproval),
];

impl Check {
    fn read(kind: Kind, config: &mut Fields) -> Option<Check> {
        Some(match kind {
            Kind::Concurrency => Check::Concurrency,
            Kind::NoDeployWindow => Check::NoDeployWindow(Window::read(config)?),
            Kind::Flow => Check::Flow {
                required_environments: required_environments(config)?,
            },
            Kind::SoakTime => {
                let environment = config.required_name("environment");
                let minutes = config.required_integer("soak_minutes", 1..=MAX_SOAK_MINUTES);
                Check::SoakTime {
                    environment,
                    soak_minutes: minutes?,
                }
            }
            Kind::QualityApproval => {
                let environments = required_environments(config);
                let approvals = required_approvals(config);
                Check::QualityApproval {
                    required_environments: environments?,
                    required_approvals: approvals?,
                }
            }
            Kind::ReleaseApproval => Check::ReleaseApproval {
                required_approvals: required_approvals(config)?,
            },
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Check::Concurrency => Kind::Concurrency,
            Check::NoDeployWindow(_) => Kind::NoDeployWindow,
            Check::Flow { .. } => Kind::Flow,
            Check::SoakTime { .. } => Kind::SoakTime,
            Check::QualityApproval { .. } => Kind::QualityApproval,
            Check::ReleaseApproval { .. } => Kind::ReleaseApproval,
        }
    }

    /// The place of the check in the order in which checks are made.
    pub fn order(&self) -> usize {
        KINDS
            .iter()
            .position(|(_, kind)| *kind == self.kind())
            .unwrap_or(KINDS.len())
    }

    /// The word for its kind.
    pub fn type_name(&self) -> &'static str {
        KINDS.get(self.order()).map_or("", |(name, _)| *name)
    }

    fn config(&self) -> Value {
        match self {
            Check::Concurrency => json!({}),
            Check::NoDeployWindow(window) => window.to_json(),
            Check::Flow {
                required_environments,
            } => {
                json!({ "required_environments": required_environments })
            }
            Check::SoakTime {
                environment,
                soak_minutes,
            } => {
                json!({ "environment": environment, "soak_minutes": soak_minutes })
            }
            Check::QualityApproval {
                required_environments,
                required_approvals,
            } => json!({
                "required_environments": required_environments,
                "required_approvals": required_approvals,
            }),
            Check::ReleaseApproval { required_approvals } => {
                json!({ "required_approvals": required_approvals })
            }
        }
    }
}

fn required_environments(config: &mut Fields) -> Option<Vec<String>> {
    config.required_names("required_environments")
}

fn required_approvals(config: &mut Fields) -> Option<i64> {
    config.required_integer("required_approvals", 1..=MAX_APPROVALS)
}

/// The environments that a check requires something of.
fn required_by(check: &Check) -> &[String] {
    match check {
        Check::Flow {
            required_environments,
        }
        | Check::QualityApproval {
            required_environments,
            ..
        } => required_environments,
        Check::SoakTime { environment, .. } => std::slice::from_ref(environment),
        _ => &[],
    }
}

/// An environment that the rule is for, if it requires that one and no other.
fn requires_itself<'a>(check: &'a Check, environments: &[String]) -> Option<&'a String> {
    let required = required_by(check);
    let own = |name: &&String| environments.iter().any(|own| fold(own) == fold(name));
    let first = required.first()?;
    (environments.len() == 1 && required.iter().all(|name| own(&name))).then_some(first)
}

fn check_field(check: Option<&Check>) -> &'static str {
    match check {
        Some(Check::SoakTime { .. }) => "environment",
        _ => "required_environments",
    }
}

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

    /// Reads a rule back from where it was stored.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if it was damaged since.
    pub fn read_stored(definition: Value) -> Result<RuleSpec, Refusal> {
        RuleSpec::read_fields(Fields::of_body(definition)?.stored())
    }

    fn read_fields(mut fields: Fields) -> Result<RuleSpec, Refusal> {
        let name = fields.required_text("name", MAX_NAME);
        let status = fields.choice("status", &RuleStatus::WORDS);
        let products = fields.names("products").unwrap_or_default();
        let environments = fields.names("environments").unwrap_or_default();
        let kind = fields.required_choice("type", &KINDS);
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
        fields.absorb(config);
        fields.finish()?;
        match check {
            Some(check) => Ok(RuleSpec {
                name,
                status: status.unwrap_or(RuleStatus::Enabled),
                products,
                environments,
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
        for name in ["id", "created_at", "updated_at"] {
            fields.take(name);
        }
        fields.refuse_empty();
        let mut body = self.to_json();
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
            "config": self.check.config(),
        })
    }

    /// Every environment that it names.
    pub fn named_environments(&self) -> impl Iterator<Item = &String> {
        self.environments.iter().chain(required_by(&self.check))
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
    pub fn applies_to(&self, product: &str, environment: &str) -> bool {
        let names = |list: &[String], name: &str| {
            let name = fold(name);
            list.is_empty() || list.iter().any(|candidate| fold(candidate) == name)
        };
        names(&self.products, product) && names(&self.environments, environment)
    }
}

/// A stored rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its identifier.
    pub id: String,
    /// The rule.
    pub spec: RuleSpec,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in microseconds since 1970.
    pub updated_at: i64,
}

impl Rule {
    /// The rule as the API shows it.
    pub fn to_json(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("id".to_owned(), self.id.clone().into());
        if let Value::Object(spec) = self.spec.to_json() {
            shown.extend(spec);
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
