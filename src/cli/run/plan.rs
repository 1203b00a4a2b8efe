//! What the flags of `versioner run` say beyond those of the event.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::time::Duration;

use super::system::is_group_signalled;
use crate::input::environment::Environment;
use crate::input::pipe::not_waiting;
use crate::model::failure::Failure;
use clap::ArgMatches;

/// What is to be run, and how.
pub struct Plan {
    pub command: OsString,
    pub arguments: Vec<OsString>,
    pub timeout: Option<Duration>,
    pub success_codes: Vec<i32>,
    /// The exit code of a rejection.
    pub rejected: u8,
    /// Whether signals that end reach the command by themselves.
    pub is_group_signalled: bool,
    pub keeps_api_key: bool,
    /// Where the result goes.
    pub file: Option<(PathBuf, File)>,
}

impl Plan {
    /// Opens the file of the result, so that a mistyped path is known before anything happens.
    pub fn new(flags: &ArgMatches, environment: &Environment) -> Result<Plan, Failure> {
        let mut words = flags.get_many::<OsString>("command").into_iter().flatten();
        let command = words.next().cloned().unwrap_or_default();
        let success = flags.get_many("success_codes").into_iter().flatten();
        let path: Option<&PathBuf> = flags.get_one("output_file");
        Ok(Plan {
            command,
            arguments: words.cloned().collect(),
            timeout: timeout(flags)?,
            success_codes: success.copied().collect(),
            rejected: flags.get_one("exit_rejected").copied().unwrap_or_default(),
            is_group_signalled: match flags.get_one::<String>("signals") {
                Some(way) => way == "group",
                None => is_group_signalled(environment),
            },
            keeps_api_key: !flags.get_flag("without_api_key"),
            file: path.map(open).transpose()?,
        })
    }
}

/// No time at all would end every command as it begins.
fn timeout(flags: &ArgMatches) -> Result<Option<Duration>, Failure> {
    match flags.get_one("timeout").copied() {
        Some(Duration::ZERO) => Err(Failure::argument(
            "timeout",
            "timeout is 0, in which no command can run: leave it out if it may take as long as it \
             takes",
        )),
        timeout => Ok(timeout),
    }
}

fn open(path: &PathBuf) -> Result<(PathBuf, File), Failure> {
    let mut options = OpenOptions::new();
    // What an earlier run wrote stays until there is something new.
    let file = not_waiting(&mut options)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    file.map(|file| (path.clone(), file)).map_err(|error| {
        let message = format!("output_file: cannot write {}: {error}", path.display());
        Failure::argument("output_file", message)
    })
}
