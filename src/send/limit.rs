//! When a call has to end: its deadline, the caller's interrupt and a cancellation are one thing,
//! asked before every read and write.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use crate::model::interrupt::Interrupt;

/// What stands in for a limit beyond what the machine's clock can count.
const FAR: Duration = Duration::from_secs(86_400 * 365);

/// How long what has already arrived may still be read once the time is over.
const GRACE: Duration = Duration::from_millis(20);

/// Why a call was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The limit of one attempt, as it was set.
    Attempt(Duration),
    /// The limit of all attempts together, as it was set.
    Total(Duration),
    /// The limit of this one call, as its caller gave it.
    Call(Duration),
    Interrupted,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cut::Attempt(_) | Cut::Total(_) | Cut::Call(_) => "timed out",
            Cut::Interrupted => "interrupted",
        })
    }
}

impl std::error::Error for Cut {}

impl Cut {
    pub fn is_interrupt(self) -> bool {
        self == Cut::Interrupted
    }
}

impl From<Cut> for io::Error {
    /// Not of the kinds `TimedOut` and `Interrupted`, which mean "try again" to many.
    fn from(cut: Cut) -> Self {
        io::Error::other(cut)
    }
}

/// The limit of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Limit<'a> {
    end: Instant,
    at_the_end: Cut,
    interrupt: Option<&'a Interrupt>,
}

impl<'a> Limit<'a> {
    /// For an attempt that starts now, may take `attempt`, and has `left` until `overall` ends all
    /// attempts.
    pub fn new(attempt: Duration, overall: Cut, left: Duration, interrupt: &'a Interrupt) -> Self {
        let (length, at_the_end) = if left < attempt {
            (left, overall)
        } else {
            (attempt, Cut::Attempt(attempt))
        };
        let now = Instant::now();
        Limit {
            end: now.checked_add(length).unwrap_or(now + FAR),
            at_the_end,
            interrupt: Some(interrupt),
        }
    }

    /// The time that is left, or why there is none.
    pub fn check(&self) -> Result<Duration, Cut> {
        if self.interrupt.is_some_and(Interrupt::is_raised) {
            return Err(Cut::Interrupted);
        }
        match self.end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(self.at_the_end),
            left => Ok(left),
        }
    }

    /// How long to wait before the next check.
    pub fn patience(&self) -> Result<Duration, Cut> {
        Ok(self.check()?.min(Interrupt::POLL))
    }

    /// A last moment in which to read what has already arrived.
    pub fn grace() -> Limit<'static> {
        Limit {
            end: Instant::now() + GRACE,
            at_the_end: Cut::Attempt(GRACE),
            interrupt: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_shorter_limit_ends_a_call_and_is_named() {
        let never = Interrupt::never();
        let limit = |attempt, left| Limit::new(attempt, Cut::Total(HOUR), left, &never).check();
        assert!(limit(HOUR, HOUR).is_ok());
        assert!(limit(Duration::MAX, Duration::MAX).is_ok());
        assert_eq!(
            limit(Duration::ZERO, HOUR),
            Err(Cut::Attempt(Duration::ZERO))
        );
        assert_eq!(limit(HOUR, Duration::ZERO), Err(Cut::Total(HOUR)));
    }

    #[test]
    fn an_interrupt_comes_before_a_deadline() {
        let raised = Interrupt::new(|| true);
        let limit = Limit::new(Duration::ZERO, Cut::Total(HOUR), HOUR, &raised);
        assert_eq!(limit.check(), Err(Cut::Interrupted));
    }
}
