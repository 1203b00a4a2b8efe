//! A job at GitHub that waits for a verdict: what is kept of it from one look to the next, and what is said
//! to it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Verdict};
use super::deployment::Request;
use super::event::DeploymentEvent;
use super::queue::{Item, Kind, NewItem};

const SECOND: i64 = 1_000_000;
/// How long a job is asked for: GitHub itself gives it up after 30 days.
pub const LONGEST: i64 = 29 * 24 * 3600 * SECOND;
/// What the spans of such jobs begin with.
pub const SPAN: &str = "gate:";
/// The longest text that GitHub takes, in characters.
const LONGEST_TEXT: usize = 1024;
/// How often GitHub lets something be said without deciding.
const MOST_NOTES: i64 = 10;
/// The members of a row of the queue.
const WAIT: &str = "wait";
const SAID: &str = "said";

/// Where a job waits for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The address, which is of the API of the source.
    pub url: String,
    /// What GitHub calls the environment.
    pub environment: String,
    /// Where the app is installed.
    pub installation: String,
    /// The repository, with its owner.
    pub repository: String,
    /// The run.
    pub run: String,
    /// What GitHub calls the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

impl Callback {
    /// What tells it from others of its source.
    pub fn key(&self) -> String {
        let deployment = self.deployment.as_deref().unwrap_or_default();
        format!("{}:{deployment}:{}", self.run, self.environment)
    }
}

/// What is known of a job that waits, besides its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Where it waits.
    pub callback: Callback,
    /// Since when, in microseconds since 1970.
    pub since: i64,
    /// How often it began anew, because an approval could not be delivered.
    #[serde(default)]
    pub round: i64,
    /// How often it asked in this round.
    #[serde(default)]
    pub asks: i64,
    /// Its deployment, once it has asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// What held it then: rules by their identifiers, and `None` for what is no rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<Option<String>>,
}

impl Wait {
    /// One that begins.
    pub fn new(callback: Callback, since: i64) -> Wait {
        Wait {
            callback,
            since,
            round: 0,
            asks: 0,
            deployment_id: None,
            held_by: Vec::new(),
        }
    }

    /// The same that begins anew.
    pub fn again(&self) -> Wait {
        Wait {
            round: self.round + 1,
            ..Wait::new(self.callback.clone(), self.since)
        }
    }

    fn key(&self) -> String {
        format!("{}#{}.{}", self.callback.key(), self.round, self.asks)
    }

    /// The row of the queue that asks for it, with the event as it was sent.
    pub fn item(&self, source_id: &str, event: &Value, not_before: i64) -> NewItem {
        NewItem {
            kind: Kind::Gate,
            topic: source_id.to_owned(),
            key: self.key(),
            not_before,
            head: Map::from_iter([(WAIT.to_owned(), json!(self))]),
            body: event.to_string().into_bytes(),
        }
    }

    /// What such a row holds.
    ///
    /// # Errors
    /// If it is none.
    pub fn of(item: &Item) -> serde_json::Result<(Wait, Value)> {
        let wait = item.head.get(WAIT).cloned().unwrap_or_default();
        Ok((
            serde_json::from_value(wait)?,
            serde_json::from_slice(&item.body)?,
        ))
    }
}

/// A job that asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What is known of it.
    pub wait: Wait,
    /// The source.
    pub source_id: String,
    /// Its start, as it is sent.
    pub event: Value,
    /// Where people find the pages, if that is known.
    pub base: Option<String>,
}

impl Asked {
    /// Who asks, for the log.
    pub fn actor(&self) -> String {
        format!("source:{}", self.source_id)
    }

    /// The start that it asks for.
    ///
    /// # Errors
    /// If there is something wrong with it.
    pub fn request(&self) -> Result<Request, Refusal> {
        let event = DeploymentEvent::read(self.event.clone())?;
        let key = self.wait.callback.key();
        Ok(Request {
            origin: event.origin(),
            event,
            span: Some(format!(
                "{SPAN}{}:{key}:{}",
                self.source_id, self.wait.round
            )),
            has_key: true,
            actor: self.actor(),
            owner: None,
            fingerprint: String::new(),
            occurred: None,
            history: false,
            foreign: false,
        })
    }

    /// The row of the queue that says it.
    pub fn say(&self, word: Word, text: &str, of: Option<(&str, i64)>) -> NewItem {
        let said = Said {
            word,
            callback: self.wait.callback.clone(),
            deployment_id: of.map(|(id, _)| id.to_owned()),
            as_of: of.map_or(0, |(_, at)| at),
        };
        let mut body = json!({
            "environment_name": self.wait.callback.environment,
            "comment": text,
        });
        if let Some(state) = word.state() {
            body["state"] = state.into();
        }
        let mut head = Map::from_iter([(SAID.to_owned(), json!(said))]);
        head.insert(WAIT.to_owned(), json!(self.wait));
        head.insert("event".to_owned(), self.event.clone());
        NewItem {
            kind: Kind::Answer,
            topic: self.source_id.clone(),
            key: format!("{}:{}", self.wait.key(), word.as_str()),
            not_before: 0,
            head,
            body: body.to_string().into_bytes(),
        }
    }

