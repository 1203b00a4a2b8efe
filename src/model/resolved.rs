//! An event with every value decided, ready to be written to the wire.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::model::event::{EventKind, Field, FieldKind};
use crate::model::explanation::Explained;
use crate::model::fact::Fact;
use crate::model::outcome::{Subject, Warning};
use crate::model::source::Source;
use crate::model::wait::Wait;

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
    /// How it waits for its gate, if it does.
    pub wait: Option<Wait>,
    pub extra_metadata: Metadata,
    /// The keys of the metadata that are not from the JSON field: the argument that gives them and
    /// where it came from.
    pub metadata_sources: BTreeMap<&'a str, (&'static str, &'a Source)>,
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

    /// Every value that is sent, and where it came from.
    pub fn explained(&self) -> Vec<Explained> {
        let set = self.fields().filter(|(_, value)| !value.text.is_empty());
        let mut explained: Vec<Explained> = set
            .map(|(field, value)| Explained::new(field.name, &*value.text, value.source.clone()))
            .collect();
        if self.skip_preflight_checks {
            let name = "skip_preflight_checks";
            explained.push(Explained::new(name, "true", Source::Argument));
        }
        let json = self
            .fields()
            .find(|(field, _)| field.kind == FieldKind::Json);
        let json = json.map(|(field, value)| (field.name, value.source));
        for (key, raw) in &self.extra_metadata {
            let other = self.metadata_sources.get(key.as_str()).copied();
            if let Some((argument, source)) = other.or(json) {
                explained.push(Explained {
                    field: format!("extra_metadata.{key}"),
                    ..Explained::new(argument, raw.get(), source.clone())
                });
            }
        }
        explained
    }

    fn text(&self, is_meant: impl Fn(&Field) -> bool) -> &str {
        self.fields()
            .find(|(field, _)| is_meant(field))
            .map_or("", |(_, value)| &value.text)
    }
}
