//! Copies accounts from a data directory to PostgreSQL and back, row by row.

use std::path::Path;

use super::flow::Command;
use super::sql::{Owned, Statements, borrowed};
use super::{StoreError, sqlite};
use crate::store::accounts::{Directory, database_url, directory_error};

/// How many rows are in memory at once.
const AT_ONCE: i64 = 500;

/// A table, what is in it, and the key in whose order it is read.
pub(super) struct Table {
    pub name: &'static str,
    key: &'static [&'static str],
    columns: &'static str,
}

const fn table(name: &'static str, key: &'static [&'static str], columns: &'static str) -> Table {
    Table { name, key, columns }
}

pub(super) const TABLES: [Table; 33] = [
    table(
        "products",
        &["id"],
        "id name folded archived owner alias_of created_at",
    ),
    table(
        "environments",
        &["id"],
        "id name folded type rank archived owner alias_of created_at",
    ),
    table("aliases", &["kind", "folded"], "kind folded name target_id"),
    table(
        "versions",
        &["id"],
        "id product_id version scm_sha created_at pinned",
    ),
    table(
        "builds",
        &["position"],
        "position id product_id version_id status invoke_id origin created_at updated_at attributes \
         extra_metadata",
    ),
    table(
        "deployments",
        &["position"],
        "position id product_id environment_id version_id status gate exclusive invoke_id origin \
         span parts deployed_by asked_by asked asks refused_by ended_by overlapped evidence \
         created_at updated_at started_at at deployed_at expires_at lease attributes extra_metadata",
    ),
    table("spans", &["span"], "span deployment_id part aborted_until"),
    table(
        "cells",
        &["product_id", "environment_id"],
        "product_id environment_id in_progress last_id last_started_id current_id current_at \
         previous_id latest_id latest_at",
    ),
    table(
        "log",
        &["position"],
        "position at occurred_at actor request_id kind subject changes status answer hash erased",
    ),
    table(
        "mentions",
        &["deployment_id", "position"],
        "deployment_id position",
    ),
    table(
        "requests",
        &["idempotency_key", "endpoint", "actor"],
        "idempotency_key endpoint actor fingerprint position",
    ),
    table(
        "answers",
        &["idempotency_key"],
        "idempotency_key fingerprint status body created_at",
    ),
    table("rules", &["id"], "id definition created_at updated_at"),
    table("exemptions", &["id"], "id usable definition"),
    table(
        "approvals",
        &["id"],
        "id version_id environment_id type withdrawn definition",
    ),
    table("people", &["id"], "id role approves active created_at"),
    table(
        "identities",
        &["person_id", "number"],
        "person_id number kind value source_system host",
    ),
    table("settings", &["name"], "name value"),
    table("keys", &["id"], "id definition hash old_hash"),
    table(
        "key_uses",
        &["key_id", "scope"],
        "key_id scope last_used_at",
    ),
    table(
        "sessions",
        &["id"],
        "id person_id hash means created_at seen_at address agent",
    ),
    table("links", &["id"], "id person_id hash expires_at used"),
    table("slack", &["id"], "id definition followed lease lease_until"),
    table(
        "slack_messages",
        &["id"],
        "id kind subject topic channel ts wanted sent shown not_before attempts open error created_at \
         posting scm_sha",
    ),
    table(
        "slack_codes",
        &["hash"],
        "hash team user_id user_name expires_at",
    ),
    table("passwords", &["person_id"], "person_id hash"),
    table("secrets", &["name"], "name sealed"),
    table("sources", &["id"], "id definition"),
    table("buttons", &["product_id"], "product_id definition"),
    table(
        "queue",
        &["id"],
        "id kind topic key state attempts created_at not_before lease ended_at error result head size \
         body",
    ),
    table("webhooks", &["id"], "id definition failing_since"),
    table(
        "attempts",
        &["item_id", "at"],
        "item_id at millis status error excerpt",
    ),
    table("announced", &["follower"], "follower place"),
];

/// Copies every account of `from` to `to`; one of them is a directory, the other the address of a
/// database. Each account is as it was at one moment. Answers how many there are.
///
/// # Errors
/// [`StoreError::Exists`] if the directory or an account is there already, another if one of them cannot
/// be used.
pub fn copy(from: &Path, to: &Path, actor: &str, now: i64) -> Result<usize, StoreError> {
    if database_url(from).is_some() == database_url(to).is_some() {
        return Err(StoreError::SameKind);
    }
    if database_url(to).is_none() && to.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(directory_error(to, exists));
    }
    let source = Directory::open(from)?;
    let target = Directory::open_to_serve(to)?;
    let accounts = source.account_names()?;
    let known = target.account_names()?;
    if let Some(account) = accounts.iter().find(|account| known.contains(account)) {
        return Err(StoreError::Exists(account.clone()));
    }
    for account in &accounts {
        let note = Command::Note {
            kind: "account.copied",
            message: format!("A copy to {} was begun", kind_of(to)),
        };
        source.write(account, actor, note, now)?;
        source.copy_account(&target, account, now)?;
    }
    Ok(accounts.len())
}

