//! Section 3 of the header: the client.

use std::ffi::{CStr, OsString, c_char, c_void};

use super::boundary::{boundary, c_string, contained, copy, init, text, versioned};
use super::code::versioner_code;
use super::event::{choice, milliseconds};
use super::result::versioner_result;
use crate::client::Client;
use crate::input::environment::Environment;
use crate::input::settings::Options;
use crate::model::failure::Failure;
use crate::model::log::Logger;
use crate::model::progress::Progress;

/// Receives log messages, which never hold the API key: level is VERSIONER_LOG_WARNING (1),
/// VERSIONER_LOG_INFO (2) or VERSIONER_LOG_DEBUG (3), message is UTF-8, valid during the call only.
/// What a start that waits for its gate has come to is told at VERSIONER_LOG_INFO, once for each
/// change.
///
/// It is called on the thread that calls versioner_client_new or tracks, on several at once if
/// several track. It must return: it must not throw a C++ exception, longjmp or exit its thread,
/// because the frames below it are not C++ and the process would abort. In it, every function may
/// be called but versioner_client_free of the same client.
pub type versioner_log_callback =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, userdata: *mut c_void)>;

/// What a client is made with. Start from VERSIONER_OPTIONS_INIT, then set what you need: what is
/// NULL, "" or 0 is taken from the VERSIONER_* variable of the same name in upper case (without
/// _ms, and in seconds), then from the configuration file, then from the default. The library
/// copies what it needs before it returns.
#[repr(C)]
pub struct versioner_options {
    /// sizeof(versioner_options), set by the initialisers.
    pub struct_size: usize,
    /// The API key, sk_account_id_random. Required from somewhere. It appears in no output.
    pub api_key: *const c_char,
    /// Base URL of the service. Default: https://api.versioner.io.
    pub api_url: *const c_char,
    /// Base URL of the web interface, for links. Default: https://app.versioner.io.
    pub ui_url: *const c_char,
    /// Path of the configuration file, which must exist. Default: VERSIONER_CONFIG, then
    /// $HOME/.versioner/config.yaml if that exists.
    pub config: *const c_char,
    /// Whether an event that could not be recorded is an error. Default: VERSIONER_YES. With
    /// VERSIONER_NO (best effort) it is code VERSIONER_OK with a warning, and
    /// versioner_result_recorded tells. Rejections and bad arguments stay errors.
    pub fail_on_api_error: i32,
    /// Attempts after the first. Default: 3. VERSIONER_NO_RETRIES for none.
    pub max_retries: i32,
    /// Pause before the first retry in milliseconds, doubled for each further one. Default: 1000.
    pub retry_pause_ms: u64,
    /// The longest that one attempt may take, in milliseconds. Default: 30000.
    pub attempt_timeout_ms: u64,
    /// The longest that all attempts and pauses together may take, in milliseconds. Default:
    /// 120000.
    pub total_timeout_ms: u64,
    /// PEM file of the only certificate authorities to trust. Default: SSL_CERT_FILE and
    /// SSL_CERT_DIR, then the system's, then a built-in list if the system has none.
    pub ca_file: *const c_char,
    /// PEM file of a client certificate, with its chain. Default: none.
    pub client_cert: *const c_char,
    /// PEM file of the client certificate's key. Default: the file of the certificate.
    pub client_key: *const c_char,
    /// What the User-Agent names as the sender. Default: c.
    pub surface: *const c_char,
    /// The environment for detection, configuration and proxies: KEY=VALUE strings, NULL after
    /// the last. A variable that is not UTF-8 is an error only if it is needed. NULL means the
    /// environment of this process, read once by versioner_client_new, which is not safe while
    /// another thread calls setenv.
    pub environment: *const *const c_char,
    /// NULL, or what receives log messages.
    pub log: versioner_log_callback,
    /// Handed to log as it is; must be usable on every thread that tracks.
    pub log_userdata: *mut c_void,
    /// Directory that keeps an event which best effort could not deliver, and the end of a span
    /// which could not be told, until a later event delivers them; made if it is missing. The
    /// status of such a result is "queued". Default: none, and such events are lost.
    pub outbox: *const c_char,
}

versioned!(versioner_options {
    struct_size,
    api_key,
    api_url,
    ui_url,
    config,
    fail_on_api_error,
    max_retries,
    retry_pause_ms,
    attempt_timeout_ms,
    total_timeout_ms,
    ca_file,
    client_cert,
    client_key,
    surface,
    environment,
    log,
    log_userdata,
    outbox,
});

/// Sends events. Made once and used for many: it keeps connections open. Any number of threads
/// may use one; after fork the child may go on with its parent's.
pub struct versioner_client {
    pub(super) client: Client,
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
/// VERSIONER_KIND_INTERRUPTED). May be called from any thread and from a signal handler. NULL is
/// ignored.
///
/// A call that starts later is not touched, so a cancellation between two calls is lost: a program
/// whose signal handler may run at any moment also sets a flag of its own and gives it as
/// cancel_flag, which ends a call that starts after it was set, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_client_cancel(client: *mut versioner_client) {
    boundary!((), {
        // SAFETY: the caller gives NULL or a client that is not freed.
        if let Some(client) = unsafe { client.as_ref() } {
            client.client.cancel();
        }
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
        outbox: text("outbox", raw.outbox)?,
        surface: if surface.is_empty() {
            "c".to_owned()
        } else {
            surface
        },
        // SAFETY: as promised above.
        environment: unsafe { environment(raw.environment) }?,
        clock: None,
        logger: logger(raw.log, raw.log_userdata),
        progress: Progress::default(),
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
            return Ok(Some(Environment::from_os(variables)));
        }
        // SAFETY: not NULL, so a NUL-terminated string.
        let entry = unsafe { CStr::from_ptr(entry) }.to_bytes();
        // Not the first byte: Windows has variables such as `=C:`.
        let Some(equals) = entry.iter().skip(1).position(|byte| *byte == b'=') else {
            let message = "environment: every entry must be KEY=VALUE, but one has no =".to_owned();
            return Err(Failure::argument("environment", message));
        };
        let (name, value) = (&entry[..equals + 1], &entry[equals + 2..]);
        variables.push((os_string(name), os_string(value)));
        // SAFETY: not yet past the NULL that ends the array.
        next = unsafe { next.add(1) };
    }
}

/// Bytes as the operating system has them: the core decides what to do with those that are no
/// text.
#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

/// Text, or half a surrogate pair, which the core knows as what is no text.
#[cfg(windows)]
fn os_string(bytes: &[u8]) -> OsString {
    let text = String::from_utf8(bytes.to_vec()).map(OsString::from);
    text.unwrap_or_else(|_| std::os::windows::ffi::OsStringExt::from_wide(&[0xd800]))
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
