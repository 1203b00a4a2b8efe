//! The commands and their flags. The flags of an event are made from its fields, so that a new
//! field has one at once.

mod asking;
mod waiting;

use std::time::Duration;

use clap::{Arg, ArgAction, Command, value_parser};
use clap_complete::Shell;

use crate::input::settings::{
    BOOL_WORDS, DEFAULT_API_URL, DEFAULT_ATTEMPT_TIMEOUT, DEFAULT_UI_URL, parse_bool,
};
use crate::model::event::{EventKind, Field, FieldKind};
use crate::model::retries::Retries;

const ABOUT: &str =
    "Tell Versioner what is built and what is deployed where, and stop when it says no";

pub const EXIT_CODES: &str = "\
Exit codes:
  0  recorded
  1  bad argument or configuration, network failure, interrupted
  4  the service refused or failed
  5  rejected by policy: do not deploy";

fn settings() -> String {
    let retries = Retries::default();
    format!(
        "\
Settings without a flag, as variables (or in the configuration file, in lower case and without
VERSIONER_):
  VERSIONER_MAX_RETRIES      attempts after the first [default: {}]
  VERSIONER_RETRY_PAUSE      seconds before the first retry [default: {}]
  VERSIONER_ATTEMPT_TIMEOUT  seconds for one attempt [default: {}]
  VERSIONER_TOTAL_TIMEOUT    seconds for all attempts and pauses [default: {}]
  VERSIONER_CA_FILE          PEM file of the only certificate authorities to trust
  VERSIONER_CLIENT_CERT      PEM file of a client certificate
  VERSIONER_CLIENT_KEY       PEM file of its key
  VERSIONER_ENVIRONMENTS     the environments that there are, separated by commas; any other is an error",
        retries.max_retries,
        retries.pause.as_secs(),
        DEFAULT_ATTEMPT_TIMEOUT.as_secs(),
        retries.total.as_secs(),
    )
}

const EXAMPLES: &str = "\
Examples:
  export VERSIONER_API_KEY=sk_...
  versioner track build --product api --version 1.2.3
  versioner track deployment --product api --environment production --version 1.2.3";

const BUILD_EXAMPLES: &str = "\
Examples:
  # In a CI system that is detected, nothing needs to be said:
  versioner track build

  versioner track build --product api --version 1.2.3 --scm-sha \"$(git rev-parse HEAD)\"
  versioner track build --product api --version 1.2.3 --status failed \\
      --extra-metadata '{\"image\": \"acme/api:1.2.3\"}'";

const DEPLOYMENT_EXAMPLES: &str = "\
Examples:
  # Ask before, deploy only if allowed, tell how it ended:
  versioner track deployment --product api --environment production --version 1.2.3 --status started
  ./deploy.sh
  versioner track deployment --product api --environment production --version 1.2.3

  # Wait for an approval or a window, half an hour at most:
  versioner track deployment --product api --environment production --version 1.2.3 \\
      --status started --wait 30m

  # See what would be sent, and why; nothing is:
  versioner track deployment --product api --environment production --version 1.2.3 --dry-run

  # A tracking service that is down must not stop this deployment; a rejection still does:
  versioner track deployment --product api --environment production --version 1.2.3 \\
      --status started --fail-on-api-error=false";

/// The whole command line.
pub fn command() -> Command {
    Command::new("versioner")
        .about(ABOUT)
        .after_help(format!("{EXAMPLES}\n\n{EXIT_CODES}"))
        .version(crate::VERSION)
        .subcommand_required(true)
        .args(global())
        .subcommand(track())
        .subcommand(super::run::command())
        .subcommand(super::span::command())
        .subcommand(super::outbox::command())
        .subcommands(asking::commands())
        .subcommand(
            Command::new("version")
                .about("Print the version of this program")
                .after_help("Example:\n  versioner version"),
        )
        .subcommand(
            Command::new("completion")
                .about("Print a script that completes commands and flags in a shell")
                .after_help("Example:\n  source <(versioner completion bash)")
                .arg(
                    Arg::new("shell")
                        .required(true)
                        .value_parser(value_parser!(Shell)),
                ),
        )
}

fn track() -> Command {
    let tracked = |name, kind, about, examples| {
        let help = format!("{examples}\n\n{EXIT_CODES}\n\n{}", settings());
        event(name, kind, about).after_help(help)
    };
    Command::new("track")
        .about("Record an event")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .subcommand(tracked(
            "build",
            EventKind::Build,
            "Record that something was built",
            BUILD_EXAMPLES,
        ))
        .subcommand(tracked(
            "deployment",
            EventKind::Deployment,
            "Record a deployment; with --status started, ask whether it may happen",
            DEPLOYMENT_EXAMPLES,
        ))
}

/// A command that takes an event's flags.
pub fn event(name: &'static str, kind: EventKind, about: &'static str) -> Command {
    let command = Command::new(name).about(about).args(fields(kind));
    match kind {
        EventKind::Build => command,
        EventKind::Deployment => command.args(of_deployments()).args(waiting::flags()),
    }
}

