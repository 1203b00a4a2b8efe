//! Signals that end a call, and those that must not decide what becomes of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::interrupt::Interrupt;

/// Raised by the first SIGINT, SIGTERM, SIGQUIT or SIGHUP; a second one ends the process, but for
/// SIGHUP, which the terminal and its shell both send. One that is ignored stays ignored. Before this
/// is called a signal ends the process at once: a read of a file, for one, would be taken up again
/// after a handler. If signals cannot be caught, they end the process too.
pub fn on_signal() -> Interrupt {
    if cfg!(fuzzing) {
        // Nothing is sent; no handler is left behind by each of a million calls.
        return Interrupt::new(|| true);
    }
    let raised = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    raised_by_signals(&raised);
    #[cfg(not(unix))]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        ends_by(signal, &raised);
    }
    Interrupt::new(move || raised.load(Ordering::Relaxed))
}

#[cfg(unix)]
fn raised_by_signals(raised: &Arc<AtomicBool>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let ignored = Ignored::now();
    let is_heard = |signal: &i32| !ignored.has(*signal);
    for signal in [SIGINT, SIGTERM, SIGQUIT].into_iter().filter(is_heard) {
        ends_by(signal, raised);
    }
    if is_heard(&SIGHUP) {
        // If it cannot be caught it ends the process.
        let _ = signal_hook::flag::register(SIGHUP, raised.clone());
    }
}

fn ends_by(signal: i32, raised: &Arc<AtomicBool>) {
    let code = 128 + signal;
    let second = signal_hook::flag::register_conditional_shutdown(signal, code, raised.clone());
    if second.is_ok() {
        let _ = signal_hook::flag::register(signal, raised.clone());
    }
}

/// Takes signals in hand that whoever started this process may have set up for something else. One
/// who ignores SIGCHLD would keep the end of every child from it, and so whether a deployment went
/// well; SIGXFSZ would end it where a file that cannot grow is an error like another.
#[cfg(unix)]
pub fn prepare() {
    use signal_hook::consts::{SIGCHLD, SIGXFSZ};
    if cfg!(fuzzing) {
        return;
    }
    let ignored = Ignored::now();
    let nobody_looks = Arc::new(AtomicBool::new(false));
    for (signal, is_wanted) in [
        (SIGCHLD, ignored.has(SIGCHLD)),
        (SIGXFSZ, !ignored.has(SIGXFSZ)),
    ] {
        if is_wanted {
            // Otherwise it goes on as it was started.
            let _ = signal_hook::flag::register(signal, nobody_looks.clone());
        }
    }
}

#[cfg(not(unix))]
pub fn prepare() {}

/// The signals that are ignored, a bit for each from 1; none if the system does not tell.
#[cfg(unix)]
pub struct Ignored(u64);

#[cfg(unix)]
impl Ignored {
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let bits = line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
        Ignored(bits.unwrap_or_default())
    }

    pub fn has(&self, signal: i32) -> bool {
        self.0 >> (signal - 1) & 1 == 1
    }
}
