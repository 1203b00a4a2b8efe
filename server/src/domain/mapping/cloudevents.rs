//! CloudEvents over HTTP: binary, structured, or several at once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Delivery, Mapping, Ready, Stop, Told, cdevents, ignored, json, need, text, word};
use crate::domain::source::Settings;

/// One event: its attributes, under the names of headers, and its data.
pub struct Event {
    /// The attributes: `ce-id`, `ce-type`, …
    pub attributes: Map<String, Value>,
    /// The data.
    pub data: Value,
}

impl Event {
    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }
}

/// What a delivery becomes.
pub fn map(settings: &Settings, delivery: Delivery<'_>) -> Mapping {
    let kind = delivery.header("content-type").unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let events = if kind.starts_with("application/cloudevents-batch") {
        let Value::Array(several) = delivery.json()? else {
            let msg = "a batch of CloudEvents is a JSON array";
            return Err(Stop::Unreadable(msg.to_owned()));
        };
        several.iter().map(structured).collect::<Result<_, _>>()?
    } else if kind.starts_with("application/cloudevents") {
        vec![structured(&delivery.json()?)?]
    } else {
        vec![binary(delivery)?]
    };
    let mut told: Vec<Told> = Vec::new();
    let mut reasons = Vec::new();
    for event in &events {
        match one(settings, event) {
            Ok(events) => told.extend(events),
            Err(Stop::Ignored(reason)) => reasons.push(reason),
            Err(unreadable) => return Err(unreadable),
        }
    }
    if told.is_empty() {
        return ignored(reasons.join("; "));
    }
    Ok(told)
}

fn one(settings: &Settings, event: &Event) -> Mapping {
    let kind = event.attribute("ce-type").unwrap_or_default();
    if let Some(mapping) = &settings.mapping {
        return json::map(mapping, settings, &event.attributes, &event.data);
    }
    if kind.starts_with("dev.cdevents.") {
        return cdevents::map(settings, event);
    }
    if kind.starts_with("dev.tekton.event.") {
        let mapping = Ready::Tekton.mapping();
        return json::map(&mapping, settings, &event.attributes, &event.data);
    }
    ignored(format!(
        "{} is not known; a mapping can say what it means",
        word(kind)
    ))
}

/// An event whose attributes are headers.
fn binary(delivery: Delivery<'_>) -> Result<Event, Stop> {
    let mut attributes = Map::new();
    for (name, value) in delivery.headers {
        if name.starts_with("ce-") {
            let value = value.as_str().unwrap_or_default();
            let Some(value) = decoded(value) else {
                return Err(Stop::Unreadable(format!("the header {name} is no UTF-8")));
            };
            attributes.insert(name.clone(), value.into());
        }
    }
    for name in ["ce-specversion", "ce-id", "ce-source", "ce-type"] {
        if !attributes.contains_key(name) {
            return Err(Stop::Unreadable(format!(
                "neither the header {name} is there, nor a Content-Type of application/cloudevents+json"
            )));
        }
    }
    let data = match delivery.body.is_empty() {
        true => Value::Null,
        false => delivery.json()?,
    };
    Ok(Event { attributes, data })
}

/// An event that is all in the body.
fn structured(sent: &Value) -> Result<Event, Stop> {
    let mut attributes = Map::new();
    for name in ["specversion", "id", "source", "type"] {
        attributes.insert(
            format!("ce-{name}"),
            need(sent, &format!("/{name}"))?.into(),
        );
    }
    for name in ["subject", "time"] {
        if let Some(value) = text(sent, &format!("/{name}")) {
            attributes.insert(format!("ce-{name}"), value.into());
        }
    }
    let data = match (sent.get("data"), text(sent, "/data_base64")) {
        (Some(data), _) => data.clone(),
        (None, Some(encoded)) => {
            let bytes = STANDARD.decode(encoded).ok();
            let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            read.ok_or_else(|| Stop::Unreadable("data_base64 is no JSON in base64".to_owned()))?
        }
        (None, None) => Value::Null,
    };
    Ok(Event { attributes, data })
}

/// A value of a header: without quotes, and with one round of percent-encoding taken away.
fn decoded(value: &str) -> Option<String> {
    let value = value.trim();
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let unquoted = match inner {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_owned(),
    };
    let bytes = unquoted.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let coded = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(coded.unwrap_or(bytes[at]));
        at += if coded.is_some() { 3 } else { 1 };
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn a_header_is_decoded_once_and_must_be_utf8() {
        assert_eq!(decoded("Euro%20%E2%82%AC").as_deref(), Some("Euro €"));
        assert_eq!(decoded("\"a \\\"b\\\" c\"").as_deref(), Some("a \"b\" c"));
        assert_eq!(decoded("100%25zz%").as_deref(), Some("100%zz%"));
        assert_eq!(decoded("%C0%A0"), None);
    }
}
