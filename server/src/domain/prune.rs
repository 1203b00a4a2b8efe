//! What is taken out of the tables because nobody asks for it any more. The log keeps it.

use serde::{Deserialize, Serialize};

const DAY: i64 = 24 * 3600 * 1_000_000;
/// How long everything is kept, in days: a version that was current so long ago may go back.
pub const KEPT_AT_LEAST: i64 = 90;
/// How long the answers to Idempotency-Keys are kept, in microseconds: an outbox keeps its events for 30
/// days.
pub const ANSWERS_KEPT: i64 = 35 * DAY;

/// What is to be pruned, as much as fits one transaction.
#[derive(Debug, Clone)]
pub struct Prune {
    /// Only what is older than so many days, [`KEPT_AT_LEAST`] or more.
    pub days: i64,
    /// Where to go on.
    pub from: Place,
    /// Whether it is only to be said what would be taken.
    pub check: bool,
}

/// How far a prune has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// After the deployment that arrived then, by its order of arrival.
    Deployments(i64, i64),
    /// After the build that arrived then.
    Builds(i64, i64),
    /// After the Idempotency-Key, its endpoint, and who used it.
    Answers(String, String, String),
}

impl Place {
    /// Before everything.
    pub const START: Place = Place::Deployments(i64::MIN, i64::MIN);

    /// Where to go on once there is no more of this kind.
    pub fn after_all(&self) -> Option<Place> {
        match self {
            Place::Deployments(..) => Some(Place::Builds(i64::MIN, i64::MIN)),
            Place::Builds(..) => Some(Place::Answers(String::new(), String::new(), String::new())),
            Place::Answers(..) => None,
        }
    }
}

/// The times that decide, in microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Ages {
    /// What is newer stays.
    pub before: i64,
    /// What was current at this time or later stays.
    pub current_since: i64,
    /// Answers that are newer stay.
    pub answers_before: i64,
}

impl Prune {
    /// The times that decide at `now`.
    pub fn ages(&self, now: i64) -> Ages {
        Ages {
            before: now - self.days.max(KEPT_AT_LEAST) * DAY,
            current_since: now - KEPT_AT_LEAST * DAY,
            answers_before: now - ANSWERS_KEPT,
        }
    }
}

/// What a look for old things has found.
#[derive(Debug, Default)]
pub struct Old {
    /// Deployments.
    pub deployments: Vec<String>,
    /// Builds.
    pub builds: Vec<String>,
    /// Idempotency-Keys with their endpoints and who used them.
    pub answers: Vec<(String, String, String)>,
    /// Where to go on; `None` if everything of this kind was looked at.
    pub next: Option<Place>,
}
