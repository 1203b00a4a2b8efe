//! Builds.

use serde_json::{Map, Value};
use sqlx::Row;
use versioner::Status;

use super::{Session, StoreError, new_id};
use crate::event::{BuildEvent, attributes};

/// A build that is not finished.
#[derive(Debug)]
pub struct BuildRow {
    /// Its identifier.
    pub id: String,
    /// The descriptive fields so far.
    pub attributes: Map<String, Value>,
    /// The metadata so far.
    pub extra_metadata: Map<String, Value>,
}

impl Session<'_> {
    /// The newest unfinished build of a version that can belong to the run `invoke_id`.
    pub async fn open_build(
        &mut self,
        version_id: &str,
        invoke_id: Option<&str>,
    ) -> Result<Option<BuildRow>, StoreError> {
        let row = sqlx::query(
            "SELECT id, attributes, extra_metadata FROM builds \
             WHERE version_id = ?1 AND status IN ('pending', 'started') \
             AND (invoke_id IS NULL OR ?2 IS NULL OR invoke_id = ?2) ORDER BY id DESC LIMIT 1",
        )
        .bind(version_id)
        .bind(invoke_id)
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(BuildRow {
            id: row.try_get(0)?,
            attributes: serde_json::from_str(row.try_get(1)?)?,
            extra_metadata: serde_json::from_str(row.try_get(2)?)?,
        }))
    }

    /// Adds a build and returns its identifier.
    pub async fn insert_build(
        &mut self,
        event: &BuildEvent,
        product_id: &str,
        version_id: &str,
        now: i64,
    ) -> Result<String, StoreError> {
        let id = new_id();
        sqlx::query(
            "INSERT INTO builds (id, product_id, version_id, status, invoke_id, attributes, \
             extra_metadata, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        )
        .bind(&id)
        .bind(product_id)
        .bind(version_id)
        .bind(event.status.as_str())
        .bind(&event.invoke_id)
        .bind(serde_json::to_string(&attributes(&event.details)?)?)
        .bind(serde_json::to_string(&event.extra_metadata)?)
        .bind(now)
        .execute(&mut *self.connection)
        .await?;
        Ok(id)
    }

    /// Moves a build on.
    pub async fn update_build(
        &mut self,
        build: &BuildRow,
        status: Status,
        invoke_id: Option<&str>,
        now: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE builds SET status = ?, invoke_id = COALESCE(?, invoke_id), attributes = ?, \
             extra_metadata = ?, updated_at = ? WHERE id = ?",
        )
        .bind(status.as_str())
        .bind(invoke_id)
        .bind(serde_json::to_string(&build.attributes)?)
        .bind(serde_json::to_string(&build.extra_metadata)?)
        .bind(now)
        .bind(&build.id)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}
