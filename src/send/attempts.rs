//! The attempts of one call: sent until an answer is final, the retries are used up, or time is
//! over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Builder as UuidBuilder;

use crate::input::settings::{BaseUrl, Settings};
use crate::input::text::time;
use crate::model::clock::Clock;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::{Code, Kind};
use crate::model::log::{Level, Logger};
use crate::model::outcome::Outcome;
use crate::model::retries::{Decision, Retries};
use crate::model::secret::Secret;
use crate::send::answer::Answer;
use crate::send::limit::{Cut, Limit};
use crate::send::own_start;
#[cfg(feature = "cli")]
use crate::send::transport::Step;
use crate::send::transport::{Request, Transport, Unsent, headers, interrupted, seconds};
use crate::send::wire::Wire;

const NOT_SENT: &str = "interrupted before anything was sent; the event is not recorded";

/// Asks without recording, below the base URL.
const PREFLIGHT: &str = "preflight/";

/// Says how the service is, and what it can, below the base URL.
const HEALTH: &str = "health";

/// What one call asks of the service.
struct Asked<'a> {
    method: &'static str,
    /// Below the base URL.
    path: &'a str,
    /// Empty if nothing is recorded.
    idempotency_key: &'a str,
    /// JSON, or empty.
    body: &'a str,
    event: Option<EventKind>,
    /// The scoped deployment that it belongs to; empty if none.
    span: &'a str,
    /// When it happened, of what is told late.
    occurred_at: Option<SystemTime>,
    pace: Pace,
}

/// How long the last word about a start may take, whose outcome nobody knows.
pub(crate) const LAST_WORD: Duration = Duration::from_secs(5);

/// One event on its way.
#[derive(Clone)]
pub(crate) struct Message<'a> {
    pub wire: &'a Wire,
    /// The same for every attempt, in every process.
    pub idempotency_key: &'a str,
    /// The scoped deployment that it belongs to; empty if none.
    pub span: &'a str,
    /// When another process first sent it.
    pub sent_before: Option<SystemTime>,
    /// When it happened, if it is told late.
    pub occurred_at: Option<SystemTime>,
}

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As the client is set up.
    Client,
    /// The same, with another limit for all attempts together.
    Within(Duration),
    /// Once, for an answer that may be held back, so long that it may take as much altogether.
    Held(Duration),
    /// One attempt, which may take so long.
    Once(Duration),
    /// [`LAST_WORD`] with so many attempts after the first, at once, whatever the service asks for.
    LastWord(u32),
}

impl Pace {
    /// As a call says, or as the client is set up.
    pub fn of(timeout: Option<Duration>) -> Self {
        timeout.map_or(Pace::Client, Pace::Within)
    }
}

