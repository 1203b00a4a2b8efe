//! The text blocks that a terminal or a job log shows.

use std::io::{self, Write};

use crate::model::kind::Code;
use crate::model::outcome::{Outcome, Rejection};
use crate::model::policy::{Block, Policy};

/// The most bytes of details that are shown.
const MAX_DETAILS: usize = 8 * 1024;

impl Outcome {
    /// The block that the command line prints for people, without a line end after it; at most
    /// some 30 KiB. What is left out is said.
    pub fn text(&self) -> String {
        match (&self.rejection, self.code) {
            (Some(rejection), _) if !self.took_place => rejected(self, rejection),
            (_, Code::Ok) if self.recorded => recorded(self),
            (_, Code::Ok) => self.message.clone(),
            (_, _) => format!("error: {}", self.message),
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
            Block::Conflict => conflict(rejection, policy),
            Block::Schedule => blocked(rejection, policy),
            Block::Precondition => precondition(outcome, rejection, policy),
        },
    };
    if let Some(json) = details(rejection) {
        paragraphs.push(format!("Details:\n{json}"));
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

/// The details as indented JSON, or its beginning: indenting can make a megabyte of what was sent
/// in a few kilobytes.
pub(super) fn details(rejection: &Rejection) -> Option<String> {
    let details = rejection.details.as_ref()?;
    if details.is_empty() {
        return None;
    }
    let mut json = Beginning::default();
    let is_whole = serde_json::to_writer_pretty(&mut json, details).is_ok();
    let mut text = String::from_utf8_lossy(&json.bytes).into_owned();
    if !is_whole {
        let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER).len();
        text.truncate(whole);
        text.push_str("\n… (the rest of the details is left out)");
    }
    Some(text)
}

/// The first bytes of what is written; an error once there are more.
#[derive(Default)]
struct Beginning {
    bytes: Vec<u8>,
}

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(MAX_DETAILS - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..fits]);
        match fits {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            _ => Ok(fits),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn plain(outcome: &Outcome) -> Vec<String> {
    let title = outcome.title();
    vec![
        format!("❌ {title} Failed (HTTP {})", outcome.http_status),
        outcome.message.clone(),
    ]
}

fn conflict(rejection: &Rejection, policy: &Policy) -> Vec<String> {
    vec![
        "⚠️  Deployment Conflict".to_owned(),
        lines(&[&rejection.said, policy.guidance]),
    ]
}

fn blocked(rejection: &Rejection, policy: &Policy) -> Vec<String> {
    vec![
        "🔒 Deployment Blocked by Schedule".to_owned(),
        lines(&[&labelled("Rule", &rejection.rule), &rejection.said]),
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
            &rejection.said,
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
