//! What would be sent, and where each value comes from.

use super::setup::{Output, Setup, Told, explained, named};
use super::track::Event;
use crate::client::Client;
use crate::input::environment::Environment;
use crate::input::settings::Options;
use crate::model::event::EventKind;
use crate::model::explanation::{Explained, Explanation};
use crate::model::foreign::Foreign;
use crate::model::kind::Kind;
use crate::model::log::Logger;
use crate::model::outcome::{Error, Outcome};
use crate::model::source::Source;
use crate::report::console;

/// Prints the request and the table, and sends nothing; gives back the exit code. Fails as sending
/// would before it connects; if only the API key is missing, after everything is printed.
pub fn dry_run(setup: &Setup, kind: EventKind, event: &Event) -> u8 {
    let explanation = match setup.client() {
        Ok(client) => event.explain(&client).inspect(|explanation| {
            for warning in &explanation.warnings {
                console::error(&format!("warning: {}", warning.message));
            }
        }),
        Err(error) => {
            if let Some(explanation) = without_key(setup, event) {
                return failed(setup, kind, error, Some(&explanation));
            }
            Err(error)
        }
    };
    match explanation {
        Ok(explanation) => {
            let mut outcome = Outcome::new(Some(kind), Kind::Ok, "dry run: nothing was sent");
            outcome.warnings = explanation.warnings.clone();
            setup.end(&outcome, told(&explanation), |_| {
                show(&explanation, setup);
            })
        }
        Err(error) => failed(setup, kind, error, None),
    }
}

/// Sending would warn of nothing more before it fails.
fn without_key(setup: &Setup, event: &Event) -> Option<Explanation> {
    let options = Options {
        logger: Logger::default(),
        ..setup.options.clone()
    };
    let client = Client::without_key(options, &setup.git);
    event.explain(&client.ok()?).ok()
}

fn failed(setup: &Setup, kind: EventKind, error: Error, explanation: Option<&Explanation>) -> u8 {
    let outcome = named(error.into_outcome(), Some(kind));
    let told = explanation.map(told).unwrap_or_default();
    setup.end(&outcome, told, |outcome| {
        if let Some(explanation) = explanation {
            show(explanation, setup);
        }
        console::error(&outcome.text());
    })
}

fn told(explanation: &Explanation) -> Told {
    let mut request = explanation.to_json();
    if let Some(members) = request.as_object_mut() {
        members.retain(|name, _| name != "values" && name != "settings");
    }
    let settings = explained(&explanation.settings);
    let more = [("request", request), ("settings", settings)];
    Told {
        values: explanation.values.clone(),
        more: more
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect(),
    }
}

/// The values that are about to be sent, for a JSON result, and shown if more is asked for. What
/// cannot be explained cannot be sent either, and sending says why.
pub fn before(setup: &Setup, explain: impl FnOnce() -> Option<Explanation>) -> Vec<Explained> {
    if !setup.is_verbose && setup.output == Output::Text {
        return Vec::new();
    }
    let Some(explanation) = explain() else {
        return Vec::new();
    };
    if setup.is_verbose {
        table(&explanation, setup).for_each(|line| console::error(&line));
    }
    explanation.values
}

fn show(explanation: &Explanation, setup: &Setup) {
    console::print(&format!("{} {}", explanation.method, explanation.url));
    for (name, value) in &explanation.headers {
        console::print(&format!("{name}: {value}"));
    }
    // Line by line: a block is cut if it is long.
    for line in format!("\n{}\n", explanation.body).lines() {
        console::print(line);
    }
    console::print("");
    for line in table(explanation, setup) {
        console::print(&line);
    }
}

/// One line for each value and setting.
fn table(explanation: &Explanation, setup: &Setup) -> impl Iterator<Item = String> {
    let all = explanation.values.iter().chain(&explanation.settings);
    all.map(|explained| {
        let (field, value) = (
            Foreign::line(&explained.field),
            Foreign::line(&explained.value),
        );
        // Beside a command, the status is nobody's flag.
        let source = match (setup.output, explained.argument) {
            (Output::Aside, "status") => "versioner run".to_owned(),
            _ => source(explained, &setup.environment),
        };
        format!("{field} {value} ({source})")
    })
}

/// An argument is a flag here, and the folder of the user is `~`.
pub fn source(explained: &Explained, environment: &Environment) -> String {
    match &explained.source {
        Source::Argument => format!("--{}", explained.argument.replace('_', "-")),
        Source::File { path, line } => {
            let home = environment.home();
            match home.and_then(|home| path.strip_prefix(home).ok().map(ToOwned::to_owned)) {
                Some(rest) => format!("~/{}:{line}", rest.display()),
                None => explained.source.to_string(),
            }
        }
        source => source.to_string(),
    }
}
