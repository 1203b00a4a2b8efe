//! The append-only log, and which of its rows answered an Idempotency-Key.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::memory::Memory;
use crate::domain::answer::Answer;
use crate::domain::change::{Change, Decision};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Remembered, RequestKey};

/// The last row of the log.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    /// Its position.
    pub position: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// The last row of the log.
pub fn last(connection: &Connection, memory: &mut Memory) -> Result<Last, StoreError> {
    if let Some(last) = memory.last {
        return Ok(last);
    }
    let mut select = connection
        .prepare_cached("SELECT position, hash FROM log ORDER BY position DESC LIMIT 1")?;
    let last = select.query_row([], |row| {
        Ok(Last {
            position: row.get(0)?,
            hash: row.get(1)?,
        })
    })?;
    memory.last = Some(last);
    Ok(last)
}

/// The hash of a row, which holds that of the row before.
pub fn chain(before: &[u8], numbers: [i64; 3], texts: [&str; 6]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    for number in numbers {
        hash.update(number.to_be_bytes());
    }
    for text in texts {
        // The length keeps two texts from passing for two others.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
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
    let hash = chain(
        &before.hash,
        [
            position,
            envelope.now,
            envelope.occurred_at.unwrap_or(envelope.now),
        ],
        [
            &envelope.actor,
            envelope.request_id.as_deref().unwrap_or_default(),
            decision.kind,
            decision.subject.as_deref().unwrap_or_default(),
            &changes,
            &answer.body,
        ],
    );
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
    memory.last = Some(Last { position, hash });
    let subject = decision.subject.as_deref();
    mention_all(connection, &decision.changes, subject, position)?;
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

/// Remembers which deployments a row of the log changed beside the one that it is about.
pub fn mention_all(
    connection: &Connection,
    changes: &[Change],
    subject: Option<&str>,
    position: i64,
) -> Result<(), StoreError> {
    for change in changes {
        if let Change::Deployment { row, .. } = change
            && Some(row.id.as_str()) != subject
        {
            let mut insert = connection.prepare_cached(
                "INSERT OR IGNORE INTO mentions (deployment_id, position) VALUES (?, ?)",
            )?;
            insert.execute(params![row.id, position])?;
        }
    }
    Ok(())
}

/// What an Idempotency-Key was used for before.
pub fn remembered(
    connection: &Connection,
    memory: &mut Memory,
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
        None if has_old_answers(connection, memory)? => remembered_before(connection, request),
        None => Ok(None),
    }
}

fn has_old_answers(connection: &Connection, memory: &mut Memory) -> Result<bool, StoreError> {
    if let Some(known) = memory.old_answers {
        return Ok(known);
    }
    let found = connection
        .prepare_cached("SELECT 1 FROM answers LIMIT 1")?
        .exists([])?;
    memory.old_answers = Some(found);
    Ok(found)
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
