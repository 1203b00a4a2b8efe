//! The result of a call: code, kind, and all that the service said.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::foreign::Foreign;
use crate::model::kind::{Code, Kind, WarningKind};
use crate::model::policy::Policy;
#[cfg(feature = "cli")]
use crate::model::status::Status;

/// The status of an event that the outbox keeps.
pub(crate) const QUEUED: &str = "queued";

/// Something that went well enough, but that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// What to tell people.
    pub message: String,
    /// The violated rule, of [`WarningKind::ReportOnly`]; else empty.
    pub rule: Foreign,
}

/// What the service said when it rejected an event. Absent values are empty.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// The service's code, such as `FLOW_VIOLATION`.
    pub policy_code: Foreign,
    /// Name of the rule.
    pub rule: Foreign,
    /// When to try again, as the service wrote it (RFC 3339).
    pub retry_after: Foreign,
    /// Further facts, if there are any: whole, up to 1 MiB of JSON, without control characters.
    pub details: Option<Map<String, Value>>,
    /// The service's own message, which may be missing.
    pub(crate) said: Foreign,
    /// How to tell it; `None` if the service answered with text, which says all there is.
    pub(crate) policy: Option<&'static Policy>,
}

/// How a call ended. Absent texts are empty. No text holds the API key, control characters (but
/// line ends and tabs) or invisible ones, and each is of bounded length. Lines of it may still
/// look like a command of a CI system: a CI system that reads commands from its log must not get
/// them as they are.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Which event it was about; `None` of a call that is about none, and if not even a client could
    /// be made.
    pub event: Option<EventKind>,
    /// The exit code.
    pub code: Code,
    /// The finer reason. If best-effort mode turned a failure into code 0, the reason of it.
    pub kind: Kind,
    /// One or more sentences for people: what went wrong and what to do. Never empty; at most
    /// 8,000 characters.
    pub message: String,
    /// The argument or setting at fault, of kinds `invalid_argument` and `config`, if there is one.
    pub argument: &'static str,
    /// The HTTP status of the last answer; 0 if there was none.
    pub http_status: u16,
    /// How often the event was sent.
    pub attempts: u32,
    /// Whether the service recorded the event.
    pub recorded: bool,
    /// Identifier of the event.
    pub event_id: Foreign,
    /// Identifier of the product.
    pub product_id: Foreign,
    /// Identifier of the version.
    pub version_id: Foreign,
    /// Identifier of the environment, of deployments.
    pub environment_id: Foreign,
    /// The recorded status; `accepted` if the service has taken the event and not yet recorded
    /// it; of one that could not be recorded `queued` if the outbox keeps it, and in best-effort mode
    /// `not_recorded`.
    pub status: Foreign,
    /// When the service says that the deployment was.
    pub deployed_at: Foreign,
    /// The version that is deployed, of
    /// [`Client::deployed_version`](crate::Client::deployed_version).
    pub version: Foreign,
    /// The service's answer to a question, as JSON: of
    /// [`Client::check_deployment`](crate::Client::check_deployment) and whatever reads. Numbers
    /// are kept as written, texts are without control characters.
    pub data: Option<Value>,
    /// The CI system that was named or detected.
    pub source_system: String,
    /// What the service offers beyond events, such as `preflight`, as a header of its answer lists
    /// it; empty if it lists nothing.
    pub features: Vec<Foreign>,
    /// What the service said, of code 5.
    pub rejection: Option<Rejection>,
    /// In the order in which they came up.
    pub warnings: Vec<Warning>,
    pub(crate) subject: Subject,
    /// Whether the service may have recorded the event although the outcome does not say so.
    pub(crate) may_stand: bool,
    /// When the last answer was given, by the service's clock.
    pub(crate) answered_at: Option<SystemTime>,
    /// Whether it was refused to record how a deployment ended, which has ended all the same.
    pub(crate) took_place: bool,
    /// Whether it was not sent, because others of the outbox come first.
    pub(crate) is_behind: bool,
    /// Whether the service has had another event under its key.
    pub(crate) is_key_used: bool,
    /// Whether another end than this one counts, that was told before.
    pub(crate) had_ended: bool,
}

/// What an event was about, for reports.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Subject {
    pub product: String,
    pub version: String,
    pub environment: String,
    pub scm_sha: String,
}

