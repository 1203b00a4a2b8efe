//! The client: resolves an event, sends it, retries, and makes the outcome.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::input::metadata;
use crate::input::settings::{Options, Settings};
use crate::model::clock::SystemClock;
use crate::model::event::{BuildEvent, DeploymentEvent, EventKind, Resolved, Wire};
use crate::model::failure::Failure;
use crate::model::foreign::{Foreign, told};
use crate::model::interrupt::{Cancellations, Interrupt};
use crate::model::kind::{Code, Kind, WarningKind};
use crate::model::log::{Level, Logger};
use crate::model::outcome::{Error, Outcome, Warning};
use crate::model::secret::Secret;
use crate::send::attempts::Sender;

const NOT_RECORDED: &str = "not_recorded";

/// Tells the service about builds and deployments.
///
/// Made once and used for many events: it keeps connections open. It may be shared by threads,
/// and used after `fork` in the child. `Debug` does not show the API key.
///
/// ```no_run
/// use versioner::{Client, DeploymentEvent, Options};
///
/// let client = Client::new(Options::default())?;
/// client.track_deployment(&DeploymentEvent {
///     product: "api".into(),
///     environment: "production".into(),
///     version: "1.2.3".into(),
///     status: "started".into(),
///     ..DeploymentEvent::default()
/// })?; // Stops here where policy rejects the deployment.
/// # Ok::<(), versioner::Error>(())
/// ```
pub struct Client {
    settings: Settings,
    sender: Sender,
    logger: Logger,
    user_agent: String,
    cancellations: Cancellations,
    has_warned_of_url: AtomicBool,
}

impl Client {
    /// Decides every setting and reads the configuration file and certificates; connects nowhere.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::Config`]: no API key, or a setting, file or proxy that cannot be used.
    pub fn new(options: Options) -> Result<Client, Error> {
        let key = Secret::new(&options.api_key);
        Self::build(options).map_err(|mut failure| {
            failure.message = told(&failure.message, &key);
            failure.into_outcome(None).into()
        })
    }

    fn build(options: Options) -> Result<Client, Failure> {
        let settings = Settings::resolve(&options)?;
        let surface = if options.surface.is_empty() {
            "rust"
        } else {
            &options.surface
        };
        let user_agent = format!("versioner/{} ({surface})", env!("CARGO_PKG_VERSION"));
        let clock = options
            .clock
            .unwrap_or_else(|| Arc::new(SystemClock::default()));
        Ok(Client {
            sender: Sender::new(&settings, user_agent.clone(), clock, options.logger.clone())?,
            user_agent,
            settings,
            logger: options.logger,
            cancellations: Cancellations::default(),
            has_warned_of_url: AtomicBool::new(false),
        })
    }

    /// Tells that something was built. Returns once it is recorded or cannot be.
    ///
    /// # Errors
    ///
    /// Every code but 0; see [`Kind`].
    pub fn track_build(&self, event: &BuildEvent) -> Result<Outcome, Error> {
        self.track_build_with(event, &Interrupt::never())
    }

    /// [`Client::track_build`] that `interrupt` can end.
    pub fn track_build_with(
        &self,
        event: &BuildEvent,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        self.track(EventKind::Build, event.values(), false, interrupt)
            .into_result()
    }

    /// Tells that something is deployed. With status `started` it is checked against policy
    /// first: on an error of code 5 the deployment must not happen.
    ///
    /// # Errors
    ///
    /// Every code but 0; see [`Kind`].
    pub fn track_deployment(&self, event: &DeploymentEvent) -> Result<Outcome, Error> {
        self.track_deployment_with(event, &Interrupt::never())
    }

    /// [`Client::track_deployment`] that `interrupt` can end.
    pub fn track_deployment_with(
        &self,
        event: &DeploymentEvent,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        let default = self.settings.skip_preflight_checks;
        let skip = event.skip_preflight_checks.unwrap_or(default);
        self.track(EventKind::Deployment, event.values(), skip, interrupt)
            .into_result()
    }

    /// Checks a build event as [`Client::track_build`] would, and sends nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`].
    pub fn validate_build(&self, event: &BuildEvent) -> Result<(), Error> {
        self.validate(EventKind::Build, &event.values())
    }

    /// Checks a deployment event as [`Client::track_deployment`] would, and sends nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`].
    pub fn validate_deployment(&self, event: &DeploymentEvent) -> Result<(), Error> {
        self.validate(EventKind::Deployment, &event.values())
    }

    /// Ends every call in progress with kind [`Kind::Interrupted`]; later calls are not touched.
    /// May be called from any thread, and from a signal handler.
    pub fn cancel(&self) {
        self.cancellations.cancel();
    }

    /// Base URL of the service.
    pub fn api_url(&self) -> &str {
        self.settings.api_url.as_str()
    }

    /// Base URL of the web interface, for links to what was recorded.
    pub fn ui_url(&self) -> &str {
        self.settings.ui_url.as_str()
    }

