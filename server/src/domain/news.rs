//! What a row of the log tells those who want to hear of it.

use serde_json::Value;

use super::build::BuildRow;
use super::change::Change;
use super::deployment::{Row, State};
use super::fields::Fields;
use super::names::fold;
use super::rules::{Approval, ApprovalKind};

/// Every kind of news.
pub const EVENTS: [&str; 27] = [
    "deployment.pending",
    "deployment.preflight_failed",
    "deployment.started",
    "deployment.completed",
    "deployment.failed",
    "deployment.aborted",
    "deployment.overlapped",
    "build.pending",
    "build.started",
    "build.completed",
    "build.failed",
    "build.aborted",
    WAITING,
    "approval.given",
    "approval.refused",
    "approval.withdrawn",
    "exemption.added",
    "exemption.withdrawn",
    "rule.added",
    "rule.changed",
    "rule.removed",
    "stop.set",
    "stop.lifted",
    "key.expires",
    "webhook.disabled",
    "notice",
    TEST,
];
/// What the test button sends, to whatever somebody wants to hear.
pub const TEST: &str = "webhook.test";
/// Somebody must say yes before a deployment may start.
pub const WAITING: &str = "approval.waiting";
/// The most filters of one kind.
const MOST: usize = 100;

/// A row of the log, as far as it is told.
#[derive(Debug)]
pub struct LogEntry {
    /// Its place in the order in which the log is read.
    pub place: i64,
    /// When it arrived, in microseconds since 1970.
    pub at: i64,
    /// When it happened, if it was told late.
    pub occurred_at: Option<i64>,
    /// Who did it.
    pub actor: String,
    /// What it was.
    pub kind: String,
    /// What it was about.
    pub subject: Option<String>,
    /// What changed.
    pub changes: Vec<Change>,
    /// Why a start was refused: a code such as `APPROVAL_REQUIRED`.
    pub code: Option<String>,
    /// The identifier of the request, or of the row of the queue that somebody has sent.
    pub request_id: Option<String>,
}

impl LogEntry {
    /// What somebody must give before the start that was refused is allowed.
    fn waits_for(&self) -> Option<ApprovalKind> {
        match self.code.as_deref() {
            Some("APPROVAL_REQUIRED") => Some(ApprovalKind::Release),
            Some("QUALITY_APPROVAL_REQUIRED") => Some(ApprovalKind::Quality),
            _ => None,
        }
    }
}

/// What news are about.
#[derive(Debug, Clone)]
pub enum About {
    /// A deployment as it was then.
    Deployment(Box<Row>),
    /// A build as it was then.
    Build(Box<BuildRow>),
    /// An approval, or a refusal.
    Approval(Box<Approval>),
    /// Something else, as the log has it.
    Other(Value),
}

/// Something that is told.
#[derive(Debug, Clone)]
pub struct News {
    /// One of [`EVENTS`].
    pub event: &'static str,
    /// Tells it from all others of the account.
    pub key: String,
    /// The place of its row in the log: in a cell, what came later has a larger one.
    pub number: i64,
    /// When it arrived, in microseconds since 1970.
    pub at: i64,
    /// When it happened, if it was told late.
    pub occurred_at: Option<i64>,
    /// Who did it.
    pub actor: String,
    /// The identifier of the request, or of the row of the queue that somebody has sent.
    pub request_id: Option<String>,
    /// What somebody is to give, if it waits for that.
    pub waits_for: Option<ApprovalKind>,
    /// What it is about.
    pub about: About,
}

/// What a row of the log tells. A migration tells nothing.
pub fn news_of(entry: &LogEntry) -> Vec<News> {
    let mut told: Vec<News> = Vec::new();
    let tell = |told: &mut Vec<News>, event, about, waits_for| {
        let key = match told.len() {
            0 => entry.place.to_string(),
            part => format!("{}.{part}", entry.place),
        };
        told.push(News {
            event,
            key,
            number: entry.place,
            at: entry.at,
            occurred_at: entry.occurred_at,
            actor: entry.actor.clone(),
            request_id: entry.request_id.clone(),
            waits_for,
            about,
        });
    };
    for change in &entry.changes {
        let Some((event, about)) = meaning(entry, change) else {
            continue;
        };
        // Whoever asks again is waited for already.
        let waits_for = match &about {
            About::Deployment(row) if row.state == State::PreflightFailed && row.asks <= 1 => {
                entry.waits_for()
            }
            _ => None,
        };
        tell(&mut told, event, about.clone(), None);
        if waits_for.is_some() {
            tell(&mut told, WAITING, about, waits_for);
        }
    }
    told
}

fn meaning(entry: &LogEntry, change: &Change) -> Option<(&'static str, About)> {
    let kind = entry.kind.as_str();
    let known = |name: &str| EVENTS.into_iter().find(|event| *event == name);
    match change {
        Change::Deployment { row, .. } => {
            let is_subject = entry.subject.as_deref() == Some(&row.id);
            let event = match kind {
                // A sign of life, or a part of it: it is in the same state as before.
                "deployment.renewed" | "deployment.joined" | "deployment.part_ended"
                    if is_subject =>
                {
                    return None;
                }
                _ if is_subject || !row.overlapped => match row.state {
                    State::Pending => "deployment.pending",
                    State::PreflightFailed => "deployment.preflight_failed",
                    State::Started if is_subject => "deployment.started",
                    // Another one changed beside it.
                    State::Started => return None,
                    State::Completed => "deployment.completed",
                    State::Failed => "deployment.failed",
                    State::Aborted => "deployment.aborted",
                },
                _ => "deployment.overlapped",
            };
            Some((event, About::Deployment(row.clone())))
        }
        Change::Build { row, .. } => {
            let event = match row.state {
                State::Pending => "build.pending",
                State::Started => "build.started",
                State::Completed => "build.completed",
                State::Failed => "build.failed",
                State::Aborted => "build.aborted",
                State::PreflightFailed => return None,
            };
            Some((event, About::Build(Box::new(row.clone()))))
        }
        Change::Approval { approval, .. } => {
            Some((known(kind)?, About::Approval(approval.clone())))
        }
        Change::Exemption { .. } | Change::Rule { .. } => Some((known(kind)?, other(change))),
        Change::Setting { .. } if kind.starts_with("stop.") => Some((known(kind)?, other(change))),
        Change::Notice { .. } => {
            let event = match kind {
                "key.expires" | "webhook.disabled" => known(kind)?,
                // What was done on the machine changes nothing here.
                _ if kind.starts_with("account.") => return None,
                _ => "notice",
            };
            Some((event, other(change)))
        }
        _ => None,
    }
}

