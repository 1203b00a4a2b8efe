//! The C ABI with members of any content, structs of any size, and results that are read in full.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use std::ffi::{CStr, CString, c_char};
use std::mem::{MaybeUninit, size_of};
use std::ptr::{null, null_mut};
use versioner::fuzzing::capi::*;

/// As much memory as a caller promises with the largest size that is tried.
const ROOM: usize = 4096;

/// VERSIONER_NO_RETRIES.
const NO_RETRIES: i32 = -1;

/// Sets text members, one after the other, to the next text.
macro_rules! set {
    ($struct:ident, $text:ident, $($member:ident)*) => {
        $( $struct.$member = $text(); )*
    };
}

#[derive(Debug, Arbitrary)]
struct Case {
    options: Option<Given<7>>,
    fail_on_api_error: i32,
    max_retries: i32,
    milliseconds: [u64; 3],
    environment: Option<Vec<Vec<u8>>>,
    is_build: bool,
    event: Option<Given<18>>,
    skip_preflight_checks: i32,
    allow_literal: i32,
    reserved: i32,
    flag: Flag,
}

impl Case {
    /// An event that is cut before its flag would be sent: then the options are whole and name an
    /// address where nobody listens, which is what the answer tells.
    fn keep_offline(&mut self) -> bool {
        let has_whole_options = self
            .options
            .as_ref()
            .is_some_and(|options| options.size.is_none());
        match &mut self.event {
            Some(event) if !has_whole_options => {
                event.size = None;
                false
            }
            Some(event) => event.size.is_some(),
            None => false,
        }
    }
}

/// The text members of a struct, what it says of its size, and what lies behind it.
#[derive(Debug, Arbitrary)]
struct Given<const TEXTS: usize> {
    texts: [Option<Vec<u8>>; TEXTS],
    size: Option<u16>,
    behind: u8,
}

#[derive(Debug, Arbitrary)]
enum Flag {
    Raised,
    Misaligned,
}

impl<const TEXTS: usize> Given<TEXTS> {
    fn strings(&self) -> Vec<Option<CString>> {
        let string = |bytes: &Vec<u8>| {
            let end = bytes
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(bytes.len());
            CString::new(&bytes[..end]).expect("no zero byte")
        };
        self.texts
            .iter()
            .map(|text| text.as_ref().map(string))
            .collect()
    }

    /// The struct in memory that goes on behind it.
    fn placed<T>(&self, mut value: T, set_size: fn(&mut T, usize)) -> Vec<u64> {
        let size = self.size.map(|size| usize::from(size) % ROOM);
        set_size(&mut value, size.unwrap_or(size_of::<T>()));
        let mut memory = vec![u64::from_ne_bytes([self.behind; 8]); ROOM / 8];
        // SAFETY: the memory is larger than the struct and as aligned as any of its members.
        unsafe { memory.as_mut_ptr().cast::<T>().write(value) };
        memory
    }
}

fuzz_target!(|case: Case| {
    let mut case = case;
    let is_offline = case.keep_offline();
    let raised = [1_i32, 1];
    let flag: *const i32 = match case.flag {
        Flag::Raised => raised.as_ptr(),
        // SAFETY: still within the array.
        Flag::Misaligned => unsafe { raised.as_ptr().byte_add(1) },
    };
    let mut option_texts = case
        .options
        .as_ref()
        .map(Given::strings)
        .unwrap_or_default();
    if is_offline {
        option_texts[1] = Some(c"http://127.0.0.1:1".to_owned());
        case.environment = Some(Vec::new());
        case.max_retries = NO_RETRIES;
    }
    let entries: Option<Vec<CString>> = case.environment.as_ref().map(|entries| {
        let whole = entries
            .iter()
            .filter_map(|entry| CString::new(entry.clone()).ok());
        whole.collect()
    });
    let mut pointers: Vec<*const c_char> = entries
        .iter()
        .flatten()
        .map(|entry| entry.as_ptr())
        .collect();
    pointers.push(null());
    let option = |index: usize| {
        let text = option_texts.get(index).and_then(Option::as_ref);
        text.map_or(null(), |text| text.as_ptr())
    };
    let options = case.options.as_ref().map(|given| {
        let mut options = made(versioner_options_init);
        let mut texts = (0..).map(option);
        let mut text = || texts.next().unwrap_or(null());
        set!(options, text, api_key api_url ui_url config ca_file client_cert surface);
        options.fail_on_api_error = case.fail_on_api_error;
        options.max_retries = case.max_retries;
        options.retry_pause_ms = case.milliseconds[0];
        options.attempt_timeout_ms = case.milliseconds[1];
        options.total_timeout_ms = case.milliseconds[2];
        options.environment = entries.as_ref().map_or(null(), |_| pointers.as_ptr());
        given.placed(options, |options, size| options.struct_size = size)
    });
    let options = options
        .as_ref()
        .map_or(null(), |memory| memory.as_ptr().cast());
    // SAFETY: every pointer is NULL or to what the header asks for, which lives until the end.
    unsafe {
        let mut client = null_mut();
        let mut result = null_mut();
        let code = versioner_client_new(options, &raw mut client, &raw mut result);
        check(code, result);
        if client.is_null() {
            return;
        }
        let code = track(&case, client, flag, &mut result);
        check(code, result);
        versioner_client_free(client);
    }
});

