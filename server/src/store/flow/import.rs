//! Rules as people keep them in a file: the whole policy at once, or nothing of it.

use serde_json::{Value, json};

use super::policy::{circle, removal, rule_decision};
use super::{Outcome, finish};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::fields::FieldError;
use crate::domain::names::{fold, nearest};
use crate::domain::naming::Kind;
use crate::domain::rules::file::{self, Imported};
use crate::domain::rules::{Rule, RuleSpec};
use crate::store::transaction::{Envelope, Transaction};
use crate::store::{StoreError, new_id};

/// The rules of a file.
#[derive(Debug)]
pub struct Import {
    /// They, in their order.
    pub rules: Vec<Imported>,
    /// Whether environments that they name exist from now on.
    pub create: bool,
    /// Whether rules that are not among them are removed.
    pub remove_others: bool,
    /// Why, for the log.
    pub reason: Option<String>,
    /// Whether it is only to be said what would change.
    pub check: bool,
    /// The entity tag of the rules that the file is to take the place of.
    pub expected: Option<String>,
}

/// Makes the rules what the file says. What is as it says already stays as it is.
pub async fn import<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    import: &Import,
) -> Result<Outcome, StoreError> {
    let now = envelope.now;
    let present = transaction.rules().await?;
    if import
        .expected
        .as_ref()
        .is_some_and(|tag| *tag != file::tag(&present))
    {
        return Ok(Outcome::Refused(Refusal::Changed));
    }
    let mut found = resolve(transaction, import, now).await?;
    let targets = targets(&present, import, &mut found.errors);
    let wanted: Vec<Rule> = found
        .specs
        .iter()
        .zip(&targets)
        .map(|(spec, target)| wanted(spec, *target, now))
        .collect();
    let others: Vec<Rule> = present
        .iter()
        .filter(|rule| wanted.iter().all(|wanted| wanted.id != rule.id))
        .cloned()
        .collect();
    let staying = if import.remove_others {
        &[]
    } else {
        others.as_slice()
    };
    circles(&wanted, staying, &mut found.errors);
    if !found.errors.is_empty() {
        return Ok(Outcome::Refused(Refusal::Invalid(found.errors)));
    }
    let mut told = Told {
        warnings: found.warnings,
        ..Told::default()
    };
    let mut decisions = Vec::new();
    for (rule, before) in wanted.iter().zip(targets) {
        match before {
            Some(before) if before.spec == rule.spec => told.unchanged += 1,
            Some(before) => {
                told.changed.push(difference(&before.spec, &rule.spec));
                decisions.push(decision(rule, Some(before), import, now));
            }
            None => {
                told.added.push(rule.spec.name.clone());
                decisions.push(decision(rule, None, import, now));
            }
        }
    }
    let names = others.iter().map(|rule| rule.spec.name.clone()).collect();
    if import.remove_others {
        told.removed = names;
        let removals = others.iter();
        decisions.extend(removals.map(|rule| removal(rule, &import.reason, now)));
    } else {
        told.left = names;
    }
    let answer = told.answer();
    if import.check {
        return Ok(Outcome::Shown(answer));
    }
    // The environments come to exist with the first rule that changes.
    if let Some(first) = decisions.first_mut() {
        first.changes.splice(0..0, found.created);
    }
    // A form that is sent twice gets the whole answer twice: it is remembered with the last change.
    let last = decisions.pop().map(|decision| Decision {
        answer: answer.clone(),
        ..decision
    });
    let unnamed = Envelope {
        request: None,
        ..envelope.clone()
    };
    for decision in decisions {
        finish(transaction, &unnamed, Ok(decision)).await?;
    }
    if let Some(last) = last {
        finish(transaction, envelope, Ok(last)).await?;
    }
    Ok(Outcome::Done(answer))
}

/// The rule as it is from now on.
fn wanted(spec: &RuleSpec, target: Option<&Rule>, now: i64) -> Rule {
    match target {
        Some(rule) if rule.spec == *spec => rule.clone(),
        Some(rule) => Rule {
            spec: spec.clone(),
            updated_at: now,
            ..rule.clone()
        },
        None => Rule {
            id: new_id(),
            spec: spec.clone(),
            overridden: None,
            created_at: now,
            updated_at: now,
        },
    }
}

/// What came of it, or would come of it.
#[derive(Default)]
struct Told {
    added: Vec<String>,
    changed: Vec<Value>,
    removed: Vec<String>,
    left: Vec<String>,
    unchanged: usize,
    warnings: Vec<Value>,
}

impl Told {
    fn answer(self) -> Answer {
        let body = json!({
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "left": self.left,
            "unchanged": self.unchanged,
            "warnings": self.warnings,
        });
        Answer::new(200, &body)
    }
}

/// The rule that each of a file is about; none for a new one.
fn targets<'a>(
    present: &'a [Rule],
    import: &Import,
    errors: &mut Vec<FieldError>,
) -> Vec<Option<&'a Rule>> {
    let mut targets: Vec<Option<&Rule>> = Vec::new();
    for (at, imported) in import.rules.iter().enumerate() {
        let target = match target(present, imported) {
            Ok(target) => target,
            Err((field, kind, msg)) => {
                errors.push(error(at, field, kind, msg));
                targets.push(None);
                continue;
            }
        };
        let same_name = |other: &Imported| fold(&other.spec.name) == fold(&imported.spec.name);
        let again = import.rules[..at]
            .iter()
            .zip(&targets)
            .any(|(other, of)| match (target, of) {
                (Some(rule), Some(of)) => rule.id == of.id,
                (None, None) => same_name(other),
                _ => false,
            });
        if again {
            let msg = format!("The rule {} stands here again", imported.spec.name);
            errors.push(error(at, "name", "doubled_name", msg));
        }
        targets.push(target);
    }
    targets
}

