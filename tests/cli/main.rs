//! The command line, as a process.

mod arguments;
mod command;
mod doctor;
mod dry_run;
mod git;
mod help;
mod json;
mod outbox;
mod outbox_faults;
mod output;
#[cfg(unix)]
mod run;
#[cfg(target_os = "linux")]
mod run_surroundings;
mod service;
mod signals;
mod span;
mod streams;
#[path = "../support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod terminal;
mod vectors;
mod wait;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{Ended, run};
use support::KEY;

const BUILD: [&str; 6] = ["track", "build", "--product", "api", "--version", "1"];

fn track_build(more: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut arguments = BUILD.to_vec();
    arguments.extend(more);
    let mut all = vec![("VERSIONER_API_KEY", KEY)];
    all.extend(variables);
    run(&arguments, &all)
}

/// The flag of a field or setting: `scm_sha` is `--scm-sha`.
fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// Answers one request with these bytes.
fn answer_once(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let request = connection.read(&mut [0; 16 * 1024]);
        assert!(request.expect("a request") > 0);
        connection.write_all(answer.as_bytes()).expect("an answer");
    });
    url
}

const RECORDED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"id\": \"e-1\"}";
const LOCKED: &str = "HTTP/1.1 423 Locked\r\nContent-Length: 6\r\n\r\nfrozen";

/// A file whose opening waits for the other side.
#[cfg(unix)]
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    path
}
