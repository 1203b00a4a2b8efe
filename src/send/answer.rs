//! What the service's answer means: from an HTTP status and a body of any kind to an outcome.
//! Everything that the service wrote becomes [`Foreign`] here.

mod data;
mod verdict;

use serde_json::{Map, Value};

use crate::model::event::EventKind;
use crate::model::foreign::{Foreign, clean};
use crate::model::kind::{Kind, WarningKind};
use crate::model::outcome::{Outcome, Rejection, Warning};
use crate::model::policy::Policy;
use crate::model::secret::Secret;
use crate::model::status::{Status, word};
use crate::send::lenient;
use crate::send::said::{member, message_of, said, text};

/// What the service answers if a rule forbids what it was asked for by a `started`.
const PREFLIGHT_FAILED: &str = "preflight_failed";

/// The report of versioner-server about an environment that nobody has named before.
const KNOWN_ENVIRONMENT: &str = "Known Environment";

/// The status of an event that the service has taken and not yet recorded.
const ACCEPTED: &str = "accepted";

/// The type of the problem that another event was sent under the same key.
const KEY_USED: &str = "idempotency_key_reuse";

/// The most violated rules that are told one by one.
const MAX_VIOLATIONS: usize = 20;

/// The most features that are kept.
const MAX_FEATURES: usize = 50;

/// One HTTP answer as it came. The status line decides; what follows it can only add words.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Whether all of it arrived.
    pub is_complete: bool,
}

impl Answer {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Whether another attempt may be answered otherwise.
    pub fn is_retryable(&self) -> bool {
        self.status == 429 || (500..600).contains(&self.status)
    }

    /// Whether its body is a JSON object.
    pub fn is_object(&self) -> bool {
        lenient::read(&self.body).is_some_and(|json| json.is_object())
    }

    /// Reads the answer to an event that was sent with `sent_status`, and hides the key in it.
    pub fn into_outcome(self, event: EventKind, sent_status: &str, key: &Secret) -> Outcome {
        self.read(Some(event), key, |reader| match reader.status {
            200..300 => reader.succeeded(sent_status),
            409 | 423 | 428 => reader.rejected(),
            _ => reader.failed(),
        })
    }

    /// Reads the answer to the question whether a deployment may start, and hides the key in it.
    pub fn into_verdict(self, key: &Secret) -> Outcome {
        self.read(Some(EventKind::Deployment), key, Reader::verdict)
    }

    /// Reads what the service knows, and hides the key in it.
    pub fn into_data(self, key: &Secret) -> Outcome {
        self.read(None, key, Reader::data)
    }

    fn read(
        self,
        event: Option<EventKind>,
        key: &Secret,
        read: impl FnOnce(&Reader) -> Outcome,
    ) -> Outcome {
        let body = self.body.trim_start_matches('\u{feff}');
        // Parsed first: a key could hide behind escapes, and a short one in the syntax itself.
        let json = lenient::read(body);
        let readable = |text: &str| key.redact(clean(text));
        let reader = Reader {
            event,
            status: self.status,
            is_complete: self.is_complete,
            location: readable(self.header("Location")),
            json: json.map(|json| lenient::texts_mapped(json, &readable)),
            body: readable(body),
        };
        let mut outcome = read(&reader);
        outcome.http_status = self.status;
        outcome.answered_at = httpdate::parse_http_date(self.header("Date")).ok();
        outcome.features = self.features(readable);
        outcome
    }

    fn features(&self, readable: impl Fn(&str) -> String) -> Vec<Foreign> {
        let features = readable(self.header("Versioner-Features"));
        let features = features.split(',').map(Foreign::line);
        let features = features.filter(|feature| !feature.is_empty());
        features.take(MAX_FEATURES).collect()
    }
}

/// An answer that is cleaned and does not hold the key.
struct Reader {
    event: Option<EventKind>,
    status: u16,
    is_complete: bool,
    location: String,
    json: Option<Value>,
    body: String,
}

impl Reader {
    /// Success is claimed only if the answer is the service's own: a login page or a proxy may
    /// answer 200 too.
    fn succeeded(&self, sent_status: &str) -> Outcome {
        let is_start = sent_status == Status::Started.as_str();
        let Some(body) = self.json.as_ref().and_then(Value::as_object) else {
            return self.not_of_versioner();
        };
        let status = text(body.get("status"));
        if is_start && word(&status) == PREFLIGHT_FAILED {
            return self.preflight_failed(body);
        }
        match (has_identifier(body), self.status) {
            (true, _) => self.recorded(body, sent_status),
            (false, 202) if is_start => self.no_verdict(),
            (false, 202) => self.accepted(),
            (false, _) => self.not_of_versioner(),
        }
    }

