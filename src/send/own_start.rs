//! A service that knows no idempotency keys may refuse a retry because of the first attempt, whose
//! answer was lost.

use std::time::{Duration, SystemTime};

use crate::input::text::time;
use crate::model::kind::Kind;
use crate::model::outcome::Outcome;

/// What a service lists that tells a retry from another event.
const IDEMPOTENCY: &str = "idempotency";

/// How far the service's clock and its records may differ.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Whether the deployment in the way may be our own: the service cannot tell retries, and it began
/// no earlier than our `first` attempt. `now` is by the same clock as `first`.
pub(crate) fn is_ours(outcome: &Outcome, first: SystemTime, now: SystemTime) -> bool {
    let knows_retries = outcome.features.iter().any(|one| *one == IDEMPOTENCY);
    if outcome.kind != Kind::DeploymentConflict || knows_retries {
        return false;
    }
    let began = member(outcome, "conflicting_deployment_started").and_then(time::parse);
    let ago = now.duration_since(first).unwrap_or_default();
    let date = outcome.answered_at.unwrap_or(now);
    let first = date.checked_sub(ago + TOLERANCE);
    began
        .zip(first)
        .is_some_and(|(began, first)| began >= first)
}

/// Says so, and how to go on.
pub(crate) fn explain(outcome: &mut Outcome) {
    let id = member(outcome, "conflicting_deployment_id").unwrap_or_default();
    let named = match id {
        "" => String::new(),
        id => format!(" {id}"),
    };
    let words = format!(
        " This may be our own start, whose answer was lost: deployment{named}. If so, end it by an \
         event of status aborted with the same product, environment and version, and start again."
    );
    outcome.message.push_str(&words);
}

fn member<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a str> {
    let details = outcome.rejection.as_ref()?.details.as_ref()?;
    details.get(name)?.as_str()
}
