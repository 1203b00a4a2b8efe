//! `versioner` as a process.

use std::process::{Command, Output};

/// `versioner` with nothing in its environment, in no git repository.
pub fn versioner(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_versioner"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(std::env::temp_dir());
    command
}

/// What is left of a process.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Runs `versioner` to its end with these variables and no others.
pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let output = versioner(arguments)
        .envs(variables.iter().copied())
        .output();
    ended(output.expect("a process"))
}
