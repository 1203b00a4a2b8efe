//! Products, environments and versions: they come to exist with the first event that names them.

use rusqlite::{Connection, OptionalExtension, params};

use super::memory::Name;
use crate::domain::change::Change;
use crate::domain::names::fold;
use crate::store::{StoreError, new_id};

/// A thing that is known by its name alone.
#[derive(Debug, Clone, Copy)]
pub enum Catalog {
    /// A product.
    Product,
    /// An environment.
    Environment,
}

/// The product or environment `name`, if it exists.
pub fn find(
    connection: &Connection,
    kind: Catalog,
    name: &str,
) -> Result<Option<Name>, StoreError> {
    let sql = match kind {
        Catalog::Product => "SELECT id, name FROM products WHERE folded = ?",
        Catalog::Environment => "SELECT id, name FROM environments WHERE folded = ?",
    };
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row([fold(name)], |row| {
        Ok(Name {
            id: row.get(0)?,
            name: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

/// The same for one that exists from now on; `created` gets what that changes.
pub fn ensure(
    connection: &Connection,
    kind: Catalog,
    name: &str,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<Name, StoreError> {
    if let Some(found) = find(connection, kind, name)? {
        return Ok(found);
    }
    let (id, name, at) = (new_id(), name.to_owned(), now);
    let (sql, change) = match kind {
        Catalog::Product => (
            "INSERT INTO products (id, name, created_at, folded) VALUES (?, ?, ?, ?)",
            Change::Product {
                id: id.clone(),
                name: name.clone(),
                at,
            },
        ),
        Catalog::Environment => (
            "INSERT INTO environments (id, name, created_at, folded) VALUES (?, ?, ?, ?)",
            Change::Environment {
                id: id.clone(),
                name: name.clone(),
                at,
            },
        ),
    };
    connection
        .prepare_cached(sql)?
        .execute(params![id, name, now, fold(&name)])?;
    created.push(change);
    Ok(Name { id, name })
}

/// The identifier of the version `version` of a product, which exists from now on.
pub fn ensure_version(
    connection: &Connection,
    product_id: &str,
    version: &str,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<String, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id FROM versions WHERE product_id = ? AND version = ?")?;
    let found = select.query_row([product_id, version], |row| row.get(0));
    if let Some(found) = found.optional()? {
        return Ok(found);
    }
    let id = new_id();
    let mut insert = connection.prepare_cached(
        "INSERT INTO versions (id, product_id, version, created_at) VALUES (?, ?, ?, ?)",
    )?;
    insert.execute(params![id, product_id, version, now])?;
    created.push(Change::Version {
        id: id.clone(),
        product_id: product_id.to_owned(),
        version: version.to_owned(),
        at: now,
    });
    Ok(id)
}

/// The commit of a version, and whether it stays.
pub fn commit(
    connection: &Connection,
    version_id: &str,
) -> Result<(Option<String>, bool), StoreError> {
    let mut select =
        connection.prepare_cached("SELECT scm_sha, pinned FROM versions WHERE id = ?")?;
    Ok(select.query_row([version_id], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Writes the commit of a version.
pub fn set_commit(
    connection: &Connection,
    version_id: &str,
    scm_sha: &str,
    pinned: bool,
) -> Result<(), StoreError> {
    let mut update =
        connection.prepare_cached("UPDATE versions SET scm_sha = ?, pinned = ? WHERE id = ?")?;
    update.execute(params![scm_sha, pinned, version_id])?;
    Ok(())
}

/// Whether a version with this identifier exists.
pub fn version_exists(connection: &Connection, id: &str) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached("SELECT 1 FROM versions WHERE id = ?")?;
    Ok(select.exists([id])?)
}

/// The names of all environments.
pub fn environments(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut select = connection.prepare_cached("SELECT name FROM environments")?;
    let names = select.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Names that differ only in their spelling are the same from now on. The first of them keeps it;
/// what was recorded under the others stays where it is.
pub fn fold_names(connection: &Connection) -> Result<(), StoreError> {
    for table in ["products", "environments"] {
        connection.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN folded TEXT"))?;
        let mut select =
            connection.prepare(&format!("SELECT id, name FROM {table} ORDER BY id"))?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
        let mut seen = std::collections::BTreeSet::new();
        for (id, name) in rows {
            let folded = fold(&name);
            if seen.insert(folded.clone()) {
                let update = format!("UPDATE {table} SET folded = ? WHERE id = ?");
                connection.execute(&update, [folded, id])?;
            }
        }
        let index = format!("CREATE UNIQUE INDEX {table}_folded ON {table} (folded)");
        connection.execute_batch(&index)?;
    }
    Ok(())
}
