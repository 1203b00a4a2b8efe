//! Sources: who else tells of builds and deployments.

use super::{Statements, definition, params};
use crate::domain::source::Source;
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// One by its identifier, whatever became of it.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Source>, StoreError> {
    let sql = "SELECT definition FROM sources WHERE id = ?";
    database.row(sql, &params![id], definition).await
}

/// Every source that was not removed, in the order of creation.
pub async fn all(database: &impl Statements) -> Result<Vec<Source>, StoreError> {
    let sql = "SELECT definition FROM sources";
    let mut sources: Vec<Source> = database.rows(sql, &[], definition).await?;
    sources.retain(|source| source.removed_at.is_none());
    sources.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(sources)
}

/// Writes a source.
pub async fn write(database: &impl Statements, source: &Source) -> Result<(), StoreError> {
    let sql = "INSERT INTO sources (id, definition) VALUES (?, ?) \
        ON CONFLICT (id) DO UPDATE SET definition = excluded.definition";
    let definition = serde_json::to_string(source)?;
    database
        .execute(sql, &params![source.id, definition])
        .await?;
    Ok(())
}

impl Account {
    /// Every source that was not removed.
    pub async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        read!(self, database => all(database))
    }

    /// A source by its identifier, whatever became of it.
    pub async fn source(&self, id: String) -> Result<Option<Source>, StoreError> {
        read!(self, database => by_id(database, &id))
    }
}
