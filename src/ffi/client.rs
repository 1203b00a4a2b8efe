//! Sections 2 and 4 of the header: the client, and tracking with it.

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::boundary::{Versioned, boundary, c_string, copy, init, text};
use super::event::{choice, versioner_build_event, versioner_deployment_event};
use super::result::{versioner_code, versioner_result};
use crate::client::Client;
use crate::input::environment::Environment;
use crate::input::settings::Options;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::log::Logger;
use crate::model::outcome::{Error, Outcome};

/// Receives log messages, which never hold the API key: level is VERSIONER_LOG_WARNING (1),
/// VERSIONER_LOG_INFO (2) or VERSIONER_LOG_DEBUG (3), message is valid during the call only. It
/// is called on the thread that tracks, on several at once where several track.
pub type versioner_log_callback =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, userdata: *mut c_void)>;

/// What a client is made with. Zero it with VERSIONER_OPTIONS_INIT, then set what you need: what
/// is NULL, "" or 0 is taken from the VERSIONER_* variable of the same name in upper case, then
/// from the configuration file, then from the default. The library copies what it needs before
/// it returns.
#[repr(C)]
pub struct versioner_options {
    /// sizeof(versioner_options), set by the initialisers.
    pub struct_size: usize,
    /// The API key, sk_account_id_random. Required from somewhere. It appears in no output.
    pub api_key: *const c_char,
    /// Base URL of the service; https://api.versioner.io.
    pub api_url: *const c_char,
    /// Base URL of the web interface, for links; https://app.versioner.io.
    pub ui_url: *const c_char,
    /// Path of the configuration file. Where unset, VERSIONER_CONFIG, then
    /// $HOME/.versioner/config.yaml where that exists.
    pub config: *const c_char,
    /// Whether an event that could not be recorded is an error; VERSIONER_YES. With VERSIONER_NO
    /// (best effort) it is code VERSIONER_OK with a warning, and versioner_result_recorded tells.
    /// Rejections and bad arguments stay errors.
    pub fail_on_api_error: i32,
    /// Attempts after the first; 3. VERSIONER_NO_RETRIES for none.
    pub max_retries: i32,
    /// Pause before the first retry in milliseconds, doubled for each further one; 1000.
    pub retry_pause_ms: u64,
    /// The longest that one attempt may take, in milliseconds; 30000.
    pub attempt_timeout_ms: u64,
    /// The longest that all attempts and pauses together may take, in milliseconds; 120000.
    pub total_timeout_ms: u64,
    /// PEM file of the only certificate authorities to trust. Where unset, SSL_CERT_FILE, then
    /// the system's, then a built-in list where the system has none.
    pub ca_file: *const c_char,
    /// PEM file of a client certificate, with its chain.
    pub client_cert: *const c_char,
    /// PEM file of the client certificate's key; the file of the certificate where unset.
    pub client_key: *const c_char,
    /// What the User-Agent names as the sender; c.
    pub surface: *const c_char,
    /// The environment for detection, configuration and proxies: KEY=VALUE strings, NULL after
    /// the last. NULL means the environment of this process, read once by versioner_client_new,
    /// which is not safe while another thread calls setenv.
    pub environment: *const *const c_char,
    /// NULL, or what receives log messages.
    pub log: versioner_log_callback,
    /// Handed to log as it is; must be usable on every thread that tracks.
    pub log_userdata: *mut c_void,
}

// SAFETY: repr(C), the size comes first, and zero is NULL, None or 0 in every member.
unsafe impl Versioned for versioner_options {
    const NAME: &'static str = "versioner_options";
}

/// Sends events. Made once and used for many: it keeps connections open. Any number of threads
/// may use one; after fork the child may go on with its parent's.
pub struct versioner_client {
    client: Client,
}

/// Makes options with nothing set but their size, for languages without the macro
/// VERSIONER_OPTIONS_INIT. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_options_init(options: *mut versioner_options) {
    // SAFETY: the caller gives NULL or options.
    boundary!((), { unsafe { init(options) } })
}

