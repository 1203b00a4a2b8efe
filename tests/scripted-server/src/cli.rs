//! Compares what the command line did with what a case expects.

use serde_json::{Map, Value};

use crate::judge::{difference, items, text, texts};
use crate::run::Run;
use crate::secrets::Secrets;

/// All that is wrong with an exit code and two streams.
pub fn differences(run: &Run, result: &Map<String, Value>) -> Vec<String> {
    let expect = &run.case.expect;
    let mut found = Vec::new();
    let code = &expect["code"];
    let exit_code = result.get("exit_code").unwrap_or(&Value::Null);
    if exit_code != code {
        found.push(difference("exit_code", code, exit_code));
    }
    let streams = Streams {
        stdout: text(result, "stdout"),
        stderr: text(result, "stderr"),
    };
    found.extend(streams.differences(expect, is_recorded(expect)));
    let cli = expect.get("cli");
    let files = cli
        .and_then(|cli| cli.get("files"))
        .and_then(Value::as_object);
    for (name, expected) in files.into_iter().flatten() {
        found.extend(of_file(run, name, expected));
    }
    found
}

fn is_recorded(expect: &Map<String, Value>) -> bool {
    match expect.get("recorded") {
        Some(recorded) => recorded == true,
        None => expect["code"] == 0,
    }
}

struct Streams<'a> {
    stdout: &'a str,
    stderr: &'a str,
}

impl Streams<'_> {
    fn differences(&self, expect: &Map<String, Value>, is_recorded: bool) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(block) = expect.get("text").and_then(Value::as_str) {
            let (name, stream) = if is_recorded {
                ("stdout", self.stdout)
            } else {
                ("stderr", self.stderr)
            };
            if !has_lines(stream, block) {
                found.push(format!(
                    "{name}: expected the lines {block:?}, but was {stream:?}"
                ));
            }
        }
        if !is_recorded && self.stdout.contains("tracked successfully") {
            found.push(format!(
                "stdout: claims success of what was not recorded: {:?}",
                self.stdout
            ));
        }
        for wanted in self.wanted_on_stderr(expect, is_recorded) {
            if !self.stderr.contains(wanted) {
                found.push(missing("stderr", wanted, self.stderr));
            }
        }
        let cli = expect.get("cli");
        for wanted in texts(cli.and_then(|cli| cli.get("stdout_contains"))) {
            if !self.stdout.contains(wanted) {
                found.push(missing("stdout", wanted, self.stdout));
            }
        }
        found
    }

    fn wanted_on_stderr<'a>(
        &self,
        expect: &'a Map<String, Value>,
        is_recorded: bool,
    ) -> Vec<&'a str> {
        let mut wanted = Vec::new();
        if !is_recorded {
            wanted.extend(expect.get("message").and_then(Value::as_str));
            wanted.extend(texts(expect.get("message_contains")));
        }
        for warning in items(expect.get("warnings")) {
            wanted.extend(warning.get("rule").and_then(Value::as_str));
            wanted.extend(texts(warning.get("message_contains")));
        }
        let cli = expect.get("cli");
        wanted.extend(texts(cli.and_then(|cli| cli.get("stderr_contains"))));
        wanted
    }
}

fn has_lines(stream: &str, block: &str) -> bool {
    format!("\n{stream}\n").contains(&format!("\n{block}\n"))
}

fn missing(place: &str, wanted: &str, actual: &str) -> String {
    format!("{place}: expected {wanted:?} in it, but was {actual:?}")
}

fn of_file(run: &Run, name: &str, expected: &Value) -> Vec<String> {
    let actual = match std::fs::read_to_string(run.home.path().join(name)) {
        Ok(text) => text,
        Err(error) => return vec![format!("file {name}: cannot be read: {error}")],
    };
    let mut found = Vec::new();
    if expected.as_str().is_some_and(|expected| expected != actual) {
        found.push(difference(
            &format!("file {name}"),
            expected,
            &Value::from(actual.as_str()),
        ));
    }
    for wanted in texts(Some(expected)) {
        if !actual.contains(wanted) {
            found.push(missing(&format!("file {name}"), wanted, &actual));
        }
    }
    if Secrets::of(&run.case).are_in(&actual, "") {
        found.push(format!("file {name}: an API key shows"));
    }
    found
}
