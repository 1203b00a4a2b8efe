//! What every command has in common: its settings, and how its result is told.

use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde_json::{Map, Value, json};

use super::{arguments, table};
use crate::client::Client;
use crate::input::detect::{Detected, detect, pushed_tag};
use crate::input::environment::Environment;
use crate::input::git;
use crate::input::settings::{BOOL_WORDS, Options, parse_bool};
use crate::model::event::EventKind;
use crate::model::explanation::Explained;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::log::{Level, Logger};
use crate::model::outcome::{Error, Outcome};
use crate::model::progress::Progress;
use crate::report::console;

/// The variable that makes starts wait. Of the command line only: the library reads none.
const WAIT: &str = "VERSIONER_WAIT";

/// How a result is told on standard output. Everything else goes to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Text,
    /// One JSON object, errors included; `output.schema.json` describes it.
    Json,
    /// For people, and on standard error too: standard output is that of a command.
    Aside,
}

/// The settings of one run of a command.
pub struct Setup {
    pub environment: Environment,
    pub options: Options,
    pub output: Output,
    /// Whether people want to see more than the result.
    pub is_verbose: bool,
    /// What git tells about the working directory.
    pub git: Detected,
}

impl Setup {
    pub fn new(flags: &ArgMatches) -> Setup {
        if flags.value_source("api_key") == Some(ValueSource::CommandLine) {
            console::error(
                "warning: --api-key shows in process lists; set the variable VERSIONER_API_KEY \
                 instead",
            );
        }
        let environment = Environment::from_process();
        Setup {
            options: options(flags, &environment),
            output: Output::of(flags),
            is_verbose: flags.get_flag("verbose") || flags.get_flag("debug"),
            git: Detected::default(),
            environment,
        }
    }

    /// The same with what git tells, if it may be asked and no CI system tells more.
    /// If that cannot be decided, that is told, and the exit code is given back.
    pub fn with_git(mut self, flags: &ArgMatches) -> Result<Setup, u8> {
        match git_is_wanted(flags, &self.environment) {
            Ok(true) if detect(&self.environment).source_system.is_none() => {
                self.git = git::detect();
            }
            Ok(_) => {}
            Err(failure) => return Err(self.refuse(failure, None)),
        }
        Ok(self)
    }

    /// The same, without a word on standard output.
    pub fn beside_a_command(self) -> Setup {
        let output = Output::Aside;
        Setup { output, ..self }
    }

    /// How long a start waits that says nothing of it.
    pub fn wait(&self) -> Result<Option<Duration>, Failure> {
        let said = self.environment.setting(WAIT)?;
        let wait = said.map(|text| {
            arguments::duration(text).map_err(|problem| {
                Failure::setting("wait", format!("{WAIT} {problem}, but is {text:?}"))
            })
        });
        wait.transpose()
    }

    /// Tells why a command does nothing; gives back the exit code.
    pub fn refuse(&self, failure: Failure, event: Option<EventKind>) -> u8 {
        let outcome = named(failure.into_outcome(None), event);
        self.end(&outcome, Told::default(), |outcome| {
            console::error(&outcome.text())
        })
    }

    pub fn client(&self) -> Result<Client, Error> {
        Client::with_git(self.options.clone(), &self.git)
    }

    /// Tells how a command ended, for people by `show`; gives back the exit code.
    pub fn end(&self, outcome: &Outcome, told: Told, show: impl FnOnce(&Outcome)) -> u8 {
        match self.output {
            Output::Json => console::json(&told.document(outcome)),
            _ => show(outcome),
        }
        outcome.code as u8
    }
}

fn git_is_wanted(flags: &ArgMatches, environment: &Environment) -> Result<bool, Failure> {
    const VARIABLE: &str = "VERSIONER_GIT";
    let said = match environment.setting(VARIABLE)? {
        None => true,
        Some(text) => parse_bool(text).ok_or_else(|| {
            let message = format!("{VARIABLE} must be {BOOL_WORDS}, but is {text:?}");
            Failure::setting("git", message)
        })?,
    };
    Ok(said && !flags.get_flag("no_git") && git::is_wanted(environment))
}

