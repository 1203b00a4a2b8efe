//! Deployment rules.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::{Account, Session, StoreError, new_id, object};
use crate::rules::{Rule, RuleSpec};

fn read(connection: &Connection) -> Result<Vec<Rule>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, definition, created_at, updated_at FROM rules ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut rules = Vec::new();
    while let Some(row) = rows.next()? {
        rules.push(rule(row)?);
    }
    Ok(rules)
}

fn rule(row: &Row<'_>) -> Result<Rule, StoreError> {
    let id: String = row.get(0)?;
    let spec = RuleSpec::read(Value::Object(object(row, 1)?))
        .map_err(|error| StoreError::Damaged(format!("rule {id}: {error:?}")))?;
    Ok(Rule {
        id,
        spec,
        created_at: row.get(2)?,
        updated_at: row.get(3)?,
    })
}

impl Session<'_> {
    /// Every rule, in the order of creation.
    pub fn rules(&mut self) -> Result<Arc<Vec<Rule>>, StoreError> {
        if let Some(rules) = &self.memory.rules {
            return Ok(rules.clone());
        }
        let rules = Arc::new(read(self.connection)?);
        self.memory.rules = Some(rules.clone());
        Ok(rules)
    }

    /// Adds a rule.
    pub fn insert_rule(&mut self, spec: RuleSpec, now: i64) -> Result<Rule, StoreError> {
        let rule = Rule {
            id: new_id(),
            spec,
            created_at: now,
            updated_at: now,
        };
        self.memory.rules = None;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO rules (id, definition, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
        )?;
        insert.execute(params![rule.id, rule.spec.to_json().to_string(), now])?;
        Ok(rule)
    }

    /// Writes a changed rule.
    pub fn update_rule(&mut self, rule: &Rule) -> Result<(), StoreError> {
        self.memory.rules = None;
        let mut update = self
            .connection
            .prepare_cached("UPDATE rules SET definition = ?, updated_at = ? WHERE id = ?")?;
        let definition = rule.spec.to_json().to_string();
        update.execute(params![definition, rule.updated_at, rule.id])?;
        Ok(())
    }

    /// Removes a rule; `false` where there is none.
    pub fn delete_rule(&mut self, id: &str) -> Result<bool, StoreError> {
        self.memory.rules = None;
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM rules WHERE id = ?")?;
        Ok(delete.execute([id])? > 0)
    }
}

impl Account {
    /// Every rule, in the order of creation.
    pub async fn rules(&self) -> Result<Vec<Rule>, StoreError> {
        self.read(read).await
    }
}
