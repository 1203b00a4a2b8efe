//! The program, as runners in other languages use it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support;

const PROGRAM: &str = env!("CARGO_BIN_EXE_scripted-server");

fn ask(url: &str, method: &str, path: &str, body: &Value) -> (String, Value) {
    let body = body.to_string();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = support::exchange(url, &request);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let body = serde_json::from_str(body).expect("the answer is JSON");
    (head[9..12].to_owned(), body)
}

#[test]
fn a_runner_lists_starts_finishes_and_ends_the_program() {
    let folder = support::folder(&json!([
        {"name": "case", "event": "build", "expect": {"code": 0, "requests": 0}},
    ]));
    let mut program = Command::new(PROGRAM)
        .arg("--vectors")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = program.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(stdout).lines();
    let url = lines.next().expect("a line").expect("a URL");

    let (status, cases) = ask(&url, "GET", "/cases?surface=go", &Value::Null);
    assert_eq!((status.as_str(), cases), ("200", json!(["own/case"])));
    let (_, start) = ask(
        &url,
        "POST",
        "/start",
        &json!({"case": "own/case", "surface": "go"}),
    );
    assert_eq!(start["event"], "build");
    assert_eq!(start["clock"], "real");
    assert_eq!(
        start["options"]["api_url"],
        format!("{url}/run/{}", start["run"])
    );
    let finish = json!({"run": start["run"], "result": support::good_result()});
    let (_, verdict) = ask(&url, "POST", "/finish", &finish);
    assert_eq!(verdict, json!({"passed": true, "differences": []}));
    let (status, error) = ask(&url, "POST", "/finish", &finish);
    assert_eq!(status, "400");
    assert!(
        error["error"]
            .as_str()
            .is_some_and(|text| text.contains("no run 1")),
        "{error}"
    );

    drop(program.stdin.take());
    assert!(program.wait().expect("the program ends").success());
}

#[test]
fn unusable_vectors_are_told_and_fail() {
    let folder = support::folder(&json!([{"name": "case", "event": "build"}]));
    let output = Command::new(PROGRAM)
        .arg("--vectors")
        .arg(folder.path())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("own.json: at /cases/0: \"expect\""), "{text}");
}
