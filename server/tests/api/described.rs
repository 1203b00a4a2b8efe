//! Holds every answer that a test gets against the description of the service.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::Reply;

static DESCRIPTION: OnceLock<Value> = OnceLock::new();
/// What was made of the schemas that were needed, by operation and status.
static VALIDATORS: LazyLock<Mutex<BTreeMap<String, Validator>>> = LazyLock::new(Mutex::default);

/// Checks an answer. `fetch` gets the description; it is asked once.
pub fn check(method: &str, target: &str, reply: &Reply, fetch: impl FnOnce() -> Value) {
    let path = target.split('?').next().unwrap_or_default();
    let description = DESCRIPTION.get_or_init(fetch);
    let Some((name, operation)) = operation(description, method, path) else {
        assert!(
            [404, 405].contains(&reply.status),
            "{method} {path}: {reply:?}"
        );
        return;
    };
    let what = format!("{method} {name} {}", reply.status);
    let response = &operation["responses"][reply.status.to_string()];
    assert!(
        response.is_object(),
        "{what} is not described: {}",
        reply.text
    );
    let Some(content) = response["content"].as_object() else {
        assert_eq!(reply.text, "", "{what} has no body");
        return;
    };
    let kind = reply.headers.get("content-type").map_or("", String::as_str);
    let essence = kind.split(';').next().unwrap_or_default();
    let described = content.get(essence);
    let described = described.unwrap_or_else(|| panic!("{what} is described as no {kind}"));
    if essence != "application/json" {
        return;
    }
    let mut validators = VALIDATORS
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let validator = validators.entry(what.clone()).or_insert_with(|| {
        let schema = json!({
            "allOf": [described["schema"]],
            "components": description["components"],
        });
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{what}: {error}"))
    });
    let answer = reply.json();
    let errors: Vec<String> = validator
        .iter_errors(&answer)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?}\n{answer}");
}

/// The operation that a request is for, and the path under which it is described.
fn operation<'a>(
    description: &'a Value,
    method: &str,
    path: &str,
) -> Option<(&'a String, &'a Value)> {
    let fits = |template: &str| {
        let (wanted, given) = (template.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count()
            && wanted.zip(given).all(|(wanted, given)| {
                wanted == given || (wanted.starts_with('{') && !given.is_empty())
            })
    };
    let (name, methods) = description["paths"]
        .as_object()?
        .iter()
        .find(|(template, _)| fits(template))?;
    let operation = methods.get(method.to_ascii_lowercase())?;
    Some((name, operation))
}
