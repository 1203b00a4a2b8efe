//! What the service's answer means: from an HTTP status and a body of any kind to an outcome.

use serde_json::{Map, Value};

use crate::model::event::EventKind;
use crate::model::kind::{Kind, WarningKind};
use crate::model::outcome::{Outcome, Rejection, Warning};
use crate::model::policy::Policy;

/// The most characters of a body that a message shows.
const MAX_MESSAGE_CHARS: usize = 4_000;

/// The most characters of an HTML page that is searched for text.
const MAX_HTML_CHARS: usize = 64 * 1024;

/// One HTTP answer. The body is text, the API key already removed from it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub status: u16,
    pub location: String,
    pub retry_after: String,
    pub body: String,
}

impl Answer {
    /// Whether another attempt may be answered otherwise.
    pub fn is_retryable(&self) -> bool {
        self.status == 429 || (500..600).contains(&self.status)
    }

    /// Reads the answer to an event that was sent with `sent_status`.
    pub fn into_outcome(self, event: EventKind, sent_status: &str) -> Outcome {
        let json: Option<Value> =
            serde_json::from_str(self.body.trim_start_matches('\u{feff}')).ok();
        let mut outcome = match self.status {
            200..300 => recorded(event, json.as_ref(), sent_status),
            409 | 423 | 428 => self.rejected(event, json.as_ref()),
            _ => self.failed(event, json.as_ref()),
        };
        outcome.http_status = self.status;
        outcome
    }

    fn rejected(&self, event: EventKind, json: Option<&Value>) -> Outcome {
        let policy = json.and_then(policy_object);
        let by_status = Policy::of_status(self.status, event);
        let mut rejection = policy.map(rejection).unwrap_or_default();
        let by_code = Policy::of_code(&rejection.policy_code);
        if policy.is_some() {
            rejection.policy = Some(match rejection.policy_code.as_str() {
                "" => by_status,
                _ => by_code.unwrap_or(Policy::other()),
            });
        }
        let kind = by_code.unwrap_or(by_status).kind;
        let message = match policy {
            Some(policy) => first_text(policy, &["message", "error"]),
            None => self.readable(json),
        };
        let mut outcome = Outcome::new(Some(event), kind, message);
        outcome.rejection = Some(rejection);
        outcome
    }

    fn failed(&self, event: EventKind, json: Option<&Value>) -> Outcome {
        let (kind, what, hint) = failure_words(self.status);
        let mut message = format!("{what} (HTTP {})", self.status);
        if kind == Kind::Redirect {
            let location = if self.location.is_empty() {
                "nowhere"
            } else {
                &self.location
            };
            message.push_str(&format!(" to {location}"));
        }
        let said = self.readable(json);
        if !said.is_empty() {
            message.push_str(": ");
            message.push_str(said.trim_end_matches('.'));
        }
        message.push_str(". ");
        message.push_str(hint);
        if self.status == 429 && !self.retry_after.is_empty() {
            message.push_str(&format!(" (Retry-After: {})", printable(&self.retry_after)));
        }
        Outcome::new(Some(event), kind, message)
    }

    /// What the body says to people, from whichever of the known forms it has.
    fn readable(&self, json: Option<&Value>) -> String {
        let said = match json {
            Some(Value::Object(object)) => message_of(object),
            Some(Value::String(text)) => text.clone(),
            _ => without_tags(&self.body),
        };
        shortened(printable(said.trim()))
    }
}

fn recorded(event: EventKind, json: Option<&Value>, sent_status: &str) -> Outcome {
    let empty = Map::new();
    let body = json.and_then(Value::as_object).unwrap_or(&empty);
    let mut outcome = Outcome::new(
        Some(event),
        Kind::Ok,
        format!("{} event recorded", event.title()),
    );
    outcome.recorded = true;
    outcome.event_id = text(body.get("id"));
    outcome.product_id = text(body.get("product_id"));
    outcome.version_id = text(body.get("version_id"));
    outcome.environment_id = text(body.get("environment_id"));
    outcome.deployed_at = text(body.get("deployed_at"));
    outcome.status = match text(body.get("status")) {
        status if status.is_empty() => sent_status.to_owned(),
        status => status,
    };
    outcome.warnings = report_only_violations(body);
    outcome
}

