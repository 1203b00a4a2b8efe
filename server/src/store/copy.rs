//! Copies accounts from a data directory to PostgreSQL and back, row by row.

use std::path::Path;

use super::flow::Command;
use super::sql::{Owned, Statements, borrowed};
use super::{StoreError, sqlite};
use crate::store::accounts::{Directory, database_url, directory_error};

/// How many rows are in memory at once, of a table that grows with every event.
pub(super) const AT_ONCE: i64 = 500;

/// The tables, with their columns. Those with a `position` as their key are read in its order.
pub(super) const TABLES: [(&str, &str, bool); 23] = [
    (
        "products",
        "id name folded archived owner alias_of created_at",
        false,
    ),
    (
        "environments",
        "id name folded type rank archived owner alias_of created_at",
        false,
    ),
    ("aliases", "kind folded name target_id", false),
    (
        "versions",
        "id product_id version scm_sha created_at pinned",
        false,
    ),
    (
        "builds",
        "position id product_id version_id status invoke_id origin created_at updated_at attributes \
         extra_metadata",
        true,
    ),
    (
        "deployments",
        "position id product_id environment_id version_id status gate exclusive invoke_id origin \
         span parts deployed_by asked_by asked asks refused_by ended_by overlapped evidence \
         created_at updated_at started_at at deployed_at expires_at lease attributes extra_metadata",
        true,
    ),
    ("spans", "span deployment_id part aborted_until", false),
    (
        "cells",
        "product_id environment_id in_progress last_id last_started_id current_id current_at \
         previous_id latest_id latest_at",
        false,
    ),
    (
        "log",
        "position at occurred_at actor request_id kind subject changes status answer hash",
        true,
    ),
    ("mentions", "deployment_id position", false),
    (
        "requests",
        "idempotency_key endpoint actor fingerprint position",
        false,
    ),
    (
        "answers",
        "idempotency_key fingerprint status body created_at",
        false,
    ),
    ("rules", "id definition created_at updated_at", false),
    ("exemptions", "id usable definition", false),
    (
        "approvals",
        "id version_id environment_id type withdrawn definition",
        false,
    ),
    ("people", "id role approves active created_at", false),
    (
        "identities",
        "person_id number kind value source_system host",
        false,
    ),
    ("settings", "name value", false),
    ("keys", "id definition hash old_hash", false),
    ("key_uses", "key_id scope last_used_at", false),
    (
        "sessions",
        "id person_id hash means created_at seen_at address agent",
        false,
    ),
    ("links", "id person_id hash expires_at used", false),
    ("passwords", "person_id hash", false),
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
    to.execute("DELETE FROM log", &[]).await?;
    for (table, columns, numbered) in TABLES {
        let columns: Vec<&str> = columns.split_ascii_whitespace().collect();
        let select = select::<F>(table, &columns, numbered);
        let insert = insert::<T>(table, &columns);
        let mut after = 0;
        loop {
            let page = [Owned::Integer(after), Owned::Integer(AT_ONCE)];
            let page = if numbered { &page[..] } else { &[] };
            let rows = from
                .rows(&select, &borrowed(page), |row| {
                    let values = (0..row.width()).map(|column| row.value(column).map(Owned::from));
                    values.collect::<Result<Vec<_>, _>>()
                })
                .await?;
            for row in &rows {
                // The last column is the place in the page.
                let (key, values) = row.split_last().unwrap_or((&Owned::Null, &[]));
                to.execute(&insert, &borrowed(values)).await?;
                if let Owned::Integer(key) = key {
                    after = *key;
                }
            }
            if !numbered || rows.is_empty() {
                break;
            }
        }
    }
    if T::SHARED {
        let sql = "SELECT setval('log_position', (SELECT MAX(position) FROM log))";
        to.exists(sql, &[]).await?;
    }
    Ok(())
}

/// A page of a table, with what the next page begins after in its last column. Where rows of the log have
/// their places after their numbers, the places are their numbers in the copy.
pub(super) fn select<F: Statements>(table: &str, columns: &[&str], numbered: bool) -> String {
    let place = F::PLACE;
    let shown = columns.iter().map(|column| match *column {
        "position" if table == "log" => format!("t.{place}"),
        "position" => format!(
            "COALESCE((SELECT l.{place} FROM log l WHERE l.position = t.position), t.position)"
        ),
        column => format!("t.{column}"),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let key = if table == "log" { place } else { "position" };
    if numbered {
        format!("SELECT {shown}, t.{key} FROM {table} t WHERE t.{key} > ? ORDER BY t.{key} LIMIT ?")
    } else {
        format!("SELECT {shown}, NULL FROM {table} t")
    }
}

fn insert<T: Statements>(table: &str, columns: &[&str]) -> String {
    let mut names = columns.join(", ");
    let mut values: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
    if T::SHARED && table == "log" {
        names = format!("place, {names}");
        values.insert(0, "?1".to_owned());
    }
    let values = values.join(", ");
    format!("INSERT INTO {table} ({names}) VALUES ({values})")
}