    /// The job of a row that says something to it.
    ///
    /// # Errors
    /// If it is none.
    pub fn of_said(item: &Item) -> serde_json::Result<(Asked, Said)> {
        let member = |name: &str| item.head.get(name).cloned().unwrap_or_default();
        let asked = Asked {
            wait: serde_json::from_value(member(WAIT))?,
            source_id: item.topic.clone(),
            event: member("event"),
            base: None,
        };
        Ok((asked, serde_json::from_value(member(SAID))?))
    }

    /// Whether something is still said to it that decides nothing.
    pub fn may_note(&self) -> bool {
        self.wait.asks < MOST_NOTES
    }

    /// What is said to a job that is held.
    pub fn held(&self, message: &str, retry_after: Option<&str>, deployment_id: &str) -> String {
        let mut text = format!("Held: {}.", plain(message.trim_end_matches('.')));
        if let Some(until) = retry_after {
            text += &format!(" As things stand, until {}.", plain(until));
        }
        text += " It goes on by itself once nothing holds it any more.";
        if self.wait.asks + 1 == MOST_NOTES {
            text += " GitHub takes no more notes for this job.";
        }
        self.linked(&text, deployment_id)
    }

    /// What is said to a job that may go on.
    pub fn allowed(&self, deployment_id: &str) -> String {
        self.linked("Nothing holds it.", deployment_id)
    }

    fn linked(&self, text: &str, deployment_id: &str) -> String {
        match &self.base {
            Some(base) => {
                format!("{text} [Versioner]({base}/manage/deployments?view={deployment_id})")
            }
            None => text.to_owned(),
        }
    }
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The job goes on.
    Approved,
    /// The job fails, which is final.
    Rejected,
    /// A comment; the job waits.
    Note,
}

impl Word {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Word::Approved => "approved",
            Word::Rejected => "rejected",
            Word::Note => "note",
        }
    }

    /// What GitHub calls it.
    const fn state(self) -> Option<&'static str> {
        match self {
            Word::Note => None,
            decided => Some(decided.as_str()),
        }
    }
}

/// What is on its way to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What it is.
    pub word: Word,
    /// Where to.
    pub callback: Callback,
    /// The deployment that it is about, if there is one.
    pub deployment_id: Option<String>,
    /// When that had changed last. If it has changed since, something of the job was heard.
    pub as_of: i64,
}

/// Who has refused it, and why, if that alone must be lifted: a person has decided.
pub fn refused(verdict: &Verdict) -> Option<String> {
    let rules = verdict.body["rules_evaluated"].as_array()?;
    let refused = rules.iter().find(|rule| {
        rule["status"] == "enabled"
            && rule["evaluation_result"] == "failed"
            && rule["details"]["refusals"]
                .as_array()
                .is_some_and(|refusals| !refusals.is_empty())
    })?;
    refused["error_message"].as_str().map(str::to_owned)
}

/// The rules that hold it, by their names.
pub fn holders(verdict: &Verdict) -> String {
    let rules = verdict.body["rules_evaluated"].as_array();
    let rules = rules.into_iter().flatten();
    let holds =
        rules.filter(|rule| rule["status"] == "enabled" && rule["evaluation_result"] == "failed");
    let names: Vec<_> = holds
        .filter_map(|rule| rule["rule_name"].as_str())
        .collect();
    names.join(", ")
}

/// Text that somebody wrote, in Markdown, short enough for GitHub: it is shown as it is, and calls nobody.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    for one in text.chars() {
        match one {
            '@' | '#' => plain.extend([one, '\u{200b}']),
            '\n' | '\r' | '\t' => plain.push(' '),
            one if one.is_control() => plain.push(char::REPLACEMENT_CHARACTER),
            one if one.is_ascii_punctuation() && !".,:;'\"?!()-/=+%&".contains(one) => {
                plain.extend(['\\', one]);
            }
            one => plain.push(one),
        }
        if plain.chars().count() >= LONGEST_TEXT / 2 {
            plain.push('…');
            break;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_calls_nobody_and_is_no_markdown() {
        assert_eq!(
            plain("Refused by ada: too late."),
            "Refused by ada: too late."
        );
        assert_eq!(
            plain("@acme/all see #1"),
            "@\u{200b}acme/all see #\u{200b}1"
        );
        assert_eq!(
            plain("[x](y) <b> `c`\n*d*"),
            "\\[x\\](y) \\<b\\> \\`c\\` \\*d\\*"
        );
        assert!(plain(&"_".repeat(5000)).chars().count() <= LONGEST_TEXT / 2 + 2);
    }
}
