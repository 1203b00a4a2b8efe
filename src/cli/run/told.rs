//! What people read on standard error, and what a file gets.

use std::io::{Seek, Write};

use serde_json::{Value, json};

use super::ending::Ending;
use super::plan::Plan;
use crate::cli::setup::Told;
use crate::model::outcome::{Error, Outcome, Subject};
use crate::report::console;

/// All that there is to tell in the end.
#[derive(Default)]
pub struct Story {
    /// How the command ended, if it ran; or the code of why it did not.
    pub ending: Option<Ending>,
    pub started: Option<Outcome>,
    pub ended: Option<Outcome>,
}

impl Story {
    /// Writes the file of the result, if there is to be one. Gives the exit code back.
    pub fn write(self, plan: &mut Plan, exit_code: i32) -> i32 {
        let Some((path, file)) = &mut plan.file else {
            return exit_code;
        };
        let event = |outcome: Option<Outcome>| match outcome {
            Some(outcome) => Told::default().document(&outcome),
            None => Value::Null,
        };
        let document = json!({
            "ran": self.ending.is_some(),
            "exit_code": exit_code,
            "signal": self.ending.and_then(Ending::signal),
            "started": event(self.started),
            "ended": event(self.ended),
        });
        // A pipe or a device has no end that could be moved.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        if let Err(error) = writeln!(file, "{document}") {
            console::error(&format!(
                "warning: cannot write to {}: {error}",
                path.display()
            ));
        }
        exit_code
    }
}

/// What is deployed or built, for people.
pub fn what(subject: &Subject) -> String {
    match subject.environment.as_str() {
        "" => format!("{} {}", subject.product, subject.version),
        environment => format!("{} {} to {environment}", subject.product, subject.version),
    }
}

/// Warns that nobody knows how it ended. `started` says whether the start is known.
pub fn not_recorded(outcome: &Outcome, ending: Ending, status: &str, started: bool) {
    let title = outcome.title().to_lowercase();
    let rest = match started {
        true => format!(
            "It stays in progress until it expires, or somebody ends it: versioner track {title} \
             --status {status}, with the same product, version and environment."
        ),
        false => "Its start is not recorded either.".to_owned(),
    };
    console::error(&format!(
        "warning: the command has ended ({ending}), but that the {title} is {status} is not \
         recorded.\nwarning: {}\nwarning: {rest}",
        outcome.message.replace('\n', " ")
    ));
}

/// Says that a command was asked to end and goes on, and what becomes of it should this program be
/// killed: whether the outbox has an end for that.
pub fn goes_on(held: Result<bool, Error>) {
    let then = match held {
        Ok(true) => "; should versioner be killed, aborted is told from the outbox",
        Ok(false) => "; should versioner be killed, it stays in progress until it expires",
        Err(error) => return console::error(&format!("warning: {error}")),
    };
    console::error(&format!(
        "versioner: the command was asked to end and goes on{then}"
    ));
}

/// What a command that succeeded must not be run again for.
pub fn succeeded() {
    console::error("error: The command succeeded; do not run it again for this.");
}
