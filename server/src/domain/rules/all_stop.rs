//! All stop: one switch that refuses every start. It ends by itself, because every decision compares
//! its end with the clock.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::RuleStatus;
use super::overriding::required_end;
use super::preflight::{Failed, Preflight, Violation};
use crate::domain::answer::Refusal;
use crate::domain::fields::{Fields, MAX_TEXT};
use crate::domain::time::{instant, rfc3339, rounded_up};

/// What a start is told for programs.
pub const CODE: &str = "ALL_STOP";
/// What is shown in place of the name of a rule.
const NAME: &str = "All Stop";

/// A stop of every start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllStop {
    /// What every start is told.
    pub message: String,
    /// When it ends, in microseconds since 1970.
    pub until: i64,
    /// Who said so.
    pub by: String,
    /// When, in microseconds since 1970.
    pub since: i64,
    /// Who has lifted it before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_by: Option<String>,
    /// Why it was lifted, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl AllStop {
    /// Reads a request body: `message`, and `until`, at most 7 days away.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
    pub fn read(body: Value, actor: &str, now: i64) -> Result<AllStop, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let message = fields.required_text("message", MAX_TEXT);
        let until = required_end(&mut fields, now);
        fields.refuse_unread();
        fields.finish()?;
        Ok(AllStop {
            message,
            until,
            by: actor.to_owned(),
            since: now,
            lifted_by: None,
            reason: None,
        })
    }

    /// Reads a stop back from where it was stored. One that cannot be read any more holds until it is
    /// lifted: it must not open what it stops.
    pub fn read_stored(text: &str) -> AllStop {
        serde_json::from_str(text).unwrap_or_else(|error| AllStop {
            message: format!("This stop cannot be read any more; lift it or set it anew: {error}"),
            until: i64::MAX,
            by: "unknown".to_owned(),
            since: 0,
            lifted_by: None,
            reason: None,
        })
    }

    /// The same, lifted now.
    pub fn lifted(&self, actor: &str, reason: Option<String>, now: i64) -> AllStop {
        AllStop {
            until: now,
            lifted_by: Some(actor.to_owned()),
            reason,
            ..self.clone()
        }
    }

    /// Whether it is in force.
    pub fn holds(&self, now: i64) -> bool {
        now < self.until
    }

    /// The stop as the API shows it; `None` or one that is over is none.
    pub fn to_json(stop: Option<&AllStop>, now: i64) -> Value {
        let stop = stop.filter(|stop| stop.holds(now));
        json!({
            "active": stop.is_some(),
            "message": stop.map(|stop| &stop.message),
            "until": stop.map(|stop| rfc3339(stop.until)),
            "since": stop.map(|stop| rfc3339(stop.since)),
            "by": stop.map(|stop| &stop.by),
        })
    }

    /// Why nothing may start.
    pub(super) fn failed(&self) -> Failed {
        let until = rounded_up(instant(self.until));
        Failed {
            rule_id: None,
            rule_name: NAME.to_owned(),
            rule_status: RuleStatus::Enabled,
            violation: Violation {
                status: 423,
                code: CODE,
                message: self.message.clone(),
                retry_after: Some(until),
                shown: Some(until.to_string()),
                details: Map::from_iter([
                    ("since".to_owned(), rfc3339(self.since).into()),
                    ("by".to_owned(), self.by.clone().into()),
                ]),
                holds_rollbacks: true,
            },
            lifted: None,
        }
    }

    /// What a start finds that asks for no checks: the stop alone.
    pub fn alone(&self) -> Preflight {
        Preflight::of(vec![self.failed()])
    }
}
