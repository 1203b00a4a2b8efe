//! What is one deployment: which row an event belongs to, and what becomes of it.
//!
//! A cell is a product in an environment; at most one deployment is in progress in it. [`decide`]
//! looks at what is known of the cell and says what changes. It reads and writes nothing itself.

mod draft;
mod end;
mod foreign;
mod manual;
mod pending;
#[cfg(test)]
mod property;
mod response;
mod row;
mod start;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use versioner::Status;

use super::answer::Refusal;
use super::change::{Decision, Details};
use super::event::DeploymentEvent;
use super::naming::EnvironmentType;
use super::origin::Origin;
use super::people;
use super::rules::{AllStop, Asking, Evidence, Exemption, PREFLIGHT_STATUS, Rule};

pub use draft::details_fit;
pub use foreign::is_of_run;
pub use manual::{abort, expire, renew, run_ended};
pub use row::{EndedBy, Gate, Parts, Row, State};
pub use start::preflight;

/// How long a deployment may be in progress without a word of it, in microseconds: 24 hours.
pub const EXPIRY: i64 = 24 * HOUR;
/// The same for one that waits in a queue: 7 days.
pub const PENDING_EXPIRY: i64 = 7 * 24 * HOUR;
/// How long an abort of a span that never started is remembered.
pub const ABORT_MEMORY: i64 = 24 * HOUR;
/// How long the same request of a client without idempotency keys counts as its own retry.
const RETRY_WINDOW: i64 = 150 * SECOND;
/// How far back events are believed that a key without `history` tells late.
const TOLD_AT_MOST: i64 = 30 * 24 * HOUR;
const HOUR: i64 = 3600 * SECOND;
const SECOND: i64 = 1_000_000;

/// A deployment event, and what its request says besides.
#[derive(Debug, Clone)]
pub struct Request {
    /// The event.
    pub event: DeploymentEvent,
    /// The run that the event says it is of.
    pub origin: Origin,
    /// The deployment it belongs to, from the header `Versioner-Span`.
    pub span: Option<String>,
    /// Whether the request has an Idempotency-Key.
    pub has_key: bool,
    /// Who sends it.
    pub actor: String,
    /// The person that its API key belongs to.
    pub owner: Option<String>,
    /// Tells equal requests from others.
    pub fingerprint: String,
    /// When it happened by the server's clock, if it is told late.
    pub occurred: Option<i64>,
    /// Whether the key may tell history.
    pub history: bool,
    /// Whether somebody else's system tells it.
    pub foreign: bool,
}

/// The product, environment and version that an event names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The product's identifier.
    pub product_id: String,
    /// The environment's identifier.
    pub environment_id: String,
    /// The version's identifier.
    pub version_id: String,
    /// The product's name.
    pub product: String,
    /// The environment's name.
    pub environment: String,
    /// The version's name.
    pub version: String,
    /// Whether nobody named the environment before.
    pub environment_created: bool,
    /// What kind of environment it is.
    pub environment_type: Option<EnvironmentType>,
    /// The version's commit.
    pub scm_sha: Option<String>,
}

/// What is known of the span of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanFact {
    /// Its deployment; none if it was aborted before it started.
    pub row: Option<Row>,
    /// The part that this span deploys.
    pub part: Option<String>,
    /// Until when the abort is remembered.
    pub aborted_until: Option<i64>,
}

/// What a cell's last events left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The rows in progress: one, unless a rule or somebody lets several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_progress: Vec<String>,
    /// The row of the last event recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_id: Option<String>,
    /// The row that had the slot last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_started_id: Option<String>,
    /// The deployment that runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_id: Option<String>,
    /// When it was deployed, in the cell's order of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_at: Option<i64>,
    /// The deployment of another version that ran here before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// The last attempt, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_id: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_at: Option<i64>,
}

/// What is looked up for an event, under the cell's lock.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Where.
    pub place: Place,
    /// The span of the event.
    pub span: Option<SpanFact>,
    /// The rows that the event can be about, newest first: what is in progress in the cell, the
    /// last rows of it, and the newest of the version.
    pub rows: Vec<Row>,
    /// The newest completed deployments of the cell, by their place in time.
    pub completed: Vec<Completed>,
    /// The cell.
    pub cell: Cell,
}

/// A completed deployment, as far as the order of a cell needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The deployment.
    pub id: String,
    /// Its version.
    pub version_id: String,
    /// Its place in time.
    pub at: i64,
}

impl Cell {
    /// Takes note of whether a row is in progress.
    fn note(&mut self, row: &Row) {
        self.in_progress.retain(|id| *id != row.id);
        if row.in_progress() {
            self.in_progress.push(row.id.clone());
        }
    }
}

