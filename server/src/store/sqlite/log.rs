//! The append-only log, and which of its rows answered an Idempotency-Key.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::transaction::Memory;
use crate::domain::answer::Answer;
use crate::domain::change::Decision;
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Remembered, RequestKey};

/// The last row of the log.
#[derive(Debug, Clone)]
pub struct Last {
    /// Its position.
    pub position: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// The last row of the log.
pub fn last(connection: &Connection, memory: &mut Memory) -> Result<Last, StoreError> {
    if let Some(last) = &memory.last {
        return Ok(last.clone());
    }
    let mut select = connection
        .prepare_cached("SELECT position, hash FROM log ORDER BY position DESC LIMIT 1")?;
    let last = select.query_row([], |row| {
        Ok(Last {
            position: row.get(0)?,
            hash: row.get(1)?,
        })
    })?;
    memory.last = Some(last.clone());
    Ok(last)
}

/// Appends what was decided.
pub fn append(
    connection: &Connection,
    memory: &mut Memory,
    envelope: &Envelope,
    decision: &Decision,
) -> Result<(), StoreError> {
    let before = last(connection, memory)?;
    let position = before.position + 1;
    let changes = serde_json::to_string(&decision.changes)?;
    let answer = &decision.answer;
    let mut hash = Sha256::new();
    hash.update(&before.hash);
    for number in [
        position,
        envelope.now,
        envelope.occurred_at.unwrap_or(envelope.now),
    ] {
        hash.update(number.to_be_bytes());
    }
    let subject = decision.subject.as_deref().unwrap_or_default();
    let request_id = envelope.request_id.as_deref().unwrap_or_default();
    for text in [
        &envelope.actor,
        request_id,
        decision.kind,
        subject,
        &changes,
        &answer.body,
    ] {
        // The length keeps two texts from passing for two others.
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut insert = connection.prepare_cached(
        "INSERT INTO log (position, at, occurred_at, actor, request_id, kind, subject, changes, \
         status, answer, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        position,
        envelope.now,
        envelope.occurred_at,
        envelope.actor,
        envelope.request_id,
        decision.kind,
        decision.subject,
        changes,
        answer.status,
        answer.body,
        hash.as_slice(),
    ])?;
    memory.last = Some(Last {
        position,
        hash: hash.to_vec(),
    });
    if let Some(request) = &envelope.request {
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO requests (idempotency_key, endpoint, actor, fingerprint, \
             position) VALUES (?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            request.key,
            request.endpoint,
            envelope.actor,
            request.fingerprint,
            position,
        ])?;
    }
    Ok(())
}

/// What an Idempotency-Key was used for before.
pub fn remembered(
    connection: &Connection,
    actor: &str,
    request: &RequestKey,
) -> Result<Option<Remembered>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT r.fingerprint = ?4, l.status, l.answer, l.kind, l.subject, l.at \
         FROM requests r JOIN log l ON l.position = r.position \
         WHERE r.idempotency_key = ?1 AND r.endpoint = ?2 AND r.actor = ?3",
    )?;
    let parameters = params![request.key, request.endpoint, actor, request.fingerprint];
    let found = select.query_row(parameters, |row| {
        Ok(Remembered {
            same: row.get(0)?,
            answer: Answer {
                status: row.get(1)?,
                body: row.get(2)?,
                replayed: true,
            },
            kind: row.get(3)?,
            subject: row.get(4)?,
            at: row.get(5)?,
        })
    });
    match found.optional()? {
        Some(found) => Ok(Some(found)),
        None => remembered_before(connection, request),
    }
}

/// The same in what the version before this one wrote.
fn remembered_before(
    connection: &Connection,
    request: &RequestKey,
) -> Result<Option<Remembered>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT fingerprint = ?2, status, body, created_at FROM answers WHERE idempotency_key = ?1",
    )?;
    let parameters = params![request.key, request.old_fingerprint.as_slice()];
    let found = select.query_row(parameters, |row| {
        Ok(Remembered {
            same: row.get(0)?,
            answer: Answer {
                status: row.get(1)?,
                body: row.get(2)?,
                replayed: true,
            },
            kind: String::new(),
            subject: None,
            at: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}
