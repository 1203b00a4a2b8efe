//! The turn of one event: what waits goes before it, and it goes before what waits elsewhere.

use std::io;
use std::time::Duration;

use super::delivery::{Budget, Delivery};
use super::entry::Entry;
use super::name::{self, Name};
use super::rules::Abilities;
use super::{Outbox, Report, counted, inner, unusable};
use crate::model::event::EventKind;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Kind;
use crate::model::outcome::{Outcome, Warning};
use crate::send::attempts::{Message, Pace, Sender};

/// How long a start waits for what was queued before it.
const START_WAITS: Duration = Duration::from_secs(2);

/// How long any other event does.
const OTHERS_WAIT: Duration = Duration::from_secs(30);

/// How long what else waits is delivered after an event, and how many.
const AFTERWARDS: Duration = Duration::from_secs(2);
const MOST_AFTERWARDS: usize = 100;

/// How often it is looked whether another process has delivered what waits.
const LOOK: Duration = Duration::from_millis(50);

/// An event that is about to be sent.
pub(crate) struct Turn<'a> {
    pub outbox: &'a Outbox,
    pub sender: &'a Sender,
    pub message: &'a Message<'a>,
    pub pace: Pace,
    pub interrupt: &'a Interrupt,
    /// Whether it may be queued behind what waits.
    pub may_wait: bool,
}

/// Files that are marked as overtaken by an event.
#[derive(Debug, Default)]
pub(crate) struct Overtaken(Vec<Name>);

/// What was found to wait, of one product.
#[derive(Default)]
struct Waiting {
    all: Vec<Name>,
    /// Of the same span.
    of_span: usize,
    /// Of the same environment.
    of_place: Vec<Name>,
}

