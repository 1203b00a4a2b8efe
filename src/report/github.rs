//! What GitHub Actions shows: annotations, a job summary, and outputs for later steps.

use crate::model::event::EventKind;
use crate::model::foreign::Foreign;
use crate::model::kind::{Code, Kind, WarningKind};
use crate::model::outcome::{Outcome, Rejection};
use crate::model::policy::{Block, Policy};

use super::console::without_marks;
use super::text;

/// The workflow commands for the log, a line each.
pub fn annotations(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for warning in &outcome.warnings {
        let title = match warning.kind {
            WarningKind::ReportOnly => "Versioner Rule Violated (report only)",
            WarningKind::NotRecorded => "Versioner Event Not Recorded",
            WarningKind::Accepted => "Versioner Event Not Recorded Yet",
            WarningKind::NewEnvironment => "Versioner Environment Is New",
            _ => continue,
        };
        lines.push(workflow_command("warning", title, &warning.message));
    }
    if outcome.code != Code::Ok {
        let title = match &outcome.rejection {
            Some(rejection) => rejection_title(outcome, rejection),
            None => format!("Versioner {} Failed", outcome.title()),
        };
        lines.push(workflow_command("error", &title, &outcome.message));
    }
    lines
}

fn rejection_title(outcome: &Outcome, rejection: &Rejection) -> String {
    let code = match rejection.policy_code.as_str() {
        "" => outcome.kind.as_str(),
        code => code,
    };
    let block = rejection.policy.map(|policy| policy.block);
    match (block, rejection.rule.as_str()) {
        (Some(Block::Conflict), _) => "Deployment Conflict".to_owned(),
        (Some(Block::Schedule), "") => "Deployment Blocked by Schedule".to_owned(),
        (Some(Block::Schedule), rule) => format!("Deployment Blocked: {rule}"),
        (Some(Block::Precondition), "") => code.to_owned(),
        (Some(Block::Precondition), rule) => format!("{code}: {rule}"),
        (None, _) => match (outcome.http_status, outcome.event) {
            (409, Some(EventKind::Deployment)) => "Deployment Conflict".to_owned(),
            (423, Some(EventKind::Deployment)) => "Deployment Blocked by Schedule".to_owned(),
            _ => format!("Versioner {} Rejected", outcome.title()),
        },
    }
}

