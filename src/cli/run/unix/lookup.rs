//! Finds the command as a shell does, before anything is recorded.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::elf;
use crate::cli::run::news::NotRunnable;

/// Where a system looks that has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The file of a command.
pub fn find(command: &OsStr, path: Option<OsString>) -> Result<PathBuf, NotRunnable> {
    // A variable that nobody set; below a folder it would be the folder.
    if command.is_empty() {
        return Err(NotRunnable::missing(
            Path::new("''"),
            "the command is empty",
        ));
    }
    if command.as_bytes().contains(&b'/') {
        return judge(Path::new(command));
    }
    let path = path.unwrap_or_else(|| DEFAULT_PATH.into());
    let mut found = Err(NotRunnable::missing(
        Path::new(command),
        "command not found",
    ));
    for folder in std::env::split_paths(&path) {
        // An empty entry is the working directory.
        let file = match folder.as_os_str().is_empty() {
            true => Path::new(".").join(command),
            false => folder.join(command),
        };
        match judge(&file) {
            Ok(file) => return Ok(file),
            // A shell goes on looking, and remembers that there was one.
            Err(problem) if problem.code == NotRunnable::CANNOT => found = found.or(Err(problem)),
            Err(_) => {}
        }
    }
    found
}

/// How many interpreters may stand one behind the other, as in the kernel of Linux.
const MOST_INTERPRETERS: usize = 4;

fn judge(file: &Path) -> Result<PathBuf, NotRunnable> {
    let mut program = file.to_owned();
    judge_one(file)?;
    for _ in 0..MOST_INTERPRETERS {
        let Some(interpreter) = interpreter(&program) else {
            break;
        };
        judge_one(&interpreter).map_err(|problem| {
            NotRunnable::cannot(file, format_args!("bad interpreter: {}", problem.message))
        })?;
        program = interpreter;
    }
    if let Some(loader) = elf::loader(&program)
        && let Err(problem) = judge_one(&loader)
    {
        return Err(NotRunnable::cannot(
            file,
            format_args!(
                "the loader that it was made for is not here: {} (a program for another C library or \
                 processor?)",
                problem.message
            ),
        ));
    }
    Ok(file.to_owned())
}

fn judge_one(file: &Path) -> Result<(), NotRunnable> {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(NotRunnable::cannot(file, error));
        }
        Err(_) => return Err(NotRunnable::missing(file, "no such file")),
    };
    if metadata.is_dir() {
        return Err(NotRunnable::cannot(file, "is a directory"));
    }
    // To look into a pipe would last until somebody writes.
    if !metadata.is_file() {
        return Err(NotRunnable::cannot(file, "is no regular file"));
    }
    if access(file, Access::EXEC_OK).is_err() {
        return Err(NotRunnable::cannot(file, "permission denied"));
    }
    Ok(())
}

/// What a script says that it is run by, as the kernel reads it: a carriage return is part of the
/// name, so that a script with the line ends of Windows has an interpreter that is not there.
fn interpreter(file: &Path) -> Option<PathBuf> {
    let mut start = [0; 256];
    let length = File::open(file).ok()?.read(&mut start).ok()?;
    let line = start[..length].strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t' | 0));
    let word = words.find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        file
    }

    #[test]
    fn a_command_is_found_as_a_shell_finds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let script = "#!/bin/sh\n";
        let good = write(folder, "b/tool", script, 0o755);
        write(folder, "a/tool", script, 0o644);
        write(folder, "a/plain", script, 0o644);
        write(folder, "a/odd", "#! /no/such/thing -x\n", 0o755);
        write(folder, "a/windows", "#!/bin/sh\r\necho\r\n", 0o755);
        let plain = folder.join("a/plain");
        let by_plain = format!("#!{}\n", plain.display());
        write(folder, "a/by-plain", &by_plain, 0o755);
        let by_odd = format!("#!{}\n", folder.join("a/odd").display());
        write(folder, "a/by-odd", &by_odd, 0o755);
        write(
            folder,
            "a/itself",
            &format!("#!{}\n", folder.join("a/itself").display()),
            0o755,
        );
        write(folder, "a/blank", "#!  \n", 0o755);
        let path = std::env::join_paths(["a", "b"].map(|name| folder.join(name)));
        let path = path.expect("a path");
        let found = |command: &str| {
            find(OsStr::new(command), Some(path.clone())).map_err(|problem| problem.code)
        };
        assert_eq!(found("tool"), Ok(good.clone()));
        assert_eq!(found(good.to_str().expect("text")), Ok(good));
        assert_eq!(found("none"), Err(NotRunnable::MISSING));
        assert_eq!(found(""), Err(NotRunnable::MISSING));
        assert_eq!(found("/no/such/tool"), Err(NotRunnable::MISSING));
        for script in ["odd", "windows", "by-plain", "by-odd"] {
            assert_eq!(found(script), Err(NotRunnable::CANNOT), "{script}");
        }
        // What only the kernel can tell is left to it.
        for script in ["itself", "blank"] {
            assert!(found(script).is_ok(), "{script}");
        }
        assert_eq!(
            found(folder.to_str().expect("text")),
            Err(NotRunnable::CANNOT)
        );
    }

    #[test]
    fn nobody_waits_for_a_pipe_that_is_no_command() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .args(["-m", "755"])
            .arg(&pipe)
            .status();
        assert!(made.expect("mkfifo").success());
        let problem = find(pipe.as_os_str(), None).expect_err("no command");
        assert_eq!(problem.code, NotRunnable::CANNOT, "{}", problem.message);
    }

    #[test]
    fn a_command_is_found_without_a_path() {
        assert!(find(OsStr::new("sh"), None).is_ok());
    }
}
