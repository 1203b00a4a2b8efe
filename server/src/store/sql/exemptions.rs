//! Exemptions.

use super::{Statements, definition, params};
use crate::domain::rules::Exemption;
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// The most exemptions that are listed.
const LISTED: i64 = 500;

/// Those that were neither withdrawn nor used up; some may be over.
pub async fn usable(database: &impl Statements) -> Result<Vec<Exemption>, StoreError> {
    let sql = "SELECT definition FROM exemptions WHERE usable = 1 ORDER BY id";
    database.rows(sql, &[], definition).await
}

/// One by its identifier.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Exemption>, StoreError> {
    let sql = "SELECT definition FROM exemptions WHERE id = ?";
    database.row(sql, &params![id], definition).await
}

/// Lets nobody else use an exemption up until the end of the transaction.
///
/// # Errors
/// [`StoreError::CameBetween`] if it is not any more what it was.
pub async fn expect(database: &impl Statements, before: &Exemption) -> Result<(), StoreError> {
    let sql = "SELECT definition FROM exemptions WHERE id = ? FOR UPDATE";
    let found: Option<Exemption> = database.row(sql, &params![before.id], definition).await?;
    if found.as_ref() == Some(before) {
        Ok(())
    } else {
        Err(StoreError::CameBetween("an exemption".to_owned()))
    }
}

/// Writes an exemption.
pub async fn write(database: &impl Statements, exemption: &Exemption) -> Result<(), StoreError> {
    let sql = "INSERT INTO exemptions (id, usable, definition) VALUES (?, ?, ?) ON CONFLICT (id) \
        DO UPDATE SET usable = excluded.usable, definition = excluded.definition";
    let usable = exemption.withdrawn_at.is_none() && exemption.used < exemption.uses;
    let definition = serde_json::to_string(exemption)?;
    let parameters = params![exemption.id, usable, definition];
    database.execute(sql, &parameters).await?;
    Ok(())
}

impl Account {
    /// The newest exemptions, newest first, whatever became of them.
    pub async fn exemptions(&self) -> Result<Vec<Exemption>, StoreError> {
        let sql = "SELECT definition FROM exemptions ORDER BY id DESC LIMIT ?";
        read!(self, database => database.rows(sql, &params![LISTED], definition))
    }

    /// One exemption by its identifier.
    pub async fn exemption(&self, id: String) -> Result<Option<Exemption>, StoreError> {
        read!(self, database => by_id(database, &id))
    }
}
