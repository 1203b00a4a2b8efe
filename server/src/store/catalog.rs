//! Products, environments and versions: they come to exist with the first event that names them.

use sqlx::Row;

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
    pub async fn find(&mut self, kind: Catalog, name: &str) -> Result<Option<String>, StoreError> {
        let (cache, sql) = match kind {
            Catalog::Product => (
                &mut self.cache.products,
                "SELECT id FROM products WHERE name = ?",
            ),
            Catalog::Environment => (
                &mut self.cache.environments,
                "SELECT id FROM environments WHERE name = ?",
            ),
        };
        if let Some(id) = cache.get(name) {
            return Ok(Some(id.clone()));
        }
        let id: Option<String> = sqlx::query_scalar(sql)
            .bind(name)
            .fetch_optional(&mut *self.connection)
            .await?;
        if let Some(id) = &id {
            cache.insert(name.to_owned(), id.clone());
        }
        Ok(id)
    }

    /// The identifier of the product or environment `name`, which exists from now on.
    pub async fn ensure(
        &mut self,
        kind: Catalog,
        name: &str,
        now: i64,
    ) -> Result<String, StoreError> {
        if let Some(id) = self.find(kind, name).await? {
            return Ok(id);
        }
        let (cache, sql) = match kind {
            Catalog::Product => (
                &mut self.cache.products,
                "INSERT INTO products (id, name, created_at) VALUES (?, ?, ?)",
            ),
            Catalog::Environment => (
                &mut self.cache.environments,
                "INSERT INTO environments (id, name, created_at) VALUES (?, ?, ?)",
            ),
        };
        let id = new_id();
        sqlx::query(sql)
            .bind(&id)
            .bind(name)
            .bind(now)
            .execute(&mut *self.connection)
            .await?;
        cache.insert(name.to_owned(), id.clone());
        Ok(id)
    }

    /// The version `version` of a product, which exists from now on.
    pub async fn ensure_version(
        &mut self,
        product_id: &str,
        version: &str,
        now: i64,
    ) -> Result<VersionRow, StoreError> {
        let key = (product_id.to_owned(), version.to_owned());
        if let Some(row) = self.cache.versions.get(&key) {
            return Ok(row.clone());
        }
        let found =
            sqlx::query("SELECT id, scm_sha FROM versions WHERE product_id = ? AND version = ?")
                .bind(product_id)
                .bind(version)
                .fetch_optional(&mut *self.connection)
                .await?;
        let row = match found {
            Some(row) => VersionRow {
                id: row.try_get(0)?,
                scm_sha: row.try_get(1)?,
            },
            None => {
                let id = new_id();
                sqlx::query(
                    "INSERT INTO versions (id, product_id, version, created_at) VALUES (?, ?, ?, ?)",
                )
                .bind(&id)
                .bind(product_id)
                .bind(version)
                .bind(now)
                .execute(&mut *self.connection)
                .await?;
                VersionRow { id, scm_sha: None }
            }
        };
        self.cache.versions.insert(key, row.clone());
        Ok(row)
    }

    /// Pins a version to the commit it was built from.
    pub async fn pin_version(
        &mut self,
        product_id: &str,
        version: &str,
        row: &VersionRow,
        scm_sha: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE versions SET scm_sha = ? WHERE id = ?")
            .bind(scm_sha)
            .bind(&row.id)
            .execute(&mut *self.connection)
            .await?;
        let pinned = VersionRow {
            id: row.id.clone(),
            scm_sha: Some(scm_sha.to_owned()),
        };
        self.cache
            .versions
            .insert((product_id.to_owned(), version.to_owned()), pinned);
        Ok(())
    }

    /// Whether a version with this identifier exists.
    pub async fn version_exists(&mut self, id: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM versions WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(found.is_some())
    }
}
