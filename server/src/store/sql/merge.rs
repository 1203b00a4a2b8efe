//! Making one of two products or environments: what was recorded under one is the other's.

use serde_json::{Map, Value as Json};

use super::deployments::write_cell;
use super::{Row, Statements, params};
use crate::domain::deployment::Cell;
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::store::StoreError;

/// Makes `from` another name of `into`.
pub async fn merge(
    database: &impl Statements,
    kind: Kind,
    from: &str,
    into: &str,
) -> Result<(), StoreError> {
    let both = params![from, into];
    let (table, column) = match kind {
        Kind::Product => ("products", "product_id"),
        Kind::Environment => ("environments", "environment_id"),
    };
    // Of several in progress the newest stays; until that is clear none has the slot.
    let sql = format!(
        "UPDATE deployments SET exclusive = 0 WHERE status = 'started' AND {column} IN (?1, ?2)"
    );
    database.execute(&sql, &both).await?;
    if matches!(kind, Kind::Product) {
        merge_versions(database, from, into).await?;
        let sql = "UPDATE builds SET product_id = ?2 WHERE product_id = ?1";
        database.execute(sql, &both).await?;
    } else {
        refer(database, "approvals", "environment_id", from, into).await?;
        let sql = "UPDATE approvals SET environment_id = ?2 WHERE environment_id = ?1";
        database.execute(sql, &both).await?;
    }
    let sql = format!("UPDATE deployments SET {column} = ?2 WHERE {column} = ?1");
    database.execute(&sql, &both).await?;
    refer(database, "exemptions", column, from, into).await?;
    for sql in [
        format!("DELETE FROM cells WHERE {column} IN (?1, ?2)"),
        format!("UPDATE {table} SET folded = NULL, alias_of = ?2, archived = 1 WHERE id = ?1"),
        format!("UPDATE {table} SET alias_of = ?2 WHERE alias_of = ?1"),
        "UPDATE aliases SET target_id = ?2 WHERE target_id = ?1".to_owned(),
    ] {
        database.execute(&sql, &both).await?;
    }
    let sql = format!("SELECT name FROM {table} WHERE id = ?");
    let name = database
        .row(&sql, &params![from], |row| row.get::<String>(0))
        .await;
    let name = name?.unwrap_or_default();
    add_alias(database, kind, &name, into).await?;
    rebuild_cells(database, column, into).await
}

/// Lets every definition in `table` whose `member` is `from` have `into` there.
async fn refer(
    database: &impl Statements,
    table: &str,
    member: &str,
    from: &str,
    into: &str,
) -> Result<(), StoreError> {
    let sql = format!("SELECT id, definition FROM {table} ORDER BY id");
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    let all: Vec<(String, String)> = database.rows(&sql, &[], read).await?;
    let sql = format!("UPDATE {table} SET definition = ? WHERE id = ?");
    for (id, definition) in all {
        let mut definition: Map<String, Json> = serde_json::from_str(&definition)?;
        if definition.get(member).and_then(Json::as_str) == Some(from) {
            definition.insert(member.to_owned(), into.into());
            let definition = serde_json::to_string(&definition)?;
            database.execute(&sql, &params![definition, id]).await?;
        }
    }
    Ok(())
}

/// The versions of both products that have the same name become one.
async fn merge_versions(
    database: &impl Statements,
    from: &str,
    into: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT f.id, i.id FROM versions f JOIN versions i ON i.version = f.version \
        WHERE f.product_id = ?1 AND i.product_id = ?2";
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    let pairs: Vec<(String, String)> = database.rows(sql, &params![from, into], read).await?;
    for (old, new) in pairs {
        refer(database, "approvals", "version_id", &old, &new).await?;
        for sql in [
            "UPDATE builds SET version_id = ?2 WHERE version_id = ?1",
            "UPDATE deployments SET version_id = ?2 WHERE version_id = ?1",
            "UPDATE approvals SET version_id = ?2 WHERE version_id = ?1",
            "UPDATE versions SET scm_sha = COALESCE(scm_sha, \
             (SELECT scm_sha FROM versions WHERE id = ?1)) WHERE id = ?2",
        ] {
            database.execute(sql, &params![old, new]).await?;
        }
        let sql = "DELETE FROM versions WHERE id = ?";
        database.execute(sql, &params![old]).await?;
    }
    let sql = "UPDATE versions SET product_id = ?2 WHERE product_id = ?1";
    database.execute(sql, &params![from, into]).await?;
    Ok(())
}

