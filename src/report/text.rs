//! The text blocks that a terminal or a job log shows.

use crate::model::kind::Code;
use crate::model::outcome::{Outcome, Rejection};
use crate::model::policy::{Block, Policy};

impl Outcome {
    /// The block that the command line prints for people, without a line end after it.
    pub fn text(&self) -> String {
        match (&self.rejection, self.code) {
            (Some(rejection), _) => rejected(self, rejection),
            (None, Code::Ok) if self.recorded => recorded(self),
            (None, Code::Ok) => self.message.clone(),
            (None, _) => format!("Error: {}", self.message),
        }
    }
}

fn recorded(outcome: &Outcome) -> String {
    let mut text = format!("✓ {} event tracked successfully", outcome.title());
    if !outcome.event_id.is_empty() {
        text.push_str(&format!("\n  Event ID: {}", outcome.event_id));
    }
    text
}

fn rejected(outcome: &Outcome, rejection: &Rejection) -> String {
    let mut paragraphs = match rejection.policy {
        None => plain(outcome),
        Some(policy) => match policy.block {
            Block::Conflict => conflict(outcome, policy),
            Block::Schedule => blocked(outcome, rejection, policy),
            Block::Precondition => precondition(outcome, rejection, policy),
        },
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

fn conflict(outcome: &Outcome, policy: &Policy) -> Vec<String> {
    vec![
        "⚠️  Deployment Conflict".to_owned(),
        lines(&[&outcome.message, policy.guidance]),
    ]
}

fn blocked(outcome: &Outcome, rejection: &Rejection, policy: &Policy) -> Vec<String> {
    vec![
        "🔒 Deployment Blocked by Schedule".to_owned(),
        lines(&[&labelled("Rule", &rejection.rule), &outcome.message]),
        retry_after(rejection, policy),
        policy.guidance.to_owned(),
    ]
}

fn precondition(outcome: &Outcome, rejection: &Rejection, policy: &Policy) -> Vec<String> {
    vec![
        format!("❌ {} Precondition Failed", outcome.title()),
        lines(&[
            &labelled("Error", &rejection.policy_code),
            &labelled("Rule", &rejection.rule),
            &outcome.message,
        ]),
        retry_after(rejection, policy),
        policy.guidance.to_owned(),
    ]
}

fn retry_after(rejection: &Rejection, policy: &Policy) -> String {
    match policy.shows_retry_after {
        true => labelled("Retry after", &rejection.retry_after),
        false => String::new(),
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
