//! Making one of two products or environments: what was recorded under one is the other's.

use rusqlite::{Connection, params};

use super::log;
use super::memory::Memory;
use crate::domain::answer::Answer;
use crate::domain::change::{Change, Decision};
use crate::domain::names::fold;
use crate::domain::naming::{EnvironmentType, Kind};
use crate::store::StoreError;
use crate::store::transaction::Envelope;

/// Makes `from` another name of `into`.
pub fn merge(
    connection: &Connection,
    kind: Kind,
    from: &str,
    into: &str,
) -> Result<(), StoreError> {
    let run = |sql: &str| connection.execute(sql, [from, into]);
    let (table, column) = match kind {
        Kind::Product => ("products", "product_id"),
        Kind::Environment => ("environments", "environment_id"),
    };
    // Of several in progress the newest stays; until that is clear none has the slot.
    run(&format!(
        "UPDATE deployments SET exclusive = 0 WHERE status = 'started' AND {column} IN (?1, ?2)"
    ))?;
    if matches!(kind, Kind::Product) {
        merge_versions(connection, from, into)?;
        run("UPDATE builds SET product_id = ?2 WHERE product_id = ?1")?;
    } else {
        run("UPDATE approvals SET environment_id = ?2, \
             definition = json_set(definition, '$.environment_id', ?2) WHERE environment_id = ?1")?;
    }
    run(&format!(
        "UPDATE deployments SET {column} = ?2 WHERE {column} = ?1"
    ))?;
    run(&format!(
        "UPDATE exemptions SET definition = json_set(definition, '$.{column}', ?2) \
         WHERE json_extract(definition, '$.{column}') = ?1"
    ))?;
    run(&format!("DELETE FROM cells WHERE {column} IN (?1, ?2)"))?;
    run(&format!(
        "UPDATE {table} SET folded = NULL, alias_of = ?2, archived = 1 WHERE id = ?1"
    ))?;
    run(&format!(
        "UPDATE {table} SET alias_of = ?2 WHERE alias_of = ?1"
    ))?;
    run("UPDATE aliases SET target_id = ?2 WHERE target_id = ?1")?;
    let name: String = connection.query_row(
        &format!("SELECT name FROM {table} WHERE id = ?"),
        [from],
        |row| row.get(0),
    )?;
    add_alias(connection, kind, &name, into)?;
    rebuild_cells(connection, column, into)
}

/// The versions of both products that have the same name become one.
fn merge_versions(connection: &Connection, from: &str, into: &str) -> Result<(), StoreError> {
    let mut select = connection.prepare(
        "SELECT f.id, i.id FROM versions f JOIN versions i ON i.version = f.version \
         WHERE f.product_id = ?1 AND i.product_id = ?2",
    )?;
    let pairs = select.query_map([from, into], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let pairs: Vec<(String, String)> = pairs.collect::<Result<_, _>>()?;
    for (old, new) in pairs {
        for sql in [
            "UPDATE builds SET version_id = ?2 WHERE version_id = ?1",
            "UPDATE deployments SET version_id = ?2 WHERE version_id = ?1",
            "UPDATE approvals SET version_id = ?2, \
             definition = json_set(definition, '$.version_id', ?2) WHERE version_id = ?1",
            "UPDATE versions SET scm_sha = COALESCE(scm_sha, \
             (SELECT scm_sha FROM versions WHERE id = ?1)) WHERE id = ?2",
            "DELETE FROM versions WHERE id = ?1 AND ?2 <> ''",
        ] {
            connection.execute(sql, [&old, &new])?;
        }
    }
    connection.execute(
        "UPDATE versions SET product_id = ?2 WHERE product_id = ?1",
        [from, into],
    )?;
    Ok(())
}

/// What was called `name` is found under it from now on.
pub fn add_alias(
    connection: &Connection,
    kind: Kind,
    name: &str,
    target: &str,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT OR REPLACE INTO aliases (kind, folded, name, target_id) VALUES (?, ?, ?, ?)",
        params![kind.as_str(), fold(name), name, target],
    )?;
    Ok(())
}

