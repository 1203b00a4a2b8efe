//! Compares what the command line did with what a case expects.

use serde_json::{Map, Value};

use crate::case::Call;
use crate::console;
use crate::judge::{difference, items, text, texts};
use crate::run::Run;
use crate::secrets::Secrets;

/// In the warning that every run gets because its key is a flag.
const OF_THE_RUNNER: &str = "--api-key shows in process lists";

/// All that is wrong with an exit code and two streams.
pub fn differences(
    run: &Run,
    expect: &Map<String, Value>,
    result: &Map<String, Value>,
) -> Vec<String> {
    let mut found = Vec::new();
    let code = &expect["code"];
    let exit_code = result.get("exit_code").unwrap_or(&Value::Null);
    if exit_code != code {
        found.push(difference("exit_code", code, exit_code));
    }
    let empty = Map::new();
    let cli = expect
        .get("cli")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let streams = Streams {
        stdout: text(result, "stdout"),
        stderr: text(result, "stderr"),
    };
    let is_good = match run.case.call {
        Call::Track => is_recorded(expect),
        _ => expect["code"] == 0,
    };
    found.extend(streams.unlike_outcome(expect, is_good));
    found.extend(streams.unlike_told(cli));
    found.extend(streams.unlike_warnings(expect, cli));
    let is_in_github = run
        .case
        .environment
        .get("GITHUB_ACTIONS")
        .is_some_and(|value| value == "true");
    for (name, stream) in [("stdout", streams.stdout), ("stderr", streams.stderr)] {
        found.extend(console::differences(name, stream, is_in_github));
    }
    let files = cli.get("files").and_then(Value::as_object);
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
    /// What every outcome shows on the stream that it belongs to.
    fn unlike_outcome(&self, expect: &Map<String, Value>, is_good: bool) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(block) = expect.get("text").and_then(Value::as_str) {
            let (name, stream) = if is_good {
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
        if is_good {
            return found;
        }
        if self.stdout.contains("tracked successfully") {
            found.push(format!(
                "stdout: claims success of what was not recorded: {:?}",
                self.stdout
            ));
        }
        let message = expect.get("message").and_then(Value::as_str);
        let parts = texts(expect.get("message_contains"));
        found.extend(lacking(
            "stderr",
            self.stderr,
            message.into_iter().chain(parts),
        ));
        found
    }

    /// What the case says of the streams themselves.
    fn unlike_told(&self, cli: &Map<String, Value>) -> Vec<String> {
        let mut found = Vec::new();
        for (name, stream) in [("stdout", self.stdout), ("stderr", self.stderr)] {
            if let Some(whole) = cli.get(name).filter(|whole| *whole != stream) {
                found.push(difference(name, whole, &Value::from(stream)));
            }
            let member = |suffix: &str| texts(cli.get(&format!("{name}_{suffix}")));
            found.extend(lacking(name, stream, member("contains")));
            found.extend(showing(name, stream, member("lacks")));
        }
        found
    }

    /// Warnings are lines of their own on standard error; there are as many as are expected.
    fn unlike_warnings(
        &self,
        expect: &Map<String, Value>,
        cli: &Map<String, Value>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let of_result = items(expect.get("warnings"));
        for warning in of_result {
            let rule = warning.get("rule").and_then(Value::as_str);
            let parts = texts(warning.get("message_contains"));
            found.extend(lacking(
                "stderr",
                self.stderr,
                rule.into_iter().chain(parts),
            ));
        }
        let shown: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("warning: ") && !line.contains(OF_THE_RUNNER))
            .collect();
        let of_command_line = items(cli.get("warnings"));
        let wanted = of_result.len() + of_command_line.len();
        if shown.len() != wanted {
            found.push(format!(
                "stderr: expected {wanted} warnings, but these came: {shown:?}"
            ));
        }
        found.extend(lacking(
            "the warnings",
            &shown.join("\n"),
            texts(cli.get("warnings")),
        ));
        found
    }
}

fn has_lines(stream: &str, block: &str) -> bool {
    format!("\n{stream}\n").contains(&format!("\n{block}\n"))
}

/// A difference for each wanted text that a place lacks.
fn lacking<'a>(place: &str, actual: &str, wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    wanted
        .filter(|wanted| !actual.contains(wanted))
        .map(|wanted| format!("{place}: expected {wanted:?} in it, but was {actual:?}"))
        .collect()
}

/// A difference for each unwanted text that a place shows.
fn showing<'a>(place: &str, actual: &str, unwanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    unwanted
        .filter(|unwanted| actual.contains(unwanted))
        .map(|unwanted| format!("{place}: expected no {unwanted:?} in it, but was {actual:?}"))
        .collect()
}

fn of_file(run: &Run, name: &str, expected: &Value) -> Vec<String> {
    let place = format!("file {name}");
    let path = run.home.path().join(name);
    if expected.get("absent").is_some() {
        let is_there = path.exists();
        return Vec::from_iter(
            is_there.then(|| format!("{place}: expected none, but there is one")),
        );
    }
    let actual = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return vec![format!("{place}: cannot be read: {error}")],
    };
    let mut found = Vec::new();
    if expected.as_str().is_some_and(|expected| expected != actual) {
        found.push(difference(&place, expected, &Value::from(actual.as_str())));
    }
    let contained = texts(Some(expected)).chain(texts(expected.get("contains")));
    found.extend(lacking(&place, &actual, contained));
    found.extend(showing(&place, &actual, texts(expected.get("lacks"))));
    if Secrets::of(&run.case).are_in(&actual, "") {
        found.push(format!("{place}: an API key shows"));
    }
    found
}
