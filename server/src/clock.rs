//! Where the server gets the time from, so that a test can set it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> Timestamp;

    /// The time since some moment, which never steps back.
    fn running(&self) -> Duration;

    /// Whether it is that of a machine, which may be wrong: servers that share a database then go by
    /// the database's. By default it is one that somebody has set.
    fn is_of_machine(&self) -> bool {
        false
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn running(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}
