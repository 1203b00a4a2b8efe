//! Taking names out of everything that is stored, the log among it.

use super::log::{LOCK_PLACES, rewritten};
use super::{Owned, Row, Statements, borrowed};
use crate::domain::erasure::Erasure;
use crate::store::StoreError;

/// How many rows are looked at by one statement: bounds how long it takes.
const AT_ONCE: usize = 5000;

/// How a column names people.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// It is who did something.
    Who,
    /// It is JSON with such members.
    Json,
    /// It is what others have sent as metadata.
    Metadata,
}

/// A table that names people.
struct Table {
    name: &'static str,
    key: &'static str,
    /// Before the first key.
    start: fn() -> Owned,
    columns: &'static [(&'static str, Form)],
    /// What else is written where something is taken out.
    besides: &'static str,
}

const fn numbered(name: &'static str, columns: &'static [(&'static str, Form)]) -> Table {
    Table {
        name,
        key: "position",
        start: || Owned::Integer(i64::MIN),
        columns,
        besides: "",
    }
}

const fn named(
    name: &'static str,
    key: &'static str,
    columns: &'static [(&'static str, Form)],
) -> Table {
    Table {
        name,
        key,
        start: || Owned::Text(String::new()),
        columns,
        besides: "",
    }
}

const LOG: Table = Table {
    // A row without a hash has no place yet, and gets the hash of what it then is.
    besides: ", erased = CASE WHEN hash IS NULL THEN NULL ELSE 1 END",
    ..numbered(
        "log",
        &[
            ("actor", Form::Who),
            ("changes", Form::Json),
            ("answer", Form::Json),
        ],
    )
};
const DEPLOYMENTS: Table = numbered(
    "deployments",
    &[
        ("deployed_by", Form::Who),
        ("asked_by", Form::Who),
        ("ended_by", Form::Json),
        ("attributes", Form::Json),
        ("extra_metadata", Form::Metadata),
    ],
);
const BUILDS: Table = numbered("builds", &[("attributes", Form::Json)]);
const OTHERS: [Table; 7] = [
    named("approvals", "id", &[("definition", Form::Json)]),
    named("exemptions", "id", &[("definition", Form::Json)]),
    named("rules", "id", &[("definition", Form::Json)]),
    named("settings", "name", &[("value", Form::Json)]),
    named("products", "id", &[("owner", Form::Who)]),
    named("environments", "id", &[("owner", Form::Who)]),
    // What a version before the log has answered.
    named("answers", "idempotency_key", &[("body", Form::Json)]),
];

/// From how many rows names were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Rows of the log.
    pub log: i64,
    /// Deployments.
    pub deployments: i64,
    /// Builds.
    pub builds: i64,
    /// Whatever else.
    pub others: i64,
    /// A digest of every row of the log that was rewritten, by this or before.
    pub digest: String,
}

impl Erased {
    /// Whether there was nothing to take.
    pub fn is_nothing(&self) -> bool {
        self.log + self.deployments + self.builds + self.others == 0
    }
}

/// Takes the names out. Nobody else may write of deployments, or decide anything, meanwhile.
pub async fn erase<S: Statements>(database: &S, erasure: &Erasure) -> Result<Erased, StoreError> {
    if S::SHARED {
        // Nobody makes the hash of a row that is rewritten at the same time.
        database.exists(LOCK_PLACES, &[]).await?;
    } else {
        // What is overwritten does not stay on the page.
        database.exists("PRAGMA secure_delete = ON", &[]).await?;
    }
    let mut erased = Erased {
        log: sweep(database, &LOG, erasure).await?,
        deployments: sweep(database, &DEPLOYMENTS, erasure).await?,
        builds: sweep(database, &BUILDS, erasure).await?,
        ..Erased::default()
    };
    for table in &OTHERS {
        erased.others += sweep(database, table, erasure).await?;
    }
    erased.digest = rewritten(database).await?;
    Ok(erased)
}

/// Takes the names out of a table, and counts the rows that had one.
async fn sweep<S: Statements>(
    database: &S,
    table: &Table,
    erasure: &Erasure,
) -> Result<i64, StoreError> {
    let (name, key) = (table.name, table.key);
    let last = format!(
        "SELECT MAX({key}) FROM (SELECT {key} FROM {name} WHERE {key} > ? ORDER BY {key} \
         LIMIT {AT_ONCE}) part"
    );
    let (find, names) = find(table, erasure);
    let sets: Vec<_> = table.columns.iter().map(|(column, _)| column).collect();
    let sets: Vec<_> = sets.iter().map(|column| format!("{column} = ?")).collect();
    let update = format!(
        "UPDATE {name} SET {}{} WHERE {key} = ?",
        sets.join(", "),
        table.besides
    );
    let (mut after, mut count) = ((table.start)(), 0);
    loop {
        let up_to = database
            .row(&last, &[&after], |row| Ok(Owned::from(row.value(0)?)))
            .await?;
        let Some(up_to) = up_to.filter(|up_to| !matches!(up_to, Owned::Null)) else {
            return Ok(count);
        };
        let mut parameters = vec![after, up_to.clone()];
        parameters.extend(names.iter().cloned());
        let found = database
            .rows(&find, &borrowed(&parameters), |row| {
                without(table, erasure, row)
            })
            .await?;
        for row in found.into_iter().flatten() {
            database.execute(&update, &borrowed(&row)).await?;
            count += 1;
        }
        after = up_to;
    }
}

/// The statement that finds rows of a part that may have a name, and the names that it takes. SQL knows
/// letter case of ASCII alone: where a name has another letter, every row is read.
fn find(table: &Table, erasure: &Erasure) -> (String, Vec<Owned>) {
    let (name, key) = (table.name, table.key);
    let columns: Vec<_> = table.columns.iter().map(|(column, _)| *column).collect();
    let mut names: Vec<&String> = erasure.names().iter().collect();
    let plain = |name: &&String| name.is_ascii() && !name.contains(['"', '\\']);
    if !names.iter().all(plain) {
        names.clear();
    }
    let text = columns
        .iter()
        .map(|column| format!("COALESCE({column}, '')"));
    let text = text.collect::<Vec<_>>().join(" || ");
    let has = (0..names.len()).map(|number| format!("instr(lower({text}), ?{}) > 0", number + 3));
    let mut has = has.collect::<Vec<_>>().join(" OR ");
    if has.is_empty() {
        has = "1 = 1".to_owned();
    }
    let sql = format!(
        "SELECT {key}, {} FROM {name} WHERE {key} > ?1 AND {key} <= ?2 AND ({has}) ORDER BY {key}",
        columns.join(", ")
    );
    let names = names.into_iter().map(|name| Owned::Text(name.clone()));
    (sql, names.collect())
}

/// The columns of a row without the names, and its key behind them; nothing if it has none.
fn without(
    table: &Table,
    erasure: &Erasure,
    row: &dyn Row,
) -> Result<Option<Vec<Owned>>, StoreError> {
    let mut found = false;
    let mut values = Vec::with_capacity(table.columns.len() + 1);
    for (number, (_, form)) in table.columns.iter().enumerate() {
        let text: Option<String> = row.get(number + 1)?;
        let other = text.as_deref().and_then(|text| match form {
            Form::Who => erasure.who(text),
            Form::Json => erasure.json(text),
            Form::Metadata => erasure.metadata(text),
        });
        found |= other.is_some();
        values.push(other.or(text).map_or(Owned::Null, Owned::Text));
    }
    values.push(Owned::from(row.value(0)?));
    Ok(found.then_some(values))
}
