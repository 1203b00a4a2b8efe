//! The cases that every surface runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use scripted_server::{Call, Event, Start};
use serde_json::{Map, Value, json};

use crate::command::{Ended, ended, versioner};
use crate::flag;

/// The options that have a flag; the others travel as variables.
const FLAGS: [&str; 6] = [
    "api_key",
    "api_url",
    "ui_url",
    "config",
    "fail_on_api_error",
    "outbox",
];

/// What a step that starts a deployment has besides its fields.
const OWN: [&str; 5] = ["part", "lease", "wait", "wait_for", "wait_superseded"];

/// Runs a case with more arguments.
pub fn perform(start: &Start, more: &[&str]) -> Ended {
    let words: &[&str] = match (start.call, start.event) {
        (Call::Track, Event::Build) => &["track", "build"],
        (Call::Track, Event::Deployment) => &["track", "deployment"],
        (Call::Check, _) => &["check"],
        (Call::State, _) => &["state"],
        (Call::Read | Call::DeployedVersion, _) => panic!("the command line does not do this"),
    };
    let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    arguments.extend(flags(&start.fields));
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    called(start, arguments)
}

/// The steps of one span, whose state is a file, with more arguments; `result` makes each result.
pub fn steps(start: &Start, more: &[&str], result: impl Fn(Ended) -> Value) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let state = format!("--state={}", folder.path().join("span").display());
    let step = |step: &Map<String, Value>| {
        let what = step["do"].as_str().expect("what to do");
        let mut arguments = match what {
            "track" => vec!["track".to_owned(), "deployment".to_owned()],
            _ => vec!["span".to_owned(), what.to_owned(), state.clone()],
        };
        match what {
            "begin" | "track" => {
                arguments.extend(flags(step["fields"].as_object().expect("fields")));
                let own = step.iter().filter(|(name, _)| OWN.contains(&name.as_str()));
                arguments.extend(own.map(|(name, value)| given(name, value)));
            }
            "end" => {
                arguments.push(step["status"].as_str().expect("a status").to_owned());
                for name in ["exit_code", "extra_metadata"] {
                    arguments.extend(step.get(name).map(|value| given(name, value)));
                }
            }
            // The file is the text.
            "save" | "resume" => return Value::Null,
            unknown => panic!("this runner does not know the step {unknown}"),
        }
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        result(called(start, arguments))
    };
    json!({"steps": start.steps.iter().map(step).collect::<Vec<_>>()})
}

/// Runs a command with the options and the environment of a case.
fn called(start: &Start, mut arguments: Vec<String>) -> Ended {
    // Only an event is told whether it may fail.
    let is_flag = |name: &str| {
        FLAGS.contains(&name) && (name != "fail_on_api_error" || start.call == Call::Track)
    };
    let mut environment: BTreeMap<String, String> = start.environment.clone();
    for (name, value) in &start.options {
        if is_flag(name) {
            arguments.push(given(name, value));
        } else {
            environment.insert(format!("VERSIONER_{}", name.to_uppercase()), text(value));
        }
    }
    let bytes = start.environment_bytes.iter();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = versioner(&arguments)
        .envs(&environment)
        .envs(bytes.map(|(name, value)| (name, OsStr::from_bytes(value))))
        .output();
    ended(output.expect("a process"))
}

fn flags(fields: &Map<String, Value>) -> impl Iterator<Item = String> {
    fields.iter().filter_map(|(name, value)| match value {
        // A flag that has no value.
        Value::Bool(is_set) if name == "allow_literal" => is_set.then(|| flag(name)),
        value => Some(given(name, value)),
    })
}

fn given(name: &str, value: &Value) -> String {
    format!("{}={}", flag(name), text(value))
}

fn text(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}

fn result(ended: Ended) -> Value {
    let Ended {
        code,
        stdout,
        stderr,
    } = ended;
    json!({"exit_code": code, "stdout": stdout, "stderr": stderr})
}

#[test]
fn the_command_line_does_what_every_surface_does() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let server = scripted_server::start(&vectors).expect("usable cases");
    let performed = |start: &Start| match start.steps.is_empty() {
        true => result(perform(start, &[])),
        false => steps(start, &[], result),
    };
    match server.run_all("cli", performed) {
        Ok(count) => println!("{count} cases"),
        Err(differences) => panic!("{differences}"),
    }
}
