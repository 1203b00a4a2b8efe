//! Section 7 of the header: spans.

use std::ffi::{CString, c_char};
use std::sync::{Mutex, PoisonError};

use super::boundary::{boundary, c_string, contained, copy, init, text, versioned};
use super::client::versioner_client;
use super::code::versioner_code;
use super::event::{
    CallerEvent, choice, interrupt, milliseconds, versioner_build_event,
    versioner_deployment_event, versioner_flag,
};
use super::result::versioner_result;
use super::track::missing;
use crate::client::Client;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::outcome::{Error, Outcome};
use crate::span::{End, Span};

/// One deployment or build from its start to its end. It belongs to the process that began or
/// resumed it: after fork the child can neither end it nor let go of it. Any thread may end it. It
/// keeps what it needs of its client alive, so that the client may be freed first.
pub struct versioner_span {
    span: Span,
    id: CString,
    saved: Mutex<Vec<CString>>,
}

/// How a deployment or build ended. Start from VERSIONER_END_INIT.
#[repr(C)]
pub struct versioner_end {
    /// sizeof(versioner_end), set by the initialisers.
    pub struct_size: usize,
    /// completed, failed or aborted, or an alias such as success. Required: nothing is a success
    /// because nobody said otherwise.
    pub status: *const c_char,
    /// The class of the error that ended it, never its message; kept as vi_error_class. Default:
    /// none.
    pub error_class: *const c_char,
    /// A JSON object of the caller's own, as text, at most 102,400 bytes, over that of the start.
    pub extra_metadata: *const c_char,
    /// The longest that the telling may take with all its attempts and pauses, in milliseconds,
    /// in place of the client's total timeout. 0 means the client's.
    pub timeout_ms: u64,
    /// VERSIONER_YES if exit_code is set. Default: VERSIONER_NO.
    pub has_exit_code: i32,
    /// The exit code of what deployed or built; kept as vi_exit_code.
    pub exit_code: i32,
    /// The signal that ended what deployed or built, such as TERM; kept as vi_signal. Default:
    /// none.
    pub signal: *const c_char,
}

versioned!(versioner_end {
    struct_size,
    status,
    error_class,
    extra_metadata,
    timeout_ms,
    has_exit_code,
    exit_code,
    signal,
});

/// Makes an end with nothing set but its size, for languages without the macro
/// VERSIONER_END_INIT. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_end_init(end: *mut versioner_end) {
    // SAFETY: the caller gives NULL or an end.
    boundary!((), { unsafe { init(end) } })
}

/// Asks whether a deployment may begin, and begins it. The event's status must be unset or
/// started.
///
/// On VERSIONER_OK *span is the span, to be ended with versioner_span_end and freed with
/// versioner_span_free. On every other code *span is NULL, and the deployment must not happen; if
/// nobody knows whether the start was recorded (interrupted, timed out, connection lost), aborted
/// was told for it, within 5 s, whatever interrupted the call. span must not be NULL.
///
/// *result says how the start ended, to be freed with versioner_result_free; it is written
/// whatever happens. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_begin(
    client: *mut versioner_client,
    event: *const versioner_deployment_event,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    // SAFETY: as the caller promises.
    unsafe { begin(client, event, span, result) }
}

/// Tells that a build begins, for one that versioner_span_end ends. The event's status must be unset
/// or started. As versioner_span_begin, of which nothing differs but the event: on every code but
/// VERSIONER_OK *span is NULL, and the build must not happen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_begin_build(
    client: *mut versioner_client,
    event: *const versioner_build_event,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    // SAFETY: as the caller promises.
    unsafe { begin(client, event, span, result) }
}

/// Makes a span that is not asked for yet, so that it can be saved first: a program that dies
/// while it asks leaves a text behind that versioner_span_resume goes on with. Sends nothing.
///
/// On VERSIONER_OK *span is the span, whose text versioner_span_save gives and
/// versioner_span_resume asks with, and *result is NULL. Freeing it tells nothing. On failure
/// *span is NULL and *result says why, to be freed with versioner_result_free. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_prepare(
    client: *mut versioner_client,
    event: *const versioner_deployment_event,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    // SAFETY: as the caller promises.
    unsafe { prepare(client, event, span, result) }
}

/// Makes a span of a build that is not told of yet; see versioner_span_prepare.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_prepare_build(
    client: *mut versioner_client,
    event: *const versioner_build_event,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    // SAFETY: as the caller promises.
    unsafe { prepare(client, event, span, result) }
}

