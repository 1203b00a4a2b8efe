//! Delivers what waits: one after the other, in order, until something stops it.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use serde_json::json;

use super::directory::{Directory, Lock};
use super::entry::{Entry, Unreadable};
use super::name::Name;
use super::rules::{self, Abilities, Fate, Plan};
use super::{Address, Report};
use crate::model::foreign::Foreign;
use crate::model::interrupt::Interrupt;
use crate::model::outcome::Outcome;
use crate::send::attempts::{Message, Pace, Sender};

/// How much is delivered at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// How long it may take; `None` is as long as it takes.
    pub time: Option<Duration>,
    pub events: usize,
}

/// Delivers while it holds the directory's lock.
pub(super) struct Delivery<'a> {
    pub directory: &'a Directory,
    pub address: &'a Address,
    pub sender: &'a Sender,
    pub interrupt: &'a Interrupt,
    pub budget: Budget,
    /// What the service can, once that is known.
    pub abilities: Option<Abilities>,
    /// The event whose outcome is wanted, if it waits.
    pub wanted: &'a str,
    pub progress: &'a dyn Fn(usize, usize),
    pub report: Report,
    /// When it began, by the clock's own count.
    begin: Duration,
    _lock: Lock,
}

/// Whether to go on with the next event.
enum Next {
    GoOn,
    Stop,
}

impl<'a> Delivery<'a> {
    pub fn new(
        directory: &'a Directory,
        address: &'a Address,
        sender: &'a Sender,
        interrupt: &'a Interrupt,
        budget: Budget,
        lock: Lock,
    ) -> Self {
        Delivery {
            directory,
            address,
            sender,
            interrupt,
            budget,
            abilities: None,
            wanted: "",
            progress: &|_, _| {},
            report: Report::default(),
            begin: sender.clock().now(),
            _lock: lock,
        }
    }

    /// Delivers what `is_meant`. What is queued meanwhile is delivered too.
    pub fn run(&mut self, is_meant: impl Fn(&Entry) -> bool) {
        if let Err(error) = self.all(is_meant) {
            self.report.stop(super::unusable(self.directory, &error));
        }
    }

    fn all(&mut self, is_meant: impl Fn(&Entry) -> bool) -> io::Result<()> {
        self.directory.clean(self.sender.clock().date())?;
        let mut seen = BTreeSet::new();
        loop {
            let names = self.directory.names()?;
            let new: Vec<Name> = names
                .into_iter()
                .filter(|name| seen.insert(name.clone()))
                .collect();
            if new.is_empty() {
                return Ok(());
            }
            for name in new {
                let Some(entry) = self.read(&name)? else {
                    continue;
                };
                if !self.address.is_of(&entry) {
                    self.report.of_others += 1;
                    continue;
                }
                if !is_meant(&entry) {
                    continue;
                }
                if self.report.handled() >= self.budget.events {
                    return Ok(());
                }
                if let Next::Stop = self.one(name, &entry)? {
                    return Ok(());
                }
                (self.progress)(self.report.handled(), seen.len());
            }
        }
    }

