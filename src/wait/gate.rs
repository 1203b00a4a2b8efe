//! Asks until the gate is open, the time is over, or waiting changes nothing.

use std::time::{Duration, SystemTime};

use super::answer::{self, Answer};
use super::latest::{self, Other};
use super::pause::{self, Again};
use super::progress;
use crate::input::text::time;
use crate::model::foreign::Foreign;
use crate::model::interrupt::Interrupt;
use crate::model::kind::{Code, Kind};
use crate::model::outcome::{Outcome, Rejection};
use crate::model::policy::Policy;
use crate::model::status::Status;
use crate::model::wait::Wait;
use crate::send::attempts::{Message, Pace, Sender, idempotency_key};

/// What a service lists that answers without recording, and that holds such an answer back.
const PREFLIGHT: &str = "preflight";
const WAIT: &str = "wait";

/// How long an answer may be held back: proxies give up after 30 s.
const HOLD: Duration = Duration::from_secs(25);

/// How long what is asked in the last moment of a wait may take beyond it.
const LATE: Duration = Duration::from_secs(5);

/// How often a question may go unanswered before the event itself is sent again.
const UNANSWERED: u32 = 3;

/// A start that waits.
pub(crate) struct Start<'a> {
    /// The first asking: the event as it would be sent without waiting.
    pub message: Message<'a>,
    pub wait: Wait,
    /// When the waiting began, in whatever process.
    pub since: SystemTime,
    /// When it was first asked for, in whatever process.
    pub first_asked: SystemTime,
    /// How long each asking of the event may take.
    pub pace: Pace,
}

/// What is asked of the service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Event,
    /// The same without recording anything.
    Question,
}

/// The machine at work.
pub(crate) struct Gate<'a> {
    sender: &'a Sender,
    start: Start<'a>,
    interrupt: &'a Interrupt,
    tell: &'a dyn Fn(&str, bool),
    /// When the time is over, by the clock's own count.
    end: Duration,
    /// The idempotency key of the next event; empty if it needs a new one.
    key: String,
    /// When an event was first sent under this key, if the service may have recorded it.
    sent_before: Option<SystemTime>,
    /// Whether a start of ours, whose answer was lost, stands in our way and could not be taken back.
    own_stands: bool,
    /// The first asking by the service's clock.
    first_asked: Option<SystemTime>,
    attempts: u32,
    /// Whether the service answers questions, and whether it does not although it says so.
    offers_questions: bool,
    refuses_questions: bool,
    holds_answers: bool,
    /// Questions without an answer, one after the other.
    unanswered: u32,
    /// Whether the last answer came sooner than it should have.
    is_hasty: bool,
    /// Whether the last answer did not come because the wait ended.
    is_cut: bool,
    /// What was paused for last, and how often in a row.
    again: Option<(Again, u32)>,
    /// The last refusal or failure.
    last: Option<Outcome>,
    told: String,
}

impl<'a> Gate<'a> {
    /// `tell` gets what people are told, and whether it is more than that time has passed.
    pub fn new(
        sender: &'a Sender,
        start: Start<'a>,
        interrupt: &'a Interrupt,
        tell: &'a dyn Fn(&str, bool),
    ) -> Self {
        let clock = sender.clock();
        let waited = clock.date().duration_since(start.since).unwrap_or_default();
        let left = start.wait.length.saturating_sub(waited);
        Gate {
            end: clock.now().saturating_add(left),
            key: start.message.idempotency_key.to_owned(),
            sent_before: start.message.sent_before,
            sender,
            start,
            interrupt,
            tell,
            own_stands: false,
            first_asked: None,
            attempts: 0,
            offers_questions: false,
            refuses_questions: false,
            holds_answers: false,
            unanswered: 0,
            is_hasty: false,
            is_cut: false,
            again: None,
            last: None,
            told: String::new(),
        }
    }

    /// How it ended: allowed, or why not, with the attempts of all askings.
    pub fn ask(mut self) -> Outcome {
        let mut outcome = self.until_it_opens();
        // An event that was cut off with the wait may be recorded, and so may one from before.
        outcome.may_stand |=
            outcome.code != Code::Ok && (self.own_stands || self.sent_before.is_some());
        outcome
    }

