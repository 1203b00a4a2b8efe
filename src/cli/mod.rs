//! The command line, as a library function, so that the Python wheel ships the same one.

mod arguments;
mod github;
mod output;
mod track;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::error::ErrorKind;
use clap_complete::Shell;

use crate::model::event::EventKind;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Code;

/// Runs `versioner` with these arguments, the program's name first, in the environment and on the
/// standard streams of this process, and gives back the exit code: 0, 1, 4 or 5.
///
/// SIGINT and SIGTERM end a call in progress with exit code 1; a second one ends the process.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let run = AssertUnwindSafe(|| run(arguments));
    catch_unwind(run).unwrap_or_else(|_| {
        output::error("Error: internal fault of versioner; please report what stands above");
        Code::Error as u8
    })
}

fn run(arguments: Vec<OsString>) -> u8 {
    let matches = match arguments::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    match matches.subcommand() {
        Some(("track", track)) => match track.subcommand() {
            Some(("build", event)) => track::run(EventKind::Build, event, &interrupt()),
            Some(("deployment", event)) => track::run(EventKind::Deployment, event, &interrupt()),
            _ => Code::Error as u8,
        },
        Some(("completion", shell)) => completion(shell.get_one("shell").copied()),
        _ => version(),
    }
}

/// Help is no error; everything else that is wrong with the arguments exits with 1.
fn usage(error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::print(text.trim_end());
            Code::Ok as u8
        }
        _ => {
            output::error(text.trim_end());
            Code::Error as u8
        }
    }
}

fn version() -> u8 {
    output::print(&format!("versioner {}", crate::VERSION));
    Code::Ok as u8
}

fn completion(shell: Option<Shell>) -> u8 {
    let Some(shell) = shell else {
        return Code::Error as u8;
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut arguments::command(), "versioner", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end());
    Code::Ok as u8
}

/// Raised by the first SIGINT or SIGTERM. Where signals cannot be caught, they end the process.
fn interrupt() -> Interrupt {
    let raised = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let code = 128 + signal;
        let second = signal_hook::flag::register_conditional_shutdown(signal, code, raised.clone());
        if second.is_ok() {
            let _ = signal_hook::flag::register(signal, raised.clone());
        }
    }
    Interrupt::new(move || raised.load(Ordering::Relaxed))
}
