//! `versioner track`: from flags to an event, and from its outcome to what people see.

use clap::ArgMatches;

use super::setup::{Setup, Told, named, text, version};
use super::{explain, github, interrupt};
use crate::client::Client;
use crate::model::event::{BuildEvent, DeploymentEvent, EventKind};
use crate::model::explanation::Explanation;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::outcome::{Error, Outcome};
use crate::model::status::Status;
use crate::report::console;

/// Records an event and reports it; gives back the exit code.
pub fn run(kind: EventKind, flags: &ArgMatches) -> u8 {
    let setup = Setup::new(flags);
    let mut event = match Event::new(kind, flags, &setup) {
        Ok(event) => event,
        Err(failure) => return setup.refuse(failure, Some(kind)),
    };
    let setup = match setup.with_git(flags) {
        Ok(setup) => setup,
        Err(code) => return code,
    };
    if flags.get_flag("dry_run") {
        return explain::dry_run(&setup, kind, &event);
    }
    let client = setup.client();
    let ui_url = client
        .as_ref()
        .map(|client| client.ui_url().to_owned())
        .unwrap_or_default();
    let mut told = Told::default();
    let outcome = client.and_then(|client| {
        event
            .wait_as_said(&client, &setup)
            .map_err(|failure| failure.into_outcome(None))?;
        told.values = explain::before(&setup, || event.explain(&client).ok());
        event.track(&client, &interrupt::on_signal())
    });
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), Some(kind));
    let code = setup.end(&outcome, told, |outcome| show(outcome, setup.is_verbose));
    github::report(&outcome, &ui_url, &setup);
    code
}

/// An event as the flags give it.
pub enum Event {
    Build(BuildEvent),
    Deployment(DeploymentEvent),
}

impl Event {
    pub fn new(kind: EventKind, flags: &ArgMatches, setup: &Setup) -> Result<Self, Failure> {
        Ok(match kind {
            EventKind::Build => {
                let mut event = BuildEvent::default();
                for (name, text) in given(flags, kind) {
                    event.set_given(name, text);
                }
                event.allow_literal = flags.get_flag("allow_literal");
                event.idempotency_key = given_text(flags, "idempotency_key");
                event.version = version(&event.version, flags, &setup.environment)?;
                Event::Build(event)
            }
            EventKind::Deployment => {
                let mut event = deployment(flags, setup)?;
                event.idempotency_key = given_text(flags, "idempotency_key");
                event.skip_reason = text(flags, "skip_reason");
                event.part = given_text(flags, "part");
                event.wait = flags.get_one("wait").copied();
                event.wait_for = given_text(flags, "wait_for");
                event.wait_superseded = given_text(flags, "wait_superseded");
                event.skip_preflight_checks = flags.get_one("skip_preflight_checks").copied();
                Event::Deployment(event)
            }
        })
    }

    /// The same as a start.
    pub fn into_start(mut self) -> Self {
        let status = match &mut self {
            Event::Build(event) => &mut event.status,
            Event::Deployment(event) => &mut event.status,
        };
        Status::Started.as_str().clone_into(status);
        self
    }

    /// Takes what the variable `VERSIONER_WAIT` says, which may be set for a whole pipeline: a start
    /// alone waits.
    pub fn wait_as_said(&mut self, client: &Client, setup: &Setup) -> Result<(), Failure> {
        if let Event::Deployment(event) = self
            && event.wait.is_none()
            && let Some(wait) = setup.wait()?
            && client.is_start(event)
        {
            event.wait = Some(wait);
        }
        Ok(())
    }

    fn track(&self, client: &Client, interrupt: &Interrupt) -> Result<Outcome, Error> {
        match self {
            Event::Build(event) => client.track_build_with(event, interrupt),
            Event::Deployment(event) => client.track_deployment_with(event, interrupt),
        }
    }

    pub fn explain(&self, client: &Client) -> Result<Explanation, Error> {
        match self {
            Event::Build(event) => client.explain_build(event),
            Event::Deployment(event) => client.explain_deployment(event),
        }
    }
}

/// What every command that is about a deployment takes of it.
pub fn deployment(flags: &ArgMatches, setup: &Setup) -> Result<DeploymentEvent, Failure> {
    let mut event = DeploymentEvent {
        allow_literal: flags.get_flag("allow_literal"),
        ..DeploymentEvent::default()
    };
    for (name, text) in given(flags, EventKind::Deployment) {
        event.set_given(name, text);
    }
    event.version = version(&event.version, flags, &setup.environment)?;
    Ok(event)
}

/// The fields that stand on the command line.
fn given(flags: &ArgMatches, kind: EventKind) -> impl Iterator<Item = (&'static str, &String)> {
    let fields = kind.fields().iter();
    fields.filter_map(|field| Some((field.name, flags.try_get_one(field.name).ok()??)))
}

/// A text that is given and empty is a variable that nobody set, not a flag that is not there.
fn given_text(flags: &ArgMatches, name: &str) -> String {
    match flags.get_one::<String>(name).map(String::as_str) {
        Some("") => " ".to_owned(),
        text => text.unwrap_or_default().to_owned(),
    }
}

/// Shows an outcome to people.
pub fn show(outcome: &Outcome, is_verbose: bool) {
    if !outcome.recorded {
        // An event that best effort let go was warned of already.
        if outcome.code as i32 != 0 {
            console::error(&outcome.text());
        }
        return;
    }
    let mut block = outcome.text();
    if is_verbose {
        let identifiers = [
            ("Product ID", &outcome.product_id),
            ("Version ID", &outcome.version_id),
            ("Environment ID", &outcome.environment_id),
            ("Status", &outcome.status),
            ("Deployed at", &outcome.deployed_at),
        ];
        for (label, value) in identifiers.iter().filter(|(_, value)| !value.is_empty()) {
            block.push_str(&format!("\n  {label}: {value}"));
        }
    }
    console::print(&block);
}