fn other(change: &Change) -> About {
    About::Other(serde_json::to_value(change).unwrap_or_default())
}

/// What somebody wants to hear of; nothing named is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Interest {
    /// Kinds of news, or families of them: `deployment` has `deployment.started`.
    pub events: Vec<String>,
    /// Products, by name.
    pub products: Vec<String>,
    /// Environments, by name.
    pub environments: Vec<String>,
    /// States of deployments and builds.
    pub statuses: Vec<String>,
}

/// Where news are from, as far as they are from somewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct From<'a> {
    /// The product.
    pub product: Option<&'a str>,
    /// The environment.
    pub environment: Option<&'a str>,
    /// The state of the deployment or build.
    pub status: Option<&'a str>,
}

impl Interest {
    /// Takes the fields that are there.
    pub fn read(&mut self, fields: &mut Fields) {
        if let Some(events) = fields.names("events") {
            for event in &events {
                if !EVENTS.iter().any(|known| is_of(known, event)) {
                    let msg = format!(
                        "{event:?} is no event; there are {}",
                        EVENTS
                            .into_iter()
                            .filter(|known| *known != TEST)
                            .collect::<Vec<_>>()
                            .join(", ")
                    );
                    fields.reject("events", "enum", msg);
                }
            }
            self.events = events;
        }
        if let Some(statuses) = fields.names("statuses") {
            for status in &statuses {
                if State::parse(status).is_none() {
                    let words = State::ALL.map(State::as_str).join(", ");
                    fields.reject("statuses", "enum", format!("{status:?} is none of {words}"));
                }
            }
            self.statuses = statuses;
        }
        for (name, kept) in [
            ("products", &mut self.products),
            ("environments", &mut self.environments),
        ] {
            if let Some(names) = fields.names(name) {
                if names.len() > MOST {
                    fields.reject(name, "too_long", format!("at most {MOST} can be named"));
                }
                *kept = names;
            }
        }
    }

    /// Whether these news are among what they want to hear of.
    pub fn has(&self, event: &str, from: From<'_>) -> bool {
        if event == TEST {
            return true;
        }
        let of = |wanted: &[String], name: Option<&str>| {
            let is = |name: &str| wanted.iter().any(|one| fold(one) == fold(name));
            wanted.is_empty() || name.is_some_and(is)
        };
        (self.events.is_empty() || self.events.iter().any(|wanted| is_of(event, wanted)))
            && of(&self.products, from.product)
            && of(&self.environments, from.environment)
            && of(&self.statuses, from.status)
    }
}

/// Whether an event is this one, or of this family.
fn is_of(event: &str, wanted: &str) -> bool {
    let family = wanted.strip_suffix(".*").unwrap_or(wanted);
    event
        .strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn interest(body: Value) -> Result<Interest, String> {
        let mut fields = Fields::of_body(body).map_err(|error| error.to_string())?;
        let mut interest = Interest::default();
        interest.read(&mut fields);
        fields.refuse_unread();
        fields.finish().map_err(|refusal| format!("{refusal:?}"))?;
        Ok(interest)
    }

    fn from<'a>(product: &'a str, environment: &'a str, status: &'a str) -> From<'a> {
        From {
            product: Some(product),
            environment: Some(environment),
            status: Some(status),
        }
    }

    #[test]
    fn nothing_named_is_everything() {
        let all = interest(json!({})).unwrap();
        assert!(all.has("rule.changed", From::default()));
        assert!(all.has("deployment.failed", from("shop", "staging", "failed")));
    }

    #[test]
    fn every_filter_must_let_it_through() {
        let wanted = interest(json!({
            "events": ["deployment", "build.failed"], "products": ["Shop"],
            "environments": ["production"], "statuses": ["failed", "completed"],
        }))
        .unwrap();
        let has = |event, product, environment, status| {
            wanted.has(event, from(product, environment, status))
        };
        assert!(has("deployment.failed", "shop", "PRODUCTION", "failed"));
        assert!(!has("deployment.started", "shop", "production", "started"));
        assert!(!has("deployment.failed", "api", "production", "failed"));
        assert!(!has("deployment.failed", "shop", "staging", "failed"));
        assert!(!has("deployments.failed", "shop", "production", "failed"));
        assert!(!wanted.has("deployment.failed", From::default()));
        assert!(wanted.has(TEST, From::default()), "the button works anyway");
    }

    #[test]
    fn what_is_no_event_is_refused_with_its_name() {
        for (body, wrong) in [
            (
                json!({ "events": ["deployment.finished"] }),
                "deployment.finished",
            ),
            (json!({ "events": ["deploy"] }), "deploy"),
            (json!({ "statuses": ["done"] }), "done"),
            (json!({ "product": ["x"] }), "product"),
        ] {
            let error = interest(body).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
        assert!(interest(json!({ "events": ["deployment.*", "rule"] })).is_ok());
    }
}