fn workflow_command(name: &str, title: &str, message: &str) -> String {
    let message = escaped(message);
    let title = escaped(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{name} title={title}::{message}")
}

/// As workflow commands require, so that no text can begin another command.
fn escaped(text: &str) -> String {
    without_marks(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// `name=value` lines for the steps that follow; only of an event that is recorded.
pub fn outputs(outcome: &Outcome) -> String {
    let event_id = match outcome.event {
        Some(EventKind::Build) => "build_id",
        _ => "deployment_id",
    };
    let values = [
        (event_id, &outcome.event_id),
        ("version_id", &outcome.version_id),
        ("product_id", &outcome.product_id),
        ("environment_id", &outcome.environment_id),
    ];
    let is_identifier = |value: &str| !value.is_empty() && !value.contains(char::is_control);
    values
        .iter()
        .filter(|(_, value)| outcome.recorded && is_identifier(value))
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// The Markdown for the job's summary.
pub fn summary(outcome: &Outcome, ui_url: &str) -> String {
    let paragraphs = match (&outcome.rejection, outcome.code) {
        (Some(rejection), _) => rejected(outcome, rejection),
        (None, Code::Ok) if outcome.recorded => recorded(outcome, ui_url),
        (None, Code::Ok) if outcome.kind == Kind::Ok => accepted(outcome),
        (None, Code::Ok) if outcome.is_queued() => queued(outcome),
        (None, Code::Ok) => not_recorded(outcome),
        (None, _) => failed(outcome),
    };
    let present: Vec<String> = paragraphs
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    format!("{}\n\n", present.join("\n\n"))
}

fn recorded(outcome: &Outcome, ui_url: &str) -> Vec<String> {
    let subject = &outcome.subject;
    let symbol = match outcome.status.as_str() {
        "completed" => "✅ ",
        "failed" => "❌ ",
        "started" => "⏳ ",
        "pending" => "🕐 ",
        "aborted" => "⏹️ ",
        _ => "",
    };
    let facts = list(&[
        ("Action", outcome.title()),
        ("Product", &subject.product),
        ("Environment", &subject.environment),
        ("Status", &format!("{symbol}{}", outcome.status)),
        ("Version", &subject.version),
        ("Git SHA", &subject.scm_sha),
    ]);
    let violations: Vec<String> = outcome
        .warnings
        .iter()
        .filter(|warning| warning.kind == WarningKind::ReportOnly)
        .map(|warning| format!("- {}", markdown(&warning.message)))
        .collect();
    let violations = match violations.is_empty() {
        true => String::new(),
        false => format!(
            "⚠️ Violated rules (report only):\n\n{}",
            violations.join("\n")
        ),
    };
    vec![
        "## 🚀 Versioner Summary".to_owned(),
        facts,
        violations,
        link(outcome, ui_url),
    ]
}

fn link(outcome: &Outcome, ui_url: &str) -> String {
    let (page, id) = match outcome.event {
        Some(EventKind::Build) => ("catalog?tab=versions&", &outcome.version_id),
        _ => ("deployments?", &outcome.event_id),
    };
    if id.is_empty() {
        return String::new();
    }
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    let id = id.to_string().replace("%2D", "-").replace("%5F", "_");
    // A bracket in the address would end the link.
    let ui_url = ui_url.replace('(', "%28").replace(')', "%29");
    format!("[View in Versioner]({ui_url}/manage/{page}view={id})")
}

fn rejected(outcome: &Outcome, rejection: &Rejection) -> Vec<String> {
    let details = text::details(rejection).map(|json| {
        let fence = "`".repeat(3.max(1 + longest_run_of_backticks(&json)));
        format!("**Details:**\n\n{fence}json\n{json}\n{fence}")
    });
    let policy = rejection.policy.unwrap_or(Policy::other());
    vec![
        format!("## ❌ Versioner {} Rejected", outcome.title()),
        list(&[
            ("Error code", &rejection.policy_code),
            ("Rule", &rejection.rule),
            ("Message", &outcome.message),
            ("Retry after", &rejection.retry_after),
        ]),
        format!("**Action required:** {}", markdown(policy.guidance)),
        details.unwrap_or_default(),
    ]
}

fn accepted(outcome: &Outcome) -> Vec<String> {
    vec![
        format!("## ⚠️ Versioner {} not recorded yet", outcome.title()),
        markdown(&outcome.message),
    ]
}

fn queued(outcome: &Outcome) -> Vec<String> {
    vec![
        format!("## ⚠️ Versioner {} not recorded yet", outcome.title()),
        format!("The event was not recorded: {}", markdown(&outcome.message)),
        "It is kept in the outbox and delivered later.".to_owned(),
    ]
}

fn not_recorded(outcome: &Outcome) -> Vec<String> {
    vec![
        format!("## ⚠️ Versioner {} not recorded", outcome.title()),
        format!("The event was not recorded: {}", markdown(&outcome.message)),
        "The job goes on, because best effort was asked for (`fail_on_api_error=false`)."
            .to_owned(),
    ]
}

fn failed(outcome: &Outcome) -> Vec<String> {
    let (heading, causes, checks): (_, &[_], &[_]) = match (outcome.code, outcome.kind) {
        (Code::ApiError, _) => (
            "### API Error",
            &[
                "The API key is wrong, or may not do this",
                "A value is invalid",
                "The service is down",
            ],
            &[
                "`VERSIONER_API_KEY` and `VERSIONER_API_URL`",
                "The values named in the error",
            ],
        ),
        (_, Kind::Network | Kind::Timeout | Kind::Tls) => (
            "### Network Error",
            &[
                "The service cannot be reached from here",
                "A proxy or firewall stands between",
            ],
            &[
                "`VERSIONER_API_URL`, and `HTTPS_PROXY` if there is a proxy",
                "The network of the runner",
            ],
        ),
        _ => (
            "### Error",
            &["An argument or a setting is missing or malformed"],
            &["The argument or setting named in the error"],
        ),
    };
    let bullets = |lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
        lines.join("\n")
    };
    vec![
        format!("## ❌ Versioner {} Failed", outcome.title()),
        heading.to_owned(),
        format!("**Error:** {}", markdown(&outcome.message)),
        format!("**Possible causes:**\n\n{}", bullets(causes)),
        format!("**What to check:**\n\n{}", bullets(checks)),
    ]
}

fn list(facts: &[(&str, &str)]) -> String {
    let present = facts.iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<String> = present
        .map(|(label, value)| format!("- **{label}:** {}", markdown(value)))
        .collect();
    lines.join("\n")
}

/// Text that Markdown shows as it is, on one line: nothing that a service or a caller wrote can
/// become a heading, a link, a mention or HTML. Plain words stand as they are; everything else is
/// code, in which Markdown reads nothing.
fn markdown(text: &str) -> String {
    let line = Foreign::text(text).replace(['\n', '\t'], " ");
    if is_plain(&line) {
        return line;
    }
    let fence = "`".repeat(1 + longest_run_of_backticks(&line));
    let blank = match line.starts_with('`') || line.ends_with('`') {
        true => " ",
        false => "",
    };
    format!("{fence}{blank}{line}{blank}{fence}")
}

/// Whether Markdown finds nothing in it: no markup, no address and no mention. An underscore
/// within a word is none.
fn is_plain(line: &str) -> bool {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let mut before = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let is_plain = match character {
            '_' => is_word(before) && is_word(characters.peek().copied()),
            _ if character.is_ascii_punctuation() => ".,;:()\"'-/%=".contains(character),
            _ => true,
        };
        if !is_plain {
            return false;
        }
        before = Some(character);
    }
    !line.contains("://") && !line.to_lowercase().contains("www.")
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}
