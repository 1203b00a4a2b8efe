//! `versioner span`: what begins in one command and ends in another. Its state is a file.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::setup::{Setup, Told, named, text};
use super::track::{self, Event};
use super::{arguments, github, interrupt};
use crate::client::Client;
use crate::input::pipe;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::kind::{Code, Kind};
use crate::model::outcome::{Error, Outcome};
use crate::model::status::Status;
use crate::report::console;
use crate::span::{End, Span};

const KIND: EventKind = EventKind::Deployment;

/// How long something may take that stands in the way of what the command is for.
const HURRY: Duration = Duration::from_secs(5);

/// More than any span.
const MAX_BYTES: u64 = 1024 * 1024;

const EXAMPLES: &str = "\
Examples:
  versioner span begin --state ./span --product api --environment production --version 1.2.3
  ./deploy.sh && status=completed || status=failed
  versioner span end --state ./span \"$status\"";

/// `versioner span` with its commands.
pub fn command() -> Command {
    let state = Arg::new("state")
        .long("state")
        .value_name("FILE")
        .help("Where the deployment's state is kept between the two commands, without the API key")
        .required(true)
        .value_parser(value_parser!(std::path::PathBuf));
    let begin = arguments::event(
        "begin",
        KIND,
        "Ask whether a deployment may happen, and begin it",
    )
    .mut_arg("status", |status| status.hide(true))
    .mut_arg("dry_run", |dry_run| dry_run.hide(true))
    .arg(state.clone())
    .arg(lease())
    .after_help(format!("{EXAMPLES}\n\n{}", arguments::EXIT_CODES));
    let end = Command::new("end")
        .about("Tell how the deployment ended")
        .after_help(format!("{EXAMPLES}\n\n{}", arguments::EXIT_CODES))
        .arg(state)
        .arg(
            Arg::new("status")
                .value_name("STATUS")
                .help("completed, failed or aborted, or an alias such as success or cancelled")
                .required(true),
        )
        .arg(
            Arg::new("exit_code")
                .long("exit-code")
                .value_name("CODE")
                .help("The exit code of what was run; kept with the deployment")
                .allow_negative_numbers(true)
                .value_parser(value_parser!(i32)),
        )
        .arg(
            Arg::new("extra_metadata")
                .long("extra-metadata")
                .value_name("JSON")
                .help("A JSON object of your own, over that of the start"),
        )
        .arg(arguments::fail_on_api_error());
    Command::new("span")
        .about("Begin a deployment in one command and end it in another")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .subcommand(begin)
        .subcommand(end)
}

/// `--lease`, of what is in progress for a while.
pub fn lease() -> Arg {
    Arg::new("lease")
        .long("lease")
        .value_name("DURATION")
        .help(
            "How long the deployment stays in progress after the last sign of life, such as 10m; \
             if the service offers that [default: as long as the service says]",
        )
        .value_parser(arguments::duration)
}

type Act = fn(&Client, &ArgMatches, &Setup) -> Result<Outcome, Error>;

/// Runs one of the commands; gives back the exit code.
pub fn run(command: Option<(&str, &ArgMatches)>) -> u8 {
    let (flags, act): (_, Act) = match command {
        Some(("begin", flags)) => (flags, begin),
        Some(("end", flags)) => (flags, end),
        _ => return Code::Error as u8,
    };
    let setup = Setup::new(flags);
    let setup = match setup.with_git(flags) {
        Ok(setup) => setup,
        Err(code) => return code,
    };
    let client = setup.client();
    let ui_url = client
        .as_ref()
        .map(|client| client.ui_url().to_owned())
        .unwrap_or_default();
    let outcome = client.and_then(|client| act(&client, flags, &setup));
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), Some(KIND));
    // Of what had ended before nothing is told, and it may have ended otherwise.
    let was_sent = outcome.code != Code::Ok || outcome.kind != Kind::Ok || outcome.attempts > 0;
    let was_sent = was_sent && !outcome.had_ended;
    let code = setup.end(&outcome, Told::default(), |outcome| match was_sent {
        true => track::show(outcome, setup.is_verbose),
        false => console::print(&outcome.message),
    });
    if was_sent {
        github::report(&outcome, &ui_url, &setup);
    }
    code
}

fn begin(client: &Client, flags: &ArgMatches, setup: &Setup) -> Result<Outcome, Error> {
    let file = file(flags);
    let mut span = prepared(client, KIND, flags, setup)?;
    if let Some(text) = read(file)? {
        let before = client.restore(&text)?;
        if before.is_asking() && before.start().body == span.start().body {
            // The command before was ended while it asked, and this is its retry.
            before.wait_like(&span);
            span = before;
        } else if before.is_asking() || before.is_open() {
            return Err(state(format!(
                "state: {} holds a deployment that has not ended: end it with `versioner span \
                 end`, or name another file",
                file.display()
            )));
        } else if before.is_untold() {
            tell_before(&before, file);
        }
    }
    write(file, &span)?;
    let asked = span.ask(&interrupt::on_signal());
    let written = write(file, &span);
    let outcome = asked?;
    match written {
        Ok(()) => Ok(outcome),
        Err(error) => unwritten(client, &span, file, &error).map(|()| outcome),
    }
}

