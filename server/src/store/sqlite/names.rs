//! Steps of the schema that compare names, which SQL alone cannot.

use rusqlite::{Connection, params};

use super::statements::ready;
use crate::domain::answer::Answer;
use crate::domain::change::{Change, Decision};
use crate::domain::names::fold;
use crate::domain::naming::{EnvironmentType, Kind};
use crate::store::StoreError;
use crate::store::sql::memory::Memory;
use crate::store::sql::{log, merge::merge};
use crate::store::transaction::Envelope;

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
        ready(merge(connection, double.kind, &double.id, &double.into))?;
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
    ready(log::append(
        connection,
        &mut Memory::default(),
        (&envelope, now),
        &decision,
    ))
}
