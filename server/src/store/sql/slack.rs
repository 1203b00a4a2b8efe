//! How Slack is reached, and what is shown there.

use serde::Deserialize;

use super::{Row, Statements, definition, params};
use crate::domain::slack::{CODE_LIFE, Code, SECRETS, Slack};
use crate::store::account::{Account, read};
use crate::store::{StoreError, new_id};

/// The most messages that a change of what people decide makes anew.
const MOST_OPEN: i64 = 200;
/// For how long a message is known, in microseconds: 30 days.
const KEPT: i64 = 30 * 24 * 3600 * 1_000_000;

/// How Slack is reached, and how far its log was followed.
#[derive(Debug, Clone)]
pub struct Reached {
    /// How.
    pub slack: Slack,
    /// The secrets, encrypted.
    pub sealed: Vec<u8>,
    /// The place in the log up to which is known what is to be told.
    pub followed: i64,
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// It tells what becomes of a deployment.
    Deployment,
    /// It asks people to let a start through.
    Approval,
}

impl About {
    const fn as_str(self) -> &'static str {
        match self {
            About::Deployment => "deployment",
            About::Approval => "approval",
        }
    }
}

/// A message in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The identifier, which its buttons carry.
    pub id: String,
    /// What kind of message it is.
    pub about: About,
    /// The deployment.
    pub deployment_id: String,
    /// The channel.
    pub channel: String,
    /// What Slack calls it, once it is there.
    pub ts: Option<String>,
    /// How often it became another one.
    pub wanted: i64,
    /// Up to which of these it is shown.
    pub sent: i64,
    /// What it shows, in short.
    pub shown: String,
    /// How often it could not be sent since it was last.
    pub attempts: i64,
    /// What went wrong last.
    pub error: Option<String>,
    /// Since when something is on its way of which nobody knows whether it has arrived.
    pub posting: Option<i64>,
    /// The commit that it shows to those who are to decide, noted before it is shown.
    pub scm_sha: Option<String>,
}

/// A message that is to be another one.
#[derive(Debug, Clone)]
pub struct Touch {
    /// What kind of message it is.
    pub about: About,
    /// The deployment.
    pub deployment_id: String,
    /// What asks the same has the same.
    pub topic: String,
    /// The channel.
    pub channel: String,
    /// Whether it is made if it is not there.
    pub new: bool,
}

/// What became of an attempt to show a message.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The message.
    pub id: String,
    /// What Slack calls it, if it is there.
    pub ts: Option<String>,
    /// What it shows.
    pub shown: String,
    /// Up to which change that is; none if it is to be tried again.
    pub sent: Option<i64>,
    /// How often it could not be shown since it was last.
    pub attempts: i64,
    /// When it may be tried again.
    pub not_before: i64,
    /// Whether what people decide can still change it.
    pub open: bool,
    /// What went wrong.
    pub error: Option<String>,
    /// Since when something is on its way of which nobody knows whether it has arrived.
    pub posting: Option<i64>,
}

/// How Slack is reached, if it is.
pub async fn reached(database: &impl Statements) -> Result<Option<Reached>, StoreError> {
    let sql = "SELECT definition, (SELECT s.sealed FROM secrets s WHERE s.name = ?), followed \
        FROM slack WHERE id = 1";
    database
        .row(sql, &params![SECRETS], |row| {
            Ok(Reached {
                slack: definition(row)?,
                sealed: row.get::<Option<Vec<u8>>>(1)?.unwrap_or_default(),
                followed: row.get(2)?,
            })
        })
        .await
}

/// Writes how it is reached; what happened before is not told.
pub async fn write<S: Statements>(database: &S, slack: Option<&Slack>) -> Result<(), StoreError> {
    let Some(slack) = slack else {
        for sql in [
            "DELETE FROM slack",
            "DELETE FROM slack_codes",
            "DELETE FROM slack_messages",
        ] {
            database.execute(sql, &[]).await?;
        }
        return Ok(());
    };
    let place = S::PLACE;
    let sql = format!(
        "INSERT INTO slack (id, definition, followed, lease_until) \
         VALUES (1, ?, (SELECT COALESCE(MAX({place}), 0) FROM log), 0) \
         ON CONFLICT (id) DO UPDATE SET definition = excluded.definition"
    );
    let definition = serde_json::to_string(slack)?;
    database.execute(&sql, &params![definition]).await?;
    Ok(())
}

/// Lets nobody else tell Slack anything until then; whether it is so.
pub async fn hold<S: Statements>(
    database: &S,
    by: &str,
    until: i64,
    now: i64,
) -> Result<bool, StoreError> {
    // Nobody else works on the same data.
    if !S::SHARED {
        return Ok(true);
    }
    let sql = "UPDATE slack SET lease = ?1, lease_until = ?2 \
        WHERE id = 1 AND (lease = ?1 OR lease IS NULL OR lease_until < ?3)";
    Ok(database.execute(sql, &params![by, until, now]).await? > 0)
}

