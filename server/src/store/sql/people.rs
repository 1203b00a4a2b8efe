//! People, and the names that they are known by.

use super::{Parameter, Statements, params};
use crate::domain::people::{Identity, IdentityKind, Known, Person, Role};
use crate::store::StoreError;
use crate::store::account::{self, Account};

/// Everybody, in the order in which they were added.
pub async fn read(database: &impl Statements) -> Result<Vec<Known>, StoreError> {
    select(database, None).await
}

/// One person by the identifier.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Known>, StoreError> {
    Ok(select(database, Some(id)).await?.pop())
}

async fn select(database: &impl Statements, id: Option<&str>) -> Result<Vec<Known>, StoreError> {
    let of = |column| match id {
        Some(_) => format!("WHERE {column} = ?"),
        None => String::new(),
    };
    let parameters: Vec<&dyn Parameter> = id.iter().map(|id| id as &dyn Parameter).collect();
    let sql = format!(
        "SELECT id, role, approves, active, created_at FROM people {} ORDER BY id",
        of("id")
    );
    let people = database
        .rows(&sql, &parameters, |row| {
            let (role, approves): (String, String) = (row.get(1)?, row.get(2)?);
            let person = Person {
                id: row.get(0)?,
                role: Role::parse(&role).ok_or_else(|| damaged("role", &role))?,
                approves: serde_json::from_str(&approves)?,
                active: row.get(3)?,
                created_at: row.get(4)?,
            };
            Ok(Known {
                person,
                identities: Vec::new(),
            })
        })
        .await;
    let mut people = people?;
    let sql = format!(
        "SELECT kind, value, source_system, host, person_id FROM identities {} \
         ORDER BY person_id, number",
        of("person_id")
    );
    let identities = database
        .rows(&sql, &parameters, |row| {
            let kind: String = row.get(0)?;
            let identity = Identity {
                kind: IdentityKind::parse(&kind).ok_or_else(|| damaged("identity", &kind))?,
                value: row.get(1)?,
                source_system: row.get(2)?,
                host: row.get(3)?,
            };
            Ok((row.get::<String>(4)?, identity))
        })
        .await;
    for (id, identity) in identities? {
        if let Ok(at) = people.binary_search_by(|known| known.person.id.cmp(&id)) {
            people[at].identities.push(identity);
        }
    }
    Ok(people)
}

fn damaged(what: &str, word: &str) -> StoreError {
    StoreError::Damaged(format!("{what} {word:?}"))
}

/// Writes a person, and their names if they change.
pub async fn write(
    database: &impl Statements,
    person: &Person,
    identities: Option<&[Identity]>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO people (id, role, approves, active, created_at) VALUES (?, ?, ?, ?, ?) \
        ON CONFLICT (id) DO UPDATE SET role = excluded.role, approves = excluded.approves, \
        active = excluded.active";
    let approves = serde_json::to_string(&person.approves)?;
    let parameters = params![
        person.id,
        person.role.as_str(),
        approves,
        person.active,
        person.created_at,
    ];
    database.execute(sql, &parameters).await?;
    let Some(identities) = identities else {
        return Ok(());
    };
    let sql = "DELETE FROM identities WHERE person_id = ?";
    database.execute(sql, &params![person.id]).await?;
    let sql = "INSERT INTO identities (person_id, number, kind, value, source_system, host) \
        VALUES (?, ?, ?, ?, ?, ?)";
    for (number, identity) in (0_i64..).zip(identities) {
        let parameters = params![
            person.id,
            number,
            identity.kind.as_str(),
            identity.value,
            identity.source_system,
            identity.host,
        ];
        database.execute(sql, &parameters).await?;
    }
    Ok(())
}

/// Where a text still stands beside `identities`, and in how many rows.
pub async fn mentions<S: Statements>(
    database: &S,
    text: &str,
) -> Result<Vec<(&'static str, i64)>, StoreError> {
    // What others have sent need not be text; PostgreSQL writes bytes that are none as numbers.
    let body = if S::SHARED {
        "encode(body, 'escape')"
    } else {
        "CAST(body AS TEXT)"
    };
    let queue = format!("head || {body}");
    let places = [
        (
            "deployments",
            "deployments",
            "COALESCE(deployed_by, '') || attributes || extra_metadata",
        ),
        ("builds", "builds", "attributes || extra_metadata"),
        ("approvals", "approvals", "definition"),
        ("rules", "rules", "definition"),
        ("exemptions", "exemptions", "definition"),
        ("API keys", "keys", "definition"),
        (
            "rows of the log",
            "log",
            "actor || changes || COALESCE(answer, '')",
        ),
        ("rows of the queue", "queue", &queue),
    ];
    let mut found = Vec::new();
    for (place, table, column) in places {
        let sql =
            format!("SELECT COUNT(*) FROM {table} WHERE instr(lower({column}), lower(?)) > 0");
        let count = database
            .row(&sql, &params![text], |row| row.get::<i64>(0))
            .await;
        if let Some(count) = count?.filter(|count| *count > 0) {
            found.push((place, count));
        }
    }
    Ok(found)
}

impl Account {
    /// Everybody, in the order in which they were added.
    pub async fn people(&self) -> Result<Vec<Known>, StoreError> {
        account::read!(self, database => read(database))
    }
}
