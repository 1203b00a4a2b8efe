//! What a client is made with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::input::environment::Environment;
use crate::model::clock::Clock;
use crate::model::log::Logger;
use crate::model::progress::Progress;
use crate::model::secret::Secret;

/// What a [`Client`](crate::Client) is made with. Everything may be left out; what is empty or
/// `None` is taken from the `VERSIONER_*` variable of the same name in upper case, then from the
/// configuration file, then from the default.
///
/// `Debug` does not show the API key.
#[derive(Clone, Default)]
pub struct Options {
    /// The API key, `sk_account_id_random`. Required from somewhere.
    pub api_key: String,
    /// Base URL of the service. Default: `https://api.versioner.io`.
    pub api_url: String,
    /// Base URL of the web interface, for links. Default: `https://app.versioner.io`.
    pub ui_url: String,
    /// Path of the configuration file, which must exist. Default: `VERSIONER_CONFIG`, then
    /// `$HOME/.versioner/config.yaml` if that exists.
    pub config: String,
    /// Whether an event that could not be recorded is an error. With `false` (best effort) it is
    /// code 0 with a warning. Rejections and bad arguments stay errors. Default: `true`.
    pub fail_on_api_error: Option<bool>,
    /// Attempts after the first. Default: 3.
    pub max_retries: Option<u32>,
    /// Pause before the first retry, doubled for each further one. Default: 1 s.
    pub retry_pause: Option<Duration>,
    /// The longest that one attempt may take. Default: 30 s.
    pub attempt_timeout: Option<Duration>,
    /// The longest that all attempts and pauses together may take. Default: 120 s.
    pub total_timeout: Option<Duration>,
    /// PEM file of the only certificate authorities to trust. Default: `SSL_CERT_FILE`, then the
    /// system's, then a built-in list if the system has none.
    pub ca_file: String,
    /// PEM file of a client certificate, with its chain.
    pub client_cert: String,
    /// PEM file of the client certificate's key. Default: the file of the certificate.
    pub client_key: String,
    /// Directory that keeps an event which best effort could not deliver, and the end of a span
    /// which could not be told, until a later event, or `versioner outbox send`, delivers them; made
    /// if it is missing. A result of that says `queued`. Default: none, and such events are lost.
    pub outbox: String,
    /// What the `User-Agent` names as the sender. Default: `rust`.
    pub surface: String,
    /// The environment for detection, configuration and proxies. Default: the process's.
    pub environment: Option<Environment>,
    /// Time and chance. Default: the real ones.
    pub clock: Option<Arc<dyn Clock>>,
    /// Receives warnings and debug messages. Default: nobody does.
    pub logger: Logger,
    /// Receives what a start that waits for its gate has come to.
    pub progress: Progress,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("api_key", &Secret::new(&self.api_key))
            .field("api_url", &self.api_url)
            .field("config", &self.config)
            .field("fail_on_api_error", &self.fail_on_api_error)
            .field("surface", &self.surface)
            .finish_non_exhaustive()
    }
}
