//! Builds.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};
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
    pub fn open_build(
        &self,
        version_id: &str,
        invoke_id: Option<&str>,
    ) -> Result<Option<BuildRow>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, attributes, extra_metadata FROM builds \
             WHERE version_id = ?1 AND status IN ('pending', 'started') \
             AND (invoke_id IS NULL OR ?2 IS NULL OR invoke_id = ?2) ORDER BY id DESC LIMIT 1",
        )?;
        let found = select.query_row(params![version_id, invoke_id], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        });
        let Some((id, attributes, extra_metadata)) = found.optional()? else {
            return Ok(None);
        };
        Ok(Some(BuildRow {
            id,
            attributes: serde_json::from_str(&attributes)?,
            extra_metadata: serde_json::from_str(&extra_metadata)?,
        }))
    }

    /// Adds a build and returns its identifier.
    pub fn insert_build(
        &self,
        event: &BuildEvent,
        product_id: &str,
        version_id: &str,
        now: i64,
    ) -> Result<String, StoreError> {
        let id = new_id();
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO builds (id, product_id, version_id, status, invoke_id, attributes, \
             extra_metadata, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        )?;
        insert.execute(params![
            id,
            product_id,
            version_id,
            event.status.as_str(),
            event.invoke_id,
            serde_json::to_string(&attributes(&event.details)?)?,
            serde_json::to_string(&event.extra_metadata)?,
            now,
        ])?;
        Ok(id)
    }

    /// Moves a build on.
    pub fn update_build(
        &self,
        build: &BuildRow,
        status: Status,
        invoke_id: Option<&str>,
        now: i64,
    ) -> Result<(), StoreError> {
        let mut update = self.connection.prepare_cached(
            "UPDATE builds SET status = ?, invoke_id = COALESCE(?, invoke_id), attributes = ?, \
             extra_metadata = ?, updated_at = ? WHERE id = ?",
        )?;
        update.execute(params![
            status.as_str(),
            invoke_id,
            serde_json::to_string(&build.attributes)?,
            serde_json::to_string(&build.extra_metadata)?,
            now,
            build.id,
        ])?;
        Ok(())
    }
}
