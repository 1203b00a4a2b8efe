//! Where a value comes from: explicit argument, then `VERSIONER_*`, then the configuration file,
//! then CI detection, then the default. Decided here and nowhere else.

use std::borrow::Cow;

use super::file::File;
use crate::input::detect::Detected;
use crate::input::environment::Environment;
use crate::input::text;
use crate::model::event::{Field, variable};
use crate::model::fact::Found;
use crate::model::failure::Failure;
use crate::model::resolved::Value;
use crate::model::source::Source;

/// A decided text and where it came from. Empty is unset.
#[derive(Debug)]
pub(super) struct Decided {
    pub text: String,
    pub source: Source,
}

/// The argument of a call, so that a [`Value`] can borrow it.
pub(super) const ARGUMENT: &Source = &Source::Argument;

impl Decided {
    fn new(text: &str, source: Source) -> Self {
        Decided {
            text: text.to_owned(),
            source,
        }
    }

    /// What people call the value where it was found: `api_url`, `VERSIONER_API_URL` or
    /// `api_url (config.yaml, line 3)`.
    pub fn origin(&self, name: &str) -> String {
        match &self.source {
            Source::Variable(variable) => variable.clone(),
            Source::File { path, line } => format!("{name} ({}, line {line})", path.display()),
            Source::Detected { variable, .. } => (*variable).to_owned(),
            Source::Argument | Source::System(_) | Source::Default => name.to_owned(),
        }
    }
}

/// Everything that a value may come from but the caller's own arguments.
pub(super) struct Sources<'a> {
    pub environment: &'a Environment,
    pub file: &'a File,
    pub detected: &'a Detected,
    /// What git tells if there is no CI system.
    pub git: &'a Detected,
}

/// What git is called as a source.
const GIT: &str = "git";

impl Sources<'_> {
    /// A setting of the client. `explicit` is empty if the caller gave none.
    pub fn setting(&self, name: &'static str, explicit: &str) -> Result<Decided, Failure> {
        match text::given(explicit) {
            Some(text) => Ok(Decided::new(text, Source::Argument)),
            None => self.configured(name),
        }
    }

    /// What a field of an event is if its caller gives none.
    pub fn field(&self, field: &Field) -> Default {
        let configured = self.configured(field.name)?;
        if !configured.text.is_empty() {
            return Ok(configured);
        }
        let Some((system, found)) = self.found(field) else {
            return Ok(configured);
        };
        let source = Source::Detected {
            system: system.to_owned(),
            variable: found.variable,
        };
        Ok(Decided::new(&found.text, source))
    }

    /// What the CI system tells about a field, else git; never who deploys.
    fn found(&self, field: &Field) -> Option<(&str, &Found)> {
        let fact = field.fact?;
        match &self.detected.source_system {
            Some(system) => Some((&system.text, self.detected.get(fact)?)),
            None if field.name.starts_with("deployed_by") => None,
            None => Some((GIT, self.git.get(fact)?)),
        }
    }

    fn configured(&self, name: &'static str) -> Result<Decided, Failure> {
        let variable = variable(name);
        let set = self.environment.setting(&variable);
        let set = set.map_err(|failure| Failure {
            argument: name,
            ..failure
        })?;
        if let Some(text) = set {
            return Ok(Decided::new(text, Source::Variable(variable)));
        }
        let written = self.file.get(name);
        Ok(written.unwrap_or_else(|| Decided::new("", Source::Default)))
    }
}

/// What a field is if its caller gives none. A variable that cannot be used fails only the events
/// that need it.
pub(super) type Default = Result<Decided, Failure>;

/// The argument of a call if there is one, else what was decided before.
pub(super) fn choose<'a>(explicit: &'a str, otherwise: &'a Default) -> Result<Value<'a>, Failure> {
    let (text, source) = match (text::given(explicit), otherwise) {
        (Some(text), _) => (text, ARGUMENT),
        (None, Ok(decided)) => (decided.text.as_str(), &decided.source),
        (None, Err(failure)) => return Err(failure.clone()),
    };
    Ok(Value {
        text: Cow::Borrowed(text),
        source,
    })
}
