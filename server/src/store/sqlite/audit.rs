//! Reading the log: pages of it, and whether it is whole.

use std::path::Path;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::lists::time;
use super::log::chain;
use super::{Account, open};
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::views::{LogRow, Page};

/// Which rows of the log, and how many.
#[derive(Debug, Default)]
pub struct AuditFilter {
    /// Only of this kind, or of kinds that begin with it: `rule` has `rule.added`.
    pub kind: Option<String>,
    /// Only by this actor.
    pub actor: Option<String>,
    /// Only about this thing.
    pub subject: Option<String>,
    /// Only before this position.
    pub before: Option<i64>,
    /// The most rows.
    pub limit: i64,
}

impl Account {
    /// A page of the log, newest first.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Page<LogRow>, StoreError> {
        self.read(move |connection| page(connection, &filter)).await
    }
}

fn page(connection: &Connection, filter: &AuditFilter) -> Result<Page<LogRow>, StoreError> {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut positions = Vec::new();
    match (&filter.kind, &filter.subject) {
        // Each kind has an order of its own in the index.
        (Some(kind), None) => {
            for kind in kinds(connection, kind)? {
                positions.extend(find(connection, filter, Some(&kind))?);
            }
            positions.sort_unstable_by(|a, b| b.cmp(a));
            positions.dedup();
        }
        _ => positions = find(connection, filter, None)?,
    }
    let more = positions.len() > limit;
    positions.truncate(limit);
    let mut page = Page::default();
    let mut select = connection.prepare_cached(
        "SELECT position, at, occurred_at, actor, request_id, kind, subject, changes, status, hash \
         FROM log WHERE position = ?",
    )?;
    for position in &positions {
        let mut rows = select.query([position])?;
        if let Some(row) = rows.next()? {
            page.items.push(show(row)?);
        }
    }
    page.next_cursor = positions.last().filter(|_| more).map(ToString::to_string);
    Ok(page)
}

