//! The client: resolves an event, sends it, softens a failure in best-effort mode, and reports.

#[cfg(feature = "cli")]
mod abort;
mod deployed;
#[cfg(feature = "cli")]
mod health;
mod outbox;
#[cfg(feature = "cli")]
mod outbox_commands;
mod questions;

pub(crate) use outbox::Settling;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::input::detect::Detected;
use crate::input::settings::{Options, Settings};
use crate::input::text::{self, placeholder};
use crate::model::clock::SystemClock;
use crate::model::event::{BuildEvent, DeploymentEvent, Given};
use crate::model::explanation::Explanation;
use crate::model::failure::Failure;
use crate::model::foreign::{Foreign, told};
use crate::model::interrupt::{Cancellations, Interrupt};
use crate::model::kind::{Code, Kind, WarningKind};
use crate::model::log::{Level, Logger};
use crate::model::outcome::{Error, Outcome, Warning};
use crate::model::progress::Progress;
use crate::model::resolved::Resolved;
use crate::model::secret::Secret;
use crate::model::source::Source;
#[cfg(feature = "cli")]
use crate::model::status::Status;
use crate::model::wait::Wait;
use crate::outbox::{Outbox, Turn};
use crate::send::attempts::{Message, Pace, Sender, idempotency_key};
use crate::send::wire::{self, Wire};
use crate::wait::{Gate, Start};

const NOT_RECORDED: &str = "not_recorded";

/// Tells the service about builds and deployments.
///
/// Made once and used for many events: it keeps connections open. It may be shared by threads,
/// and used after `fork` in the child; in one that was forked while another thread looked a host
/// name up, the C library's lock on names may stay taken, and calls then end at their deadline. A
/// clone is another handle on the same client. `Debug` does not show the API key.
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
/// })?; // Stops here if policy rejects the deployment.
/// # Ok::<(), versioner::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
    sender: Arc<Sender>,
    outbox: Option<Arc<Outbox>>,
    logger: Logger,
    progress: Progress,
    user_agent: String,
    cancellations: Cancellations,
    has_warned: Arc<AtomicBool>,
}

impl Client {
    /// Decides every setting and reads the configuration file and certificates; connects nowhere.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::Config`]: no API key, or a setting, file or proxy that cannot be used.
    pub fn new(options: Options) -> Result<Client, Error> {
        Self::with_git(options, &Detected::default())
    }

    /// A client that takes what nobody else tells from git.
    pub(crate) fn with_git(options: Options, git: &Detected) -> Result<Client, Error> {
        let settings = Settings::resolve(&options, git);
        Self::made(options, settings)
    }

    /// A client that explains even without a usable API key. It must not send.
    #[cfg(feature = "cli")]
    pub(crate) fn without_key(options: Options, git: &Detected) -> Result<Client, Error> {
        let settings = Settings::resolve_unsent(&options, git);
        Self::made(options, settings)
    }

    fn made(options: Options, settings: Result<Settings, Failure>) -> Result<Client, Error> {
        let is_key = !placeholder::is_whole(text::trim(&options.api_key));
        let key = Secret::new(if is_key { &options.api_key } else { "" });
        let client = settings.and_then(|settings| Self::with_settings(options, settings));
        client.map_err(|mut failure| {
            failure.message = told(&failure.message, &key);
            failure.into_outcome(None).into()
        })
    }

    fn with_settings(options: Options, settings: Settings) -> Result<Client, Failure> {
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
            sender: Arc::new(Sender::new(
                &settings,
                user_agent.clone(),
                clock,
                options.logger.clone(),
            )?),
            user_agent,
            outbox: Outbox::of(&settings).map(Arc::new),
            settings: Arc::new(settings),
            logger: options.logger,
            progress: options.progress,
            cancellations: Cancellations::default(),
            has_warned: Arc::default(),
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
        self.track(&event.given(), interrupt).into_result()
    }

