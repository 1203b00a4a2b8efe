//! Section 5 of the header: results.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::boundary::{boundary, c_string};
use crate::model::kind::{Code, Kind};
use crate::model::outcome::{Outcome, Warning};

/// How a call ended, the same numbers as the command line's exit codes. They never grow.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum versioner_code {
    /// Recorded; or not recorded in best-effort mode, which versioner_result_recorded tells.
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
    /// The event is recorded.
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
}

/// How a call ended. Owns every string it hands out: they are NUL-terminated UTF-8, valid until
/// the result is freed, and "" where absent, never NULL. Any number of threads may read one.
pub struct versioner_result {
    pub(super) outcome: Outcome,
    pub(super) strings: Strings,
    details: OnceLock<CString>,
    text: OnceLock<CString>,
    json: OnceLock<CString>,
}

macro_rules! strings {
    ($($name:ident),* $(,)?; $($of_rejection:ident),* $(,)?) => {
        /// The outcome's texts as C strings.
        pub(super) struct Strings {
            $( pub $name: CString, )*
            $( pub $of_rejection: CString, )*
            pub kind_name: CString,
            pub warnings: Vec<WarningStrings>,
        }

        impl Strings {
            fn of(outcome: &Outcome) -> Self {
                let rejection = outcome.rejection.as_ref();
                Strings {
                    $( $name: c_string(&outcome.$name), )*
                    $( $of_rejection: rejection
                        .map(|rejection| c_string(&rejection.$of_rejection))
                        .unwrap_or_default(), )*
                    kind_name: c_string(outcome.kind.as_str()),
                    warnings: outcome.warnings.iter().map(WarningStrings::of).collect(),
                }
            }
        }
    };
}

strings!(
    message, argument, event_id, product_id, version_id, environment_id, status, deployed_at,
    source_system;
    rule, policy_code, retry_after
);

pub(super) struct WarningStrings {
    pub kind: CString,
    pub message: CString,
    pub rule: CString,
}

impl WarningStrings {
    fn of(warning: &Warning) -> Self {
        WarningStrings {
            kind: c_string(warning.kind.as_str()),
            message: c_string(&warning.message),
            rule: c_string(&warning.rule),
        }
    }
}

impl versioner_result {
    pub(super) fn details(&self) -> Option<&CString> {
        let details = self.outcome.rejection.as_ref()?.details.as_ref()?;
        let json = || c_string(&serde_json::to_string(details).unwrap_or_default());
        Some(self.details.get_or_init(json))
    }

    pub(super) fn text(&self) -> &CString {
        self.text.get_or_init(|| c_string(&self.outcome.text()))
    }

    pub(super) fn json(&self) -> &CString {
        self.json
            .get_or_init(|| c_string(&self.outcome.to_json().to_string()))
    }

    /// Hands an outcome to the caller, or NULL where there is none, and gives its code.
    ///
    /// # Safety
    /// `place` is NULL or the caller's to write.
    pub(super) unsafe fn give(
        outcome: Option<Outcome>,
        place: *mut *mut versioner_result,
    ) -> versioner_code {
        let code = outcome.as_ref().map_or(Code::Ok, |outcome| outcome.code);
        if !place.is_null() {
            let result = outcome.map_or(std::ptr::null_mut(), |outcome| {
                Box::into_raw(Box::new(versioner_result {
                    strings: Strings::of(&outcome),
                    outcome,
                    details: OnceLock::new(),
                    text: OnceLock::new(),
                    json: OnceLock::new(),
                }))
            });
            // SAFETY: not NULL, and the caller's to write.
            unsafe { *place = result };
        }
        code.into()
    }
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