/// Tells the end of the deployment before, of which the file is the only trace: another one is about
/// to take its place.
fn tell_before(before: &Span, file: &Path) {
    let told = before.tell_end(Some(HURRY));
    let told = told.unwrap_or_else(Error::into_outcome);
    let is_told = told.recorded || told.is_queued() || told.kind == Kind::Ok;
    if !is_told {
        console::error(&format!(
            "warning: how the deployment before in {} ended could not be told, so that it stays in \
             progress until it expires: {}",
            file.display(),
            told.message
        ));
    }
}

/// It may begin, but what it has come to could not be written. If the file has it from before the
/// asking, that is enough to end it; else nobody could.
fn unwritten(client: &Client, span: &Span, file: &Path, error: &Error) -> Result<(), Error> {
    let there = read(file).ok().flatten();
    let there = there.and_then(|text| client.restore(&text).ok());
    if there.is_some_and(|there| there.id() == span.id()) {
        console::error(&format!("warning: {error}"));
        return Ok(());
    }
    let aborted = span.end(&End {
        timeout: Some(HURRY),
        ..End::new(Status::Aborted.as_str())
    });
    let end = match aborted {
        Ok(_) => "so the deployment, which nobody could end, is aborted".to_owned(),
        Err(untold) => format!("and that the deployment is aborted could not be told: {untold}"),
    };
    Err(state(format!("{error}, {end}")))
}

/// The span that the flags describe, not yet asked for.
pub fn prepared(
    client: &Client,
    kind: EventKind,
    flags: &ArgMatches,
    setup: &Setup,
) -> Result<Span, Error> {
    let event = Event::new(kind, flags, setup).and_then(|mut event| {
        // It is a start whatever else it says.
        if let Event::Deployment(event) = &mut event
            && event.wait.is_none()
        {
            event.wait = setup.wait()?;
        }
        Ok(event)
    });
    match event.map_err(|failure| Error::from(failure.into_outcome(Some(kind))))? {
        Event::Deployment(mut event) => {
            event.lease = flags.get_one("lease").copied();
            client.prepare(&event)
        }
        Event::Build(event) => client.prepare_build(&event),
    }
}

fn end(client: &Client, flags: &ArgMatches, _: &Setup) -> Result<Outcome, Error> {
    let file = file(flags);
    let Some(saved) = read(file)? else {
        return Err(state(format!(
            "state: there is no deployment in {}: `versioner span begin` puts it there",
            file.display()
        )));
    };
    let span = client.restore(&saved)?;
    let mut end = End::new(text(flags, "status"));
    end.exit_code = flags.get_one("exit_code").copied();
    end.extra_metadata = text(flags, "extra_metadata");
    if span.is_refused() {
        return refused(&end, file);
    }
    span.decide(&end)?;
    // If this command is ended now, its retry sends the same event. A disk without room must not
    // keep from anybody how it ended.
    let saved = write(file, &span);
    let told = span.tell_end(None);
    if let Err(error) = saved.and_then(|()| write(file, &span)) {
        console::error(&format!("warning: {error}"));
    }
    if let (Ok(outcome), Some(status)) = (&told, span.decided())
        && let Some(known) = outcome.ended_otherwise(status)
    {
        console::error(&format!("warning: {}", known_otherwise(known)));
    }
    told
}

/// What somebody is to know who tells an end that is not the one that counts.
pub fn known_otherwise(known: Status) -> String {
    let known = known.as_str();
    format!("the service has it as {known}, as it was told before or by another part")
}

/// The end of what was not allowed to begin: there is none, unless it went ahead.
fn refused(end: &End, file: &Path) -> Result<Outcome, Error> {
    let status = end.read_status();
    let status = status.map_err(|failure| Error::from(failure.into_outcome(Some(KIND))))?;
    if status == Status::Completed {
        return Err(state(format!(
            "state: {} holds a deployment that was not allowed to begin. If it took place all the \
             same, tell so with `versioner track deployment`",
            file.display()
        )));
    }
    let message = "the deployment was not allowed to begin, so there is nothing to end";
    Ok(Outcome::new(Some(KIND), Kind::Ok, message))
}

fn file(flags: &ArgMatches) -> &Path {
    let file: Option<&std::path::PathBuf> = flags.get_one("state");
    file.map_or(Path::new(""), |file| file)
}

/// The text of a state file; `None` if there is none, or nothing is in it, as in one that `mktemp` has
/// made.
fn read(file: &Path) -> Result<Option<String>, Error> {
    let mut text = String::new();
    let read = pipe::open(file).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => Ok((!text.trim().is_empty()).then_some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable("read", file, &error)),
    }
}

/// Writes a state file for this user alone, so that at every moment the old or the new one is there
/// as a whole.
fn write(file: &Path, span: &Span) -> Result<(), Error> {
    let text = span.save()?;
    write_text(file, &text).map_err(|error| unusable("write", file, &error))
}

fn write_text(file: &Path, text: &str) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = folder.join(beside);
    let written = write_new(&beside, text).and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        // What could not be written is worth nothing.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    // Of a process of the same number that was killed.
    let _ = std::fs::remove_file(file);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn unusable(what: &str, file: &Path, error: &io::Error) -> Error {
    state(format!("state: cannot {what} {}: {error}", file.display()))
}

fn state(message: String) -> Error {
    Failure::argument("state", message)
        .into_outcome(Some(KIND))
        .into()
}
