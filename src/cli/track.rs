//! `versioner track`: from flags to an event, and from its outcome to what people see.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{explain, github, interrupt};
use crate::client::Client;
use crate::input::environment::Environment;
use crate::input::settings::Options;
use crate::model::event::{BuildEvent, DeploymentEvent, EventKind};
use crate::model::explanation::Explanation;
use crate::model::interrupt::Interrupt;
use crate::model::kind::{Code, Kind};
use crate::model::log::{Level, Logger};
use crate::model::outcome::{Error, Outcome};
use crate::report::console;

/// Records an event and reports it; gives back the exit code.
pub fn run(kind: EventKind, flags: &ArgMatches) -> u8 {
    let environment = Environment::from_process();
    if flags.value_source("api_key") == Some(ValueSource::CommandLine) {
        console::error(
            "warning: --api-key shows in process lists; set the variable VERSIONER_API_KEY instead",
        );
    }
    let event = Event::new(kind, flags);
    let options = options(flags, &environment);
    if flags.get_flag("dry_run") {
        return match explain::dry_run(options, &event, &environment) {
            Ok(()) => Code::Ok as u8,
            Err(error) => ended(&named(error.into_outcome(), kind), false),
        };
    }
    let is_verbose = flags.get_flag("verbose") || flags.get_flag("debug");
    let client = Client::new(options);
    let ui_url = client
        .as_ref()
        .map(|client| client.ui_url().to_owned())
        .unwrap_or_default();
    let outcome = client.and_then(|client| {
        // What cannot be explained cannot be sent either, and sending says why.
        if let Some(explanation) = is_verbose.then(|| event.explain(&client).ok()).flatten() {
            explain::table(&explanation, &environment).for_each(|line| console::error(&line));
        }
        event.track(&client, &interrupt::on_signal())
    });
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), kind);
    let code = ended(&outcome, is_verbose);
    github::report(&outcome, &ui_url, &environment);
    code
}

/// The outcome of this command, with what is wrong named as it is here.
fn named(mut outcome: Outcome, kind: EventKind) -> Outcome {
    outcome.event = Some(kind);
    name_flag(&mut outcome);
    outcome
}

/// Shows the outcome; gives back the exit code.
fn ended(outcome: &Outcome, is_verbose: bool) -> u8 {
    show(outcome, is_verbose);
    outcome.code as u8
}

fn options(flags: &ArgMatches, environment: &Environment) -> Options {
    Options {
        api_key: text(flags, "api_key"),
        api_url: text(flags, "api_url"),
        ui_url: text(flags, "ui_url"),
        config: text(flags, "config"),
        fail_on_api_error: flags.get_one("fail_on_api_error").copied(),
        surface: "cli".to_owned(),
        environment: Some(environment.clone()),
        logger: logger(flags),
        ..Options::default()
    }
}

fn logger(flags: &ArgMatches) -> Logger {
    let shown = match (flags.get_flag("debug"), flags.get_flag("verbose")) {
        (true, _) => Level::Debug,
        (false, true) => Level::Info,
        (false, false) => Level::Warning,
    };
    Logger::new(move |level, message| {
        if level > shown {
            return;
        }
        match level {
            Level::Warning => console::error(&format!("warning: {message}")),
            Level::Info => console::error(message),
            Level::Debug => console::error(&format!("debug: {message}")),
        }
    })
}

/// An event as the flags give it.
pub enum Event {
    Build(BuildEvent),
    Deployment(DeploymentEvent),
}

impl Event {
    fn new(kind: EventKind, flags: &ArgMatches) -> Self {
        match kind {
            EventKind::Build => {
                let mut event = BuildEvent::default();
                for (name, text) in given(flags, kind) {
                    event.set_given(name, text);
                }
                event.allow_literal = flags.get_flag("allow_literal");
                Event::Build(event)
            }
            EventKind::Deployment => {
                let mut event = DeploymentEvent::default();
                for (name, text) in given(flags, kind) {
                    event.set_given(name, text);
                }
                event.allow_literal = flags.get_flag("allow_literal");
                event.skip_reason = text(flags, "skip_reason");
                event.skip_preflight_checks = flags.get_one("skip_preflight_checks").copied();
                Event::Deployment(event)
            }
        }
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

/// The fields that stand on the command line.
fn given(flags: &ArgMatches, kind: EventKind) -> impl Iterator<Item = (&'static str, &String)> {
    let fields = kind.fields().iter();
    fields.filter_map(|field| Some((field.name, flags.get_one(field.name)?)))
}

fn text(flags: &ArgMatches, name: &str) -> String {
    flags.get_one(name).cloned().unwrap_or_default()
}

/// Messages about an argument begin with its name; here it is a flag. If the value comes from
/// a file, the place follows in brackets.
fn name_flag(outcome: &mut Outcome) {
    let has_flag = outcome.kind == Kind::InvalidArgument
        || ["api_url", "ui_url", "fail_on_api_error"].contains(&outcome.argument);
    let rest = outcome.message.strip_prefix(outcome.argument);
    if let Some(rest) = rest.filter(|rest| has_flag && !rest.starts_with(" (")) {
        outcome.message = format!("--{}{rest}", outcome.argument.replace('_', "-"));
    }
}

fn show(outcome: &Outcome, is_verbose: bool) {
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
