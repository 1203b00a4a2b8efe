//! Makes the tables of an account anew from its log, and compares: nothing is judged a second time.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::account::MIGRATIONS;
use super::{open, ready};
use crate::domain::change::Change;
use crate::store::StoreError;
use crate::store::sql::memory::Memory;
use crate::store::sql::transaction::Session;
use crate::store::sql::{catalog, log};

/// The tables that follow from the log. The names of people and the hashes of keys stay out of it.
const TABLES: [&str; 16] = [
    "products",
    "environments",
    "versions",
    "builds",
    "deployments",
    "spans",
    "cells",
    "rules",
    "exemptions",
    "approvals",
    "mentions",
    "people",
    "aliases",
    "settings",
    "sources",
    "buttons",
];

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The tables are what the log makes of them; so many rows of it were read.
    Same(i64),
    /// These tables are something else.
    Different(Vec<&'static str>),
    /// The account is older than its log, which therefore does not tell of everything.
    OlderThanLog,
}

/// Compares the database at `path` with what its log says, beside a running server or without one.
///
/// # Errors
/// When it cannot be read.
pub fn compare(path: &Path) -> Result<Compared, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut made = Connection::open_in_memory_with_flags(flags | OpenFlags::SQLITE_OPEN_CREATE)?;
    made.pragma_update(None, "foreign_keys", "OFF")?;
    open::migrate(&mut made, path, &MIGRATIONS)?;
    made.execute("ATTACH DATABASE ? AS there", [uri(path)?])?;
    // One moment of the account, whatever is written to it meanwhile.
    let transaction = made.transaction()?;
    let first: i64 = transaction.query_row("SELECT MIN(position) FROM there.log", [], |row| {
        row.get::<_, Option<i64>>(0).map(Option::unwrap_or_default)
    })?;
    if first > 1 {
        return Ok(Compared::OlderThanLog);
    }
    let rows = fold_log(&transaction)?;
    let mut different = Vec::new();
    for table in TABLES {
        if differs(&transaction, table)? {
            different.push(table);
        }
    }
    Ok(if different.is_empty() {
        Compared::Same(rows)
    } else {
        Compared::Different(different)
    })
}

/// The address of a database that is only read.
fn uri(path: &Path) -> Result<String, StoreError> {
    let path = std::path::absolute(path).map_err(|source| StoreError::Directory {
        path: path.display().to_string(),
        source,
    })?;
    let mut uri = "file:".to_owned();
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri += &format!("%{byte:02x}");
        }
    }
    Ok(uri + "?mode=ro")
}

/// Does every change of the log of `there` again.
fn fold_log(connection: &Connection) -> Result<i64, StoreError> {
    let mut memory = Memory::default();
    let mut select =
        connection.prepare("SELECT position, subject, changes FROM there.log ORDER BY position")?;
    let mut rows = select.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        let (subject, changes): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        let mut changes: Vec<Change> = serde_json::from_str(&changes)?;
        for change in &mut changes {
            renumber(connection, change, position)?;
        }
        let mut session = Session::new(connection, &mut memory);
        for change in &changes {
            if !ready(catalog::add(connection, change))? {
                ready(session.apply(change))?;
            }
        }
        ready(log::mention_all(
            connection,
            &changes,
            subject.as_deref(),
            position,
        ))?;
        count += 1;
    }
    Ok(count)
}

/// A deployment and a build have the number of the row of the log that began them. In what comes from
/// PostgreSQL that row had another number when it was written.
fn renumber(connection: &Connection, change: &mut Change, of_log: i64) -> Result<(), StoreError> {
    let (table, id, position, new) = match change {
        Change::Deployment { row, new, .. } => ("deployments", &row.id, &mut row.position, *new),
        Change::Build { row, new, .. } => ("builds", &row.id, &mut row.position, *new),
        _ => return Ok(()),
    };
    if new {
        *position = of_log;
        return Ok(());
    }
    let sql = format!("SELECT position FROM main.{table} WHERE id = ?");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([id])?;
    if let Some(row) = rows.next()? {
        *position = row.get(0)?;
    }
    Ok(())
}

/// Whether a table has rows that the other has not.
fn differs(connection: &Connection, table: &str) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT * FROM main.{table} EXCEPT SELECT * FROM there.{table}) \
         OR EXISTS (SELECT * FROM there.{table} EXCEPT SELECT * FROM main.{table})"
    );
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}
