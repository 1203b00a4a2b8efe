//! A span at work: it asks, and tells how it ended.

mod lost;

use std::fmt;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::{Builder, Uuid};

use super::end::End;
use super::machine::{Ended, Ending, Machine, Next, State, Waiting};
use super::renewal::renewal_pace;
use super::saved;
use crate::client::{Client, Settling};
use crate::input::text::time;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::foreign::Foreign;
use crate::model::interrupt::Interrupt;
use crate::model::kind::{Code, Kind, WarningKind};
use crate::model::log::Level;
use crate::model::outcome::{Error, Outcome, Warning};
use crate::model::status::Status;
use crate::outbox::Held;
use crate::send::attempts::{LAST_WORD, Message, Pace};
use crate::send::wire::Wire;
use crate::wait::Start;

/// The pause before the service is asked once more that refuses to record how something ended.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// One deployment from its start to its end: `started` once, then one end.
///
/// [`Client::deployment`] is the form that most programs want: it ends whatever happens. A span is
/// for what begins in one place and ends in another. It belongs to the process that began or
/// resumed it: after `fork` the child cannot end it. Any thread may end it; the first end counts,
/// a later one gives the result of the first, or tells it again if it could not be told.
///
/// Dropping a span sends nothing: nobody knows whether the deployment went well. One that is open
/// and was not saved is lost, which is logged as a warning.
pub struct Span {
    client: Client,
    kind: EventKind,
    id: String,
    owner: u32,
    machine: Mutex<Machine>,
    /// Held while something is asked or told, so that a second caller gets the first's result.
    telling: Mutex<()>,
    started: OnceLock<Outcome>,
    /// Whether somebody has the text of what the machine is now.
    is_saved: AtomicBool,
    /// Whether something was sent from here.
    has_asked: AtomicBool,
    warnings: Mutex<Vec<Warning>>,
    timeout: Option<Duration>,
    /// The end that stands in the outbox should this process be gone without telling one.
    held: Mutex<Option<Held>>,
}

impl Span {
    pub(super) fn new(
        client: Client,
        machine: Machine,
        warnings: Vec<Warning>,
        timeout: Option<Duration>,
    ) -> Self {
        Span {
            client,
            kind: machine.start.kind,
            id: machine.id.clone(),
            owner: process::id(),
            machine: Mutex::new(machine),
            telling: Mutex::default(),
            started: OnceLock::new(),
            is_saved: AtomicBool::new(false),
            has_asked: AtomicBool::new(false),
            warnings: Mutex::new(warnings),
            timeout,
            held: Mutex::default(),
        }
    }

    /// As somebody has saved it.
    pub(super) fn saved(client: Client, machine: Machine) -> Self {
        let span = Span::new(client, machine, Vec::new(), None);
        span.is_saved.store(true, Ordering::Release);
        span
    }

    /// Its identifier, a UUID: the idempotency key of its start.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the start ended, if it was asked for by this object.
    pub fn started(&self) -> Option<&Outcome> {
        self.started.get()
    }

    /// Everything about it as one line of JSON, without the API key: what [`Client::resume`]
    /// takes. To survive a crash, save before asking and after each change.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`] if its event holds the API key.
    pub fn save(&self) -> Result<String, Error> {
        let text = saved::write(&lock(&self.machine)).map_err(|failure| self.failed(failure))?;
        let (settings, ..) = self.client.parts();
        if settings.api_key.stands_in(&text) {
            let message = "span cannot be saved, because its event holds the API key, which no text \
                           of a span does: take it out of the event";
            return Err(self.failed(Failure::argument("span", message)));
        }
        self.is_saved.store(true, Ordering::Release);
        Ok(text)
    }

    /// Asks whether a prepared deployment may begin. Of one that began it gives the first answer
    /// again.
    ///
    /// # Errors
    ///
    /// Those of [`Client::begin`].
    pub fn ask(&self, interrupt: &Interrupt) -> Result<Outcome, Error> {
        self.check_owner()?;
        let _one_at_a_time = lock(&self.telling);
        let (start, wait, asked_at, sent_before) = {
            let machine = lock(&self.machine);
            if !matches!(machine.state, State::Asking) {
                return self.asked_before(&machine);
            }
            let sent_before = machine.was_asked.then_some(machine.asked_at);
            let start = machine.start.clone();
            (start, machine.wait, machine.asked_at, sent_before)
        };
        self.has_asked.store(true, Ordering::Release);
        let (_, sender, cancellations) = self.client.parts();
        let interrupt = cancellations.interrupt(interrupt);
        let warnings = std::mem::take(&mut *lock(&self.warnings));
        let message = self.message(&start, &self.id, sent_before);
        let pace = Pace::of(self.timeout);
        let mut outcome = match wait {
            None => self.client.tell(&message, pace, &interrupt, warnings),
            Some(Waiting { wait, since }) => {
                let start = Start {
                    message,
                    wait,
                    since,
                    first_asked: asked_at,
                    pace,
                };
                self.client.tell_waiting(start, &interrupt, warnings)
            }
        };
        let next = {
            let mut machine = lock(&self.machine);
            machine.begun_at = wait.map(|_| sender.clock().date());
            machine.answered(&outcome)
        };
        self.is_saved.store(false, Ordering::Release);
        if next == Next::Abort {
            self.abort_what_may_stand(&mut outcome);
        }
        let outcome = self.client.finished(outcome).into_result()?;
        let _ = self.started.set(outcome.clone());
        self.take_lease(&interrupt);
        Ok(outcome)
    }

