//! Reading the log, page by page.

use super::lists::{MAX_PAGE, size, time};
use super::{Owned, Row, Statements, borrowed, log, params};
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::account::{Account, read};
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
        self.settle().await;
        read!(self, database => page(database, &filter))
    }
}

async fn page<S: Statements>(
    database: &S,
    filter: &AuditFilter,
) -> Result<Page<LogRow>, StoreError> {
    let place = S::PLACE;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut positions = Vec::new();
    match (&filter.kind, &filter.subject) {
        // Each kind has an order of its own in the index.
        (Some(kind), None) => {
            for kind in kinds(database, kind).await? {
                positions.extend(find(database, filter, Some(&kind)).await?);
            }
            positions.sort_unstable_by(|a, b| b.cmp(a));
            positions.dedup();
        }
        _ => positions = find(database, filter, None).await?,
    }
    let mut more = positions.len() > limit;
    positions.truncate(limit);
    let mut page = Page::default();
    let mut bytes = 0;
    let sql = format!(
        "SELECT {place}, at, occurred_at, actor, request_id, kind, subject, changes, status, hash, \
         CASE WHEN erased IS NULL THEN 0 ELSE 1 END FROM log WHERE {place} = ?"
    );
    for position in &positions {
        let read = |row: &dyn Row| Ok((size(row)?, show(row)?));
        let Some((size, row)) = database.row(&sql, &params![position], read).await? else {
            continue;
        };
        bytes += size;
        if bytes > MAX_PAGE && !page.items.is_empty() {
            more = true;
            break;
        }
        page.items.push(row);
    }
    let last = page.items.last().filter(|_| more);
    page.next_cursor = last.map(|row| row.position.to_string());
    Ok(page)
}

/// The kinds that the log has of a family, such as `rule.added` of `rule`: one step in the index each.
async fn kinds(database: &impl Statements, family: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT MIN(kind) FROM log WHERE kind >= ?1 AND kind < ?2 || '/'";
    let mut after = family.to_owned();
    let mut kinds = Vec::new();
    while let Some(kind) = database
        .row(sql, &params![after, family], |row| {
            row.get::<Option<String>>(0)
        })
        .await?
        .flatten()
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
async fn find<S: Statements>(
    database: &S,
    filter: &AuditFilter,
    kind: Option<&str>,
) -> Result<Vec<i64>, StoreError> {
    let (sql, parameters) = query(S::PLACE, filter, kind);
    let parameters = borrowed(&parameters);
    database.rows(&sql, &parameters, |row| row.get(0)).await
}

/// A `+` keeps a condition from choosing the index: the most selective filter does.
fn query(place: &str, filter: &AuditFilter, kind: Option<&str>) -> (String, Vec<Owned>) {
    let mut sql = format!("SELECT {place} FROM log WHERE {place} < ?");
    let before = filter.before.unwrap_or(i64::MAX);
    let mut parameters = vec![Owned::Integer(before)];
    if let Some(subject) = &filter.subject {
        sql += " AND subject = ?";
        parameters.push(Owned::Text(subject.clone()));
        if let Some(kind) = &filter.kind {
            sql += " AND (+kind = ? OR substr(kind, 1, length(?) + 1) = ? || '.')";
            parameters.extend([kind, kind, kind].map(|kind| Owned::Text(kind.clone())));
        }
    }
    if let Some(kind) = kind {
        sql += " AND kind = ?";
        parameters.push(Owned::Text(kind.to_owned()));
    }
    if let Some(actor) = &filter.actor {
        let plus = if kind.is_some() || filter.subject.is_some() {
            "+"
        } else {
            ""
        };
        sql += &format!(" AND {plus}actor = ?");
        parameters.push(Owned::Text(actor.clone()));
    }
    sql += &format!(" ORDER BY {place} DESC LIMIT ?");
    parameters.push(Owned::Integer(filter.limit + 1));
    (sql, parameters)
}

fn show(row: &dyn Row) -> Result<LogRow, StoreError> {
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
        hash: log::hex(&hash),
        erased: row.get(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{explain, open_account};

    #[test]
    fn every_filter_has_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_account(&folder.path().join("a.db")).unwrap();
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
                let (sql, parameters) = query("position", &filter, kind);
                let parameters = borrowed(&parameters);
                let plan = explain(&connection, &sql, &parameters);
                let index = if kind.is_some() { "log_by_kind" } else { index };
                assert!(plan.contains(index), "{filter:?}\n{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
            }
        }
    }
}
