//! The command line of `versioner run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};

use crate::cli::{arguments, span};
use crate::model::event::EventKind;

const EXAMPLES: &str = "\
Examples:
  # Deploy only if allowed, and tell how it ended:
  versioner run deployment --product api --environment production --version 1.2.3 -- ./deploy.sh

  # Wait for an approval or a window, half an hour at most:
  versioner run deployment --product api --environment production --version 1.2.3 --wait 30m \\
      -- ./deploy.sh --fast

  versioner run build --product api --version 1.2.3 -- make dist";

const EXIT_CODES: &str = "\
Exit codes: that of the command, 128+N if signal N ended it; and if it did not run
    1  bad argument or configuration, network failure, interrupted
    4  the service refused or failed
    5  rejected by policy; --exit-rejected chooses another
  126  the command cannot be executed; nothing was recorded
  127  there is no such command; nothing was recorded";

/// `versioner run` with its commands.
pub fn command() -> Command {
    let of = |name, kind, about| {
        arguments::event(name, kind, about)
            .mut_arg("status", |status| status.hide(true))
            .mut_arg("idempotency_key", |key| key.hide(true))
            .args(own())
            .after_help(format!("{EXAMPLES}\n\n{EXIT_CODES}"))
    };
    let deployment = of(
        "deployment",
        EventKind::Deployment,
        "Ask whether a deployment may happen, run a command if it may, and tell how it ended",
    );
    Command::new("run")
        .about("Run a command between the start and the end of a deployment or build")
        .after_help(format!("{EXAMPLES}\n\n{EXIT_CODES}"))
        .subcommand_required(true)
        .subcommand(deployment.arg(span::lease()))
        .subcommand(of(
            "build",
            EventKind::Build,
            "Tell that a build begins, run a command, and tell how it ended",
        ))
}

/// The largest exit code that a command may have.
const MAX_EXIT_CODE: i64 = if cfg!(windows) { i32::MAX as i64 } else { 255 };

/// The ways to treat signals: the console of Windows always tells all its programs.
const SIGNALS: &[&str] = if cfg!(windows) {
    &["group"]
} else {
    &["forward", "group"]
};

fn own() -> [Arg; 7] {
    let timeout = Arg::new("timeout")
        .long("timeout")
        .value_name("DURATION")
        .help(
            "How long the command may run, such as 1h; then it gets SIGTERM, and SIGKILL 10 s later \
             (on Windows it is ended at once) [default: as long as it takes]",
        )
        .value_parser(arguments::duration);
    let success = Arg::new("success_codes")
        .long("success-codes")
        .value_name("CODES")
        .help("The exit codes of the command that are a success, such as 0,2")
        .value_delimiter(',')
        .default_value("0")
        .value_parser(value_parser!(i32).range(0..=MAX_EXIT_CODE));
    let rejected = Arg::new("exit_rejected")
        .long("exit-rejected")
        .value_name("CODE")
        .help("The exit code if policy forbids it")
        .default_value("5")
        .value_parser(value_parser!(u8));
    let signals = Arg::new("signals")
        .long("signals")
        .value_name("WAY")
        .help(
            "forward: hand TERM, HUP, QUIT and INT on to the command; group: the command gets them \
             by itself, as the whole process group does, and a console of Windows [default: forward; \
             under Jenkins and timeout, group]",
        )
        .value_parser(PossibleValuesParser::new(SIGNALS));
    let file = Arg::new("output_file")
        .long("output-file")
        .value_name("PATH")
        .help("Where the result is written as JSON: ran, exit_code, signal, started, ended")
        .value_parser(value_parser!(PathBuf));
    let key = Arg::new("without_api_key")
        .long("without-api-key")
        .help("Keep VERSIONER_API_KEY from the command")
        .action(ArgAction::SetTrue);
    let command = Arg::new("command")
        .value_name("COMMAND")
        .help("The command and its arguments, after --")
        .last(true)
        .required(true)
        .num_args(1..)
        .value_parser(value_parser!(OsString));
    [timeout, success, rejected, signals, file, key, command]
}
