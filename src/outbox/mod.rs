//! Events that could not be delivered, kept on disk and delivered later.
//!
//! `rules` decides, `entry` is the text of one event and `name` the name of its file, `directory`
//! keeps the files by the means of `disk`, `delivery` sends, `inventory` is for people; `turn` is
//! what one event of a client has to do with it.

mod delivery;
mod directory;
mod disk;
mod entry;
#[cfg(feature = "cli")]
mod inventory;
mod name;
mod rules;
mod turn;

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::input::settings::Settings;
use crate::model::foreign::Foreign;
use crate::model::kind::{Kind, WarningKind};
use crate::model::outcome::{Outcome, Warning};
use crate::model::secret::Secret;
use crate::send::attempts::Message;

pub(crate) use directory::Held;
use directory::{Directory, Same, Unwritten};
use entry::Entry;
#[cfg(feature = "cli")]
pub(crate) use inventory::Unwanted;
use name::Name;
pub(crate) use rules::{is_kept, may_be_told_later};
pub(crate) use turn::Turn;

/// The outbox of a client.
#[derive(Debug)]
pub(crate) struct Outbox {
    directory: Directory,
    address: Address,
}

/// Whose events a client delivers.
#[derive(Debug)]
struct Address {
    api_url: String,
    key: Secret,
}

impl Address {
    fn is_of(&self, entry: &Entry) -> bool {
        entry.is_for(&self.api_url, &self.key)
    }
}

/// What came of a delivery.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub sent: usize,
    pub refused: usize,
    pub dropped: usize,
    /// Of another service or account.
    pub of_others: usize,
    /// Why it ended before everything was delivered.
    pub stopped: Option<Outcome>,
    /// The last answer that refused an event.
    pub refusal: Option<Outcome>,
    /// What came of the event that was wanted.
    wanted: Option<Outcome>,
    warnings: Vec<Warning>,
}

impl Report {
    /// What somebody should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        if self.dropped > 0 {
            let message = format!(
                "the outbox dropped {} of the status started or pending: this service would take it for \
                 what happens now",
                counted(self.dropped, "event")
            );
            warnings.push(Warning::new(WarningKind::Outbox, message));
        }
        warnings
    }

    /// How many events do not wait any more.
    pub fn handled(&self) -> usize {
        self.sent + self.refused + self.dropped
    }

    fn warn(&mut self, message: String) {
        self.warnings
            .push(Warning::new(WarningKind::Outbox, message));
    }

    fn stop(&mut self, outcome: Outcome) {
        self.stopped = Some(outcome);
    }
}

impl Outbox {
    /// As the settings name it; `None` if they name none. Touches no disk.
    pub fn of(settings: &Settings) -> Option<Self> {
        let path = settings.outbox.clone()?;
        Some(Outbox {
            directory: Directory::new(path),
            address: Address {
                api_url: settings.api_url.as_str().to_owned(),
                key: settings.api_key.clone(),
            },
        })
    }

    /// Keeps an event that could not be delivered, in the place of what is `held` for it; gives its
    /// file, or the warning that says why not.
    pub fn keep(
        &self,
        message: &Message<'_>,
        occurred_at: SystemTime,
        may_have_arrived: bool,
        held: Option<&Held>,
    ) -> Result<PathBuf, Warning> {
        let (id, text) = self.written(message, occurred_at)?;
        if let Some(held) = held {
            let replaced = self.directory.replace(held, &text);
            return replaced.map_err(|unwritten| self.unkept(unwritten));
        }
        let name = |last: Option<&Name>| Name {
            is_tried: may_have_arrived,
            ..Name::new(id.clone(), occurred_at, last)
        };
        let compare = |there: &str| match Entry::read(there) {
            Ok(entry) if entry.wire.body == message.wire.body && entry.span == message.span => {
                Same::Event
            }
            Ok(_) => Same::Another,
            Err(_) => Same::Nothing,
        };
        let put = self.directory.put(&id, &text, compare, name);
        put.map_err(|unwritten| self.unkept(unwritten))
    }

    /// Keeps an event that is delivered if this process ends before it tells another.
    pub fn hold(&self, message: &Message<'_>, occurred_at: SystemTime) -> Result<Held, Warning> {
        let (id, text) = self.written(message, occurred_at)?;
        let name = |last: Option<&Name>| Name::new(id, occurred_at, last);
        let put = self.directory.put_held(&text, name);
        put.map_err(|unwritten| self.unkept(unwritten))
    }

    /// Takes back what was held.
    pub fn let_go(&self, held: Held) -> Result<(), Warning> {
        let removed = self.directory.remove_held(held);
        removed.map_err(|error| self.unkept(error.into()))
    }

    /// Keeps an event that the service refuses, with what it said.
    pub fn keep_refused(
        &self,
        message: &Message<'_>,
        occurred_at: SystemTime,
        answer: &Outcome,
    ) -> Result<PathBuf, Warning> {
        let (id, text) = self.written(message, occurred_at)?;
        let name = Name::new(id, occurred_at, None);
        let answer = delivery::answered(answer);
        let put = self.directory.put_refused(&name, &text, &answer);
        put.map_err(|unwritten| self.unkept(unwritten))
    }

    fn written(
        &self,
        message: &Message<'_>,
        occurred_at: SystemTime,
    ) -> Result<(String, String), Warning> {
        let Address { api_url, key } = &self.address;
        let text = Entry::new(message, occurred_at, api_url, key).and_then(|entry| entry.write());
        let text = text.map_err(|failure| Warning::new(WarningKind::Outbox, failure.message))?;
        if key.stands_in(&text) {
            let message = "the event is not kept, because it holds the API key, which is in no file \
                           of the outbox: take it out of the event";
            return Err(Warning::new(WarningKind::Outbox, message.to_owned()));
        }
        Ok((name::id(message.wire.kind, message.idempotency_key), text))
    }

    fn unkept(&self, unwritten: Unwritten) -> Warning {
        match unwritten {
            Unwritten::Full(message) => Warning::new(WarningKind::OutboxFull, message),
            Unwritten::Taken(file) => {
                let message = format!(
                    "the event is not kept: {} holds another one with the same idempotency key, and \
                     the service takes one event for each",
                    file.display()
                );
                Warning::new(WarningKind::Outbox, message)
            }
            Unwritten::Failed(error) => Warning::new(
                WarningKind::Outbox,
                unusable(&self.directory, &error).message,
            ),
        }
    }
}

/// What is wrong with the whole directory.
fn unusable(directory: &Directory, error: &io::Error) -> Outcome {
    let path = directory.path().display();
    let message = format!("the outbox {path} cannot be used: {error}");
    Outcome::new(None, Kind::Config, message)
}

/// `1 event`, `2 events`.
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// The words of an outcome in those of another.
fn inner(outcome: &Outcome) -> String {
    Foreign::line(outcome.message.trim_end_matches('.')).to_string()
}