    /// Tells how it ended. Neither [`Client::cancel`] nor the interrupt of the asking ends the
    /// telling.
    ///
    /// A service that rejects the end is asked once more after 5 s, if there is so much time. If it
    /// cannot be told, what happened has happened all the same; telling it again sends the same event.
    ///
    /// # Errors
    ///
    /// Every code but 0; kind [`Kind::InvalidArgument`] for a status that is no end, and in a process
    /// that neither began nor resumed it.
    pub fn end(&self, end: &End) -> Result<Outcome, Error> {
        self.decide(end)?;
        self.tell_end(end.timeout)
    }

    /// The first half of [`Span::end`]: how it ended, which the saved text then holds. A program
    /// that saves it before it tells the end tells the same end if it has to do so again. Sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`], as [`Span::end`].
    pub fn decide(&self, end: &End) -> Result<(), Error> {
        self.check_owner()?;
        let _one_at_a_time = lock(&self.telling);
        let mut warned = None;
        let make = |machine: &Machine| {
            let (wire, warning) = self.end_event(machine, end)?;
            warned = warning;
            Ok(wire)
        };
        // A mistyped status is an error even if another end came first.
        let decided = end.read_status().and_then(|_| {
            let mut machine = lock(&self.machine);
            machine.end(make).map(drop)
        });
        decided.map_err(|failure| self.failed(failure))?;
        self.is_saved.store(false, Ordering::Release);
        lock(&self.warnings).extend(warned);
        Ok(())
    }

    /// The second half of [`Span::end`].
    ///
    /// # Errors
    ///
    /// Those of [`Span::end`], and kind [`Kind::InvalidArgument`] if it was not decided.
    pub fn tell_end(&self, timeout: Option<Duration>) -> Result<Outcome, Error> {
        self.check_owner()?;
        let _one_at_a_time = lock(&self.telling);
        let ending = match &lock(&self.machine).state {
            State::Ended(Ended::With(ending)) => (**ending).clone(),
            _ => return Err(self.failed(Failure::argument("span", "span has not ended"))),
        };
        if ending.is_told {
            return told_before(ending).into_result();
        }
        let (settings, sender, _) = self.client.parts();
        let (now, begin) = (sender.clock().date(), sender.clock().now());
        let mut pace = Pace::of(timeout);
        let mut outcome = self.send_end(&ending.event, pace);
        if outcome.code == Code::Rejected {
            let used = sender.clock().now().saturating_sub(begin);
            let total = timeout.unwrap_or(settings.retries.total);
            let left = total.saturating_sub(used + AGAIN_AFTER);
            // Who has no time to be asked again has given the answer.
            if !left.is_zero() {
                sender.clock().sleep(AGAIN_AFTER, &Interrupt::never());
                pace = Pace::Within(left);
                outcome = self.send_end(&ending.event, pace);
            }
        }
        if outcome.code == Code::Rejected {
            outcome.took_place = true;
            let title = ending.event.kind.title();
            outcome.message = format!(
                "The {} took place; the service refused to record how it ended. {}",
                title.to_lowercase(),
                outcome.message
            );
        }
        let outcome = self.keep(outcome, &ending.event, now, pace);
        self.client.finished(outcome).into_result()
    }

    /// Says that it goes on, so that the service does not take it for lost; for as long as its
    /// lease, or as the service has it. Without the service's feature `renew` it does nothing and
    /// succeeds.
    ///
    /// # Errors
    ///
    /// If it cannot be said, or the service has ended the deployment.
    pub fn renew(&self, interrupt: &Interrupt) -> Result<(), Error> {
        self.check_owner()?;
        let (deployment, lease) = self.renewable();
        if deployment.is_empty() {
            return Ok(());
        }
        let (_, sender, cancellations) = self.client.parts();
        let interrupt = cancellations.interrupt(interrupt);
        let pace = renewal_pace(lease, sender);
        let outcome = sender.renew(&deployment, lease, pace, &interrupt);
        self.client.finished(outcome).into_result().map(drop)
    }

