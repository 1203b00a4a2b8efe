//! What something that was sent would become, without anything being done.

use serde_json::{Map, Value};

use crate::domain::event::{BuildEvent, DeploymentEvent};
use crate::domain::mapping::{Delivery, Mapped, Told, map};
use crate::domain::source::{Kind, Settings};

/// What it would become.
pub enum Tried {
    /// These events.
    Events(Vec<Event>),
    /// Nothing, for this reason.
    Ignored(String),
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// An event that it would become.
pub struct Event {
    /// What it is.
    pub what: &'static str,
    /// Its fields.
    pub facts: Vec<(String, String)>,
    /// Why it would not be taken.
    pub refused: Option<String>,
}

/// Tries it with these settings.
pub fn tried(kind: Kind, settings: &Settings, headers: &Map<String, Value>, body: &[u8]) -> Tried {
    match map(kind, settings, Delivery { headers, body }) {
        Mapped::Events(told) => Tried::Events(told.into_iter().map(event).collect()),
        Mapped::Ignored(reason) => Tried::Ignored(reason),
        Mapped::Unreadable(reason) => Tried::Unreadable(reason),
    }
}

fn event(told: Told) -> Event {
    let (what, body, refused) = match told {
        Told::Deployment { body, .. } => {
            let read = DeploymentEvent::read(body.clone()).map(|_| ());
            ("A deployment", body, read.err())
        }
        Told::Build { body, .. } => {
            let read = BuildEvent::read(body.clone()).map(|_| ());
            ("A build", body, read.err())
        }
        Told::Asks { body, .. } => {
            let read = DeploymentEvent::read(body.clone()).map(|_| ());
            let what = "A start that is asked for, and judged by the rules";
            (what, body, read.err())
        }
        Told::RunEnded { run, .. } => {
            let run = serde_json::to_value(run).unwrap_or_default();
            (
                "The end of a run: what it left in progress is aborted",
                run,
                None,
            )
        }
    };
    let facts = body.as_object().into_iter().flatten();
    let facts = facts.filter(|(_, value)| !value.is_null());
    let facts = facts.map(|(name, value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), text)
    });
    Event {
        what,
        facts: facts.collect(),
        refused: refused.map(|refusal| refusal.sentence()),
    }
}
