//! What happens while a command runs, and what is run.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Signal(Signal),
    /// The command has ended.
    Ended,
}

/// A signal to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    pub number: i32,
    /// Whether it asks a program to end.
    pub ends: bool,
    /// Whether the terminal or the kernel sent it, and thus to the whole process group.
    pub is_of_group: bool,
}

/// What is run.
pub struct Program<'a> {
    pub file: &'a Path,
    /// As it was named.
    #[cfg_attr(
        windows,
        expect(dead_code, reason = "a program is called as its file there")
    )]
    pub name: &'a OsStr,
    pub arguments: &'a [OsString],
    /// Set over this program's environment.
    pub variables: &'a [(&'static str, String)],
    pub removed: &'a [&'static str],
}

/// Why a command does not run.
#[derive(Debug, PartialEq, Eq)]
pub struct NotRunnable {
    /// As a shell has it: 127 if there is none, 126 if it cannot be executed.
    pub code: u8,
    pub message: String,
}

impl NotRunnable {
    /// The code of what is not there.
    pub const MISSING: u8 = 127;
    /// The code of what is there.
    pub const CANNOT: u8 = 126;

    pub fn missing(file: &Path, problem: &str) -> Self {
        NotRunnable {
            code: Self::MISSING,
            message: format!("{}: {problem}", file.display()),
        }
    }

    pub fn cannot(file: &Path, problem: impl std::fmt::Display) -> Self {
        NotRunnable {
            code: Self::CANNOT,
            message: format!("{}: {problem}", file.display()),
        }
    }

    /// What keeps a file that was found from being executed after all, told as a shell would.
    pub fn unexecutable(file: &Path, error: &io::Error) -> Self {
        Self::cannot(file, format_args!("cannot be executed: {error}"))
    }
}