/// # Safety
/// `client` is a client and `flag` a flag.
unsafe fn track(
    case: &Case,
    client: *mut versioner_client,
    flag: *const i32,
    result: &mut *mut versioner_result,
) -> versioner_code {
    let Some(given) = &case.event else {
        // SAFETY: NULL is what is tried.
        return unsafe { versioner_track_build(client, null(), result) };
    };
    let texts = given.strings();
    let mut texts = texts
        .iter()
        .map(|text| text.as_ref().map_or(null(), |text| text.as_ptr()));
    let mut text = || texts.next().unwrap_or(null());
    if case.is_build {
        let mut event = made(versioner_build_event_init);
        set!(event, text, product version status source_system build_number scm_sha scm_branch
            scm_repository build_url invoke_id built_by built_by_email built_by_name started_at
            completed_at extra_metadata);
        event.cancel_flag = flag;
        event.timeout_ms = case.milliseconds[0];
        event.allow_literal = case.allow_literal;
        event.reserved = case.reserved;
        let memory = given.placed(event, |event, size| event.struct_size = size);
        // SAFETY: an event and texts that live until the call returns.
        return unsafe { versioner_track_build(client, memory.as_ptr().cast(), result) };
    }
    let mut event = made(versioner_deployment_event_init);
    set!(event, text, product version environment status source_system build_number scm_sha
        scm_branch scm_repository build_url deploy_url invoke_id deployed_by deployed_by_email
        deployed_by_name completed_at extra_metadata skip_reason);
    event.skip_preflight_checks = case.skip_preflight_checks;
    event.cancel_flag = flag;
    event.timeout_ms = case.milliseconds[0];
    event.allow_literal = case.allow_literal;
    event.reserved = case.reserved;
    let memory = given.placed(event, |event, size| event.struct_size = size);
    // SAFETY: as above.
    unsafe { versioner_track_deployment(client, memory.as_ptr().cast(), result) }
}

/// A struct as its initialiser makes it, so that a new member does not stop this program.
fn made<T>(init: unsafe extern "C" fn(*mut T)) -> T {
    let mut place = MaybeUninit::uninit();
    // SAFETY: the initialiser writes all of the struct.
    unsafe {
        init(place.as_mut_ptr());
        place.assume_init()
    }
}

/// Reads all that a result says, and frees it.
///
/// # Safety
/// `result` is NULL or a result.
unsafe fn check(code: versioner_code, result: *mut versioner_result) {
    // SAFETY: NULL or a result, whose texts live until it is freed.
    unsafe {
        // A client that was made has no result.
        let is_made = result.is_null() && code as i32 == 0;
        assert!(is_made || code as i32 == versioner_result_code(result) as i32);
        for text in [
            versioner_result_message,
            versioner_result_argument,
            versioner_result_event_id,
            versioner_result_product_id,
            versioner_result_version_id,
            versioner_result_environment_id,
            versioner_result_status,
            versioner_result_deployed_at,
            versioner_result_source_system,
            versioner_result_rule,
            versioner_result_policy_code,
            versioner_result_retry_after,
            versioner_result_details,
            versioner_result_text,
            versioner_result_kind_name,
        ] {
            assert!(CStr::from_ptr(text(result)).to_str().is_ok());
        }
        for index in 0..=versioner_result_feature_count(result) {
            let feature = CStr::from_ptr(versioner_result_feature(result, index));
            assert!(feature.to_str().is_ok());
        }
        for index in 0..=versioner_result_warning_count(result) {
            assert!(
                CStr::from_ptr(versioner_result_warning_message(result, index))
                    .to_str()
                    .is_ok()
            );
            assert!(
                CStr::from_ptr(versioner_result_warning_rule(result, index))
                    .to_str()
                    .is_ok()
            );
        }
        if !result.is_null() {
            let json = CStr::from_ptr(versioner_result_json(result)).to_bytes();
            serde_json::from_slice::<serde_json::Value>(json).expect("JSON");
        }
        versioner_result_free(result);
    }
}
