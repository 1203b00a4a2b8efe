//! Exemptions.

use rusqlite::{Connection, OptionalExtension, params};

use super::Account;
use crate::domain::rules::Exemption;
use crate::store::StoreError;

/// The most exemptions that are listed.
const LISTED: i64 = 500;

/// Those that were neither withdrawn nor used up; some may be over.
pub fn usable(connection: &Connection) -> Result<Vec<Exemption>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT definition FROM exemptions WHERE usable = 1 ORDER BY id")?;
    let texts = select.query_map([], |row| row.get::<_, String>(0))?;
    texts
        .map(|text| Ok(serde_json::from_str(&text?)?))
        .collect()
}

/// One by its identifier.
pub fn by_id(connection: &Connection, id: &str) -> Result<Option<Exemption>, StoreError> {
    let mut select = connection.prepare_cached("SELECT definition FROM exemptions WHERE id = ?")?;
    let text: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Writes an exemption.
pub fn write(connection: &Connection, exemption: &Exemption) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO exemptions (id, usable, definition) VALUES (?, ?, ?)",
    )?;
    let usable = exemption.withdrawn_at.is_none() && exemption.used < exemption.uses;
    insert.execute(params![
        exemption.id,
        usable,
        serde_json::to_string(exemption)?
    ])?;
    Ok(())
}

impl Account {
    /// The newest exemptions, newest first, whatever became of them.
    pub async fn exemptions(&self) -> Result<Vec<Exemption>, StoreError> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT definition FROM exemptions ORDER BY id DESC LIMIT ?")?;
            let texts = select.query_map([LISTED], |row| row.get::<_, String>(0))?;
            texts
                .map(|text| Ok(serde_json::from_str(&text?)?))
                .collect()
        })
        .await
    }

    /// One exemption by its identifier.
    pub async fn exemption(&self, id: String) -> Result<Option<Exemption>, StoreError> {
        self.read(move |connection| by_id(connection, &id)).await
    }
}
