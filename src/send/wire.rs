//! From a decided event to the JSON that is sent.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::event::EventKind;
use crate::model::fact::Fact;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::outcome::Subject;
use crate::model::resolved::Resolved;
use crate::model::status::Status;

/// What is sent for one event.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub kind: EventKind,
    /// The JSON body.
    pub body: String,
    /// The status in it.
    pub status: String,
    /// The CI system in it.
    pub source_system: String,
    pub skips_checks: bool,
    /// What reports call the event.
    pub subject: Subject,
}

impl Wire {
    /// Whether it asks for permission.
    pub fn is_start(&self) -> bool {
        self.status == Status::Started.as_str()
    }
}

/// Writes an event; unset values are left out.
pub(crate) fn write(event: &Resolved<'_>) -> Result<Wire, Failure> {
    let body = serde_json::to_string(&Body(event)).map_err(unwritable)?;
    Ok(Wire {
        kind: event.kind,
        body,
        status: event.status().to_owned(),
        source_system: event.about(Fact::SourceSystem).to_owned(),
        skips_checks: event.skip_preflight_checks,
        subject: event.subject(),
    })
}

/// The body of [`write`] with line ends and indentation, for people.
pub(crate) fn indented(event: &Resolved<'_>) -> Result<String, Failure> {
    serde_json::to_string_pretty(&Body(event)).map_err(unwritable)
}

pub(super) fn unwritable(error: serde_json::Error) -> Failure {
    Failure::new(
        Kind::Internal,
        format!("the event cannot be written as JSON: {error}"),
    )
}

struct Body<'a>(&'a Resolved<'a>);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let mut object = serializer.serialize_map(None)?;
        for (field, value) in event.fields() {
            if !value.text.is_empty() {
                object.serialize_entry(field.wire, &value.text)?;
            }
        }
        if event.skip_preflight_checks {
            object.serialize_entry("skip_preflight_checks", &true)?;
        }
        if !event.extra_metadata.is_empty() {
            object.serialize_entry("extra_metadata", &event.extra_metadata)?;
        }
        object.end()
    }
}
