//! Approvals of a version for an environment.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{Account, evidence, people};
use crate::domain::people::Known;
use crate::domain::rules::{Approval, ApprovalKind};
use crate::store::StoreError;
use crate::store::transaction::Approvable;

/// Those of a version for an environment, oldest first, but for those withdrawn.
pub fn standing(
    connection: &Connection,
    version_id: &str,
    kind: ApprovalKind,
    environment_id: &str,
) -> Result<Vec<Approval>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT definition FROM approvals \
         WHERE version_id = ? AND type = ? AND environment_id = ? AND withdrawn = 0 ORDER BY id",
    )?;
    let parameters = [version_id, kind.as_str(), environment_id];
    let texts = select.query_map(parameters, |row| row.get::<_, String>(0))?;
    texts
        .map(|text| Ok(serde_json::from_str(&text?)?))
        .collect()
}

/// One by its identifier.
pub fn by_id(connection: &Connection, id: &str) -> Result<Option<Approval>, StoreError> {
    let mut select = connection.prepare_cached("SELECT definition FROM approvals WHERE id = ?")?;
    let text: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// What is known of a version that somebody wants to approve.
pub fn approvable(
    connection: &Connection,
    version_id: &str,
    environment_id: &str,
) -> Result<Option<Approvable>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT v.product_id, v.version, v.scm_sha, \
         EXISTS (SELECT 1 FROM builds WHERE version_id = v.id AND status = 'completed') \
         OR EXISTS (SELECT 1 FROM deployments d WHERE d.product_id = v.product_id \
             AND d.version_id = v.id AND d.status = 'completed') \
         FROM versions v WHERE v.id = ?",
    )?;
    let found = select.query_row([version_id], |row| {
        Ok(Approvable {
            product_id: row.get(0)?,
            version: row.get(1)?,
            scm_sha: row.get(2)?,
            exists: row.get(3)?,
            deployed: false,
        })
    });
    let Some(found) = found.optional()? else {
        return Ok(None);
    };
    let deployed = evidence::succeeded(connection, [version_id, environment_id])?;
    Ok(Some(Approvable { deployed, ..found }))
}

/// Writes an approval.
pub fn write(connection: &Connection, approval: &Approval) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO approvals (id, version_id, environment_id, type, withdrawn, \
         definition) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        approval.id,
        approval.version_id,
        approval.environment_id,
        approval.kind.as_str(),
        approval.withdrawn_at.is_some(),
        serde_json::to_string(approval)?,
    ])?;
    Ok(())
}

/// The approvals of a version as the API shows them, oldest first; with `environment_id` only those
/// for this environment.
pub fn of_version(
    connection: &Connection,
    version_id: &str,
    environment_id: Option<&str>,
) -> Result<Vec<Value>, StoreError> {
    let people = people::read(connection)?;
    let mut select = connection.prepare_cached(
        "SELECT a.definition, e.name FROM approvals a \
         JOIN environments e ON e.id = a.environment_id \
         WHERE a.version_id = ?1 AND (?2 IS NULL OR a.environment_id = ?2) ORDER BY a.id",
    )?;
    let mut rows = select.query(params![version_id, environment_id])?;
    let mut shown = Vec::new();
    while let Some(row) = rows.next()? {
        let approval: Approval = serde_json::from_str(&row.get::<_, String>(0)?)?;
        let person = people
            .iter()
            .find(|known| Some(&known.person.id) == approval.person_id.as_ref());
        let environment: String = row.get(1)?;
        shown.push(approval.to_json(&environment, person.map(Known::name)));
    }
    Ok(shown)
}

impl Account {
    /// The approvals of a version as the API shows them, oldest first; `None` if there is no such
    /// version.
    pub async fn approvals(&self, version_id: String) -> Result<Option<Vec<Value>>, StoreError> {
        self.read(move |connection| {
            let mut version = connection.prepare_cached("SELECT 1 FROM versions WHERE id = ?")?;
            if !version.exists([&version_id])? {
                return Ok(None);
            }
            Ok(Some(of_version(connection, &version_id, None)?))
        })
        .await
    }
}
