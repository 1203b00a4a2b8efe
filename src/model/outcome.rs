//! The result of a call: code, kind, and all that the service said. The single place that knows
//! which results exist.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::model::event::EventKind;
use crate::report::text;

/// How a call ended, in the four numbers that every surface shares; the command line exits with
/// them. They never grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    /// The event is recorded, or the caller asked for best effort and it is not
    /// ([`Outcome::recorded`] tells).
    Ok = 0,
    /// A bad argument, a bad configuration, a network failure, or an interruption.
    Error = 1,
    /// The service answered, neither with success nor with a rejection.
    ApiError = 4,
    /// Policy forbids it: the deployment must not happen.
    Rejected = 5,
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $kind:ident = $number:literal, $name:literal, $code:ident; )*) => {
        /// The finer reason under a [`Code`]. New ones are only ever appended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Kind {
            $( $(#[$doc])* $kind = $number, )*
        }

        impl Kind {
            /// Every kind, by number.
            pub const ALL: &'static [Kind] = &[$( Kind::$kind, )*];

            /// The name that is the same on every surface.
            pub const fn as_str(self) -> &'static str {
                match self { $( Kind::$kind => $name, )* }
            }

            /// The code that a failure of this kind has.
            pub const fn code(self) -> Code {
                match self { $( Kind::$kind => Code::$code, )* }
            }
        }
    };
}

kinds! {
    /// The event is recorded.
    Ok = 0, "ok", Ok;
    /// An argument is missing or malformed; nothing was sent.
    InvalidArgument = 1, "invalid_argument", Error;
    /// A setting, the configuration file, a proxy or a certificate file is unusable; nothing
    /// was sent.
    Config = 2, "config", Error;
    /// The service could not be reached or hung up.
    Network = 3, "network", Error;
    /// The service did not answer in time.
    Timeout = 4, "timeout", Error;
    /// The connection could not be secured, such as for an untrusted certificate.
    Tls = 5, "tls", Error;
    /// The caller cancelled the call; the event may or may not be recorded.
    Interrupted = 6, "interrupted", Error;
    /// A fault of this library.
    Internal = 7, "internal", Error;
    /// HTTP 401: the API key is wrong.
    Authentication = 8, "authentication", ApiError;
    /// HTTP 403: the API key may not do this.
    Authorization = 9, "authorization", ApiError;
    /// HTTP 404: nothing is there; is the API URL right?
    NotFound = 10, "not_found", ApiError;
    /// HTTP 422: the service refuses the event's values.
    Validation = 11, "validation", ApiError;
    /// HTTP 429, after the last retry.
    RateLimited = 12, "rate_limited", ApiError;
    /// HTTP 5xx, after the last retry.
    Server = 13, "server", ApiError;
    /// HTTP 3xx: redirects are not followed.
    Redirect = 14, "redirect", ApiError;
    /// Any other HTTP answer.
    Http = 15, "http", ApiError;
    /// Another deployment of the product to the environment is in progress.
    DeploymentConflict = 16, "deployment_conflict", Rejected;
    /// The schedule forbids deployments now.
    NoDeployWindow = 17, "no_deploy_window", Rejected;
    /// The version has not been through the environments that come first.
    FlowViolation = 18, "flow_violation", Rejected;
    /// The version has not been long enough in an environment that comes first.
    InsufficientSoakTime = 19, "insufficient_soak_time", Rejected;
    /// Quality approval is missing.
    QualityApprovalRequired = 20, "quality_approval_required", Rejected;
    /// Release approval is missing.
    ApprovalRequired = 21, "approval_required", Rejected;
    /// The version exists already with other content.
    VersionConflict = 22, "version_conflict", Rejected;
    /// Rejected for a reason that this library does not know by name.
    Rejected = 23, "rejected", Rejected;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a [`Warning`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// The status is none that this library knows; it was sent as given.
    UnknownStatus,
    /// The API key travels unencrypted.
    InsecureUrl,
    /// A rule in report-only mode is violated.
    ReportOnly,
    /// Best-effort mode: the event is not recorded.
    NotRecorded,
    /// Skipping preflight checks is deprecated.
    SkipPreflight,
}

impl WarningKind {
    /// The name that is the same on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            WarningKind::UnknownStatus => "unknown_status",
            WarningKind::InsecureUrl => "insecure_url",
            WarningKind::ReportOnly => "report_only",
            WarningKind::NotRecorded => "not_recorded",
            WarningKind::SkipPreflight => "skip_preflight",
        }
    }
}

/// Something that went well enough, but that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// What to tell people.
    pub message: String,
    /// The violated rule, of [`WarningKind::ReportOnly`]; else empty.
    pub rule: String,
}

