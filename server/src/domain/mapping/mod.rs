//! What others send, as events of ours: pure functions, one file for each sender.
//!
//! A mapping never fails: what is not about deployments is ignored with a reason, what cannot be read says
//! which member is missing.

mod cdevents;
mod cloudevents;
mod github;
mod gitlab;
mod json;
mod ready;
mod time;

use serde_json::{Map, Value, json};

use super::origin::Origin;
use super::source::{Kind, Settings};

pub use json::JsonMapping;
pub use ready::Ready;

/// What somebody has sent: the headers that are kept, by their names in lower case, and the body.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The headers.
    pub headers: &'a Map<String, Value>,
    /// The body as it came.
    pub body: &'a [u8],
}

impl Delivery<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_str)
    }

    fn json(&self) -> Result<Value, Stop> {
        serde_json::from_slice(self.body)
            .map_err(|error| Stop::Unreadable(format!("the body is no JSON: {error}")))
    }
}

/// An event of ours.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A deployment, with the fields of `POST /deployment-events/`.
    Deployment {
        /// The fields.
        body: Value,
        /// When it happened, in microseconds since 1970; none for when it arrived.
        at: Option<i64>,
    },
    /// A build, with the fields of `POST /build-events/`.
    Build {
        /// The fields.
        body: Value,
        /// When it happened.
        at: Option<i64>,
    },
    /// A run is over: it leaves nothing in progress.
    RunEnded(Origin),
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Mapped {
    /// These events, one or more.
    Events(Vec<Told>),
    /// Nothing, for this reason.
    Ignored(String),
    /// It cannot be understood, for this reason.
    Unreadable(String),
}

/// Why a delivery becomes no event.
#[derive(Debug, Clone, PartialEq)]
enum Stop {
    Ignored(String),
    Unreadable(String),
}

type Mapping = Result<Vec<Told>, Stop>;

/// What a delivery to a source becomes.
pub fn map(kind: Kind, settings: &Settings, delivery: Delivery<'_>) -> Mapped {
    let mapped = match kind {
        Kind::Github => github::map(settings, delivery),
        Kind::Gitlab => gitlab::map(settings, delivery),
        Kind::Cloudevents => cloudevents::map(settings, delivery),
        Kind::Standard => {
            let own = Ready::Standard.mapping();
            let mapping = settings.mapping.as_ref().unwrap_or(&own);
            delivery
                .json()
                .and_then(|body| json::map(mapping, settings, delivery.headers, &body))
        }
        Kind::Json => {
            let named = settings.ready.as_deref().and_then(Ready::named);
            let own = named.unwrap_or(Ready::Plain).mapping();
            let mapping = settings.mapping.as_ref().unwrap_or(&own);
            delivery
                .json()
                .and_then(|body| json::map(mapping, settings, delivery.headers, &body))
        }
    };
    match mapped {
        Ok(events) if events.is_empty() => Mapped::Ignored("it tells of nothing".to_owned()),
        Ok(events) => Mapped::Events(events),
        Err(Stop::Ignored(reason)) => Mapped::Ignored(reason),
        Err(Stop::Unreadable(reason)) => Mapped::Unreadable(reason),
    }
}

fn ignored<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Ignored(reason.into()))
}

/// What stands at a JSON pointer, as text: a number or a truth by its word. Nothing, if it is empty.
fn text(value: &Value, pointer: &str) -> Option<String> {
    let found = match value.pointer(pointer)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

/// The same of what must be there.
fn need(value: &Value, pointer: &str) -> Result<String, Stop> {
    text(value, pointer).ok_or_else(|| {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        Stop::Unreadable(format!("the member {name} is missing or no text"))
    })
}

/// A word that somebody else wrote, short enough to be shown.
fn word(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The fields of an event, but for those that nobody has said anything for.
fn body(members: &[(&str, Option<String>)], metadata: Map<String, Value>) -> Value {
    let mut body = Map::new();
    for (name, value) in members {
        if let Some(value) = value {
            body.insert((*name).to_owned(), value.clone().into());
        }
    }
    if !metadata.is_empty() {
        body.insert("extra_metadata".to_owned(), Value::Object(metadata));
    }
    Value::Object(body)
}

/// Metadata of these members, but for those that nobody has said anything for.
fn metadata(members: &[(&str, Option<String>)]) -> Map<String, Value> {
    let said = members.iter();
    let said = said.filter_map(|(name, value)| {
        let value = value.clone()?;
        Some(((*name).to_owned(), json!(value)))
    });
    said.collect()
}

/// Whether a name of a branch or tag is one of a version, such as `v1.4.2`.
fn is_version(name: &str) -> bool {
    let digits = name.strip_prefix(['v', 'V']).unwrap_or(name);
    let mut parts = digits.split('.');
    let number = |part: Option<&str>| {
        part.is_some_and(|part| part.starts_with(|first: char| first.is_ascii_digit()))
    };
    let major = parts.next();
    number(major)
        && major.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && number(parts.next())
}

/// The version of a tag by the settings.
fn of_tag(settings: &Settings, tag: &str) -> String {
    match tag.strip_prefix('v') {
        Some(rest) if settings.strip_v && is_version(tag) => rest.to_owned(),
        _ => tag.to_owned(),
    }
}