/// What was called `name` is found under it from now on.
pub async fn add_alias(
    database: &impl Statements,
    kind: Kind,
    name: &str,
    target: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO aliases (kind, folded, name, target_id) VALUES (?, ?, ?, ?) \
        ON CONFLICT (kind, folded) DO UPDATE SET name = excluded.name, \
        target_id = excluded.target_id";
    let parameters = params![kind.as_str(), fold(name), name, target];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// Makes the cells of a product or an environment anew from its deployments.
async fn rebuild_cells(
    database: &impl Statements,
    column: &str,
    id: &str,
) -> Result<(), StoreError> {
    let in_progress = "status = 'started' AND gate <> 'told'";
    let sql = format!(
        "UPDATE deployments SET status = 'aborted', ended_by = '\"expiry\"', expires_at = NULL \
         WHERE {column} = ?1 AND {in_progress} AND position < ( \
             SELECT MAX(o.position) FROM deployments o \
             WHERE o.product_id = deployments.product_id \
             AND o.environment_id = deployments.environment_id \
             AND o.status = 'started' AND o.gate <> 'told')"
    );
    database.execute(&sql, &params![id]).await?;
    let sql = format!(
        "UPDATE deployments SET exclusive = 1 \
         WHERE {column} = ?1 AND {in_progress} AND gate = 'allowed'"
    );
    database.execute(&sql, &params![id]).await?;
    let cells = database
        .rows(&cells_of(column), &params![id], |row| {
            let place: (String, String) = (row.get(0)?, row.get(1)?);
            let cell = Cell {
                in_progress: Vec::new(),
                last_id: row.get(2)?,
                last_started_id: row.get(3)?,
                current_id: row.get(4)?,
                current_at: row.get(5)?,
                previous_id: row.get(6)?,
                latest_id: row.get(7)?,
                latest_at: row.get(8)?,
            };
            Ok((place, cell))
        })
        .await;
    let sql = format!(
        "SELECT id FROM deployments WHERE product_id = ? AND environment_id = ? \
         AND {in_progress} ORDER BY position"
    );
    for ((product_id, environment_id), mut cell) in cells? {
        let place = params![product_id, environment_id];
        cell.in_progress = database.rows(&sql, &place, |row| row.get(0)).await?;
        write_cell(database, &product_id, &environment_id, &cell).await?;
    }
    Ok(())
}

/// The statement for the cells of a product or an environment, but for what is in progress.
fn cells_of(column: &str) -> String {
    let newest = |what: &str| {
        format!(
            "(SELECT d.id FROM deployments d WHERE d.product_id = p.product_id \
             AND d.environment_id = p.environment_id {what} LIMIT 1)"
        )
    };
    let last = newest("ORDER BY d.position DESC");
    let started = newest("AND d.gate IN ('allowed', 'skipped') ORDER BY d.position DESC");
    let current = newest("AND d.status = 'completed' ORDER BY d.at DESC, d.position DESC");
    let previous = newest(
        "AND d.status = 'completed' AND d.version_id <> c.version_id \
         ORDER BY d.at DESC, d.position DESC",
    );
    let latest = newest("ORDER BY d.at DESC, d.position DESC");
    format!(
        "WITH places AS ( \
             SELECT DISTINCT product_id, environment_id FROM deployments WHERE {column} = ?1) \
         SELECT p.product_id, p.environment_id, {last}, {started}, c.id, c.at, {previous}, \
             l.id, l.at \
         FROM places p \
         LEFT JOIN deployments c ON c.id = {current} \
         LEFT JOIN deployments l ON l.id = {latest} \
         ORDER BY p.product_id, p.environment_id"
    )
}
