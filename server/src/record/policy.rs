//! Rules and approvals.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::not_found;
use crate::answer::Answer;
use crate::rules::{Approval, Rule, RuleSpec};
use crate::store::{Catalog, Session, StoreError};

/// Adds a rule.
pub fn add_rule(
    session: &mut Session<'_>,
    spec: &RuleSpec,
    now: i64,
) -> Result<Answer, StoreError> {
    let rule = session.insert_rule(spec.clone(), now)?;
    Ok(Answer::new(StatusCode::CREATED, &rule.to_json()))
}

/// Replaces some fields of a rule.
pub fn change_rule(
    session: &mut Session<'_>,
    id: &str,
    changes: &Map<String, Value>,
    now: i64,
) -> Result<Answer, StoreError> {
    let rules = session.rules()?;
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return Ok(not_found("Rule"));
    };
    let spec = match rule.spec.patched(changes) {
        Ok(spec) => spec,
        Err(refusal) => return Ok(refusal.answer()),
    };
    let changed = Rule {
        spec,
        updated_at: now,
        ..rule.clone()
    };
    session.update_rule(&changed)?;
    Ok(Answer::new(StatusCode::OK, &changed.to_json()))
}

/// Removes a rule.
pub fn remove_rule(session: &mut Session<'_>, id: &str) -> Result<Answer, StoreError> {
    if !session.delete_rule(id)? {
        return Ok(not_found("Rule"));
    }
    Ok(Answer {
        status: StatusCode::NO_CONTENT,
        body: String::new(),
    })
}

/// Adds an approval; a person who has approved before gets the first one again.
pub fn approve(session: &mut Session<'_>, approval: &Approval) -> Result<Answer, StoreError> {
    if !session.version_exists(&approval.version_id)? {
        return Ok(not_found("Version"));
    }
    let environment_id = session.ensure(
        Catalog::Environment,
        &approval.environment,
        approval.created_at,
    )?;
    if let Some(given) = session.find_approval(approval, &environment_id)? {
        return Ok(Answer::new(StatusCode::OK, &given.to_json()));
    }
    let id = session.insert_approval(approval, &environment_id)?;
    let given = Approval {
        id,
        ..approval.clone()
    };
    Ok(Answer::new(StatusCode::CREATED, &given.to_json()))
}
