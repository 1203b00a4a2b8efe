//! The journal of events, which is also the memory of Idempotency-Key.

use axum::http::StatusCode;
use rusqlite::{OptionalExtension, params};

use super::{Session, StoreError};
use crate::answer::Answer;

/// What is known of an event besides its content.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Where it was sent to, without slashes.
    pub kind: &'static str,
    /// The client's Idempotency-Key.
    pub idempotency_key: Option<String>,
    /// The hash of the endpoint and the body: the same key with another one is a mistake.
    pub fingerprint: [u8; 32],
    /// When it arrived.
    pub received_at: jiff::Timestamp,
}

impl Envelope {
    /// The time of arrival as it is stored.
    pub fn now(&self) -> i64 {
        self.received_at.as_microsecond()
    }
}

/// What an Idempotency-Key was used for first.
#[derive(Debug)]
pub struct FirstAnswer {
    /// The hash of that request.
    pub fingerprint: Vec<u8>,
    /// Its answer.
    pub answer: Answer,
}

impl Session<'_> {
    /// The first answer to an Idempotency-Key.
    pub fn first_answer(&self, key: &str) -> Result<Option<FirstAnswer>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT fingerprint, answer_status, answer_body FROM events WHERE idempotency_key = ?",
        )?;
        let found = select.query_row([key], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, u16>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        });
        let Some((fingerprint, status, body)) = found.optional()? else {
            return Ok(None);
        };
        let status = StatusCode::from_u16(status)
            .map_err(|_| StoreError::Damaged(format!("answer status {status}")))?;
        let body = body.unwrap_or_default();
        Ok(Some(FirstAnswer {
            fingerprint,
            answer: Answer { status, body },
        }))
    }

    /// Adds an event and its answer to the journal.
    pub fn journal(
        &self,
        envelope: &Envelope,
        subject_id: Option<&str>,
        answer: &Answer,
    ) -> Result<(), StoreError> {
        let kept = envelope.idempotency_key.as_ref().map(|_| &answer.body);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO events (received_at, kind, subject_id, idempotency_key, fingerprint, \
             answer_status, answer_body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            envelope.now(),
            envelope.kind,
            subject_id,
            envelope.idempotency_key,
            envelope.fingerprint.as_slice(),
            answer.status.as_u16(),
            kept,
        ])?;
        Ok(())
    }
}
