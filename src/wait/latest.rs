//! Whether another version was started there while a start waited: an older one must not go out
//! last by luck.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::input::text::time;
use crate::model::foreign::Foreign;
use crate::model::outcome::Outcome;

/// The service tells its time in whole seconds: what began within that of our first asking may
/// have been before it.
const TOLERANCE: Duration = Duration::from_secs(1);

/// A deployment that began there meanwhile.
#[derive(Debug)]
pub(super) struct Other {
    pub version: Foreign,
    pub started_at: Foreign,
}

/// The deployment of another version that began after `first`, our first asking by the service's
/// clock, as an answer tells it.
pub(super) fn other(outcome: &Outcome, version: &str, first: SystemTime) -> Option<Other> {
    let other = of_verdict(outcome, version).or_else(|| of_conflict(outcome))?;
    let began = time::parse(&other.started_at)?;
    (began >= first.checked_add(TOLERANCE)?).then_some(other)
}

fn of_verdict(outcome: &Outcome, own: &str) -> Option<Other> {
    let latest = outcome.data.as_ref()?.get("latest")?;
    let version = line(latest.get("version"))?;
    let started_at = line(latest.get("started_at"))?;
    (version != own).then_some(Other {
        version,
        started_at,
    })
}

/// Not every service says whether what is in the way is of the same version.
fn of_conflict(outcome: &Outcome) -> Option<Other> {
    let details = outcome.rejection.as_ref()?.details.as_ref()?;
    if details.get("same_version") != Some(&Value::Bool(false)) {
        return None;
    }
    Some(Other {
        version: line(
            details
                .get("in_progress")
                .and_then(|one| one.get("version")),
        )?,
        started_at: line(details.get("conflicting_deployment_started"))?,
    })
}

fn line(value: Option<&Value>) -> Option<Foreign> {
    Some(Foreign::line(value?.as_str()?))
}
