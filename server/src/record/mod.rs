//! What the server does with what it is told: one command at a time per account.

mod build;
mod deployment;
mod policy;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

pub use deployment::PREFLIGHT_FAILED;

use crate::answer::{Answer, FieldError, Refusal};
use crate::event::{BuildEvent, DeploymentEvent};
use crate::rules::{Approval, RuleSpec};
use crate::store::{Envelope, Session, StoreError};

/// The most metadata that one build or deployment collects over its events, in bytes.
const MAX_METADATA: usize = 1024 * 1024;

/// A change to an account.
#[derive(Debug)]
pub enum Command {
    /// A build event.
    Build(Envelope, BuildEvent),
    /// A deployment event.
    Deployment(Envelope, DeploymentEvent),
    /// A new rule.
    AddRule(RuleSpec, i64),
    /// New values for some fields of a rule.
    ChangeRule {
        /// The rule.
        id: String,
        /// The fields.
        changes: Map<String, Value>,
        /// The current time.
        now: i64,
    },
    /// The end of a rule.
    RemoveRule(String),
    /// A person's approval.
    Approve(Approval),
}

impl Command {
    /// Does the command in an open transaction. It may be done again after a rollback.
    ///
    /// # Errors
    /// When the database fails; the transaction must then be rolled back.
    pub fn apply(&self, session: &mut Session<'_>) -> Result<Answer, StoreError> {
        match self {
            Command::Build(envelope, event) => once(session, envelope, |session| {
                build::record(session, event, envelope.now())
            }),
            Command::Deployment(envelope, event) => once(session, envelope, |session| {
                deployment::record(session, event, envelope.received_at)
            }),
            Command::AddRule(spec, now) => policy::add_rule(session, spec, *now),
            Command::ChangeRule { id, changes, now } => {
                policy::change_rule(session, id, changes, *now)
            }
            Command::RemoveRule(id) => policy::remove_rule(session, id),
            Command::Approve(approval) => policy::approve(session, approval),
        }
    }
}

/// Records an event, unless it was answered before: then that is the answer again.
fn once(
    session: &mut Session<'_>,
    envelope: &Envelope,
    record: impl FnOnce(&mut Session<'_>) -> Result<Answer, StoreError>,
) -> Result<Answer, StoreError> {
    let Some(key) = &envelope.idempotency_key else {
        return record(session);
    };
    if let Some(first) = session.first_answer(key)? {
        if first.fingerprint == envelope.fingerprint {
            return Ok(first.answer);
        }
        let error = FieldError::new(
            "header",
            "Idempotency-Key",
            "idempotency_key_reuse",
            "This Idempotency-Key was used for another event; send a new one with each event",
        );
        return Ok(Refusal::Invalid(vec![error]).answer());
    }
    let answer = record(session)?;
    session.keep_answer(key, envelope, &answer)?;
    Ok(answer)
}

fn not_found(what: &str) -> Answer {
    Answer::new(
        StatusCode::NOT_FOUND,
        &json!({ "detail": format!("{what} not found") }),
    )
}

/// Puts what an event brings over what is known; `Err` is the answer to too much of it.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) -> Result<(), Answer> {
    into.extend(
        from.iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let size = serde_json::to_vec(into).map_or(usize::MAX, |text| text.len());
    if size <= MAX_METADATA {
        return Ok(());
    }
    let error = FieldError::new(
        "body",
        "extra_metadata",
        "too_long",
        format!("The metadata of all events together should have at most {MAX_METADATA} bytes"),
    );
    Err(Refusal::Invalid(vec![error]).answer())
}
