//! The log of an account on the machine: its end, what it tells of lately, and whether it is whole.

use std::path::Path;

use rusqlite::params;

use super::{open, ready};
use crate::store::StoreError;
use crate::store::sql::log;

/// When the last row of the log arrived, in microseconds since 1970.
///
/// # Errors
/// When the database at `path` cannot be read.
pub fn last_at(path: &Path) -> Result<i64, StoreError> {
    let connection = open::open_to_read(path)?;
    let select = "SELECT at FROM log ORDER BY position DESC LIMIT 1";
    Ok(connection.query_row(select, [], |row| row.get(0))?)
}

/// A row of the log in short.
#[derive(Debug)]
pub struct Told {
    /// When it arrived, in microseconds since 1970.
    pub at: i64,
    /// What it was.
    pub kind: String,
    /// What it was about.
    pub subject: Option<String>,
    /// Who did it.
    pub actor: String,
}

/// What the log of the database at `path` tells of a family of kinds, such as `rule`, since a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn since(path: &Path, family: &str, moment: i64) -> Result<Vec<Told>, StoreError> {
    let connection = open::open_to_read(path)?;
    let mut select = connection.prepare(
        "SELECT at, kind, subject, actor FROM log \
         WHERE kind >= ?1 || '.' AND kind < ?1 || '/' AND at >= ?2 ORDER BY position",
    )?;
    let told = select.query_map(params![family, moment], |row| {
        Ok(Told {
            at: row.get(0)?,
            kind: row.get(1)?,
            subject: row.get(2)?,
            actor: row.get(3)?,
        })
    })?;
    Ok(told.collect::<Result<_, _>>()?)
}

/// Checks the log of an account from its first row to its last, and counts them.
///
/// # Errors
/// [`StoreError::Damaged`] with the first row that does not fit the one before.
pub fn verify_log(directory: &Path, account: &str) -> Result<u64, StoreError> {
    let path = directory.join("accounts").join(format!("{account}.db"));
    ready(log::verify(&open::open_to_read(&path)?))
}
