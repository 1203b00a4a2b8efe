//! The memory of Idempotency-Key.

use axum::http::StatusCode;
use rusqlite::{OptionalExtension, params};

use super::{Session, StoreError};
use crate::answer::Answer;

/// What is known of an event besides its content.
#[derive(Debug, Clone)]
pub struct Envelope {
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
            "SELECT fingerprint, status, body FROM answers WHERE idempotency_key = ?",
        )?;
        let found = select.query_row([key], |row| {
            Ok((row.get(0)?, row.get::<_, u16>(1)?, row.get(2)?))
        });
        let Some((fingerprint, status, body)) = found.optional()? else {
            return Ok(None);
        };
        let status = StatusCode::from_u16(status)
            .map_err(|_| StoreError::Damaged(format!("answer status {status}")))?;
        Ok(Some(FirstAnswer {
            fingerprint,
            answer: Answer { status, body },
        }))
    }

    /// Keeps the first answer to an Idempotency-Key.
    pub fn keep_answer(
        &self,
        key: &str,
        envelope: &Envelope,
        answer: &Answer,
    ) -> Result<(), StoreError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO answers (idempotency_key, fingerprint, status, body, created_at) \
             VALUES (?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            key,
            envelope.fingerprint.as_slice(),
            answer.status.as_u16(),
            answer.body,
            envelope.now(),
        ])?;
        Ok(())
    }
}
