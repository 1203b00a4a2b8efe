//! Time and chance, injected so that no test waits.

use std::time::{Duration, Instant, SystemTime};

use crate::model::interrupt::Interrupt;

/// Where a client takes the time, its pauses and its jitter from.
pub trait Clock: Send + Sync {
    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// The date, for `Retry-After`.
    fn date(&self) -> SystemTime;

    /// Waits, or returns early once `interrupt` says so.
    fn sleep(&self, duration: Duration, interrupt: &Interrupt);

    /// A number in `0.0..1.0` that stretches pauses, so that many clients do not return at once.
    fn jitter(&self) -> f64;
}

/// The real time.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration, interrupt: &Interrupt) {
        let end = self.now().saturating_add(duration);
        while !interrupt.is_raised() {
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(Interrupt::POLL));
        }
    }

    fn jitter(&self) -> f64 {
        match getrandom::u32() {
            Ok(random) => f64::from(random) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }
}