/// The kinds that the log has of a family, such as `rule.added` of `rule`: one step in the index each.
fn kinds(connection: &Connection, family: &str) -> Result<Vec<String>, StoreError> {
    let mut next = connection
        .prepare_cached("SELECT MIN(kind) FROM log WHERE kind >= ?1 AND kind < ?2 || '/'")?;
    let mut after = family.to_owned();
    let mut kinds = Vec::new();
    while let Some(kind) =
        next.query_row([&after, family], |row| row.get::<_, Option<String>>(0))?
    {
        after = format!("{kind}\u{1}");
        let rest = kind.strip_prefix(family).unwrap_or("-");
        if rest.is_empty() || rest.starts_with('.') {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// The newest rows of the log that the filter lets through, one more than it asks for.
fn find(
    connection: &Connection,
    filter: &AuditFilter,
    kind: Option<&str>,
) -> Result<Vec<i64>, StoreError> {
    let (sql, parameters) = query(filter, kind);
    let mut select = connection.prepare_cached(&sql)?;
    let positions = select.query_map(params_from_iter(parameters), |row| row.get(0))?;
    Ok(positions.collect::<Result<_, _>>()?)
}

/// A `+` keeps a condition from choosing the index: the most selective filter does.
fn query(filter: &AuditFilter, kind: Option<&str>) -> (String, Vec<SqlValue>) {
    let mut sql = "SELECT position FROM log WHERE position < ?".to_owned();
    let before = filter.before.unwrap_or(i64::MAX);
    let mut parameters: Vec<SqlValue> = vec![before.into()];
    if let Some(subject) = &filter.subject {
        sql += " AND subject = ?";
        parameters.push(subject.clone().into());
        if let Some(kind) = &filter.kind {
            sql += " AND (+kind = ? OR substr(kind, 1, length(?) + 1) = ? || '.')";
            parameters.extend([kind, kind, kind].map(|kind| kind.clone().into()));
        }
    }
    if let Some(kind) = kind {
        sql += " AND kind = ?";
        parameters.push(kind.to_owned().into());
    }
    if let Some(actor) = &filter.actor {
        let plus = if kind.is_some() || filter.subject.is_some() {
            "+"
        } else {
            ""
        };
        sql += &format!(" AND {plus}actor = ?");
        parameters.push(actor.clone().into());
    }
    sql += " ORDER BY position DESC LIMIT ?";
    parameters.push((filter.limit + 1).into());
    (sql, parameters)
}

fn show(row: &Row<'_>) -> Result<LogRow, StoreError> {
    let changes: String = row.get(7)?;
    let hash: Vec<u8> = row.get(9)?;
    Ok(LogRow {
        position: row.get(0)?,
        at: rfc3339(row.get(1)?),
        occurred_at: time(row, 2)?,
        actor: row.get(3)?,
        request_id: row.get(4)?,
        kind: row.get(5)?,
        subject: row.get(6)?,
        changes: serde_json::from_str(&changes)?,
        status: row.get(8)?,
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// When the last row of the log arrived, in microseconds since 1970.
///
/// # Errors
/// When the database at `path` cannot be read.
pub fn last_at(path: &Path) -> Result<i64, StoreError> {
    let connection = open::open_to_read(path)?;
    let select = "SELECT at FROM log ORDER BY position DESC LIMIT 1";
    Ok(connection.query_row(select, [], |row| row.get(0))?)
}

/// A row of the log in short.
#[derive(Debug)]
pub struct Told {
    /// When it arrived, in microseconds since 1970.
    pub at: i64,
    /// What it was.
    pub kind: String,
    /// What it was about.
    pub subject: Option<String>,
    /// Who did it.
    pub actor: String,
}

/// What the log of the database at `path` tells of a family of kinds, such as `rule`, since a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn since(path: &Path, family: &str, moment: i64) -> Result<Vec<Told>, StoreError> {
    let connection = open::open_to_read(path)?;
    let mut select = connection.prepare(
        "SELECT at, kind, subject, actor FROM log \
         WHERE kind >= ?1 || '.' AND kind < ?1 || '/' AND at >= ?2 ORDER BY position",
    )?;
    let told = select.query_map(params![family, moment], |row| {
        Ok(Told {
            at: row.get(0)?,
            kind: row.get(1)?,
            subject: row.get(2)?,
            actor: row.get(3)?,
        })
    })?;
    Ok(told.collect::<Result<_, _>>()?)
}

/// Checks the log of an account from its first row to its last, and counts them.
///
/// # Errors
/// [`StoreError::Damaged`] with the first row that does not fit the one before.
pub fn verify_log(directory: &Path, account: &str) -> Result<u64, StoreError> {
    let path = directory.join("accounts").join(format!("{account}.db"));
    let connection = open::open_to_read(&path)?;
    let mut select = connection.prepare(
        "SELECT position, at, occurred_at, actor, request_id, kind, subject, changes, answer, hash \
         FROM log ORDER BY position",
    )?;
    let mut rows = select.query([])?;
    let mut before: Option<(i64, Vec<u8>)> = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (position, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let occurred_at: Option<i64> = row.get(2)?;
        let text = |index| {
            row.get::<_, Option<String>>(index)
                .map(Option::unwrap_or_default)
        };
        let texts = [text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, text(8)?];
        let hash: Vec<u8> = row.get(9)?;
        if let Some((last, last_hash)) = &before {
            let numbers = [position, at, occurred_at.unwrap_or(at)];
            let fits = chain(last_hash, numbers, texts.each_ref().map(String::as_str));
            if position != last + 1 || hash != fits {
                let msg = format!("the log does not go on from row {last} to row {position}");
                return Err(StoreError::Damaged(msg));
            }
        }
        before = Some((position, hash));
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::account::MIGRATIONS;

    #[test]
    fn every_filter_has_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open::open(&folder.path().join("a.db"), &MIGRATIONS).unwrap();
        let text = || Some("x".to_owned());
        let filters = [
            (None, None, "PRIMARY KEY"),
            (text(), None, "log_by_actor"),
            (None, text(), "log_by_subject"),
            (text(), text(), "log_by_subject"),
        ];
        for (actor, subject, index) in filters {
            for kind in [None, Some("rule.added")] {
                let filter = AuditFilter {
                    kind: kind.map(str::to_owned),
                    actor: actor.clone(),
                    subject: subject.clone(),
                    before: Some(9),
                    limit: 50,
                };
                let kind = kind.filter(|_| subject.is_none());
                let (sql, parameters) = query(&filter, kind);
                let mut explain = connection
                    .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                    .unwrap();
                let steps = explain
                    .query_map(params_from_iter(parameters), |row| row.get::<_, String>(3))
                    .unwrap();
                let plan = steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n");
                let index = if kind.is_some() { "log_by_kind" } else { index };
                assert!(plan.contains(index), "{filter:?}\n{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
            }
        }
    }
}
