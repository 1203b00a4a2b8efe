//! Where a value comes from: explicit argument, then `VERSIONER_*`, then the configuration file,
//! then CI detection, then the default. Decided here and nowhere else.

mod file;
mod value;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::input::detect::{self, Detected};
use crate::input::environment::Environment;
use crate::model::clock::Clock;
use crate::model::event::{EventKind, variable};
use crate::model::failure::Failure;
use crate::model::log::{Level, Logger};
use crate::model::secret::Secret;
use crate::send::attempts::Policy;

use file::File;
pub(crate) use value::BaseUrl;
#[cfg(feature = "cli")]
pub(crate) use value::{BOOL_WORDS, parse_bool};

const DEFAULT_API_URL: &str = "https://api.versioner.io";
const DEFAULT_UI_URL: &str = "https://app.versioner.io";
const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

macro_rules! setting_names {
    ($($name:ident),* $(,)?) => {
        /// The settings that a variable or the configuration file may give besides the fields of
        /// the events; the same names as the members of [`Options`].
        const SETTINGS: &[&str] = &[$(stringify!($name)),*];
    };
}

setting_names!(
    api_key,
    api_url,
    ui_url,
    fail_on_api_error,
    max_retries,
    retry_pause,
    attempt_timeout,
    total_timeout,
    ca_file,
    client_cert,
    client_key,
    skip_preflight_checks,
);

/// What a [`Client`](crate::Client) is made with. Everything may be left out; what is empty or
/// `None` is taken from the `VERSIONER_*` variable of the same name in upper case, then from the
/// configuration file, then from the default.
///
/// `Debug` does not show the API key.
#[derive(Clone, Default)]
pub struct Options {
    /// The API key, `sk_account_id_random`. Required from somewhere.
    pub api_key: String,
    /// Base URL of the service; `https://api.versioner.io`.
    pub api_url: String,
    /// Base URL of the web interface, for links; `https://app.versioner.io`.
    pub ui_url: String,
    /// Path of the configuration file. Where unset, `VERSIONER_CONFIG`, then
    /// `$HOME/.versioner/config.yaml` where that exists.
    pub config: String,
    /// Whether an event that could not be recorded is an error; `true`. With `false` (best
    /// effort) it is code 0 with a warning. Rejections and bad arguments stay errors.
    pub fail_on_api_error: Option<bool>,
    /// Attempts after the first; 3.
    pub max_retries: Option<u32>,
    /// Pause before the first retry, doubled for each further one; 1 s.
    pub retry_pause: Option<Duration>,
    /// The longest that one attempt may take; 30 s.
    pub attempt_timeout: Option<Duration>,
    /// The longest that all attempts and pauses together may take; 120 s.
    pub total_timeout: Option<Duration>,
    /// PEM file of the only certificate authorities to trust. Where unset, `SSL_CERT_FILE`, then
    /// the system's, then a built-in list where the system has none.
    pub ca_file: String,
    /// PEM file of a client certificate, with its chain.
    pub client_cert: String,
    /// PEM file of the client certificate's key; the file of the certificate where unset.
    pub client_key: String,
    /// What the `User-Agent` names as the sender; `rust`.
    pub surface: String,
    /// The environment for detection, configuration and proxies; the process's where `None`.
    pub environment: Option<Environment>,
    /// Time and chance; the real ones where `None`.
    pub clock: Option<Arc<dyn Clock>>,
    /// Receives warnings and debug messages.
    pub logger: Logger,
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

/// Every setting decided and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub api_key: Secret,
    pub api_url: BaseUrl,
    pub ui_url: BaseUrl,
    pub fail_on_api_error: bool,
    pub skip_preflight_checks: bool,
    pub retry: Policy,
    pub attempt_timeout: Duration,
    pub tls: TlsFiles,
    pub environment: Environment,
    pub detected: Detected,
    build_defaults: Vec<String>,
    deployment_defaults: Vec<String>,
}

/// Paths of PEM files; empty is unset.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    pub ca_file: String,
    pub client_cert: String,
    pub client_key: String,
}

impl Settings {
    pub fn resolve(options: &Options) -> Result<Self, Failure> {
        let environment = options
            .environment
            .clone()
            .unwrap_or_else(Environment::from_process);
        let file = File::load(&options.config, &environment)?;
        for unknown in file.unknown_keys(is_setting) {
            options.logger.log(Level::Warning, &unknown);
        }
        let sources = Sources {
            environment: &environment,
            file: &file,
        };
        let api_key = Secret::new(&sources.text("api_key", &options.api_key)?.text);
        value::check_api_key(&api_key)?;
        Self::with_key(options, &sources, api_key.clone())
            .map_err(|failure| failure.redacted(&api_key))
    }

