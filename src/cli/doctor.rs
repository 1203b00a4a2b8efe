//! `versioner doctor`: the settings and the way to the service, and what is wrong with them.

use std::time::Duration;

use clap::ArgMatches;
use serde_json::{Value, json};

use super::explain::source;
use super::interrupt;
use super::setup::{Setup, Told};
use crate::input::detect::detect;
use crate::model::explanation::Explained;
use crate::model::foreign::Foreign;
use crate::model::kind::{Code, Kind};
use crate::model::outcome::{Error, Outcome};
use crate::report::console;

/// What a service lists that answers questions.
const PREFLIGHT: &str = "preflight";

/// What costs the service little, and needs a key.
const QUESTION: (&str, &[(&str, &str)]) = ("state/", &[("limit", "1")]);

/// One line of the report.
struct Line {
    is_well: bool,
    name: String,
    said: String,
}

/// Looks, and tells what was found; gives back the exit code.
pub fn run(flags: &ArgMatches) -> u8 {
    let setup = Setup::new(flags);
    let setup = match setup.with_git(flags) {
        Ok(setup) => setup,
        Err(code) => return code,
    };
    let mut lines = Lines::default();
    lines.well("version", crate::VERSION);
    let detected = detect(&setup.environment).source_system;
    let system = detected.map(|found| format!("{} ({})", found.text, found.variable));
    lines.well("CI system", &system.unwrap_or_else(|| "none".to_owned()));
    let features = match setup.client() {
        Ok(client) => {
            lines.well("API key", "is set");
            for explained in client.explained_settings() {
                let origin = source(explained, &setup.environment);
                lines.well(&explained.field, &format!("{} ({origin})", explained.value));
            }
            let proxy = client.proxy_address();
            lines.well("proxy", &proxy.unwrap_or_else(|| "none".to_owned()));
            lines.well(
                "certificates",
                &certificates(&setup, client.explained_settings()),
            );
            match client.examine_outbox() {
                Some(Ok((waiting, refused))) => {
                    let said = format!("{waiting} wait, {refused} were refused");
                    lines.well("events in the outbox", &said);
                }
                Some(Err(failure)) => lines.wrong("events in the outbox", &failure.message),
                None => {}
            }
            let (steps, outcome) = client.examine(&interrupt::on_signal());
            for step in steps {
                match step.end {
                    Ok(said) => lines.well(step.name, &format!("{said}, {}", time(step.took))),
                    Err(failure) => lines.wrong(step.name, &failure.message),
                }
            }
            let features = outcome
                .map(|outcome| lines.health(outcome))
                .unwrap_or_default();
            // The hosted service answers no question that records nothing.
            if features.iter().any(|feature| *feature == PREFLIGHT) {
                let asked = client.read_with(QUESTION.0, QUESTION.1, None, &interrupt::on_signal());
                lines.key(asked);
            }
            features
        }
        Err(error) => {
            lines.unusable(&error);
            Vec::new()
        }
    };
    lines.end(&setup, features)
}

#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, is_well: bool, name: &str, said: &str) {
        self.0.push(Line {
            is_well,
            name: name.to_owned(),
            said: Foreign::line(said).to_string(),
        });
    }

    fn well(&mut self, name: &str, said: &str) {
        self.add(true, name, said);
    }

    fn wrong(&mut self, name: &str, said: &str) {
        self.add(false, name, said);
    }

    fn unusable(&mut self, error: &Error) {
        let name = match error.outcome().argument {
            "" => "settings",
            argument => argument,
        };
        self.wrong(name, &error.outcome().message);
    }

    /// What the service says of itself; gives back its features.
    fn health(&mut self, outcome: Outcome) -> Vec<Foreign> {
        match outcome.code {
            Code::Ok => self.well("service", "is well"),
            _ => self.wrong("service", &outcome.message),
        }
        let names: Vec<&str> = outcome.features.iter().map(Foreign::as_str).collect();
        let said = match names.is_empty() {
            true => "none beyond events: it is not versioner-server".to_owned(),
            false => names.join(", "),
        };
        self.well("features", &said);
        outcome.features
    }

    /// Whether the service takes the key.
    fn key(&mut self, asked: Result<Outcome, Error>) {
        match asked {
            Ok(_) => self.well("key", "the service accepts it, and it may read"),
            Err(error) if error.outcome().kind == Kind::Authorization => {
                self.well("key", "the service accepts it, but it may not read");
            }
            Err(error) => self.wrong("key", &error.outcome().message),
        }
    }

    fn end(self, setup: &Setup, features: Vec<Foreign>) -> u8 {
        let wrong = self.0.iter().filter(|line| !line.is_well);
        let wrong: Vec<&str> = wrong.map(|line| line.name.as_str()).collect();
        let mut outcome = match wrong.is_empty() {
            true => Outcome::new(None, Kind::Ok, "all is well"),
            // Whatever it is, it is for this machine's people to set right.
            false => Outcome::new(
                None,
                Kind::Config,
                format!("something is to be set right: {}", wrong.join(", ")),
            ),
        };
        outcome.features = features;
        let lines: Vec<Value> = self.0.iter().map(Line::to_json).collect();
        outcome.data = Some(json!({"lines": lines}));
        setup.end(&outcome, Told::default(), |_| {
            for line in &self.0 {
                let mark = if line.is_well { "✓" } else { "✗" };
                console::print(&format!("{mark} {}: {}", line.name, line.said));
            }
        })
    }
}

impl Line {
    fn to_json(&self) -> Value {
        json!({"ok": self.is_well, "name": self.name, "said": self.said})
    }
}

/// Whose certificates are trusted.
fn certificates(setup: &Setup, settings: &[Explained]) -> String {
    let only = settings
        .iter()
        .find(|explained| explained.field == "ca_file");
    let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let named = variables
        .into_iter()
        .find(|name| setup.environment.hint(name).is_some());
    match (only, named) {
        (Some(only), _) => format!("those in {} alone", only.value),
        (None, Some(name)) => format!("those that {name} names"),
        (None, None) => "the system's".to_owned(),
    }
}

fn time(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}