/// Takes note of what is to be told of the log from `from` to `to`, unless somebody did; and whether
/// that is so.
pub async fn follow(
    database: &impl Statements,
    (from, to): (i64, i64),
    touches: &[Touch],
    decided: bool,
    now: i64,
) -> Result<bool, StoreError> {
    let sql = "UPDATE slack SET followed = ? WHERE id = 1 AND followed = ?";
    if database.execute(sql, &params![to, from]).await? == 0 {
        return Ok(false);
    }
    if !touches.is_empty() {
        let sql = "DELETE FROM slack_messages WHERE created_at < ? AND wanted <= sent";
        database.execute(sql, &params![now - KEPT]).await?;
    }
    for touch in touches {
        let (about, subject) = (touch.about.as_str(), &touch.deployment_id);
        if !touch.new || is_asked(database, touch).await? {
            let sql = "UPDATE slack_messages SET wanted = wanted + 1 \
                WHERE kind = ? AND subject = ? AND channel = ?";
            database
                .execute(sql, &params![about, subject, touch.channel])
                .await?;
            continue;
        }
        let sql = "INSERT INTO slack_messages (id, kind, subject, topic, channel, wanted, sent, shown, \
            not_before, attempts, open, created_at) VALUES (?, ?, ?, ?, ?, 1, 0, '', 0, 0, ?, ?) \
            ON CONFLICT (kind, subject, channel) DO UPDATE SET wanted = slack_messages.wanted + 1";
        let open = touch.about == About::Approval;
        let parameters = params![
            new_id(),
            about,
            subject,
            touch.topic,
            touch.channel,
            open,
            now
        ];
        database.execute(sql, &parameters).await?;
    }
    if decided {
        let sql = "UPDATE slack_messages SET wanted = wanted + 1 WHERE id IN \
            (SELECT m.id FROM slack_messages m WHERE m.open = 1 \
             ORDER BY m.created_at DESC LIMIT ?)";
        database.execute(sql, &params![MOST_OPEN]).await?;
    }
    Ok(true)
}

/// Whether another message asks the same: a client without a run is another deployment each time it asks.
async fn is_asked(database: &impl Statements, touch: &Touch) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM slack_messages WHERE open = 1 AND kind = ? AND topic = ? AND channel = ? \
        AND subject <> ? AND (shown = '' OR shown LIKE 'asks:%')";
    let (about, subject) = (touch.about.as_str(), &touch.deployment_id);
    let parameters = params![about, touch.topic, touch.channel, subject];
    database.exists(sql, &parameters).await
}

/// Takes note that `by` is about to show a message, and this commit in it, and lets nobody else tell anything
/// until then; whether it may. Whoever comes after it then knows that the message may be there already.
pub async fn posting<S: Statements>(
    database: &S,
    by: &str,
    (id, scm_sha): (&str, Option<&str>),
    until: i64,
    now: i64,
) -> Result<bool, StoreError> {
    if !keeps(database, by, Some(until)).await? {
        return Ok(false);
    }
    let sql = "UPDATE slack_messages SET posting = COALESCE(posting, ?), scm_sha = ? \
        WHERE id = ?";
    Ok(database.execute(sql, &params![now, scm_sha, id]).await? > 0)
}

/// Whether it is still `by` who tells Slack. Nobody takes over before this transaction has ended.
async fn keeps<S: Statements>(
    database: &S,
    by: &str,
    until: Option<i64>,
) -> Result<bool, StoreError> {
    if !S::SHARED {
        return Ok(true);
    }
    let sql = "UPDATE slack SET lease_until = COALESCE(?, lease_until) WHERE id = 1 AND lease = ?";
    Ok(database.execute(sql, &params![until, by]).await? > 0)
}

/// Writes what became of an attempt to show a message, if it is still `by` who tells Slack; whether it is.
/// What another server has noted meanwhile stays.
pub async fn shown<S: Statements>(
    database: &S,
    by: &str,
    shown: &Shown,
) -> Result<bool, StoreError> {
    if !keeps(database, by, None).await? {
        return Ok(false);
    }
    let sql = "UPDATE slack_messages SET ts = ?, shown = ?, sent = COALESCE(?, sent), \
        attempts = ?, not_before = ?, open = ?, error = ?, posting = ? WHERE id = ?";
    let parameters = params![
        shown.ts,
        shown.shown,
        shown.sent,
        shown.attempts,
        shown.not_before,
        shown.open,
        shown.error,
        shown.posting,
        shown.id,
    ];
    database.execute(sql, &parameters).await?;
    Ok(true)
}

const MESSAGE: &str = "SELECT id, kind, subject, channel, ts, wanted, sent, shown, attempts, error, \
    posting, scm_sha FROM slack_messages";

fn message(row: &dyn Row) -> Result<Message, StoreError> {
    let kind: String = row.get(1)?;
    Ok(Message {
        id: row.get(0)?,
        about: match kind.as_str() {
            "approval" => About::Approval,
            _ => About::Deployment,
        },
        deployment_id: row.get(2)?,
        channel: row.get(3)?,
        ts: row.get(4)?,
        wanted: row.get(5)?,
        sent: row.get(6)?,
        shown: row.get(7)?,
        attempts: row.get(8)?,
        error: row.get(9)?,
        posting: row.get(10)?,
        scm_sha: row.get(11)?,
    })
}

