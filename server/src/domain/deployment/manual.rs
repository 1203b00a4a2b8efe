//! What happens to a deployment without an event of its run.

use super::{Cell, EXPIRY, EndedBy, Row, State};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::time::rfc3339;
use serde_json::json;

/// Ends a deployment because no word of it came in time; `None` if one did.
pub fn expire(row: &Row, cell: &Cell, now: i64) -> Option<Decision> {
    row.is_expired(now).then(|| {
        let ended = ended(row, EndedBy::Expiry, now);
        decision(ended, cell, "deployment.expired")
    })
}

/// Ends a deployment because its run is over; `None` if it is over itself. A job that waits for its gate
/// waits no longer.
pub fn run_ended(row: &Row, cell: &Cell, now: i64) -> Option<Decision> {
    let spans = row.span.as_deref();
    let waits = row.state == State::PreflightFailed
        && spans.is_some_and(|span| span.starts_with(crate::domain::gate::SPAN));
    (waits || matches!(row.state, State::Started | State::Pending)).then(|| {
        let ended = ended(row, EndedBy::RunEnded, now);
        decision(ended, cell, "deployment.run_ended")
    })
}

/// Ends a deployment because somebody asks for it.
///
/// # Errors
/// If it is over already.
pub fn abort(
    row: &Row,
    cell: &Cell,
    actor: &str,
    reason: &str,
    now: i64,
) -> Result<Decision, Refusal> {
    if row.state.is_end() {
        let msg = format!("The deployment is {} already", row.state.as_str());
        return Err(Refusal::Conflict(msg));
    }
    let by = EndedBy::Request {
        actor: actor.to_owned(),
        reason: reason.to_owned(),
    };
    Ok(decision(ended(row, by, now), cell, "deployment.aborted"))
}

/// A sign of life: the deployment may go on for its lease, or for the new one, again.
///
/// # Errors
/// If it is not in progress any more.
pub fn renew(row: &Row, lease: Option<i64>, now: i64) -> Result<Decision, Refusal> {
    if row.state.is_end() || row.is_expired(now) {
        let msg = format!(
            "The deployment is {} and cannot be renewed",
            if row.state.is_end() {
                row.state.as_str()
            } else {
                "expired"
            }
        );
        return Err(Refusal::Conflict(msg));
    }
    let mut renewed = row.clone();
    if let Some(lease) = lease {
        renewed.lease = lease.min(EXPIRY);
    }
    renewed.renew(now);
    Ok(Decision {
        answer: shown(&renewed),
        subject: Some(renewed.id.clone()),
        changes: vec![change(renewed)],
        kind: "deployment.renewed",
    })
}

fn ended(row: &Row, by: EndedBy, now: i64) -> Row {
    let mut row = row.clone();
    row.end(State::Aborted, Some(by), now);
    row
}

fn decision(row: Row, cell: &Cell, kind: &'static str) -> Decision {
    let mut cell = cell.clone();
    cell.note(&row);
    cell.last_id = Some(row.id.clone());
    if cell.latest_id.as_ref() == Some(&row.id) {
        cell.latest_at = Some(row.at);
    }
    Decision {
        answer: shown(&row),
        subject: Some(row.id.clone()),
        changes: vec![
            Change::Cell {
                product_id: row.product_id.clone(),
                environment_id: row.environment_id.clone(),
                cell,
            },
            change(row),
        ],
        kind,
    }
}

fn change(row: Row) -> Change {
    Change::Deployment {
        row: Box::new(row),
        details: None,
        new: false,
    }
}

fn shown(row: &Row) -> Answer {
    let body = json!({
        "id": row.id,
        "product_id": row.product_id,
        "version_id": row.version_id,
        "environment_id": row.environment_id,
        "version": row.version,
        "status": row.state.as_str(),
        "expires_at": row.expires_at.map(rfc3339),
    });
    Answer::new(200, &body)
}