fn report_only_violations(body: &Map<String, Value>) -> Vec<Warning> {
    let rules = body
        .get("extra_metadata")
        .and_then(|metadata| metadata.pointer("/preflight_status/rules_evaluated"))
        .and_then(Value::as_array);
    let objects = rules.into_iter().flatten().filter_map(Value::as_object);
    objects
        .filter(|rule| is_report_only_violation(rule))
        .map(violation)
        .collect()
}

fn is_report_only_violation(rule: &Map<String, Value>) -> bool {
    let passed = matches!(
        text(rule.get("evaluation_result")).to_lowercase().as_str(),
        "pass" | "passed" | "ok" | "success" | "true" | "skipped" | "not_applicable"
    );
    text(rule.get("status")) == "report_only" && !passed
}

fn violation(rule: &Map<String, Value>) -> Warning {
    let name = printable(&text(rule.get("rule_name")));
    let message = printable(&text(rule.get("error_message")));
    Warning {
        kind: WarningKind::ReportOnly,
        message: format!("rule {name:?} is violated (report only): {message}"),
        rule: name,
    }
}

/// The policy object of a rejection: under `detail`, or the body itself. An object with nothing
/// but a message comes from a gateway, and a text says all there is to say.
fn policy_object(json: &Value) -> Option<&Map<String, Value>> {
    let body = json.as_object()?;
    let object = match body.get("detail") {
        Some(detail) => detail.as_object()?,
        None => body,
    };
    let is_policy = ["code", "error", "details", "retry_after"]
        .iter()
        .any(|key| object.contains_key(*key));
    is_policy.then_some(object)
}

fn rejection(policy: &Map<String, Value>) -> Rejection {
    let details = policy.get("details").and_then(Value::as_object).cloned();
    let rule = details
        .as_ref()
        .and_then(|details| details.get("rule_name"));
    Rejection {
        policy_code: printable(&text(policy.get("code"))),
        rule: printable(&text(rule.or_else(|| policy.get("rule_name")))),
        retry_after: printable(&text(policy.get("retry_after"))),
        details,
        policy: None,
    }
}

/// Kind, what happened, and what to do about it.
fn failure_words(status: u16) -> (Kind, &'static str, &'static str) {
    match status {
        300..=399 => (
            Kind::Redirect,
            "the service redirects",
            "Redirects are not followed: set the API URL to the final address.",
        ),
        401 => (
            Kind::Authentication,
            "the API key was not accepted",
            "Check the API key (VERSIONER_API_KEY): it may be mistyped, revoked or of another service.",
        ),
        403 => (
            Kind::Authorization,
            "the API key may not do this",
            "Use a key that may record events.",
        ),
        404 => (
            Kind::NotFound,
            "the service has nothing at this address",
            "Check the API URL (VERSIONER_API_URL).",
        ),
        422 => (
            Kind::Validation,
            "the service refuses the event's values",
            "Correct the values named and send the event again.",
        ),
        429 => (
            Kind::RateLimited,
            "the service is asked too often",
            "Wait a while, then retry.",
        ),
        500..=599 => (
            Kind::Server,
            "the service failed",
            "This is a fault of the service or of a gateway before it: retry later.",
        ),
        _ => (
            Kind::Http,
            "the service answered unexpectedly",
            "Check the API URL (VERSIONER_API_URL) and what stands between here and there.",
        ),
    }
}

fn message_of(object: &Map<String, Value>) -> String {
    match object.get("detail") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(problems)) => {
            let problems: Vec<String> = problems.iter().map(validation_problem).collect();
            problems.join("; ")
        }
        Some(Value::Object(inner)) => first_text(inner, &["message", "error"]),
        _ => first_text(object, &["message", "error", "title"]),
    }
}