    fn until_it_opens(&mut self) -> Outcome {
        let mut ask = Ask::Event;
        loop {
            if self.own_stands {
                self.own_stands = !self.take_back();
            }
            let (mut outcome, answer) = match ask {
                Ask::Event => self.event(),
                Ask::Question => self.question(),
            };
            self.attempts += outcome.attempts;
            outcome.attempts = self.attempts;
            if let Some(other) = self.superseded(&outcome) {
                return self.stopped_by(&other, &outcome);
            }
            let opens_in = self.opens_in(&outcome);
            match (answer, ask) {
                (Answer::Open, Ask::Question) => {
                    // Refused all the same, it is not to be asked again at once.
                    self.is_hasty = true;
                    ask = Ask::Event;
                    continue;
                }
                (Answer::Open | Answer::Final, _) => return outcome,
                (Answer::NotOffered, _) => self.refuses_questions = true,
                (Answer::OwnStart, _) => {
                    self.own_stands = !self.take_back();
                    outcome.may_stand = false;
                    if self.own_stands {
                        self.tell_reason(&outcome, None);
                    }
                    let asks_anew = !self.own_stands && !self.left().is_zero();
                    self.last = Some(outcome);
                    if asks_anew {
                        continue;
                    }
                }
                // That there was no time for an answer says nothing of the gate.
                (Answer::Unreachable, _) if self.is_cut && self.last.is_some() => {}
                (Answer::Closed | Answer::Unreachable, _) => {
                    self.tell_reason(&outcome, opens_in);
                    self.last = Some(outcome);
                }
            }
            if self.left().is_zero() {
                return self.in_vain();
            }
            ask = self.next(ask, answer);
            let pause = self.pause(ask, answer, opens_in).min(self.left());
            if !pause.is_zero() {
                self.sender.clock().sleep(pause, self.interrupt);
            }
            if self.interrupt.is_raised() {
                return self.interrupted();
            }
        }
    }

    /// Sends the event.
    fn event(&mut self) -> (Outcome, Answer) {
        if self.key.is_empty() {
            match idempotency_key() {
                Ok(key) => self.key = key,
                Err(failure) => {
                    let kind = self.start.message.wire.kind;
                    return (failure.into_outcome(Some(kind)), Answer::Final);
                }
            }
        }
        let date = self.sender.clock().date();
        let message = Message {
            wire: self.start.message.wire,
            idempotency_key: &self.key,
            span: match self.attempts {
                0 => self.start.message.span,
                _ => self.span(),
            },
            sent_before: self.sent_before,
            occurred_at: None,
        };
        let own = match self.start.pace {
            Pace::Within(total) => total,
            _ => self.sender.total_timeout(),
        };
        let longest = self.within(own);
        let pace = match self.last {
            None => self.start.pace,
            // What is asked again has no more time than the wait.
            Some(_) => Pace::Within(longest),
        };
        let outcome = self.sender.send(&message, pace, self.interrupt);
        self.is_cut = longest < own && outcome.kind == Kind::Timeout;
        let answer = answer::to_event(&outcome, &self.start.wait);
        self.learn(&outcome);
        self.unanswered = 0;
        match answer {
            Answer::Unreachable if outcome.may_stand => {
                self.sent_before.get_or_insert(date);
            }
            _ if outcome.code == Code::Rejected => {
                self.sent_before = None;
                self.key.clear();
            }
            _ => {}
        }
        (outcome, answer)
    }

    /// Asks without recording.
    fn question(&mut self) -> (Outcome, Answer) {
        let clock = self.sender.clock();
        let began = clock.now();
        let hold = match self.holds_answers {
            true => HOLD.min(Duration::from_secs(self.left().as_secs() + 1)),
            false => Duration::ZERO,
        };
        let wire = self.start.message.wire;
        let own = self.sender.attempt_timeout().saturating_add(hold);
        let longest = self.within(own);
        let outcome = self
            .sender
            .check_held(wire, self.span(), (hold, longest), self.interrupt);
        self.is_cut = longest < own && outcome.kind == Kind::Timeout;
        self.is_hasty = clock.now().saturating_sub(began) < hold / 2;
        if outcome.kind == Kind::Interrupted {
            let attempts = outcome.attempts;
            let outcome = Outcome {
                attempts,
                ..self.interrupted()
            };
            return (outcome, Answer::Final);
        }
        let answer = answer::to_question(&outcome, &self.start.wait);
        self.unanswered = match answer {
            Answer::Unreachable => self.unanswered + 1,
            _ => 0,
        };
        (outcome, answer)
    }

