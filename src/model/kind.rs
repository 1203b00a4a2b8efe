//! How a call ended and what a warning is about: the lists that every surface shares.

use std::fmt;

/// How a call ended, in the four numbers that every surface shares; the command line exits with
/// them. They never grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    /// The event is recorded; or taken by the service to be recorded later; or not recorded, and the
    /// caller asked for best effort
    /// ([`Outcome::recorded`](crate::Outcome::recorded) tells).
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
    /// The event is recorded, or taken by the service to be recorded later.
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
    /// While a deployment waited for its turn, another version was started there.
    Superseded = 24, "superseded", Rejected;
    /// Nothing is deployed there, or the product or environment is not known; the message says
    /// which.
    NotDeployed = 25, "not_deployed", ApiError;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! warning_kinds {
    ($( $(#[$doc:meta])* $kind:ident = $name:literal; )*) => {
        /// What a [`Warning`](crate::Warning) is about. New ones are only ever appended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WarningKind {
            $( $(#[$doc])* $kind, )*
        }

        impl WarningKind {
            /// Every kind of warning.
            pub const ALL: &'static [WarningKind] = &[$( WarningKind::$kind, )*];

            /// The name that is the same on every surface.
            pub const fn as_str(self) -> &'static str {
                match self { $( WarningKind::$kind => $name, )* }
            }
        }
    };
}

warning_kinds! {
    /// The status is none that this library knows; it was sent as given.
    UnknownStatus = "unknown_status";
    /// The API key travels unencrypted.
    InsecureUrl = "insecure_url";
    /// A rule in report-only mode is violated.
    ReportOnly = "report_only";
    /// Best-effort mode: the event is not recorded.
    NotRecorded = "not_recorded";
    /// Skipping preflight checks is deprecated.
    SkipPreflight = "skip_preflight";
    /// The service has taken the event and not yet recorded it.
    Accepted = "accepted";
    /// The environment was not known to the service until this deployment.
    NewEnvironment = "new_environment";
    /// A setting stands where it is not read, such as a check that is to be skipped in a variable.
    IgnoredSetting = "ignored_setting";
    /// Nobody named the environment of a deployment that starts; it was found elsewhere.
    EnvironmentFrom = "environment_from";
    /// A value holds a placeholder that nobody replaced, such as `$(Version)`.
    Placeholder = "placeholder";
    /// The API key does not look like one.
    UnusualKey = "unusual_key";
    /// `VERSIONER_VERSION` is the version of this library; was it meant for the installer?
    OwnVersion = "own_version";
    /// The status was a word for a success that is not a clean one, such as `unstable`.
    PartialSuccess = "partial_success";
    /// The event could not be delivered and is kept in the outbox, to be delivered later.
    Queued = "queued";
    /// The outbox is full: the event could not be delivered and is not kept.
    OutboxFull = "outbox_full";
    /// Something became of events in the outbox that somebody should know.
    Outbox = "outbox";
}
