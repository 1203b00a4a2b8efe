//! Webhooks, the attempts to deliver to them, and how far the log is told.

use super::{Row, Statements, catalog, definition, params};
use crate::domain::naming::Kind;
use crate::domain::news::LogEntry;
use crate::domain::webhook::{Attempt, Webhook};
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// Who follows the log for webhooks.
const FOLLOWER: &str = "webhooks";

/// A webhook as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secrets, encrypted.
    pub sealed: Vec<u8>,
    /// Since when nothing but failures came of it.
    pub failing_since: Option<i64>,
}

/// How far the log is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Up to this place.
    pub place: i64,
    /// The last place that there is.
    pub last: i64,
    /// Whether anybody wants to hear of it.
    pub any: bool,
}

const SELECT: &str = "SELECT w.definition, s.sealed, w.failing_since FROM webhooks w \
    LEFT JOIN secrets s ON s.name = 'webhook:' || w.id";

fn kept(row: &dyn Row) -> Result<Kept, StoreError> {
    Ok(Kept {
        webhook: definition(row)?,
        sealed: row.get::<Option<Vec<u8>>>(1)?.unwrap_or_default(),
        failing_since: row.get(2)?,
    })
}

/// One by its identifier, whatever became of it.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Kept>, StoreError> {
    let sql = format!("{SELECT} WHERE w.id = ?");
    database.row(&sql, &params![id], kept).await
}

/// Every webhook, in the order in which they were made.
pub async fn list(database: &impl Statements) -> Result<Vec<Kept>, StoreError> {
    let sql = format!("{SELECT} ORDER BY w.id");
    database.rows(&sql, &[], kept).await
}

/// Writes a webhook. One that begins to be told has not failed yet.
pub async fn write(database: &impl Statements, webhook: &Webhook) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhooks (id, definition) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE \
        SET definition = excluded.definition, \
        failing_since = CASE WHEN ?3 = 1 THEN NULL ELSE webhooks.failing_since END";
    let definition = serde_json::to_string(webhook)?;
    let is_told = i64::from(webhook.is_told());
    let parameters = params![webhook.id, definition, is_told];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// Takes note that something came of a webhook.
pub async fn note_success(database: &impl Statements, id: &str) -> Result<(), StoreError> {
    // Most of the time nothing is to be written.
    let sql = "UPDATE webhooks SET failing_since = NULL WHERE id = ? AND failing_since IS NOT NULL";
    database.execute(sql, &params![id]).await?;
    Ok(())
}

/// Takes note that nothing came of a webhook, and since when that is so.
pub async fn note_failure(
    database: &impl Statements,
    id: &str,
    now: i64,
) -> Result<i64, StoreError> {
    // Written where it is read: a delivery that went well in another transaction counts.
    // A time that is still to come was written by a clock that was wrong.
    let sql = "UPDATE webhooks SET failing_since = \
        CASE WHEN failing_since <= ?1 THEN failing_since ELSE ?1 END WHERE id = ?2 \
        RETURNING failing_since";
    let since = database
        .row(sql, &params![now, id], |row| row.get(0))
        .await?;
    Ok(since.unwrap_or(now))
}

/// Takes note of an attempt.
pub async fn note_attempt(database: &impl Statements, attempt: &Attempt) -> Result<(), StoreError> {
    let sql = "INSERT INTO attempts (item_id, at, millis, status, error, excerpt) \
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let parameters = params![
        attempt.item_id,
        attempt.at,
        attempt.millis,
        attempt.status,
        attempt.error,
        attempt.answer,
    ];
    database.execute(sql, &parameters).await?;
    Ok(())
}

async fn attempts(database: &impl Statements, item_id: &str) -> Result<Vec<Attempt>, StoreError> {
    let sql = "SELECT at, millis, status, error, excerpt FROM attempts WHERE item_id = ? \
        ORDER BY at";
    let read = |row: &dyn Row| {
        Ok(Attempt {
            item_id: item_id.to_owned(),
            at: row.get(0)?,
            millis: row.get(1)?,
            status: row.get(2)?,
            error: row.get(3)?,
            answer: row.get(4)?,
        })
    };
    database.rows(sql, &params![item_id], read).await
}

