//! People, and the names that they are known by.

use rusqlite::{Connection, params};

use super::Account;
use crate::domain::people::{Identity, IdentityKind, Known, Person, Role};
use crate::store::StoreError;

/// Everybody, in the order in which they were added.
pub fn read(connection: &Connection) -> Result<Vec<Known>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, role, approves, active, created_at FROM people ORDER BY id")?;
    let mut names = connection.prepare_cached(
        "SELECT kind, value, source_system, host FROM identities WHERE person_id = ? \
         ORDER BY number",
    )?;
    let mut rows = select.query([])?;
    let mut people = Vec::new();
    while let Some(row) = rows.next()? {
        let (role, approves): (String, String) = (row.get(1)?, row.get(2)?);
        let person = Person {
            id: row.get(0)?,
            role: Role::parse(&role).ok_or_else(|| damaged("role", &role))?,
            approves: serde_json::from_str(&approves)?,
            active: row.get(3)?,
            created_at: row.get(4)?,
        };
        let mut found = names.query([&person.id])?;
        let mut identities = Vec::new();
        while let Some(name) = found.next()? {
            let kind: String = name.get(0)?;
            identities.push(Identity {
                kind: IdentityKind::parse(&kind).ok_or_else(|| damaged("identity", &kind))?,
                value: name.get(1)?,
                source_system: name.get(2)?,
                host: name.get(3)?,
            });
        }
        people.push(Known { person, identities });
    }
    Ok(people)
}

fn damaged(what: &str, word: &str) -> StoreError {
    StoreError::Damaged(format!("{what} {word:?}"))
}

/// Writes a person, and their names if they change.
pub fn write(
    connection: &Connection,
    person: &Person,
    identities: Option<&[Identity]>,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO people (id, role, approves, active, created_at) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET role = excluded.role, approves = excluded.approves, \
         active = excluded.active",
    )?;
    insert.execute(params![
        person.id,
        person.role.as_str(),
        serde_json::to_string(&person.approves)?,
        person.active,
        person.created_at,
    ])?;
    let Some(identities) = identities else {
        return Ok(());
    };
    connection
        .prepare_cached("DELETE FROM identities WHERE person_id = ?")?
        .execute([&person.id])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO identities (person_id, number, kind, value, source_system, host) \
         VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for (number, identity) in (0_i64..).zip(identities) {
        insert.execute(params![
            person.id,
            number,
            identity.kind.as_str(),
            identity.value,
            identity.source_system,
            identity.host,
        ])?;
    }
    Ok(())
}

/// Where a text still stands, and in how many rows.
pub fn mentions(
    connection: &Connection,
    text: &str,
) -> Result<Vec<(&'static str, i64)>, StoreError> {
    let places = [
        (
            "deployments",
            "SELECT COUNT(*) FROM deployments WHERE instr(lower(COALESCE(deployed_by, '') \
             || attributes || extra_metadata), lower(?)) > 0",
        ),
        (
            "builds",
            "SELECT COUNT(*) FROM builds \
             WHERE instr(lower(attributes || extra_metadata), lower(?)) > 0",
        ),
        (
            "approvals",
            "SELECT COUNT(*) FROM approvals WHERE instr(lower(definition), lower(?)) > 0",
        ),
        (
            "rows of the log",
            "SELECT COUNT(*) FROM log \
             WHERE instr(lower(changes || COALESCE(answer, '')), lower(?)) > 0",
        ),
    ];
    let mut found = Vec::new();
    for (place, sql) in places {
        let count: i64 = connection.query_row(sql, [text], |row| row.get(0))?;
        if count > 0 {
            found.push((place, count));
        }
    }
    Ok(found)
}

impl Account {
    /// Everybody, in the order in which they were added.
    pub async fn people(&self) -> Result<Vec<Known>, StoreError> {
        self.read(read).await
    }
}
