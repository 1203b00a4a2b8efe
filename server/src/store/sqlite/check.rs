//! What bringing a data directory up to date would change beside its schema. Nothing is written.

use std::path::Path;

use rusqlite::Connection;

use super::account::MIGRATIONS;
use super::{names, open};
use crate::domain::deployment::EXPIRY;
use crate::store::StoreError;
use crate::store::accounts::{database_url, directory_error};

/// What would change, a sentence each, for every account in the directory; nothing if all are up to
/// date.
pub fn check_migration(root: &Path, now: i64) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    if database_url(root).is_some() {
        return Ok(found);
    }
    let folder = root.join("accounts");
    let entries = std::fs::read_dir(&folder).map_err(|source| directory_error(&folder, source))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(
            entry
                .map_err(|source| directory_error(&folder, source))?
                .path(),
        );
    }
    paths.sort();
    for path in paths {
        if path.extension().is_none_or(|extension| extension != "db") {
            continue;
        }
        let account = path.file_stem().unwrap_or_default().to_string_lossy();
        let database = open::open_to_read(&path)?;
        for line in check_account(&database, now)? {
            found.push(format!("{account}: {line}"));
        }
    }
    let catalog = open::open_to_read(&root.join("accounts.db"))?;
    let version: u32 = catalog.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < 2 {
        let keys: i64 = catalog.query_row(
            "SELECT COUNT(*) FROM keys WHERE read_only = 0 AND revoked_at IS NULL",
            [],
            |row| row.get(0),
        )?;
        found.push(format!(
            "{keys} keys of before there were scopes keep what they could do, marked legacy"
        ));
    }
    Ok(found)
}

fn check_account(database: &Connection, now: i64) -> Result<Vec<String>, StoreError> {
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version >= MIGRATIONS.len() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    if version < MERGED {
        for double in names::doubles(database)? {
            found.push(format!(
                "{} {} is merged into {}",
                double.kind.as_str().to_lowercase(),
                double.name,
                double.into_name
            ));
        }
    }
    let count = |sql: &str, parameters: &[i64]| -> Result<i64, StoreError> {
        let parameters = rusqlite::params_from_iter(parameters);
        Ok(database.query_row(sql, parameters, |row| row.get(0))?)
    };
    if version < LOGGED {
        let closed = count(
            "SELECT COUNT(*) FROM deployments d WHERE status = 'started' AND EXISTS ( \
                 SELECT 1 FROM deployments o WHERE o.product_id = d.product_id \
                 AND o.environment_id = d.environment_id AND o.status = 'started' AND o.id > d.id)",
            &[],
        )?;
        if closed > 0 {
            found.push(format!(
                "{closed} deployments in progress are aborted, because a newer one is in progress \
                 in their place"
            ));
        }
        let expired = count(
            "SELECT COUNT(*) FROM deployments WHERE status = 'started' AND updated_at < ?",
            &[now - EXPIRY],
        )?;
        if expired > 0 {
            found.push(format!(
                "{expired} deployments in progress, of which nobody said a word for a day, expire"
            ));
        }
    }
    if version < PEOPLED {
        let rules = count(
            "SELECT COUNT(*) FROM rules \
             WHERE json_extract(definition, '$.type') IN ('quality_approval', 'release_approval')",
            &[],
        )?;
        if rules > 0 {
            found.push(format!(
                "{rules} rules that require approvals count those of API keys, and no approval for \
                 longer than 30 days"
            ));
        }
    }
    Ok(found)
}

/// The step after which there is a log.
const LOGGED: usize = 2;
/// The step after which approvals are counted by people.
const PEOPLED: usize = 6;
/// The step after which names that fall together are merged.
const MERGED: usize = 8;