/// A code by its hash; it may be over.
pub async fn code(database: &impl Statements, hash: &[u8]) -> Result<Option<Code>, StoreError> {
    let sql = "SELECT hash, team, user_id, user_name, expires_at FROM slack_codes WHERE hash = ?";
    database
        .row(sql, &params![hash], |row| {
            Ok(Code {
                hash: row.get(0)?,
                team: row.get(1)?,
                user: row.get(2)?,
                user_name: row.get(3)?,
                expires_at: row.get(4)?,
            })
        })
        .await
}

/// Keeps a new code in place of the user's last, and forgets those that are over.
pub async fn add_code(database: &impl Statements, code: &Code) -> Result<(), StoreError> {
    let sql = "DELETE FROM slack_codes WHERE expires_at <= ? OR (team = ? AND user_id = ?)";
    let made = code.expires_at - CODE_LIFE;
    database
        .execute(sql, &params![made, code.team, code.user])
        .await?;
    let sql = "INSERT INTO slack_codes (hash, team, user_id, user_name, expires_at) \
        VALUES (?, ?, ?, ?, ?)";
    let parameters = params![
        code.hash,
        code.team,
        code.user,
        code.user_name,
        code.expires_at
    ];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// Forgets every code of a user.
pub async fn forget_codes(
    database: &impl Statements,
    team: &str,
    user: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM slack_codes WHERE team = ? AND user_id = ?";
    database.execute(sql, &params![team, user]).await?;
    Ok(())
}

/// A part of the log, as far as it concerns what is told in Slack.
#[derive(Debug, Default)]
pub struct Happened {
    /// The place of its last row.
    pub to: i64,
    /// The deployments that something happened to.
    pub deployments: Vec<String>,
    /// Whether something was decided that can concern any start.
    pub decided: bool,
}

/// What is read of a change.
#[derive(Deserialize)]
struct Changed {
    change: String,
    row: Option<Subject>,
}

/// The thing that a change is about.
#[derive(Deserialize)]
struct Subject {
    id: String,
}

/// What happened after a place in the log, at most so many rows of it.
async fn happened<S: Statements>(
    database: &S,
    after: i64,
    limit: i64,
) -> Result<Happened, StoreError> {
    let place = S::PLACE;
    let sql =
        format!("SELECT {place}, changes FROM log WHERE {place} > ? ORDER BY {place} LIMIT ?");
    let mut found = Happened {
        to: after,
        ..Happened::default()
    };
    let read = |row: &dyn Row| -> Result<(i64, Vec<Changed>), StoreError> {
        let changes: String = row.get(1)?;
        Ok((row.get(0)?, serde_json::from_str(&changes)?))
    };
    for (place, changes) in database.rows(&sql, &params![after, limit], read).await? {
        found.to = place;
        for changed in changes {
            match (changed.change.as_str(), changed.row) {
                ("deployment", Some(Subject { id })) if !found.deployments.contains(&id) => {
                    found.deployments.push(id);
                }
                (
                    "approval" | "rule" | "exemption" | "setting" | "person" | "named" | "merged"
                    | "commit" | "build",
                    _,
                ) => found.decided = true,
                _ => {}
            }
        }
    }
    Ok(found)
}

impl Account {
    /// What happened after a place in the log.
    pub async fn happened(&self, after: i64, limit: i64) -> Result<Happened, StoreError> {
        self.settle().await;
        read!(self, database => happened(database, after, limit))
    }

    /// How Slack is reached, if it is.
    pub async fn slack(&self) -> Result<Option<Reached>, StoreError> {
        read!(self, database => reached(database))
    }

    /// A code by its hash; it may be over.
    pub async fn slack_code(&self, hash: Vec<u8>) -> Result<Option<Code>, StoreError> {
        read!(self, database => code(database, &hash))
    }

    /// A message by its identifier.
    pub async fn slack_message(&self, id: String) -> Result<Option<Message>, StoreError> {
        read!(self, database => async {
            let sql = format!("{MESSAGE} WHERE id = ?");
            database.row(&sql, &params![id], message).await
        })
    }

    /// The messages that are to be sent now, those first that wait longest.
    pub async fn slack_due(&self, now: i64, limit: i64) -> Result<Vec<Message>, StoreError> {
        read!(self, database => async {
            let sql = format!(
                "{MESSAGE} WHERE wanted > sent AND not_before <= ? ORDER BY not_before, id LIMIT ?"
            );
            database.rows(&sql, &params![now, limit], message).await
        })
    }

    /// How many messages are to be sent, and what went wrong with the last of them that could not be.
    pub async fn slack_waiting(&self) -> Result<(i64, Option<String>), StoreError> {
        read!(self, database => async {
            let sql = "SELECT COUNT(*) FROM slack_messages WHERE wanted > sent";
            let count = database.row(sql, &[], |row| row.get(0)).await?;
            let sql = "SELECT error FROM slack_messages WHERE error IS NOT NULL \
                ORDER BY id DESC LIMIT 1";
            let error = database.row(sql, &[], |row| row.get(0)).await?;
            Ok((count.unwrap_or_default(), error))
        })
    }
}
