//! Builds.

use rusqlite::{Connection, params};

use super::{catalog, object};
use crate::domain::build::{BuildFacts, BuildRow};
use crate::domain::change::Details;
use crate::domain::deployment::{Place, State};
use crate::store::StoreError;

/// What a build event can be about.
pub fn facts(connection: &Connection, place: &Place) -> Result<BuildFacts, StoreError> {
    let (scm_sha, pinned) = catalog::commit(connection, &place.version_id)?;
    // The newest 16 are those that an event can belong to.
    let mut select = connection.prepare_cached(
        "SELECT id, position, product_id, version_id, status, origin, created_at, updated_at \
         FROM builds WHERE version_id = ? ORDER BY position DESC LIMIT 16",
    )?;
    let mut found = select.query([&place.version_id])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let (status, origin): (String, String) = (row.get(4)?, row.get(5)?);
        rows.push(BuildRow {
            id: row.get(0)?,
            position: row.get(1)?,
            product_id: row.get(2)?,
            version_id: row.get(3)?,
            state: State::parse(&status)
                .ok_or_else(|| StoreError::Damaged(format!("status {status:?}")))?,
            origin: serde_json::from_str(&origin)?,
            created_at: row.get(6)?,
            updated_at: row.get(7)?,
        });
    }
    Ok(BuildFacts {
        product_id: place.product_id.clone(),
        version_id: place.version_id.clone(),
        scm_sha,
        pinned,
        rows,
    })
}

/// The details of a build.
pub fn details(connection: &Connection, id: &str) -> Result<Details, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT attributes, extra_metadata FROM builds WHERE id = ?")?;
    let mut rows = select.query([id])?;
    match rows.next()? {
        Some(row) => Ok(Details {
            attributes: object(row, 0)?,
            metadata: object(row, 1)?,
        }),
        None => Ok(Details::default()),
    }
}

/// Writes a row, and what comes over its details.
pub fn write(
    connection: &Connection,
    row: &BuildRow,
    added: &Details,
    new: bool,
) -> Result<(), StoreError> {
    let mut all = if new {
        Details::default()
    } else {
        details(connection, &row.id)?
    };
    all.merge(added);
    let (attributes, metadata) = (
        serde_json::to_string(&all.attributes)?,
        serde_json::to_string(&all.metadata)?,
    );
    let origin = serde_json::to_string(&row.origin)?;
    if new {
        let mut insert = connection.prepare_cached(
            "INSERT INTO builds (position, id, product_id, version_id, status, invoke_id, origin, \
             created_at, updated_at, attributes, extra_metadata) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            row.position,
            row.id,
            row.product_id,
            row.version_id,
            row.state.as_str(),
            row.origin.invoke_id,
            origin,
            row.created_at,
            row.updated_at,
            attributes,
            metadata,
        ])?;
    } else {
        let mut update = connection.prepare_cached(
            "UPDATE builds SET status = ?, invoke_id = ?, origin = ?, updated_at = ?, \
             attributes = ?, extra_metadata = ? WHERE id = ?",
        )?;
        update.execute(params![
            row.state.as_str(),
            row.origin.invoke_id,
            origin,
            row.updated_at,
            attributes,
            metadata,
            row.id,
        ])?;
    }
    Ok(())
}