impl Facts {
    /// What was looked up; `rows` in any order.
    pub fn new(
        place: Place,
        span: Option<SpanFact>,
        mut rows: Vec<Row>,
        completed: Vec<Completed>,
        cell: Cell,
    ) -> Facts {
        rows.sort_by_key(|row| std::cmp::Reverse(row.position));
        Facts {
            place,
            span,
            rows,
            completed,
            cell,
        }
    }

    /// The deployment that has the slot.
    fn slot(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.in_progress())
    }

    fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}

/// Everything that a decision rests on.
#[derive(Debug)]
pub struct Known<'a> {
    /// What was looked up.
    pub facts: &'a Facts,
    /// The details of the target.
    pub details: Option<Details>,
    /// The rules.
    pub rules: &'a [Rule],
    /// What the rules ask for.
    pub evidence: Evidence,
    /// What may be let past the rules.
    pub exemptions: &'a [Exemption],
    /// What stops every start; it may be over.
    pub stop: Option<&'a AllStop>,
    /// The current time, in microseconds since 1970.
    pub now: i64,
    /// The identifier for a row, if one is begun.
    pub new_id: String,
    /// The order of arrival.
    pub position: i64,
}

impl Known<'_> {
    /// The current time in the cell's order, which a clock that steps back does not turn.
    fn moment(&self) -> i64 {
        let cell = &self.facts.cell;
        let last = cell.latest_at.max(cell.current_at);
        last.map_or(self.now, |last| last.max(self.now))
    }
}

/// The row that the event belongs to, whose details are then needed; none if it begins a new one.
pub fn target<'a>(request: &'a Request, facts: &'a Facts, now: i64) -> Option<&'a Row> {
    if request.foreign {
        return foreign::find(request, facts);
    }
    match request.event.status {
        Status::Pending => pending::find(request, facts),
        Status::Started => start::find(request, facts, now),
        _ => end::find(request, facts),
    }
}

/// Whether the rules are asked, and so which evidence is needed.
pub fn is_judged(request: &Request) -> bool {
    matches!(
        request.event.status,
        Status::Started | Status::Completed | Status::Failed
    ) && !(request.event.status == Status::Started && request.event.skip_preflight_checks)
}

/// What follows from the event.
///
/// # Errors
/// [`Refusal`] if nothing of it may be recorded.
pub fn decide(request: &Request, known: &Known<'_>) -> Result<Decision, Refusal> {
    if request.foreign {
        return foreign::decide(request, known);
    }
    match request.event.status {
        Status::Pending => pending::decide(request, known),
        Status::Started => start::decide(request, known),
        status => end::decide(request, known, State::of(status)),
    }
}

/// A moment by the server's clock, of one that the sender's clock gives: the difference to when it
/// was sent is what counts.
pub fn occurred(
    occurred_at: Timestamp,
    sent_at: Option<Timestamp>,
    now: Timestamp,
    history: bool,
) -> i64 {
    let now = now.as_microsecond();
    let at = occurred_at.as_microsecond();
    let at = sent_at.map_or(at, |sent| now.saturating_sub(sent.as_microsecond() - at));
    let earliest = if history {
        i64::MIN
    } else {
        now - TOLD_AT_MOST
    };
    at.clamp(earliest, now)
}

/// Whether the two name different spans: then they are different deployments.
fn other_span(request: &Request, row: &Row) -> bool {
    matches!((&request.span, &row.span), (Some(sent), Some(known)) if sent != known)
}

/// Who asks for a start.
fn asking<'a>(request: &'a Request, known: &'a Known<'_>) -> Asking<'a> {
    let event = &request.event;
    let links = [&event.details.deploy_url, &event.details.build_url];
    let links = links.into_iter().flatten().map(String::as_str);
    let server = request.origin.marks.get("vi_rd_job_serverurl");
    Asking {
        people: &known.evidence.people,
        claim: people::Claim {
            deployed_by: event.deployed_by.as_deref(),
            email: event.details.deployed_by_email.as_deref(),
            source_system: request.origin.source_system.as_deref(),
            hosts: links
                .chain(server.map(String::as_str))
                .filter_map(host)
                .collect(),
            owner: request.owner.as_deref(),
        },
        actor: &request.actor,
    }
}

/// The host of a link.
fn host(link: &str) -> Option<String> {
    let (_, rest) = link.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// The details that an event brings.
fn details(request: &Request) -> Details {
    Details {
        attributes: super::event::attributes(&request.event.details),
        // The server's word wins over the client's.
        metadata: without(&request.event.extra_metadata, PREFLIGHT_STATUS),
    }
}

fn without(metadata: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let mut metadata = metadata.clone();
    metadata.shift_remove(name);
    metadata
}
