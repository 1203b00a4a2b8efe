//! What an answer means for a start that waits.

use serde_json::Value;

use crate::model::kind::{Code, Kind};
use crate::model::outcome::Outcome;
use crate::model::wait::Wait;

const FLOW: &str = "FLOW_VIOLATION";

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The gate is open.
    Open,
    /// It may open by itself or by somebody's hand.
    Closed,
    /// What is in the way may be our own start, whose answer was lost.
    OwnStart,
    /// Nobody could answer.
    Unreachable,
    /// This service does not tell without recording.
    NotOffered,
    /// Waiting changes nothing.
    Final,
}

/// What the answer to the event means.
pub(super) fn to_event(outcome: &Outcome, wait: &Wait) -> Answer {
    match (outcome.code, outcome.http_status) {
        (Code::Ok, _) => Answer::Open,
        (Code::Rejected, _) if outcome.may_stand => Answer::OwnStart,
        (Code::Rejected, 409 | 423 | 428) => rejected(outcome, wait),
        _ if is_unreachable(outcome) => Answer::Unreachable,
        _ => Answer::Final,
    }
}

/// What the answer to the question means that records nothing.
pub(super) fn to_question(outcome: &Outcome, wait: &Wait) -> Answer {
    match (outcome.code, outcome.kind) {
        (Code::Ok, _) => Answer::Open,
        (Code::Rejected, _) => rejected(outcome, wait),
        _ if is_unreachable(outcome) => Answer::Unreachable,
        (Code::Error, _) | (_, Kind::Authentication) => Answer::Final,
        _ => Answer::NotOffered,
    }
}

fn rejected(outcome: &Outcome, wait: &Wait) -> Answer {
    match violates_flow(outcome) && !wait.for_flow {
        true => Answer::Final,
        false => Answer::Closed,
    }
}

/// Whether the environments that come first are in the way, be it beside something else.
fn violates_flow(outcome: &Outcome) -> bool {
    let details = outcome
        .rejection
        .as_ref()
        .and_then(|one| one.details.as_ref());
    let blocking = details.and_then(|details| details.get("blocking")?.as_array());
    let is_flow = |rule: &Value| rule.get("code").is_some_and(|code| code == FLOW);
    outcome.kind == Kind::FlowViolation || blocking.is_some_and(|all| all.iter().any(is_flow))
}

/// Whether the same question may be answered later.
fn is_unreachable(outcome: &Outcome) -> bool {
    matches!(
        outcome.kind,
        Kind::Network | Kind::Timeout | Kind::RateLimited | Kind::Server
    )
}