impl Outcome {
    pub(crate) fn new(event: Option<EventKind>, kind: Kind, message: impl Into<String>) -> Self {
        Outcome {
            event,
            code: kind.code(),
            kind,
            message: message.into(),
            argument: "",
            http_status: 0,
            attempts: 0,
            recorded: false,
            event_id: Foreign::default(),
            product_id: Foreign::default(),
            version_id: Foreign::default(),
            environment_id: Foreign::default(),
            status: Foreign::default(),
            deployed_at: Foreign::default(),
            version: Foreign::default(),
            data: None,
            source_system: String::new(),
            features: Vec::new(),
            rejection: None,
            warnings: Vec::new(),
            subject: Subject::default(),
            may_stand: false,
            answered_at: None,
            took_place: false,
            is_key_used: false,
            had_ended: false,
            is_behind: false,
        }
    }

    /// `Err` for every code but 0, so that `?` stops a caller on a rejection.
    pub fn into_result(self) -> Result<Outcome, Error> {
        match self.code {
            Code::Ok => Ok(self),
            _ => Err(Error::from(self)),
        }
    }

    /// How it has ended to the service, if that is otherwise than it was told: somebody or another
    /// part of it had the first word.
    #[cfg(feature = "cli")]
    pub(crate) fn ended_otherwise(&self, told: Status) -> Option<Status> {
        let known = Status::parse(self.status.as_str())?;
        let is_end = !matches!(known, Status::Pending | Status::Started);
        (self.recorded && is_end && known != told).then_some(known)
    }

    /// Whether the outbox keeps the event.
    pub(crate) fn is_queued(&self) -> bool {
        self.status.as_str() == QUEUED
    }

    /// The texts that may repeat what the caller or the system wrote.
    pub(crate) fn repeated_texts(&mut self) -> impl Iterator<Item = &mut String> {
        let subject = &mut self.subject;
        let subject = [
            &mut subject.product,
            &mut subject.version,
            &mut subject.environment,
            &mut subject.scm_sha,
        ];
        let own = [&mut self.message, &mut self.source_system];
        let warnings = self.warnings.iter_mut();
        own.into_iter()
            .chain(subject)
            .chain(warnings.map(|warning| &mut warning.message))
    }

    /// `Build` or `Deployment`, as it stands in headings.
    pub(crate) fn title(&self) -> &'static str {
        self.event.map_or("Event", EventKind::title)
    }
}

impl Warning {
    /// Of a word that became `completed` without meaning a clean success.
    pub(crate) fn partial_success(text: &str, word: &str) -> Self {
        let message = format!("status {text:?} is sent as completed, with vi_status {word}");
        Warning::new(WarningKind::PartialSuccess, message)
    }

    pub(crate) fn new(kind: WarningKind, message: String) -> Self {
        Warning {
            kind,
            message,
            rule: Foreign::default(),
        }
    }
}

/// A call that ended with code 1, 4 or 5. [`Error::outcome`] has everything about it.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<Outcome>);

impl From<Outcome> for Error {
    fn from(outcome: Outcome) -> Self {
        Error(Box::new(outcome))
    }
}

impl Error {
    /// For bindings: an argument of their language that has no form here. Nothing was sent.
    pub fn invalid_argument(argument: &'static str, message: impl Into<String>) -> Self {
        Failure::argument(argument, message)
            .into_outcome(None)
            .into()
    }

    /// For bindings: a fault that was caught at their boundary, such as a panic.
    pub fn internal(message: impl Into<String>) -> Self {
        Outcome::new(None, Kind::Internal, message).into()
    }

    /// For bindings: runs what was called, and turns a panic of it into an error of kind internal,
    /// so that none unwinds into another language. Whoever calls drops what it may have left half done.
    pub fn caught<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            let said = said.unwrap_or("a panic");
            Err(Error::internal(format!(
                "internal fault of versioner ({said}); please report it"
            )))
        })
    }

    /// How the call ended.
    pub fn outcome(&self) -> &Outcome {
        &self.0
    }

    /// How the call ended, owned.
    pub fn into_outcome(self) -> Outcome {
        *self.0
    }

    /// 1, 4 or 5.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The finer reason.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::panic;

    use super::Error;

    #[test]
    fn a_panic_is_told_in_words() {
        assert_eq!(Error::caught(|| Ok(7)), Ok(7));
        for (caught, said) in [
            (Error::caught(|| panic!("at {}", 7)), "at 7"),
            (Error::caught(|| panic!("plain")), "plain"),
            (Error::caught(|| panic::panic_any(7)), "a panic"),
        ] {
            let message = caught.map(|(): ()| ()).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
            assert!(message.contains("report it"), "{message}");
        }
    }
}
