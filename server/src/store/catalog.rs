//! Products, environments and versions: they come to exist with the first event that names them.

use rusqlite::{OptionalExtension, params};

use super::{Session, StoreError, new_id};

/// A version of a product.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// Its identifier.
    pub id: String,
    /// The commit of its first build, where one is known.
    pub scm_sha: Option<String>,
}

/// A thing that is known by its name alone.
#[derive(Debug, Clone, Copy)]
pub enum Catalog {
    /// A product.
    Product,
    /// An environment.
    Environment,
}

impl Session<'_> {
    /// The identifier of the product or environment `name`, where it exists.
    pub fn find(&self, kind: Catalog, name: &str) -> Result<Option<String>, StoreError> {
        let sql = match kind {
            Catalog::Product => "SELECT id FROM products WHERE name = ?",
            Catalog::Environment => "SELECT id FROM environments WHERE name = ?",
        };
        let mut select = self.connection.prepare_cached(sql)?;
        Ok(select.query_row([name], |row| row.get(0)).optional()?)
    }

    /// The identifier of the product or environment `name`, which exists from now on.
    pub fn ensure(&self, kind: Catalog, name: &str, now: i64) -> Result<String, StoreError> {
        if let Some(id) = self.find(kind, name)? {
            return Ok(id);
        }
        let sql = match kind {
            Catalog::Product => "INSERT INTO products (id, name, created_at) VALUES (?, ?, ?)",
            Catalog::Environment => {
                "INSERT INTO environments (id, name, created_at) VALUES (?, ?, ?)"
            }
        };
        let id = new_id();
        let mut insert = self.connection.prepare_cached(sql)?;
        insert.execute(params![id, name, now])?;
        Ok(id)
    }

    /// The version `version` of a product, which exists from now on.
    pub fn ensure_version(
        &self,
        product_id: &str,
        version: &str,
        now: i64,
    ) -> Result<VersionRow, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, scm_sha FROM versions WHERE product_id = ? AND version = ?",
        )?;
        let found = select.query_row([product_id, version], |row| {
            Ok(VersionRow {
                id: row.get(0)?,
                scm_sha: row.get(1)?,
            })
        });
        if let Some(found) = found.optional()? {
            return Ok(found);
        }
        let id = new_id();
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO versions (id, product_id, version, created_at) VALUES (?, ?, ?, ?)",
        )?;
        insert.execute(params![id, product_id, version, now])?;
        Ok(VersionRow { id, scm_sha: None })
    }

    /// Pins a version to the commit it was built from.
    pub fn pin_version(&self, id: &str, scm_sha: &str) -> Result<(), StoreError> {
        let mut update = self
            .connection
            .prepare_cached("UPDATE versions SET scm_sha = ? WHERE id = ?")?;
        update.execute([scm_sha, id])?;
        Ok(())
    }

    /// Whether a version with this identifier exists.
    pub fn version_exists(&self, id: &str) -> Result<bool, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT 1 FROM versions WHERE id = ?")?;
        Ok(select.exists([id])?)
    }
}
