//! Rules.

use serde_json::{Map, Value};

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::names::{fold, nearest};
use crate::domain::rules::{Override, Rule, RuleSpec, etag};
use crate::store::transaction::{Envelope, Transaction};
use crate::store::{StoreError, new_id};

type Decided = Result<Decision, Refusal>;

/// What a rule is to become.
pub struct RuleChange<'a> {
    /// The fields.
    pub changes: &'a Map<String, Value>,
    /// Whether environments that it names exist from now on.
    pub create: bool,
    /// Why.
    pub reason: &'a Option<String>,
    /// The entity tag of the rule that the change is for.
    pub expected: &'a Option<String>,
}

/// Whether the rule is not any more what somebody has read.
fn is_another(rule: &Rule, expected: &Option<String>, now: i64) -> bool {
    expected
        .as_ref()
        .is_some_and(|tag| *tag != etag(&rule.to_json(now)))
}

/// Adds a rule.
pub async fn add_rule<T: Transaction>(
    transaction: &mut T,
    spec: &RuleSpec,
    create: bool,
    reason: &Option<String>,
    now: i64,
) -> Result<Decided, StoreError> {
    let rules = transaction.rules().await?;
    let changes = match check(transaction, spec, &rules, create, now).await? {
        Ok(changes) => changes,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let rule = Rule {
        id: new_id(),
        spec: spec.clone(),
        overridden: None,
        created_at: now,
        updated_at: now,
    };
    let answer = Answer::new(201, &with_hints(transaction, &rule, now).await?);
    let mut decision = rule_decision(&rule, None, reason, answer, "rule.added");
    decision.changes.splice(0..0, changes);
    Ok(Ok(decision))
}

/// The rule as the API shows it, with what whoever makes it may not have meant.
async fn with_hints<T: Transaction>(
    transaction: &mut T,
    rule: &Rule,
    now: i64,
) -> Result<Value, StoreError> {
    let mut hints = rule.spec.hints(now);
    if let Some(kind) = rule.spec.needs_people() {
        let people = transaction.people().await?;
        if !people.iter().any(|known| known.person.may_give(kind)) {
            hints.push(format!(
                "Nobody may give {} approvals yet, and those of API keys do not count without \
                 \"keys\": true",
                kind.as_str()
            ));
        }
    }
    let mut shown = rule.to_json(now);
    if !hints.is_empty() {
        shown["warnings"] = hints.into();
    }
    Ok(shown)
}

/// Whether a rule can be met, and protects what it names: an environment that does not exist would
/// protect nothing.
async fn check<T: Transaction>(
    transaction: &mut T,
    spec: &RuleSpec,
    others: &[Rule],
    create: bool,
    now: i64,
) -> Result<Result<Vec<Change>, Refusal>, StoreError> {
    if let Some(msg) = circle(spec, others) {
        return Ok(Err(Refusal::field("config", "value_error", msg)));
    }
    let known = transaction.environments().await?;
    let mut changes = Vec::new();
    for name in spec.named_environments() {
        if known.iter().any(|other| fold(other) == fold(name)) {
            continue;
        }
        if !create {
            return Ok(Err(unknown_environment("environments", name, &known)));
        }
        let (_, mut created) = transaction.ensure_environment(name, now).await?;
        changes.append(&mut created);
    }
    Ok(Ok(changes))
}

/// Why a rule and the others would let nothing start.
pub fn circle(spec: &RuleSpec, others: &[Rule]) -> Option<String> {
    spec.circle(others).map(|environment| {
        format!(
            "Together with the other flow rules, {environment} would wait for itself; no start \
             would ever be allowed"
        )
    })
}

pub fn unknown_environment(field: &str, name: &str, known: &[String]) -> Refusal {
    let msg = no_environment(name, known);
    let end = if msg.ends_with('?') { "" } else { ";" };
    let msg = format!("{msg}{end} Send \"create\": true if it is to exist from now on");
    Refusal::field(field, "unknown_environment", msg)
}

/// That there is no environment of a name, and which was meant.
pub fn no_environment(name: &str, known: &[String]) -> String {
    let meant = nearest(name, known.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |other| format!("; did you mean {other}?"));
    format!("There is no environment {name}{meant}")
}

/// Replaces some fields of a rule.
pub async fn change_rule<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    id: &str,
    change: &RuleChange<'_>,
) -> Result<Decided, StoreError> {
    let now = envelope.now;
    let rules = transaction.rules().await?;
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return Ok(Err(Refusal::NotFound("Rule")));
    };
    if is_another(rule, change.expected, now) {
        return Ok(Err(Refusal::Changed));
    }
    let mut changes = change.changes.clone();
    let overridden = match overridden(rule, &mut changes, envelope) {
        Ok(overridden) => overridden,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let spec = match rule.spec.patched(&changes) {
        Ok(spec) => spec,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let others: Vec<_> = rules
        .iter()
        .filter(|other| other.id != id)
        .cloned()
        .collect();
    let created = match check(transaction, &spec, &others, change.create, now).await? {
        Ok(created) => created,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let changed = Rule {
        spec,
        overridden,
        updated_at: now,
        ..rule.clone()
    };
    let answer = Answer::new(200, &with_hints(transaction, &changed, now).await?);
    let before = Some(rule.definition());
    let mut decision = rule_decision(&changed, before, change.reason, answer, "rule.changed");
    decision.changes.splice(0..0, created);
    Ok(Ok(decision))
}

/// The override that the rule has from now on; `changes` loses its member for it. `null` ends it.
fn overridden(
    rule: &Rule,
    changes: &mut Map<String, Value>,
    envelope: &Envelope,
) -> Result<Option<Override>, Refusal> {
    let before = rule.override_at(envelope.now);
    match changes.shift_remove("override") {
        None => Ok(before.cloned()),
        Some(Value::Null) => Ok(None),
        Some(Value::Object(body)) => {
            Override::read(body, before, &envelope.actor, envelope.now).map(Some)
        }
        Some(_) => {
            let msg = "Input should be an object with status, until and reason, or null";
            Err(Refusal::field("override", "dict_type", msg))
        }
    }
}

/// Removes a rule.
pub async fn remove_rule<T: Transaction>(
    transaction: &mut T,
    id: &str,
    reason: &Option<String>,
    expected: &Option<String>,
    now: i64,
) -> Result<Decided, StoreError> {
    let rules = transaction.rules().await?;
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return Ok(Err(Refusal::NotFound("Rule")));
    };
    if is_another(rule, expected, now) {
        return Ok(Err(Refusal::Changed));
    }
    Ok(Ok(removal(rule, reason, now)))
}

/// The end of a rule.
pub fn removal(rule: &Rule, reason: &Option<String>, now: i64) -> Decision {
    Decision {
        changes: vec![Change::Rule {
            id: rule.id.clone(),
            definition: None,
            before: Some(rule.definition()),
            reason: reason.clone(),
            created_at: rule.created_at,
            updated_at: now,
        }],
        answer: Answer {
            status: 204,
            body: String::new(),
            replayed: false,
        },
        subject: Some(rule.id.clone()),
        kind: "rule.removed",
    }
}

/// What a rule is from now on.
pub fn rule_decision(
    rule: &Rule,
    before: Option<Value>,
    reason: &Option<String>,
    answer: Answer,
    kind: &'static str,
) -> Decision {
    Decision {
        changes: vec![Change::Rule {
            id: rule.id.clone(),
            definition: Some(rule.definition()),
            before,
            reason: reason.clone(),
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }],
        answer,
        subject: Some(rule.id.clone()),
        kind,
    }
}