/// Sends events to the service, and questions.
pub(crate) struct Sender {
    transport: Transport,
    retries: Retries,
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
        let transport = Transport::new(settings, logger.clone())
            .map_err(|failure| failure.redacted(&settings.api_key))?;
        if user_agent.chars().any(char::is_control) {
            return Err(Failure::setting(
                "surface",
                "surface must be one line of text without control characters",
            ));
        }
        Ok(Sender {
            transport,
            retries: settings.retries,
            attempt_timeout: settings.attempt_timeout,
            base_url: settings.api_url.clone(),
            api_key: settings.api_key.clone(),
            authorization: format!("Bearer {}", settings.api_key.reveal()),
            user_agent,
            clock,
            logger,
        })
    }

    /// Whether a proxy carries the requests.
    pub fn has_proxy(&self) -> bool {
        self.transport.has_proxy()
    }

    /// Sends one event, as often as it takes, and reads the answer.
    pub fn send(&self, message: &Message<'_>, pace: Pace, interrupt: &Interrupt) -> Outcome {
        let wire = message.wire;
        let asked = Asked {
            method: "POST",
            path: wire.kind.path(),
            idempotency_key: message.idempotency_key,
            body: &wire.body,
            event: Some(wire.kind),
            span: message.span,
            occurred_at: message.occurred_at,
            pace,
        };
        let first = message.sent_before.unwrap_or_else(|| self.clock.date());
        let (mut outcome, is_unsure) = self.attempts(&asked, interrupt, |answer| {
            answer.into_outcome(wire.kind, &wire.status, &self.api_key)
        });
        let is_unsure = is_unsure || message.sent_before.is_some();
        outcome.may_stand = match outcome.code {
            _ if outcome.recorded => false,
            Code::Rejected => {
                let is_start = wire.is_start() && is_unsure;
                is_start && own_start::is_ours(&outcome, first, self.clock.date())
            }
            _ => is_unsure,
        };
        if outcome.may_stand && outcome.code == Code::Rejected {
            own_start::explain(&mut outcome);
        }
        outcome
    }

    /// Says that a deployment goes on; without `lease`, for as long as before.
    pub fn renew(
        &self,
        deployment: &str,
        lease: Option<Duration>,
        pace: Pace,
        interrupt: &Interrupt,
    ) -> Outcome {
        let id = utf8_percent_encode(deployment, NON_ALPHANUMERIC);
        let body = match lease {
            Some(lease) => format!("{{\"lease_seconds\":{}}}", lease.as_secs_f64().ceil()),
            None => "{}".to_owned(),
        };
        let kind = EventKind::Deployment;
        let asked = Asked {
            method: "POST",
            path: &format!("deployments/{id}/renew/"),
            idempotency_key: "",
            body: &body,
            event: Some(kind),
            span: "",
            occurred_at: None,
            pace,
        };
        self.ask(&asked, interrupt, |answer| {
            answer.into_outcome(kind, "", &self.api_key)
        })
    }

    /// Asks whether a deployment may start.
    pub fn check(&self, wire: &Wire, timeout: Option<Duration>, interrupt: &Interrupt) -> Outcome {
        let asked = Asked {
            method: "POST",
            path: PREFLIGHT,
            idempotency_key: "",
            body: &wire.body,
            event: Some(EventKind::Deployment),
            span: "",
            occurred_at: None,
            pace: Pace::of(timeout),
        };
        self.ask(&asked, interrupt, |answer| {
            answer.into_verdict(&self.api_key)
        })
    }

    /// Asks the same for one that waits. The answer is held back for as long as it does not change,
    /// but not longer than `hold`, in whole seconds; zero is answered at once. It may take `longest`
    /// altogether.
    pub fn check_held(
        &self,
        wire: &Wire,
        span: &str,
        (hold, longest): (Duration, Duration),
        interrupt: &Interrupt,
    ) -> Outcome {
        let path = match hold.as_secs() {
            0 => PREFLIGHT.to_owned(),
            seconds => format!("{PREFLIGHT}?wait={seconds}"),
        };
        let asked = Asked {
            method: "POST",
            path: &path,
            idempotency_key: "",
            body: &wire.body,
            event: Some(EventKind::Deployment),
            span,
            occurred_at: None,
            pace: Pace::Held(longest),
        };
        self.ask(&asked, interrupt, |answer| {
            answer.into_verdict(&self.api_key)
        })
    }

    /// Reads what is at a path below the base URL.
    pub fn read(&self, path: &str, timeout: Option<Duration>, interrupt: &Interrupt) -> Outcome {
        let asked = Asked {
            method: "GET",
            path,
            idempotency_key: "",
            body: "",
            event: None,
            span: "",
            occurred_at: None,
            pace: Pace::of(timeout),
        };
        self.ask(&asked, interrupt, |answer| answer.into_data(&self.api_key))
    }

    /// Asks the service what it can; the outcome, and whether it spoke JSON.
    pub fn greet(&self, pace: Pace, interrupt: &Interrupt) -> (Outcome, bool) {
        let asked = Asked {
            method: "GET",
            path: HEALTH,
            idempotency_key: "",
            body: "",
            event: None,
            span: "",
            occurred_at: None,
            pace,
        };
        let mut is_json = false;
        let outcome = self.ask(&asked, interrupt, |answer| {
            is_json = answer.is_object();
            answer.into_data(&self.api_key)
        });
        (outcome, is_json)
    }

    /// Changes what is recorded, at a path below the base URL.
    #[cfg(feature = "cli")]
    pub fn change(&self, path: &str, body: &str, interrupt: &Interrupt) -> Outcome {
        let idempotency_key = match idempotency_key() {
            Ok(key) => key,
            Err(failure) => return failure.into_outcome(None),
        };
        let asked = Asked {
            method: "POST",
            path,
            idempotency_key: &idempotency_key,
            body,
            event: None,
            span: "",
            occurred_at: None,
            pace: Pace::Client,
        };
        self.ask(&asked, interrupt, |answer| answer.into_data(&self.api_key))
    }

    fn ask(
        &self,
        asked: &Asked,
        interrupt: &Interrupt,
        read: impl FnOnce(Answer) -> Outcome,
    ) -> Outcome {
        self.attempts(asked, interrupt, read).0
    }

    /// The outcome, and whether an attempt may have been recorded although it says nothing of it.
    fn attempts(
        &self,
        asked: &Asked,
        interrupt: &Interrupt,
        read: impl FnOnce(Answer) -> Outcome,
    ) -> (Outcome, bool) {
        let (retries, longest, overall) = self.limits(asked.pace);
        let url = self.base_url.join(asked.path);
        let (occurred_at, sent_at) = match asked.occurred_at {
            Some(moment) => (time::write(moment), time::write(self.clock.date())),
            None => <_>::default(),
        };
        let request = Request {
            method: asked.method,
            url: &url,
            authorization: &self.authorization,
            user_agent: &self.user_agent,
            idempotency_key: asked.idempotency_key,
            span: asked.span,
            occurred_at: &occurred_at,
            sent_at: &sent_at,
            body: asked.body,
        };
        let start = self.clock.now();
        let mut attempts = 0;
        let mut is_unsure = false;
        let mut outcome = loop {
            if interrupt.is_raised() {
                let failure = match attempts {
                    0 if request.records() => Failure::new(Kind::Interrupted, NOT_SENT),
                    _ => interrupted(request.records()),
                };
                break failure.into_outcome(asked.event);
            }
            attempts += 1;
            let left = retries.total.saturating_sub(self.since(start));
            let limit = Limit::new(longest, overall, left, interrupt);
            let attempt = self.transport.send(&request, &limit);
            is_unsure |= may_be_recorded(&attempt);
            let retry_after = match asked.pace {
                Pace::LastWord(_) => None,
                Pace::Client | Pace::Within(_) | Pace::Held(_) | Pace::Once(_) => {
                    self.retry_after(&attempt)
                }
            };
            let decision = match is_retryable(&attempt) {
                true => retries.decide(
                    attempts,
                    self.since(start),
                    retry_after,
                    self.clock.jitter(),
                ),
                false => Decision::Stop,
            };
            if let Decision::Wait(pause) = decision {
                self.log_retry(&request, &attempt, pause);
                self.clock.sleep(pause, interrupt);
                continue;
            }
            let mut outcome = match attempt {
                Ok(answer) => read(answer),
                Err(unsent) => {
                    let mut outcome = unsent.failure.into_outcome(asked.event);
                    outcome.http_status = unsent.http_status;
                    outcome
                }
            };
            if let Some(pause) = retry_after {
                let words = self.retry_after_words(pause, decision, overall);
                outcome.message.push_str(&words);
            }
            break outcome;
        };
        outcome.attempts = attempts;
        if attempts > 1 && outcome.code != Code::Ok && outcome.rejection.is_none() {
            outcome
                .message
                .push_str(&format!(" (tried {attempts} times)"));
        }
        (outcome, is_unsure)
    }

    /// The retries, the longest attempt, and what ends them all.
    fn limits(&self, pace: Pace) -> (Retries, Duration, Cut) {
        let within = |total| Retries {
            total,
            ..self.retries
        };
        match pace {
            Pace::Client => {
                let overall = Cut::Total(self.retries.total);
                (self.retries, self.attempt_timeout, overall)
            }
            Pace::Within(total) => (within(total), self.attempt_timeout, Cut::Call(total)),
            Pace::Held(longest) => {
                let retries = Retries {
                    max_retries: 0,
                    ..within(longest)
                };
                (retries, longest, Cut::Attempt(self.attempt_timeout))
            }
            Pace::Once(total) => {
                let retries = Retries {
                    max_retries: 0,
                    ..within(total)
                };
                (retries, self.attempt_timeout, Cut::Call(total))
            }
            Pace::LastWord(max_retries) => {
                let retries = Retries {
                    max_retries,
                    pause: Duration::ZERO,
                    total: LAST_WORD,
                };
                // A connection that hangs must leave time for another one.
                let longest = self.attempt_timeout.min(LAST_WORD / (max_retries + 1));
                (retries, longest, Cut::Call(LAST_WORD))
            }
        }
    }

    /// How long all attempts of an event may take together.
    pub fn total_timeout(&self) -> Duration {
        self.retries.total
    }

    /// How long one attempt may take.
    pub fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// Where the time comes from.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Where an event of this kind is sent.
    pub fn url(&self, kind: EventKind) -> String {
        self.base_url.join(kind.path())
    }

    /// Goes the way to the service once, and asks how it is.
    #[cfg(feature = "cli")]
    pub fn examine(&self, interrupt: &Interrupt) -> (Vec<Step>, Option<Outcome>) {
        let url = self.base_url.join(HEALTH);
        let request = Request {
            method: "GET",
            url: &url,
            authorization: &self.authorization,
            user_agent: &self.user_agent,
            idempotency_key: "",
            span: "",
            occurred_at: "",
            sent_at: "",
            body: "",
        };
        let total = self.retries.total;
        let limit = Limit::new(self.attempt_timeout, Cut::Total(total), total, interrupt);
        let (steps, answer) = self.transport.walk(&request, &limit);
        (steps, answer.map(|answer| answer.into_data(&self.api_key)))
    }

    /// The proxy that carries the requests, without its credentials.
    #[cfg(feature = "cli")]
    pub fn proxy_address(&self) -> Option<String> {
        self.transport.proxy_address()
    }

    /// Where it is asked whether a deployment may start.
    pub fn check_url(&self) -> String {
        self.base_url.join(PREFLIGHT)
    }

    /// The headers of an event, with a stand-in for the API key, and without an idempotency key if
    /// none is given.
    pub fn shown_headers(&self, given_key: Option<&str>) -> Vec<(&'static str, String)> {
        let headers = headers(&Request {
            method: "POST",
            url: "",
            authorization: "Bearer [API key]",
            user_agent: &self.user_agent,
            idempotency_key: given_key.unwrap_or_default(),
            span: "",
            occurred_at: "",
            sent_at: "",
            body: "{}",
        });
        headers
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }

    fn since(&self, start: Duration) -> Duration {
        self.clock.now().saturating_sub(start)
    }

    /// How long the service asks to wait; `None` if it does not, or not in a form that means
    /// anything.
    fn retry_after(&self, attempt: &Result<Answer, Unsent>) -> Option<Duration> {
        let answer = attempt.as_ref().ok()?;
        if !answer.is_retryable() {
            return None;
        }
        let date = httpdate::parse_http_date(answer.header("Date"));
        let now = date.unwrap_or_else(|_| self.clock.date());
        retry_after(answer.header("Retry-After"), now)
    }

    fn retry_after_words(&self, pause: Duration, decision: Decision, overall: Cut) -> String {
        /// A century, beyond which a date means nothing.
        const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);
        let time = match self.clock.date().checked_add(pause) {
            Some(time) if pause < FAR => {
                let date = httpdate::fmt_http_date(time);
                format!("{} s, until {date}", seconds(pause))
            }
            _ => "for more than a century".to_owned(),
        };
        let reason = match (decision, overall) {
            (Decision::TooFar, Cut::Call(limit)) => {
                format!(", beyond the {} s that this call may take", seconds(limit))
            }
            (Decision::TooFar, _) => format!(
                ", beyond the total timeout of {} s (VERSIONER_TOTAL_TIMEOUT)",
                seconds(self.retries.total)
            ),
            (Decision::Wait(_) | Decision::Stop, _) => String::new(),
        };
        format!(" The service asks to wait {time}{reason}.")
    }

    fn log_retry(&self, request: &Request, attempt: &Result<Answer, Unsent>, pause: Duration) {
        let Request { method, url, .. } = request;
        let ended = match attempt {
            Ok(answer) if answer.is_complete => format!("HTTP {}", answer.status),
            Ok(answer) => format!("HTTP {}, broken off", answer.status),
            Err(unsent) => unsent.failure.message.clone(),
        };
        let pause = pause.as_secs_f64();
        let message = format!("{method} {url}: {ended}; again in {pause:.3} s");
        self.logger.log(Level::Debug, &self.api_key.redact(message));
    }
}