/// `product_name: field required` of `{"loc": ["body", "product_name"], "msg": "field required"}`.
fn validation_problem(problem: &Value) -> String {
    let Some(object) = problem.as_object() else {
        return text(Some(problem));
    };
    let location = object.get("loc").and_then(Value::as_array);
    let parts: Vec<String> = location
        .into_iter()
        .flatten()
        .map(|part| text(Some(part)))
        .filter(|part| part != "body")
        .collect();
    let message = text(object.get("msg"));
    if parts.is_empty() {
        message
    } else {
        format!("{}: {message}", parts.join("."))
    }
}

fn first_text(object: &Map<String, Value>, keys: &[&str]) -> String {
    let mut texts = keys.iter().map(|key| text(object.get(*key)));
    let found = texts
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default();
    shortened(printable(&found))
}

/// A JSON value as people write it; absent and null are empty.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The text of an HTML page on one line; anything else as it is.
fn without_tags(body: &str) -> String {
    let trimmed = body.trim_start();
    if !trimmed.starts_with('<') {
        return body.to_owned();
    }
    let mut text = String::new();
    let start: String = trimmed.chars().take(MAX_HTML_CHARS).collect();
    let mut rest = start.as_str();
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        text.push(' ');
        let tag = &rest[open..];
        let skipped = ["style", "script"]
            .iter()
            .find_map(|name| element_end(tag, name));
        let end = skipped.or_else(|| tag.find('>').map(|end| end + 1));
        rest = end.map_or("", |end| &tag[end..]);
    }
    text.push_str(rest);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Where the element that starts here ends, where it is of this name.
fn element_end(tag: &str, name: &str) -> Option<usize> {
    let start = tag.get(1..=name.len())?;
    if !start.eq_ignore_ascii_case(name) {
        return None;
    }
    let close = format!("</{name}>");
    let position = tag.to_ascii_lowercase().find(&close)?;
    Some(position + close.len())
}

/// Without characters that could steer a terminal.
fn printable(text: &str) -> String {
    let is_kept = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    text.chars().filter(is_kept).collect()
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::kind::Code;

    /// JSON of any shape, with the keys that mean something more often than not.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            Just("detail"),
            Just("message"),
            Just("error"),
            Just("code"),
            Just("details"),
            Just("rule_name"),
            Just("retry_after"),
            Just("loc"),
            Just("msg"),
            Just("id"),
            Just("status"),
            Just("extra_metadata"),
            Just("preflight_status"),
            Just("rules_evaluated"),
            Just("evaluation_result"),
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| {
                    pairs
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect()
                }),
            ]
        })
    }

    fn body() -> impl Strategy<Value = String> {
        prop_oneof![
            json().prop_map(|value| value.to_string()),
            "<[a-z!/]{0,8}>?.{0,40}(<script|<style|</)?.{0,40}",
            any::<String>(),
        ]
    }

    fn code_of(status: u16) -> Code {
        match status {
            200..=299 => Code::Ok,
            409 | 423 | 428 => Code::Rejected,
            _ => Code::ApiError,
        }
    }

    proptest! {
        #[test]
        fn the_code_depends_on_the_status_alone(status in 200..600_u16, body in body()) {
            for event in [EventKind::Build, EventKind::Deployment] {
                let answer = Answer { status, body: body.clone(), ..Answer::default() };
                let outcome = answer.into_outcome(event, "started");
                prop_assert_eq!(outcome.code, code_of(status));
                prop_assert_eq!(outcome.kind.code(), outcome.code);
                prop_assert_eq!(outcome.recorded, outcome.code == Code::Ok);
                prop_assert!(outcome.message.chars().count() < 2 * MAX_MESSAGE_CHARS);
                let text = outcome.text();
                prop_assert!(!text.is_empty() && !text.ends_with('\n'), "{:?}", text);
                prop_assert!(!text.contains('\u{1b}'), "{:?}", text);
                prop_assert!(outcome.to_json().is_object());
            }
        }
    }

    #[test]
    fn html_is_read_without_its_tags_scripts_and_styles() {
        let page = "<!DOCTYPE html><html><head><style>p {}</style><script>x < 1</script></head>\
                    <body><h1>502 Bad Gateway</h1><hr>nginx</body></html>";
        assert_eq!(without_tags(page), "502 Bad Gateway nginx");
    }
}