    fn with_key(options: &Options, sources: &Sources, api_key: Secret) -> Result<Self, Failure> {
        let defaults = Policy::default();
        let seconds = |name, explicit, default| sources.seconds(name, explicit, default);
        let detected = detect::detect(sources.environment);
        Ok(Settings {
            api_key,
            api_url: sources.url("api_url", &options.api_url, DEFAULT_API_URL)?,
            ui_url: sources.url("ui_url", &options.ui_url, DEFAULT_UI_URL)?,
            fail_on_api_error: sources.flag(
                "fail_on_api_error",
                options.fail_on_api_error,
                true,
            )?,
            skip_preflight_checks: sources.flag("skip_preflight_checks", None, false)?,
            retry: Policy {
                max_retries: sources.count(
                    "max_retries",
                    options.max_retries,
                    defaults.max_retries,
                )?,
                pause: seconds("retry_pause", options.retry_pause, defaults.pause)?,
                total: seconds("total_timeout", options.total_timeout, defaults.total)?,
            },
            attempt_timeout: seconds(
                "attempt_timeout",
                options.attempt_timeout,
                DEFAULT_ATTEMPT_TIMEOUT,
            )?,
            tls: TlsFiles {
                ca_file: sources.text("ca_file", &options.ca_file)?.text,
                client_cert: sources.text("client_cert", &options.client_cert)?.text,
                client_key: sources.text("client_key", &options.client_key)?.text,
            },
            build_defaults: sources.field_defaults(EventKind::Build, &detected)?,
            deployment_defaults: sources.field_defaults(EventKind::Deployment, &detected)?,
            detected,
            environment: sources.environment.clone(),
        })
    }

    /// What an event's fields are where the caller gives none, in the order of its fields.
    pub fn field_defaults(&self, kind: EventKind) -> &[String] {
        match kind {
            EventKind::Build => &self.build_defaults,
            EventKind::Deployment => &self.deployment_defaults,
        }
    }
}

fn is_setting(name: &str) -> bool {
    let kinds = [EventKind::Build, EventKind::Deployment];
    SETTINGS.contains(&name)
        || kinds
            .iter()
            .any(|kind| kind.fields().iter().any(|field| field.name == name))
}

/// A value and where it was found, for error messages. Empty is unset.
#[derive(Debug, Default)]
struct Sourced {
    text: String,
    origin: String,
}

struct Sources<'a> {
    environment: &'a Environment,
    file: &'a File,
}

impl Sources<'_> {
    fn text(&self, name: &'static str, explicit: &str) -> Result<Sourced, Failure> {
        if !explicit.trim().is_empty() {
            return Ok(Sourced {
                text: explicit.to_owned(),
                origin: name.to_owned(),
            });
        }
        let variable = variable(name);
        if self.environment.is_not_unicode(&variable) {
            let message = format!("{variable} is not valid UTF-8: set it to text, or unset it");
            return Err(Failure::setting(name, message));
        }
        if let Some(text) = self.environment.get(&variable) {
            return Ok(Sourced {
                text: text.to_owned(),
                origin: variable,
            });
        }
        Ok(self.file.get(name).unwrap_or_default())
    }

    /// A setting that is not text: the explicit value, or the text from elsewhere read by `parse`.
    fn parsed<T>(
        &self,
        name: &'static str,
        explicit: Option<T>,
        default: T,
        parse: fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<T, Failure> {
        if let Some(value) = explicit {
            return Ok(value);
        }
        let Sourced { text, origin } = self.text(name, "")?;
        if text.is_empty() {
            return Ok(default);
        }
        parse(text.trim()).ok_or_else(|| {
            Failure::setting(
                name,
                format!("{origin} must be {expected}, but is {text:?}"),
            )
        })
    }

    fn flag(
        &self,
        name: &'static str,
        explicit: Option<bool>,
        default: bool,
    ) -> Result<bool, Failure> {
        self.parsed(
            name,
            explicit,
            default,
            value::parse_bool,
            value::BOOL_WORDS,
        )
    }

    fn count(
        &self,
        name: &'static str,
        explicit: Option<u32>,
        default: u32,
    ) -> Result<u32, Failure> {
        self.parsed(
            name,
            explicit,
            default,
            |text| text.parse().ok(),
            "a whole number",
        )
    }

    fn seconds(
        &self,
        name: &'static str,
        explicit: Option<Duration>,
        default: Duration,
    ) -> Result<Duration, Failure> {
        self.parsed(
            name,
            explicit,
            default,
            value::parse_seconds,
            "a number of seconds, such as 2.5",
        )
    }

    fn url(&self, name: &'static str, explicit: &str, default: &str) -> Result<BaseUrl, Failure> {
        let Sourced { text, origin } = self.text(name, explicit)?;
        let url = if text.is_empty() { default } else { &text };
        BaseUrl::parse(url).map_err(|problem| {
            Failure::setting(
                name,
                format!(
                    "{origin} must be an absolute http or https URL, such as {default}: {problem}"
                ),
            )
        })
    }

    fn field_defaults(&self, kind: EventKind, detected: &Detected) -> Result<Vec<String>, Failure> {
        let default = |name| {
            let text = self.text(name, "")?.text;
            let found = detected.field(kind, name).filter(|_| text.is_empty());
            Ok(found.map_or(text, str::to_owned))
        };
        kind.fields()
            .iter()
            .map(|field| default(field.name))
            .collect()
    }
}
