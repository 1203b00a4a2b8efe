//! Deployments, and the questions the rules ask about them.

use serde_json::{Map, Value};
use sqlx::Row;

use super::{Session, StoreError, new_id};

/// A deployment that is not finished.
#[derive(Debug, Clone)]
pub struct DeploymentRow {
    /// Its identifier.
    pub id: String,
    /// The version it deploys.
    pub version_id: String,
    /// That version's name.
    pub version: String,
    /// Whether it has started; otherwise it is pending.
    pub started: bool,
    /// The run it belongs to.
    pub invoke_id: Option<String>,
    /// Who deploys.
    pub deployed_by: Option<String>,
    /// The descriptive fields so far.
    pub attributes: Map<String, Value>,
    /// The metadata so far.
    pub extra_metadata: Map<String, Value>,
    /// When its first event arrived, in microseconds since 1970.
    pub created_at: i64,
}

/// What is written of a deployment, new or moved on.
#[derive(Debug)]
pub struct NewDeployment<'a> {
    /// The product.
    pub product_id: &'a str,
    /// The version.
    pub version_id: &'a str,
    /// The environment.
    pub environment_id: &'a str,
    /// The status as stored: a canonical one, or `preflight_failed`.
    pub status: &'a str,
    /// The run it belongs to.
    pub invoke_id: Option<&'a str>,
    /// Who deploys.
    pub deployed_by: Option<&'a str>,
    /// The descriptive fields.
    pub attributes: &'a Map<String, Value>,
    /// The metadata.
    pub extra_metadata: &'a Map<String, Value>,
    /// When it was completed, where it is.
    pub deployed_at: Option<i64>,
    /// The time of arrival.
    pub now: i64,
}

impl Session<'_> {
    /// The unfinished deployments of a product in an environment, oldest first.
    pub async fn open_deployments(
        &mut self,
        product_id: &str,
        environment_id: &str,
    ) -> Result<Vec<DeploymentRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.id, d.version_id, v.version, d.status = 'started', d.invoke_id, \
             d.deployed_by, d.attributes, d.extra_metadata, d.created_at \
             FROM deployments d JOIN versions v ON v.id = d.version_id \
             WHERE d.product_id = ? AND d.environment_id = ? \
             AND d.status IN ('pending', 'started') ORDER BY d.id",
        )
        .bind(product_id)
        .bind(environment_id)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DeploymentRow {
                    id: row.try_get(0)?,
                    version_id: row.try_get(1)?,
                    version: row.try_get(2)?,
                    started: row.try_get(3)?,
                    invoke_id: row.try_get(4)?,
                    deployed_by: row.try_get(5)?,
                    attributes: serde_json::from_str(row.try_get(6)?)?,
                    extra_metadata: serde_json::from_str(row.try_get(7)?)?,
                    created_at: row.try_get(8)?,
                })
            })
            .collect()
    }

    /// Adds a deployment and returns its identifier.
    pub async fn insert_deployment(
        &mut self,
        deployment: &NewDeployment<'_>,
    ) -> Result<String, StoreError> {
        let id = new_id();
        sqlx::query(
            "INSERT INTO deployments (id, product_id, version_id, environment_id, status, \
             invoke_id, deployed_by, attributes, extra_metadata, created_at, updated_at, \
             deployed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
        )
        .bind(&id)
        .bind(deployment.product_id)
        .bind(deployment.version_id)
        .bind(deployment.environment_id)
        .bind(deployment.status)
        .bind(deployment.invoke_id)
        .bind(deployment.deployed_by)
        .bind(serde_json::to_string(deployment.attributes)?)
        .bind(serde_json::to_string(deployment.extra_metadata)?)
        .bind(deployment.now)
        .bind(deployment.deployed_at)
        .execute(&mut *self.connection)
        .await?;
        Ok(id)
    }

    /// Moves the deployment `id` on.
    pub async fn update_deployment(
        &mut self,
        id: &str,
        deployment: &NewDeployment<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE deployments SET status = ?, invoke_id = COALESCE(?, invoke_id), \
             deployed_by = COALESCE(?, deployed_by), attributes = ?, extra_metadata = ?, \
             updated_at = ?, deployed_at = ? WHERE id = ?",
        )
        .bind(deployment.status)
        .bind(deployment.invoke_id)
        .bind(deployment.deployed_by)
        .bind(serde_json::to_string(deployment.attributes)?)
        .bind(serde_json::to_string(deployment.extra_metadata)?)
        .bind(deployment.now)
        .bind(deployment.deployed_at)
        .bind(id)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Whether a version was ever deployed to an environment.
    pub async fn was_deployed(
        &mut self,
        product_id: &str,
        version_id: &str,
        environment_id: &str,
    ) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM deployments WHERE product_id = ? AND environment_id = ? \
             AND status = 'completed' AND version_id = ? LIMIT 1",
        )
        .bind(product_id)
        .bind(environment_id)
        .bind(version_id)
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(found.is_some())
    }

    /// The times in which a version ran in an environment: from when it was deployed to when
    /// another version was, in microseconds since 1970; the end of a run that lasts is `None`.
    pub async fn runs(
        &mut self,
        product_id: &str,
        version_id: &str,
        environment_id: &str,
    ) -> Result<Vec<(i64, Option<i64>)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT version_id, deployed_at FROM deployments \
             WHERE product_id = ?1 AND environment_id = ?2 AND status = 'completed' \
             AND deployed_at >= (SELECT MIN(deployed_at) FROM deployments WHERE product_id = ?1 \
             AND environment_id = ?2 AND status = 'completed' AND version_id = ?3) \
             ORDER BY deployed_at, id",
        )
        .bind(product_id)
        .bind(environment_id)
        .bind(version_id)
        .fetch_all(&mut *self.connection)
        .await?;
        let mut runs: Vec<(i64, Option<i64>)> = Vec::new();
        for (id, at) in rows {
            let running = runs.last_mut().filter(|(_, end)| end.is_none());
            match (id == version_id, running) {
                (true, None) => runs.push((at, None)),
                (false, Some((_, end))) => *end = Some(at),
                _ => {}
            }
        }
        Ok(runs)
    }
}
