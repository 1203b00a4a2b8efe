//! From what the caller gave to an event with every value decided and judged.

use std::collections::BTreeMap;

use serde_json::value::to_raw_value;

use super::Settings;
use super::precedence::{ARGUMENT, choose};
use super::value::{check_idempotency_key, check_timeout};
use crate::input::metadata;
use crate::input::text::{self, names, password, placeholder, time};
use crate::model::event::{EventKind, Field, FieldKind, Given, variable};
use crate::model::fact::Fact;
use crate::model::failure::Failure;
use crate::model::kind::WarningKind;
use crate::model::outcome::Warning;
use crate::model::resolved::{Metadata, Resolved, Value};
use crate::model::source::Source;
use crate::model::status::{self, Status};
use crate::model::wait::Wait;

impl Settings {
    /// Decides and judges every field of an event.
    pub fn event<'a>(&'a self, given: &Given<'a>) -> Result<Resolved<'a>, Failure> {
        check_timeout(given.timeout)?;
        check_idempotency_key(given.idempotency_key)?;
        let mut event = Resolved {
            kind: given.kind,
            values: Vec::with_capacity(given.values.len()),
            skip_preflight_checks: given.skip_preflight_checks,
            wait: None,
            extra_metadata: Metadata::new(),
            metadata_sources: BTreeMap::new(),
            warnings: self.ignored(given.kind).collect(),
        };
        let defaults = self.field_defaults(given.kind);
        let pairs = given.values.iter().zip(defaults);
        for (field, (explicit, default)) in given.kind.fields().iter().zip(pairs) {
            check_given(field, explicit)?;
            let mut value = choose(explicit, default)?;
            judge(field, &mut value, &mut event, given.allow_literal)?;
            if field.fact == Some(Fact::Environment) {
                self.check_environment(&value.text)?;
            }
            event.values.push(value);
        }
        let own = std::mem::take(&mut event.extra_metadata);
        let detected = self.detected.metadata.keys();
        let detected = detected.filter(|key| !own.contains_key(*key));
        let sources = detected.map(|key| (key.as_str(), ("extra_metadata", &self.metadata_source)));
        event.metadata_sources.extend(sources);
        event.extra_metadata = metadata::merge(&self.detected.metadata, own);
        event.warnings.extend(self.environment_from(&event));
        if given.skip_preflight_checks {
            skip(given.skip_reason, &mut event)?;
        }
        part(given.part, given.allow_literal, &mut event)?;
        event.wait = Wait::read(given, event.status())?;
        Ok(event)
    }

    /// The product or environment that a question is about, decided and judged as that of a
    /// deployment is.
    pub fn name(&self, fact: Fact, explicit: &str) -> Result<String, Failure> {
        let fields = EventKind::Deployment.fields().iter();
        let mut known = fields.zip(&self.deployment_defaults);
        let Some((field, default)) = known.find(|(field, _)| field.fact == Some(fact)) else {
            return Ok(String::new());
        };
        check_given(field, explicit)?;
        let value = choose(explicit, default)?;
        name(field, &value, false)?;
        if fact == Fact::Environment {
            self.check_environment(&value.text)?;
        }
        Ok(value.text.into_owned())
    }

    /// Refuses an environment that is none, if it is known which there are.
    fn check_environment(&self, name: &str) -> Result<(), Failure> {
        let (known, origin) = &self.environments;
        let distance = |other: &&String| strsim::damerau_levenshtein(name, other);
        let Some(nearest) = known
            .iter()
            .min_by_key(distance)
            .filter(|near| *near != name)
        else {
            return Ok(());
        };
        let known = known.join(", ");
        Err(Failure::argument(
            "environment",
            format!(
                "environment {name:?} is none of those that {origin} names: is {nearest} meant? \
                 There are {known}"
            ),
        ))
    }