    /// Lets go of it without an end: one that is open, and that nobody has saved as it is, is told
    /// `aborted`, within 5 s and once. In another process than its own it does nothing.
    pub fn let_go(&self) {
        if self.owner != process::id() {
            return;
        }
        let _one_at_a_time = lock(&self.telling);
        if self.is_saved.load(Ordering::Acquire) {
            return;
        }
        let is_open = {
            let machine = lock(&self.machine);
            let was_sent = self.has_asked.load(Ordering::Acquire) || machine.was_asked;
            match &machine.state {
                State::Asking => was_sent,
                State::Open => true,
                State::Ended(_) => false,
            }
        };
        if is_open {
            let outcome = self.abort(0);
            self.client.finished(outcome);
        }
    }

    /// Whether it is not yet known if it may begin.
    pub fn is_asking(&self) -> bool {
        matches!(lock(&self.machine).state, State::Asking)
    }

    /// Whether it goes on.
    pub(crate) fn is_open(&self) -> bool {
        matches!(lock(&self.machine).state, State::Open)
    }

    /// Whether it has ended, and the service does not know.
    #[cfg(feature = "cli")]
    pub(crate) fn is_untold(&self) -> bool {
        match &lock(&self.machine).state {
            State::Ended(Ended::With(ending)) => !ending.is_told,
            _ => false,
        }
    }

    /// How it ended, if that is decided.
    #[cfg(feature = "cli")]
    pub(crate) fn decided(&self) -> Option<Status> {
        match &lock(&self.machine).state {
            State::Ended(Ended::With(ending)) => Status::parse(&ending.event.status),
            _ => None,
        }
    }

    /// Whether it never began.
    #[cfg(feature = "cli")]
    pub(crate) fn is_refused(&self) -> bool {
        matches!(lock(&self.machine).state, State::Ended(Ended::Refused))
    }

    /// The start as it is sent.
    #[cfg(feature = "cli")]
    pub(crate) fn start(&self) -> Wire {
        lock(&self.machine).start.clone()
    }

    /// Waits as another one of the same start would, from now on.
    #[cfg(feature = "cli")]
    pub(crate) fn wait_like(&self, other: &Span) {
        lock(&self.machine).wait = lock(&other.machine).wait;
    }

