//! Deployment rules.

use std::sync::Arc;

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Account, Session, StoreError, new_id};
use crate::rules::{Rule, RuleSpec};

const SELECT: &str = "SELECT id, definition, created_at, updated_at FROM rules ORDER BY id";
const SELECT_ONE: &str = "SELECT id, definition, created_at, updated_at FROM rules WHERE id = ?";

fn rule(row: &SqliteRow) -> Result<Rule, StoreError> {
    let definition: Value = serde_json::from_str(row.try_get(1)?)?;
    let id: String = row.try_get(0)?;
    let spec = RuleSpec::read(definition)
        .map_err(|error| StoreError::Damaged(format!("rule {id}: {error:?}")))?;
    Ok(Rule {
        id,
        spec,
        created_at: row.try_get(2)?,
        updated_at: row.try_get(3)?,
    })
}

impl Session<'_> {
    /// Every rule, in the order of creation.
    pub async fn rules(&mut self) -> Result<Arc<Vec<Rule>>, StoreError> {
        if let Some(rules) = &self.cache.rules {
            return Ok(rules.clone());
        }
        let rows = sqlx::query(SELECT).fetch_all(&mut *self.connection).await?;
        let rules: Arc<Vec<Rule>> = Arc::new(rows.iter().map(rule).collect::<Result<_, _>>()?);
        self.cache.rules = Some(rules.clone());
        Ok(rules)
    }

    /// Adds a rule.
    pub async fn insert_rule(&mut self, spec: RuleSpec, now: i64) -> Result<Rule, StoreError> {
        let rule = Rule {
            id: new_id(),
            spec,
            created_at: now,
            updated_at: now,
        };
        self.cache.rules = None;
        sqlx::query(
            "INSERT INTO rules (id, definition, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
        )
        .bind(&rule.id)
        .bind(rule.spec.to_json().to_string())
        .bind(now)
        .execute(&mut *self.connection)
        .await?;
        Ok(rule)
    }

    /// Writes a changed rule.
    pub async fn update_rule(&mut self, rule: &Rule) -> Result<(), StoreError> {
        self.cache.rules = None;
        sqlx::query("UPDATE rules SET definition = ?, updated_at = ? WHERE id = ?")
            .bind(rule.spec.to_json().to_string())
            .bind(rule.updated_at)
            .bind(&rule.id)
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Removes a rule; `false` where there is none.
    pub async fn delete_rule(&mut self, id: &str) -> Result<bool, StoreError> {
        self.cache.rules = None;
        let done = sqlx::query("DELETE FROM rules WHERE id = ?")
            .bind(id)
            .execute(&mut *self.connection)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Account {
    /// One rule.
    pub async fn rule(&self, id: &str) -> Result<Option<Rule>, StoreError> {
        let row = sqlx::query(SELECT_ONE)
            .bind(id)
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(rule).transpose()
    }

    /// Every rule, in the order of creation.
    pub async fn rules(&self) -> Result<Vec<Rule>, StoreError> {
        let rows = sqlx::query(SELECT).fetch_all(&self.reader).await?;
        rows.iter().map(rule).collect()
    }
}
