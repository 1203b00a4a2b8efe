//! The states of a span: asking, open, ended. Nothing here sends.

use std::time::{Duration, SystemTime};

use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::kind::Code;
use crate::model::outcome::Outcome;
use crate::model::wait::Wait;
use crate::send::wire::Wire;

/// What a service lists whose deployments can be renewed.
const RENEW: &str = "renew";

/// A span as data.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// The idempotency key of its start, and the header of its every event.
    pub id: String,
    /// The start as it is sent.
    pub start: Wire,
    pub api_url: String,
    pub account: String,
    pub asked_at: SystemTime,
    /// How it waits for its gate, if it does.
    pub wait: Option<Waiting>,
    /// When it began, if it waited first.
    pub begun_at: Option<SystemTime>,
    /// Whether an earlier process may have asked.
    pub was_asked: bool,
    pub state: State,
    /// What can be renewed; empty if nothing can.
    pub deployment_id: String,
    pub lease: Option<Duration>,
}

/// How a span waits, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub wait: Wait,
    pub since: SystemTime,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Asking,
    /// It goes on, with permission or in best-effort mode without.
    Open,
    Ended(Ended),
}

#[derive(Debug, Clone)]
pub(super) enum Ended {
    /// It never began.
    Refused,
    /// It ended, and this is what tells so.
    With(Box<Ending>),
}

/// How it ended. It does not change any more.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub event: Wire,
    pub is_told: bool,
    /// How the last telling went, if it was in this process.
    pub outcome: Option<Outcome>,
}

/// What follows from the answer to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Stop,
    /// It stops, but may be recorded as going on.
    Abort,
}

impl Machine {
    /// Takes the outcome of the asking.
    pub fn answered(&mut self, outcome: &Outcome) -> Next {
        if outcome.code == Code::Ok {
            self.state = State::Open;
            // A build keeps no place that could be taken from it.
            let can_renew = self.start.kind == EventKind::Deployment
                && outcome.features.iter().any(|feature| *feature == RENEW);
            if outcome.recorded && can_renew {
                outcome
                    .event_id
                    .as_str()
                    .clone_into(&mut self.deployment_id);
            }
            return Next::GoOn;
        }
        if outcome.may_stand {
            return Next::Abort;
        }
        self.state = State::Ended(Ended::Refused);
        Next::Stop
    }

    /// Ends it with the event that `make` makes of its start. What has ended before stays as it is.
    ///
    /// # Errors
    /// Those of `make`, and if it never began.
    pub fn end(
        &mut self,
        make: impl FnOnce(&Machine) -> Result<Wire, Failure>,
    ) -> Result<&Ending, Failure> {
        if matches!(self.state, State::Asking | State::Open) {
            let ending = Ending {
                event: make(self)?,
                is_told: false,
                outcome: None,
            };
            self.state = State::Ended(Ended::With(Box::new(ending)));
        }
        match &self.state {
            State::Ended(Ended::With(ending)) => Ok(ending),
            _ => Err(Failure::argument(
                "span",
                "span: its start was refused, so there is nothing to end",
            )),
        }
    }

    /// Takes the outcome of telling the end.
    pub fn told(&mut self, outcome: &Outcome) {
        if let State::Ended(Ended::With(ending)) = &mut self.state {
            // What the service has taken it will record.
            ending.is_told = outcome.code == Code::Ok && outcome.kind.code() == Code::Ok;
            ending.outcome = Some(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::foreign::Foreign;
    use crate::model::kind::Kind;

    const START: &str = r#"{"product_name":"api","version":"1","environment_name":"production","status":"started","extra_metadata":{"n":1.50}}"#;

    fn machine() -> Machine {
        Machine {
            id: "id".to_owned(),
            start: Wire::read(EventKind::Deployment, START).expect("a body"),
            api_url: String::new(),
            account: String::new(),
            asked_at: SystemTime::UNIX_EPOCH,
            wait: None,
            begun_at: None,
            was_asked: false,
            state: State::Asking,
            deployment_id: String::new(),
            lease: None,
        }
    }

    fn outcome(kind: Kind, may_stand: bool) -> Outcome {
        let mut outcome = Outcome::new(Some(EventKind::Deployment), kind, "");
        outcome.may_stand = may_stand;
        outcome
    }

    fn end(machine: &mut Machine, status: &str) -> Result<String, Failure> {
        let ending = machine.end(|machine| machine.start.ended(status, "now", <_>::default()))?;
        Ok(ending.event.status.clone())
    }

    #[test]
    fn an_answer_opens_refuses_or_leaves_unknown() {
        let mut open = machine();
        assert_eq!(open.answered(&outcome(Kind::Ok, false)), Next::GoOn);
        assert!(matches!(open.state, State::Open));
        let mut refused = machine();
        let no = outcome(Kind::FlowViolation, false);
        assert_eq!(refused.answered(&no), Next::Stop);
        assert!(end(&mut refused, "completed").is_err());
        let mut unknown = machine();
        let lost = outcome(Kind::Timeout, true);
        assert_eq!(unknown.answered(&lost), Next::Abort);
        assert_eq!(end(&mut unknown, "aborted").expect("an end"), "aborted");
    }

    #[test]
    fn the_first_end_counts() {
        let mut machine = machine();
        machine.answered(&outcome(Kind::Ok, false));
        assert_eq!(end(&mut machine, "completed").expect("an end"), "completed");
        machine.told(&outcome(Kind::Timeout, false));
        assert_eq!(end(&mut machine, "failed").expect("an end"), "completed");
    }

    #[test]
    fn only_what_a_service_says_it_can_is_renewed() {
        let mut answer = outcome(Kind::Ok, false);
        answer.recorded = true;
        answer.event_id = Foreign::line("dep-1");
        let mut plain = machine();
        plain.answered(&answer);
        assert_eq!(plain.deployment_id, "");
        answer.features = vec![Foreign::line("renew")];
        let mut renewing = machine();
        renewing.answered(&answer);
        assert_eq!(renewing.deployment_id, "dep-1");
        let mut building = machine();
        let start = r#"{"product_name":"api","version":"1","status":"started"}"#;
        building.start = Wire::read(EventKind::Build, start).expect("a body");
        building.answered(&answer);
        assert_eq!(building.deployment_id, "");
    }

    #[test]
    fn an_end_keeps_numbers_as_they_were_written() {
        let mut machine = machine();
        machine.state = State::Open;
        let ending = machine
            .end(|machine| machine.start.ended("failed", "now", <_>::default()))
            .expect("an end");
        assert_eq!(
            ending.event.body,
            START.replace("started\"", "failed\",\"completed_at\":\"now\"")
        );
    }
}
