//! Approvals of a version for an environment.

use std::ops::ControlFlow;

use serde_json::Value;

use super::{Row, Statements, definition, evidence, params, people};
use crate::domain::people::Known;
use crate::domain::rules::{Approval, ApprovalKind};
use crate::store::StoreError;
use crate::store::account::{Account, read};
use crate::store::transaction::Approvable;

/// Those of a version for an environment, oldest first, but for those withdrawn.
pub async fn standing(
    database: &impl Statements,
    version_id: &str,
    kind: ApprovalKind,
    environment_id: &str,
) -> Result<Vec<Approval>, StoreError> {
    let sql = "SELECT definition FROM approvals \
        WHERE version_id = ? AND type = ? AND environment_id = ? AND withdrawn = 0 ORDER BY id";
    let parameters = params![version_id, kind.as_str(), environment_id];
    database.rows(sql, &parameters, definition).await
}

/// One by its identifier.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Approval>, StoreError> {
    let sql = "SELECT definition FROM approvals WHERE id = ?";
    database.row(sql, &params![id], definition).await
}

/// What is known of a version that somebody wants to approve.
pub async fn approvable(
    database: &impl Statements,
    version_id: &str,
    environment_id: &str,
) -> Result<Option<Approvable>, StoreError> {
    let sql = "SELECT v.product_id, v.version, v.scm_sha, \
         EXISTS (SELECT 1 FROM builds WHERE version_id = v.id AND status = 'completed') \
         OR EXISTS (SELECT 1 FROM deployments d WHERE d.product_id = v.product_id \
             AND d.version_id = v.id AND d.status = 'completed') \
         FROM versions v WHERE v.id = ?";
    let found = database
        .row(sql, &params![version_id], |row| {
            Ok(Approvable {
                product_id: row.get(0)?,
                version: row.get(1)?,
                scm_sha: row.get(2)?,
                exists: row.get(3)?,
                deployed: false,
            })
        })
        .await;
    let Some(found) = found? else {
        return Ok(None);
    };
    let deployed = evidence::succeeded(database, version_id, environment_id).await?;
    Ok(Some(Approvable { deployed, ..found }))
}

/// Writes an approval.
pub async fn write(database: &impl Statements, approval: &Approval) -> Result<(), StoreError> {
    let sql = "INSERT INTO approvals (id, version_id, environment_id, type, withdrawn, definition) \
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET withdrawn = excluded.withdrawn, \
        definition = excluded.definition";
    let definition = serde_json::to_string(approval)?;
    let parameters = params![
        approval.id,
        approval.version_id,
        approval.environment_id,
        approval.kind.as_str(),
        approval.withdrawn_at.is_some(),
        definition,
    ];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// The approvals of a version as the API shows them, oldest first; with `environment_id` only those
/// for this environment.
pub async fn of_version(
    database: &impl Statements,
    version_id: &str,
    environment_id: Option<&str>,
) -> Result<Vec<Value>, StoreError> {
    let people = people::read(database).await?;
    let sql = "SELECT a.definition, e.name FROM approvals a \
        JOIN environments e ON e.id = a.environment_id \
        WHERE a.version_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR a.environment_id = ?2) ORDER BY a.id";
    database
        .rows(sql, &params![version_id, environment_id], |row| {
            let approval: Approval = definition(row)?;
            let person = people
                .iter()
                .find(|known| Some(&known.person.id) == approval.person_id.as_ref());
            let environment: String = row.get(1)?;
            Ok(approval.to_json(&environment, person.map(Known::name)))
        })
        .await
}

/// An approval, and the names of what it is for.
#[derive(Debug, Clone)]
pub struct Given {
    /// The approval.
    pub approval: Approval,
    /// The product.
    pub product: String,
    /// The version.
    pub version: String,
    /// The environment.
    pub environment: String,
}

/// How many approvals are looked through for those of one person.
const LOOKED_THROUGH: i64 = 2000;

/// The newest approvals of a person, by themselves.
async fn given_by(
    database: &impl Statements,
    person_id: &str,
    limit: usize,
) -> Result<Vec<Given>, StoreError> {
    let sql = "SELECT a.definition, p.name, v.version, e.name FROM approvals a \
        JOIN environments e ON e.id = a.environment_id JOIN versions v ON v.id = a.version_id \
        JOIN products p ON p.id = v.product_id ORDER BY a.id DESC LIMIT ?";
    let actor = format!("person:{person_id}");
    let mut found = Vec::new();
    let mut look = |row: &dyn Row| {
        let approval: Approval = definition(row)?;
        if approval.actor == actor {
            found.push(Given {
                approval,
                product: row.get(1)?,
                version: row.get(2)?,
                environment: row.get(3)?,
            });
        }
        Ok(match found.len() < limit {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    };
    database
        .each(sql, &params![LOOKED_THROUGH], &mut look)
        .await?;
    Ok(found)
}

impl Account {
    /// The newest approvals of a person, by themselves.
    pub async fn approvals_by(
        &self,
        person_id: String,
        limit: usize,
    ) -> Result<Vec<Given>, StoreError> {
        read!(self, database => given_by(database, &person_id, limit))
    }

    /// Every approval of a version, whatever became of it, oldest first.
    pub async fn approvals_as_given(
        &self,
        version_id: String,
    ) -> Result<Vec<Approval>, StoreError> {
        let sql = "SELECT definition FROM approvals WHERE version_id = ? ORDER BY id";
        read!(self, database => database.rows(sql, &params![version_id], definition))
    }

    /// The approvals of a version as the API shows them, oldest first; `None` if there is no such
    /// version.
    pub async fn approvals(&self, version_id: String) -> Result<Option<Vec<Value>>, StoreError> {
        read!(self, database => of_known_version(database, &version_id))
    }
}

async fn of_known_version(
    database: &impl Statements,
    version_id: &str,
) -> Result<Option<Vec<Value>>, StoreError> {
    let sql = "SELECT 1 FROM versions WHERE id = ?";
    if !database.exists(sql, &params![version_id]).await? {
        return Ok(None);
    }
    of_version(database, version_id, None).await.map(Some)
}
