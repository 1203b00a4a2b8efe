//! Deployment rules.

use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value};

use super::Account;
use crate::domain::rules::Rule;
use crate::store::StoreError;

/// Every rule, in the order of creation.
pub fn read(connection: &Connection) -> Result<Vec<Rule>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, definition, created_at, updated_at FROM rules ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut rules = Vec::new();
    while let Some(row) = rows.next()? {
        rules.push(Rule::read_stored(
            row.get(0)?,
            definition(row)?,
            (row.get(2)?, row.get(3)?),
        ));
    }
    Ok(rules)
}

/// What was stored. What is no JSON any more says nothing: the rule that is read from it blocks.
fn definition(row: &Row<'_>) -> Result<Map<String, Value>, StoreError> {
    let text: String = row.get(1)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// Writes a rule, or removes it.
pub fn write(
    connection: &Connection,
    id: &str,
    definition: Option<&Value>,
    created_at: i64,
    updated_at: i64,
) -> Result<(), StoreError> {
    let Some(definition) = definition else {
        connection
            .prepare_cached("DELETE FROM rules WHERE id = ?")?
            .execute([id])?;
        return Ok(());
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO rules (id, definition, created_at, updated_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, \
         updated_at = excluded.updated_at",
    )?;
    insert.execute(params![id, definition.to_string(), created_at, updated_at])?;
    Ok(())
}

impl Account {
    /// Every rule, in the order of creation.
    pub async fn rules(&self) -> Result<Vec<Rule>, StoreError> {
        self.read(read).await
    }
}