/// The word that stands for the version that git tells.
const AUTO: &str = "auto";

/// A version in place of `auto`: the tag that was pushed, else what git makes of the commit.
pub fn version(
    given: &str,
    flags: &ArgMatches,
    environment: &Environment,
) -> Result<String, Failure> {
    if given != AUTO {
        return Ok(given.to_owned());
    }
    if let Some(tag) = pushed_tag(environment) {
        return Ok(tag.text);
    }
    let found = match git_is_wanted(flags, environment)? {
        true => git::version(),
        false => None,
    };
    found.map(|found| found.text).ok_or_else(|| {
        Failure::argument(
            "version",
            "version is auto, but no tag was pushed and git tells none: run this in a git \
             repository with a commit, without --no-git and sudo, or name the version",
        )
    })
}

impl Output {
    pub fn of(flags: &ArgMatches) -> Output {
        match flags.get_one::<String>("output").map(String::as_str) {
            Some("json") => Output::Json,
            _ => Output::Text,
        }
    }
}

/// What a JSON result has beyond the outcome.
#[derive(Default)]
pub struct Told {
    pub values: Vec<Explained>,
    /// Members of its own, of a command that has some.
    pub more: Map<String, Value>,
}

impl Told {
    /// The whole result.
    pub fn document(self, outcome: &Outcome) -> Value {
        let event_type = match outcome.event {
            Some(EventKind::Build) => "build",
            Some(EventKind::Deployment) => "deployment",
            None => "",
        };
        let mut document = json!({
            "ok": outcome.code as i32 == 0,
            "event_type": event_type,
            "queued": outcome.is_queued(),
            "values": explained(&self.values),
        });
        let Value::Object(mut members) = outcome.to_json() else {
            return document;
        };
        // No command asks for it.
        members.remove("version");
        let of_rejection = ["rule", "policy_code", "retry_after", "details"];
        let rejection = of_rejection.map(|name| (name, members.remove(name).unwrap_or_default()));
        document["rejection"] = match outcome.rejection {
            Some(_) => rejection
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            None => Value::Null,
        };
        for (name, value) in members.into_iter().chain(self.more) {
            document[name] = value;
        }
        document
    }
}

/// Each value by its name, with where it came from.
pub fn explained(values: &[Explained]) -> Value {
    let pair = |explained: &Explained| {
        let told = json!({"value": explained.value, "source": explained.source.to_string()});
        (explained.field.clone(), told)
    };
    values.iter().map(pair).collect()
}

fn options(flags: &ArgMatches, environment: &Environment) -> Options {
    Options {
        api_key: text(flags, "api_key"),
        api_url: text(flags, "api_url"),
        ui_url: text(flags, "ui_url"),
        config: text(flags, "config"),
        outbox: text(flags, "outbox"),
        fail_on_api_error: flags
            .try_get_one("fail_on_api_error")
            .ok()
            .flatten()
            .copied(),
        surface: "cli".to_owned(),
        environment: Some(environment.without(WAIT)),
        logger: logger(flags),
        progress: Progress::new(|line, is_change| {
            console::progress(line, is_change, table::terminal_width());
        }),
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

/// The value of a flag; empty if it is not given.
pub fn text(flags: &ArgMatches, name: &str) -> String {
    flags
        .try_get_one(name)
        .ok()
        .flatten()
        .cloned()
        .unwrap_or_default()
}

/// The outcome of this command, with what is wrong named as it is here.
pub fn named(mut outcome: Outcome, event: Option<EventKind>) -> Outcome {
    outcome.event = event;
    name_flag(&mut outcome);
    outcome
}

/// Messages about an argument begin with its name; here it is a flag. If the value comes from
/// a file, the place follows in brackets.
fn name_flag(outcome: &mut Outcome) {
    let has_flag = outcome.kind == Kind::InvalidArgument
        || ["api_url", "ui_url", "fail_on_api_error", "outbox"].contains(&outcome.argument);
    let rest = outcome.message.strip_prefix(outcome.argument);
    if let Some(rest) = rest.filter(|rest| has_flag && !rest.starts_with(" (")) {
        outcome.message = format!("--{}{rest}", outcome.argument.replace('_', "-"));
    }
}
