//! The append-only log, and which of its rows answered an Idempotency-Key.

use std::ops::ControlFlow;

use futures_util::future::try_join3;
use sha2::{Digest, Sha256};

use super::memory::Memory;
use super::{Row, Statements, params};
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
pub async fn last(database: &impl Statements, memory: &mut Memory) -> Result<Last, StoreError> {
    if let Some(last) = memory.last {
        return Ok(last);
    }
    let sql = "SELECT position, hash FROM log ORDER BY position DESC LIMIT 1";
    let last = database
        .row(sql, &[], |row| {
            Ok(Last {
                position: row.get(0)?,
                hash: row.get(1)?,
            })
        })
        .await;
    let last = last?.ok_or_else(|| StoreError::Damaged("the log has no row".to_owned()))?;
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

/// The position of the next row.
pub async fn next<S: Statements>(database: &S, memory: &mut Memory) -> Result<i64, StoreError> {
    if !S::SHARED {
        return Ok(last(database, memory).await?.position + 1);
    }
    if let Some(next) = memory.next {
        return Ok(next);
    }
    let sql = "SELECT nextval('log_position')";
    let next = database.row(sql, &[], |row| row.get(0)).await?;
    let next = next.ok_or_else(|| StoreError::Damaged("the log has no numbers".to_owned()))?;
    memory.next = Some(next);
    Ok(next)
}

/// Appends what was decided `now`. In a database that others write to as well, the row gets its place and its
/// hash later.
pub async fn append<S: Statements>(
    database: &S,
    memory: &mut Memory,
    (envelope, now): (&Envelope, i64),
    decision: &Decision,
) -> Result<(), StoreError> {
    let position = next(database, memory).await?;
    memory.next = None;
    let changes = serde_json::to_string(&decision.changes)?;
    let answer = &decision.answer;
    let numbers = [position, now, envelope.occurred_at.unwrap_or(now)];
    let texts = [
        &envelope.actor,
        envelope.request_id.as_deref().unwrap_or_default(),
        decision.kind,
        decision.subject.as_deref().unwrap_or_default(),
        &changes,
        &answer.body,
    ];
    let hash = if S::SHARED {
        None
    } else {
        let before = last(database, memory).await?;
        Some(chain(&before.hash, numbers, texts))
    };
    let sql = "INSERT INTO log (position, at, occurred_at, actor, request_id, kind, subject, \
        changes, status, answer, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let parameters = params![
        position,
        now,
        envelope.occurred_at,
        envelope.actor,
        envelope.request_id,
        decision.kind,
        decision.subject,
        changes,
        answer.status,
        answer.body,
        hash.as_ref().map(<[u8; 32]>::as_slice),
    ];
    let subject = decision.subject.as_deref();
    // None of them waits for another: over the wire they go together.
    try_join3(
        database.execute(sql, &parameters),
        mention_all(database, &decision.changes, subject, position),
        answer_by(database, envelope, position),
    )
    .await?;
    memory.last = hash.map(|hash| Last { position, hash });
    Ok(())
}

/// Remembers which row of the log answers the Idempotency-Key.
async fn answer_by(
    database: &impl Statements,
    envelope: &Envelope,
    position: i64,
) -> Result<(), StoreError> {
    if let Some(request) = &envelope.request {
        let sql = "INSERT INTO requests (idempotency_key, endpoint, actor, fingerprint, position) \
            VALUES (?, ?, ?, ?, ?) ON CONFLICT (idempotency_key, endpoint, actor) DO UPDATE \
            SET fingerprint = excluded.fingerprint, position = excluded.position";
        let parameters = params![
            request.key,
            request.endpoint,
            envelope.actor,
            request.fingerprint,
            position,
        ];
        database.execute(sql, &parameters).await?;
    }
    Ok(())
}

/// Remembers which deployments a row of the log changed beside the one that it is about.
pub async fn mention_all(
    database: &impl Statements,
    changes: &[Change],
    subject: Option<&str>,
    position: i64,
) -> Result<(), StoreError> {
    for change in changes {
        if let Change::Deployment { row, .. } = change
            && Some(row.id.as_str()) != subject
        {
            let sql = "INSERT INTO mentions (deployment_id, position) VALUES (?, ?) \
                ON CONFLICT DO NOTHING";
            database.execute(sql, &params![row.id, position]).await?;
        }
    }
    Ok(())
}

