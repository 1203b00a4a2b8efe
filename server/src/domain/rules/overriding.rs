//! For a time a rule does something else than its status says.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::RuleStatus;
use crate::domain::answer::Refusal;
use crate::domain::fields::{Fields, MAX_TEXT};
use crate::domain::time::rfc3339;

/// The longest time for which a rule is overridden, or a deployment exempted: 7 days.
pub const LONGEST: i64 = 7 * 24 * 3600 * 1_000_000;

/// What a rule does until some time, in place of its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What it does meanwhile.
    pub status: RuleStatus,
    /// Until when, in microseconds since 1970.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
}

impl Override {
    /// Reads the member `override` of a rule. What `GET` showed comes back as it was; another is
    /// `actor`'s.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing or wrong.
    pub fn read(
        body: Map<String, Value>,
        before: Option<&Override>,
        actor: &str,
        now: i64,
    ) -> Result<Override, Refusal> {
        let mut fields = Fields::of(body, vec!["body".to_owned(), "override".to_owned()]);
        let status = fields.required_choice("status", &RuleStatus::WORDS);
        let until = required_end(&mut fields, now);
        let reason = fields.required_text("reason", MAX_TEXT);
        fields.text("by", MAX_TEXT);
        fields.refuse_unread();
        fields.finish()?;
        let read = Override {
            status: status.unwrap_or(RuleStatus::Enabled),
            until,
            reason,
            by: actor.to_owned(),
        };
        let same = before.filter(|before| {
            (before.status, before.until, &before.reason) == (read.status, read.until, &read.reason)
        });
        Ok(same.cloned().unwrap_or(read))
    }

    /// Whether it is in force.
    pub fn holds(&self, now: i64) -> bool {
        now < self.until
    }

    /// The override as the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "status": self.status.as_str(),
            "until": rfc3339(self.until),
            "reason": self.reason,
            "by": self.by,
        })
    }
}

/// Reads the member `until`: a moment in the next 7 days.
pub fn required_end(fields: &mut Fields, now: i64) -> i64 {
    let Some(until) = fields.required_timestamp("until") else {
        return now;
    };
    let until = until.as_microsecond();
    if until <= now || until > now + LONGEST {
        let msg = format!(
            "Input should be later than now and at most 7 days away: before {}",
            rfc3339(now + LONGEST)
        );
        fields.reject("until", "value_error", msg);
    }
    until
}
