//! API keys: what is known of them, and the hashes of their secrets.

use serde_json::Value;

use super::{Statements, definition, params};
use crate::domain::keys::{Hashes, KeyInfo};
use crate::domain::scope::{Scope, Scopes};
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// How many keys were ever made.
pub async fn count(database: &impl Statements) -> Result<i64, StoreError> {
    let count = database
        .row("SELECT COUNT(*) FROM keys", &[], |row| row.get(0))
        .await;
    Ok(count?.unwrap_or_default())
}

/// One by its name, whatever became of it.
pub async fn by_id(
    database: &impl Statements,
    id: &str,
) -> Result<Option<(KeyInfo, Hashes)>, StoreError> {
    let sql = "SELECT definition, hash, old_hash FROM keys WHERE id = ?";
    database
        .row(sql, &params![id], |row| {
            let hashes = Hashes {
                present: row.get(1)?,
                old: row.get(2)?,
            };
            Ok((definition(row)?, hashes))
        })
        .await
}

/// Writes a key, and the hashes of its secrets if they change.
pub async fn write(
    database: &impl Statements,
    key: &KeyInfo,
    hashes: Option<&Hashes>,
) -> Result<(), StoreError> {
    let definition = serde_json::to_string(key)?;
    match hashes {
        Some(hashes) => {
            let sql = "INSERT INTO keys (id, definition, hash, old_hash) VALUES (?, ?, ?, ?) \
                ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, \
                hash = excluded.hash, old_hash = excluded.old_hash";
            let parameters = params![key.id, definition, hashes.present, hashes.old];
            database.execute(sql, &parameters).await?
        }
        None => {
            let sql = "UPDATE keys SET definition = ? WHERE id = ?";
            database.execute(sql, &params![definition, key.id]).await?
        }
    };
    Ok(())
}

/// Takes over a key of before keys were in the database of their account.
pub async fn import_key(
    database: &impl Statements,
    key: &KeyInfo,
    hashes: &Hashes,
    last_used_at: Option<i64>,
) -> Result<(), StoreError> {
    if by_id(database, &key.id).await?.is_some() {
        return Ok(());
    }
    write(database, key, Some(hashes)).await?;
    // What exactly it was used for was not known then.
    if let Some(at) = last_used_at {
        for scope in Scope::ALL
            .into_iter()
            .filter(|scope| key.scopes.contains(*scope))
        {
            note_use(database, &key.id, scope, at).await?;
        }
    }
    Ok(())
}

/// Takes note that a key was used.
pub async fn note_use(
    database: &impl Statements,
    id: &str,
    scope: Scope,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_uses (key_id, scope, last_used_at) VALUES (?, ?, ?) \
        ON CONFLICT (key_id, scope) DO UPDATE SET last_used_at = excluded.last_used_at";
    let parameters = params![id, scope.as_str(), now];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// What a key was used for at `since` or later.
pub async fn used_scopes(
    database: &impl Statements,
    id: &str,
    since: i64,
) -> Result<Scopes, StoreError> {
    let sql = "SELECT scope FROM key_uses WHERE key_id = ? AND last_used_at >= ?";
    let words = database
        .rows(sql, &params![id, since], |row| row.get::<String>(0))
        .await;
    let words = words?;
    let scopes: Vec<Scope> = words.iter().filter_map(|word| Scopes::one(word)).collect();
    Ok(Scopes::of(&scopes))
}

/// Every key with when it was last used, in the order in which they were made.
pub async fn list(database: &impl Statements) -> Result<Vec<(KeyInfo, Option<i64>)>, StoreError> {
    let sql = "SELECT k.definition, \
        (SELECT MAX(u.last_used_at) FROM key_uses u WHERE u.key_id = k.id) \
        FROM keys k ORDER BY length(k.id), k.id";
    database
        .rows(sql, &[], |row| Ok((definition(row)?, row.get(1)?)))
        .await
}

impl Account {
    /// A key by its name, and the hashes of its secrets.
    pub async fn key(&self, id: String) -> Result<Option<(KeyInfo, Hashes)>, StoreError> {
        read!(self, database => by_id(database, &id))
    }

    /// Every key with when it was last used, in the order in which they were made.
    pub async fn key_infos(&self) -> Result<Vec<(KeyInfo, Option<i64>)>, StoreError> {
        read!(self, database => list(database))
    }

    /// Every key as the API shows it.
    pub async fn keys(&self) -> Result<Vec<Value>, StoreError> {
        let keys = self.key_infos().await?;
        Ok(keys.iter().map(|(key, used)| key.to_json(*used)).collect())
    }
}
