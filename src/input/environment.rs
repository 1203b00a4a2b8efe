//! The variables that detection and configuration read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// A set of environment variables: the process environment, or any map that the caller hands in
/// (a CI server's plugin does not have the job's variables in its own process).
///
/// `Debug` shows the names only, because values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    NotUnicode,
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
    /// error only where it is asked for; one whose name is not Unicode is left out.
    pub fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Environment::default();
        for (name, value) in variables {
            if let Ok(name) = name.into_string() {
                environment.variables.insert(name, Value::from(value));
            }
        }
        environment
    }

    /// The value of a variable; `None` where it is unset, blank or not Unicode.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.variables.get(name) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    /// Whether the variable is set to bytes that are not Unicode.
    pub(crate) fn is_not_unicode(&self, name: &str) -> bool {
        matches!(self.variables.get(name), Some(Value::NotUnicode))
    }
}

impl From<OsString> for Value {
    fn from(value: OsString) -> Self {
        value.into_string().map_or(Value::NotUnicode, Value::Text)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut environment = Environment::default();
        for (name, value) in pairs {
            environment
                .variables
                .insert(name.into(), Value::Text(value.into()));
        }
        environment
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
