//! Whether signals reach the whole process group, and so the command by itself.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::getpid;

use crate::input::environment::Environment;

/// Jenkins and `timeout` end a whole process group. The first process of a container is told alone.
pub fn is_group_signalled(environment: &Environment) -> bool {
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
