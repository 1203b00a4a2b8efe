//! Section 8 of the header: results.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::boundary::{boundary, c_string};
use super::code::{versioner_code, versioner_kind};
use crate::model::kind::Code;
use crate::model::outcome::{Outcome, Warning};

/// How a call ended. Owns every string it hands out: they are NUL-terminated UTF-8, valid until
/// the result is freed, and "" if absent, never NULL. Any number of threads may read one.
pub struct versioner_result {
    outcome: Outcome,
    strings: Strings,
    details: OnceLock<CString>,
    data: OnceLock<CString>,
    text: OnceLock<CString>,
    json: OnceLock<CString>,
}

macro_rules! strings {
    ($($name:ident),* $(,)?; $($of_rejection:ident),* $(,)?) => {
        /// The outcome's texts as C strings.
        struct Strings {
            $( $name: CString, )*
            $( $of_rejection: CString, )*
            kind_name: CString,
            features: Vec<CString>,
            warnings: Vec<WarningStrings>,
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
                    features: outcome.features.iter().map(|name| c_string(name)).collect(),
                    warnings: outcome.warnings.iter().map(WarningStrings::of).collect(),
                }
            }
        }
    };
}

strings!(
    message, argument, event_id, product_id, version_id, environment_id, status, deployed_at, version,
    source_system;
    rule, policy_code, retry_after
);

struct WarningStrings {
    kind: CString,
    message: CString,
    rule: CString,
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
    fn details(&self) -> Option<&CString> {
        let details = self.outcome.rejection.as_ref()?.details.as_ref()?;
        let json = || c_string(&serde_json::to_string(details).unwrap_or_default());
        Some(self.details.get_or_init(json))
    }

    fn data(&self) -> Option<&CString> {
        let data = self.outcome.data.as_ref()?;
        Some(self.data.get_or_init(|| c_string(&data.to_string())))
    }

    fn text(&self) -> &CString {
        self.text.get_or_init(|| c_string(&self.outcome.text()))
    }

    fn json(&self) -> &CString {
        self.json
            .get_or_init(|| c_string(&self.outcome.to_json().to_string()))
    }

    fn warning(&self, index: usize) -> Option<&WarningStrings> {
        self.strings.warnings.get(index)
    }

    /// Hands an outcome to the caller, or NULL if there is none, and gives its code.
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
                    data: OnceLock::new(),
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

/// The body of an accessor: reads a result, or gives the fallback for NULL.
macro_rules! accessor {
    ($fallback:expr, $result:ident, $read:expr) => {
        boundary!($fallback, {
            // SAFETY: the caller gives NULL or a result that is not freed.
            unsafe { $result.as_ref() }.map_or($fallback, $read)
        })
    };
}

/// The body of an accessor of a text, which is "" for NULL and for what is absent.
macro_rules! text_accessor {
    ($result:ident => $text:expr) => {
        accessor!(c"".as_ptr(), $result, |$result| pointer($text))
    };
}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(c"".as_ptr(), |text| text.as_ptr())
}

/// The code; VERSIONER_ERROR for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_code(result: *const versioner_result) -> versioner_code {
    accessor!(versioner_code::VERSIONER_ERROR, result, |result| {
        result.outcome.code.into()
    })
}

/// The finer reason; VERSIONER_KIND_INVALID_ARGUMENT for NULL. If best-effort mode turned a
/// failure into VERSIONER_OK, the reason of that failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_kind(result: *const versioner_result) -> versioner_kind {
    accessor!(
        versioner_kind::VERSIONER_KIND_INVALID_ARGUMENT,
        result,
        |result| result.outcome.kind.into()
    )
}

/// The name of the kind, such as "flow_violation".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_kind_name(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.kind_name))
}

/// One or more sentences for people: what went wrong and what to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_message(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.message))
}

/// The argument or setting at fault, such as "environment"; "" if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_argument(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.argument))
}

