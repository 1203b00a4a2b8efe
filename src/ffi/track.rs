//! Section 5 of the header: tracking.

use super::boundary::{boundary, contained, copy};
use super::client::versioner_client;
use super::code::versioner_code;
use super::event::{CallerEvent, versioner_build_event, versioner_deployment_event};
use super::result::versioner_result;
use crate::client::Client;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::outcome::{Error, Outcome};

/// Tells that something was built. Returns once it is recorded or cannot be, after all retries.
///
/// Gives the code of the result. *result says everything else, to be freed with
/// versioner_result_free; it is written whatever happens. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_track_build(
    client: *mut versioner_client,
    event: *const versioner_build_event,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call =
        |client: &Client, event: &_, interrupt: &_| client.track_build_with(event, interrupt);
    // SAFETY: as the caller promises.
    unsafe { with_event(client, event, result, call) }
}

/// Tells that something is deployed. With status started it is checked against policy first: on
/// VERSIONER_REJECTED the deployment must not happen.
///
/// Gives the code of the result. *result says everything else, to be freed with
/// versioner_result_free; it is written whatever happens. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_track_deployment(
    client: *mut versioner_client,
    event: *const versioner_deployment_event,
    result: *mut *mut versioner_result,
) -> versioner_code {
    let call =
        |client: &Client, event: &_, interrupt: &_| client.track_deployment_with(event, interrupt);
    // SAFETY: as the caller promises.
    unsafe { with_event(client, event, result, call) }
}

pub(super) fn missing(name: &'static str) -> Failure {
    Failure::argument(name, format!("{name} must not be NULL"))
}

/// What every function that takes an event does around its call of the core.
///
/// # Safety
/// `client` is NULL or not freed, `event` NULL or of the size it says, its texts NULL or
/// NUL-terminated, `result` NULL or the caller's to write.
pub(super) unsafe fn with_event<E: CallerEvent>(
    client: *const versioner_client,
    event: *const E,
    result: *mut *mut versioner_result,
    call: impl FnOnce(&Client, &E::Event, &Interrupt) -> Result<Outcome, Error>,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let failed = |failure: Failure| Error::from(failure.into_outcome(Some(E::KIND)));
        let outcome = contained(Some(E::KIND), || {
            // SAFETY: as promised above.
            let client = unsafe { client.as_ref() }.ok_or_else(|| failed(missing("client")))?;
            // SAFETY: as promised above.
            let event = unsafe { copy(event) }.map_err(failed)?;
            let event = event.ok_or_else(|| failed(missing("event")))?;
            // SAFETY: as promised above.
            let read = unsafe { event.read() }.map_err(failed)?;
            let interrupt = event.interrupt().map_err(failed)?;
            call(&client.client, &read, &interrupt)
        });
        let outcome = outcome.unwrap_or_else(Error::into_outcome);
        // SAFETY: as promised above.
        unsafe { versioner_result::give(Some(outcome), result) }
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::ffi::result::{
        versioner_result_free, versioner_result_kind_name, versioner_result_message,
    };
    use crate::input::settings::Options;
    use crate::model::clock::Clock;

    struct Faulty;

    impl Clock for Faulty {
        fn now(&self) -> Duration {
            panic!("provoked")
        }
        fn date(&self) -> SystemTime {
            panic!("provoked")
        }
        fn sleep(&self, _: Duration, _: &Interrupt) {
            panic!("provoked")
        }
        fn jitter(&self) -> f64 {
            panic!("provoked")
        }
    }

    #[test]
    fn a_panic_becomes_a_result_of_kind_internal() {
        let options = Options {
            api_key: "sk_test_k1_secretsecret".to_owned(),
            api_url: "http://127.0.0.1:9".to_owned(),
            clock: Some(Arc::new(Faulty)),
            environment: Some(Default::default()),
            ..Options::default()
        };
        let client = Client::new(options).expect("a client");
        let mut client = versioner_client { client };
        let mut result = std::ptr::null_mut();
        // SAFETY: zero is valid in every member.
        let mut event: versioner_build_event = unsafe { std::mem::zeroed() };
        event.struct_size = size_of_val(&event);
        event.product = c"api".as_ptr();
        event.version = c"1.2.3".as_ptr();
        // SAFETY: all three are alive, and the result is freed below.
        unsafe {
            let code = versioner_track_build(&mut client, &event, &mut result);
            assert!(code == versioner_code::VERSIONER_ERROR);
            let kind = CStr::from_ptr(versioner_result_kind_name(result));
            assert_eq!(kind, c"internal");
            let message = CStr::from_ptr(versioner_result_message(result));
            let message = message.to_str().expect("UTF-8");
            assert!(message.contains("src/ffi/track.rs:"), "{message}");
            versioner_result_free(result);
        }
    }
}
