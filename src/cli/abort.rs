//! `versioner abort`: ends a deployment that nobody ends any more.

use clap::ArgMatches;

use super::interrupt;
use super::setup::{Setup, Told, named, text};
use crate::client::Client;
use crate::model::kind::Code;
use crate::model::outcome::{Error, Outcome};
use crate::report::console;

/// Ends it and tells so; gives back the exit code.
pub fn run(flags: &ArgMatches) -> u8 {
    let setup = Setup::new(flags);
    let (deployment, reason) = (text(flags, "deployment"), text(flags, "reason"));
    let outcome = Client::new(setup.options.clone())
        .and_then(|client| client.abort(&deployment, &reason, &interrupt::on_signal()));
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), None);
    setup.end(&outcome, Told::default(), show)
}

fn show(outcome: &Outcome) {
    match outcome.code {
        Code::Ok => console::print(&format!("✓ {}", outcome.message)),
        _ => console::error(&outcome.text()),
    }
}
