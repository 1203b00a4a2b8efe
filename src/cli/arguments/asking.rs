//! The commands that ask, and the one that ends what nobody ends any more.

use clap::{Arg, ArgAction, Command};

use super::{allow_literal, field, text};
use crate::model::event::{EventKind, FieldKind};

const CHECK: &str = "\
Examples:
  # May this be deployed now? Nothing is recorded.
  versioner check --product api --environment production --version 1.2.3

  # Which rules say what, as data:
  versioner check --product api --environment production --version 1.2.3 --output json

Exit codes:
  0  it may start
  1  bad argument or configuration, network failure, interrupted
  4  the service refused or failed, or gave no clear answer
  5  a rule forbids it";

const STATE: &str = "\
Examples:
  versioner state
  versioner state --product api --output json";

const HISTORY: &str = "\
Examples:
  versioner history --since 7d
  versioner history --product api --environment production --status failed
  versioner history builds --product api --limit 10";

const ABORT: &str = "\
Example:
  versioner abort 0198c1d2-7a5f-7c3e-9d30-1f3b5a2c4d6e --reason \"the runner was lost\"";

const READING_CODES: &str = "\
Exit codes:
  0  answered
  1  bad argument or configuration, network failure, interrupted
  4  the service refused or failed";

pub fn commands() -> [Command; 5] {
    [check(), state(), history(), abort(), doctor()]
}

fn check() -> Command {
    let fields = EventKind::Deployment.fields().iter();
    let asked = fields.filter(|field| {
        // What is asked about has not ended.
        field.kind != FieldKind::Status && field.kind != FieldKind::Time
    });
    Command::new("check")
        .about("Ask whether a deployment may start; nothing is recorded")
        .after_help(CHECK)
        .args(asked.map(field))
        .arg(allow_literal())
}

fn state() -> Command {
    Command::new("state")
        .about("Show which version runs where")
        .after_help(format!("{STATE}\n\n{READING_CODES}"))
        .arg(name("product", "Only this product"))
}

fn history() -> Command {
    let limit = text(
        "limit",
        "The most that are shown, 1 to 500 [default: 50]".to_owned(),
    )
    .value_name("N")
    .value_parser(clap::value_parser!(u16).range(1..=500));
    Command::new("history")
        .about("List what was deployed or built, newest first")
        .after_help(format!("{HISTORY}\n\n{READING_CODES}"))
        .arg(
            Arg::new("of")
                .value_name("WHAT")
                .help("What to list")
                .default_value("deployments")
                .value_parser(["deployments", "builds"]),
        )
        .arg(name("product", "Only of this product"))
        .arg(name("environment", "Only deployments to this environment"))
        .arg(name("version", "Only of this version"))
        .arg(name("status", "Only with this status, or an alias of it"))
        .arg(time(
            "since",
            "Only what is not older: 30m, 12h, 7d, 2w, or an RFC 3339 time",
        ))
        .arg(time("until", "Only what is older, in the same forms"))
        .arg(limit)
}

fn abort() -> Command {
    Command::new("abort")
        .about("End a deployment that nobody ends any more, so that the next one can start")
        .after_help(format!("{ABORT}\n\n{READING_CODES}"))
        .arg(
            Arg::new("deployment")
                .value_name("DEPLOYMENT")
                .help("Identifier of the deployment, as the rejection, history and state show it")
                .required(true),
        )
        .arg(
            name("reason", "Why, for the record")
                .required(true)
                .action(ArgAction::Set),
        )
}

fn doctor() -> Command {
    Command::new("doctor").about("Show the settings and the way to the service, and what is wrong with them").after_help(
        "Example:\n  versioner doctor\n\nExit codes:\n  0  all is well\n  1  something is not; its line says what to do",
    )
}

fn name(name: &'static str, help: &str) -> Arg {
    text(name, help.to_owned()).value_name("TEXT")
}

fn time(name: &'static str, help: &str) -> Arg {
    text(name, help.to_owned()).value_name("TIME")
}
