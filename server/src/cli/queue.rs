//! `queue …`: what waits to be done, and what could not be done.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::settings::Place;
use super::{Failure, done, machine, now};
use crate::domain::queue::{Item, Kind, State, Which};
use crate::domain::time::rfc3339;
use crate::store::flow::{Command, QueueCommand};
use crate::store::{Directory, QUEUE_AT_ONCE, StoreError};

#[derive(Debug, Subcommand)]
pub enum Queue {
    /// Show rows, newest first
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        chosen: Chosen,
        /// The most rows
        #[arg(long, value_name = "N", default_value_t = 50,
              value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show one row with its body
    Show {
        #[command(flatten)]
        place: Place,
        /// The row, as `queue list` shows it
        id: String,
    },
    /// Begin rows anew that have ended
    Replay {
        #[command(flatten)]
        place: Place,
        /// Only this row; or else those that the options name
        id: Option<String>,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Give up on rows that wait or could not be done
    Drop {
        #[command(flatten)]
        place: Place,
        /// Only this row; or else those that the options name
        id: Option<String>,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Take nothing up any more, until `queue release`
    Hold {
        #[command(flatten)]
        place: Place,
    },
    /// Go on after `queue hold`, or after a restore
    Release {
        #[command(flatten)]
        place: Place,
    },
}

/// Which rows are meant.
#[derive(Debug, Args)]
pub struct Chosen {
    /// Only of this kind: inbox, webhook, slack, email, gate or answer
    #[arg(long, value_name = "KIND", value_parser = Kind::parse)]
    kind: Option<Kind>,
    /// Only what belongs to this, such as a source or a webhook
    #[arg(long, value_name = "ID")]
    topic: Option<String>,
    /// Only what became so: waiting, done, ignored, dead or dropped
    #[arg(long, value_name = "STATE", value_parser = State::parse)]
    state: Option<State>,
    /// Only what came then or later, such as 2026-11-30T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
}

impl Chosen {
    fn which(self, id: Option<String>) -> Which {
        Which {
            id,
            kind: self.kind,
            topic: self.topic,
            state: self.state,
            since: self.since,
        }
    }
}

/// Does what the command says.
pub fn run(queue: Queue) -> Result<(), Failure> {
    let mut out = io::stdout();
    match queue {
        Queue::List {
            place,
            chosen,
            limit,
        } => {
            let directory = Directory::open(&place.data.directory)?;
            let items = directory.queue(&place.account, &chosen.which(None), limit)?;
            for item in items {
                writeln!(out, "{}", line(&item))?;
            }
        }
        Queue::Show { place, id } => {
            let directory = Directory::open(&place.data.directory)?;
            let Some(item) = directory.queue_item(&place.account, &id)? else {
                return Err(Failure::Refused(format!(
                    "there is no row {id} in the queue"
                )));
            };
            writeln!(out, "{}", line(&item))?;
            for (name, value) in &item.head {
                let text = value.as_str().map_or_else(|| value.to_string(), shown);
                writeln!(out, "{}: {text}", shown(name))?;
            }
            writeln!(out, "\n{}", shown(&String::from_utf8_lossy(&item.body)))?;
        }
        Queue::Replay { place, id, chosen } => {
            let which = some(id, chosen)?;
            let count = all(&place, || QueueCommand::Replay(which.clone()))?;
            writeln!(out, "{count} rows begin anew")?;
        }
        Queue::Drop { place, id, chosen } => {
            let which = some(id, chosen)?;
            let count = all(&place, || QueueCommand::Drop(which.clone()))?;
            writeln!(out, "{count} rows are given up on")?;
        }
        Queue::Hold { place } => {
            write(&place, QueueCommand::Hold(true))?;
            writeln!(out, "The queues of {} are held", place.account)?;
        }
        Queue::Release { place } => {
            write(&place, QueueCommand::Hold(false))?;
            writeln!(out, "The queues of {} go on", place.account)?;
        }
    }
    Ok(())
}

/// What is meant; nothing at all is not everything.
fn some(id: Option<String>, chosen: Chosen) -> Result<Which, Failure> {
    let which = chosen.which(id);
    if which.id.is_none()
        && which.kind.is_none()
        && which.topic.is_none()
        && which.state.is_none()
        && which.since.is_none()
    {
        let msg = "name a row, or choose some with --kind, --topic, --state or --since";
        return Err(Failure::Refused(msg.to_owned()));
    }
    Ok(which)
}

/// Does the command until nothing is left of what it is for.
fn all(place: &Place, command: impl Fn() -> QueueCommand) -> Result<i64, Failure> {
    let mut sum = 0;
    loop {
        let count = write(place, command())?["count"].as_i64().unwrap_or(0);
        sum += count;
        if count < QUEUE_AT_ONCE {
            return Ok(sum);
        }
    }
}

fn write(place: &Place, command: QueueCommand) -> Result<Value, Failure> {
    let directory = Directory::open(&place.data.directory)?;
    let command = Command::Queue(command);
    let answer = done(directory.write(&place.account, &machine(), command, now())?)?;
    Ok(serde_json::from_str(&answer.body).map_err(StoreError::from)?)
}

fn line(item: &Item) -> String {
    let mut parts = vec![
        item.id.clone(),
        rfc3339(item.created_at),
        item.kind.as_str().to_owned(),
        item.state.as_str().to_owned(),
        shown(&item.topic),
        format!("attempts {}", item.attempts),
        format!("{} bytes", item.size),
    ];
    if item.state == State::Waiting {
        parts.push(format!("not before {}", rfc3339(item.not_before)));
    }
    parts.extend(item.result.as_deref().map(shown));
    parts.extend(item.error.as_deref().map(shown));
    parts.join("  ")
}

/// What somebody else wrote, without what would move a terminal's cursor.
fn shown(text: &str) -> String {
    let plain = |character: char| match character {
        '\n' | '\t' => character,
        _ if character.is_control() => '\u{fffd}',
        _ => character,
    };
    text.chars().map(plain).collect()
}

fn moment(text: &str) -> Result<i64, String> {
    let read = text.parse::<jiff::Timestamp>();
    read.map(|at| at.as_microsecond())
        .map_err(|_| format!("{text:?} is no time such as 2026-11-30T12:00:00Z"))
}