/// Makes a span of the text that versioner_span_save gave, in this process or another; it belongs
/// to this process from now on. One that was saved before it was allowed asks again under the
/// same key: it is the same deployment. cancel_flag is NULL or ends that asking, see
/// versioner_build_event.
///
/// On VERSIONER_OK *span is the span, to be freed with versioner_span_free, and *result says how
/// the start ended, or is NULL if nothing was asked. On failure *span is NULL and *result says
/// why: VERSIONER_KIND_INVALID_ARGUMENT for a text that is none, or of another service or account,
/// else as versioner_span_begin. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_resume(
    client: *mut versioner_client,
    saved: *const c_char,
    cancel_flag: *const versioner_flag,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let make = || {
            // SAFETY: the caller gives NULL or a client that is not freed.
            let client = unsafe { client.as_ref() }.ok_or_else(|| failed(missing("client")))?;
            if span.is_null() {
                return Err(failed(missing("span")));
            }
            // SAFETY: the caller gives NULL or a NUL-terminated string.
            let saved = unsafe { text("saved", saved) }.map_err(failed)?;
            let interrupt = interrupt(cancel_flag).map_err(failed)?;
            client.client.resume_with(&saved, &interrupt)
        };
        // SAFETY: the caller gives NULL or places for both.
        unsafe { give(EventKind::Deployment, make, span, result) }
    })
}

/// Tells how a deployment or build ended. The first end counts; a later one gives the result of the
/// first, or tells it again if it could not be told. Neither versioner_client_cancel nor a cancel_flag
/// ends the telling; timeout_ms does. A service that rejects the end is asked once more after 5 s, if
/// timeout_ms leaves time for that.
///
/// Gives the code of the result. What happened has happened, whatever the code is. The span must
/// still be freed. *result says everything else, to be freed with versioner_result_free; it is
/// written whatever happens. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_end(
    span: *mut versioner_span,
    end: *const versioner_end,
    result: *mut *mut versioner_result,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let outcome = contained(Some(EventKind::Deployment), || {
            // SAFETY: the caller gives NULL or a span that is not freed.
            let span = unsafe { span.as_ref() }.ok_or_else(|| failed(missing("span")))?;
            // SAFETY: the caller gives NULL or an end of the size it says.
            let end = unsafe { copy(end) }.map_err(failed)?;
            let end = end.ok_or_else(|| failed(missing("end")))?;
            // SAFETY: the caller gives NULL or strings as members.
            let end = unsafe { end.read() }.map_err(failed)?;
            span.span.end(&end)
        });
        let outcome = outcome.unwrap_or_else(Error::into_outcome);
        // SAFETY: the caller gives NULL or a place for a result.
        unsafe { versioner_result::give(Some(outcome), result) }
    })
}

/// Says that a deployment goes on, so that the service does not take it for lost: for another
/// lease_ms of its start, or for as long as the service has it. A program calls it while it
/// deploys, every third of the lease, or every hour without one. Of a service that offers no such
/// thing (its feature renew) it asks nothing, and gives VERSIONER_OK.
///
/// On VERSIONER_OK *result is NULL. Else *result says why, to be freed with versioner_result_free,
/// such as that the service has ended the deployment. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_renew(
    span: *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let renewed = contained(Some(EventKind::Deployment), || {
            // SAFETY: the caller gives NULL or a span that is not freed.
            let span = unsafe { span.as_ref() }.ok_or_else(|| failed(missing("span")))?;
            span.span.renew(&Interrupt::never())
        });
        // SAFETY: the caller gives NULL or a place for a result.
        unsafe { versioner_result::give(renewed.err().map(Error::into_outcome), result) }
    })
}

/// Everything about a span as one line of JSON without the API key, for versioner_span_resume.
/// Whoever keeps it goes on with the deployment: versioner_span_free then tells nothing. Save
/// before asking and after each change to survive a crash at any moment.
///
/// Valid until the span is freed; "" for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_save(span: *mut versioner_span) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a span that is not freed.
        let Some(span) = (unsafe { span.as_ref() }) else {
            return c"".as_ptr();
        };
        let Ok(text) = span.span.save() else {
            return c"".as_ptr();
        };
        let mut all = span.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let text = c_string(&text);
        // Its characters stay where they are when the list grows.
        let pointer = text.as_ptr();
        all.push(text);
        pointer
    })
}

/// The identifier of a span, a UUID. Valid until the span is freed; "" for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_id(span: *const versioner_span) -> *const c_char {
    boundary!(c"".as_ptr(), {
        // SAFETY: the caller gives NULL or a span that is not freed.
        unsafe { span.as_ref() }.map_or(c"".as_ptr(), |span| span.id.as_ptr())
    })
}

/// Frees a span; NULL is ignored. No call with it may be in progress. One that has not ended, and
/// that nobody saved as it is, is told aborted first: one attempt, 5 s at most. In a forked child
/// nothing is told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_free(span: *mut versioner_span) {
    boundary!((), {
        if !span.is_null() {
            // SAFETY: from this library, and the caller gives it up.
            let span = unsafe { Box::from_raw(span) };
            span.span.let_go();
        }
    })
}

