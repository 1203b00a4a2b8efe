//! Secrets that the server must know in clear, encrypted.

use super::{Statements, params};
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// Writes a secret, or takes it away.
pub async fn write(
    database: &impl Statements,
    name: &str,
    sealed: Option<&[u8]>,
) -> Result<(), StoreError> {
    let Some(sealed) = sealed else {
        let sql = "DELETE FROM secrets WHERE name = ?";
        database.execute(sql, &params![name]).await?;
        return Ok(());
    };
    let sql = "INSERT INTO secrets (name, sealed) VALUES (?, ?) \
        ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed";
    database.execute(sql, &params![name, sealed]).await?;
    Ok(())
}

/// A secret by its name, encrypted.
pub async fn by_name(
    database: &impl Statements,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT sealed FROM secrets WHERE name = ?";
    database.row(sql, &params![name], |row| row.get(0)).await
}

impl Account {
    /// A secret by its name, encrypted; `Secrets::open` reads it.
    pub async fn sealed(&self, name: String) -> Result<Option<Vec<u8>>, StoreError> {
        read!(self, database => by_name(database, &name))
    }
}