/// Takes an Idempotency-Key, so that nobody else can until the end of the transaction. Answers whether it
/// may have been used before.
pub async fn claim<S: Statements>(
    database: &S,
    actor: &str,
    request: &RequestKey,
) -> Result<bool, StoreError> {
    if !S::SHARED {
        return Ok(true);
    }
    let sql = "INSERT INTO requests (idempotency_key, endpoint, actor, fingerprint, position) \
        VALUES (?1, ?2, ?3, ?4, 0) ON CONFLICT DO NOTHING \
        RETURNING EXISTS (SELECT 1 FROM answers WHERE idempotency_key = ?1)";
    let parameters = params![request.key, request.endpoint, actor, request.fingerprint];
    let taken = database.row(sql, &parameters, |row| row.get(0)).await?;
    if let Some(answered_before_the_log) = taken {
        return Ok(answered_before_the_log);
    }
    let sql = "SELECT 1 FROM requests \
        WHERE idempotency_key = ? AND endpoint = ? AND actor = ? FOR UPDATE";
    let parameters = params![request.key, request.endpoint, actor];
    database.exists(sql, &parameters).await?;
    Ok(true)
}

/// What an Idempotency-Key was used for before.
pub async fn remembered(
    database: &impl Statements,
    memory: &mut Memory,
    actor: &str,
    request: &RequestKey,
) -> Result<Option<Remembered>, StoreError> {
    let sql = "SELECT r.fingerprint = ?4, l.status, l.answer, l.kind, l.subject, l.at \
        FROM requests r JOIN log l ON l.position = r.position \
        WHERE r.idempotency_key = ?1 AND r.endpoint = ?2 AND r.actor = ?3";
    let parameters = params![request.key, request.endpoint, actor, request.fingerprint];
    let found = database
        .row(sql, &parameters, |row| {
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
        })
        .await;
    match found? {
        Some(found) => Ok(Some(found)),
        None if has_old_answers(database, memory).await? => {
            remembered_before(database, request).await
        }
        None => Ok(None),
    }
}

async fn has_old_answers(
    database: &impl Statements,
    memory: &mut Memory,
) -> Result<bool, StoreError> {
    if let Some(known) = memory.old_answers {
        return Ok(known);
    }
    let found = database
        .exists("SELECT 1 FROM answers LIMIT 1", &[])
        .await?;
    memory.old_answers = Some(found);
    Ok(found)
}

/// The same in what the version before this one wrote.
async fn remembered_before(
    database: &impl Statements,
    request: &RequestKey,
) -> Result<Option<Remembered>, StoreError> {
    let sql = "SELECT fingerprint = ?2, status, body, created_at FROM answers \
        WHERE idempotency_key = ?1";
    let parameters = params![request.key, request.old_fingerprint.as_slice()];
    database
        .row(sql, &parameters, |row| {
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
        })
        .await
}

/// Lets nobody else give rows of a shared log their places until the end of the transaction.
pub const LOCK_PLACES: &str = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended( \
    current_schema() || '/places', 0))) l";

/// A row of the log that has its place, with all that its hash is made of.
struct Entry {
    numbers: [i64; 3],
    texts: [String; 6],
    hash: Vec<u8>,
}

impl Entry {
    const COLUMNS: &str =
        "at, occurred_at, actor, request_id, kind, subject, changes, answer, hash";

