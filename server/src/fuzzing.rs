//! Doors into what reads what others send, for the fuzz targets below `fuzz/`, and for nothing else.
#![allow(missing_docs)]

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::auth::hooks::Knock;
use crate::domain::answer::Refusal;
use crate::domain::event::{BuildEvent, DeploymentEvent};
use crate::domain::mapping::{Delivery, Mapped, Told, map};
use crate::domain::source::{Kind, Settings, Source};
use crate::jobs::inbox;
use crate::slack::fuzzing as slack;

pub use slack::{command, envelope, escaped, form, is_signed};

/// A sender, as a source knows it.
pub struct Sender(Source);

/// What becomes of a delivery.
#[derive(Debug, PartialEq)]
pub enum Became {
    /// These events: what each says, and what is wrong with its fields.
    Events(Vec<(Value, Option<String>)>),
    Ignored(String),
    Unreadable(String),
}

impl Sender {
    /// One of a kind, by its word, with settings that the API takes.
    pub fn new(kind: &str, settings: Value) -> Option<Sender> {
        let kind = Kind::parse(kind).ok()?;
        let settings = Settings::read(settings).ok()?;
        Some(Sender(Source::made_up(kind, settings)))
    }

    pub fn became(&self, headers: &[(&str, &[u8])], body: &[u8]) -> Became {
        let headers = inbox::kept(&read(headers));
        let headers = &headers;
        match map(self.0.kind, &self.0.settings, Delivery { headers, body }) {
            Mapped::Events(told) => Became::Events(told.into_iter().map(event).collect()),
            Mapped::Ignored(reason) => Became::Ignored(reason),
            Mapped::Unreadable(reason) => Became::Unreadable(reason),
        }
    }

    pub fn sent(
        &self,
        secrets: &[Vec<u8>],
        headers: &[(&str, &[u8])],
        in_address: Option<&str>,
        body: &[u8],
        now: i64,
    ) -> bool {
        let headers = &read(headers);
        let knock = Knock {
            headers,
            in_address,
            body,
            now,
        };
        knock.is_from(&self.0, secrets)
    }
}

fn event(told: Told) -> (Value, Option<String>) {
    let wrong = |refusal: Refusal| refusal.sentence();
    match told {
        Told::Deployment { body, at } => {
            let read = DeploymentEvent::read(body.clone());
            (json!([body, at]), read.err().map(wrong))
        }
        Told::Asks { body, callback } => {
            let read = DeploymentEvent::read(body.clone());
            (json!([body, callback]), read.err().map(wrong))
        }
        Told::Build { body, at } => {
            let read = BuildEvent::read(body.clone());
            (json!([body, at]), read.err().map(wrong))
        }
        Told::RunEnded { run, at } => (json!([run, at]), None),
    }
}

/// The headers of a request; those that no HTTP can have are left out.
fn read(headers: &[(&str, &[u8])]) -> HeaderMap {
    let read = headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value).ok()?))
    });
    let mut map = HeaderMap::new();
    for (name, value) in read {
        map.append(name, value);
    }
    map
}