    /// A variable that nobody set must not choose another environment, and some surfaces cannot
    /// tell that it was meant to be given.
    fn environment_from(&self, event: &Resolved<'_>) -> Option<Warning> {
        let (_, value) = event
            .fields()
            .find(|(field, _)| field.fact == Some(Fact::Environment))?;
        let is_found = matches!(value.source, Source::File { .. } | Source::Detected { .. });
        let is_start = Status::parse(event.status()) == Some(Status::Started);
        if self.tells_blank || !is_found || !is_start {
            return None;
        }
        let message = format!(
            "nobody named the environment of this start: {} is from {}",
            value.text, value.source
        );
        Some(Warning::new(WarningKind::EnvironmentFrom, message))
    }

    fn ignored(&self, kind: EventKind) -> impl Iterator<Item = Warning> {
        let ignored = self.ignored.iter();
        ignored
            .filter(move |(name, _)| kind.per_call().any(|known| known == *name))
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

/// Judges what the caller gave before it is trimmed. Empty is unset, but a text of blanks was
/// meant to be something.
fn check_given(field: &Field, explicit: &str) -> Result<(), Failure> {
    match field.kind {
        FieldKind::Json => metadata::check_size(explicit),
        FieldKind::Name | FieldKind::Status
            if !explicit.is_empty() && text::given(explicit).is_none() =>
        {
            let name = field.name;
            let message = if field.kind == FieldKind::Name {
                format!("{name} is required, but what is given is blank: is a variable not set?")
            } else {
                format!("{name} is given and blank: give a word, or leave it out for completed")
            };
            Err(Failure::argument(name, message))
        }
        _ => Ok(()),
    }
}

/// Keeps the reason with the event, and says what is better than to skip.
fn skip(reason: &str, event: &mut Resolved<'_>) -> Result<(), Failure> {
    let mut message = "skipping preflight checks is deprecated: set the rule to report-only or \
                       disabled on the server instead"
        .to_owned();
    match text::given(reason) {
        Some(reason) => {
            let reason = password::removed(reason);
            note("vi_skip_reason", &reason, ("skip_reason", ARGUMENT), event)?;
        }
        None => message.push_str("; if it must be, say why with skip_reason (--skip-reason)"),
    }
    let warning = Warning::new(WarningKind::SkipPreflight, message);
    event.warnings.push(warning);
    Ok(())
}

/// The most characters of the name of a part.
const MAX_PART: usize = 64;

/// Keeps which leg of its run the event is about. The service goes by it, so that it is judged as
/// a name is.
fn part(given: &str, allow_literal: bool, event: &mut Resolved<'_>) -> Result<(), Failure> {
    if given.is_empty() {
        return Ok(());
    }
    let problem = match text::given(given) {
        None => "part is given and blank: is a variable not set?".to_owned(),
        Some(name) => {
            let hidden = names::invisible(name);
            let found = placeholder::find(name).filter(|_| !allow_literal);
            let length = name.chars().count();
            match (hidden, found) {
                (Some(hidden), _) => format!(
                    "part holds a character that nobody sees, U+{:04X}: remove it",
                    u32::from(hidden)
                ),
                (None, Some(found)) => format!(
                    "part holds {found}, a placeholder that nobody replaced: is the variable \
                     defined where this runs?"
                ),
                (None, None) if length > MAX_PART => {
                    format!("part has {length} characters, and at most {MAX_PART} are allowed")
                }
                (None, None) => return note("vi_part", name, ("part", ARGUMENT), event),
            }
        }
    };
    Err(Failure::argument("part", problem))
}

/// Adds a text to the metadata.
fn note<'a>(
    key: &'static str,
    text: &str,
    source: (&'static str, &'a Source),
    event: &mut Resolved<'a>,
) -> Result<(), Failure> {
    let raw = to_raw_value(text)
        .map_err(|error| Failure::argument("extra_metadata", format!("{key}: {error}")))?;
    event.extra_metadata.insert(key.to_owned(), raw);
    event.metadata_sources.insert(key, source);
    Ok(())
}

/// Makes of a value what is sent, by the kind of its field.
fn judge<'a>(
    field: &Field,
    value: &mut Value<'a>,
    event: &mut Resolved<'a>,
    allow_literal: bool,
) -> Result<(), Failure> {
    match field.kind {
        FieldKind::Name => name(field, value, allow_literal)?,
        FieldKind::Status => {
            status(value, event)?;
            return Ok(());
        }
        FieldKind::Time if !value.text.is_empty() => {
            time::check(field.name, &value.text).map_err(|failure| blame(failure, value.source))?;
        }
        FieldKind::Json => {
            let own = metadata::parse(&value.text).map_err(|failure| blame(failure, value.source));
            let mut own = own?;
            event
                .metadata_sources
                .retain(|key, _| !own.contains_key(*key));
            event.extra_metadata.append(&mut own);
        }
        FieldKind::Text | FieldKind::Url | FieldKind::Time => {}
    }
    if let Some(found) = placeholder::find(&value.text) {
        let label = label(field, value.source);
        let message = format!("{label} holds {found}, a placeholder that nobody replaced");
        event
            .warnings
            .push(Warning::new(WarningKind::Placeholder, message));
    }
    let is_version = field.fact == Some(Fact::Version);
    if is_version && is_own_version(value) {
        let message = format!(
            "VERSIONER_VERSION is {}, the version of this program: was it meant for the \
             installer, which reads VERSIONER_INSTALL_VERSION?",
            value.text
        );
        event
            .warnings
            .push(Warning::new(WarningKind::OwnVersion, message));
    }
    if field.kind == FieldKind::Json {
        value.text = "".into();
    }
    if let std::borrow::Cow::Owned(text) = password::removed(&value.text) {
        value.text = text.into();
    }
    Ok(())
}