/// What the log says of where something went: an address may have a password in it.
fn kind_of(place: &Path) -> String {
    match database_url(place) {
        Some(_) => "a database of PostgreSQL".to_owned(),
        None => place.display().to_string(),
    }
}

/// Writes an account of a data directory to the transaction of another database.
pub async fn from_file(path: &Path, to: &impl Statements) -> Result<(), StoreError> {
    let source = sqlite::open_account(path)?;
    let transaction = source.unchecked_transaction()?;
    rows(&*transaction, to).await
}

/// Writes the account of a transaction to a new file.
pub async fn to_file(from: &impl Statements, path: &Path) -> Result<(), StoreError> {
    let target = sqlite::open_account(path)?;
    // Tables refer to one another, and come in no such order.
    target.pragma_update(None, "foreign_keys", "OFF")?;
    let transaction = target.unchecked_transaction()?;
    rows(from, &*transaction).await?;
    Ok(transaction.commit()?)
}

async fn rows<F: Statements, T: Statements>(from: &F, to: &T) -> Result<(), StoreError> {
    // A new account has these rows already.
    for table in ["log", "announced"] {
        to.execute(&format!("DELETE FROM {table}"), &[]).await?;
    }
    for table in &TABLES {
        let mut pages = Pages::of(table);
        loop {
            let page = pages.next(from).await?;
            if page.is_empty() {
                break;
            }
            write(to, table.name, &pages.columns, &page).await?;
        }
    }
    if T::SHARED {
        let sql = "SELECT setval('log_position', (SELECT MAX(position) FROM log))";
        to.exists(sql, &[]).await?;
    }
    Ok(())
}

/// Reads a table page by page.
pub(super) struct Pages<'t> {
    table: &'t Table,
    pub columns: Vec<&'t str>,
    /// The key of the last row that was read.
    last: Vec<Owned>,
}

impl<'t> Pages<'t> {
    pub fn of(table: &'t Table) -> Pages<'t> {
        Pages {
            table,
            columns: table.columns.split_ascii_whitespace().collect(),
            last: Vec::new(),
        }
    }

    /// The next rows; none if there are no more.
    pub async fn next<F: Statements>(&mut self, from: &F) -> Result<Vec<Vec<Owned>>, StoreError> {
        let select = self.select::<F>();
        let mut parameters = std::mem::take(&mut self.last);
        parameters.push(Owned::Integer(AT_ONCE));
        let mut rows = from
            .rows(&select, &borrowed(&parameters), |row| {
                let values = (0..row.width()).map(|column| row.value(column).map(Owned::from));
                values.collect::<Result<Vec<_>, _>>()
            })
            .await?;
        for row in &mut rows {
            // The key stands behind the columns.
            self.last = row.split_off(self.columns.len());
        }
        Ok(rows)
    }

    /// The statement for the next rows. Where rows of the log have their places after their numbers, the
    /// places are their numbers in the copy.
    fn select<F: Statements>(&self) -> String {
        let (name, place) = (self.table.name, F::PLACE);
        let shown = self.columns.iter().map(|column| match *column {
            "position" if name == "log" => format!("t.{place}"),
            "position" => format!(
                "COALESCE((SELECT l.{place} FROM log l WHERE l.position = t.position), t.position)"
            ),
            column => format!("t.{column}"),
        });
        let key = self.table.key.iter().map(|column| match *column {
            "position" if name == "log" => format!("t.{place}"),
            column => format!("t.{column}"),
        });
        let key = key.collect::<Vec<_>>().join(", ");
        let shown = shown.collect::<Vec<_>>().join(", ");
        let after = match (self.last.len(), name) {
            // What has no place yet is not committed for whoever reads.
            (0, "log") => format!("WHERE {key} IS NOT NULL"),
            (0, _) => String::new(),
            (width, _) => format!("WHERE ({key}) > ({})", vec!["?"; width].join(", ")),
        };
        format!("SELECT {shown}, {key} FROM {name} t {after} ORDER BY {key} LIMIT ?")
    }
}

/// Writes a page: over the wire in one statement.
async fn write<T: Statements>(
    to: &T,
    table: &str,
    columns: &[&str],
    page: &[Vec<Owned>],
) -> Result<(), StoreError> {
    let has_place = T::SHARED && table == "log";
    let mut names = columns.join(", ");
    if has_place {
        names = format!("place, {names}");
    }
    let width = columns.len();
    for rows in page.chunks(if T::SHARED { page.len() } else { 1 }) {
        let mut sql = format!("INSERT INTO {table} ({names}) VALUES ");
        for row in 0..rows.len() {
            let first = row * width + 1;
            let mut values: Vec<String> = (first..first + width).map(|n| format!("?{n}")).collect();
            if has_place {
                values.insert(0, format!("?{first}"));
            }
            let comma = if row == 0 { "" } else { ", " };
            sql += &format!("{comma}({})", values.join(", "));
        }
        let values: Vec<Owned> = rows.iter().flatten().cloned().collect();
        to.execute(&sql, &borrowed(&values)).await?;
    }
    Ok(())
}
