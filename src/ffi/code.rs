//! Section 2 of the header: codes and kinds.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::boundary::{boundary, c_string};
use crate::model::kind::{Code, Kind};

/// How a call ended, the same numbers as the command line's exit codes. They never grow.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum versioner_code {
    /// Recorded; or taken by the service to be recorded later; or not recorded in best-effort mode.
    /// versioner_result_recorded tells.
    VERSIONER_OK = 0,
    /// A bad argument, a bad configuration, a network failure, or an interruption.
    VERSIONER_ERROR = 1,
    /// The service answered, neither with success nor with a rejection.
    VERSIONER_API_ERROR = 4,
    /// Policy forbids it: the deployment must not happen.
    VERSIONER_REJECTED = 5,
}

impl From<Code> for versioner_code {
    fn from(code: Code) -> Self {
        match code {
            Code::Ok => versioner_code::VERSIONER_OK,
            Code::Error => versioner_code::VERSIONER_ERROR,
            Code::ApiError => versioner_code::VERSIONER_API_ERROR,
            Code::Rejected => versioner_code::VERSIONER_REJECTED,
        }
    }
}

macro_rules! from_kind {
    ($($kind:ident => $name:ident),* $(,)?) => {
        impl From<Kind> for versioner_kind {
            fn from(kind: Kind) -> Self {
                match kind { $( Kind::$kind => versioner_kind::$name, )* }
            }
        }
        $( const _: () = assert!(Kind::$kind as i32 == versioner_kind::$name as i32); )*
    };
}

/// The finer reason under a code. New ones are only ever appended: treat one that you do not know
/// by its code.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum versioner_kind {
    /// The event is recorded, or taken by the service to be recorded later.
    VERSIONER_KIND_OK = 0,
    /// An argument is missing or malformed; nothing was sent.
    VERSIONER_KIND_INVALID_ARGUMENT = 1,
    /// A setting, the configuration file, a proxy or a certificate file is unusable; nothing was
    /// sent.
    VERSIONER_KIND_CONFIG = 2,
    /// The service could not be reached or hung up.
    VERSIONER_KIND_NETWORK = 3,
    /// The service did not answer in time.
    VERSIONER_KIND_TIMEOUT = 4,
    /// The connection could not be secured, such as for an untrusted certificate.
    VERSIONER_KIND_TLS = 5,
    /// The caller cancelled the call; the event may or may not be recorded.
    VERSIONER_KIND_INTERRUPTED = 6,
    /// A fault of this library.
    VERSIONER_KIND_INTERNAL = 7,
    /// HTTP 401: the API key is wrong.
    VERSIONER_KIND_AUTHENTICATION = 8,
    /// HTTP 403: the API key may not do this.
    VERSIONER_KIND_AUTHORIZATION = 9,
    /// HTTP 404: nothing is there; is the API URL right?
    VERSIONER_KIND_NOT_FOUND = 10,
    /// HTTP 422: the service refuses the event's values.
    VERSIONER_KIND_VALIDATION = 11,
    /// HTTP 429, after the last retry.
    VERSIONER_KIND_RATE_LIMITED = 12,
    /// HTTP 5xx, after the last retry.
    VERSIONER_KIND_SERVER = 13,
    /// HTTP 3xx: redirects are not followed.
    VERSIONER_KIND_REDIRECT = 14,
    /// Any other HTTP answer.
    VERSIONER_KIND_HTTP = 15,
    /// Another deployment of the product to the environment is in progress.
    VERSIONER_KIND_DEPLOYMENT_CONFLICT = 16,
    /// The schedule forbids deployments now.
    VERSIONER_KIND_NO_DEPLOY_WINDOW = 17,
    /// The version has not been through the environments that come first.
    VERSIONER_KIND_FLOW_VIOLATION = 18,
    /// The version has not been long enough in an environment that comes first.
    VERSIONER_KIND_INSUFFICIENT_SOAK_TIME = 19,
    /// Quality approval is missing.
    VERSIONER_KIND_QUALITY_APPROVAL_REQUIRED = 20,
    /// Release approval is missing.
    VERSIONER_KIND_APPROVAL_REQUIRED = 21,
    /// The version exists already with other content.
    VERSIONER_KIND_VERSION_CONFLICT = 22,
    /// Rejected for a reason that this library does not know by name.
    VERSIONER_KIND_REJECTED = 23,
    /// While a deployment waited for its turn, another version was started there.
    VERSIONER_KIND_SUPERSEDED = 24,
    /// Nothing is deployed there, or the product or environment is not known; the message says
    /// which.
    VERSIONER_KIND_NOT_DEPLOYED = 25,
}

from_kind! {
    Ok => VERSIONER_KIND_OK,
    InvalidArgument => VERSIONER_KIND_INVALID_ARGUMENT,
    Config => VERSIONER_KIND_CONFIG,
    Network => VERSIONER_KIND_NETWORK,
    Timeout => VERSIONER_KIND_TIMEOUT,
    Tls => VERSIONER_KIND_TLS,
    Interrupted => VERSIONER_KIND_INTERRUPTED,
    Internal => VERSIONER_KIND_INTERNAL,
    Authentication => VERSIONER_KIND_AUTHENTICATION,
    Authorization => VERSIONER_KIND_AUTHORIZATION,
    NotFound => VERSIONER_KIND_NOT_FOUND,
    Validation => VERSIONER_KIND_VALIDATION,
    RateLimited => VERSIONER_KIND_RATE_LIMITED,
    Server => VERSIONER_KIND_SERVER,
    Redirect => VERSIONER_KIND_REDIRECT,
    Http => VERSIONER_KIND_HTTP,
    DeploymentConflict => VERSIONER_KIND_DEPLOYMENT_CONFLICT,
    NoDeployWindow => VERSIONER_KIND_NO_DEPLOY_WINDOW,
    FlowViolation => VERSIONER_KIND_FLOW_VIOLATION,
    InsufficientSoakTime => VERSIONER_KIND_INSUFFICIENT_SOAK_TIME,
    QualityApprovalRequired => VERSIONER_KIND_QUALITY_APPROVAL_REQUIRED,
    ApprovalRequired => VERSIONER_KIND_APPROVAL_REQUIRED,
    VersionConflict => VERSIONER_KIND_VERSION_CONFLICT,
    Rejected => VERSIONER_KIND_REJECTED,
    Superseded => VERSIONER_KIND_SUPERSEDED,
    NotDeployed => VERSIONER_KIND_NOT_DEPLOYED,
}

/// The name of a kind, such as "flow_violation", the same in every language; "" for a number that
/// is none. Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn versioner_kind_name(kind: i32) -> *const c_char {
    boundary!(c"".as_ptr(), {
        static NAMES: OnceLock<Vec<CString>> = OnceLock::new();
        let names = NAMES.get_or_init(|| {
            Kind::ALL
                .iter()
                .map(|kind| c_string(kind.as_str()))
                .collect()
        });
        let name = usize::try_from(kind)
            .ok()
            .and_then(|index| names.get(index));
        name.map_or(c"".as_ptr(), |name| name.as_ptr())
    })
}
