//! `versioner outbox`: what could not be delivered is sent, shown, or thrown away.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;

use super::setup::{Output, Setup, Told, named};
use super::{interrupt, table};
use crate::client::Client;
use crate::input::detect::Detected;
use crate::model::kind::Code;
use crate::model::outcome::{Error, Outcome};
use crate::outbox::Unwanted;
use crate::report::console;

const EXAMPLES: &str = "\
Examples:
  export VERSIONER_OUTBOX=/var/lib/ci/outbox VERSIONER_FAIL_ON_API_ERROR=false
  versioner outbox list
  versioner outbox send
  versioner outbox drop --refused";

const SEND_CODES: &str = "\
Exit codes:
  0  nothing waits any more for this service and account
  1  bad configuration, network failure, interrupted
  4  the service refused or failed
  5  an event was refused by policy; it is kept in refused/";

/// `versioner outbox` with its commands.
pub fn command() -> Command {
    let switch = |name: &'static str, help| {
        Arg::new(name)
            .long(name)
            .help(help)
            .action(ArgAction::SetTrue)
    };
    let send = Command::new("send")
        .about("Deliver what waits, in its order")
        .after_help(format!("{EXAMPLES}\n\n{SEND_CODES}"))
        .arg(switch(
            "refused",
            "Try what was refused once more, with what waits",
        ));
    let list = Command::new("list")
        .about("Show what waits, and what was refused")
        .after_help(EXAMPLES);
    let drop = Command::new("drop")
        .about("Throw events away; they will not be recorded")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .help("Files, as `versioner outbox list` names them")
                .num_args(1..)
                .required_unless_present_any(["all", "refused"])
                .conflicts_with_all(["all", "refused"]),
        )
        .arg(switch("all", "Everything").conflicts_with("refused"))
        .arg(switch("refused", "What was refused"));
    Command::new("outbox")
        .about("Deliver, show or throw away what could not be delivered")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .subcommand(send)
        .subcommand(list)
        .subcommand(drop)
}

/// Runs one of the commands; gives back the exit code.
pub fn run(command: Option<(&str, &ArgMatches)>) -> u8 {
    let Some((name, flags)) = command else {
        return Code::Error as u8;
    };
    let setup = Setup::new(flags);
    let outcome = match name {
        "send" => send(&setup, flags),
        "list" => keyless(&setup).and_then(|client| client.list_outbox()),
        _ => keyless(&setup)
            .and_then(|client| client.drop_from_outbox(&unwanted(flags), &interrupt::on_signal())),
    };
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), None);
    setup.end(&outcome, Told::default(), |outcome| match outcome.code {
        Code::Ok if name == "list" => show(outcome),
        Code::Ok => console::print(&format!("✓ {}", outcome.message)),
        _ => console::error(&outcome.text()),
    })
}

fn send(setup: &Setup, flags: &ArgMatches) -> Result<Outcome, Error> {
    let client = setup.client()?;
    let progress = |handled: usize, all: usize| {
        if setup.output == Output::Text {
            let line = format!("outbox: {handled} of {all}");
            console::progress(&line, false, table::terminal_width());
        }
    };
    client.send_outbox(
        flags.get_flag("refused"),
        &interrupt::on_signal(),
        &progress,
    )
}

/// A client that only looks at the disk.
fn keyless(setup: &Setup) -> Result<Client, Error> {
    Client::without_key(setup.options.clone(), &Detected::default())
}

fn unwanted(flags: &ArgMatches) -> Unwanted {
    if flags.get_flag("all") {
        return Unwanted::All;
    }
    if flags.get_flag("refused") {
        return Unwanted::Refused;
    }
    let files = flags.get_many::<String>("file").unwrap_or_default();
    Unwanted::Files(files.cloned().collect())
}

fn show(outcome: &Outcome) {
    let data = outcome.data.as_ref().unwrap_or(&Value::Null);
    let waiting = table::items(data, "queued").iter();
    let refused = table::items(data, "refused").iter();
    let rows: Vec<Vec<String>> = waiting
        .map(|item| row(item, "waits".to_owned()))
        .chain(refused.map(|item| row(item, why(item))))
        .collect();
    let directory = table::text(data, "directory");
    if rows.is_empty() {
        console::error(&format!("nothing is in {directory}"));
        return;
    }
    table::show(
        &[
            "WHEN",
            "PRODUCT",
            "VERSION",
            "ENVIRONMENT",
            "STATUS",
            "NOTE",
            "FILE",
        ],
        rows,
    );
}

fn row(item: &Value, note: String) -> Vec<String> {
    let note = match table::text(item, "problem") {
        problem if problem.is_empty() => note,
        problem => problem,
    };
    vec![
        table::time(item, "occurred_at"),
        table::text(item, "product"),
        table::text(item, "version"),
        table::text(item, "environment"),
        table::text(item, "status"),
        note,
        table::text(item, "file"),
    ]
}

/// Why an event was refused.
fn why(item: &Value) -> String {
    let none = Value::Null;
    let answer = item.get("answer").unwrap_or(&none);
    format!("refused: {}", table::text(answer, "reason"))
}