impl Turn<'_> {
    /// Sends the event in its turn.
    pub fn send(&self) -> Outcome {
        let begin = self.sender.clock().now();
        let waiting = self.waiting();
        let mut report = Report::default();
        let has_waited = !waiting.all.is_empty();
        let left = match has_waited {
            false => waiting,
            true => match self.deliver(&mut report) {
                Some(outcome) => return outcome,
                None => self.waiting(),
            },
        };
        if self.goes_behind(&left, &report) {
            return self.behind(report);
        }
        self.warn_of(&left, &mut report);
        let pace = match self.rest(begin) {
            Some(rest) if has_waited => Pace::Within(rest),
            _ => self.pace,
        };
        let mut outcome = self.past(&left, begin, pace);
        let mut warnings = report.warnings();
        warnings.append(&mut outcome.warnings);
        outcome.warnings = warnings;
        outcome
    }

    /// Sends the event although others wait that should have gone before it.
    pub fn send_past(&self) -> Outcome {
        self.past(&self.waiting(), self.sender.clock().now(), self.pace)
    }

    /// Sends the event past what is left, and then what waits elsewhere in the rest of the time since
    /// `begin`.
    fn past(&self, left: &Waiting, begin: Duration, pace: Pace) -> Outcome {
        let overtaken = self.overtake(left);
        let mut outcome = self.sender.send(self.message, pace, self.interrupt);
        self.settle(overtaken, &outcome);
        if outcome.recorded {
            self.deliver_others(&mut outcome, self.rest(begin));
        }
        outcome
    }

    /// Delivers what waits before an event that is sent otherwise; what somebody should know of it,
    /// and what is to be [`Turn::settle`]d once it is.
    pub fn go_before(&self) -> (Vec<Warning>, Overtaken) {
        let mut report = Report::default();
        if self.waiting().all.is_empty() || self.deliver(&mut report).is_some() {
            return (report.warnings(), Overtaken::default());
        }
        let left = self.waiting();
        let overtaken = self.overtake(&left);
        self.warn_of(&left, &mut report);
        (report.warnings(), overtaken)
    }

    fn warn_of(&self, left: &Waiting, report: &mut Report) {
        if !left.all.is_empty() {
            report.warn(still_waiting(left, report));
        }
    }

    /// Takes the marks back of what the event has not overtaken, because it did not go out after all.
    pub fn settle(&self, overtaken: Overtaken, outcome: &Outcome) {
        let has_gone = outcome.code == Kind::Ok.code() || outcome.may_stand;
        if !has_gone {
            self.take_back(&overtaken.0);
        }
    }

    /// How long this call may take; `None` of a last word, before which nothing is delivered.
    fn total(&self) -> Option<Duration> {
        match self.pace {
            Pace::Within(total) => Some(total),
            Pace::Client => Some(self.sender.total_timeout()),
            Pace::Held(_) | Pace::Once(_) | Pace::LastWord(_) => None,
        }
    }

    /// What is left of that since `begin`.
    fn rest(&self, begin: Duration) -> Option<Duration> {
        let used = self.sender.clock().now().saturating_sub(begin);
        Some(self.total()?.saturating_sub(used))
    }

    fn is_last_word(&self) -> bool {
        matches!(self.pace, Pace::LastWord(_))
    }

    /// What waits of the event's product.
    fn waiting(&self) -> Waiting {
        let directory = &self.outbox.directory;
        let mut waiting = Waiting::default();
        // What cannot be read cannot be delivered; whoever keeps an event is told of it.
        for name in directory.names().unwrap_or_default() {
            let Ok(Some(text)) = directory.read(&name) else {
                continue;
            };
            let Ok(entry) = Entry::read(&text) else {
                continue;
            };
            if !self.outbox.address.is_of(&entry) || !self.is_of_product(&entry) {
                continue;
            }
            let is_of_span = !self.message.span.is_empty() && entry.span == self.message.span;
            waiting.of_span += usize::from(is_of_span);
            let environment = &self.message.wire.subject.environment;
            if entry.wire.kind == EventKind::Deployment
                && entry.wire.subject.environment == *environment
            {
                waiting.of_place.push(name.clone());
            }
            waiting.all.push(name);
        }
        waiting
    }

    fn is_of_product(&self, entry: &Entry) -> bool {
        entry.wire.subject.product == self.message.wire.subject.product
    }

    /// Delivers what waits of the product, or waits for whoever does. The outcome of the event
    /// itself, if it was one of them.
    fn deliver(&self, report: &mut Report) -> Option<Outcome> {
        if self.is_last_word() {
            return None;
        }
        let is_start = self.message.wire.is_start();
        let longest = if is_start { START_WAITS } else { OTHERS_WAIT };
        // The event itself needs some of it too.
        let time = self.total().map_or(longest, |total| longest.min(total / 2));
        let clock = self.sender.clock();
        let begin = clock.now();
        loop {
            let used = clock.now().saturating_sub(begin);
            let budget = Budget {
                time: Some(time.saturating_sub(used)),
                events: usize::MAX,
            };
            let id = name::id(self.message.wire.kind, self.message.idempotency_key);
            match self.delivery(budget) {
                Ok(Some(mut delivery)) => {
                    delivery.wanted = &id;
                    delivery.run(|entry| self.is_of_product(entry));
                    *report = delivery.report;
                    let wanted = report.wanted.take();
                    return wanted.map(|outcome| Outcome {
                        warnings: [report.warnings(), outcome.warnings].concat(),
                        ..outcome
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    report.stop(unusable(&self.outbox.directory, &error));
                    return None;
                }
            }
            // What may wait behind all of it does; anything else goes out before or after all of
            // it, never between.
            let goes_behind = self.may_wait && !is_start;
            if goes_behind || used >= time || self.interrupt.is_raised() {
                return None;
            }
            clock.sleep(LOOK, self.interrupt);
            if self.waiting().all.is_empty() {
                return None;
            }
        }
    }

    /// `None` if another process delivers.
    ///
    /// # Errors
    /// If the directory cannot be used.
    fn delivery(&self, budget: Budget) -> io::Result<Option<Delivery<'_>>> {
        let Outbox { directory, address } = self.outbox;
        let (sender, interrupt) = (self.sender, self.interrupt);
        let lock = directory.lock()?;
        Ok(lock.map(|lock| Delivery::new(directory, address, sender, interrupt, budget, lock)))
    }

    fn goes_behind(&self, left: &Waiting, report: &Report) -> bool {
        let stopped = report.stopped.as_ref();
        let is_unusable = stopped.is_some_and(|stopped| stopped.kind == Kind::Config);
        let is_start = self.message.wire.is_start();
        let waits = match self.is_last_word() {
            true => left.of_span,
            false => left.all.len(),
        };
        self.may_wait && !is_start && !is_unusable && waits > 0
    }

    /// The outcome of an event that is not sent, because others come first.
    fn behind(&self, report: Report) -> Outcome {
        let (kind, why) = match &report.stopped {
            Some(stopped) => (stopped.kind, inner(stopped)),
            None => (Kind::Timeout, "it was not delivered in time".to_owned()),
        };
        let message = format!("it waits behind what was queued before it: {why}");
        let mut outcome = Outcome::new(Some(self.message.wire.kind), kind, message);
        outcome.is_behind = kind != Kind::Interrupted;
        outcome.warnings = report.warnings();
        outcome
    }

    /// Marks what waits of the same place: a service that goes by the order of arrival must not get
    /// it after this event. That takes no lock, because whoever delivers now must see it too.
    fn overtake(&self, left: &Waiting) -> Overtaken {
        if self.message.wire.kind != EventKind::Deployment || left.of_place.is_empty() {
            return Overtaken::default();
        }
        let directory = &self.outbox.directory;
        let mut marked = Vec::new();
        for name in left.of_place.iter().filter(|name| !name.is_overtaken) {
            let overtaken = Name {
                is_overtaken: true,
                ..name.clone()
            };
            if directory.rename(name, &overtaken).is_ok() {
                marked.push(overtaken);
            }
        }
        Overtaken(marked)
    }

    /// The event did not go out after all.
    fn take_back(&self, marked: &[Name]) {
        let directory = &self.outbox.directory;
        for name in marked {
            let before = Name {
                is_overtaken: false,
                ..name.clone()
            };
            // One that stays marked is refused with its reason, not lost.
            let _ = directory.rename(name, &before);
        }
    }

    /// Delivers what else waits, now that the service has answered.
    fn deliver_others(&self, outcome: &mut Outcome, rest: Option<Duration>) {
        let is_empty = self.outbox.directory.names().unwrap_or_default().is_empty();
        if is_empty || self.is_last_word() {
            return;
        }
        let time = rest.unwrap_or(AFTERWARDS).min(AFTERWARDS);
        let budget = Budget {
            time: Some(time),
            events: MOST_AFTERWARDS,
        };
        // Who cannot use the directory is told when something is to be put there.
        let Ok(Some(mut delivery)) = self.delivery(budget) else {
            return;
        };
        delivery.abilities = Abilities::of(outcome, true);
        delivery.run(|_| true);
        outcome.warnings.extend(delivery.report.warnings());
    }
}

fn still_waiting(left: &Waiting, report: &Report) -> String {
    let why = match &report.stopped {
        Some(stopped) => inner(stopped),
        None => "there was no time for more".to_owned(),
    };
    let waiting = counted(left.all.len(), "event");
    let wait = if left.all.len() == 1 { "waits" } else { "wait" };
    format!("{waiting} of this product still {wait} in the outbox: {why}")
}