/// Refuses a name that is missing, that looks like another, or that nobody has filled in.
fn name(field: &Field, value: &Value<'_>, allow_literal: bool) -> Result<(), Failure> {
    let text = value.text.as_ref();
    let is_detected = matches!(value.source, Source::Detected { .. });
    let found = placeholder::find(text).filter(|_| is_detected || !allow_literal);
    let hidden = names::invisible(text);
    if !text.is_empty() && found.is_none() && hidden.is_none() && !names::is_quoted(text) {
        return Ok(());
    }
    let label = label(field, value.source);
    let problem = if let (Source::Detected { variable, .. }, Some(found)) = (value.source, found) {
        format!(
            "{}; what {variable} says holds {found}, a placeholder that nobody replaced",
            required(field)
        )
    } else if text.is_empty() {
        required(field)
    } else if let Some(hidden) = hidden {
        format!(
            "{label} holds a character that nobody sees, U+{:04X}: remove it",
            u32::from(hidden)
        )
    } else if let Some(found) = found {
        format!(
            "{label} holds {found}, a placeholder that nobody replaced: is the variable defined \
             where this runs?"
        )
    } else {
        format!("{label} stands in quotes, {text}: remove them")
    };
    Err(Failure::argument(field.name, problem))
}

/// Makes the word that is sent, and keeps the caller's own if it says more.
fn status<'a>(value: &mut Value<'a>, event: &mut Resolved<'a>) -> Result<(), Failure> {
    let text = std::mem::take(&mut value.text);
    let Some(known) = Status::parse(&text).or(text.is_empty().then_some(Status::Completed)) else {
        let message = format!("status {text:?} is not a known one; it is sent as given");
        event
            .warnings
            .push(Warning::new(WarningKind::UnknownStatus, message));
        value.text = text;
        return Ok(());
    };
    value.text = known.as_str().into();
    let Some(word) = status::partial_success(&text) else {
        return Ok(());
    };
    if event.kind == EventKind::Deployment {
        event.warnings.push(Warning::partial_success(&text, &word));
    }
    note("vi_status", &word, ("status", value.source), event)
}

fn is_own_version(value: &Value<'_>) -> bool {
    matches!(value.source, Source::Variable(_)) && value.text == env!("CARGO_PKG_VERSION")
}

/// What people call a value: its field, and where it was found if they did not give it.
fn label(field: &Field, source: &Source) -> String {
    match source {
        Source::Argument | Source::Default => field.name.to_owned(),
        source => format!("{} ({source})", field.name),
    }
}

fn required(field: &Field) -> String {
    let (name, variable) = (field.name, variable(field.name));
    format!(
        "{name} is required: give it as an argument, set {variable}, or name it in the configuration file"
    )
}
