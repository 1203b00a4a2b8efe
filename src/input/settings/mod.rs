//! Every setting decided and checked, and what an event's fields are if nobody gives them.

mod explained;
mod file;
mod options;
mod outbox;
mod precedence;
mod resolve;
mod url;
mod value;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::input::detect::{self, Detected};
use crate::input::environment::Environment;
use crate::model::event::EventKind;
use crate::model::explanation::Explained;
use crate::model::failure::Failure;
use crate::model::log::Level;
use crate::model::outcome::Warning;
use crate::model::retries::Retries;
use crate::model::secret::Secret;
use crate::model::source::Source;

use file::File;
pub use options::Options;
use precedence::{Default, Sources};
pub(crate) use url::BaseUrl;
pub(crate) use value::check_timeout;
#[cfg(feature = "cli")]
pub(crate) use value::{BOOL_WORDS, parse_bool};

pub(crate) const DEFAULT_API_URL: &str = "https://api.versioner.io";
pub(crate) const DEFAULT_UI_URL: &str = "https://app.versioner.io";
pub(crate) const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings that a variable or the configuration file may give besides the fields of the
/// events; the same names as the members of [`Options`].
const SETTINGS: &[&str] = &[
    "api_key",
    "api_url",
    "ui_url",
    "fail_on_api_error",
    "max_retries",
    "retry_pause",
    "attempt_timeout",
    "total_timeout",
    "ca_file",
    "client_cert",
    "client_key",
    "environments",
    "outbox",
];

/// What is given per call only: a variable that is set for a whole pipeline must not switch a
/// check off.
fn per_call() -> BTreeSet<&'static str> {
    EventKind::ALL
        .into_iter()
        .flat_map(EventKind::per_call)
        .collect()
}

/// The surfaces that tell a blank value from none. In C and Go both are the zero value.
const TELL_BLANK: &[&str] = &[
    "", "rust", "cli", "ruby", "java", "jenkins", "python", "ansible", "rundeck",
];

/// Every setting decided and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub api_key: Secret,
    pub api_url: BaseUrl,
    pub ui_url: BaseUrl,
    pub fail_on_api_error: bool,
    pub retries: Retries,
    pub attempt_timeout: Duration,
    pub tls: TlsFiles,
    /// Where events are kept that could not be delivered.
    pub outbox: Option<PathBuf>,
    pub environment: Environment,
    detected: Detected,
    /// What the metadata of [`Settings::detected`] is from.
    metadata_source: Source,
    /// The settings that have a value, but the API key.
    pub explained: Vec<Explained>,
    /// The environments that there are, and where they are named; empty is any.
    environments: (Vec<String>, String),
    /// The names of [`per_call`] that stand elsewhere, and where.
    ignored: Vec<(&'static str, String)>,
    /// Whether a value that is given and blank differs from none on this surface.
    tells_blank: bool,
    /// What should be known of the settings, once.
    pub warnings: Vec<Warning>,
    build_defaults: Vec<Default>,
    deployment_defaults: Vec<Default>,
}

/// Paths of PEM files; empty is unset.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    pub ca_file: String,
    pub client_cert: String,
    pub client_key: String,
}

impl Sources<'_> {
    fn ignored(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        let mut found = Vec::new();
        for name in per_call() {
            let decided = self.setting(name, "")?;
            if !decided.text.is_empty() {
                found.push((name, decided.origin(name)));
            }
        }
        Ok(found)
    }
}

impl Settings {
    /// With an API key that can be sent.
    pub fn resolve(options: &Options, git: &Detected) -> Result<Self, Failure> {
        Self::decide(options, git, value::check_api_key)
    }

    /// With any key or none, for what is not sent.
    #[cfg(feature = "cli")]
    pub fn resolve_unsent(options: &Options, git: &Detected) -> Result<Self, Failure> {
        Self::decide(options, git, |_| Ok(()))
    }

    fn decide(
        options: &Options,
        git: &Detected,
        check_api_key: fn(&Secret) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let environment = options
            .environment
            .clone()
            .unwrap_or_else(Environment::from_process);
        value::check_surface(&options.surface)?;
        let file = File::load(&options.config, &environment)?;
        for unknown in file.unknown_keys(is_setting) {
            options.logger.log(Level::Warning, &unknown);
        }
        let sources = Sources {
            environment: &environment,
            file: &file,
            detected: &detect::detect(&environment),
            git,
        };
        let api_key = Secret::new(&sources.setting("api_key", &options.api_key)?.text);
        check_api_key(&api_key)?;
        Self::with_key(options, &sources, api_key.clone())
            .map_err(|failure| failure.redacted(&api_key))
    }

    fn with_key(options: &Options, sources: &Sources, api_key: Secret) -> Result<Self, Failure> {
        let defaults = Retries::default();
        let limit =
            |name, explicit, default| sources.seconds(name, explicit, default, value::LEAST_LIMIT);
        let text = |name, explicit| Ok(sources.setting(name, explicit)?.text);
        let fields = |kind: EventKind| kind.fields().iter().map(|field| sources.field(field));
        let mut settings = Settings {
            warnings: value::unusual_key(&api_key).into_iter().collect(),
            api_key,
            api_url: sources.url("api_url", &options.api_url, DEFAULT_API_URL)?,
            ui_url: sources.url("ui_url", &options.ui_url, DEFAULT_UI_URL)?,
            fail_on_api_error: sources.flag(
                "fail_on_api_error",
                options.fail_on_api_error,
                true,
            )?,
            retries: Retries {
                max_retries: sources.count(
                    "max_retries",
                    options.max_retries,
                    defaults.max_retries,
                )?,
                pause: sources.seconds(
                    "retry_pause",
                    options.retry_pause,
                    defaults.pause,
                    Duration::ZERO,
                )?,
                total: limit("total_timeout", options.total_timeout, defaults.total)?,
            },
            attempt_timeout: limit(
                "attempt_timeout",
                options.attempt_timeout,
                DEFAULT_ATTEMPT_TIMEOUT,
            )?,
            tls: TlsFiles {
                ca_file: text("ca_file", &options.ca_file)?,
                client_cert: text("client_cert", &options.client_cert)?,
                client_key: text("client_key", &options.client_key)?,
            },
            outbox: sources.outbox(&options.outbox, &options.surface)?,
            build_defaults: fields(EventKind::Build).collect(),
            deployment_defaults: fields(EventKind::Deployment).collect(),
            tells_blank: TELL_BLANK.contains(&options.surface.as_str()),
            detected: sources.detected.clone(),
            metadata_source: match &sources.detected.source_system {
                Some(system) => Source::System(system.text.clone()),
                None => Source::Default,
            },
            explained: Vec::new(),
            environments: sources.list("environments")?,
            ignored: sources.ignored()?,
            environment: sources.environment.clone(),
        };
        settings.explained = sources.explained(options, &settings)?;
        Ok(settings)
    }

    /// What an event's fields are if the caller gives none, in the order of its fields.
    fn field_defaults(&self, kind: EventKind) -> &[Default] {
        match kind {
            EventKind::Build => &self.build_defaults,
            EventKind::Deployment => &self.deployment_defaults,
        }
    }
}

fn is_setting(name: &str) -> bool {
    let mut fields = EventKind::ALL.iter().flat_map(|kind| kind.fields());
    SETTINGS.contains(&name) || per_call().contains(name) || fields.any(|field| field.name == name)
}