/// Goes from one place of the log to another, unless somebody else has gone on meanwhile.
pub async fn advance(database: &impl Statements, from: i64, to: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE announced SET place = ? WHERE follower = ? AND place = ?";
    Ok(database.execute(sql, &params![to, FOLLOWER, from]).await? > 0)
}

/// How far the log is told.
pub async fn told<S: Statements>(database: &S) -> Result<Told, StoreError> {
    let place = S::PLACE;
    let sql = format!(
        "SELECT place, COALESCE((SELECT MAX({place}) FROM log), 0), \
         CASE WHEN EXISTS (SELECT 1 FROM webhooks) THEN 1 ELSE 0 END \
         FROM announced WHERE follower = ?"
    );
    let read = |row: &dyn Row| {
        Ok(Told {
            place: row.get(0)?,
            last: row.get(1)?,
            any: row.get(2)?,
        })
    };
    let found = database.row(&sql, &params![FOLLOWER], read).await?;
    found.ok_or_else(|| StoreError::Damaged("nobody follows the log".to_owned()))
}

/// The code of a refusal.
fn code_of(answer: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    answer["detail"]["code"].as_str().map(str::to_owned)
}

async fn entries<S: Statements>(
    database: &S,
    after: i64,
    limit: i64,
) -> Result<Vec<LogEntry>, StoreError> {
    let place = S::PLACE;
    let sql = format!(
        "SELECT {place}, at, occurred_at, actor, kind, subject, changes, \
         CASE WHEN kind = 'deployment.refused' THEN answer END, request_id FROM log \
         WHERE {place} > ? ORDER BY {place} LIMIT ?"
    );
    let read = |row: &dyn Row| {
        let changes: String = row.get(6)?;
        Ok(LogEntry {
            place: row.get(0)?,
            at: row.get(1)?,
            occurred_at: row.get(2)?,
            actor: row.get(3)?,
            kind: row.get(4)?,
            subject: row.get(5)?,
            changes: serde_json::from_str(&changes)?,
            code: row
                .get::<Option<String>>(7)?
                .and_then(|answer| code_of(&answer)),
            request_id: row.get(8)?,
        })
    };
    database.rows(&sql, &params![after, limit], read).await
}

/// The webhooks that are told, with the present names of what they are to hear of.
async fn to_tell(database: &impl Statements) -> Result<Vec<Webhook>, StoreError> {
    let mut found = Vec::new();
    for Kept { mut webhook, .. } in list(database).await? {
        if !webhook.is_told() {
            continue;
        }
        let interest = &mut webhook.interest;
        for (kind, names) in [
            (Kind::Product, &mut interest.products),
            (Kind::Environment, &mut interest.environments),
        ] {
            for name in names {
                if let Some(named) = catalog::find(database, kind, name).await? {
                    *name = named.name;
                }
            }
        }
        found.push(webhook);
    }
    Ok(found)
}

impl Told {
    /// Whether somebody wants to hear of what was not told yet.
    pub fn waits(&self) -> bool {
        self.any && self.place < self.last
    }
}

impl Account {
    /// Every webhook, in the order in which they were made.
    pub async fn webhooks(&self) -> Result<Vec<Kept>, StoreError> {
        read!(self, database => list(database))
    }

    /// A webhook by its identifier, whatever became of it.
    pub async fn webhook(&self, id: String) -> Result<Option<Kept>, StoreError> {
        read!(self, database => by_id(database, &id))
    }

    /// The webhooks that are told, with the present names of what they are to hear of.
    pub async fn webhooks_to_tell(&self) -> Result<Vec<Webhook>, StoreError> {
        read!(self, database => to_tell(database))
    }

    /// The attempts on a row of the queue, oldest first.
    pub async fn attempts(&self, item_id: String) -> Result<Vec<Attempt>, StoreError> {
        read!(self, database => attempts(database, &item_id))
    }

    /// How far the log is told.
    pub async fn told(&self) -> Result<Told, StoreError> {
        read!(self, database => told(database))
    }

    /// The rows of the log after a place, at most so many.
    pub async fn log_after(&self, place: i64, limit: i64) -> Result<Vec<LogEntry>, StoreError> {
        read!(self, database => entries(database, place, limit))
    }
}