    fn recorded(&self, body: &Map<String, Value>, sent_status: &str) -> Outcome {
        let message = format!("{} event recorded", self.title());
        let mut outcome = self.outcome(Kind::Ok, message);
        outcome.recorded = true;
        identify(&mut outcome, body);
        outcome.deployed_at = line(body, "deployed_at");
        outcome.status = match line(body, "status") {
            status if status.is_empty() => Foreign::line(sent_status),
            status => status,
        };
        let is_new = text(member(body, "environment_created")) == "true";
        // Of an environment that is new one warning is enough.
        let said_twice =
            |rule: &&Map<String, Value>| is_new && line(rule, "rule_name") == KNOWN_ENVIRONMENT;
        outcome.warnings = violations(rules(body).filter(|rule| !said_twice(rule)));
        if is_new {
            let said = rules(body)
                .find(said_twice)
                .map(|rule| line(rule, "error_message"))
                .filter(|said| !said.is_empty())
                .unwrap_or_else(|| Foreign::line("this environment was not known until now"));
            let rest = match said.as_str().ends_with('?') {
                true => " No",
                false => ", so no",
            };
            let message = format!("{said}{rest} rule can have applied to it: is its name right?");
            let warning = Warning::new(WarningKind::NewEnvironment, message);
            outcome.warnings.push(warning);
        }
        outcome
    }

    fn accepted(&self) -> Outcome {
        let message = format!(
            "the service has taken the {} event, but not recorded it yet (HTTP 202)",
            self.title().to_lowercase()
        );
        let mut outcome = self.outcome(Kind::Ok, message.clone());
        outcome.status = Foreign::line(ACCEPTED);
        let warning = Warning::new(WarningKind::Accepted, message);
        outcome.warnings.push(warning);
        outcome
    }

    fn no_verdict(&self) -> Outcome {
        let message = "the service has taken the event, but not checked it yet (HTTP 202): \
                       without a verdict there is no permission. Ask again later.";
        self.outcome(Kind::Http, message)
    }

    fn not_of_versioner(&self) -> Outcome {
        let said = match self.said() {
            said if said.is_empty() => "nothing".to_owned(),
            said => said.to_string(),
        };
        let message = format!(
            "the service answered {}, but not as Versioner does; is the API URL right? \
             (VERSIONER_API_URL) The answer was: {said}",
            self.status
        );
        self.outcome(Kind::Http, message)
    }

    fn preflight_failed(&self, body: &Map<String, Value>) -> Outcome {
        let failed = rules(body).find(|rule| is_failed(rule) && !is_report_only(rule));
        let rule = failed.map(|rule| line(rule, "rule_name"));
        let said = failed.map(|rule| Foreign::text(&text(rule.get("error_message"))));
        let said = said.filter(|said| !said.is_empty());
        let mut outcome = self.rejection(
            Kind::Rejected,
            Rejection {
                rule: rule.unwrap_or_default(),
                said: said
                    .unwrap_or_else(|| Foreign::line("a preflight check of the service failed")),
                policy: Some(Policy::other()),
                ..Rejection::default()
            },
        );
        identify(&mut outcome, body);
        outcome
    }

    fn rejected(&self) -> Outcome {
        let by_status = Policy::of_status(self.status, self.event);
        let Some(object) = self.json.as_ref().and_then(policy_object) else {
            let rejection = Rejection {
                said: self.said(),
                ..Rejection::default()
            };
            return self.rejection(by_status.kind, rejection);
        };
        let (policy_code, by_code) = policy_code(object);
        let details = member(object, "details").and_then(Value::as_object);
        let rule = details
            .map(|details| line(details, "rule_name"))
            .filter(|rule| !rule.is_empty());
        let rejection = Rejection {
            rule: rule.unwrap_or_else(|| line(object, "rule_name")),
            retry_after: line(object, "retry_after"),
            details: details.cloned(),
            said: match message_of(object) {
                said if said == policy_code.as_str() => Foreign::default(),
                said => Foreign::text(&said),
            },
            policy: Some(match policy_code.as_str() {
                "" => by_status,
                _ => by_code.unwrap_or(Policy::other()),
            }),
            policy_code,
        };
        self.rejection(by_code.unwrap_or(by_status).kind, rejection)
    }

    fn rejection(&self, kind: Kind, rejection: Rejection) -> Outcome {
        let message = match rejection.said.as_str() {
            "" => format!(
                "the service rejected the {} (HTTP {})",
                self.title().to_lowercase(),
                self.status
            ),
            said => said.to_owned(),
        };
        let mut outcome = self.outcome(kind, message);
        outcome.rejection = Some(rejection);
        outcome
    }

