//! `versioner check`: may this deployment start?

use clap::ArgMatches;

use super::setup::{Setup, Told, named};
use super::{explain, github, interrupt, track};
use crate::model::event::EventKind;
use crate::model::foreign::Foreign;
use crate::model::kind::Code;
use crate::model::outcome::{Error, Outcome};
use crate::report::console;

/// Asks and tells the verdict; gives back the exit code.
pub fn run(flags: &ArgMatches) -> u8 {
    let setup = Setup::new(flags);
    let kind = Some(EventKind::Deployment);
    let event = match track::deployment(flags, &setup) {
        Ok(event) => event,
        Err(failure) => return setup.refuse(failure, kind),
    };
    let setup = match setup.with_git(flags) {
        Ok(setup) => setup,
        Err(code) => return code,
    };
    let mut told = Told::default();
    let outcome = setup.client().and_then(|client| {
        told.values = explain::before(&setup, || client.explain_check(&event).ok());
        client.check_deployment_with(&event, &interrupt::on_signal())
    });
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), kind);
    let code = setup.end(&outcome, told, show);
    github::annotate(&outcome, &setup);
    code
}

fn show(outcome: &Outcome) {
    if outcome.code != Code::Ok {
        console::error(&outcome.text());
        return;
    }
    console::print(&format!("✓ {}", outcome.text()));
    if let Some(latest) = latest(outcome) {
        console::print(&latest);
    }
}

/// What started there last.
fn latest(outcome: &Outcome) -> Option<String> {
    let latest = outcome.data.as_ref()?.get("latest")?;
    let text = |name: &str| Some(Foreign::line(latest.get(name)?.as_str()?));
    Some(format!(
        "  Latest there: {} ({})",
        text("version")?,
        text("status")?
    ))
}