/// Makes the cells of a product or an environment anew from its deployments.
fn rebuild_cells(connection: &Connection, column: &str, id: &str) -> Result<(), StoreError> {
    let in_progress = "status = 'started' AND gate <> 'told'";
    connection.execute(
        &format!(
            "UPDATE deployments SET status = 'aborted', ended_by = '\"expiry\"', expires_at = NULL \
             WHERE {column} = ?1 AND {in_progress} AND position < ( \
                 SELECT MAX(o.position) FROM deployments o \
                 WHERE o.product_id = deployments.product_id \
                 AND o.environment_id = deployments.environment_id \
                 AND o.status = 'started' AND o.gate <> 'told')"
        ),
        [id],
    )?;
    connection.execute(
        &format!(
            "UPDATE deployments SET exclusive = 1 \
             WHERE {column} = ?1 AND {in_progress} AND gate = 'allowed'"
        ),
        [id],
    )?;
    connection.execute(
        &format!(
            "INSERT INTO cells (product_id, environment_id, in_progress, last_id, \
             last_started_id, current_id, current_at, previous_id, latest_id, latest_at) \
             WITH places AS ( \
                 SELECT DISTINCT product_id, environment_id FROM deployments WHERE {column} = ?1) \
             SELECT p.product_id, p.environment_id, \
                 (SELECT json_group_array(d.id) FROM deployments d \
                     WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id \
                     AND d.status = 'started' AND d.gate <> 'told'), \
                 (SELECT d.id FROM deployments d \
                     WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id \
                     ORDER BY d.position DESC LIMIT 1), \
                 (SELECT d.id FROM deployments d \
                     WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id \
                     AND d.gate IN ('allowed', 'skipped') ORDER BY d.position DESC LIMIT 1), \
                 c.id, c.at, \
                 (SELECT d.id FROM deployments d \
                     WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id \
                     AND d.status = 'completed' AND d.version_id <> c.version_id \
                     ORDER BY d.at DESC, d.position DESC LIMIT 1), \
                 l.id, l.at \
             FROM places p \
             LEFT JOIN deployments c ON c.id = (SELECT d.id FROM deployments d \
                 WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id \
                 AND d.status = 'completed' ORDER BY d.at DESC, d.position DESC LIMIT 1) \
             LEFT JOIN deployments l ON l.id = (SELECT d.id FROM deployments d \
                 WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id \
                 ORDER BY d.at DESC, d.position DESC LIMIT 1)"
        ),
        [id],
    )?;
    Ok(())
}

/// A product or environment that is named like an earlier one, but for its spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Double {
    /// What it is.
    pub kind: Kind,
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The identifier of the earlier one.
    pub into: String,
    /// The name of the earlier one.
    pub into_name: String,
}

/// Those that fall together by the present comparison of names.
pub fn doubles(connection: &Connection) -> Result<Vec<Double>, StoreError> {
    let mut found = Vec::new();
    for (kind, table) in [
        (Kind::Product, "products"),
        (Kind::Environment, "environments"),
    ] {
        let mut select =
            connection.prepare(&format!("SELECT id, name FROM {table} ORDER BY id"))?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut first: std::collections::BTreeMap<String, (String, String)> = Default::default();
        for row in rows {
            let (id, name): (String, String) = row?;
            match first.get(&fold(&name)) {
                None => drop(first.insert(fold(&name), (id, name))),
                Some((into, into_name)) => found.push(Double {
                    kind,
                    id,
                    name,
                    into: into.clone(),
                    into_name: into_name.clone(),
                }),
            }
        }
    }
    Ok(found)
}

/// Merges what falls together, and gives every environment the type that its name suggests.
pub fn merge_doubles(connection: &Connection) -> Result<(), StoreError> {
    let mut changes = Vec::new();
    for double in doubles(connection)? {
        merge(connection, double.kind, &double.id, &double.into)?;
        changes.push(Change::Merged {
            kind: double.kind,
            from: double.id,
            into: double.into,
        });
    }
    let mut select = connection.prepare("SELECT id, name FROM environments")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, name) in rows {
        let kind = EnvironmentType::of_name(&name);
        connection.execute(
            "UPDATE environments SET type = ?, rank = ? WHERE id = ?",
            params![
                kind.map(EnvironmentType::as_str),
                kind.map(EnvironmentType::order),
                id
            ],
        )?;
    }
    if changes.is_empty() {
        return Ok(());
    }
    let now = connection.query_row("SELECT MAX(at) FROM log", [], |row| row.get(0))?;
    let envelope = Envelope {
        actor: "server".to_owned(),
        request_id: None,
        request: None,
        occurred_at: None,
        now,
    };
    let decision = Decision {
        changes,
        answer: Answer {
            status: 200,
            body: String::new(),
            replayed: false,
        },
        subject: None,
        kind: "migrated",
    };
    log::append(connection, &mut Memory::default(), &envelope, &decision)
}
