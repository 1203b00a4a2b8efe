//! Signals that mean something to the command alone. They would end this program, and leave a start
//! without an end.

use rustix::process::Signal;
use signal_hook::consts::{SIGABRT, SIGALRM, SIGIO, SIGPROF, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU};

/// Those that every system has.
const EVERYWHERE: [i32; 8] = [
    SIGUSR1, SIGUSR2, SIGABRT, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGXCPU,
];

/// Their numbers.
pub fn numbers() -> impl Iterator<Item = i32> {
    EVERYWHERE.into_iter().chain(own())
}

/// The signal of such a number. One that the C library keeps for itself is none.
#[cfg(target_os = "linux")]
pub fn of_number(number: i32) -> Option<Signal> {
    rustix_libc_wrappers::process::SignalExt::from_raw(number)
}

/// Those of this system: of a power supply, and real-time signals, which programs agree upon.
#[cfg(target_os = "linux")]
fn own() -> impl Iterator<Item = i32> {
    use rustix_libc_wrappers::process::SignalExt;
    let real_time = Signal::rt_min().as_raw()..=Signal::rt_max().as_raw();
    std::iter::once(Signal::POWER.as_raw()).chain(real_time)
}

#[cfg(not(target_os = "linux"))]
pub fn of_number(number: i32) -> Option<Signal> {
    Signal::from_named_raw(number)
}

#[cfg(not(target_os = "linux"))]
fn own() -> impl Iterator<Item = i32> {
    std::iter::empty()
}
