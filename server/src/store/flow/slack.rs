//! Slack: how it is reached, who is who there, and what was told.

use serde_json::json;

use super::people;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::people::Identity;
use crate::domain::slack::{Code, SECRETS, Slack};
use crate::secrets::fingerprint;
use crate::store::StoreError;
use crate::store::sql::{Shown, Touch};
use crate::store::transaction::{Envelope, Transaction};

type Decided = Result<Decision, Refusal>;

/// What happens to it.
#[derive(Debug)]
pub enum SlackCommand {
    /// It is reached so from now on.
    Put {
        /// How.
        slack: Box<Slack>,
        /// The secrets, encrypted.
        sealed: SlackSealed,
        /// When that was last changed which this was read against; none if there was nothing.
        from: Option<i64>,
        /// What it has to be.
        expected: Expected,
    },
    /// It is reached no more.
    Remove {
        /// What it has to be.
        expected: Expected,
    },
    /// A user of Slack wants to be known.
    MakeCode(Code),
    /// A person says that a user is them, by the code.
    Link {
        /// The hash of the code.
        hash: Vec<u8>,
        /// The person.
        person_id: String,
    },
    /// A server tells Slack what there is to tell, and no other does.
    Hold {
        /// The server.
        by: String,
        /// Until when.
        until: i64,
    },
    /// It is known what is to be told of a part of the log.
    Follow {
        /// The part: from this place to that.
        part: (i64, i64),
        /// The messages.
        touches: Vec<Touch>,
        /// Whether somebody has decided something that can concern others.
        decided: bool,
    },
    /// A server is about to show a message, and no other does.
    Post {
        /// The server.
        by: String,
        /// The message.
        id: String,
        /// The commit that it shows to those who are to decide.
        scm_sha: Option<String>,
        /// Until when nobody else does anything.
        until: i64,
    },
    /// There was an attempt to show a message.
    Shown {
        /// The server.
        by: String,
        /// What became of it.
        shown: Shown,
    },
}

/// What a change was made for: another one that came in between is not written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is.
    Any,
    /// Nothing is there yet.
    Nothing,
    /// What has this entity tag.
    Tag(String),
}

impl Expected {
    fn is(&self, found: Option<&Slack>) -> bool {
        match self {
            Expected::Any => true,
            Expected::Nothing => found.is_none(),
            Expected::Tag(tag) => found.is_some_and(|slack| slack.tag() == *tag),
        }
    }
}

/// Secrets, encrypted.
#[derive(Clone)]
pub struct SlackSealed(pub Vec<u8>);

impl std::fmt::Debug for SlackSealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlackSealed(…)")
    }
}

impl SlackCommand {
    /// Whether it is no decision of anybody.
    pub fn is_use(&self) -> bool {
        matches!(
            self,
            SlackCommand::Hold { .. }
                | SlackCommand::Follow { .. }
                | SlackCommand::Post { .. }
                | SlackCommand::Shown { .. }
        )
    }
}

/// What follows from it.
pub async fn decide<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &SlackCommand,
) -> Result<Decided, StoreError> {
    let now = envelope.now;
    match command {
        SlackCommand::Put {
            slack,
            sealed,
            from,
            expected,
        } => {
            let before = transaction.slack().await?;
            let stands = before.as_ref().map(|before| before.updated_at);
            if *from != stands || !expected.is(before.as_ref()) {
                return Ok(Err(Refusal::Changed));
            }
            let mut decision = decision("slack.changed", &slack.to_json());
            decision.changes.push(Change::Slack {
                slack: Some(slack.clone()),
                before: before.map(Box::new),
            });
            decision.changes.push(secret(Some(sealed)));
            Ok(Ok(decision))
        }
        SlackCommand::Remove { expected } => {
            let Some(before) = transaction.slack().await? else {
                return Ok(Err(Refusal::NotFound("Slack")));
            };
            if !expected.is(Some(&before)) {
                return Ok(Err(Refusal::Changed));
            }
            let mut decision = decision("slack.removed", &json!({}));
            decision.answer = Answer {
                status: 204,
                body: String::new(),
                replayed: false,
            };
            decision.changes.push(Change::Slack {
                slack: None,
                before: Some(Box::new(before)),
            });
            decision.changes.push(secret(None));
            Ok(Ok(decision))
        }
        SlackCommand::MakeCode(code) => {
            let mut decision = decision("slack.code_made", &json!({}));
            decision.changes.push(Change::SlackCode {
                made: true,
                code: Some(Box::new(code.clone())),
            });
            Ok(Ok(decision))
        }
        SlackCommand::Link { hash, person_id } => {
            link(transaction, envelope, hash, person_id).await
        }
        SlackCommand::Hold { by, until } => {
            let held = transaction.hold_slack(by, *until, now).await?;
            Ok(Ok(decision(USE, &json!({ "held": held }))))
        }
        SlackCommand::Follow {
            part,
            touches,
            decided,
        } => {
            let done = transaction
                .follow_slack(*part, touches, *decided, now)
                .await?;
            Ok(Ok(decision(USE, &json!({ "done": done }))))
        }
        SlackCommand::Post {
            by,
            id,
            scm_sha,
            until,
        } => {
            let row = (id.as_str(), scm_sha.as_deref());
            let held = transaction.post_to_slack(by, row, *until, now).await?;
            Ok(Ok(decision(USE, &json!({ "held": held }))))
        }
        SlackCommand::Shown { by, shown } => {
            let held = transaction.slack_shown(by, shown).await?;
            Ok(Ok(decision(USE, &json!({ "held": held }))))
        }
    }
}

/// The kind of what is no row of the log.
pub const USE: &str = "slack.used";

async fn link<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    hash: &[u8],
    person_id: &str,
) -> Result<Decided, StoreError> {
    let team = transaction.slack().await?.map(|slack| slack.team_id);
    let code = transaction.slack_code(hash).await?;
    let valid = |code: &Code| envelope.now < code.expires_at && team.as_ref() == Some(&code.team);
    let Some(code) = code.filter(valid) else {
        let msg = "This code was used or is over; type /versioner link in Slack for another";
        return Ok(Err(Refusal::Conflict(msg.to_owned())));
    };
    let identity = Identity::of_slack(&code.team, &code.user);
    let joined = people::join(transaction, person_id, identity).await?;
    Ok(joined.map(|mut decision| {
        decision.kind = "person.linked";
        decision.changes.push(Change::SlackCode {
            made: false,
            code: Some(Box::new(code)),
        });
        decision
    }))
}

/// The secrets are others, or are forgotten. Their fingerprints stand in how it is reached.
fn secret(sealed: Option<&SlackSealed>) -> Change {
    Change::Secret {
        name: SECRETS.to_owned(),
        fingerprint: sealed.map(|sealed| fingerprint(&sealed.0)),
        sealed: sealed.map(|sealed| sealed.0.clone()),
    }
}

fn decision(kind: &'static str, body: &serde_json::Value) -> Decision {
    Decision {
        changes: Vec::new(),
        answer: Answer::new(200, body),
        subject: Some("slack".to_owned()),
        kind,
    }
}
