//! The time of the database, by which every server on it goes: their own clocks may be wrong.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What is known of the database's time.
#[derive(Debug)]
pub struct Time {
    /// What it said last, in microseconds since 1970, and when that was.
    said: Mutex<Option<(i64, Instant)>>,
    /// Whether it counts; if not, somebody else's clock does.
    counts: AtomicBool,
}

impl Default for Time {
    fn default() -> Time {
        Time {
            said: Mutex::default(),
            counts: AtomicBool::new(true),
        }
    }
}

impl Time {
    /// Whether the database's time counts from now on.
    pub fn count(&self, counts: bool) {
        self.counts.store(counts, Ordering::Relaxed);
    }

    /// Takes note of what the database says, and answers it if it counts.
    pub fn note(&self, now: i64) -> Option<i64> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        *said = Some((now, Instant::now()));
        self.counts.load(Ordering::Relaxed).then_some(now)
    }

    /// The database's time, as far as it is known without asking, if it counts.
    pub fn now(&self) -> Option<i64> {
        let said = *self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, at) = said.filter(|_| self.counts.load(Ordering::Relaxed))?;
        let since = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
        Some(said.saturating_add(since))
    }
}