    /// The event of a file; `None` if it is none, or if somebody else has it.
    fn read(&mut self, name: &Name) -> io::Result<Option<Entry>> {
        let text = match self.directory.read(name) {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.report.warn(format!(
                    "{} stays where it is, because it cannot be read: {error}",
                    self.directory.file(name).display()
                ));
                return Ok(None);
            }
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
            Err(error) => Err(Unreadable::Damaged(error.to_string())),
        };
        match text.and_then(|text| Entry::read(&text)) {
            Ok(entry) => Ok(Some(entry)),
            Err(Unreadable::Newer(form)) => {
                self.report.warn(format!(
                    "{} has form {form}, which a newer version of versioner wrote and delivers",
                    self.directory.file(name).display()
                ));
                Ok(None)
            }
            Err(Unreadable::Damaged(problem)) => {
                let aside = self.directory.set_aside(name)?;
                self.report.warn(format!(
                    "{} was damaged ({problem}) and is now {}: see whether its event is to be told \
                     anew",
                    self.directory.file(name).display(),
                    aside.display()
                ));
                Ok(None)
            }
        }
    }

    fn one(&mut self, name: Name, entry: &Entry) -> io::Result<Next> {
        let Some(pace) = self.pace() else {
            return Ok(Next::Stop);
        };
        let abilities = match self.abilities {
            Some(abilities) => abilities,
            None => match self.ask_abilities(pace) {
                Some(abilities) => abilities,
                None => return Ok(Next::Stop),
            },
        };
        // That may have taken all the time there is.
        let Some(pace) = self.pace() else {
            return Ok(Next::Stop);
        };
        let now = self.sender.clock().date();
        match rules::plan(entry, &name, now, abilities) {
            Plan::Send => self.send(name, entry, pace, abilities),
            Plan::Drop => {
                self.directory.remove(&name)?;
                self.report.dropped += 1;
                Ok(Next::GoOn)
            }
            Plan::Refuse(reason) => {
                self.refuse(&name, entry, reason, &json!({"reason": reason}).to_string())?;
                Ok(Next::GoOn)
            }
        }
    }

    /// How the next request may go on; `None` if the time is over.
    fn pace(&self) -> Option<Pace> {
        let Some(time) = self.budget.time else {
            return Some(Pace::Client);
        };
        let used = self.sender.clock().now().saturating_sub(self.begin);
        let left = time.saturating_sub(used);
        (!left.is_zero()).then_some(Pace::Once(left))
    }

    /// What the service can. Of one that cannot be asked nothing is known, and nothing is
    /// delivered.
    fn ask_abilities(&mut self, pace: Pace) -> Option<Abilities> {
        let (outcome, is_json) = self.sender.greet(pace, self.interrupt);
        self.abilities = Abilities::of(&outcome, is_json);
        if self.abilities.is_none() {
            self.report.stop(outcome);
        }
        self.abilities
    }

    fn send(
        &mut self,
        name: Name,
        entry: &Entry,
        pace: Pace,
        abilities: Abilities,
    ) -> io::Result<Next> {
        // If this process is killed while it sends, the next one must know that it may have.
        let tried = Name {
            is_tried: name.is_tried || !abilities.idempotency,
            ..name.clone()
        };
        self.directory.rename(&name, &tried)?;
        let message = Message {
            wire: &entry.wire,
            idempotency_key: &entry.idempotency_key,
            span: &entry.span,
            sent_before: None,
            occurred_at: Some(entry.occurred_at),
        };
        let outcome = self.sender.send(&message, pace, self.interrupt);
        // Another process, whose event went out meanwhile, may have marked it.
        let tried = self.directory.now(&tried)?;
        let fate = rules::fate(&outcome);
        if name.id == self.wanted && fate != Fate::Stop {
            self.report.wanted = Some(outcome.clone());
        }
        match fate {
            Fate::Delivered => {
                self.report.sent += 1;
                self.directory.remove(&tried)?;
                Ok(Next::GoOn)
            }
            Fate::Refused => {
                self.refuse(&tried, entry, &outcome.message, &answered(&outcome))?;
                self.report.refusal = Some(outcome);
                Ok(Next::GoOn)
            }
            Fate::Stop => {
                if !outcome.may_stand {
                    let untried = Name {
                        is_tried: name.is_tried,
                        ..tried.clone()
                    };
                    self.directory.rename(&tried, &untried)?;
                }
                self.report.stop(outcome);
                Ok(Next::Stop)
            }
        }
    }

    fn refuse(&mut self, name: &Name, entry: &Entry, why: &str, answer: &str) -> io::Result<()> {
        self.directory.refuse(name, answer)?;
        self.report.refused += 1;
        self.report.warn(format!(
            "an event that was queued is not recorded and was moved to {}: {} ({})",
            self.directory
                .path()
                .join(super::directory::REFUSED)
                .display(),
            Foreign::line(why),
            described(entry)
        ));
        Ok(())
    }
}

/// The answer to an event as it is kept beside it.
pub(super) fn answered(outcome: &Outcome) -> String {
    let details = outcome
        .rejection
        .as_ref()
        .map(|rejection| &rejection.details);
    let answer = json!({
        "http_status": outcome.http_status,
        "kind": outcome.kind.as_str(),
        "reason": outcome.message,
        "details": details,
    });
    answer.to_string()
}

/// What an event is about, in a few words.
pub(super) fn described(entry: &Entry) -> String {
    let subject = &entry.wire.subject;
    let place = match subject.environment.as_str() {
        "" => String::new(),
        environment => format!(" in {environment}"),
    };
    let (product, version, status) = (&subject.product, &subject.version, &entry.wire.status);
    format!("{product} {version} {status}{place}")
}
