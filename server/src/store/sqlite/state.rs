//! The environment state matrix.

use rusqlite::Row;
use serde_json::{Value, json};

use super::Account;
use crate::domain::names::fold;
use crate::domain::time::rfc3339;
use crate::store::StoreError;

/// What runs in every cell, and what was tried last.
const SELECT: &str = "\
SELECT p.id, p.name, e.id, e.name, \
    c.id, c.version_id, cv.version, c.status, c.deployed_at, c.deployed_by, \
    l.id, l.version_id, lv.version, l.status, l.updated_at, l.deployed_by \
FROM cells s \
JOIN products p ON p.id = s.product_id JOIN environments e ON e.id = s.environment_id \
JOIN deployments l ON l.id = s.latest_id JOIN versions lv ON lv.id = l.version_id \
LEFT JOIN deployments c ON c.id = s.current_id LEFT JOIN versions cv ON cv.id = c.version_id \
WHERE ?1 IS NULL OR p.folded = ?1 \
ORDER BY p.name, p.id, e.id";

const CURRENT: usize = 4;
const LATEST: usize = 10;

/// One environment of a product.
struct Cell {
    product: (String, String),
    environment: (String, String),
    current_version_id: Option<String>,
    current: Value,
    latest: Value,
}

impl Account {
    /// What runs where, for one product or for all.
    pub async fn state(&self, product: Option<String>) -> Result<Vec<Value>, StoreError> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(SELECT)?;
            let cells = select.query_map([product.as_deref().map(fold)], cell)?;
            let cells: Vec<Cell> = cells.collect::<Result<_, _>>()?;
            let products = cells.chunk_by(|a, b| a.product == b.product);
            Ok(products.map(show_product).collect())
        })
        .await
    }
}

fn cell(row: &Row<'_>) -> Result<Cell, rusqlite::Error> {
    Ok(Cell {
        product: (row.get(0)?, row.get(1)?),
        environment: (row.get(2)?, row.get(3)?),
        current_version_id: row.get(CURRENT + 1)?,
        current: deployment(row, CURRENT, "deployed_at")?,
        latest: deployment(row, LATEST, "updated_at")?,
    })
}

/// Six columns from `first` on, or nothing.
fn deployment(row: &Row<'_>, first: usize, time: &str) -> Result<Value, rusqlite::Error> {
    let Some(id) = row.get::<_, Option<String>>(first)? else {
        return Ok(Value::Null);
    };
    let at: Option<i64> = row.get(first + 4)?;
    Ok(json!({
        "deployment_id": id,
        "version_id": row.get::<_, String>(first + 1)?,
        "version": row.get::<_, String>(first + 2)?,
        "status": row.get::<_, String>(first + 3)?,
        time: at.map(rfc3339),
        "deployed_by": row.get::<_, Option<String>>(first + 5)?,
    }))
}

/// Identifiers sort by age, so the greatest version identifier is the newest version.
fn show_product(cells: &[Cell]) -> Value {
    let newest = cells
        .iter()
        .filter_map(|cell| cell.current_version_id.as_ref())
        .max();
    let drifts = |cell: &Cell| {
        let running = cell.current_version_id.as_ref();
        running.is_some() && running != newest
    };
    let environments: Vec<Value> = cells
        .iter()
        .map(|cell| {
            json!({
                "environment_id": cell.environment.0,
                "environment_name": cell.environment.1,
                "drift": drifts(cell),
                "current": cell.current,
                "latest": cell.latest,
            })
        })
        .collect();
    let product = cells.first().map(|cell| &cell.product);
    json!({
        "product_id": product.map(|(id, _)| id),
        "product_name": product.map(|(_, name)| name),
        "drift": cells.iter().any(drifts),
        "environments": environments,
    })
}