    fn failed(&self) -> Outcome {
        let words = failure_words(self.status, !self.location.is_empty());
        let mut outcome = self.failed_with(words);
        outcome.is_key_used = self.status == 422 && self.names_problem(KEY_USED);
        outcome
    }

    /// Whether one of the problems that the answer lists is of this type.
    fn names_problem(&self, kind: &str) -> bool {
        let detail = self.json.as_ref().and_then(|json| json.get("detail"));
        let problems = detail.and_then(Value::as_array);
        let mut problems = problems.into_iter().flatten();
        problems.any(|problem| problem.get("type").and_then(Value::as_str) == Some(kind))
    }

    /// By kind, what happened, and what to do about it.
    fn failed_with(&self, (kind, what, hint): (Kind, &str, &str)) -> Outcome {
        let mut message = format!("{what} (HTTP {})", self.status);
        if kind == Kind::Redirect && !self.location.is_empty() {
            message.push_str(&format!(" to {}", Foreign::line(&self.location)));
        }
        let said = self.said();
        if !said.is_empty() {
            message.push_str(": ");
            message.push_str(said.trim_end_matches('.'));
        }
        message.push_str(". ");
        message.push_str(hint);
        self.outcome(kind, message)
    }

    fn said(&self) -> Foreign {
        Foreign::text(&said(self.json.as_ref(), &self.body))
    }

    fn title(&self) -> &'static str {
        self.event.map_or("Event", EventKind::title)
    }

    fn outcome(&self, kind: Kind, message: impl Into<String>) -> Outcome {
        Outcome::new(self.event, kind, message)
    }
}

fn line(object: &Map<String, Value>, name: &str) -> Foreign {
    Foreign::line(&text(object.get(name)))
}

fn has_identifier(body: &Map<String, Value>) -> bool {
    match body.get("id") {
        Some(Value::String(id)) => !id.trim().is_empty(),
        Some(Value::Number(_)) => true,
        _ => false,
    }
}

fn identify(outcome: &mut Outcome, body: &Map<String, Value>) {
    outcome.event_id = line(body, "id");
    outcome.product_id = line(body, "product_id");
    outcome.version_id = line(body, "version_id");
    outcome.environment_id = line(body, "environment_id");
}

fn rules(body: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let rules = body
        .get("extra_metadata")
        .and_then(|metadata| metadata.pointer("/preflight_status/rules_evaluated"))
        .and_then(Value::as_array);
    rules.into_iter().flatten().filter_map(Value::as_object)
}

fn is_report_only(rule: &Map<String, Value>) -> bool {
    line(rule, "status").eq_ignore_ascii_case("report_only")
}

/// What is not told as passed or skipped counts as failed.
fn is_failed(rule: &Map<String, Value>) -> bool {
    !matches!(
        line(rule, "evaluation_result").to_lowercase().as_str(),
        "pass" | "passed" | "ok" | "success" | "true" | "skipped" | "not_applicable"
    )
}

/// Warnings of the violated rules in report-only mode; many are counted rather than told.
fn violations<'a>(rules: impl Iterator<Item = &'a Map<String, Value>>) -> Vec<Warning> {
    let mut violated = rules.filter(|rule| is_report_only(rule) && is_failed(rule));
    let mut warnings: Vec<Warning> = violated
        .by_ref()
        .take(MAX_VIOLATIONS)
        .map(violation)
        .collect();
    let more = violated.count();
    if more > 0 {
        let message = format!("{more} more rules are violated (report only)");
        warnings.push(Warning::new(WarningKind::ReportOnly, message));
    }
    warnings
}

fn violation(rule: &Map<String, Value>) -> Warning {
    let name = line(rule, "rule_name");
    let message = line(rule, "error_message");
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

/// The service's code and what it names. Under `error` stand words, unless they are a known code.
fn policy_code(object: &Map<String, Value>) -> (Foreign, Option<&'static Policy>) {
    let of_member = |name| {
        let code = line(object, name);
        let policy = Policy::of_code(&code);
        (code, policy)
    };
    match (of_member("code"), of_member("error")) {
        ((_, None), known @ (_, Some(_))) => known,
        (code, _) => code,
    }
}

/// Kind, what happened, and what to do about it.
fn failure_words(status: u16, has_location: bool) -> (Kind, &'static str, &'static str) {
    match status {
        304 => (
            Kind::Redirect,
            "the service answered that nothing has changed, which is no answer to an event",
            "Check the API URL (VERSIONER_API_URL) and what stands between here and there.",
        ),
        300..=399 if !has_location => (
            Kind::Redirect,
            "the service redirects, but names no address",
            "Check the API URL (VERSIONER_API_URL) and what stands between here and there.",
        ),
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

#[cfg(test)]
mod tests;
