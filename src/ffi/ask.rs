//! Section 6 of the header: asking.

use std::ffi::{CStr, c_char};
use std::time::Duration;

use super::boundary::{boundary, contained, copy, init, text, versioned};
use super::client::versioner_client;
use super::code::versioner_code;
use super::event::{
    interrupt, milliseconds, versioner_build_event, versioner_deployment_event, versioner_flag,
};
use super::result::versioner_result;
use super::track::{missing, with_event};
use crate::client::Client;
use crate::model::event::EventKind;
use crate::model::explanation::Explanation;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Kind;
use crate::model::outcome::{Error, Outcome};

/// What is asked of the service. Zero it with VERSIONER_QUESTION_INIT, then set what the function
/// reads. The library copies what it needs before it returns.
#[repr(C)]
pub struct versioner_question {
    /// sizeof(versioner_question), set by the initialisers.
    pub struct_size: usize,
    /// Of versioner_read: a path below the API URL, such as deployments/.
    pub path: *const c_char,
    /// Of versioner_read: NAME=VALUE strings, not encoded, NULL after the last. NULL means none.
    pub query: *const *const c_char,
    /// Of versioner_state, where NULL means all, and versioner_deployed_version.
    pub product: *const c_char,
    /// Of versioner_deployed_version.
    pub environment: *const c_char,
    /// See versioner_build_event.
    pub cancel_flag: *const versioner_flag,
    /// The longest that each request may take with all its attempts and pauses, in milliseconds, in
    /// place of the client's total timeout. 0 means the client's.
    pub timeout_ms: u64,
}

versioned!(versioner_question {
    struct_size,
    path,
    query,
    product,
    environment,
    cancel_flag,
    timeout_ms,
});

/// Makes a question with nothing set but its size, for languages without the macro
/// VERSIONER_QUESTION_INIT. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_question_init(question: *mut versioner_question) {
    // SAFETY: the caller gives NULL or a question.
    boundary!((), { unsafe { init(question) } })
}

/// Asks whether a deployment may start, and records nothing. Its status is taken for started,
/// whatever the event says, and no check is skipped. Needs versioner-server.
///
/// VERSIONER_OK only if no rule forbids it; VERSIONER_REJECTED if one does, told as the rejection of
/// an event is; best effort softens nothing. versioner_result_data has every rule's verdict.
/// *result is written whatever happens, to be freed with versioner_result_free; result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_check_deployment(
    client: *mut versioner_client,
    event: *const versioner_deployment_event,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call =
        |client: &Client, event: &_, interrupt: &_| client.check_deployment_with(event, interrupt);
    // SAFETY: as the caller promises.
    unsafe { with_event(client, event, result, call) }
}

/// What versioner_track_build would send, and where each value comes from; sends nothing.
/// versioner_result_data is an object with method, url, headers and body of the request, and the
/// lists values and settings of {field, value, source}. *result is written whatever happens, to be
/// freed with versioner_result_free; result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_explain_build(
    client: *mut versioner_client,
    event: *const versioner_build_event,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call = |client: &Client, event: &_, _: &_| {
        let explanation = client.explain_build(event)?;
        Ok(explained(EventKind::Build, &explanation))
    };
    // SAFETY: as the caller promises.
    unsafe { with_event(client, event, result, call) }
}

/// What versioner_track_deployment would send; see versioner_explain_build. Policy is not asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_explain_deployment(
    client: *mut versioner_client,
    event: *const versioner_deployment_event,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call = |client: &Client, event: &_, _: &_| {
        let explanation = client.explain_deployment(event)?;
        Ok(explained(EventKind::Deployment, &explanation))
    };
    // SAFETY: as the caller promises.
    unsafe { with_event(client, event, result, call) }
}

/// Reads what the service knows, by path and query. versioner_result_data has the JSON of its
/// answer. Needs versioner-server and a key with the scope read. A 409, 423 or 428 is no rejection,
/// and best effort softens nothing. *result is written whatever happens, to be freed with
/// versioner_result_free; result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_read(
    client: *mut versioner_client,
    question: *const versioner_question,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call = |client: &Client, asked: &Asked| asked.read_from(client);
    // SAFETY: as the caller promises.
    unsafe { with_question(client, question, result, call) }
}

