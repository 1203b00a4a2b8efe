//! The cases that every surface runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use scripted_server::{Event, Start};
use serde_json::{Map, Value, json};

use crate::command::{Ended, ended};
use crate::flag;

/// Settings that have no flag travel as variables.
fn perform(start: &Start) -> Value {
    const FLAGS: [&str; 5] = [
        "api_key",
        "api_url",
        "ui_url",
        "config",
        "fail_on_api_error",
    ];
    let mut arguments = vec!["track".to_owned()];
    arguments.push(match start.event {
        Event::Build => "build".to_owned(),
        Event::Deployment => "deployment".to_owned(),
    });
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
    give(&start.options, &|name| FLAGS.contains(&name));
    give(&start.fields, &|_| true);
    let bytes = start.environment_bytes.iter();
    let mut command = Command::new(env!("CARGO_BIN_EXE_versioner"));
    let output = command
        .args(&arguments)
        .env_clear()
        .envs(&environment)
        .envs(bytes.map(|(name, value)| (name, OsStr::from_bytes(value))))
        .output();
    let Ended {
        code,
        stdout,
        stderr,
    } = ended(output.expect("a process"));
    json!({"exit_code": code, "stdout": stdout, "stderr": stderr})
}

#[test]
fn the_command_line_does_what_every_surface_does() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let server = scripted_server::start(&vectors).expect("usable cases");
    match server.run_all("cli", perform) {
        Ok(count) => println!("{count} cases"),
        Err(differences) => panic!("{differences}"),
    }
}
