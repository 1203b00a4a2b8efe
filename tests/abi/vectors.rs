//! The shared test vectors, run by a C program.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use scripted_server::{Call, Event, Server, Start};
use serde_json::{Map, Value, json};

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
        self.write(&case(start));
        if start.steps.is_empty() {
            self.write(&format!("run {}\n", call(start)));
            return self.read_result();
        }
        let steps = start.steps.iter();
        let results: Vec<Value> = steps
            .map(|one| {
                self.write(&step(one, start.event));
                self.read_result()
            })
            .collect();
        self.write("run steps\n");
        json!({"steps": results})
    }

    fn write(&mut self, lines: &str) {
        let written = self.input.write_all(lines.as_bytes());
        written.expect("a process that reads");
    }

    fn read_result(&mut self) -> Value {
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
    let mut lines = values("option", &start.options) + &values("field", &start.fields);
    for (name, value) in &start.environment {
        lines += &line("environment", "-", format!("{name}={value}").as_bytes());
    }
    for (name, value) in &start.environment_bytes {
        lines += &line("environment", "-", &[name.as_bytes(), b"=", value].concat());
    }
    lines += &line("path", "-", start.path.as_bytes());
    for (name, value) in &start.query {
        lines += &line("query", "-", format!("{name}={value}").as_bytes());
    }
    lines
}

/// The call of a case without steps, as the program knows it.
fn call(start: &Start) -> &'static str {
    match (start.call, start.event) {
        (Call::Track, Event::Build) => "track_build",
        (Call::Track, Event::Deployment) => "track_deployment",
        (Call::Check, _) => "check_deployment",
        (Call::Read, _) => "read",
        (Call::State, _) => "state",
        (Call::DeployedVersion, _) => "deployed_version",
    }
}

/// A step with what it is given. An event has a status and metadata too.
fn step(step: &Map<String, Value>, event: Event) -> String {
    let mut lines = String::new();
    for (name, value) in step {
        let name = match name.as_str() {
            "status" => "end_status",
            "extra_metadata" => "end_metadata",
            "do" => continue,
            "fields" => {
                lines += &values("field", value.as_object().expect("fields"));
                continue;
            }
            name => name,
        };
        let given = Map::from_iter([(name.to_owned(), value.clone())]);
        lines += &values("field", &given);
    }
    let name = step["do"].as_str().expect("what to do");
    let suffix = match (name, event) {
        ("begin" | "prepare", Event::Build) => "_build",
        _ => "",
    };
    lines + &format!("step {name}{suffix}\n")
}

fn line(tag: &str, name: &str, value: &[u8]) -> String {
    format!("{tag} {} {}\n", hex(name.as_bytes()), hex(value))
}

fn values(tag: &str, values: &Map<String, Value>) -> String {
    let lines = values.iter().map(|(name, value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        line(tag, name, text.as_bytes())
    });
    lines.collect()
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
