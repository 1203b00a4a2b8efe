//! The event that ends what another one started, made from the body that was sent: no number is
//! written anew, and it can be done in another process.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::wire::{Wire, unwritable};
use crate::model::event::{EventKind, Field, FieldKind};
use crate::model::fact::Fact;
use crate::model::failure::Failure;
use crate::model::outcome::Subject;
use crate::model::resolved::Metadata;

const METADATA: &str = "extra_metadata";
const SKIP: &str = "skip_preflight_checks";
const COMPLETED_AT: &str = "completed_at";

/// The members of a body. They are written in the order of the event's fields.
struct Body {
    kind: EventKind,
    members: BTreeMap<String, Box<RawValue>>,
}

impl Wire {
    /// Reads a body that was written before, in whatever process.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn read(kind: EventKind, text: &str) -> Result<Wire, Failure> {
        let members = serde_json::from_str(text).map_err(unwritable)?;
        Ok(Body { kind, members }.into_wire(text.to_owned()))
    }

    /// The event that ends this one.
    ///
    /// # Errors
    /// If it cannot be written, which is a fault of this library.
    pub fn ended(
        &self,
        status: &str,
        completed_at: &str,
        metadata: Metadata,
    ) -> Result<Wire, Failure> {
        let mut members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&self.body).map_err(unwritable)?;
        let all: Option<Metadata> = match members.get(METADATA) {
            Some(raw) => Some(serde_json::from_str(raw.get()).map_err(unwritable)?),
            None => None,
        };
        let mut all = all.unwrap_or_default();
        all.extend(metadata);
        let mut set = |name: &str, raw: serde_json::Result<Box<RawValue>>| {
            members.insert(name.to_owned(), raw.map_err(unwritable)?);
            Ok::<(), Failure>(())
        };
        set("status", to_raw_value(status))?;
        set(COMPLETED_AT, to_raw_value(completed_at))?;
        set(METADATA, to_raw_value(&all))?;
        members.remove(SKIP);
        let body = Body {
            kind: self.kind,
            members,
        };
        let text = serde_json::to_string(&body).map_err(unwritable)?;
        Ok(body.into_wire(text))
    }
}

impl Body {
    fn into_wire(self, text: String) -> Wire {
        let about = |fact| self.text(|field| field.fact == Some(fact));
        Wire {
            kind: self.kind,
            status: self.text(|field| field.kind == FieldKind::Status),
            source_system: about(Fact::SourceSystem),
            skips_checks: self.members.contains_key(SKIP),
            subject: Subject {
                product: about(Fact::Product),
                version: about(Fact::Version),
                environment: about(Fact::Environment),
                scm_sha: about(Fact::Sha),
            },
            body: text,
        }
    }

    fn text(&self, is_meant: impl Fn(&Field) -> bool) -> String {
        let field = self.kind.fields().iter().find(|field| is_meant(field));
        let raw = field.and_then(|field| self.members.get(field.wire));
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for field in self.kind.fields() {
            if let Some(value) = self.members.get(field.wire) {
                object.serialize_entry(field.wire, value)?;
            }
        }
        object.end()
    }
}
