//! What the flags of `versioner run` say beyond those of the event.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use rustix::process::getpid;

use crate::input::environment::Environment;
use crate::input::pipe::not_waiting;
use crate::model::failure::Failure;

/// What is to be run, and how.
pub struct Plan {
    pub command: OsString,
    pub arguments: Vec<OsString>,
    pub timeout: Option<Duration>,
    pub success_codes: Vec<u8>,
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

/// Jenkins and `timeout` end a whole process group. The first process of a container is told alone.
fn is_group_signalled(environment: &Environment) -> bool {
    let is_of_jenkins = environment.hint("JENKINS_URL").is_some() && !getpid().is_init();
    is_of_jenkins || parent().is_some_and(|arguments| is_timeout_of_a_group(&arguments))
}

/// The arguments of the program that started this one, its name first, as far as the system tells.
fn parent() -> Option<Vec<OsString>> {
    let parent = std::os::unix::process::parent_id();
    let line = fs::read(format!("/proc/{parent}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0);
    Some(
        words
            .map(|word| OsStr::from_bytes(word).to_owned())
            .collect(),
    )
}

/// Whether this is `timeout`, which ends a whole group but for its flag `--foreground`.
fn is_timeout_of_a_group(arguments: &[OsString]) -> bool {
    let Some((name, flags)) = arguments.split_first() else {
        return false;
    };
    let own = env::args_os().next().unwrap_or_default();
    let flags = flags.iter().take_while(|flag| **flag != own);
    let is_foreground = |flag: &OsString| match flag.as_bytes() {
        [b'-', b'-', long @ ..] => !long.is_empty() && b"foreground".starts_with(long),
        [b'-', short @ ..] => short
            .iter()
            .take_while(|flag| !b"ks".contains(flag))
            .any(|flag| *flag == b'f'),
        _ => false,
    };
    Path::new(name).file_name() == Some(OsStr::new("timeout"))
        && !flags.into_iter().any(is_foreground)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_in_the_foreground_ends_one_process_alone() {
        let own = env::args_os().next().expect("a name");
        let own = own.to_str().expect("text");
        for (line, is_of_group) in [
            (&["timeout", "10"][..], true),
            (&["/usr/bin/timeout", "-k", "5", "-v", "10"], true),
            (&["timeout", "-sINT", "--preserve-status", "10"], true),
            (&["timeout", "--foreground", "10"], false),
            (&["timeout", "--fore", "10"], false),
            (&["timeout", "-k", "5", "-vf", "10"], false),
            (&["bash", "-c", "timeout"], false),
            (&[], false),
        ] {
            let words = [line, &[own, "-f", "--foreground"]].concat();
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            assert_eq!(is_timeout_of_a_group(&words), is_of_group, "{line:?}");
        }
    }
}
