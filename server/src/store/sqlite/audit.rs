//! The log of an account on the machine: its end, what it tells of lately, and whether it is whole.

use std::path::Path;

use rusqlite::params;

use super::open;
use crate::store::StoreError;
use crate::store::sql::log::chain;

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
    let connection = open::open_to_read(&path)?;
    let mut select = connection.prepare(
        "SELECT position, at, occurred_at, actor, request_id, kind, subject, changes, answer, hash \
         FROM log ORDER BY position",
    )?;
    let mut rows = select.query([])?;
    let mut before: Option<(i64, Vec<u8>)> = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (position, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let occurred_at: Option<i64> = row.get(2)?;
        let text = |index| {
            row.get::<_, Option<String>>(index)
                .map(Option::unwrap_or_default)
        };
        let texts = [text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, text(8)?];
        let hash: Vec<u8> = row.get(9)?;
        if let Some((last, last_hash)) = &before {
            let numbers = [position, at, occurred_at.unwrap_or(at)];
            let fits = chain(last_hash, numbers, texts.each_ref().map(String::as_str));
            if position != last + 1 || hash != fits {
                let msg = format!("the log does not go on from row {last} to row {position}");
                return Err(StoreError::Damaged(msg));
            }
        }
        before = Some((position, hash));
        count += 1;
    }
    Ok(count)
}
