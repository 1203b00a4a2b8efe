//! The shared test vectors, run by a C program.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use scripted_server::{Call, Event, Server, Start};
use serde_json::{Map, Value};

use crate::library::{Build, compile, root, under_valgrind};

/// The program that performs cases, one after the other in one process.
struct Performer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Performer {
    fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = piped.spawn().expect("a process");
        let input = process.stdin.take().expect("its input");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        Performer {
            process,
            input,
            output,
        }
    }

    fn perform(&mut self, start: &Start) -> Value {
        self.input
            .write_all(case(start).as_bytes())
            .expect("a process that reads");
        let result = self.read_json();
        assert_same(&result, &self.read_json());
        result
    }

    fn read_json(&mut self) -> Value {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("a process that answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    fn finish(mut self) {
        drop(self.input);
        let status = self.process.wait().expect("an end");
        assert!(status.success(), "the program ended with {status}");
    }
}

/// Each accessor says what the whole result says, and none is missing.
fn assert_same(result: &Value, accessors: &Value) {
    assert_eq!(
        result, accessors,
        "left: versioner_result_json, right: the accessors"
    );
}

fn case(start: &Start) -> String {
    let mut lines = String::new();
    let mut line = |tag: &str, name: &str, value: &[u8]| {
        writeln!(lines, "{tag} {} {}", hex(name.as_bytes()), hex(value)).expect("memory");
    };
    let mut values = |tag: &str, values: &Map<String, Value>| {
        for (name, value) in values {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            line(tag, name, text.as_bytes());
        }
    };
    values("option", &start.options);
    values("field", &start.fields);
    for (name, value) in &start.environment {
        line("environment", "-", format!("{name}={value}").as_bytes());
    }
    for (name, value) in &start.environment_bytes {
        line("environment", "-", &[name.as_bytes(), b"=", value].concat());
    }
    line("path", "-", start.path.as_bytes());
    for (name, value) in &start.query {
        line("query", "-", format!("{name}={value}").as_bytes());
    }
    let run = match (start.call, start.event) {
        (Call::Track, Event::Build) => "track_build",
        (Call::Track, Event::Deployment) => "track_deployment",
        (Call::Check, _) => "check_deployment",
        (Call::Read, _) => "read",
        (Call::State, _) => "state",
        (Call::DeployedVersion, _) => "deployed_version",
    };
    lines + "run " + run + "\n"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn server() -> Server {
    scripted_server::start(&root().join("tests/vectors")).expect("usable cases")
}

fn run_all(command: Command) {
    let mut performer = Performer::start(command);
    if let Err(differences) = server().run_all("c", |start| performer.perform(start)) {
        panic!("{differences}");
    }
    performer.finish();
}

#[test]
fn c_does_what_every_surface_does() {
    run_all(Command::new(compile("vectors.c", Build::Shared)));
}

#[test]
fn c_does_it_under_address_sanitizer() {
    run_all(Command::new(compile("vectors.c", Build::AddressSanitizer)));
}

/// Every eighth case, because valgrind takes a hundred times as long as none.
#[test]
fn c_does_it_under_valgrind() {
    let server = server();
    let mut performer = Performer::start(under_valgrind(&compile("vectors.c", Build::Shared)));
    for case in server.cases("c").expect("cases").iter().step_by(8) {
        let start = server.start(case, "c").expect("a run");
        let result = performer.perform(&start);
        let verdict = server.finish(start.run, &result).expect("a verdict");
        assert!(verdict.passed, "{case}: {:?}", verdict.differences);
    }
    performer.finish();
}