/// Makes a client: decides every setting, reads the configuration file and certificates, and
/// connects nowhere. options may be NULL, which means nothing is set.
///
/// On success *client is the client, to be freed with versioner_client_free, and *result is NULL.
/// On failure (code VERSIONER_ERROR, such as for a missing API key) *client is NULL and *result
/// says why, to be freed with versioner_result_free. result may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_client_new(
    options: *const versioner_options,
    client: *mut *mut versioner_client,
    result: *mut *mut versioner_result,
) -> versioner_code {
    boundary!(versioner_code::VERSIONER_ERROR, {
        let made = contained(None, || {
            if client.is_null() {
                return Err(Failure::argument("client", "client must not be NULL").into_error());
            }
            // SAFETY: the caller gives NULL or options of the size they say.
            let options = unsafe { read_options(options) }.map_err(Failure::into_error)?;
            Client::new(options)
        });
        let (made, failed) = match made {
            Ok(made) => (
                Box::into_raw(Box::new(versioner_client { client: made })),
                None,
            ),
            Err(error) => (std::ptr::null_mut(), Some(error.into_outcome())),
        };
        if !client.is_null() {
            // SAFETY: not NULL, and the caller's to write.
            unsafe { *client = made };
        }
        // SAFETY: the caller gives NULL or a place for a result.
        unsafe { versioner_result::give(failed, result) }
    })
}

/// Frees a client; NULL is ignored. No call with it may be in progress.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_client_free(client: *mut versioner_client) {
    boundary!((), {
        if !client.is_null() {
            // SAFETY: from versioner_client_new, and the caller gives it up.
            drop(unsafe { Box::from_raw(client) });
        }
    })
}

/// Ends every call in progress of this client (code VERSIONER_ERROR, kind
/// VERSIONER_KIND_INTERRUPTED); later calls are not touched. May be called from any thread and
/// from a signal handler. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_client_cancel(client: *mut versioner_client) {
    boundary!((), {
        // SAFETY: the caller gives NULL or a client that is not freed.
        if let Some(client) = unsafe { client.as_ref() } {
            client.client.cancel();
        }
    })
}

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
    boundary!(versioner_code::VERSIONER_ERROR, {
        let outcome = tracked(EventKind::Build, || {
            // SAFETY: the caller gives NULL or a client that is not freed.
            let client = unsafe { client.as_ref() }.ok_or_else(|| missing("client"))?;
            // SAFETY: the caller gives NULL or an event of the size it says.
            let event = unsafe { copy(event) }?.ok_or_else(|| missing("event"))?;
            // SAFETY: the caller gives NULL or strings as members.
            let read = unsafe { event.read() }?;
            Ok(client.client.track_build_with(&read, &event.interrupt()))
        });
        // SAFETY: the caller gives NULL or a place for a result.
        unsafe { versioner_result::give(Some(outcome), result) }
    })
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
    boundary!(versioner_code::VERSIONER_ERROR, {
        let outcome = tracked(EventKind::Deployment, || {
            // SAFETY: the caller gives NULL or a client that is not freed.
            let client = unsafe { client.as_ref() }.ok_or_else(|| missing("client"))?;
            // SAFETY: the caller gives NULL or an event of the size it says.
            let event = unsafe { copy(event) }?.ok_or_else(|| missing("event"))?;
            // SAFETY: the caller gives NULL or strings as members.
            let read = unsafe { event.read() }?;
            Ok(client
                .client
                .track_deployment_with(&read, &event.interrupt()))
        });
        // SAFETY: the caller gives NULL or a place for a result.
        unsafe { versioner_result::give(Some(outcome), result) }
    })
}

fn missing(name: &'static str) -> Failure {
    Failure::argument(name, format!("{name} must not be NULL"))
}

fn tracked(
    kind: EventKind,
    call: impl FnOnce() -> Result<Result<Outcome, Error>, Failure>,
) -> Outcome {
    let call = || match call() {
        Ok(outcome) => outcome,
        Err(failure) => Err(failure.into_outcome(Some(kind)).into()),
    };
    contained(Some(kind), call).unwrap_or_else(Error::into_outcome)
}

