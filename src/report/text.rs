//! The text blocks that a terminal or a job log shows.

use crate::model::outcome::{Code, Kind, Outcome, Rejection};
use crate::send::answer::policy_kind;

const WAIT: &str = "Another deployment is in progress. Please wait and retry.";
const SKIP: &str = "To skip checks (emergency only), add:\n  --skip-preflight-checks";

/// The block for an outcome, without a line end after it.
pub fn render(outcome: &Outcome) -> String {
    match (&outcome.rejection, outcome.code) {
        (Some(rejection), _) => rejected(outcome, rejection),
        (None, Code::Ok) if outcome.recorded => recorded(outcome),
        (None, Code::Ok) => outcome.message.clone(),
        (None, _) => format!("Error: {}", outcome.message),
    }
}

fn recorded(outcome: &Outcome) -> String {
    let mut text = format!("✓ {} event tracked successfully", outcome.title());
    if !outcome.event_id.is_empty() {
        text.push_str(&format!("\n  Event ID: {}", outcome.event_id));
    }
    text
}

/// The forms in which a rejection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// The body was text: it says all there is.
    Plain,
    Conflict,
    Schedule,
    Precondition,
}

/// The form for a rejection: by its code, or where it has none, by the HTTP status (which the
/// kind then comes from).
pub(crate) fn block(outcome: &Outcome, rejection: &Rejection) -> Block {
    if !rejection.is_structured {
        return Block::Plain;
    }
    let is_unknown =
        !rejection.policy_code.is_empty() && policy_kind(&rejection.policy_code).is_none();
    match outcome.kind {
        _ if is_unknown => Block::Precondition,
        Kind::DeploymentConflict => Block::Conflict,
        Kind::NoDeployWindow => Block::Schedule,
        _ => Block::Precondition,
    }
}

fn rejected(outcome: &Outcome, rejection: &Rejection) -> String {
    let mut paragraphs = match block(outcome, rejection) {
        Block::Plain => plain(outcome),
        Block::Conflict => conflict(outcome),
        Block::Schedule => blocked(outcome, rejection),
        Block::Precondition => precondition(outcome, rejection),
    };
    if let Some(details) = rejection
        .details
        .as_ref()
        .filter(|details| !details.is_empty())
    {
        let json = serde_json::to_string_pretty(details).unwrap_or_default();
        paragraphs.push(format!("Details:\n{json}"));
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

fn plain(outcome: &Outcome) -> Vec<String> {
    let title = outcome.title();
    vec![
        format!("❌ {title} Failed (HTTP {})", outcome.http_status),
        outcome.message.clone(),
    ]
}

fn conflict(outcome: &Outcome) -> Vec<String> {
    vec![
        "⚠️  Deployment Conflict".to_owned(),
        lines(&[&outcome.message, WAIT]),
    ]
}

fn blocked(outcome: &Outcome, rejection: &Rejection) -> Vec<String> {
    vec![
        "🔒 Deployment Blocked by Schedule".to_owned(),
        lines(&[&labelled("Rule", &rejection.rule), &outcome.message]),
        labelled("Retry after", &rejection.retry_after),
        SKIP.to_owned(),
    ]
}

fn precondition(outcome: &Outcome, rejection: &Rejection) -> Vec<String> {
    let retry_after = match rejection.policy_code.as_str() {
        "FLOW_VIOLATION" | "APPROVAL_REQUIRED" | "QUALITY_APPROVAL_REQUIRED" => String::new(),
        _ => labelled("Retry after", &rejection.retry_after),
    };
    vec![
        format!("❌ {} Precondition Failed", outcome.title()),
        lines(&[
            &labelled("Error", &rejection.policy_code),
            &labelled("Rule", &rejection.rule),
            &outcome.message,
        ]),
        retry_after,
        resolution(rejection).to_owned(),
    ]
}

/// What the caller has to do about a rejection, in the words of its block.
#[cfg(feature = "cli")]
pub(crate) fn action(outcome: &Outcome, rejection: &Rejection) -> &'static str {
    match block(outcome, rejection) {
        Block::Conflict => WAIT,
        Block::Schedule => SKIP,
        Block::Precondition | Block::Plain => resolution(rejection),
    }
}

fn resolution(rejection: &Rejection) -> &'static str {
    match rejection.policy_code.as_str() {
        "FLOW_VIOLATION" => "Deploy to required environments first, then retry.",
        "APPROVAL_REQUIRED" | "QUALITY_APPROVAL_REQUIRED" => {
            "Approval required before deployment can proceed.\n\
             Obtain approval via Versioner UI, then retry."
        }
        "INSUFFICIENT_SOAK_TIME" => "Wait for soak time to complete, then retry.",
        _ => "Resolve the issue described above, then retry.",
    }
}

fn labelled(label: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!("{label}: {value}")
    }
}

fn lines(lines: &[&str]) -> String {
    let present: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !line.is_empty())
        .collect();
    present.join("\n")
}