/// Reads what runs where, of one product or of all: versioner_result_data is an object with products,
/// each with its environments. See versioner_read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_state(
    client: *mut versioner_client,
    question: *const versioner_question,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call = |client: &Client, asked: &Asked| {
        client.state_with(&asked.product, asked.timeout, &asked.interrupt)
    };
    // SAFETY: as the caller promises.
    unsafe { with_question(client, question, result, call) }
}

/// The version whose deployment was the last that completed there: versioner_result_version. What is
/// NULL is taken from VERSIONER_* variables, the configuration file and the CI system. Of kind
/// VERSIONER_KIND_NOT_DEPLOYED if nothing is deployed there or a name is not known; the message says
/// which. See versioner_read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_deployed_version(
    client: *mut versioner_client,
    question: *const versioner_question,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call = |client: &Client, asked: &Asked| {
        let Asked {
            product,
            environment,
            ..
        } = asked;
        client.deployed_version_with(product, environment, asked.timeout, &asked.interrupt)
    };
    // SAFETY: as the caller promises.
    unsafe { with_question(client, question, result, call) }
}

/// A question as the library has it.
struct Asked {
    path: String,
    query: Vec<(String, String)>,
    product: String,
    environment: String,
    interrupt: Interrupt,
    timeout: Option<Duration>,
}

impl Asked {
    /// # Safety
    /// `question` is NULL or points to a question of the size it says, whose strings are
    /// NUL-terminated.
    unsafe fn read(question: *const versioner_question) -> Result<Asked, Failure> {
        // SAFETY: as promised above.
        let raw = unsafe { copy(question) }?.ok_or_else(|| missing("question"))?;
        // SAFETY: as promised above.
        let text = |name, pointer| unsafe { text(name, pointer) };
        Ok(Asked {
            path: text("path", raw.path)?,
            // SAFETY: as promised above.
            query: unsafe { pairs(raw.query) }?,
            product: text("product", raw.product)?,
            environment: text("environment", raw.environment)?,
            interrupt: interrupt(raw.cancel_flag)?,
            timeout: milliseconds(raw.timeout_ms),
        })
    }

    fn read_from(&self, client: &Client) -> Result<Outcome, Error> {
        let query = self.query.iter();
        let query: Vec<(&str, &str)> = query
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        client.read_with(&self.path, &query, self.timeout, &self.interrupt)
    }
}

/// # Safety
/// `entries` is NULL or an array of NUL-terminated strings that ends with NULL.
unsafe fn pairs(entries: *const *const c_char) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    let mut next = entries;
    while !next.is_null() {
        // SAFETY: the array goes on until the NULL that ends it.
        let entry = unsafe { *next };
        if entry.is_null() {
            break;
        }
        // SAFETY: not NULL, so a NUL-terminated string.
        let entry = unsafe { CStr::from_ptr(entry) };
        let pair = entry.to_str().ok().and_then(|text| text.split_once('='));
        let Some((name, value)) = pair else {
            let message = "query: every entry must be NAME=VALUE in UTF-8, but one is not";
            return Err(Failure::argument("query", message));
        };
        pairs.push((name.to_owned(), value.to_owned()));
        // SAFETY: not yet past the NULL that ends the array.
        next = unsafe { next.add(1) };
    }
    Ok(pairs)
}

/// What every function that takes a question does around its call of the core.
///
/// # Safety
/// `client` is NULL or not freed, `question` NULL or of the size it says, with strings as members,
/// `result` NULL or the caller's to write.
unsafe fn with_question(
    client: *const versioner_client,
    question: *const versioner_question,
    result: *mut *mut versioner_result,
    call: impl FnOnce(&Client, &Asked) -> Result<Outcome, Error>,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let outcome = contained(None, || {
            // SAFETY: as promised above.
            let client = unsafe { client.as_ref() };
            let client = client.ok_or_else(|| missing("client").into_error())?;
            // SAFETY: as promised above.
            let asked = unsafe { Asked::read(question) }.map_err(Failure::into_error)?;
            call(&client.client, &asked)
        });
        let outcome = outcome.unwrap_or_else(Error::into_outcome);
        // SAFETY: as promised above.
        unsafe { versioner_result::give(Some(outcome), result) }
    })
}

fn explained(kind: EventKind, explanation: &Explanation) -> Outcome {
    let mut outcome = Outcome::new(Some(kind), Kind::Ok, "nothing was sent");
    outcome.data = Some(explanation.to_json());
    outcome.warnings = explanation.warnings.clone();
    outcome
}
