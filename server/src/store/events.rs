//! The journal of events, which is also the memory of Idempotency-Key.

use axum::http::StatusCode;
use sqlx::Row;

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
    pub async fn first_answer(&mut self, key: &str) -> Result<Option<FirstAnswer>, StoreError> {
        let row = sqlx::query(
            "SELECT fingerprint, answer_status, answer_body FROM events WHERE idempotency_key = ?",
        )
        .bind(key)
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let status: u16 = row.try_get(1)?;
        Ok(Some(FirstAnswer {
            fingerprint: row.try_get(0)?,
            answer: Answer {
                status: StatusCode::from_u16(status)
                    .map_err(|_| StoreError::Damaged(format!("answer status {status}")))?,
                body: row.try_get::<Option<String>, _>(2)?.unwrap_or_default(),
            },
        }))
    }

    /// Adds an event and its answer to the journal.
    pub async fn journal(
        &mut self,
        envelope: &Envelope,
        subject_id: Option<&str>,
        answer: &Answer,
    ) -> Result<(), StoreError> {
        let kept = envelope.idempotency_key.as_ref().map(|_| &answer.body);
        sqlx::query(
            "INSERT INTO events (received_at, kind, subject_id, idempotency_key, fingerprint, \
             answer_status, answer_body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(envelope.now())
        .bind(envelope.kind)
        .bind(subject_id)
        .bind(&envelope.idempotency_key)
        .bind(envelope.fingerprint.as_slice())
        .bind(answer.status.as_u16())
        .bind(kept)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}