/// What the service said when it rejected an event. Absent values are empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rejection {
    /// The service's code, such as `FLOW_VIOLATION`.
    pub policy_code: String,
    /// Name of the rule.
    pub rule: String,
    /// When to try again, as the service wrote it (RFC 3339).
    pub retry_after: String,
    /// Further facts, where there are any.
    pub details: Option<Map<String, Value>>,
    /// Whether the body was a policy object rather than plain text.
    pub(crate) is_structured: bool,
}

/// How a call ended. Absent texts are empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Which event was tracked; `None` where not even a client could be made.
    pub event: Option<EventKind>,
    /// The exit code.
    pub code: Code,
    /// The finer reason. Where best-effort mode turned a failure into code 0, the reason of it.
    pub kind: Kind,
    /// One or more sentences for people: what went wrong and what to do.
    pub message: String,
    /// The argument or setting at fault, of kinds `invalid_argument` and `config`, where one is.
    pub argument: &'static str,
    /// The HTTP status of the last answer; 0 where there was none.
    pub http_status: u16,
    /// How often the event was sent.
    pub attempts: u32,
    /// Whether the service recorded the event.
    pub recorded: bool,
    /// Identifier of the event.
    pub event_id: String,
    /// Identifier of the product.
    pub product_id: String,
    /// Identifier of the version.
    pub version_id: String,
    /// Identifier of the environment, of deployments.
    pub environment_id: String,
    /// The recorded status, or `not_recorded` in best-effort mode.
    pub status: String,
    /// When the service says that the deployment was.
    pub deployed_at: String,
    /// The CI system that was named or detected.
    pub source_system: String,
    /// What the service said, of code 5.
    pub rejection: Option<Rejection>,
    /// In the order in which they came up.
    pub warnings: Vec<Warning>,
    pub(crate) subject: Subject,
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
            event_id: String::new(),
            product_id: String::new(),
            version_id: String::new(),
            environment_id: String::new(),
            status: String::new(),
            deployed_at: String::new(),
            source_system: String::new(),
            rejection: None,
            warnings: Vec::new(),
            subject: Subject::default(),
        }
    }

    /// The block that the command line prints for people, without a line end after it.
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// Every value, as a flat JSON object with the names that every surface shares.
    pub fn to_json(&self) -> Value {
        let none = Rejection::default();
        let rejection = self.rejection.as_ref().unwrap_or(&none);
        let warnings: Vec<Value> = self.warnings.iter().map(Warning::to_json).collect();
        json!({
            "code": self.code as i32,
            "kind": self.kind.as_str(),
            "message": self.message,
            "http_status": self.http_status,
            "attempts": self.attempts,
            "recorded": self.recorded,
            "event_id": self.event_id,
            "product_id": self.product_id,
            "version_id": self.version_id,
            "environment_id": self.environment_id,
            "status": self.status,
            "deployed_at": self.deployed_at,
            "source_system": self.source_system,
            "rule": rejection.rule,
            "policy_code": rejection.policy_code,
            "retry_after": rejection.retry_after,
            "details": rejection.details,
            "text": self.text(),
            "warnings": warnings,
        })
    }

    /// `Err` for every code but 0, so that `?` stops a caller on a rejection.
    pub fn into_result(self) -> Result<Outcome, Error> {
        match self.code {
            Code::Ok => Ok(self),
            _ => Err(Error::from(self)),
        }
    }

    /// `Build` or `Deployment`, as it stands in headings.
    pub(crate) fn title(&self) -> &'static str {
        self.event.map_or("Event", EventKind::title)
    }
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, message: String) -> Self {
        Warning {
            kind,
            message,
            rule: String::new(),
        }
    }

    fn to_json(&self) -> Value {
        json!({"kind": self.kind.as_str(), "message": self.message, "rule": self.rule})
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

/// Why something failed, before it is known which event it was about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub kind: Kind,
    pub argument: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            argument: "",
            message: message.into(),
        }
    }

    pub fn argument(argument: &'static str, message: impl Into<String>) -> Self {
        Failure {
            kind: Kind::InvalidArgument,
            argument,
            message: message.into(),
        }
    }

    pub fn config(message: impl Into<String>) -> Self {
        Failure::new(Kind::Config, message)
    }

    /// For what failed before there was an event.
    #[cfg(feature = "capi")]
    pub fn into_error(self) -> Error {
        self.into_outcome(None).into()
    }

    pub fn into_outcome(self, event: Option<EventKind>) -> Outcome {
        let mut outcome = Outcome::new(event, self.kind, self.message);
        outcome.argument = self.argument;
        outcome
    }
}
