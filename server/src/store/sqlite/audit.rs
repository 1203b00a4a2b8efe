//! Reading the log: pages of it, and whether it is whole.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::lists::Page;
use super::log::chain;
use super::{Account, open};
use crate::domain::time::rfc3339;
use crate::store::StoreError;

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
    pub async fn audit(&self, filter: AuditFilter) -> Result<Page, StoreError> {
        self.read(move |connection| page(connection, &filter)).await
    }
}

fn page(connection: &Connection, filter: &AuditFilter) -> Result<Page, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT position, at, occurred_at, actor, request_id, kind, subject, changes, status, hash \
         FROM log WHERE position < ?1 \
         AND (?2 IS NULL OR kind = ?2 OR substr(kind, 1, length(?2) + 1) = ?2 || '.') \
         AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR subject = ?4) \
         ORDER BY position DESC LIMIT ?5",
    )?;
    let mut rows = select.query(params![
        filter.before.unwrap_or(i64::MAX),
        filter.kind,
        filter.actor,
        filter.subject,
        filter.limit + 1,
    ])?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut page = Page::default();
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        if page.items.len() == limit {
            page.next_cursor = last.map(|position| position.to_string());
            break;
        }
        last = row.get(0)?;
        let changes: String = row.get(7)?;
        let hash: Vec<u8> = row.get(9)?;
        let occurred_at: Option<i64> = row.get(2)?;
        page.items.push(json!({
            "position": last,
            "at": rfc3339(row.get(1)?),
            "occurred_at": occurred_at.map(rfc3339),
            "actor": row.get::<_, String>(3)?,
            "request_id": row.get::<_, Option<String>>(4)?,
            "kind": row.get::<_, String>(5)?,
            "subject": row.get::<_, Option<String>>(6)?,
            "changes": serde_json::from_str::<Value>(&changes)?,
            "status": row.get::<_, Option<u16>>(8)?,
            "hash": hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        }));
    }
    Ok(page)
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
