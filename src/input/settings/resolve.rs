//! From what the caller gave to an event with every value decided.

use super::Settings;
use super::precedence::choose;
use crate::input::metadata;
use crate::input::text::time;
use crate::model::event::{EventKind, Field, FieldKind, Given, variable};
use crate::model::failure::Failure;
use crate::model::kind::WarningKind;
use crate::model::outcome::Warning;
use crate::model::resolved::{Resolved, Value};
use crate::model::source::Source;
use crate::model::status::Status;

impl Settings {
    /// Decides and judges every field of an event.
    pub fn event<'a>(&'a self, given: &Given<'a>) -> Result<Resolved<'a>, Failure> {
        let mut event = Resolved {
            kind: given.kind,
            values: Vec::with_capacity(given.values.len()),
            skip_preflight_checks: given.skip_preflight_checks,
            extra_metadata: metadata::Metadata::new(),
            warnings: self.ignored(given.kind).collect(),
        };
        let defaults = self.field_defaults(given.kind);
        let pairs = given.values.iter().zip(defaults);
        for (field, (explicit, default)) in given.kind.fields().iter().zip(pairs) {
            let mut value = choose(explicit, default);
            if field.kind == FieldKind::Json {
                // What is measured is the caller's own text, with the blanks around it.
                metadata::check_size(explicit)?;
            }
            let source = value.source;
            judge(field, &mut value, &mut event).map_err(|failure| blame(failure, source))?;
            event.values.push(value);
        }
        event.extra_metadata = metadata::merge(
            &self.detected.metadata,
            std::mem::take(&mut event.extra_metadata),
        );
        Ok(event)
    }

    fn ignored(&self, kind: EventKind) -> impl Iterator<Item = Warning> {
        let ignored = self.ignored.iter();
        ignored
            .filter(move |(name, _)| kind.flags().contains(name))
            .map(|(name, origin)| {
                let message = format!("{origin} is ignored: {name} is given per call only");
                Warning::new(WarningKind::IgnoredSetting, message)
            })
    }
}

/// Messages begin with the name of the field; where the value was found follows.
fn blame(failure: Failure, source: &Source) -> Failure {
    let name = failure.argument;
    match (failure.message.strip_prefix(name), source) {
        (None, _) | (_, Source::Argument | Source::Default) => failure,
        (Some(rest), source) => Failure::argument(name, format!("{name} ({source}){rest}")),
    }
}

/// Makes of a value what is sent, by the kind of its field.
fn judge(field: &Field, value: &mut Value<'_>, event: &mut Resolved<'_>) -> Result<(), Failure> {
    match field.kind {
        FieldKind::Name if value.text.is_empty() => {
            return Err(Failure::argument(field.name, required(field)));
        }
        FieldKind::Status => {
            let (word, warning) = status(&value.text);
            event.warnings.extend(warning);
            value.text = word.into();
        }
        FieldKind::Time if !value.text.is_empty() => time::check(field.name, &value.text)?,
        FieldKind::Json => {
            event.extra_metadata = metadata::parse(&value.text)?;
            value.text = "".into();
        }
        FieldKind::Name | FieldKind::Text | FieldKind::Url | FieldKind::Time => {}
    }
    Ok(())
}

/// The status as it is sent, and what should be known about it.
fn status(text: &str) -> (String, Option<Warning>) {
    if text.is_empty() {
        return (Status::Completed.as_str().to_owned(), None);
    }
    if let Some(status) = Status::parse(text) {
        return (status.as_str().to_owned(), None);
    }
    let message = format!("status {text:?} is not a known one; it is sent as given");
    let warning = Warning::new(WarningKind::UnknownStatus, message);
    (text.to_owned(), Some(warning))
}

fn required(field: &Field) -> String {
    let (name, variable) = (field.name, variable(field.name));
    format!(
        "{name} is required: give it as an argument, set {variable}, or name it in the configuration file"
    )
}
