//! Compares the requests of a run with what its case expects.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::case::Call;
use crate::http::Request;
use crate::judge::{contains, matches, shown, texts};
use crate::run::Run;
use crate::secrets::Secrets;
use crate::spans;

pub static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
        .expect("the pattern is a constant and valid")
});

/// All that is wrong with the requests.
pub fn differences(run: &Run, requests: &[Request]) -> Vec<String> {
    let mut found = Vec::new();
    let expected = run.case.expect.get("requests");
    if let Some(wanted) = expected_count(run)
        && wanted != requests.len()
    {
        found.push(format!(
            "requests: expected {wanted}, but {} came",
            requests.len()
        ));
    }
    if expected.is_some_and(Value::is_object) && requests.is_empty() {
        found.push("requests: expected at least one, but none came".to_owned());
    }
    found.extend(spans::differences(expected, requests));
    let secrets = Secrets::of(&run.case);
    for (index, request) in requests.iter().enumerate() {
        let wanted = match expected {
            Some(Value::Array(list)) => list.get(index),
            other => other,
        };
        let wanted = wanted.and_then(Value::as_object);
        let mut wrong = unasked(run, request, wanted, &secrets);
        if run.case.steps.is_empty() {
            if index > 0 {
                wrong.extend(unlike_first(&requests[0], request));
            }
        } else if let Some(first) = wanted.and_then(|wanted| wanted.get("repeats")?.as_u64()) {
            let first = usize::try_from(first)
                .ok()
                .and_then(|one| requests.get(one - 1));
            wrong.extend(first.map_or_else(Vec::new, |first| unlike_first(first, request)));
        }
        if let Some(wanted) = wanted {
            wrong.extend(unlike_wanted(request, wanted));
        }
        found.extend(
            wrong
                .into_iter()
                .map(|text| format!("request {}: {text}", index + 1)),
        );
    }
    found
}

fn expected_count(run: &Run) -> Option<usize> {
    let count = match run.case.expect.get("requests") {
        Some(Value::Array(list)) => return Some(list.len()),
        Some(count @ Value::Number(_)) => count,
        _ => run.case.expect.get("attempts")?,
    };
    usize::try_from(count.as_u64()?).ok()
}

/// What holds for every request of every case.
fn unasked(
    run: &Run,
    request: &Request,
    wanted: Option<&Map<String, Value>>,
    secrets: &Secrets,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut equal = |what: &str, actual: &str, expected: &str| {
        if actual != expected {
            wrong.push(format!("{what}: expected {expected:?}, but was {actual:?}"));
        }
    };
    let below = wanted
        .and_then(|wanted| wanted.get("path")?.as_str())
        .unwrap_or(run.case.request_path());
    let method = wanted
        .and_then(|wanted| wanted.get("method")?.as_str())
        .unwrap_or(run.case.method());
    let reads = method == "GET";
    equal("method", &request.method, method);
    equal(
        "path",
        &request.path,
        &format!("/run/{}{below}", run.number),
    );
    let headers = [
        (
            "Authorization",
            format!("Bearer {}", run.case.effective_key()),
        ),
        (
            "Content-Type",
            if reads { "" } else { "application/json" }.to_owned(),
        ),
        (
            "User-Agent",
            format!("versioner/{} ({})", env!("CARGO_PKG_VERSION"), run.surface),
        ),
    ];
    for (name, expected) in &headers {
        equal(name, &request.header(name).unwrap_or_default(), expected);
    }
    wrong.extend(unlike_key(run, request));
    match request.body.as_deref().map(serde_json::from_slice) {
        None | Some(Ok(Value::Object(_))) => {}
        Some(_) if reads && request.body.as_deref() == Some(b"") => {}
        Some(Ok(_)) => wrong.push("the body is no JSON object".to_owned()),
        Some(Err(error)) => wrong.push(format!("the body is not JSON: {error}")),
    }
    if shows_secret(run, request, secrets) {
        wrong.push("an API key shows outside Authorization".to_owned());
    }
    wrong
}

/// What is recorded has the caller's key or a made one; what is asked has none.
fn unlike_key(run: &Run, request: &Request) -> Option<String> {
    let key = request.header("Idempotency-Key").unwrap_or_default();
    if !run.case.steps.is_empty() {
        let is_event = request.path.ends_with(run.case.event.path());
        let is_wrong = is_event && !UUID.is_match(&key);
        return is_wrong.then(|| format!("Idempotency-Key: expected a UUID, but was {key:?}"));
    }
    let given = run
        .case
        .fields
        .get("idempotency_key")
        .and_then(Value::as_str);
    let expected = match (run.case.call, given.map(str::trim)) {
        (Call::Track, None | Some("")) if UUID.is_match(&key) => return None,
        (Call::Track, None | Some("")) => "a UUID",
        (Call::Track, Some(given)) => given,
        _ => "",
    };
    let message = || format!("Idempotency-Key: expected {expected:?}, but was {key:?}");
    (key != expected).then(message)
}

fn shows_secret(run: &Run, request: &Request, secrets: &Secrets) -> bool {
    let of_caller = Value::Object(run.case.fields.clone()).to_string();
    let is_in_headers = request
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("Authorization"))
        .any(|(_, value)| secrets.are_in(value, ""));
    is_in_headers
        || secrets.are_in(&request.path, "")
        || secrets.are_in(&body_text(request), &of_caller)
}

/// The body as text, empty if it was not read.
fn body_text(request: &Request) -> Cow<'_, str> {
    String::from_utf8_lossy(request.body.as_deref().unwrap_or_default())
}

/// Every attempt at one event is the same request, or the service could not tell that it is.
fn unlike_first(first: &Request, request: &Request) -> Vec<String> {
    let mut wrong = Vec::new();
    let are_both_read = first.body.is_some() && request.body.is_some();
    if are_both_read && first.body != request.body {
        wrong.push("the body is not that of the first attempt".to_owned());
    }
    if first.header("Idempotency-Key") != request.header("Idempotency-Key") {
        wrong.push("the Idempotency-Key is not that of the first attempt".to_owned());
    }
    wrong
}

fn unlike_wanted(request: &Request, wanted: &Map<String, Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    let text = body_text(request);
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Some(expected) = wanted.get("body")
        && !matches(&body, expected)
    {
        wrong.push(format!(
            "body: expected {}, but was {}",
            shown(expected),
            shown(&body)
        ));
    }
    if let Some(expected) = wanted.get("body_contains")
        && !contains(&body, expected)
    {
        wrong.push(format!(
            "body: expected at least {}, but was {}",
            shown(expected),
            shown(&body)
        ));
    }
    for unwanted in texts(wanted.get("lacks")) {
        if text.contains(unwanted) || request.path.contains(unwanted) {
            wrong.push(format!(
                "body: expected no {unwanted:?} in it, but was {text}"
            ));
        }
    }
    let headers = wanted.get("headers").and_then(Value::as_object);
    for (name, expected) in headers.into_iter().flatten() {
        let actual = request.header(name);
        let is_same = match &actual {
            Some(actual) => contains(&Value::from(actual.as_str()), expected),
            None => expected.is_null(),
        };
        if !is_same {
            wrong.push(format!(
                "{name}: expected {expected}, but was {}",
                Value::from(actual)
            ));
        }
    }
    if let Some(expected) = wanted.get("via").and_then(Value::as_str)
        && request.via.as_deref() != Some(expected)
    {
        wrong.push(format!(
            "via: expected the proxy to be asked for {expected}, but it was {}",
            request.via.as_deref().unwrap_or("not asked")
        ));
    }
    wrong
}