    /// What all askings together belong to: the key of the first, if it is not scoped.
    fn span(&self) -> &'a str {
        match self.start.message.span {
            "" => self.start.message.idempotency_key,
            span => span,
        }
    }

    /// Takes from an answer what the service can do, and when the first asking was by its clock.
    fn learn(&mut self, outcome: &Outcome) {
        let offers = |name| outcome.features.iter().any(|feature| *feature == name);
        self.offers_questions = offers(PREFLIGHT);
        self.holds_answers = offers(WAIT);
        if outcome.http_status > 0 && self.first_asked.is_none() {
            let now = self.sender.clock().date();
            let ago = now
                .duration_since(self.start.first_asked)
                .unwrap_or_default();
            self.first_asked = outcome.answered_at.unwrap_or(now).checked_sub(ago);
        }
    }

    /// What to ask after an answer that was not the last.
    fn next(&self, asked: Ask, answer: Answer) -> Ask {
        let is_lost = asked == Ask::Event && answer == Answer::Unreachable;
        let is_tired = self.unanswered >= UNANSWERED;
        match self.offers_questions && !self.refuses_questions && !is_lost && !is_tired {
            true => Ask::Question,
            false => Ask::Event,
        }
    }

    fn pause(&mut self, next: Ask, answer: Answer, opens_in: Option<Duration>) -> Duration {
        let is_held = next == Ask::Question && self.holds_answers && answer == Answer::Closed;
        if is_held && !self.is_hasty {
            self.again = None;
            return Duration::ZERO;
        }
        let again = match next {
            Ask::Event => Again::Event,
            Ask::Question if is_held => Again::HeldQuestion,
            Ask::Question => Again::Question,
        };
        let count = match self.again {
            Some((before, count)) if before == again => count + 1,
            _ => 0,
        };
        self.again = Some((again, count));
        let opens_in = opens_in.filter(|_| !is_held);
        pause::before(again, count, opens_in, self.sender.clock().jitter())
    }

    /// How long the service says that the gate stays closed, by its own clock.
    fn opens_in(&self, outcome: &Outcome) -> Option<Duration> {
        let opens = time::parse(&outcome.rejection.as_ref()?.retry_after)?;
        let now = outcome.answered_at;
        let now = now.unwrap_or_else(|| self.sender.clock().date());
        opens.duration_since(now).ok()
    }

    /// So long, but not longer than the wait goes on, and a little.
    fn within(&self, longest: Duration) -> Duration {
        longest.min(self.left().saturating_add(LATE))
    }

    fn left(&self) -> Duration {
        self.end.saturating_sub(self.sender.clock().now())
    }

    fn tell_reason(&mut self, outcome: &Outcome, opens_in: Option<Duration>) {
        let reason = progress::reason(outcome);
        let length = self.start.wait.length;
        let passed = progress::passed(length.saturating_sub(self.left()), length);
        let mut line = format!("waiting: {reason}, {passed}");
        let is_first = self.told.is_empty();
        if is_first
            && opens_in.is_some_and(|opens_in| opens_in > self.left())
            && let Some(rejection) = &outcome.rejection
        {
            let opens = &rejection.retry_after;
            line.push_str(&format!("; it opens at {opens}, after this wait ends"));
        }
        let is_change = reason != self.told;
        self.told = reason;
        (self.tell)(&line, is_change);
    }

    /// Ends our own start, whose answer was lost and which is now in our way. Says whether it could
    /// be told.
    fn take_back(&mut self) -> bool {
        let now = time::write(self.sender.clock().date());
        let first = &self.start.message;
        let status = Status::Aborted.as_str();
        let aborted = first.wire.ended(status, &now, <_>::default());
        let (Ok(wire), Ok(key)) = (aborted, idempotency_key()) else {
            return false;
        };
        let message = Message {
            wire: &wire,
            idempotency_key: &key,
            span: self.span(),
            sent_before: None,
            occurred_at: None,
        };
        let pace = Pace::LastWord(1);
        let told = self.sender.send(&message, pace, &Interrupt::never());
        self.attempts += told.attempts;
        if told.recorded {
            let line = "waiting: our own start, whose answer was lost, is taken back";
            (self.tell)(line, true);
        }
        told.recorded
    }

    /// Whoever started there meanwhile.
    fn superseded(&self, outcome: &Outcome) -> Option<Other> {
        if self.start.wait.past_others || outcome.recorded {
            return None;
        }
        let version = &self.start.message.wire.subject.version;
        latest::other(outcome, version, self.first_asked?)
    }

    fn stopped_by(&self, other: &Other, last: &Outcome) -> Outcome {
        let wire = self.start.message.wire;
        let subject = &wire.subject;
        let policy = Policy::superseded();
        let said = Foreign::text(&format!(
            "version {} of {} was started in {} at {}, while {} waited for its turn: an older \
             version must not go out last by luck (wait_superseded)",
            other.version, subject.product, subject.environment, other.started_at, subject.version,
        ));
        Outcome {
            http_status: last.http_status,
            attempts: self.attempts,
            features: last.features.clone(),
            answered_at: last.answered_at,
            rejection: Some(Rejection {
                policy_code: Foreign::line(policy.codes.first().copied().unwrap_or_default()),
                said: said.clone(),
                policy: Some(policy),
                ..Rejection::default()
            }),
            ..Outcome::new(Some(wire.kind), policy.kind, said.as_str())
        }
    }

    fn interrupted(&self) -> Outcome {
        let may_stand = self.own_stands || self.sent_before.is_some();
        let end = match may_stand {
            true => "the event may or may not be recorded",
            false => "nothing was started",
        };
        let reason = match self.told.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        Outcome {
            attempts: self.attempts,
            may_stand,
            ..Outcome::new(
                Some(self.start.message.wire.kind),
                Kind::Interrupted,
                format!("interrupted while it waited{reason}; {end}"),
            )
        }
    }

    /// The time is over: the last refusal or failure stands.
    fn in_vain(&mut self) -> Outcome {
        let waited = progress::rounded(self.start.wait.length);
        let count = self.attempts;
        let Some(mut outcome) = self.last.take() else {
            return self.interrupted();
        };
        outcome.attempts = count;
        let reason = progress::reason(&outcome);
        (self.tell)(&format!("waited {waited} in vain: {reason}"), true);
        let words = format!(" Waited {waited}, asked {count} times.");
        outcome.message.push_str(&words);
        outcome
    }
}
