//! What a deployment event is answered with.

use serde_json::{Map, Value, json};

use super::{Place, Row};
use crate::domain::answer::Answer;
use crate::domain::rules::{PREFLIGHT_STATUS, Preflight};
use crate::domain::time::rfc3339;

/// What an answer says besides the row.
#[derive(Debug, Default)]
pub struct Notes<'a> {
    /// What the rules found.
    pub verdict: Option<&'a Value>,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// Whether it was told after it happened.
    pub told: bool,
}

/// The event is recorded.
pub fn recorded(place: &Place, row: &Row, notes: Notes<'_>) -> Answer {
    let mut body = json!({
        "id": row.id,
        "product_id": place.product_id,
        "version_id": place.version_id,
        "environment_id": place.environment_id,
        "product_name": place.product,
        "version": place.version,
        "environment_name": place.environment,
        "status": row.state.as_str(),
        "deployed_at": row.deployed_at.map(rfc3339),
        "deployed_by": row.deployed_by,
        "created_at": rfc3339(row.created_at),
    });
    if let Value::Object(body) = &mut body {
        if let Some(verdict) = notes.verdict {
            let metadata = Map::from_iter([(PREFLIGHT_STATUS.to_owned(), verdict.clone())]);
            body.insert("extra_metadata".to_owned(), metadata.into());
        }
        if place.environment_created {
            body.insert("environment_created".to_owned(), true.into());
        }
        if notes.told {
            body.insert("told".to_owned(), true.into());
            body.insert("gated".to_owned(), false.into());
        }
        if !notes.warnings.is_empty() {
            body.insert("warnings".to_owned(), notes.warnings.into());
        }
    }
    Answer::new(200, &body)
}

/// An abort of a span that never started: it is remembered, and no deployment.
pub fn remembered(place: &Place, span: &str) -> Answer {
    let body = json!({
        "id": span,
        "product_name": place.product,
        "version": place.version,
        "environment_name": place.environment,
        "status": "aborted",
        "warnings": ["Nothing had started under this span; if its start arrives later, it is \
                      refused"],
    });
    Answer::new(200, &body)
}

/// The rules do not allow the start that became `row`.
pub fn rejected(row: &Row, preflight: &Preflight, warnings: &[String]) -> Option<Answer> {
    let rejection = preflight.rejection()?;
    let mut details = Map::new();
    details.insert("rule_name".to_owned(), rejection.rule_name.into());
    details.insert("deployment_id".to_owned(), row.id.clone().into());
    details.insert("attempt".to_owned(), row.asks.into());
    details.extend(rejection.details);
    if !warnings.is_empty() {
        details.insert("warnings".to_owned(), json!(warnings));
    }
    let body = json!({
        "error": rejection.error,
        "message": rejection.message,
        "code": rejection.code,
        "retry_after": rejection.retry_after,
        "details": details,
    });
    Some(refusal(rejection.status, &body))
}

/// The start of a span that was aborted before it arrived.
pub fn aborted_before(row: &Row) -> Answer {
    let body = json!({
        "error": "Deployment Conflict",
        "message": "This deployment was aborted before its start arrived",
        "code": "DEPLOYMENT_ABORTED",
        "retry_after": null,
        "details": { "rule_name": null, "deployment_id": row.id },
    });
    refusal(409, &body)
}

/// A refusal in the form that the documents show, with its members at the top level too: some
/// clients read them there.
fn refusal(status: u16, detail: &Value) -> Answer {
    let mut body = Map::from_iter([("detail".to_owned(), detail.clone())]);
    if let Value::Object(members) = detail {
        body.extend(members.clone());
    }
    let rule_name = detail["details"]["rule_name"].clone();
    body.insert("rule_name".to_owned(), rule_name);
    Answer::new(status, &Value::Object(body))
}