    fn track(
        &self,
        kind: EventKind,
        values: Vec<&str>,
        skip_preflight_checks: bool,
        interrupt: &Interrupt,
    ) -> Outcome {
        let interrupt = self.cancellations.interrupt(interrupt);
        let prepared = self.prepare(kind, &values, skip_preflight_checks);
        let (wire, event) = match prepared {
            Ok(ready) => ready,
            Err(failure) => return self.finished(failure.into_outcome(Some(kind))),
        };
        let mut warnings = self.warnings(&event, &wire);
        let mut outcome = self.sender.send(kind, &wire, &interrupt);
        outcome.source_system = event.value("source_system").to_owned();
        outcome.subject = event.subject();
        warnings.append(&mut outcome.warnings);
        outcome.warnings = warnings;
        if !self.settings.fail_on_api_error {
            soften(&mut outcome);
        }
        self.finished(outcome)
    }

    fn validate(&self, kind: EventKind, values: &[&str]) -> Result<(), Error> {
        match self.prepare(kind, values, false) {
            Ok(_) => Ok(()),
            Err(failure) => Err(self.finished(failure.into_outcome(Some(kind))).into()),
        }
    }

    fn prepare(
        &self,
        kind: EventKind,
        values: &[&str],
        skip_preflight_checks: bool,
    ) -> Result<(Wire, Resolved), Failure> {
        let event = self.resolve(kind, values, skip_preflight_checks)?;
        Ok((event.to_wire()?, event))
    }

    fn resolve(
        &self,
        kind: EventKind,
        explicit: &[&str],
        skip_preflight_checks: bool,
    ) -> Result<Resolved, Failure> {
        let defaults = self.settings.field_defaults(kind);
        let pairs = explicit.iter().zip(defaults).zip(kind.fields());
        let mut own_metadata = "";
        let mut values = Vec::with_capacity(explicit.len());
        for ((explicit, default), field) in pairs {
            let is_explicit = !explicit.trim().is_empty();
            let value = if is_explicit {
                explicit
            } else {
                default.as_str()
            };
            if field.name == "extra_metadata" {
                own_metadata = value;
                values.push(String::new());
                continue;
            }
            let detected = self.settings.detected.field(kind, field.name);
            if !is_explicit && detected == Some(value) {
                self.log(Level::Info, &format!("detected {} = {value}", field.name));
            }
            values.push(value.trim().to_owned());
        }
        let own_metadata = metadata::parse(own_metadata)?;
        let extra_metadata = metadata::merge(&self.settings.detected.metadata, own_metadata);
        Ok(Resolved {
            kind,
            values,
            skip_preflight_checks,
            extra_metadata,
        })
    }

    fn warnings(&self, event: &Resolved, wire: &Wire) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |kind, message: String| warnings.push(Warning::new(kind, message));
        let url = &self.settings.api_url;
        let leaves_this_machine = !url.is_loopback() || self.sender.has_proxy();
        let is_insecure = !url.is_https() && leaves_this_machine;
        if is_insecure && !self.has_warned_of_url.swap(true, Ordering::Relaxed) {
            warn(
                WarningKind::InsecureUrl,
                format!(
                    "the API key travels unencrypted to {}{}: use https",
                    url.as_str(),
                    match self.sender.has_proxy() {
                        true => ", through a proxy",
                        false => "",
                    }
                ),
            );
        }
        if !wire.status_is_known {
            warn(
                WarningKind::UnknownStatus,
                format!(
                    "status {:?} is not a known one; it is sent as given",
                    wire.status
                ),
            );
        }
        if event.skip_preflight_checks {
            warn(
                WarningKind::SkipPreflight,
                "skipping preflight checks is deprecated: set the rule to report-only or disabled \
                 on the server instead"
                    .to_owned(),
            );
        }
        warnings
    }

    fn log(&self, level: Level, message: &str) {
        self.logger
            .log(level, &told(message, &self.settings.api_key));
    }

    /// Cleans whatever the caller's own values or the system's words brought in, and logs.
    fn finished(&self, mut outcome: Outcome) -> Outcome {
        for text in outcome.repeated_texts() {
            *text = told(text, &self.settings.api_key);
        }
        for warning in &outcome.warnings {
            self.log(Level::Warning, &warning.message);
        }
        let (kind, code) = (outcome.kind, outcome.code as i32);
        let summary = format!(
            "finished with code {code} ({kind}), HTTP status {}, attempts {}",
            outcome.http_status, outcome.attempts
        );
        self.log(Level::Debug, &summary);
        outcome
    }
}

/// Best effort: what the service or the network did wrong does not stop the caller; what policy
/// forbids or the caller did wrong does.
fn soften(outcome: &mut Outcome) {
    let is_network = matches!(outcome.kind, Kind::Network | Kind::Timeout | Kind::Tls);
    if outcome.code != Code::ApiError && !is_network {
        return;
    }
    let message = format!("the event was not recorded: {}", outcome.message);
    outcome
        .warnings
        .push(Warning::new(WarningKind::NotRecorded, message));
    outcome.code = Code::Ok;
    outcome.status = Foreign::line(NOT_RECORDED);
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api_url", &self.settings.api_url.as_str())
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
