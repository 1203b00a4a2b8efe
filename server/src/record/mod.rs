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
            Command::Build(envelope, event) => {
                if let Some(answer) = repeated(session, envelope)? {
                    return Ok(answer);
                }
                let (subject, answer) = build::record(session, event, envelope.now())?;
                session.journal(envelope, subject.as_deref(), &answer)?;
                Ok(answer)
            }
            Command::Deployment(envelope, event) => {
                if let Some(answer) = repeated(session, envelope)? {
                    return Ok(answer);
                }
                let now = envelope.received_at;
                let (subject, answer) = deployment::record(session, event, now)?;
                session.journal(envelope, subject.as_deref(), &answer)?;
                Ok(answer)
            }
            Command::AddRule(spec, now) => policy::add_rule(session, spec, *now),
            Command::ChangeRule { id, changes, now } => {
                policy::change_rule(session, id, changes, *now)
            }
            Command::RemoveRule(id) => policy::remove_rule(session, id),
            Command::Approve(approval) => policy::approve(session, approval),
        }
    }
}

/// The answer to an event that was answered before.
fn repeated(session: &mut Session<'_>, envelope: &Envelope) -> Result<Option<Answer>, StoreError> {
    let Some(key) = &envelope.idempotency_key else {
        return Ok(None);
    };
    let Some(first) = session.first_answer(key)? else {
        return Ok(None);
    };
    if first.fingerprint == envelope.fingerprint {
        return Ok(Some(first.answer));
    }
    let error = FieldError::new(
        "header",
        "Idempotency-Key",
        "idempotency_key_reuse",
        "This Idempotency-Key was used for another event; send a new one with each event",
    );
    Ok(Some(Refusal::Invalid(vec![error]).answer()))
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
