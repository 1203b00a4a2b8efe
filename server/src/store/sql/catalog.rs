//! Products, environments and versions: they come to exist with the first event that names them.

use super::memory::{Name, Version};
use super::{Row, Statements, merge, params};
use crate::domain::change::Change;
use crate::domain::names::{composed, fold};
use crate::domain::naming::{EnvironmentType, Kind, Named};
use crate::domain::rules::AllStop;
use crate::store::account::{Account, read};
use crate::store::flow::ALL_STOP;
use crate::store::{StoreError, new_id};

/// The product or environment `name`, if it exists: by its name, or by one that it had before.
pub async fn find(
    database: &impl Statements,
    kind: Kind,
    name: &str,
) -> Result<Option<Name>, StoreError> {
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
    database
        .row(sql, &params![fold(name)], |row| {
            let word: Option<String> = row.get(2)?;
            Ok(Name {
                id: row.get(0)?,
                name: row.get(1)?,
                environment_type: word.as_deref().and_then(EnvironmentType::parse),
            })
        })
        .await
}

/// The name that something has now, of one that it may have had before.
pub async fn present_name(
    database: &impl Statements,
    kind: Kind,
    name: Option<String>,
) -> Result<Option<String>, StoreError> {
    let Some(name) = name else { return Ok(None) };
    let found = find(database, kind, &name).await?;
    Ok(Some(found.map_or(name, |found| found.name)))
}

