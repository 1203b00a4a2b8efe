//! A deployment as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use versioner::Status;

use super::Place;
use crate::domain::origin::Origin;

/// The state of a deployment. A row never goes back to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits in a queue.
    Pending,
    /// A rule did not allow it to start.
    PreflightFailed,
    /// It is in progress.
    Started,
    /// It ended well.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was cancelled.
    Aborted,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [
        State::Pending,
        State::PreflightFailed,
        State::Started,
        State::Completed,
        State::Failed,
        State::Aborted,
    ];

    /// The state that an event's status brings about.
    pub const fn of(status: Status) -> State {
        match status {
            Status::Pending => State::Pending,
            Status::Started => State::Started,
            Status::Completed => State::Completed,
            Status::Failed => State::Failed,
            Status::Aborted => State::Aborted,
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::PreflightFailed => "preflight_failed",
            State::Started => "started",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Aborted => "aborted",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it is over.
    pub const fn is_end(self) -> bool {
        matches!(self, State::Completed | State::Failed | State::Aborted)
    }

    /// Of two ends the one that stands: a failure before an abort before success.
    pub fn worse(self, other: State) -> State {
        let badness = |state: State| match state {
            State::Failed => 2,
            State::Aborted => 1,
            _ => 0,
        };
        if badness(other) > badness(self) {
            other
        } else {
            self
        }
    }
}

/// How a deployment came past the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// It has not asked yet.
    Waiting,
    /// Its start was allowed.
    Allowed,
    /// Its start was made without checks.
    Skipped,
    /// Its start was refused.
    Refused,
    /// It never asked: only its end was told.
    NotAsked,
    /// It was told after it happened.
    Told,
}

impl Gate {
    /// Every gate.
    pub const ALL: [Gate; 6] = [
        Gate::Waiting,
        Gate::Allowed,
        Gate::Skipped,
        Gate::Refused,
        Gate::NotAsked,
        Gate::Told,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Gate::Waiting => "waiting",
            Gate::Allowed => "allowed",
            Gate::Skipped => "skipped",
            Gate::Refused => "refused",
            Gate::NotAsked => "not_asked",
            Gate::Told => "told",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<Gate> {
        Gate::ALL.into_iter().find(|gate| gate.as_str() == word)
    }

    /// Whether its start was recorded as one.
    pub const fn has_started(self) -> bool {
        matches!(self, Gate::Allowed | Gate::Skipped)
    }
}

/// Who ended a deployment, if not its own run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// Nobody had said a word of it for too long.
    Expiry,
    /// A later attempt of the same job started.
    NewerAttempt,
    /// Its run is over, and left it in progress.
    RunEnded,
    /// Somebody asked for it.
    Request {
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
}

impl EndedBy {
    /// Whether it is only a guess, which the run's own end replaces.
    pub const fn is_guess(&self) -> bool {
        matches!(
            self,
            EndedBy::Expiry | EndedBy::NewerAttempt | EndedBy::RunEnded
        )
    }
}

/// The parts of a deployment that several legs of a run make together, and how each ended.
pub type Parts = BTreeMap<String, Option<State>>;

/// A deployment, without its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its identifier.
    pub id: String,
    /// Its place in the order of arrival.
    pub position: i64,
    /// The product.
    pub product_id: String,
    /// The environment.
    pub environment_id: String,
    /// The version.
    pub version_id: String,
    /// That version's name.
    pub version: String,
    /// Its state.
    pub state: State,
    /// How it came past the rules.
    pub gate: Gate,
    /// Whether the check for a deployment in progress held it: of these there is one per cell.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclusive: bool,
    /// The run it belongs to.
    pub origin: Origin,
    /// The span that named it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// Its parts; none if it is deployed as a whole.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
    /// Who deploys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_by: Option<String>,
    /// Who sent its start, and what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// The fingerprint of that request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// How often it asked to start.
    pub asks: i64,
    /// The rules that refused its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<String>,
    /// Who ended it, if not its own run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
    /// Whether another deployment had the slot while this one went on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overlapped: bool,
    /// Whether it counts for flow, soak and quality.
    pub evidence: bool,
    /// When its first event arrived, in microseconds since 1970.
    pub created_at: i64,
    /// When its last event arrived.
    pub updated_at: i64,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// Its place in the cell's order of time: when it ended, or came to its state.
    pub at: i64,
    /// When it was completed, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_at: Option<i64>,
    /// When it expires without another word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// How long it may go on without a word, in microseconds.
    pub lease: i64,
}

/// What is seldom true stands in the log only if it is.
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Row {
    /// Its cell.
    pub fn place(&self) -> Place {
        Place {
            product_id: self.product_id.clone(),
            environment_id: self.environment_id.clone(),
            ..Place::default()
        }
    }

    /// Whether it has the cell's slot. What is told late never has.
    pub fn in_progress(&self) -> bool {
        self.state == State::Started && self.gate != Gate::Told
    }

    /// Whether a job that waited for a verdict has it, and not its run by itself.
    pub fn is_gate(&self) -> bool {
        let by = self.asked_by.as_deref();
        self.gate != Gate::Told && by.is_some_and(|by| by.starts_with("source:"))
    }

    /// Whether no word of it came in time.
    pub fn is_expired(&self, now: i64) -> bool {
        !self.state.is_end() && self.expires_at.is_some_and(|at| at <= now)
    }

    /// Ends it.
    pub fn end(&mut self, state: State, by: Option<EndedBy>, now: i64) {
        self.state = state;
        self.ended_by = by;
        self.expires_at = None;
        self.updated_at = now;
        self.at = self.at.max(now);
    }

    /// A word of it: it may go on for its lease again.
    pub fn renew(&mut self, now: i64) {
        self.expires_at = Some(now.saturating_add(self.lease));
        self.updated_at = now;
    }
}
