//! What comes from outside while a command runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

use crate::model::interrupt::Interrupt;

/// Those that ask a program to end.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Those that mean something to the command alone.
const PASSED_ON: [i32; 2] = [SIGUSR1, SIGUSR2];

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Signal(Signal),
    /// The command has ended.
    Ended,
}

/// A signal to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    pub number: i32,
    /// Whether the terminal or the kernel sent it, and thus to the whole process group.
    pub is_of_group: bool,
}

impl Signal {
    /// Whether it asks a program to end.
    pub fn ends(self) -> bool {
        ENDING.contains(&self.number)
    }
}

/// From now on signals end nothing by themselves, and are told. One that is ignored stays ignored,
/// as under `nohup`, for the command as well.
pub fn listen(news: Sender<News>) -> io::Result<Interrupt> {
    let ignored = ignored();
    let all = ENDING.into_iter().chain(PASSED_ON);
    let all = all.filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = SignalsInfo::<WithOrigin>::new(all)?;
    let is_raised = Arc::new(AtomicBool::new(false));
    let raised = is_raised.clone();
    let work = move || {
        for origin in signals.forever() {
            let signal = Signal {
                number: origin.signal,
                is_of_group: matches!(origin.cause, Cause::Kernel),
            };
            raised.fetch_or(signal.ends(), Ordering::AcqRel);
            if news.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("versioner-signals".to_owned())
        .spawn(work)?;
    Ok(Interrupt::new(move || is_raised.load(Ordering::Acquire)))
}

/// The signals that are ignored, a bit for each from 1; none if the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or_default()
}
