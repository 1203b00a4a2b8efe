//! What comes from outside while a command runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

use super::passed_on;
use crate::cli::interrupt::Ignored;
use crate::cli::run::news::{News, Signal};
use crate::model::interrupt::Interrupt;

/// Those that ask a program to end.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// What is heard.
pub struct Heard {
    /// Raised by a signal that asks a program to end.
    pub interrupt: Interrupt,
    passed_on: Arc<[PassedOn]>,
}

/// A signal for the command, and whether it has come and is not yet told.
type PassedOn = (i32, Arc<AtomicBool>);

impl Heard {
    /// What has come so far, and means something to the command alone, is not told any more.
    pub fn forget_passed_on(&self) {
        for (_, has_come) in &*self.passed_on {
            has_come.store(false, Ordering::Release);
        }
    }
}

/// From now on signals end nothing by themselves, and are told. One that is ignored stays ignored,
/// as under `nohup`, for the command as well.
pub fn listen(news: Sender<News>) -> io::Result<Heard> {
    let ignored = Ignored::now();
    let ending = ENDING.iter().filter(|signal| !ignored.has(**signal));
    let mut signals = SignalsInfo::<WithOrigin>::new(ending)?;
    let mut passed_on: Vec<PassedOn> = Vec::new();
    for signal in passed_on::numbers().filter(|signal| !ignored.has(*signal)) {
        // Set by the handler itself, so that it is known of each whether it came before the command.
        let has_come = Arc::new(AtomicBool::new(false));
        // What this process runs in may keep some for itself, as an emulator of processors does.
        let heard = signal_hook::flag::register(signal, has_come.clone())
            .and_then(|_| signals.handle().add_signal(signal));
        if heard.is_ok() {
            passed_on.push((signal, has_come));
        }
    }
    let passed_on: Arc<[PassedOn]> = passed_on.into();
    let waiting = passed_on.clone();
    let is_raised = Arc::new(AtomicBool::new(false));
    let raised = is_raised.clone();
    // Of a terminal that is gone only the leader of its session is told at once.
    let is_told_alone = leads_session();
    let work = move || {
        for origin in signals.forever() {
            let signal = Signal {
                number: origin.signal,
                ends: ENDING.contains(&origin.signal),
                is_of_group: matches!(origin.cause, Cause::Kernel)
                    && !(is_told_alone && origin.signal == SIGHUP),
            };
            let own = waiting.iter().find(|(number, _)| *number == signal.number);
            if own.is_some_and(|(_, has_come)| !has_come.swap(false, Ordering::AcqRel)) {
                continue;
            }
            raised.fetch_or(signal.ends, Ordering::AcqRel);
            if news.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("versioner-signals".to_owned())
        .spawn(work)?;
    Ok(Heard {
        interrupt: Interrupt::new(move || is_raised.load(Ordering::Acquire)),
        passed_on,
    })
}

/// Whether this process leads its session, as far as the system tells.
fn leads_session() -> bool {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Its name, in brackets, may hold anything; then come the state, its parent and its group.
    let after_name = status.rsplit_once(')').map_or("", |(_, rest)| rest);
    let leader = after_name.split_ascii_whitespace().nth(3);
    leader.is_some_and(|leader| leader == std::process::id().to_string())
}