/// The HTTP status of the last answer; 0 if there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_http_status(result: *const versioner_result) -> i32 {
    accessor!(0, result, |result| i32::from(result.outcome.http_status))
}

/// How often the event was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_attempts(result: *const versioner_result) -> u32 {
    accessor!(0, result, |result| result.outcome.attempts)
}

/// Whether the service recorded the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_recorded(result: *const versioner_result) -> bool {
    accessor!(false, result, |result| result.outcome.recorded)
}

/// Identifier of the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_event_id(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.event_id))
}

/// Identifier of the product.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_product_id(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.product_id))
}

/// Identifier of the version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_version_id(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.version_id))
}

/// Identifier of the environment, of deployments.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_environment_id(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.environment_id))
}

/// The recorded status; "accepted" if the service has taken the event and not yet recorded it; of
/// one that could not be recorded "queued" if the outbox keeps it, and in best-effort mode
/// "not_recorded".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_status(result: *const versioner_result) -> *const c_char {
    text_accessor!(result => Some(&result.strings.status))
}

/// When the service says that the deployment was, RFC 3339.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_deployed_at(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.deployed_at))
}

/// The CI system that was named or detected, such as "github".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_source_system(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.source_system))
}

/// How many features the service says it has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_feature_count(result: *const versioner_result) -> usize {
    accessor!(0, result, |result| result.strings.features.len())
}

/// What the service offers beyond events, such as "preflight", in the order in which its answer
/// lists it; "" for an index that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_feature(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    text_accessor!(result => result.strings.features.get(index))
}

/// Name of the rule that rejected the deployment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_rule(result: *const versioner_result) -> *const c_char {
    text_accessor!(result => Some(&result.strings.rule))
}

/// The service's code of a rejection, such as "FLOW_VIOLATION".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_policy_code(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.policy_code))
}

/// When to try again after a rejection, as the service wrote it (RFC 3339).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_retry_after(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.retry_after))
}

/// Further facts about a rejection, as a JSON object; "" if there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_details(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => result.details())
}

/// The version that is deployed, of versioner_deployed_version; "" of every other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_version(
    result: *const versioner_result,
) -> *const c_char {
    text_accessor!(result => Some(&result.strings.version))
}

/// What was asked for, as JSON: of versioner_check_deployment, versioner_explain_build,
/// versioner_explain_deployment, versioner_read, versioner_state and versioner_deployed_version; ""
/// if there is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_data(result: *const versioner_result) -> *const c_char {
    text_accessor!(result => result.data())
}

/// The block that the command line prints for people, without a line end after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_text(result: *const versioner_result) -> *const c_char {
    text_accessor!(result => Some(result.text()))
}

/// The whole result as a flat JSON object, with the names that every language shares.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_json(result: *const versioner_result) -> *const c_char {
    text_accessor!(result => Some(result.json()))
}

/// How many warnings there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_count(result: *const versioner_result) -> usize {
    accessor!(0, result, |result| result.strings.warnings.len())
}

/// What a warning is about; "" for an index that is none. New names may be added. Of the event:
/// "unknown_status", "partial_success", "skip_preflight", "environment_from", "placeholder". Of
/// the settings: "insecure_url", "unusual_key", "ignored_setting", "own_version". Of the answer:
/// "report_only", "accepted", "new_environment", "not_recorded". Of the outbox: "queued",
/// "outbox_full", "outbox".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_kind(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    text_accessor!(result => result.warning(index).map(|warning| &warning.kind))
}

/// What a warning tells people; "" for an index that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_message(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    text_accessor!(result => result.warning(index).map(|warning| &warning.message))
}

/// The violated rule of a "report_only" warning; "" for others and for an index that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_rule(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    text_accessor!(result => result.warning(index).map(|warning| &warning.rule))
}

/// Frees a result with every string that came from it; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_free(result: *mut versioner_result) {
    boundary!((), {
        if !result.is_null() {
            // SAFETY: from this library, and the caller gives it up.
            drop(unsafe { Box::from_raw(result) });
        }
    })
}
