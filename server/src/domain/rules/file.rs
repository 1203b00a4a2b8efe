//! Rules as people keep them in a file.

use serde_json::{Map, Value, json};

use super::{Check, Rule, RuleSpec, etag};
use crate::domain::answer::Refusal;
use crate::domain::fields::{FieldError, Fields, MAX_NAME};
use crate::domain::names::fold;
use crate::domain::yaml::write as to_yaml;

/// A rule of a file.
#[derive(Debug)]
pub struct Imported {
    /// Its identifier, which only a rule needs whose name is that of another as well.
    pub id: Option<String>,
    /// The rule.
    pub spec: RuleSpec,
}

/// Tells the states of all rules apart, as an entity tag.
pub fn tag(rules: &[Rule]) -> String {
    let all: Vec<Value> = rules
        .iter()
        .map(|rule| json!([rule.id, rule.definition()]))
        .collect();
    etag(&Value::Array(all))
}

/// The rules as a file. What only holds for a time, an override, is not policy and not in it.
pub fn export(account: &str, rules: &[Rule]) -> String {
    let shown = rules.iter().map(|rule| {
        let doubled = rules
            .iter()
            .any(|other| other.id != rule.id && fold(&other.spec.name) == fold(&rule.spec.name));
        let mut members = Map::new();
        if doubled {
            members.insert("id".to_owned(), rule.id.clone().into());
        }
        let spec = match &rule.spec.check {
            Check::Damaged { definition, .. } => Value::Object(definition.clone()),
            _ => rule.spec.to_json(),
        };
        if let Value::Object(spec) = spec {
            members.extend(spec);
        }
        Value::Object(members)
    });
    let document = json!({ "rules": shown.collect::<Vec<_>>() });
    format!(
        "# The deployment rules of the account {account}; versioner-server rules import takes them.\n{}",
        to_yaml(&document)
    )
}

/// The rules that a file has.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn read(document: &Value) -> Result<Vec<Imported>, Vec<FieldError>> {
    let refused = |refusal| match refusal {
        Refusal::Invalid(errors) => errors,
        other => vec![FieldError::new(
            "body",
            "rules",
            "value_error",
            other.to_string(),
        )],
    };
    let mut fields = Fields::of_body(document.clone()).map_err(refused)?;
    let rules = fields.take("rules");
    fields.refuse_unread();
    fields.finish().map_err(refused)?;
    let Some(Value::Array(rules)) = rules else {
        let msg = "A list of rules should stand here; rules: [] if there are none";
        return Err(vec![FieldError::new("body", "rules", "list_type", msg)]);
    };
    let mut errors = Vec::new();
    let mut read = Vec::new();
    for (at, rule) in rules.into_iter().enumerate() {
        match read_rule(rule) {
            Ok(imported) => read.push(imported),
            Err(refusal) => errors.extend(refused(refusal).into_iter().map(|mut error| {
                error.loc.splice(1..1, ["rules".to_owned(), at.to_string()]);
                error
            })),
        }
    }
    if errors.is_empty() {
        Ok(read)
    } else {
        Err(errors)
    }
}

fn read_rule(rule: Value) -> Result<Imported, Refusal> {
    let mut fields = Fields::of_body(rule)?;
    let id = fields.text("id", MAX_NAME);
    let spec = fields.clone_object();
    fields.finish()?;
    Ok(Imported {
        id,
        spec: RuleSpec::read(Value::Object(spec))?,
    })
}
