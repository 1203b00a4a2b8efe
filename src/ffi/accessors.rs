//! Section 5 of the header: what a result says.

use std::ffi::{CString, c_char};

use super::boundary::boundary;
use super::result::{WarningStrings, versioner_code, versioner_kind, versioner_result};

/// # Safety
/// `result` is NULL or a result that is not freed.
unsafe fn string<'a>(
    result: *const versioner_result,
    read: impl FnOnce(&'a versioner_result) -> Option<&'a CString>,
) -> *const c_char {
    // SAFETY: as promised above.
    let found = unsafe { result.as_ref() }.and_then(read);
    found.map_or(c"".as_ptr(), |text| text.as_ptr())
}

/// # Safety
/// `result` is NULL or a result that is not freed.
unsafe fn warning<'a>(
    result: *const versioner_result,
    index: usize,
    read: impl FnOnce(&'a WarningStrings) -> &'a CString,
) -> *const c_char {
    // SAFETY: as promised above.
    unsafe {
        string(result, |result| {
            result.strings.warnings.get(index).map(read)
        })
    }
}

/// The code; VERSIONER_ERROR for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_code(result: *const versioner_result) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { result.as_ref() }.map_or(versioner_code::VERSIONER_ERROR, |result| {
            result.outcome.code.into()
        })
    })
}

/// The finer reason; VERSIONER_KIND_INVALID_ARGUMENT for NULL. Where best-effort mode turned a
/// failure into VERSIONER_OK, the reason of that failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_kind(result: *const versioner_result) -> versioner_kind {
    boundary!(versioner_kind::VERSIONER_KIND_INVALID_ARGUMENT, {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { result.as_ref() }
            .map_or(versioner_kind::VERSIONER_KIND_INVALID_ARGUMENT, |result| {
                result.outcome.kind.into()
            })
    })
}

/// The name of the kind, such as "flow_violation".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_kind_name(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.kind_name)) }
    })
}

/// One or more sentences for people: what went wrong and what to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_message(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.message)) }
    })
}

/// The argument or setting at fault, where one is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_argument(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.argument)) }
    })
}

/// The HTTP status of the last answer; 0 where there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_http_status(result: *const versioner_result) -> i32 {
    boundary!(0, {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { result.as_ref() }.map_or(0, |result| i32::from(result.outcome.http_status))
    })
}

/// How often the event was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_attempts(result: *const versioner_result) -> u32 {
    boundary!(0, {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { result.as_ref() }.map_or(0, |result| result.outcome.attempts)
    })
}

/// Whether the service recorded the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_recorded(result: *const versioner_result) -> bool {
    boundary!(false, {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { result.as_ref() }.is_some_and(|result| result.outcome.recorded)
    })
}

/// Identifier of the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_event_id(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.event_id)) }
    })
}

/// Identifier of the product.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_product_id(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.product_id)) }
    })
}

/// Identifier of the version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_version_id(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.version_id)) }
    })
}

/// Identifier of the environment, of deployments.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_environment_id(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.environment_id)) }
    })
}

/// The recorded status, or "not_recorded" in best-effort mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_status(result: *const versioner_result) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.status)) }
    })
}

/// When the service says that the deployment was, RFC 3339.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_deployed_at(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.deployed_at)) }
    })
}

/// The CI system that was named or detected, such as "github".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_source_system(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.source_system)) }
    })
}

/// Name of the rule that rejected the deployment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_rule(result: *const versioner_result) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.rule)) }
    })
}

/// The service's code of a rejection, such as "FLOW_VIOLATION".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_policy_code(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.policy_code)) }
    })
}

/// When to try again after a rejection, as the service wrote it (RFC 3339).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_retry_after(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(&result.strings.retry_after)) }
    })
}

/// Further facts about a rejection, as a JSON object; "" where there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_details(
    result: *const versioner_result,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| result.details()) }
    })
}

/// The block that the command line prints for people, without a line end after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_text(result: *const versioner_result) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(result.text())) }
    })
}

/// The whole result as a flat JSON object, with the names that every language shares.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_json(result: *const versioner_result) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { string(result, |result| Some(result.json())) }
    })
}

/// How many warnings there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_count(result: *const versioner_result) -> usize {
    boundary!(0, {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { result.as_ref() }.map_or(0, |result| result.strings.warnings.len())
    })
}

/// What a warning is about: "unknown_status", "insecure_url", "report_only", "not_recorded" or
/// "skip_preflight"; "" for an index that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_kind(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { warning(result, index, |warning| &warning.kind) }
    })
}

/// What a warning tells people; "" for an index that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_message(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { warning(result, index, |warning| &warning.message) }
    })
}

/// The violated rule of a "report_only" warning; "" for others and for an index that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_result_warning_rule(
    result: *const versioner_result,
    index: usize,
) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a result that is not freed.
        unsafe { warning(result, index, |warning| &warning.rule) }
    })
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
