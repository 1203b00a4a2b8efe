//! Approvals of a version for an environment.

use sqlx::Row;

use super::{Account, Session, StoreError, new_id};
use crate::rules::{Approval, ApprovalKind};

fn approval(row: &sqlx::sqlite::SqliteRow) -> Result<Approval, StoreError> {
    let kind: &str = row.try_get(2)?;
    Ok(Approval {
        id: row.try_get(0)?,
        version_id: row.try_get(1)?,
        kind: ApprovalKind::parse(kind)
            .ok_or_else(|| StoreError::Damaged(format!("approval type {kind:?}")))?,
        environment: row.try_get(3)?,
        approved_by: row.try_get(4)?,
        comment: row.try_get(5)?,
        created_at: row.try_get(6)?,
    })
}

impl Session<'_> {
    /// How many people approved a version for an environment.
    pub async fn count_approvals(
        &mut self,
        version_id: &str,
        kind: ApprovalKind,
        environment_id: &str,
    ) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar(
            "SELECT COUNT(*) FROM approvals \
             WHERE version_id = ? AND type = ? AND environment_id = ?",
        )
        .bind(version_id)
        .bind(kind.as_str())
        .bind(environment_id)
        .fetch_one(&mut *self.connection)
        .await?;
        Ok(count)
    }

    /// The approval this person has given before.
    pub async fn find_approval(
        &mut self,
        wanted: &Approval,
        environment_id: &str,
    ) -> Result<Option<Approval>, StoreError> {
        let row = sqlx::query(
            "SELECT a.id, a.version_id, a.type, e.name, a.approved_by, a.comment, a.created_at \
             FROM approvals a JOIN environments e ON e.id = a.environment_id \
             WHERE a.version_id = ? AND a.type = ? AND a.environment_id = ? AND a.person = ?",
        )
        .bind(&wanted.version_id)
        .bind(wanted.kind.as_str())
        .bind(environment_id)
        .bind(wanted.person())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(approval).transpose()
    }

    /// Adds an approval and returns its identifier.
    pub async fn insert_approval(
        &mut self,
        given: &Approval,
        environment_id: &str,
    ) -> Result<String, StoreError> {
        let id = new_id();
        sqlx::query(
            "INSERT INTO approvals (id, version_id, environment_id, type, person, approved_by, \
             comment, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(&given.version_id)
        .bind(environment_id)
        .bind(given.kind.as_str())
        .bind(given.person())
        .bind(&given.approved_by)
        .bind(&given.comment)
        .bind(given.created_at)
        .execute(&mut *self.connection)
        .await?;
        Ok(id)
    }
}

impl Account {
    /// The approvals of a version, oldest first; `None` where there is no such version.
    pub async fn approvals(&self, version_id: &str) -> Result<Option<Vec<Approval>>, StoreError> {
        let version: Option<i64> = sqlx::query_scalar("SELECT 1 FROM versions WHERE id = ?")
            .bind(version_id)
            .fetch_optional(&self.reader)
            .await?;
        if version.is_none() {
            return Ok(None);
        }
        let rows = sqlx::query(
            "SELECT a.id, a.version_id, a.type, e.name, a.approved_by, a.comment, a.created_at \
             FROM approvals a JOIN environments e ON e.id = a.environment_id \
             WHERE a.version_id = ? ORDER BY a.id",
        )
        .bind(version_id)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(approval)
            .collect::<Result<_, _>>()
            .map(Some)
    }
}
