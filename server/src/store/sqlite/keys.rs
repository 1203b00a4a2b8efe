//! API keys: what is known of them, and the hashes of their secrets.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::Account;
use crate::domain::keys::{Hashes, KeyInfo};
use crate::domain::scope::{Scope, Scopes};
use crate::store::StoreError;

/// How many keys were ever made.
pub fn count(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("SELECT COUNT(*) FROM keys", [], |row| row.get(0))?)
}

/// One by its name, whatever became of it.
pub fn by_id(connection: &Connection, id: &str) -> Result<Option<(KeyInfo, Hashes)>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT definition, hash, old_hash FROM keys WHERE id = ?")?;
    let found = select.query_row([id], |row| {
        let hashes = Hashes {
            present: row.get(1)?,
            old: row.get(2)?,
        };
        Ok((row.get::<_, String>(0)?, hashes))
    });
    match found.optional()? {
        Some((definition, hashes)) => Ok(Some((serde_json::from_str(&definition)?, hashes))),
        None => Ok(None),
    }
}

/// Writes a key, and the hashes of its secrets if they change.
pub fn write(
    connection: &Connection,
    key: &KeyInfo,
    hashes: Option<&Hashes>,
) -> Result<(), StoreError> {
    let definition = serde_json::to_string(key)?;
    match hashes {
        Some(hashes) => connection.execute(
            "INSERT OR REPLACE INTO keys (id, definition, hash, old_hash) VALUES (?, ?, ?, ?)",
            params![key.id, definition, hashes.present, hashes.old],
        )?,
        None => connection.execute(
            "UPDATE keys SET definition = ? WHERE id = ?",
            [&definition, &key.id],
        )?,
    };
    Ok(())
}

/// Takes over a key of before keys were in the database of their account.
pub fn import_key(
    connection: &Connection,
    key: &KeyInfo,
    hashes: &Hashes,
    last_used_at: Option<i64>,
) -> Result<(), StoreError> {
    if by_id(connection, &key.id)?.is_some() {
        return Ok(());
    }
    write(connection, key, Some(hashes))?;
    // What exactly it was used for was not known then.
    if let Some(at) = last_used_at {
        for scope in Scope::ALL
            .into_iter()
            .filter(|scope| key.scopes.contains(*scope))
        {
            note_use(connection, &key.id, scope, at)?;
        }
    }
    Ok(())
}

/// Takes note that a key was used.
pub fn note_use(
    connection: &Connection,
    id: &str,
    scope: Scope,
    now: i64,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO key_uses (key_id, scope, last_used_at) VALUES (?, ?, ?)",
    )?;
    insert.execute(params![id, scope.as_str(), now])?;
    Ok(())
}

/// What a key was used for at `since` or later.
pub fn used_scopes(connection: &Connection, id: &str, since: i64) -> Result<Scopes, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT scope FROM key_uses WHERE key_id = ? AND last_used_at >= ?")?;
    let words = select.query_map(params![id, since], |row| row.get::<_, String>(0))?;
    let words: Vec<String> = words.collect::<Result<_, _>>()?;
    let scopes: Vec<Scope> = words.iter().filter_map(|word| Scopes::one(word)).collect();
    Ok(Scopes::of(&scopes))
}

/// Every key with when it was last used, in the order in which they were made.
pub fn list(connection: &Connection) -> Result<Vec<(KeyInfo, Option<i64>)>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT k.definition, (SELECT MAX(u.last_used_at) FROM key_uses u WHERE u.key_id = k.id) \
         FROM keys k ORDER BY length(k.id), k.id",
    )?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (definition, used) = row?;
        Ok((serde_json::from_str(&definition)?, used))
    })
    .collect()
}

impl Account {
    /// A key by its name, and the hashes of its secrets.
    pub async fn key(&self, id: String) -> Result<Option<(KeyInfo, Hashes)>, StoreError> {
        self.read(move |connection| by_id(connection, &id)).await
    }

    /// Every key as the API shows it.
    pub async fn keys(&self) -> Result<Vec<Value>, StoreError> {
        self.read(|connection| {
            let keys = list(connection)?;
            Ok(keys.iter().map(|(key, used)| key.to_json(*used)).collect())
        })
        .await
    }
}
