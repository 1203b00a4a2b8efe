//! Products, environments and versions: they come to exist with the first event that names them.

use rusqlite::{Connection, OptionalExtension, params};

use super::memory::{Name, Version};
use super::{Account, merge};
use crate::domain::change::Change;
use crate::domain::names::fold;
use crate::domain::naming::{EnvironmentType, Kind, Named};
use crate::store::{StoreError, new_id};

/// The product or environment `name`, if it exists: by its name, or by one that it had before.
pub fn find(connection: &Connection, kind: Kind, name: &str) -> Result<Option<Name>, StoreError> {
    let sql = match kind {
        Kind::Product => {
            "SELECT id, name, NULL FROM products WHERE folded = ?1 UNION ALL \
             SELECT p.id, p.name, NULL FROM aliases a JOIN products p ON p.id = a.target_id \
             WHERE a.kind = 'Product' AND a.folded = ?1 LIMIT 1"
        }
        Kind::Environment => {
            "SELECT id, name, type FROM environments WHERE folded = ?1 UNION ALL \
             SELECT e.id, e.name, e.type FROM aliases a JOIN environments e ON e.id = a.target_id \
             WHERE a.kind = 'Environment' AND a.folded = ?1 LIMIT 1"
        }
    };
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row([fold(name)], |row| {
        let word: Option<String> = row.get(2)?;
        Ok(Name {
            id: row.get(0)?,
            name: row.get(1)?,
            environment_type: word.as_deref().and_then(EnvironmentType::parse),
        })
    });
    Ok(found.optional()?)
}

/// The name that something has now, of one that it may have had before.
pub fn present_name(
    connection: &Connection,
    kind: Kind,
    name: Option<String>,
) -> Result<Option<String>, StoreError> {
    let Some(name) = name else { return Ok(None) };
    let found = find(connection, kind, &name)?;
    Ok(Some(found.map_or(name, |found| found.name)))
}

/// The same for one that exists from now on; `created` gets what that changes.
pub fn ensure(
    connection: &Connection,
    kind: Kind,
    name: &str,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<Name, StoreError> {
    if let Some(found) = find(connection, kind, name)? {
        return Ok(found);
    }
    let (id, name, at) = (new_id(), name.to_owned(), now);
    let environment_type = match kind {
        Kind::Product => None,
        Kind::Environment => EnvironmentType::of_name(&name),
    };
    let (sql, change) = match kind {
        Kind::Product => (
            "INSERT INTO products (id, name, created_at, folded) VALUES (?1, ?2, ?3, ?4)",
            Change::Product {
                id: id.clone(),
                name: name.clone(),
                at,
            },
        ),
        Kind::Environment => (
            "INSERT INTO environments (id, name, created_at, folded, type, rank) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            Change::Environment {
                id: id.clone(),
                name: name.clone(),
                environment_type,
                at,
            },
        ),
    };
    let mut insert = connection.prepare_cached(sql)?;
    match kind {
        Kind::Product => insert.execute(params![id, name, now, fold(&name)])?,
        Kind::Environment => insert.execute(params![
            id,
            name,
            now,
            fold(&name),
            environment_type.map(EnvironmentType::as_str),
            environment_type.map(EnvironmentType::order),
        ])?,
    };
    created.push(change);
    Ok(Name {
        id,
        name,
        environment_type,
    })
}

/// The version `version` of a product, which exists from now on.
pub fn ensure_version(
    connection: &Connection,
    product_id: &str,
    version: &str,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<Version, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, scm_sha FROM versions WHERE product_id = ? AND version = ?")?;
    let found = select.query_row([product_id, version], |row| {
        Ok(Version {
            id: row.get(0)?,
            name: version.to_owned(),
            scm_sha: row.get(1)?,
        })
    });
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
    Ok(Version {
        id,
        name: version.to_owned(),
        scm_sha: None,
    })
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

/// The names of all environments.
pub fn environments(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT name FROM environments WHERE alias_of IS NULL")?;
    let names = select.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// A product or an environment by its identifier.
pub fn named(connection: &Connection, kind: Kind, id: &str) -> Result<Option<Named>, StoreError> {
    let sql = match kind {
        Kind::Product => {
            "SELECT id, name, NULL, NULL, archived, owner, alias_of \
             FROM products WHERE id = ?"
        }
        Kind::Environment => {
            "SELECT id, name, type, rank, archived, owner, alias_of \
             FROM environments WHERE id = ?"
        }
    };
    let found = connection.prepare_cached(sql)?.query_row([id], |row| {
        let word: Option<String> = row.get(2)?;
        Ok(Named {
            id: row.get(0)?,
            name: row.get(1)?,
            environment_type: word.as_deref().and_then(EnvironmentType::parse),
            order: row.get(3)?,
            archived: row.get(4)?,
            owner: row.get(5)?,
            alias_of: row.get(6)?,
        })
    });
    Ok(found.optional()?)
}

/// Writes what is said of a product or an environment; the name it had stays one of it.
pub fn write_named(
    connection: &Connection,
    kind: Kind,
    named: &Named,
    before: &Named,
) -> Result<(), StoreError> {
    let folded = fold(&named.name);
    if folded != fold(&before.name) {
        // One that it had before may become its name again.
        connection.execute(
            "DELETE FROM aliases WHERE kind = ? AND folded = ?",
            params![kind.as_str(), folded],
        )?;
        merge::add_alias(connection, kind, &before.name, &named.id)?;
    }
    match kind {
        Kind::Product => connection.execute(
            "UPDATE products SET name = ?, folded = ?, archived = ?, owner = ? WHERE id = ?",
            params![named.name, folded, named.archived, named.owner, named.id],
        )?,
        Kind::Environment => connection.execute(
            "UPDATE environments SET name = ?, folded = ?, archived = ?, owner = ?, type = ?, \
             rank = ? WHERE id = ?",
            params![
                named.name,
                folded,
                named.archived,
                named.owner,
                named.environment_type.map(EnvironmentType::as_str),
                named.order,
                named.id
            ],
        )?,
    };
    Ok(())
}

/// Whether two products, or two environments, have deployments in progress that would be in one cell
/// if they were one.
pub fn both_in_progress(
    connection: &Connection,
    kind: Kind,
    one: &str,
    other: &str,
) -> Result<bool, StoreError> {
    let (column, rest) = match kind {
        Kind::Product => ("product_id", "environment_id"),
        Kind::Environment => ("environment_id", "product_id"),
    };
    let sql = format!(
        "SELECT 1 FROM deployments a JOIN deployments b ON b.{rest} = a.{rest} \
         WHERE a.{column} = ? AND b.{column} = ? AND a.status = 'started' AND a.gate <> 'told' \
         AND b.status = 'started' AND b.gate <> 'told'"
    );
    Ok(connection.prepare(&sql)?.exists([one, other])?)
}

/// A setting of the account.
pub fn setting(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut select = connection.prepare_cached("SELECT value FROM settings WHERE name = ?")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?)
}

impl Account {
    /// A setting of the account, if somebody has set it.
    pub async fn setting(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        self.read(move |connection| setting(connection, name)).await
    }
}

/// Writes a setting of the account.
pub fn set(connection: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    connection.execute(
        "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)",
        [name, value],
    )?;
    Ok(())
}

/// Names that differ only in their spelling are the same from now on. The first of them keeps it; what
/// was recorded under the others is merged into it by a later step.
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