    /// Tells that something is deployed. With status `started` it is checked against policy
    /// first: on an error of code 5 the deployment must not happen. With
    /// [`DeploymentEvent::wait`] it returns once it may happen, or the time is over.
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
        self.track(&event.given(), interrupt).into_result()
    }

    /// Checks a build event as [`Client::track_build`] would, logs its warnings, and sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`].
    pub fn validate_build(&self, event: &BuildEvent) -> Result<(), Error> {
        self.validate(&event.given())
    }

    /// Checks a deployment event as [`Client::track_deployment`] would, logs its warnings, and sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`].
    pub fn validate_deployment(&self, event: &DeploymentEvent) -> Result<(), Error> {
        self.validate(&event.given())
    }

    /// What [`Client::track_build`] would send, and where each value came from. Sends and logs
    /// nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`], as [`Client::validate_build`].
    pub fn explain_build(&self, event: &BuildEvent) -> Result<Explanation, Error> {
        self.explain(&event.given())
    }

    /// What [`Client::track_deployment`] would send, and where each value came from. Sends and
    /// logs nothing. Policy is not asked.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`], as [`Client::validate_deployment`].
    pub fn explain_deployment(&self, event: &DeploymentEvent) -> Result<Explanation, Error> {
        self.explain(&event.given())
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

    /// What scoped deployments need of it.
    pub(crate) fn parts(&self) -> (&Settings, &Sender, &Cancellations) {
        (&self.settings, &self.sender, &self.cancellations)
    }

    fn track(&self, given: &Given<'_>, interrupt: &Interrupt) -> Outcome {
        let interrupt = self.cancellations.interrupt(interrupt);
        let key = text::given(given.idempotency_key);
        let key = key.map_or_else(idempotency_key, |key| Ok(key.to_owned()));
        let idempotency_key = match key {
            Ok(key) => key,
            Err(failure) => return self.finished(failure.into_outcome(Some(given.kind))),
        };
        self.with_event(given, |wire, wait| {
            let message = Message {
                wire,
                idempotency_key: &idempotency_key,
                span: "",
                sent_before: None,
                occurred_at: None,
            };
            let pace = Pace::of(given.timeout);
            let Some(wait) = wait else {
                return self.sent(&message, pace, &interrupt);
            };
            let now = self.sender.clock().date();
            let start = Start {
                message,
                wait,
                since: now,
                first_asked: now,
                pace,
            };
            self.waited(start, &interrupt)
        })
    }

    /// Decides an event and finishes what comes of it.
    fn with_event(
        &self,
        given: &Given<'_>,
        send: impl FnOnce(&Wire, Option<Wait>) -> Outcome,
    ) -> Outcome {
        let (wire, wait, warnings) = match self.ready(given) {
            Ok(ready) => ready,
            Err(failure) => return self.finished(failure.into_outcome(Some(given.kind))),
        };
        let outcome = described(send(&wire, wait), &wire, warnings);
        self.finished(outcome)
    }

    /// An event as it will be sent, how it waits, and what somebody should know about it.
    pub(crate) fn ready(
        &self,
        given: &Given<'_>,
    ) -> Result<(Wire, Option<Wait>, Vec<Warning>), Failure> {
        let (event, wire) = self.resolved(given)?;
        let warnings = self.warnings(&event, self.is_first());
        Ok((wire, event.wait, warnings))
    }

    /// Whether an event asks for permission.
    #[cfg(feature = "cli")]
    pub(crate) fn is_start(&self, event: &DeploymentEvent) -> bool {
        let event = self.settings.event(&event.given());
        event.is_ok_and(|event| event.status() == Status::Started.as_str())
    }

    /// Sends what [`Client::ready`] gave. The outcome is not yet [`Client::finished`].
    pub(crate) fn tell(
        &self,
        message: &Message<'_>,
        pace: Pace,
        interrupt: &Interrupt,
        warnings: Vec<Warning>,
    ) -> Outcome {
        described(self.sent(message, pace, interrupt), message.wire, warnings)
    }

    /// [`Client::tell`] for a start that waits.
    pub(crate) fn tell_waiting(
        &self,
        start: Start<'_>,
        interrupt: &Interrupt,
        warnings: Vec<Warning>,
    ) -> Outcome {
        let wire = start.message.wire;
        described(self.waited(start, interrupt), wire, warnings)
    }

    /// Sends until the gate is open. Best effort does not open it.
    fn waited(&self, start: Start<'_>, interrupt: &Interrupt) -> Outcome {
        let tell = |line: &str, is_change: bool| {
            let line = told(line, &self.settings.api_key);
            if !self.progress.tell(&line, is_change) && is_change {
                self.logger.log(Level::Info, &line);
            }
        };
        let message = start.message.clone();
        let turn = self.turn(&message, start.pace, interrupt, false);
        let before = turn.as_ref().map(Turn::go_before);
        let mut outcome = Gate::new(&self.sender, start, interrupt, &tell).ask();
        if let (Some(turn), Some((mut warnings, overtaken))) = (turn, before) {
            turn.settle(overtaken, &outcome);
            warnings.append(&mut outcome.warnings);
            outcome.warnings = warnings;
        }
        outcome
    }

    /// Sends, and softens a failure in best-effort mode.
    fn sent(&self, message: &Message<'_>, pace: Pace, interrupt: &Interrupt) -> Outcome {
        let now = self.outbox.as_ref().map(|_| self.sender.clock().date());
        let is_best_effort = !self.settings.fail_on_api_error;
        let sent = self.in_turn(message, pace, interrupt, is_best_effort);
        if !is_best_effort || !is_softened(&sent, message.wire) {
            return sent;
        }
        softened(match now {
            Some(now) => self.kept(sent, message, (now, pace, interrupt), None),
            None => sent,
        })
    }

    fn validate(&self, given: &Given<'_>) -> Result<(), Error> {
        match self.resolved(given) {
            Ok((event, _)) => {
                for warning in self.warnings(&event, self.is_first()) {
                    let message = self.settings.api_key.redact(warning.message);
                    self.log(Level::Warning, &message);
                }
                Ok(())
            }
            Err(failure) => Err(self.finished(failure.into_outcome(Some(given.kind))).into()),
        }
    }

    fn explain(&self, given: &Given<'_>) -> Result<Explanation, Error> {
        self.explained(given).map_err(|failure| {
            let mut outcome = failure.into_outcome(Some(given.kind));
            self.clean(&mut outcome);
            outcome.into()
        })
    }

    fn explained(&self, given: &Given<'_>) -> Result<Explanation, Failure> {
        let redacted = |text: String| self.settings.api_key.redact(text);
        let event = self.settings.event(given)?;
        let mut explanation = Explanation {
            method: "POST",
            url: redacted(self.sender.url(given.kind)),
            headers: self
                .sender
                .shown_headers(text::given(given.idempotency_key)),
            body: redacted(wire::indented(&event)?),
            values: event.explained(),
            settings: self.settings.explained.clone(),
            warnings: self.warnings(&event, true),
        };
        let (values, settings) = (&mut explanation.values, &mut explanation.settings);
        for explained in values.iter_mut().chain(settings) {
            explained.field = redacted(std::mem::take(&mut explained.field));
            explained.value = redacted(std::mem::take(&mut explained.value));
            if let Source::File { path, .. } = &mut explained.source {
                *path = redacted(path.to_string_lossy().into_owned()).into();
            }
        }
        for warning in &mut explanation.warnings {
            warning.message = told(&warning.message, &self.settings.api_key);
        }
        Ok(explanation)
    }

    fn resolved<'a>(&'a self, given: &Given<'a>) -> Result<(Resolved<'a>, Wire), Failure> {
        let event = self.settings.event(given)?;
        let wire = wire::write(&event)?;
        Ok((event, wire))
    }

    /// Whether nobody was warned of the settings yet.
    fn is_first(&self) -> bool {
        !self.has_warned.swap(true, Ordering::Relaxed)
    }

    fn warnings(&self, event: &Resolved<'_>, is_first: bool) -> Vec<Warning> {
        let mut warnings = match is_first {
            true => self.settings_warnings(),
            false => Vec::new(),
        };
        warnings.extend(event.warnings.iter().cloned());
        warnings
    }

    fn settings_warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let url = &self.settings.api_url;
        let leaves_this_machine = !url.is_loopback() || self.sender.has_proxy();
        if !url.is_https() && leaves_this_machine {
            let message = format!(
                "the API key travels unencrypted to {}{}: use https",
                url.as_str(),
                match self.sender.has_proxy() {
                    true => ", through a proxy",
                    false => "",
                }
            );
            warnings.push(Warning::new(WarningKind::InsecureUrl, message));
        }
        warnings.extend(self.settings.warnings.iter().cloned());
        warnings
    }

    pub(crate) fn log(&self, level: Level, message: &str) {
        self.logger
            .log(level, &told(message, &self.settings.api_key));
    }

    /// Cleans whatever the caller's own values or the system's words brought in.
    pub(crate) fn clean(&self, outcome: &mut Outcome) {
        for text in outcome.repeated_texts() {
            *text = told(text, &self.settings.api_key);
        }
    }

    /// Cleans and logs.
    pub(crate) fn finished(&self, mut outcome: Outcome) -> Outcome {
        self.clean(&mut outcome);
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

/// Says what an outcome is about, with what was known before it.
fn described(mut outcome: Outcome, wire: &Wire, mut warnings: Vec<Warning>) -> Outcome {
    outcome.source_system.clone_from(&wire.source_system);
    outcome.subject.clone_from(&wire.subject);
    warnings.append(&mut outcome.warnings);
    outcome.warnings = warnings;
    outcome
}

/// Best effort: what the service or the network did wrong does not stop the caller; what policy
/// forbids or the caller did wrong does.
fn is_softened(outcome: &Outcome, wire: &Wire) -> bool {
    let is_start_without_checks = wire.skips_checks && wire.is_start();
    match outcome.kind {
        Kind::Network | Kind::Timeout | Kind::Tls => true,
        // Who may not skip the checks has no permission to deploy.
        Kind::Authentication | Kind::Authorization => !is_start_without_checks,
        _ => outcome.code == Code::ApiError,
    }
}

/// An outcome that does not stop the caller; one that is queued says so already.
fn softened(mut outcome: Outcome) -> Outcome {
    if outcome.code == Code::Ok {
        return outcome;
    }
    let message = format!("the event was not recorded: {}", outcome.message);
    outcome
        .warnings
        .push(Warning::new(WarningKind::NotRecorded, message));
    outcome.code = Code::Ok;
    outcome.status = Foreign::line(NOT_RECORDED);
    outcome
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api_url", &self.settings.api_url.as_str())
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