/// The same for one that exists from now on; `created` gets what that changes.
pub async fn ensure(
    database: &impl Statements,
    kind: Kind,
    name: &str,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<Name, StoreError> {
    if let Some(found) = find(database, kind, name).await? {
        return Ok(found);
    }
    let (id, name, at) = (new_id(), name.to_owned(), now);
    let environment_type = match kind {
        Kind::Product => None,
        Kind::Environment => EnvironmentType::of_name(&name),
    };
    let change = match kind {
        Kind::Product => Change::Product {
            id: id.clone(),
            name: name.clone(),
            at,
        },
        Kind::Environment => Change::Environment {
            id: id.clone(),
            name: name.clone(),
            environment_type,
            at,
        },
    };
    if !add(database, &change).await? {
        // Somebody else has named it in between, and that is committed now.
        return find(database, kind, &name)
            .await?
            .ok_or_else(|| StoreError::Damaged(format!("the name {name:?} is taken by nothing")));
    }
    created.push(change);
    Ok(Name {
        id,
        name,
        environment_type,
    })
}

/// Makes what a change names for the first time; `false` if it is there, or the change names nothing.
pub async fn add(database: &impl Statements, change: &Change) -> Result<bool, StoreError> {
    let added = match change {
        Change::Product { id, name, at } => {
            let sql = "INSERT INTO products (id, name, created_at, folded) VALUES (?, ?, ?, ?) \
                ON CONFLICT DO NOTHING";
            let parameters = params![id, name, at, fold(name)];
            database.execute(sql, &parameters).await?
        }
        Change::Environment {
            id,
            name,
            environment_type,
            at,
        } => {
            let sql = "INSERT INTO environments (id, name, created_at, folded, type, rank) \
                VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            let word = environment_type.map(EnvironmentType::as_str);
            let order = environment_type.map(EnvironmentType::order);
            let parameters = params![id, name, at, fold(name), word, order];
            database.execute(sql, &parameters).await?
        }
        Change::Version {
            id,
            product_id,
            version,
            at,
        } => {
            let sql = "INSERT INTO versions (id, product_id, version, created_at) \
                VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
            let parameters = params![id, product_id, version, at];
            database.execute(sql, &parameters).await?
        }
        _ => 0,
    };
    Ok(added > 0)
}

/// The version `version` of a product, which exists from now on.
pub async fn ensure_version(
    database: &impl Statements,
    product_id: &str,
    version: &str,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<Version, StoreError> {
    let sql = "SELECT id, scm_sha FROM versions WHERE product_id = ? AND version = ?";
    let parameters = params![product_id, version];
    let read = |row: &dyn Row| {
        Ok(Version {
            id: row.get(0)?,
            name: version.to_owned(),
            scm_sha: row.get(1)?,
        })
    };
    if let Some(found) = database.row(sql, &parameters, read).await? {
        return Ok(found);
    }
    let id = new_id();
    let change = Change::Version {
        id: id.clone(),
        product_id: product_id.to_owned(),
        version: version.to_owned(),
        at: now,
    };
    if !add(database, &change).await? {
        let found = database.row(sql, &parameters, read).await?;
        return found
            .ok_or_else(|| StoreError::Damaged(format!("the version {version:?} is nowhere")));
    }
    created.push(change);
    Ok(Version {
        id,
        name: version.to_owned(),
        scm_sha: None,
    })
}

/// The commit of a version, and whether it stays.
pub async fn commit(
    database: &impl Statements,
    version_id: &str,
) -> Result<(Option<String>, bool), StoreError> {
    let sql = "SELECT scm_sha, pinned FROM versions WHERE id = ?";
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    let found = database.row(sql, &params![version_id], read).await?;
    found.ok_or_else(|| StoreError::Damaged(format!("the version {version_id} is nowhere")))
}

/// Writes the commit of a version.
pub async fn set_commit(
    database: &impl Statements,
    version_id: &str,
    scm_sha: &str,
    pinned: bool,
) -> Result<(), StoreError> {
    let sql = "UPDATE versions SET scm_sha = ?, pinned = ? WHERE id = ?";
    let parameters = params![scm_sha, pinned, version_id];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// The names of all environments.
pub async fn environments(database: &impl Statements) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM environments WHERE alias_of IS NULL ORDER BY id";
    database.rows(sql, &[], |row| row.get(0)).await
}

/// A product or an environment by its identifier.
pub async fn named(
    database: &impl Statements,
    kind: Kind,
    id: &str,
) -> Result<Option<Named>, StoreError> {
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
    database
        .row(sql, &params![id], |row| {
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
        })
        .await
}

/// Writes what is said of a product or an environment; the name it had stays one of it.
pub async fn write_named(
    database: &impl Statements,
    kind: Kind,
    named: &Named,
    before: &Named,
) -> Result<(), StoreError> {
    let folded = fold(&named.name);
    if folded != fold(&before.name) {
        // One that it had before may become its name again.
        let sql = "DELETE FROM aliases WHERE kind = ? AND folded = ?";
        let parameters = params![kind.as_str(), folded];
        database.execute(sql, &parameters).await?;
        merge::add_alias(database, kind, &before.name, &named.id).await?;
    }
    match kind {
        Kind::Product => {
            let sql = "UPDATE products SET name = ?, folded = ?, archived = ?, owner = ? \
                WHERE id = ?";
            let parameters = params![named.name, folded, named.archived, named.owner, named.id];
            database.execute(sql, &parameters).await?;
        }
        Kind::Environment => {
            let sql = "UPDATE environments SET name = ?, folded = ?, archived = ?, owner = ?, \
                type = ?, rank = ? WHERE id = ?";
            let parameters = params![
                named.name,
                folded,
                named.archived,
                named.owner,
                named.environment_type.map(EnvironmentType::as_str),
                named.order,
                named.id
            ];
            database.execute(sql, &parameters).await?;
        }
    }
    Ok(())
}

/// Whether two products, or two environments, have deployments in progress that would be in one cell
/// if they were one.
pub async fn both_in_progress(
    database: &impl Statements,
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
    database.exists(&sql, &params![one, other]).await
}

/// When the product or environment was made of which so many are newer, if that was after `since`.
pub async fn name_made_at(
    database: &impl Statements,
    newer: i64,
    since: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT created_at FROM ( \
        SELECT created_at FROM products WHERE created_at > ?1 UNION ALL \
        SELECT created_at FROM environments WHERE created_at > ?1) named \
        ORDER BY created_at DESC LIMIT 1 OFFSET ?2";
    let parameters = params![since, newer];
    database.row(sql, &parameters, |row| row.get(0)).await
}

/// The commit of a version of a product, if it has one.
pub async fn commit_of(
    database: &impl Statements,
    product_id: &str,
    version: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT scm_sha FROM versions WHERE product_id = ? AND version = ?";
    let found = database
        .row(sql, &params![product_id, version], |row| {
            row.get::<Option<String>>(0)
        })
        .await?;
    Ok(found.flatten())
}

/// The version of a product that was built from a commit.
pub async fn version_of_commit(
    database: &impl Statements,
    product_id: &str,
    sha: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT version FROM versions WHERE lower(scm_sha) = lower(?) AND product_id = ? \
        AND pinned = 1 ORDER BY created_at DESC LIMIT 1";
    database
        .row(sql, &params![sha, product_id], |row| row.get(0))
        .await
}

/// A setting of the account, if somebody has set it.
pub async fn setting(database: &impl Statements, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM settings WHERE name = ?";
    database.row(sql, &params![name], |row| row.get(0)).await
}

/// The stop of every start that was put on last; it may be over.
pub async fn all_stop(database: &impl Statements) -> Result<Option<AllStop>, StoreError> {
    let stored = setting(database, ALL_STOP).await?;
    Ok(stored.as_deref().map(AllStop::read_stored))
}

impl Account {
    /// A setting of the account, if somebody has set it.
    pub async fn setting(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        read!(self, database => setting(database, name))
    }

    /// The name that a product or an environment has now, of one that it may have had before.
    pub async fn present_name(&self, kind: Kind, name: String) -> Result<String, StoreError> {
        let named = name.clone();
        let found = read!(self, database => find(database, kind, &name))?;
        Ok(found.map_or(named, |found| found.name))
    }

    /// The same of one that exists; none if there is no such name.
    pub async fn known_name(&self, kind: Kind, name: String) -> Result<Option<Name>, StoreError> {
        read!(self, database => find(database, kind, &name))
    }

    /// The commit of a version of a product, by whichever of its names, if it has one.
    pub async fn commit_of(
        &self,
        product: String,
        version: String,
    ) -> Result<Option<String>, StoreError> {
        let sql = "SELECT v.scm_sha FROM versions v JOIN products p ON p.id = v.product_id \
            WHERE p.folded = ? AND v.version = ?";
        let product = self.present_name(Kind::Product, product).await?;
        let (folded, version) = (fold(&product), composed(&version));
        let found = read!(self, database => database.row(
            sql,
            &params![folded, version],
            |row| row.get::<Option<String>>(0),
        ))?;
        Ok(found.flatten())
    }

    /// The names of the product and the environment of a deployment.
    pub async fn place_of(&self, id: String) -> Result<Option<(String, String)>, StoreError> {
        let sql = "SELECT p.name, e.name FROM deployments d \
            JOIN products p ON p.id = d.product_id \
            JOIN environments e ON e.id = d.environment_id WHERE d.id = ?";
        read!(self, database => database.row(sql, &params![id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        }))
    }

    /// The name of the product of a version.
    pub async fn product_of(&self, version_id: String) -> Result<Option<String>, StoreError> {
        let sql = "SELECT p.name FROM versions v JOIN products p ON p.id = v.product_id \
            WHERE v.id = ?";
        read!(self, database => database.row(sql, &params![version_id], |row| row.get(0)))
    }

    /// The stop of every start that was put on last; it may be over.
    pub async fn all_stop(&self) -> Result<Option<AllStop>, StoreError> {
        read!(self, database => all_stop(database))
    }
}

/// Writes a setting of the account.
pub async fn set(database: &impl Statements, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO settings (name, value) VALUES (?, ?) \
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    database.execute(sql, &params![name, value]).await?;
    Ok(())
}
