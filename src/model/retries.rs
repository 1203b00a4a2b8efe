//! When to send again: given how an attempt ended, wait how long, or stop.

use std::time::Duration;

/// The limits of one event's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retries {
    /// Attempts after the first.
    pub max_retries: u32,
    /// The pause before the first retry, doubled for each further one.
    pub pause: Duration,
    /// From the start of the first attempt to the end of the last.
    pub total: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Retries {
            max_retries: 3,
            pause: Duration::from_secs(1),
            total: Duration::from_secs(120),
        }
    }
}

/// What to do after a failed attempt that may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Wait(Duration),
    Stop,
    /// The service asks for a pause that does not fit the total deadline. To come back earlier
    /// than asked serves nobody.
    TooFar,
}

impl Retries {
    /// Decides after attempt number `attempt` (from 1), `elapsed` after the first one started.
    /// `jitter` is in `0.0..1.0` and stretches the pause by 0.5 to 1.5. A `Retry-After` takes the
    /// place of the pause.
    pub fn decide(
        &self,
        attempt: u32,
        elapsed: Duration,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Decision {
        if attempt > self.max_retries {
            return Decision::Stop;
        }
        let wait = retry_after.unwrap_or_else(|| {
            let doubled = self.pause.saturating_mul(1 << (attempt - 1).min(31));
            Duration::try_from_secs_f64(doubled.as_secs_f64() * (0.5 + jitter))
                .unwrap_or(Duration::MAX)
        });
        match elapsed.checked_add(wait) {
            Some(end) if end < self.total => Decision::Wait(wait),
            _ if retry_after.is_some() => Decision::TooFar,
            _ => Decision::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn jitter_stretches_the_doubled_pause_by_half_to_one_and_a_half() {
        let retries = Retries::default();
        let pause = |attempt, jitter| match retries.decide(attempt, Duration::ZERO, None, jitter) {
            Decision::Wait(pause) => pause.as_secs_f64(),
            Decision::Stop | Decision::TooFar => panic!("attempt {attempt} has a retry"),
        };
        assert_eq!((pause(1, 0.0), pause(1, 0.5)), (0.5, 1.0));
        assert_eq!((pause(3, 0.0), pause(3, 0.5)), (2.0, 4.0));
        assert!(pause(3, 0.999) < 6.0);
    }

    #[test]
    fn nothing_is_waited_for_beyond_the_total() {
        let retries = Retries {
            total: SECOND * 10,
            ..Retries::default()
        };
        let decide = |elapsed, retry_after| retries.decide(1, elapsed, retry_after, 0.5);
        assert_eq!(decide(SECOND * 9, None), Decision::Stop);
        assert_eq!(decide(SECOND * 8, None), Decision::Wait(SECOND));
        assert_eq!(decide(SECOND, Some(SECOND * 5)), Decision::Wait(SECOND * 5));
        assert_eq!(decide(SECOND, Some(SECOND * 9)), Decision::TooFar);
        assert_eq!(decide(SECOND, Some(Duration::MAX)), Decision::TooFar);
    }

    #[test]
    fn huge_settings_do_not_overflow() {
        let retries = Retries {
            max_retries: u32::MAX,
            pause: Duration::MAX,
            total: Duration::MAX,
        };
        assert_eq!(
            retries.decide(u32::MAX, Duration::MAX, None, 0.9),
            Decision::Stop
        );
    }
}