    /// What can be renewed, empty if nothing can, and for how long.
    pub(crate) fn renewable(&self) -> (String, Option<Duration>) {
        let machine = lock(&self.machine);
        (machine.deployment_id.clone(), machine.lease)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn message<'a>(
        &'a self,
        wire: &'a Wire,
        key: &'a str,
        sent_before: Option<SystemTime>,
    ) -> Message<'a> {
        Message {
            wire,
            idempotency_key: key,
            span: &self.id,
            sent_before,
            occurred_at: None,
        }
    }

    fn end_event(&self, machine: &Machine, end: &End) -> Result<(Wire, Option<Warning>), Failure> {
        let status = end.read_status()?;
        let (_, sender, _) = self.client.parts();
        let now = sender.clock().date();
        let begun_at = machine.begun_at.unwrap_or(machine.asked_at);
        let duration = now.duration_since(begun_at).unwrap_or_default();
        let (metadata, warning) = end.metadata(machine.start.kind, duration)?;
        let completed_at = time::write(now);
        let wire = machine
            .start
            .ended(status.as_str(), &completed_at, metadata)?;
        Ok((wire, warning))
    }

    fn send_end(&self, event: &Wire, pace: Pace) -> Outcome {
        let warnings = std::mem::take(&mut *lock(&self.warnings));
        let key = end_key(&self.id);
        let message = self.message(event, &key, None);
        let outcome = self.client.tell_end(&message, pace, warnings);
        match outcome.is_key_used {
            true => ended_elsewhere(outcome),
            false => outcome,
        }
    }

    /// Every end passes here once it was told or could not be, and is put into the outbox if it is
    /// to be told later. It happened at `now`.
    fn keep(&self, outcome: Outcome, event: &Wire, now: SystemTime, pace: Pace) -> Outcome {
        let key = end_key(&self.id);
        let message = self.message(event, &key, None);
        let held = lock(&self.held).take();
        let settling = Settling {
            has_begun: self.has_begun(),
            occurred_at: now,
            pace,
            held,
        };
        let mut outcome = self.client.settled(outcome, &message, settling);
        self.client.clean(&mut outcome);
        lock(&self.machine).told(&outcome);
        self.is_saved.store(false, Ordering::Release);
        outcome
    }

    /// Whether the service has its start, or gets it, as far as is known here: if it was asked for
    /// elsewhere, whoever goes on with it says so.
    fn has_begun(&self) -> bool {
        match self.started.get() {
            Some(started) => started.recorded || started.is_queued(),
            None => !self.has_asked.load(Ordering::Acquire),
        }
    }

    /// Ends it as `aborted`, quickly.
    fn abort(&self, resends: u32) -> Outcome {
        let (_, sender, _) = self.client.parts();
        let now = sender.clock().date();
        match self.ended_as_aborted() {
            Ok(event) => {
                let pace = Pace::LastWord(resends);
                let outcome = self.send_end(&event, pace);
                self.keep(outcome, &event, now, pace)
            }
            Err(failure) => failure.into_outcome(Some(self.kind)),
        }
    }

    fn ended_as_aborted(&self) -> Result<Wire, Failure> {
        let aborted = End::new(Status::Aborted.as_str());
        let mut machine = lock(&self.machine);
        let ended = machine.end(|machine| Ok(self.end_event(machine, &aborted)?.0));
        ended.map(|ending| ending.event.clone())
    }

    /// Nobody knows whether the start was recorded: it must not stay open.
    fn abort_what_may_stand(&self, outcome: &mut Outcome) {
        let aborted = self.abort(1);
        let is_queued = aborted.is_queued();
        let of_outbox = [
            WarningKind::Queued,
            WarningKind::OutboxFull,
            WarningKind::Outbox,
        ];
        let warnings = aborted.warnings.into_iter();
        let warnings = warnings.filter(|warning| of_outbox.contains(&warning.kind));
        outcome.warnings.extend(warnings);
        let words = match aborted.recorded {
            true => " In case it was recorded, aborted was told.".to_owned(),
            false if is_queued => " In case it was recorded, aborted is told later.".to_owned(),
            false => format!(
                " Should it have been recorded, it stays in progress: that it was aborted could \
                 not be told within {} s ({}).",
                LAST_WORD.as_secs(),
                aborted.message.trim_end_matches('.')
            ),
        };
        outcome.message.push_str(&words);
    }

    /// What has begun does not wait long for it, and not at all if its caller asks to end.
    fn take_lease(&self, interrupt: &Interrupt) {
        let (deployment, lease) = self.renewable();
        let Some(lease) = lease else { return };
        if deployment.is_empty() {
            let message = "the service has no leases: a deployment whose end is lost stays in \
                           progress until the service lets it expire";
            self.client.log(Level::Warning, message);
            return;
        }
        let (_, sender, _) = self.client.parts();
        let pace = Pace::Within(LAST_WORD);
        let taken = sender.renew(&deployment, Some(lease), pace, interrupt);
        if let Err(error) = self.client.finished(taken).into_result() {
            let message = format!("the lease of {} s was not taken: {error}", lease.as_secs());
            self.client.log(Level::Warning, &message);
        }
    }

    fn asked_before(&self, machine: &Machine) -> Result<Outcome, Error> {
        match (self.started.get(), &machine.state) {
            (Some(outcome), _) => Ok(outcome.clone()),
            (None, State::Open) => Ok(Outcome::new(
                Some(machine.start.kind),
                Kind::Ok,
                "it was allowed before",
            )),
            (None, _) => Err(self.failed(Failure::argument(
                "span",
                "span: it has ended; begin another one",
            ))),
        }
    }

    fn check_owner(&self) -> Result<(), Error> {
        let own = process::id();
        if self.owner == own {
            return Ok(());
        }
        let message = format!(
            "span belongs to process {}, and this is process {own}: save it there and resume it \
             here, or end it there",
            self.owner
        );
        Err(self.failed(Failure::argument("span", message)))
    }

    fn failed(&self, failure: Failure) -> Error {
        self.client.failed(failure, Some(self.kind))
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.is_forgotten() {
            self.lose();
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// The idempotency key of a span's end, which follows from its own: if two processes believe that
/// they hold the span, a service that knows such keys takes the end of one of them only.
fn end_key(id: &str) -> String {
    let bytes = Uuid::parse_str(id).unwrap_or_default().into_bytes();
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The result of an end that was told before.
fn told_before(ending: Ending) -> Outcome {
    ending.outcome.unwrap_or_else(|| {
        let status = &ending.event.status;
        let message = format!("it had ended before, as {status}");
        let mut outcome = Outcome::new(Some(ending.event.kind), Kind::Ok, message);
        outcome.recorded = true;
        outcome.had_ended = true;
        outcome.status = Foreign::line(status);
        outcome
    })
}

/// The key of an end is made of its span's: another event under it is another end, told by whoever
/// has resumed the span as well.
fn ended_elsewhere(answer: Outcome) -> Outcome {
    Outcome {
        code: Code::Ok,
        kind: Kind::Ok,
        message: "it had ended before, as somebody else told it: the first end counts".to_owned(),
        recorded: true,
        had_ended: true,
        ..answer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
