//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from, as it is shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The caller of this event or the maker of the client.
    Argument,
    /// A `VERSIONER_*` variable.
    Variable(String),
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A variable of a CI system.
    Detected {
        /// The name of the system, such as `github`.
        system: String,
        /// The variable; of several, the one that says most.
        variable: &'static str,
    },
    /// A CI system, by name, if no variable is kept: its `vi_*` metadata.
    System(String),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Argument => f.write_str("argument"),
            Source::Variable(name) => f.write_str(name),
            Source::File { path, line } => write!(f, "{}:{line}", path.display()),
            Source::Detected { system, variable } => write!(f, "{system}: {variable}"),
            Source::System(system) => f.write_str(system),
            Source::Default => f.write_str("default"),
        }
    }
}
