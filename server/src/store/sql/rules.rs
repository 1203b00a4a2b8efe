//! Deployment rules.

use serde_json::{Map, Value};

use super::{Row, Statements, params};
use crate::domain::rules::Rule;
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// Every rule, in the order of creation.
pub async fn all(database: &impl Statements) -> Result<Vec<Rule>, StoreError> {
    let sql = "SELECT id, definition, created_at, updated_at FROM rules ORDER BY id";
    database
        .rows(sql, &[], |row| {
            let times = (row.get(2)?, row.get(3)?);
            Ok(Rule::read_stored(row.get(0)?, definition(row)?, times))
        })
        .await
}

/// What was stored. What is no JSON any more says nothing: the rule that is read from it blocks.
fn definition(row: &dyn Row) -> Result<Map<String, Value>, StoreError> {
    let text: String = row.get(1)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// Writes a rule, or removes it.
pub async fn write(
    database: &impl Statements,
    id: &str,
    definition: Option<&Value>,
    created_at: i64,
    updated_at: i64,
) -> Result<(), StoreError> {
    let Some(definition) = definition else {
        let sql = "DELETE FROM rules WHERE id = ?";
        database.execute(sql, &params![id]).await?;
        return Ok(());
    };
    let sql = "INSERT INTO rules (id, definition, created_at, updated_at) VALUES (?, ?, ?, ?) \
        ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, \
        updated_at = excluded.updated_at";
    let definition = definition.to_string();
    let parameters = params![id, definition, created_at, updated_at];
    database.execute(sql, &parameters).await?;
    Ok(())
}

impl Account {
    /// Every rule, in the order of creation.
    pub async fn rules(&self) -> Result<Vec<Rule>, StoreError> {
        read!(self, database => all(database))
    }
}
