//! The pure policy of retries: given how an attempt ended, wait how long, or stop.

use std::time::{Duration, SystemTime};

/// The limits of one event's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Attempts after the first.
    pub max_retries: u32,
    /// The pause before the first retry, doubled for each further one.
    pub pause: Duration,
    /// From the start of the first attempt to the end of the last.
    pub total: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
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
}

impl Policy {
    /// Decides after attempt number `attempt` (from 1), `elapsed` after the first one started.
    /// `jitter` is in `0.0..1.0` and stretches the pause by 0.5 to 1.5. A `Retry-After` takes the
    /// place of the pause; where it does not fit the total deadline the attempts end, because to
    /// come back earlier than asked serves nobody.
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
            _ => Decision::Stop,
        }
    }
}

/// Reads a `Retry-After` header: seconds, or an HTTP date.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}
