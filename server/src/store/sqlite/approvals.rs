//! Approvals of a version for an environment.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Account;
use crate::domain::change::Change;
use crate::domain::rules::{Approval, ApprovalKind};
use crate::store::StoreError;

fn approval(row: &Row<'_>) -> Result<Approval, rusqlite::Error> {
    let kind: String = row.get(2)?;
    Ok(Approval {
        id: row.get(0)?,
        version_id: row.get(1)?,
        kind: ApprovalKind::parse(&kind).ok_or(rusqlite::Error::InvalidQuery)?,
        environment: row.get(3)?,
        approved_by: row.get(4)?,
        comment: row.get(5)?,
        created_at: row.get(6)?,
    })
}

/// How many people approved a version for an environment.
pub fn count(
    connection: &Connection,
    version_id: &str,
    kind: ApprovalKind,
    environment_id: &str,
) -> Result<i64, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT COUNT(*) FROM approvals \
         WHERE version_id = ? AND type = ? AND environment_id = ?",
    )?;
    let parameters = [version_id, kind.as_str(), environment_id];
    Ok(select.query_row(parameters, |row| row.get(0))?)
}

/// The approval this person has given before.
pub fn find(
    connection: &Connection,
    wanted: &Approval,
    environment_id: &str,
) -> Result<Option<Approval>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT a.id, a.version_id, a.type, e.name, a.approved_by, a.comment, a.created_at \
         FROM approvals a JOIN environments e ON e.id = a.environment_id \
         WHERE a.version_id = ? AND a.type = ? AND a.environment_id = ? AND a.person = ?",
    )?;
    let parameters = params![
        wanted.version_id,
        wanted.kind.as_str(),
        environment_id,
        wanted.person()
    ];
    Ok(select.query_row(parameters, approval).optional()?)
}

/// Writes an approval.
pub fn write(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let Change::Approval {
        id,
        version_id,
        environment_id,
        kind,
        person,
        approved_by,
        comment,
        at,
    } = change
    else {
        return Ok(());
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO approvals (id, version_id, environment_id, type, person, approved_by, \
         comment, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        id,
        version_id,
        environment_id,
        kind,
        person,
        approved_by,
        comment,
        at
    ])?;
    Ok(())
}

/// The approvals of a version, oldest first.
pub fn of_version(connection: &Connection, version_id: &str) -> Result<Vec<Approval>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT a.id, a.version_id, a.type, e.name, a.approved_by, a.comment, a.created_at \
         FROM approvals a JOIN environments e ON e.id = a.environment_id \
         WHERE a.version_id = ? ORDER BY a.id",
    )?;
    let approvals = select.query_map([version_id], approval)?;
    Ok(approvals.collect::<Result<_, _>>()?)
}

impl Account {
    /// The approvals of a version, oldest first; `None` where there is no such version.
    pub async fn approvals(&self, version_id: String) -> Result<Option<Vec<Approval>>, StoreError> {
        self.read(move |connection| {
            let mut version = connection.prepare_cached("SELECT 1 FROM versions WHERE id = ?")?;
            if !version.exists([&version_id])? {
                return Ok(None);
            }
            Ok(Some(of_version(connection, &version_id)?))
        })
        .await
    }
}