/// Whether another attempt may end otherwise.
fn is_retryable(attempt: &Result<Answer, Unsent>) -> bool {
    match attempt {
        Ok(answer) => answer.is_retryable(),
        Err(unsent) => matches!(unsent.failure.kind, Kind::Network | Kind::Timeout),
    }
}

/// Whether the service may have recorded what this attempt sent, without a word that can be trusted.
fn may_be_recorded(attempt: &Result<Answer, Unsent>) -> bool {
    match attempt {
        Ok(answer) => !(300..500).contains(&answer.status),
        Err(unsent) => unsent.was_sent,
    }
}

/// A new UUID.
///
/// # Errors
/// If the system gives no random numbers.
pub(crate) fn idempotency_key() -> Result<String, Failure> {
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

/// Reads a `Retry-After` header: seconds, or an HTTP date. No time at all is no wish: everybody
/// would come back in the same instant.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    let pause = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(header.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(header).ok()?;
        date.duration_since(now).ok()?
    };
    (!pause.is_zero()).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + SECOND * 784_111_777;
        assert_eq!(retry_after(" 7 ", now), Some(SECOND * 7));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now),
            Some(SECOND * 3)
        );
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), None);
        assert_eq!(
            retry_after("99999999999999999999999", now),
            Some(Duration::from_secs(u64::MAX))
        );
        for nonsense in ["", "0", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense:?}");
        }
    }
}
