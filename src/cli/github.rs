//! Hands a report to GitHub Actions, if the command runs in it.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::setup::{Output, Setup};
use crate::input::environment::Environment;
use crate::input::pipe::not_waiting;
use crate::model::outcome::Outcome;
use crate::report::{console, github};

/// Annotates the run, and appends to the job's summary and outputs. What cannot be written is a
/// warning: the event's outcome stands.
pub fn report(outcome: &Outcome, ui_url: &str, setup: &Setup) {
    let environment = &setup.environment;
    if environment.hint("GITHUB_ACTIONS") != Some("true") {
        return;
    }
    annotate(outcome, setup);
    let summary = github::summary(outcome, ui_url);
    // Markdown needs a blank line if a table or HTML stands before.
    append(environment, "GITHUB_STEP_SUMMARY", &summary, 2);
    append(environment, "GITHUB_OUTPUT", &github::outputs(outcome), 1);
}

/// Annotates the run, if this is one.
pub fn annotate(outcome: &Outcome, setup: &Setup) {
    if setup.environment.hint("GITHUB_ACTIONS") != Some("true") {
        return;
    }
    for annotation in github::annotations(outcome) {
        match setup.output {
            Output::Text => console::own(&annotation),
            // The runner reads commands from both streams.
            _ => console::own_error(&annotation),
        }
    }
}

fn append(environment: &Environment, variable: &str, text: &str, line_ends: usize) {
    let Some(path) = environment.path(variable).filter(|_| !text.is_empty()) else {
        return;
    };
    if let Err(error) = append_after(&path, text, line_ends) {
        console::error(&format!(
            "warning: cannot write to {} ({variable}): {error}",
            path.display()
        ));
    }
}

/// Another step may have left its last line open: ours begins after that many line ends. A pipe
/// that nobody reads is an error at once; the job must not hang on it.
fn append_after(path: &Path, text: &str, line_ends: usize) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = not_waiting(&mut options)
        .append(true)
        .create(true)
        .open(path)?;
    let end = last_bytes(path, line_ends).unwrap_or_default();
    let there = end.iter().rev().take_while(|byte| **byte == b'\n').count();
    let missing = match end.is_empty() {
        true => 0,
        false => line_ends - there,
    };
    // At once, so that what another step writes at the same time stands before or after it.
    file.write_all(format!("{}{text}", "\n".repeat(missing)).as_bytes())
}

/// The end of a file. What cannot be read, such as a pipe, has none.
fn last_bytes(path: &Path, count: usize) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    let mut file = not_waiting(&mut options).read(true).open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(count as u64)))?;
    file.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
