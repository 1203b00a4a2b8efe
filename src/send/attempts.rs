//! The attempts of one event: sent until an answer is final, the retries are used up, or time is
//! over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Builder as UuidBuilder;

use crate::input::settings::{BaseUrl, Settings};
use crate::model::clock::Clock;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::{Code, Kind};
use crate::model::log::{Level, Logger};
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::send::answer::Answer;
use crate::send::transport::{INTERRUPTED, Request, Transport};
use crate::send::wire::Wire;

/// Sends events to the service.
pub(crate) struct Sender {
    transport: Transport,
    policy: Policy,
    attempt_timeout: Duration,
    base_url: BaseUrl,
    api_key: Secret,
    authorization: String,
    user_agent: String,
    clock: Arc<dyn Clock>,
    logger: Logger,
}

impl Sender {
    /// Reads certificates and chooses the proxy; connects nowhere yet.
    pub fn new(
        settings: &Settings,
        user_agent: String,
        clock: Arc<dyn Clock>,
        logger: Logger,
    ) -> Result<Self, Failure> {
        let transport =
            Transport::new(settings).map_err(|failure| failure.redacted(&settings.api_key))?;
        Ok(Sender {
            transport,
            policy: settings.retry,
            attempt_timeout: settings.attempt_timeout,
            base_url: settings.api_url.clone(),
            api_key: settings.api_key.clone(),
            authorization: format!("Bearer {}", settings.api_key.reveal()),
            user_agent,
            clock,
            logger,
        })
    }

    /// Sends one event, as often as it takes, and reads the answer.
    pub fn send(&self, kind: EventKind, wire: &Wire, interrupt: &Interrupt) -> Outcome {
        let idempotency_key = match idempotency_key() {
            Ok(key) => key,
            Err(failure) => return failure.into_outcome(Some(kind)),
        };
        let url = self.base_url.join(kind.path());
        let request = Request {
            url: &url,
            authorization: &self.authorization,
            user_agent: &self.user_agent,
            idempotency_key: &idempotency_key,
            body: &wire.body,
        };
        let start = self.clock.now();
        let mut attempts = 0;
        let mut outcome = loop {
            if interrupt.is_raised() {
                break Failure::new(Kind::Interrupted, INTERRUPTED).into_outcome(Some(kind));
            }
            attempts += 1;
            let elapsed = self.clock.now().saturating_sub(start);
            let left = self.policy.total.saturating_sub(elapsed);
            let timeout = left.min(self.attempt_timeout);
            let answer = self.transport.send(&request, timeout, interrupt);
            let elapsed = self.clock.now().saturating_sub(start);
            match self.pause_after(attempts, elapsed, &answer) {
                Decision::Wait(pause) => {
                    self.log_retry(&url, &answer, pause);
                    self.clock.sleep(pause, interrupt);
                }
                Decision::Stop => {
                    break match answer {
                        Ok(answer) => answer.into_outcome(kind, &wire.status, &self.api_key),
                        Err(failure) => failure.into_outcome(Some(kind)),
                    };
                }
            }
        };
        outcome.attempts = attempts;
        if attempts > 1 && outcome.code != Code::Ok && outcome.rejection.is_none() {
            outcome
                .message
                .push_str(&format!(" (tried {attempts} times)"));
        }
        outcome
    }

    fn pause_after(
        &self,
        attempts: u32,
        elapsed: Duration,
        attempt: &Result<Answer, Failure>,
    ) -> Decision {
        let retry_after = match attempt {
            Ok(answer) if answer.is_retryable() => {
                retry_after(&answer.retry_after, self.clock.date())
            }
            Err(failure) if matches!(failure.kind, Kind::Network | Kind::Timeout) => None,
            _ => return Decision::Stop,
        };
        self.policy
            .decide(attempts, elapsed, retry_after, self.clock.jitter())
    }

    fn log_retry(&self, url: &str, attempt: &Result<Answer, Failure>, pause: Duration) {
        let ended = match attempt {
            Ok(answer) => format!("HTTP {}", answer.status),
            Err(failure) => failure.message.clone(),
        };
        let pause = pause.as_secs_f64();
        let message = format!("POST {url}: {ended}; again in {pause:.3} s");
        self.logger.log(Level::Debug, &self.api_key.redact(message));
    }
}

fn idempotency_key() -> Result<String, Failure> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        Failure::new(
            Kind::Internal,
            format!("the system gives no random numbers: {error}"),
        )
    })?;
    Ok(UuidBuilder::from_random_bytes(random)
        .into_uuid()
        .to_string())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn jitter_stretches_the_doubled_pause_by_half_to_one_and_a_half() {
        let policy = Policy::default();
        let pause = |attempt, jitter| match policy.decide(attempt, Duration::ZERO, None, jitter) {
            Decision::Wait(pause) => pause.as_secs_f64(),
            Decision::Stop => panic!("attempt {attempt} has a retry"),
        };
        assert_eq!((pause(1, 0.0), pause(1, 0.5)), (0.5, 1.0));
        assert_eq!((pause(3, 0.0), pause(3, 0.5)), (2.0, 4.0));
        assert!(pause(3, 0.999) < 6.0);
    }

    #[test]
    fn nothing_is_waited_for_beyond_the_total() {
        let policy = Policy {
            total: SECOND * 10,
            ..Policy::default()
        };
        let decide = |elapsed, retry_after| policy.decide(1, elapsed, retry_after, 0.5);
        assert_eq!(decide(SECOND * 9, None), Decision::Stop);
        assert_eq!(decide(SECOND * 8, None), Decision::Wait(SECOND));
        assert_eq!(decide(SECOND, Some(SECOND * 5)), Decision::Wait(SECOND * 5));
        assert_eq!(decide(SECOND, Some(SECOND * 9)), Decision::Stop);
        assert_eq!(decide(SECOND, Some(Duration::MAX)), Decision::Stop);
    }

    #[test]
    fn huge_settings_do_not_overflow() {
        let policy = Policy {
            max_retries: u32::MAX,
            pause: Duration::MAX,
            total: Duration::MAX,
        };
        assert_eq!(
            policy.decide(u32::MAX, Duration::MAX, None, 0.9),
            Decision::Stop
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + SECOND * 784_111_777;
        assert_eq!(retry_after(" 7 ", now), Some(SECOND * 7));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now),
            Some(SECOND * 3)
        );
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(
            retry_after("99999999999999999999999", now),
            Some(Duration::from_secs(u64::MAX))
        );
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense:?}");
        }
    }
}
