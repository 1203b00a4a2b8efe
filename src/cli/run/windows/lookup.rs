//! Finds the command by `PATH` and `PATHEXT`, before anything is recorded.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::cli::run::news::NotRunnable;

/// What Windows itself can run, the last two by its command interpreter.
const RUNNABLE: [&str; 4] = ["exe", "com", "bat", "cmd"];

/// The file of a command. The working directory is looked into only if it is named, as in `.\deploy`.
pub fn find(command: &OsStr, path: Option<OsString>) -> Result<PathBuf, NotRunnable> {
    let named = Path::new(command);
    let file = std::env::current_dir()
        .ok()
        .and_then(|folder| which::which_in(command, path, folder).ok())
        .ok_or_else(|| match named.is_dir() {
            true => NotRunnable::cannot(named, "is a directory"),
            false => NotRunnable::missing(named, "command not found"),
        })?;
    let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
    if RUNNABLE.iter().any(|runnable| ending == *runnable) {
        return Ok(file);
    }
    Err(NotRunnable::cannot(
        &file,
        "is no program: run it by its interpreter, such as powershell -File or python",
    ))
}
