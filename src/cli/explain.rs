//! What would be sent, and where each value comes from.

use super::track::Event;
use crate::client::Client;
use crate::input::environment::Environment;
use crate::input::settings::Options;
use crate::model::explanation::{Explained, Explanation};
use crate::model::foreign::Foreign;
use crate::model::log::Logger;
use crate::model::outcome::Error;
use crate::model::source::Source;
use crate::report::console;

/// Prints the request and the table, and sends nothing. Fails as sending would before it connects;
/// if only the API key is missing, after everything is printed.
pub fn dry_run(options: Options, event: &Event, environment: &Environment) -> Result<(), Error> {
    let error = match Client::new(options.clone()) {
        Ok(client) => {
            let explanation = event.explain(&client)?;
            for warning in &explanation.warnings {
                console::error(&format!("warning: {}", warning.message));
            }
            show(&explanation, environment);
            return Ok(());
        }
        Err(error) => error,
    };
    // Sending would warn of nothing more before it fails.
    let client = Client::without_key(Options {
        logger: Logger::default(),
        ..options
    });
    let explanation = client.and_then(|client| event.explain(&client).ok());
    if let Some(explanation) = explanation {
        show(&explanation, environment);
    }
    Err(error)
}

fn show(explanation: &Explanation, environment: &Environment) {
    console::print(&format!("{} {}", explanation.method, explanation.url));
    for (name, value) in &explanation.headers {
        console::print(&format!("{name}: {value}"));
    }
    // Line by line: a block is cut if it is long.
    for line in format!("\n{}\n", explanation.body).lines() {
        console::print(line);
    }
    console::print("");
    for line in table(explanation, environment) {
        console::print(&line);
    }
}

/// One line for each value and setting.
pub fn table(explanation: &Explanation, environment: &Environment) -> impl Iterator<Item = String> {
    let all = explanation.values.iter().chain(&explanation.settings);
    all.map(|explained| {
        let (field, value) = (
            Foreign::line(&explained.field),
            Foreign::line(&explained.value),
        );
        format!("{field} {value} ({})", origin(explained, environment))
    })
}

/// An argument is a flag here, and the folder of the user is `~`.
fn origin(explained: &Explained, environment: &Environment) -> String {
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
