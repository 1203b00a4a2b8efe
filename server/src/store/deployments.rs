//! Deployments, and the questions the rules ask about them.

use rusqlite::params;
use serde_json::{Map, Value};

use super::{Session, StoreError, new_id, object};

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
    pub fn open_deployments(
        &self,
        product_id: &str,
        environment_id: &str,
    ) -> Result<Vec<DeploymentRow>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT d.id, d.version_id, v.version, d.status = 'started', d.invoke_id, \
             d.deployed_by, d.attributes, d.extra_metadata, d.created_at \
             FROM deployments d JOIN versions v ON v.id = d.version_id \
             WHERE d.product_id = ? AND d.environment_id = ? \
             AND d.status IN ('pending', 'started')",
        )?;
        let mut rows = select.query([product_id, environment_id])?;
        let mut open = Vec::new();
        while let Some(row) = rows.next()? {
            open.push(DeploymentRow {
                id: row.get(0)?,
                version_id: row.get(1)?,
                version: row.get(2)?,
                started: row.get(3)?,
                invoke_id: row.get(4)?,
                deployed_by: row.get(5)?,
                attributes: object(row, 6)?,
                extra_metadata: object(row, 7)?,
                created_at: row.get(8)?,
            });
        }
        open.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(open)
    }

    /// Adds a deployment and returns its identifier.
    pub fn insert_deployment(&self, deployment: &NewDeployment<'_>) -> Result<String, StoreError> {
        let id = new_id();
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO deployments (id, product_id, version_id, environment_id, status, \
             invoke_id, deployed_by, attributes, extra_metadata, created_at, updated_at, \
             deployed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
        )?;
        insert.execute(params![
            id,
            deployment.product_id,
            deployment.version_id,
            deployment.environment_id,
            deployment.status,
            deployment.invoke_id,
            deployment.deployed_by,
            serde_json::to_string(deployment.attributes)?,
            serde_json::to_string(deployment.extra_metadata)?,
            deployment.now,
            deployment.deployed_at,
        ])?;
        Ok(id)
    }

    /// Moves the deployment `id` on.
    pub fn update_deployment(
        &self,
        id: &str,
        deployment: &NewDeployment<'_>,
    ) -> Result<(), StoreError> {
        let mut update = self.connection.prepare_cached(
            "UPDATE deployments SET status = ?, invoke_id = COALESCE(?, invoke_id), \
             deployed_by = COALESCE(?, deployed_by), attributes = ?, extra_metadata = ?, \
             updated_at = ?, deployed_at = ? WHERE id = ?",
        )?;
        update.execute(params![
            deployment.status,
            deployment.invoke_id,
            deployment.deployed_by,
            serde_json::to_string(deployment.attributes)?,
            serde_json::to_string(deployment.extra_metadata)?,
            deployment.now,
            deployment.deployed_at,
            id,
        ])?;
        Ok(())
    }

    /// Whether a version was ever deployed to an environment.
    pub fn was_deployed(
        &self,
        product_id: &str,
        version_id: &str,
        environment_id: &str,
    ) -> Result<bool, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT 1 FROM deployments WHERE product_id = ? AND environment_id = ? \
             AND status = 'completed' AND version_id = ? ORDER BY deployed_at LIMIT 1",
        )?;
        Ok(select.exists([product_id, environment_id, version_id])?)
    }

    /// The times in which a version ran in an environment: from when it was deployed to when
    /// another version was, in microseconds since 1970; the end of a run that lasts is `None`.
    pub fn runs(
        &self,
        product_id: &str,
        version_id: &str,
        environment_id: &str,
    ) -> Result<Vec<(i64, Option<i64>)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT version_id, deployed_at FROM deployments \
             WHERE product_id = ?1 AND environment_id = ?2 AND status = 'completed' \
             AND deployed_at >= (SELECT MIN(deployed_at) FROM deployments WHERE product_id = ?1 \
             AND environment_id = ?2 AND status = 'completed' AND version_id = ?3) \
             ORDER BY deployed_at, id",
        )?;
        let mut rows = select.query([product_id, environment_id, version_id])?;
        let mut runs: Vec<(i64, Option<i64>)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, at): (String, i64) = (row.get(0)?, row.get(1)?);
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
