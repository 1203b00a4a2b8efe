//! Builds.

use super::{Statements, catalog, object, params};
use crate::domain::build::{BuildFacts, BuildRow};
use crate::domain::change::Details;
use crate::domain::deployment::{Place, State};
use crate::store::StoreError;

/// What a build event can be about.
pub async fn facts(database: &impl Statements, place: &Place) -> Result<BuildFacts, StoreError> {
    let (scm_sha, pinned) = catalog::commit(database, &place.version_id).await?;
    // The newest 16 are those that an event can belong to.
    let sql = "SELECT id, position, product_id, version_id, status, origin, created_at, updated_at \
        FROM builds WHERE version_id = ? ORDER BY position DESC LIMIT 16";
    let rows = database
        .rows(sql, &params![place.version_id], |row| {
            let (status, origin): (String, String) = (row.get(4)?, row.get(5)?);
            Ok(BuildRow {
                id: row.get(0)?,
                position: row.get(1)?,
                product_id: row.get(2)?,
                version_id: row.get(3)?,
                state: State::parse(&status)
                    .ok_or_else(|| StoreError::Damaged(format!("status {status:?}")))?,
                origin: serde_json::from_str(&origin)?,
                created_at: row.get(6)?,
                updated_at: row.get(7)?,
            })
        })
        .await;
    Ok(BuildFacts {
        product_id: place.product_id.clone(),
        version_id: place.version_id.clone(),
        scm_sha,
        pinned,
        rows: rows?,
    })
}

/// The details of a build.
pub async fn details(database: &impl Statements, id: &str) -> Result<Details, StoreError> {
    let sql = "SELECT attributes, extra_metadata FROM builds WHERE id = ?";
    let found = database
        .row(sql, &params![id], |row| {
            Ok(Details {
                attributes: object(row, 0)?,
                metadata: object(row, 1)?,
            })
        })
        .await;
    Ok(found?.unwrap_or_default())
}

/// Writes a row, and what comes over its details.
pub async fn write(
    database: &impl Statements,
    row: &BuildRow,
    added: &Details,
    new: bool,
) -> Result<(), StoreError> {
    let mut all = if new {
        Details::default()
    } else {
        details(database, &row.id).await?
    };
    all.merge(added);
    let (attributes, metadata) = (
        serde_json::to_string(&all.attributes)?,
        serde_json::to_string(&all.metadata)?,
    );
    let origin = serde_json::to_string(&row.origin)?;
    if new {
        let sql = "INSERT INTO builds (position, id, product_id, version_id, status, invoke_id, \
            origin, created_at, updated_at, attributes, extra_metadata) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let parameters = params![
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
        ];
        database.execute(sql, &parameters).await?;
    } else {
        let sql = "UPDATE builds SET status = ?, invoke_id = ?, origin = ?, updated_at = ?, \
            attributes = ?, extra_metadata = ? WHERE id = ?";
        let parameters = params![
            row.state.as_str(),
            row.origin.invoke_id,
            origin,
            row.updated_at,
            attributes,
            metadata,
            row.id,
        ];
        database.execute(sql, &parameters).await?;
    }
    Ok(())
}