/// The rule that one of a file is about: by its identifier, or by its name.
fn target<'a>(
    present: &'a [Rule],
    imported: &Imported,
) -> Result<Option<&'a Rule>, (&'static str, &'static str, String)> {
    if let Some(id) = &imported.id {
        let found = present.iter().find(|rule| rule.id == *id);
        let msg = || format!("There is no rule {id}; without an id this is a new one");
        return found.map(Some).ok_or_else(|| ("id", "unknown_rule", msg()));
    }
    let name = &imported.spec.name;
    let same = |rule: &&Rule| fold(&rule.spec.name) == fold(name);
    let found: Vec<&Rule> = present.iter().filter(same).collect();
    if found.len() > 1 {
        let ids: Vec<_> = found.iter().map(|rule| rule.id.as_str()).collect();
        let ids = ids.join(", ");
        let msg = format!(
            "{} rules are called {name}; say which by its id: {ids}",
            found.len()
        );
        return Err(("name", "doubled_name", msg));
    }
    Ok(found.first().copied())
}

fn error(at: usize, field: &str, kind: &'static str, msg: String) -> FieldError {
    FieldError {
        loc: ["body", "rules", &at.to_string(), field]
            .map(str::to_owned)
            .to_vec(),
        msg,
        kind,
    }
}

/// The rules of a file, as far as they are about what there is.
#[derive(Default)]
struct Found {
    /// With the names that things have now.
    specs: Vec<RuleSpec>,
    /// The environments that come to exist.
    created: Vec<Change>,
    errors: Vec<FieldError>,
    warnings: Vec<Value>,
}

/// Looks up what the rules name. A name from before becomes the present one; an environment that there
/// is not is wrong, unless it is to exist from now on.
async fn resolve<T: Transaction>(
    transaction: &mut T,
    import: &Import,
    now: i64,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let mut known = transaction.environments().await?;
    for (at, imported) in import.rules.iter().enumerate() {
        let mut spec = imported.spec.clone();
        let mut warn = |field, msg: String| {
            let loc = ["body", "rules", &at.to_string(), field].map(str::to_owned);
            found.warnings.push(json!({ "loc": loc, "msg": msg }));
        };
        for name in imported.spec.named_environments() {
            match transaction.environment(name).await? {
                Some((_, present)) if fold(&present) == fold(name) => {}
                Some((_, present)) => {
                    warn("environments", format!("{name} is called {present} now"));
                    let renamed = spec.renamed(Kind::Environment, name, &present);
                    spec = renamed.unwrap_or(spec);
                }
                None if import.create => {
                    let (_, mut changes) = transaction.ensure_environment(name, now).await?;
                    found.created.append(&mut changes);
                    known.push(name.clone());
                }
                None => {
                    let meant = nearest(name, known.iter().map(String::as_str));
                    let meant =
                        meant.map_or(String::new(), |other| format!(", did you mean {other}?"));
                    let msg = format!("There is no environment {name}{meant}");
                    let error = error(at, "environments", "unknown_environment", msg);
                    found.errors.push(error);
                }
            }
        }
        for name in &imported.spec.products {
            match transaction.product(name).await? {
                Some((_, present)) if fold(&present) == fold(name) => {}
                Some((_, present)) => {
                    warn("products", format!("{name} is called {present} now"));
                    let renamed = spec.renamed(Kind::Product, name, &present);
                    spec = renamed.unwrap_or(spec);
                }
                None => warn("products", format!("There is no product {name} yet")),
            }
        }
        found.specs.push(spec);
    }
    Ok(found)
}

/// Rules of the file that wait for each other, or for one that stays.
fn circles(wanted: &[Rule], staying: &[Rule], errors: &mut Vec<FieldError>) {
    for (at, rule) in wanted.iter().enumerate() {
        let others: Vec<Rule> = wanted
            .iter()
            .filter(|other| other.id != rule.id)
            .chain(staying)
            .cloned()
            .collect();
        if let Some(msg) = circle(&rule.spec, &others) {
            errors.push(error(at, "config", "value_error", msg));
        }
    }
}

/// The rule's name, and the members that are another from now on.
fn difference(before: &RuleSpec, after: &RuleSpec) -> Value {
    let (before, new) = (before.to_json(), after.to_json());
    let fields: Vec<&String> = new
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| before[name.as_str()] != **value)
        .map(|(name, _)| name)
        .collect();
    json!({ "name": after.name, "fields": fields })
}

fn decision(rule: &Rule, before: Option<&Rule>, import: &Import, now: i64) -> Decision {
    let (status, kind) = match before {
        Some(_) => (200, "rule.changed"),
        None => (201, "rule.added"),
    };
    let answer = Answer::new(status, &rule.to_json(now));
    let before = before.map(Rule::definition);
    rule_decision(rule, before, &import.reason, answer, kind)
}
