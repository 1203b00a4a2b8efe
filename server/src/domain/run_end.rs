//! The end of a run, as somebody else's system tells of it: it leaves nothing in progress.
//!
//! What the run has told of may come later than its end. So each end stays known, and whatever begins late is
//! looked at again. A look ends only what began before the run was over: what begins after that is another try
//! of it.

use serde_json::{Map, Value, json};

use super::deployment::{Gate, Row};
use super::origin::Origin;
use super::queue::{Kind, NewItem};

/// How long after the end of a run, or after what comes later, is looked: its own events may be on their way.
const AFTER: i64 = 120 * 1_000_000;
/// The member of a row of the queue that says which run has ended.
pub const RUN_ENDED: &str = "run_ended";
/// The member that says when, in microseconds since 1970.
const ENDED_AT: &str = "run_ended_at";

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// The run, and the attempt if only that is over.
    pub run: Origin,
    /// When it was over, by the clock of whoever told it.
    pub at: i64,
}

impl RunEnd {
    /// Reads it from the head of a row of the queue that was asked for at `asked`; `None` if that is about
    /// something else.
    pub fn read(head: &Map<String, Value>, asked: i64) -> Option<RunEnd> {
        let run = serde_json::from_value(head.get(RUN_ENDED)?.clone()).ok()?;
        let at = head.get(ENDED_AT).and_then(Value::as_i64);
        Some(RunEnd {
            run,
            at: at.unwrap_or(asked),
        })
    }

    /// A look at what it has left, for the source that told of it. `why` tells it from the other looks.
    pub fn look(&self, source_id: &str, why: &str, now: i64) -> NewItem {
        let head = [
            (RUN_ENDED.to_owned(), json!(self.run)),
            (ENDED_AT.to_owned(), json!(self.at)),
        ];
        NewItem {
            kind: Kind::Inbox,
            topic: source_id.to_owned(),
            key: format!("{}{why}", key_of_run(&self.run)),
            not_before: now + AFTER,
            head: Map::from_iter(head),
            body: Vec::new(),
        }
    }

    /// Whether it has left this deployment. What the run tells of itself in the attempt that is over began
    /// before; the moment in which it arrived says nothing of that.
    pub fn has_left(&self, row: &Row) -> bool {
        if !row.origin.is_within(&self.run) || row.state.is_end() {
            return false;
        }
        match row.gate {
            Gate::Told => row.at <= self.at,
            _ if self.run.names_attempt() => true,
            _ => row.started_at.unwrap_or(row.created_at) <= self.at,
        }
    }
}

/// How the keys begin of all looks at what runs of this name have left.
pub fn key_of_run(run: &Origin) -> String {
    let invoke_id = run.invoke_id.as_deref().unwrap_or_default();
    format!("{RUN_ENDED}:{invoke_id}:")
}
