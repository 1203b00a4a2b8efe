//! What others send, as events of ours: pure functions, one file for each sender.
//!
//! A mapping never fails: what is not about deployments is ignored with a reason, what cannot be read says
//! which member is missing.

mod cdevents;
mod cloudevents;
mod github;
mod github_app;
mod gitlab;
mod json;
mod ready;
mod time;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::gate::Callback;
use super::origin::Origin;
use super::source::{Kind, Settings};

pub use json::JsonMapping;
pub use ready::Ready;

/// The longest text that is taken from a body, in bytes: no field keeps a longer one, and a mapping may name
/// the same one many times.
const LONGEST_TEXT: usize = 102_400;
/// The longest reason why a delivery becomes nothing, in characters.
const LONGEST_REASON: usize = 500;
/// The most events that one delivery becomes: they are recorded in one transaction.
const MOST_EVENTS: usize = 1000;

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
    RunEnded {
        /// The run, and the attempt if only that is over.
        run: Origin,
        /// When it was over.
        at: Option<i64>,
    },
    /// A job asks whether it may go on.
    Asks {
        /// The fields of a start.
        body: Value,
        /// Where it waits for what becomes of that.
        callback: Callback,
    },
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
        Kind::GithubApp => github_app::map(settings, delivery),
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
        Ok(events) if events.len() > MOST_EVENTS => Mapped::Unreadable(format!(
            "it tells of {} events at once; at most {MOST_EVENTS} are taken, so send them in several",
            events.len()
        )),
        Ok(events) => Mapped::Events(events),
        Err(Stop::Ignored(reason)) => Mapped::Ignored(short(&reason)),
        Err(Stop::Unreadable(reason)) => Mapped::Unreadable(short(&reason)),
    }
}

/// A reason that is no longer than people read.
fn short(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

fn ignored<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Ignored(reason.into()))
}

/// What stands at a JSON pointer, as text: a number or a truth by its word. Nothing, if it is empty, or
/// longer than anything that is kept.
fn text(value: &Value, pointer: &str) -> Option<String> {
    let found = match value.pointer(pointer)? {
        Value::String(text) => Cow::Borrowed(text.trim()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Bool(truth) => Cow::Owned(truth.to_string()),
        _ => return None,
    };
    let is_kept = !found.is_empty() && found.len() <= LONGEST_TEXT;
    is_kept.then(|| found.into_owned())
}

/// The same of what must be there.
fn need(value: &Value, pointer: &str) -> Result<String, Stop> {
    text(value, pointer).ok_or_else(|| {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        Stop::Unreadable(format!(
            "the member {name} is missing, no text, or longer than {LONGEST_TEXT} bytes"
        ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(kind: Kind, settings: Value, body: &Value) -> Mapped {
        let settings = Settings::read(settings).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let headers = json!({ "content-type": "application/cloudevents-batch+json" });
        let body = body.to_string();
        let delivery = Delivery {
            headers: headers.as_object().unwrap(),
            body: body.as_bytes(),
        };
        map(kind, &settings, delivery)
    }

    #[test]
    fn a_long_text_that_is_named_often_does_not_become_many() {
        let names: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
        let metadata: Map<String, Value> = names
            .iter()
            .map(|name| (name.clone(), json!("/long")))
            .collect();
        let mapping = json!({
            "product": "/name", "version": "/version", "status": "/status", "metadata": metadata,
        });
        let body = json!({
            "name": "api", "version": "1", "status": "success", "long": "x".repeat(LONGEST_TEXT + 1),
        });
        let Mapped::Events(told) = mapped(Kind::Json, json!({ "mapping": mapping }), &body) else {
            panic!("it is about a build");
        };
        let [Told::Build { body, .. }] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(body["extra_metadata"], Value::Null);
        let mut without = mapping.clone();
        without["version"] = json!("/long");
        let without = mapped(Kind::Json, json!({ "mapping": without }), &body.clone());
        assert!(matches!(without, Mapped::Unreadable(_)));
    }

    #[test]
    fn a_mapping_names_so_many_places_and_no_more() {
        let of = |places: usize| {
            let several = vec![json!("/version"); places - 1];
            Settings::read(json!({ "mapping": { "version": several, "status": "/status" } }))
        };
        assert!(of(200).is_ok());
        let refusal = of(201).unwrap_err().sentence();
        assert!(refusal.contains("201 places; at most 200"), "{refusal}");
    }

    #[test]
    fn a_batch_becomes_so_many_events_and_no_more_and_its_reasons_stay_short() {
        let event = |kind: &str| {
            json!({
                "specversion": "1.0", "id": "1", "source": "/argo", "type": kind,
                "data": { "subject": { "id": "api", "content": {
                    "environment": { "id": "test" }, "artifactId": "pkg:oci/api?tag=1",
                } } },
            })
        };
        let batch = |count, kind| {
            mapped(
                Kind::Cloudevents,
                json!({}),
                &json!(vec![event(kind); count]),
            )
        };
        let deployed = "dev.cdevents.service.deployed.0.3.0";
        match batch(1000, deployed) {
            Mapped::Events(told) => assert_eq!(told.len(), 1000),
            other => panic!("{other:?}"),
        }
        match batch(1001, deployed) {
            Mapped::Unreadable(reason) => assert!(reason.contains("at most 1000"), "{reason}"),
            other => panic!("{other:?}"),
        }
        match batch(1001, "com.example.unknown") {
            Mapped::Ignored(reason) => assert!(reason.chars().count() <= LONGEST_REASON + 1),
            other => panic!("{other:?}"),
        }
    }
}
