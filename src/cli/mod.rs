//! The command line, as a library function, so that the Python wheel ships the same one.

mod abort;
mod arguments;
mod check;
mod doctor;
mod explain;
mod github;
mod history;
mod interrupt;
mod moment;
mod outbox;
mod run;
mod setup;
mod span;
mod state;
mod table;
mod track;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap_complete::Shell;

use crate::model::event::EventKind;
use crate::model::kind::{Code, Kind};
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::report::console;
use setup::{Output, Told};

/// The definition of the command line, which its manual pages are made from.
#[doc(hidden)]
pub fn command() -> clap::Command {
    arguments::command()
}

/// Runs `versioner` with these arguments, the program's name first, in the environment and on the
/// standard streams of this process, and gives back the exit code: 0, 1, 4 or 5; that of the command
/// if one is run.
///
/// SIGINT, SIGTERM, SIGQUIT and SIGHUP end a call in progress with exit code 1; a second one, but
/// for SIGHUP, ends the process. One that was ignored before stays ignored.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    interrupt::prepare();
    caught(|| run(arguments))
}

/// A fault of this program is no answer of the service: it has a code of its own.
fn caught(run: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        console::error("error: internal fault of versioner; please report what stands above");
        Code::Error as i32
    })
}

fn run(arguments: Vec<OsString>) -> i32 {
    // What follows is a command's, which may be anything.
    let end = arguments.iter().position(|text| text == "--");
    let own = &arguments[..end.unwrap_or(arguments.len())];
    let output = asked_output(own);
    if let Some(position) = own.iter().position(|text| text.to_str().is_none()) {
        return wrong(&not_text(own, position), output).into();
    }
    let is_run_without_dashes = end.is_none() && own.get(1).is_some_and(|word| word == "run");
    let matches = match arguments::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if is_run_without_dashes && is_stray_word(&error) => {
            let tip = "\n\n  tip: what is to be run comes after `--`";
            return wrong(&(usage_text(&error) + tip), output).into();
        }
        Err(error) => return usage(&error, output).into(),
    };
    let code = match matches.subcommand() {
        Some(("track", track)) => match track.subcommand() {
            Some(("build", event)) => track::run(EventKind::Build, event),
            Some(("deployment", event)) => track::run(EventKind::Deployment, event),
            _ => Code::Error as u8,
        },
        Some(("span", span)) => span::run(span.subcommand()),
        Some(("outbox", outbox)) => outbox::run(outbox.subcommand()),
        Some(("run", command)) => return run::run(command.subcommand()),
        Some(("check", flags)) => check::run(flags),
        Some(("state", flags)) => state::run(flags),
        Some(("history", flags)) => history::run(flags),
        Some(("abort", flags)) => abort::run(flags),
        Some(("doctor", flags)) => doctor::run(flags),
        Some(("completion", flags)) => completion(flags.get_one("shell").copied(), output),
        _ => version(output),
    };
    code.into()
}

/// A key may stand in the wrong place, such as after a blank that is not meant, and the error
/// would repeat it.
fn without_keys(text: &str) -> String {
    let text = match std::env::var("VERSIONER_API_KEY") {
        Ok(key) => Secret::new(&key).redact(text.to_owned()),
        Err(_) => text.to_owned(),
    };
    let is_of_word = |character: char| character.is_alphanumeric() || "_-".contains(character);
    let ends = |character| !is_of_word(character);
    let words = text.split_inclusive(ends).map(|word| {
        let end = word.find(ends).unwrap_or(word.len());
        match word.starts_with("sk_") {
            true => format!("[API key]{}", &word[end..]),
            false => word.to_owned(),
        }
    });
    words.collect()
}

/// Which argument is not UTF-8, by the flag in it or before it.
fn not_text(arguments: &[OsString], position: usize) -> String {
    let shown = |index: usize| arguments.get(index).map(|text| text.to_string_lossy());
    let own = shown(position).unwrap_or_default();
    let before = shown(position.wrapping_sub(1)).unwrap_or_default();
    let flag = match own.split_once('=') {
        Some((flag, _)) if flag.starts_with("--") => flag,
        _ if before.starts_with("--") => &before,
        _ => "an argument",
    };
    let own = without_keys(&own);
    format!("error: {flag} is not valid UTF-8: give text in that encoding in place of {own:?}")
}

/// The form of the result that these arguments ask for, whatever else is wrong with them.
fn asked_output(arguments: &[OsString]) -> Output {
    let is_json = |(index, argument): (usize, &OsString)| {
        let value = arguments
            .get(index + 1)
            .is_some_and(|value| value == "json");
        argument == "--output=json" || (argument == "--output" && value)
    };
    match arguments.iter().enumerate().any(is_json) {
        true => Output::Json,
        false => Output::Text,
    }
}

/// Tells what is wrong with the arguments.
fn wrong(text: &str, output: Output) -> u8 {
    console::error(text);
    if output == Output::Json {
        let said = text.strip_prefix("error: ").unwrap_or(text);
        let outcome = Outcome::new(None, Kind::InvalidArgument, said);
        console::json(&Told::default().document(&outcome));
    }
    Code::Error as u8
}

/// Whether it is about a word that is no flag, such as a command where none is expected.
fn is_stray_word(error: &clap::Error) -> bool {
    let argument = error.get(ContextKind::InvalidArg);
    error.kind() == ErrorKind::UnknownArgument
        && matches!(argument, Some(ContextValue::String(word)) if !word.starts_with('-'))
}

fn usage_text(error: &clap::Error) -> String {
    without_keys(error.render().to_string().trim_end())
}

/// Help is no error; everything else that is wrong with the arguments exits with 1.
fn usage(error: &clap::Error, output: Output) -> u8 {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            console::own(text.trim_end());
            Code::Ok as u8
        }
        _ => wrong(&usage_text(error), output),
    }
}

fn version(output: Output) -> u8 {
    tell(&format!("versioner {}", crate::VERSION), output)
}

/// A text that is the whole result.
fn tell(text: &str, output: Output) -> u8 {
    match output {
        Output::Json => {
            let outcome = Outcome::new(None, Kind::Ok, text);
            console::json(&Told::default().document(&outcome));
        }
        _ => console::own(text),
    }
    Code::Ok as u8
}

fn completion(shell: Option<Shell>, output: Output) -> u8 {
    let Some(shell) = shell else {
        return Code::Error as u8;
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut arguments::command(), "versioner", &mut script);
    tell(String::from_utf8_lossy(&script).trim_end(), output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_code_1() {
        assert_eq!(caught(|| panic!("provoked")), Code::Error as i32);
        assert_eq!(caught(|| Code::Rejected as i32), Code::Rejected as i32);
    }

    #[test]
    fn what_looks_like_a_key_is_hidden() {
        let text = "unexpected argument 'sk_acct_k1_secret-x' found; see disk_space, sk_.";
        let shown = "unexpected argument '[API key]' found; see disk_space, [API key].";
        assert_eq!(without_keys(text), shown);
    }
}