    fn read(row: &dyn Row) -> Result<Entry, StoreError> {
        let (position, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let occurred_at: Option<i64> = row.get(2)?;
        let text = |column| {
            row.get::<Option<String>>(column)
                .map(Option::unwrap_or_default)
        };
        Ok(Entry {
            numbers: [position, at, occurred_at.unwrap_or(at)],
            texts: [text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, text(8)?],
            hash: row.get(9)?,
        })
    }

    fn position(&self) -> i64 {
        self.numbers[0]
    }

    /// The hash of what it is, after something that has another.
    fn after(&self, before: &[u8]) -> [u8; 32] {
        let texts = self.texts.each_ref().map(String::as_str);
        chain(before, self.numbers, texts)
    }

    /// What it is now that it was rewritten, tied to what it was.
    fn rewritten(&self) -> [u8; 32] {
        self.after(&self.hash)
    }

    /// The digest of the rewritten rows before it, if it is an erasure.
    fn erasure(&self) -> Result<Option<String>, StoreError> {
        let [_, _, kind, _, changes, _] = &self.texts;
        if !kind.ends_with(".erased") {
            return Ok(None);
        }
        erasure(changes)
    }
}

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest of every row that was rewritten because a name was taken out of it.
pub async fn rewritten<S: Statements>(database: &S) -> Result<String, StoreError> {
    let place = S::PLACE;
    let sql = format!(
        "SELECT {place}, {} FROM log WHERE erased IS NOT NULL ORDER BY {place}",
        Entry::COLUMNS
    );
    let mut digest = Sha256::new();
    let mut add = |row: &dyn Row| {
        digest.update(Entry::read(row)?.rewritten());
        Ok(ControlFlow::Continue(()))
    };
    database.each(&sql, &[], &mut add).await?;
    Ok(hex(&digest.finalize()))
}

/// Checks the log from its first row to its last, and counts them. Rows without a place are none yet. A row
/// out of which a name was taken has the hash of what it was; what it is has to be what a later row, of an
/// erasure, says.
///
/// # Errors
/// [`StoreError::Damaged`] with the first row that does not fit the one before.
pub async fn verify<S: Statements>(database: &S) -> Result<u64, StoreError> {
    let place = S::PLACE;
    let sql = format!(
        "SELECT {place}, {} FROM log WHERE {place} IS NOT NULL ORDER BY {place}",
        Entry::COLUMNS
    );
    let damaged = |last: i64, position: i64| {
        let msg = format!("the log does not go on from row {last} to row {position}");
        StoreError::Damaged(msg)
    };
    let mut before: Option<(i64, Vec<u8>)> = None;
    let mut count = 0;
    let mut rewritten = Sha256::new();
    // The first row of which no erasure has said yet that it is what it should be.
    let (mut first, mut unsaid) = (None, None);
    let mut check = |row: &dyn Row| {
        let entry = Entry::read(row)?;
        let position = entry.position();
        if let Some((last, last_hash)) = &before {
            if position != last + 1 {
                return Err(damaged(*last, position));
            }
            if entry.hash != entry.after(last_hash) {
                rewritten.update(entry.rewritten());
                first = first.or(Some((*last, position)));
                unsaid = unsaid.or(Some((*last, position)));
            }
        }
        if let Some(said) = entry.erasure()? {
            // What it says is of all that were rewritten before it, so the last erasure counts.
            let fits = said == hex(&rewritten.clone().finalize());
            unsaid = first.filter(|_| !fits);
        }
        before = Some((position, entry.hash));
        count += 1;
        Ok(ControlFlow::Continue(()))
    };
    database.each(&sql, &[], &mut check).await?;
    let Some((last, position)) = unsaid else {
        return Ok(count);
    };
    let digest = hex(&rewritten.finalize());
    if S::SHARED && is_said_just_now(database, &digest).await? {
        return Ok(count);
    }
    Err(damaged(last, position))
}

/// Whether an erasure says so whose row has no place yet.
async fn is_said_just_now(database: &impl Statements, digest: &str) -> Result<bool, StoreError> {
    let sql = "SELECT changes FROM log \
        WHERE place IS NULL AND kind IN ('person.erased', 'name.erased')";
    let new = database.rows(sql, &[], |row| erasure(&row.get::<String>(0)?));
    Ok(new.await?.into_iter().flatten().any(|said| said == digest))
}

/// The digest that an erasure says, among these changes.
fn erasure(changes: &str) -> Result<Option<String>, StoreError> {
    let changes: Vec<Change> = serde_json::from_str(changes)?;
    Ok(changes.into_iter().find_map(|change| match change {
        Change::Erased { digest, .. } => Some(digest),
        _ => None,
    }))
}
