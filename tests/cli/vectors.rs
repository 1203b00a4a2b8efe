//! The cases that every surface runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use scripted_server::{Call, Event, Start};
use serde_json::{Map, Value, json};

use crate::command::{Ended, ended, versioner};
use crate::flag;

/// Runs a case with more arguments. Settings that have no flag travel as variables.
pub fn perform(start: &Start, more: &[&str]) -> Ended {
    const FLAGS: [&str; 5] = [
        "api_key",
        "api_url",
        "ui_url",
        "config",
        "fail_on_api_error",
    ];
    let words: &[&str] = match (start.call, start.event) {
        (Call::Track, Event::Build) => &["track", "build"],
        (Call::Track, Event::Deployment) => &["track", "deployment"],
        (Call::Check, _) => &["check"],
        (Call::State, _) => &["state"],
        (Call::Read | Call::DeployedVersion, _) => panic!("the command line does not do this"),
    };
    // Only an event is told whether it may fail.
    let is_flag = |name: &str| {
        FLAGS.contains(&name) && (name != "fail_on_api_error" || start.call == Call::Track)
    };
    let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut environment: BTreeMap<String, String> = start.environment.clone();
    let mut give = |values: &Map<String, Value>, is_flag: &dyn Fn(&str) -> bool| {
        for (name, value) in values {
            match value {
                // A flag that has no value.
                Value::Bool(is_set) if name == "allow_literal" => {
                    arguments.extend(is_set.then(|| flag(name)));
                }
                Value::String(text) if is_flag(name) => {
                    arguments.push(format!("{}={text}", flag(name)));
                }
                other if is_flag(name) => arguments.push(format!("{}={other}", flag(name))),
                other => {
                    let text = other
                        .as_str()
                        .map_or_else(|| other.to_string(), str::to_owned);
                    environment.insert(format!("VERSIONER_{}", name.to_uppercase()), text);
                }
            }
        }
    };
    give(&start.options, &is_flag);
    give(&start.fields, &|_| true);
    let bytes = start.environment_bytes.iter();
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = versioner(&arguments)
        .envs(&environment)
        .envs(bytes.map(|(name, value)| (name, OsStr::from_bytes(value))))
        .output();
    ended(output.expect("a process"))
}

#[test]
fn the_command_line_does_what_every_surface_does() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let server = scripted_server::start(&vectors).expect("usable cases");
    let performed = |start: &Start| {
        let Ended {
            code,
            stdout,
            stderr,
        } = perform(start, &[]);
        json!({"exit_code": code, "stdout": stdout, "stderr": stderr})
    };
    match server.run_all("cli", performed) {
        Ok(count) => println!("{count} cases"),
        Err(differences) => panic!("{differences}"),
    }
}