/// Frees a span that a program has lost, such as in a finaliser of a garbage collector. It neither
/// sends nor waits, because nobody knows whether the deployment went well. One that is open, and that
/// nobody saved as it is, is logged as a warning, and aborted is put into the outbox if there is one.
///
/// Gives whether it was such a one. NULL is ignored; no call with it may be in progress. In a forked
/// child nothing is told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_span_drop(span: *mut versioner_span) -> bool {
    boundary!(false, {
        if span.is_null() {
            return false;
        }
        // SAFETY: from this library, and the caller gives it up.
        let span = unsafe { Box::from_raw(span) };
        span.span.is_forgotten()
    })
}

impl versioner_end {
    /// # Safety
    /// Every text member is NULL or a NUL-terminated string.
    unsafe fn read(&self) -> Result<End, Failure> {
        // SAFETY: as promised above.
        let text = |name, pointer| unsafe { text(name, pointer) };
        let has_exit_code = choice("has_exit_code", self.has_exit_code)?.unwrap_or(false);
        Ok(End {
            status: text("status", self.status)?,
            exit_code: has_exit_code.then_some(self.exit_code),
            signal: text("signal", self.signal)?,
            error_class: text("error_class", self.error_class)?,
            extra_metadata: text("extra_metadata", self.extra_metadata)?,
            timeout: milliseconds(self.timeout_ms),
        })
    }
}

/// An event that can be a span's start.
trait Start: CallerEvent {
    /// A span of it that is not asked for yet.
    fn prepare(client: &Client, event: &Self::Event) -> Result<Span, Error>;
}

impl Start for versioner_build_event {
    fn prepare(client: &Client, event: &Self::Event) -> Result<Span, Error> {
        client.prepare_build(event)
    }
}

impl Start for versioner_deployment_event {
    fn prepare(client: &Client, event: &Self::Event) -> Result<Span, Error> {
        client.prepare(event)
    }
}

/// # Safety
/// As [`prepared`] and [`give`].
unsafe fn begin<E: Start>(
    client: *mut versioner_client,
    event: *const E,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let make = || {
            // SAFETY: as promised above.
            let (prepared, interrupt) = unsafe { prepared(client, event, span) }?;
            prepared.ask(&interrupt)?;
            Ok(prepared)
        };
        // SAFETY: as promised above.
        unsafe { give(E::KIND, make, span, result) }
    })
}

/// # Safety
/// As [`prepared`] and [`give`].
unsafe fn prepare<E: Start>(
    client: *mut versioner_client,
    event: *const E,
    span: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        // SAFETY: as promised above.
        let make = || unsafe { prepared(client, event, span) }.map(|(prepared, _)| prepared);
        // SAFETY: as promised above.
        unsafe { give(E::KIND, make, span, result) }
    })
}

/// # Safety
/// The client is NULL or not freed, the event NULL or of the size it says, with strings.
unsafe fn prepared<E: Start>(
    client: *mut versioner_client,
    event: *const E,
    place: *mut *mut versioner_span,
) -> Result<(Span, Interrupt), Error> {
    let failed = |failure: Failure| Error::from(failure.into_outcome(Some(E::KIND)));
    // SAFETY: as promised above.
    let client = unsafe { client.as_ref() }.ok_or_else(|| failed(missing("client")))?;
    if place.is_null() {
        return Err(failed(missing("span")));
    }
    // SAFETY: as promised above.
    let event = unsafe { copy(event) }.map_err(failed)?;
    let event = event.ok_or_else(|| failed(missing("event")))?;
    // SAFETY: as promised above.
    let read = unsafe { event.read() }.map_err(failed)?;
    let interrupt = event.interrupt().map_err(failed)?;
    Ok((E::prepare(&client.client, &read)?, interrupt))
}

fn failed(failure: Failure) -> Error {
    failure.into_outcome(Some(EventKind::Deployment)).into()
}

/// Hands a span to the caller, with how its start ended, or NULL and why.
///
/// # Safety
/// Both places are NULL or the caller's to write.
unsafe fn give(
    kind: EventKind,
    make: impl FnOnce() -> Result<Span, Error>,
    place: *mut *mut versioner_span,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let made = contained(Some(kind), make);
    let (span, outcome): (_, Option<Outcome>) = match made {
        Ok(span) => {
            let started = span.started().cloned();
            let span = versioner_span {
                id: c_string(span.id()),
                span,
                saved: Mutex::default(),
            };
            (Box::into_raw(Box::new(span)), started)
        }
        Err(error) => (std::ptr::null_mut(), Some(error.into_outcome())),
    };
    if !place.is_null() {
        // SAFETY: not NULL, and the caller's to write.
        unsafe { *place = span };
    }
    // SAFETY: the caller gives NULL or a place for a result.
    unsafe { versioner_result::give(outcome, result) }
}
