//! All stop: putting it on, and lifting it. It is a setting of the account.

use serde_json::json;

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::rules::AllStop;
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

/// The setting.
pub const ALL_STOP: &str = "all_stop";

/// Refuses every start from now on.
pub async fn put<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    stop: &AllStop,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let before = transaction.setting(ALL_STOP).await?;
    Ok(Ok(decision(stop, before, envelope.now, "stop.set")))
}

/// Lets deployments start again.
pub async fn lift<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    reason: &Option<String>,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let now = envelope.now;
    let before = transaction.setting(ALL_STOP).await?;
    let Some(stop) = transaction.all_stop().await?.filter(|stop| stop.holds(now)) else {
        let msg = "Nothing is stopped: no stop is in force";
        return Ok(Err(Refusal::Conflict(msg.to_owned())));
    };
    let lifted = stop.lifted(&envelope.actor, reason.clone(), now);
    Ok(Ok(decision(&lifted, before, now, "stop.lifted")))
}

fn decision(stop: &AllStop, before: Option<String>, now: i64, kind: &'static str) -> Decision {
    Decision {
        changes: vec![Change::Setting {
            name: ALL_STOP.to_owned(),
            value: json!(stop).to_string(),
            before,
        }],
        answer: Answer::new(200, &AllStop::to_json(Some(stop), now)),
        subject: Some(ALL_STOP.to_owned()),
        kind,
    }
}
