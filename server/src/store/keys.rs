//! The keys of before they were in the database of their account: moved there when the directory is
//! opened.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;
use super::sql::keys::import_key;
use super::sqlite::{open_account, ready};
use crate::domain::keys::{Hashes, KeyInfo};
use crate::domain::scope::Scopes;

/// Moves every key that is still in `catalog` to its account. What was moved stays moved if it is cut
/// off in between.
pub fn move_keys(catalog: &Connection, root: &Path) -> Result<(), StoreError> {
    let mut select = catalog.prepare("SELECT DISTINCT account FROM keys")?;
    let accounts = select.query_map([], |row| row.get::<_, String>(0))?;
    let accounts: Vec<String> = accounts.collect::<Result<_, _>>()?;
    for account in accounts {
        let path = root.join("accounts").join(format!("{account}.db"));
        let database = match open_account(&path) {
            Ok(database) => database,
            // One that cannot be opened keeps its keys here until it can.
            Err(error) => {
                tracing::error!(%account, %error, "the keys of an account cannot be moved");
                continue;
            }
        };
        let transaction = database.unchecked_transaction()?;
        for (key, hashes, last_used_at) in keys_of(catalog, &account)? {
            ready(import_key(&*transaction, &key, &hashes, last_used_at))?;
        }
        transaction.commit()?;
        catalog.execute("DELETE FROM keys WHERE account = ?", [&account])?;
    }
    Ok(())
}

type Old = (KeyInfo, Hashes, Option<i64>);

fn keys_of(catalog: &Connection, account: &str) -> Result<Vec<Old>, StoreError> {
    let mut select = catalog.prepare(
        "SELECT id, created_at, revoked_at, name, scopes, products, environments, expires_at, \
         last_used_at, legacy, owner, hash FROM keys WHERE account = ?",
    )?;
    let mut rows = select.query([account])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let (scopes, products, environments): (String, String, String) =
            (row.get(4)?, row.get(5)?, row.get(6)?);
        let key = KeyInfo {
            id: row.get(0)?,
            created_at: row.get(1)?,
            revoked_at: row.get(2)?,
            name: row.get(3)?,
            owner: row.get(10)?,
            scopes: Scopes::parse(&scopes).map_err(StoreError::Damaged)?,
            products: serde_json::from_str(&products)?,
            environments: serde_json::from_str(&environments)?,
            expires_at: row.get(7)?,
            expiry_told: false,
            legacy: row.get(9)?,
            old_secret_until: None,
        };
        let hashes = Hashes {
            present: row.get(11)?,
            old: None,
        };
        keys.push((key, hashes, row.get(8)?));
    }
    Ok(keys)
}
