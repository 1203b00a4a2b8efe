//! What was completed and what failed, for the figures over a time.

use super::{Row, Statements, params};
use crate::domain::figures::Finished;
use crate::domain::names::fold;
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// A refused deployment that fails is no failed change.
const SELECT: &str = "\
SELECT d.product_id, d.environment_id, d.version_id, d.status = 'completed', d.at, \
    (SELECT MIN(b.created_at) FROM builds b WHERE b.version_id = d.version_id), \
    EXISTS (SELECT 1 FROM deployments o WHERE o.version_id = d.version_id \
        AND o.environment_id = d.environment_id AND o.status = 'completed' \
        AND (o.at, o.position) < (d.at, d.position)) \
FROM deployments d \
WHERE d.status IN ('completed', 'failed') AND d.at >= ?1 AND d.at < ?2 \
    AND NOT (d.status = 'failed' AND d.gate = 'refused') \
    AND (CAST(?3 AS TEXT) IS NULL OR +d.product_id = (SELECT id FROM products WHERE folded = ?3)) \
    AND (CAST(?4 AS TEXT) IS NULL OR +d.environment_id = (SELECT id FROM environments WHERE folded = ?4)) \
ORDER BY d.at, d.position";

/// Signs of life of an account, in microseconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pulse {
    /// Since when the oldest deployment in progress goes on.
    pub oldest_in_progress: Option<i64>,
    /// When the last row of the log arrived.
    pub last_event: Option<i64>,
}

impl Account {
    /// Signs of life.
    pub async fn pulse(&self) -> Result<Pulse, StoreError> {
        read!(self, database => pulse(database))
    }

    /// What ended from `since` until before `until`, in microseconds since 1970, in this order.
    pub async fn finished(
        &self,
        product: Option<String>,
        environment: Option<String>,
        since: i64,
        until: i64,
    ) -> Result<Vec<Finished>, StoreError> {
        let (product, environment) = (
            product.as_deref().map(fold),
            environment.as_deref().map(fold),
        );
        read!(self, database => database.rows(
            SELECT,
            &params![since, until, product, environment],
            finished
        ))
    }
}

async fn pulse(database: &impl Statements) -> Result<Pulse, StoreError> {
    let sql = "SELECT (SELECT MIN(started_at) FROM deployments \
            WHERE status = 'started' AND gate <> 'told'), \
        (SELECT at FROM log ORDER BY position DESC LIMIT 1)";
    let found = database
        .row(sql, &[], |row| {
            Ok(Pulse {
                oldest_in_progress: row.get(0)?,
                last_event: row.get(1)?,
            })
        })
        .await;
    Ok(found?.unwrap_or_default())
}

fn finished(row: &dyn Row) -> Result<Finished, StoreError> {
    Ok(Finished {
        cell: (row.get(0)?, row.get(1)?),
        version_id: row.get(2)?,
        completed: row.get(3)?,
        at: row.get(4)?,
        built_at: row.get(5)?,
        again: row.get(6)?,
    })
}