fn of_deployments() -> [Arg; 3] {
    let skip = switch(
        "skip_preflight_checks",
        "Deprecated: deploy without preflight checks. Set the rule to report-only or disabled on \
         the server instead [default: false]",
    );
    let reason = text(
        "skip_reason",
        "Why the preflight checks are skipped; kept with the deployment".to_owned(),
    )
    .value_name("TEXT");
    let part = text(
        "part",
        "Which of several legs of one run this is, such as a region of a matrix: together they \
         are one deployment, which ends when every leg that started has ended"
            .to_owned(),
    )
    .value_name("NAME");
    [skip, reason, part]
}

fn global() -> Vec<Arg> {
    let common = |argument: Arg| {
        argument
            .global(true)
            .help_heading("Common options")
            .display_order(1_000)
    };
    let option = |name: &'static str, value, help: &str| {
        common(text(name, help.to_owned()).value_name(value))
    };
    let flag = |name: &'static str, help| {
        common(
            Arg::new(name)
                .long(name.replace('_', "-"))
                .help(help)
                .action(ArgAction::SetTrue),
        )
    };
    vec![
        option(
            "config",
            "FILE",
            "Configuration file [env: VERSIONER_CONFIG] [default: ~/.versioner/config.yaml, if that exists]",
        ),
        option(
            "api_url",
            "URL",
            &format!(
                "Base URL of the service [env: VERSIONER_API_URL] [default: {DEFAULT_API_URL}]"
            ),
        ),
        option(
            "api_key",
            "KEY",
            "API key. It shows in process lists: better set VERSIONER_API_KEY [env: VERSIONER_API_KEY]",
        ),
        option(
            "ui_url",
            "URL",
            &format!(
                "Base URL of the web interface, for links [env: VERSIONER_UI_URL] \
                 [default: {DEFAULT_UI_URL}]"
            ),
        ),
        option(
            "outbox",
            "DIR",
            "Keep in this directory what cannot be delivered, and deliver it later; auto is one of \
             your own, if the machine outlives the job [env: VERSIONER_OUTBOX] [default: none]",
        ),
        flag(
            "verbose",
            "Show where each value comes from, and every identifier",
        )
        .short('v'),
        flag("debug", "Show each attempt as well"),
        flag(
            "no_git",
            "Take nothing from the git repository of the working directory, which is asked if no CI \
             system is found [env: VERSIONER_GIT=false]",
        ),
        option(
            "output",
            "FORMAT",
            "What stands on standard output: text for people, or json, one object with the result, \
             errors included [default: text]",
        )
        .value_parser(["text", "json"]),
    ]
}

fn fields(kind: EventKind) -> Vec<Arg> {
    let mut arguments: Vec<Arg> = kind.fields().iter().map(field).collect();
    arguments.push(fail_on_api_error());
    arguments.push(
        Arg::new("dry_run")
            .long("dry-run")
            .help("Send nothing; print the request, and where each value comes from")
            .action(ArgAction::SetTrue),
    );
    arguments.push(allow_literal());
    arguments.push(
        text(
            "idempotency_key",
            "What makes two calls one event, such as a CI's retry of this step [default: a new one \
             for each call]"
                .to_owned(),
        )
        .value_name("TEXT"),
    );
    arguments
}

fn allow_literal() -> Arg {
    Arg::new("allow_literal")
        .long("allow-literal")
        .help(
            "Send product, environment and version as they are, even if one looks like a \
             placeholder that nobody replaced, such as $(Stage)",
        )
        .action(ArgAction::SetTrue)
}

fn field(field: &Field) -> Arg {
    let value = match field.kind {
        FieldKind::Status => "STATUS",
        FieldKind::Json => "JSON",
        FieldKind::Time => "TIME",
        FieldKind::Url => "URL",
        FieldKind::Name | FieldKind::Text => "TEXT",
    };
    let about = field.about.trim().trim_end_matches('.').replace('`', "");
    text(field.name, format!("{about} [env: {}]", field.variable())).value_name(value)
}

pub fn fail_on_api_error() -> Arg {
    switch(
        "fail_on_api_error",
        "Whether an event that cannot be recorded is an error; a rejection always is \
         [env: VERSIONER_FAIL_ON_API_ERROR] [default: true]",
    )
}

/// Reads a duration: a number of seconds, or one with the unit ms, s, m, h or d.
pub fn duration(text: &str) -> Result<Duration, String> {
    let problem = || "must be a duration, such as 90, 90s, 10m or 2h".to_owned();
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(problem()),
    };
    let number: f64 = number.parse().map_err(|_| problem())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| problem())
}

/// A flag with a text after it. A text that begins with a hyphen must follow an equals sign: where
/// the variable after a flag is empty, the next flag would be taken for its value.
fn text(name: &'static str, help: String) -> Arg {
    Arg::new(name)
        .long(name.replace('_', "-"))
        .help(help)
        .allow_negative_numbers(true)
}

/// A flag that is true alone and takes a yes or no.
fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name.replace('_', "-"))
        .help(help)
        .value_name("BOOL")
        .num_args(0..=1)
        .default_missing_value("true")
        .value_parser(boolean)
}

fn boolean(text: &str) -> Result<bool, String> {
    parse_bool(text.trim()).ok_or_else(|| format!("must be {BOOL_WORDS}"))
}
