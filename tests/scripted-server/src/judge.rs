//! Compares the result that a runner hands in with what its case expects.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::cli;
use crate::run::Run;
use crate::secrets::Secrets;

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        .expect("the pattern is a constant and valid")
});

/// The members of every result that are compared one to one.
const MEMBERS: &[&str] = &[
    "code",
    "kind",
    "message",
    "http_status",
    "attempts",
    "recorded",
    "event_id",
    "product_id",
    "version_id",
    "environment_id",
    "status",
    "deployed_at",
    "source_system",
    "features",
    "rule",
    "policy_code",
    "retry_after",
    "details",
    "text",
];

/// The members of results that ask, and what they are if a result leaves them out.
const ASKED: [(&str, Value); 2] = [
    ("version", Value::String(String::new())),
    ("data", Value::Null),
];

/// What null stands for: the result of a step that succeeds and asks the service nothing.
fn nothing_asked() -> Map<String, Value> {
    let mut result: Map<String, Value> = MEMBERS
        .iter()
        .map(|name| ((*name).to_owned(), Value::from("")))
        .collect();
    let others = json!({
        "code": 0, "kind": "ok", "http_status": 0, "attempts": 0, "recorded": false,
        "details": null, "warnings": [],
    });
    result.extend(others.as_object().cloned().unwrap_or_default());
    result
}

/// All that is wrong with the result.
pub fn result(run: &Run, result: &Value) -> Vec<String> {
    let Some(members) = result.as_object() else {
        return vec![format!(
            "the result must be an object, but is {}",
            shown(result)
        )];
    };
    let mut found = if run.case.steps.is_empty() {
        of_call(run, &run.case.expect, members)
    } else {
        of_steps(run, members)
    };
    if Secrets::of(&run.case).are_in(&result.to_string(), "") {
        found.push("an API key shows in the result".to_owned());
    }
    found
}

/// What is wrong with the result of one call.
fn of_call(run: &Run, expect: &Map<String, Value>, result: &Map<String, Value>) -> Vec<String> {
    // With --output json the command line gives what a library gives.
    let mut found = if result.contains_key("exit_code") {
        cli::differences(run, expect, result)
    } else {
        of_library(expect, result)
    };
    for unwanted in texts(expect.get("lacks")) {
        for (name, member) in result {
            if strings(member).any(|text| text.contains(unwanted)) {
                found.push(format!(
                    "{name}: expected no {unwanted:?} in it, but was {}",
                    shown(member)
                ));
            }
        }
    }
    found
}

/// What is wrong with the results of several calls, one for each.
fn of_steps(run: &Run, members: &Map<String, Value>) -> Vec<String> {
    let results = items(members.get("steps"));
    let steps = &run.case.steps;
    if results.len() != steps.len() {
        let (wanted, actual) = (steps.len(), results.len());
        return vec![format!(
            "steps: expected {wanted} results, but {actual} came"
        )];
    }
    let mut found = of_waits(&run.case.expect, members);
    for (index, (step, result)) in steps.iter().zip(results).enumerate() {
        let wrong = match (&step.expect, result.as_object()) {
            (None, _) => Vec::new(),
            (Some(expect), Some(result)) => of_call(run, expect, result),
            (Some(expect), None) if run.surface != "cli" => of_library(expect, &nothing_asked()),
            (Some(_), None) => Vec::new(),
        };
        let place = index + 1;
        found.extend(
            wrong
                .into_iter()
                .map(|text| format!("step {place}: {text}")),
        );
    }
    found
}

fn of_waits(expect: &Map<String, Value>, result: &Map<String, Value>) -> Vec<String> {
    let Some(expected) = expect.get("waits_ms") else {
        return Vec::new();
    };
    let actual = result.get("waits_ms").unwrap_or(&Value::Null);
    let differs = !same(expected, actual);
    Vec::from_iter(differs.then(|| difference("waits_ms", expected, actual)))
}

fn of_library(expect: &Map<String, Value>, result: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for &name in MEMBERS {
        match (expect.get(name), result.get(name)) {
            (_, None) => found.push(format!("the result has no member {name}")),
            (Some(expected), Some(actual)) if !same(expected, actual) => {
                found.push(difference(name, expected, actual));
            }
            _ => {}
        }
    }
    for (name, absent) in ASKED {
        let actual = result.get(name).unwrap_or(&absent);
        if let Some(expected) = expect.get(name).filter(|expected| !same(expected, actual)) {
            found.push(difference(name, expected, actual));
        }
    }
    let message = text(result, "message");
    for wanted in texts(expect.get("message_contains")) {
        if !message.contains(wanted) {
            found.push(format!(
                "message: expected {wanted:?} in it, but was {message:?}"
            ));
        }
    }
    found.extend(of_warnings(
        items(expect.get("warnings")),
        items(result.get("warnings")),
    ));
    found.extend(of_waits(expect, result));
    found
}

fn of_warnings(expected: &[Value], actual: &[Value]) -> Vec<String> {
    let kinds = |list: &[Value]| -> Value { list.iter().map(|one| one["kind"].clone()).collect() };
    if kinds(expected) != kinds(actual) {
        return vec![difference(
            "warnings",
            &kinds(expected),
            &Value::from(actual.to_vec()),
        )];
    }
    let mut found = Vec::new();
    for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
        let name = format!("warning {}", index + 1);
        if let Some(rule) = expected.get("rule")
            && *rule != actual["rule"]
        {
            found.push(difference(&format!("{name}, rule"), rule, &actual["rule"]));
        }
        let message = actual["message"].as_str().unwrap_or_default();
        for wanted in texts(expected.get("message_contains")) {
            if !message.contains(wanted) {
                found.push(format!(
                    "{name}: expected {wanted:?} in its message, but that was {message:?}"
                ));
            }
        }
    }
    found
}

/// Every text in a value, at any depth.
fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(strings)),
        Value::Object(members) => Box::new(
            members
                .iter()
                .flat_map(|(name, member)| std::iter::once(name.as_str()).chain(strings(member))),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// Equal, with numbers by value: a result passes through languages that write `1.0` as `1`.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        _ => expected == actual,
    }
}

/// Whether both are equal, numbers as written, but for what stands for any of its kind.
pub fn matches(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && contains(actual, expected)
        }
        _ => contains(actual, expected),
    }
}

/// Whether every member of `expected` is in `actual`, objects in it alike; numbers as written.
/// `<time>` stands for any moment, `<integer>` for any number of milliseconds.
pub fn contains(actual: &Value, expected: &Value) -> bool {
    match (actual, expected.as_str()) {
        (Value::String(text), Some("<time>")) => return TIME.is_match(text),
        (Value::Number(number), Some("<integer>")) => return number.is_u64(),
        _ => {}
    }
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| {
                actual
                    .get(name)
                    .is_some_and(|actual| contains(actual, expected))
            })
        }
        _ => actual == expected,
    }
}

pub fn difference(name: &str, expected: &Value, actual: &Value) -> String {
    format!(
        "{name}: expected {}, but was {}",
        shown(expected),
        shown(actual)
    )
}

/// A value as JSON, cut to what a terminal can show.
pub fn shown(value: &Value) -> String {
    const LONGEST: usize = 2000;
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        let length = text.len();
        text.truncate(end);
        text += &format!("... ({length} bytes)");
    }
    text
}

/// A text member, empty if it is none.
pub fn text<'a>(members: &'a Map<String, Value>, name: &str) -> &'a str {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The items of an array, none if it is none.
pub fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of an array of texts.
pub fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    items(value).iter().filter_map(Value::as_str)
}
