//! API keys as they are stored: what is known of them, never the keys themselves.

use rusqlite::{Connection, Row, params};

use super::StoreError;
use crate::auth::scope::Scopes;

/// How exactly the last use of a key is kept, in microseconds.
const LAST_USED_STEP: i64 = 60 * 1_000_000;

/// What is known of a key; the key itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The account it opens.
    pub account: String,
    /// Its name within the account: `k1`, `k2`, …
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// The person that it belongs to, by identifier.
    pub owner: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// The products that it may tell of; none means all.
    pub products: Vec<String>,
    /// The environments that it may tell of; none means all.
    pub environments: Vec<String>,
    /// When it ends to be valid, in microseconds since 1970.
    pub expires_at: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<i64>,
    /// Whether it was made before keys had scopes.
    pub legacy: bool,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it was revoked, in microseconds since 1970.
    pub revoked_at: Option<i64>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The account that it opens; its name is the caller's to check.
    pub account: String,
    /// What people call it.
    pub name: Option<String>,
    /// The person that it belongs to, by identifier.
    pub owner: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// The products that it may tell of; none means all.
    pub products: Vec<String>,
    /// The environments that it may tell of; none means all.
    pub environments: Vec<String>,
    /// When it ends to be valid, in microseconds since 1970.
    pub expires_at: Option<i64>,
}

impl NewKey {
    /// A key without limits.
    pub fn new(account: &str, scopes: Scopes) -> NewKey {
        NewKey {
            account: account.to_owned(),
            name: None,
            owner: None,
            scopes,
            products: Vec::new(),
            environments: Vec::new(),
            expires_at: None,
        }
    }
}

/// A key that is valid, and its hash; takes note of its use.
pub fn find_key(
    keys: &Connection,
    (account, id): &(String, String),
    now: i64,
) -> Result<Option<(KeyInfo, Vec<u8>)>, StoreError> {
    let mut select = keys.prepare_cached(
        "SELECT account, id, created_at, revoked_at, name, scopes, products, environments, \
         expires_at, last_used_at, legacy, owner, hash FROM keys \
         WHERE account = ? AND id = ? AND revoked_at IS NULL",
    )?;
    let mut rows = select.query([account, id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let found = (key_info(row)?, row.get(12)?);
    if found
        .0
        .last_used_at
        .is_none_or(|at| now - at >= LAST_USED_STEP)
    {
        let mut update =
            keys.prepare_cached("UPDATE keys SET last_used_at = ? WHERE account = ? AND id = ?")?;
        // Not worth a refusal, should the disk be full.
        let _ = update.execute(params![now, account, id]);
    }
    Ok(Some(found))
}

/// Reads a key, from its columns in the order of the statements here.
pub fn key_info(row: &Row<'_>) -> Result<KeyInfo, StoreError> {
    let (scopes, products, environments): (String, String, String) =
        (row.get(5)?, row.get(6)?, row.get(7)?);
    Ok(KeyInfo {
        account: row.get(0)?,
        id: row.get(1)?,
        created_at: row.get(2)?,
        revoked_at: row.get(3)?,
        name: row.get(4)?,
        scopes: Scopes::parse(&scopes).map_err(StoreError::Damaged)?,
        products: serde_json::from_str(&products)?,
        environments: serde_json::from_str(&environments)?,
        expires_at: row.get(8)?,
        last_used_at: row.get(9)?,
        legacy: row.get(10)?,
        owner: row.get(11)?,
    })
}
