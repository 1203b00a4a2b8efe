//! An event with every value decided, ready to be written to the wire.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::model::event::{EventKind, Field, FieldKind};
use crate::model::fact::Fact;
use crate::model::outcome::{Subject, Warning};
use crate::model::source::Source;

/// Values kept as text, so that numbers travel as written.
pub(crate) type Metadata = BTreeMap<String, Box<RawValue>>;

/// A decided value and where it came from. An empty text is unset.
#[derive(Debug, Clone)]
pub(crate) struct Value<'a> {
    pub text: Cow<'a, str>,
    pub source: &'a Source,
}

/// An event with every value decided and judged.
#[derive(Debug)]
pub(crate) struct Resolved<'a> {
    pub kind: EventKind,
    /// In the order of [`EventKind::fields`]. The status is the word that is sent; the JSON field
    /// stays empty, because its object is `extra_metadata`.
    pub values: Vec<Value<'a>>,
    pub skip_preflight_checks: bool,
    pub extra_metadata: Metadata,
    /// What somebody should know about the values.
    pub warnings: Vec<Warning>,
}

impl<'a> Resolved<'a> {
    /// Every field with its value.
    pub fn fields(&self) -> impl Iterator<Item = (&'static Field, &Value<'a>)> {
        self.kind.fields().iter().zip(&self.values)
    }

    /// The word that is sent as the status.
    pub fn status(&self) -> &str {
        self.text(|field| field.kind == FieldKind::Status)
    }

    /// The value of the field that is about this fact, empty if unset.
    pub fn about(&self, fact: Fact) -> &str {
        self.text(|field| field.fact == Some(fact))
    }

    /// What reports call the event.
    pub fn subject(&self) -> Subject {
        let about = |fact| self.about(fact).to_owned();
        Subject {
            product: about(Fact::Product),
            version: about(Fact::Version),
            environment: about(Fact::Environment),
            scm_sha: about(Fact::Sha),
        }
    }

    fn text(&self, is_meant: impl Fn(&Field) -> bool) -> &str {
        self.fields()
            .find(|(field, _)| is_meant(field))
            .map_or("", |(_, value)| &value.text)
    }
}
