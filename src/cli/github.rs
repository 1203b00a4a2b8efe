//! Hands a report to GitHub Actions, where the command runs in it.

use std::fs::OpenOptions;
use std::io::Write;

use super::output;
use crate::input::environment::Environment;
use crate::model::outcome::Outcome;
use crate::report::github;

/// Annotates the run, and appends to the job's summary and outputs. What cannot be written is a
/// warning: the event's outcome stands.
pub fn report(outcome: &Outcome, ui_url: &str, environment: &Environment) {
    if environment.get("GITHUB_ACTIONS") != Some("true") {
        return;
    }
    for annotation in github::annotations(outcome) {
        output::print(&annotation);
    }
    append(
        environment,
        "GITHUB_STEP_SUMMARY",
        &github::summary(outcome, ui_url),
    );
    append(environment, "GITHUB_OUTPUT", &github::outputs(outcome));
}

fn append(environment: &Environment, variable: &str, text: &str) {
    let Some(path) = environment.get(variable).filter(|_| !text.is_empty()) else {
        return;
    };
    let file = OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        output::error(&format!(
            "Warning: cannot write to {path} ({variable}): {error}"
        ));
    }
}
