//! The variables that detection and configuration read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::input::text;
use crate::model::failure::Failure;

/// A set of environment variables: the process environment, or any map that the caller hands in
/// (a CI server's plugin does not have the job's variables in its own process).
///
/// `Debug` shows the names only, because values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<Name, Value>,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    NotUnicode(OsString),
}

impl Environment {
    /// The environment of this process, as it is now.
    ///
    /// Not safe against another thread of the same process that changes the environment at the
    /// same time through C's `setenv`.
    pub fn from_process() -> Self {
        Self::from_os(std::env::vars_os())
    }

    /// From variables as the operating system has them. One whose value is not Unicode is an
    /// error only if it is a setting; one whose name is not Unicode is left out.
    pub fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Environment::default();
        for (name, value) in variables {
            if let Ok(name) = name.into_string() {
                let value = value
                    .into_string()
                    .map_or_else(Value::NotUnicode, Value::Text);
                environment.variables.insert(Name::new(name), value);
            }
        }
        environment
    }

    /// The same without one variable.
    #[cfg(feature = "cli")]
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.variables.remove(&Name::new(name.to_owned()));
        other
    }

    /// A variable that decides something: a setting, a proxy, a file. `None` if it is unset or
    /// blank; an error that names it if it is not Unicode, because to go on without it would
    /// be to do something else than what was asked.
    pub(crate) fn setting(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.value(name) {
            Some(Value::NotUnicode(_)) => Err(Failure::config(format!(
                "{name} is not valid UTF-8: set it to text, or unset it"
            ))),
            Some(Value::Text(text)) => Ok(text::given(text)),
            None => Ok(None),
        }
    }

    /// A variable that only tells something. `None` if it is unset, blank or not Unicode.
    pub(crate) fn hint(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Text(text)) => text::given(text),
            _ => None,
        }
    }

    /// A file or folder, whose name need not be Unicode. `None` if it is unset or blank.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        match self.value(name)? {
            Value::NotUnicode(path) => Some(path.into()),
            Value::Text(text) => text::given(text).map(PathBuf::from),
        }
    }

    /// The folder of the user.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.path("HOME").or_else(|| self.path(name))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.variables.get(&Name::new(name.to_owned()))
    }
}

/// The name of a variable; on Windows letter case does not matter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

impl Name {
    fn new(name: String) -> Self {
        if cfg!(windows) {
            Name(name.to_uppercase())
        } else {
            Name(name)
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut environment = Environment::default();
        for (name, value) in pairs {
            environment
                .variables
                .insert(Name::new(name.into()), Value::Text(value.into()));
        }
        environment
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.variables.keys().map(|name| &name.0);
        f.debug_set().entries(names).finish()
    }
}