/// Turns a panic into a result of kind internal, so that the caller learns of it.
fn contained<T>(
    kind: Option<EventKind>,
    call: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        let message = "internal fault of libversioner; please report it";
        Err(Failure::new(Kind::Internal, message)
            .into_outcome(kind)
            .into())
    })
}

/// # Safety
/// `options` is NULL or points to options of the size they say, whose strings are NUL-terminated.
unsafe fn read_options(options: *const versioner_options) -> Result<Options, Failure> {
    // SAFETY: as promised above.
    let Some(raw) = (unsafe { copy(options) })? else {
        return Ok(Options {
            surface: "c".to_owned(),
            ..Options::default()
        });
    };
    // SAFETY: as promised above.
    let text = |name, pointer| unsafe { text(name, pointer) };
    let milliseconds = |value| (value > 0).then(|| Duration::from_millis(value));
    let surface = text("surface", raw.surface)?;
    Ok(Options {
        api_key: text("api_key", raw.api_key)?,
        api_url: text("api_url", raw.api_url)?,
        ui_url: text("ui_url", raw.ui_url)?,
        config: text("config", raw.config)?,
        fail_on_api_error: choice("fail_on_api_error", raw.fail_on_api_error)?,
        max_retries: retries(raw.max_retries)?,
        retry_pause: milliseconds(raw.retry_pause_ms),
        attempt_timeout: milliseconds(raw.attempt_timeout_ms),
        total_timeout: milliseconds(raw.total_timeout_ms),
        ca_file: text("ca_file", raw.ca_file)?,
        client_cert: text("client_cert", raw.client_cert)?,
        client_key: text("client_key", raw.client_key)?,
        surface: if surface.is_empty() {
            "c".to_owned()
        } else {
            surface
        },
        // SAFETY: as promised above.
        environment: unsafe { environment(raw.environment) }?,
        clock: None,
        logger: logger(raw.log, raw.log_userdata),
    })
}

fn retries(value: i32) -> Result<Option<u32>, Failure> {
    match value {
        0 => Ok(None),
        -1 => Ok(Some(0)),
        count => u32::try_from(count).map(Some).map_err(|_| {
            let problem = "max_retries must be a count or VERSIONER_NO_RETRIES, but is";
            Failure::argument("max_retries", format!("{problem} {count}"))
        }),
    }
}

/// # Safety
/// `entries` is NULL or an array of NUL-terminated strings that ends with NULL.
unsafe fn environment(entries: *const *const c_char) -> Result<Option<Environment>, Failure> {
    if entries.is_null() {
        return Ok(None);
    }
    let mut variables = Vec::new();
    let mut next = entries;
    loop {
        // SAFETY: the array goes on until the NULL that ends it.
        let entry = unsafe { *next };
        if entry.is_null() {
            return Ok(Some(variables.into_iter().collect()));
        }
        // SAFETY: not NULL, so a NUL-terminated string.
        let bytes = unsafe { CStr::from_ptr(entry) };
        let Ok(entry) = bytes.to_str() else {
            let shown = String::from_utf8_lossy(bytes.to_bytes());
            let name = shown.split('=').next().unwrap_or_default().to_owned();
            let message = format!("environment: {name:?} is not valid UTF-8");
            return Err(Failure::argument("environment", message));
        };
        let Some((name, value)) = entry.split_once('=') else {
            let message = "environment: every entry must be KEY=VALUE, but one has no =".to_owned();
            return Err(Failure::argument("environment", message));
        };
        variables.push((name.to_owned(), value.to_owned()));
        // SAFETY: not yet past the NULL that ends the array.
        next = unsafe { next.add(1) };
    }
}

/// The caller's callback with its data.
struct Callback {
    function: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    userdata: *mut c_void,
}

// SAFETY: the header demands that both are usable on every thread that tracks.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, level: i32, message: &str) {
        let message = c_string(message);
        // SAFETY: the caller's function, called as the header says.
        unsafe { (self.function)(level, message.as_ptr(), self.userdata) };
    }
}

fn logger(function: versioner_log_callback, userdata: *mut c_void) -> Logger {
    let Some(function) = function else {
        return Logger::default();
    };
    let callback = Callback { function, userdata };
    Logger::new(move |level, message| callback.call(level as i32, message))
}
