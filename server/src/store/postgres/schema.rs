//! The schemas, and the steps to the present ones.
//!
//! Most steps add something that a server of before does not miss: it works on beside a newer one. A step
//! that takes something away says in `needs` how many steps a server must know from then on, and those that
//! know fewer stop.

use tokio_postgres::Client;

use crate::store::StoreError;

/// The steps of the catalogue.
const CATALOG: [&str; 2] = [
    include_str!("../../../migrations/postgres/0001_catalog.sql"),
    include_str!("../../../migrations/postgres/0002_catalog.sql"),
];
/// The steps of an account.
const ACCOUNT: [&str; 14] = [
    include_str!("../../../migrations/postgres/0001_account.sql"),
    include_str!("../../../migrations/postgres/0002_sessions.sql"),
    include_str!("../../../migrations/postgres/0003_fewer_indexes.sql"),
    include_str!("../../../migrations/postgres/0004_standing.sql"),
    include_str!("../../../migrations/postgres/0005_queue.sql"),
    include_str!("../../../migrations/postgres/0006_secrets.sql"),
    include_str!("../../../migrations/postgres/0007_webhooks.sql"),
    include_str!("../../../migrations/postgres/0008_slack.sql"),
    include_str!("../../../migrations/postgres/0009_sources.sql"),
    include_str!("../../../migrations/postgres/0010_turns.sql"),
    include_str!("../../../migrations/postgres/0011_slack_posting.sql"),
    include_str!("../../../migrations/postgres/0012_erased.sql"),
    include_str!("../../../migrations/postgres/0013_slack_seen.sql"),
    include_str!("../../../migrations/postgres/0014_buttons.sql"),
];
/// Where the steps that are done are counted.
const STEPS: &str = "CREATE TABLE IF NOT EXISTS schema_steps (done BIGINT NOT NULL)";
/// The schema in which the accounts are named.
pub const CATALOG_SCHEMA: &str = "versioner";

/// The schema of an account.
pub fn of_account(name: &str) -> String {
    format!("account_{name}")
}

/// How many steps of the catalogue there are.
pub fn catalog_steps() -> i64 {
    CATALOG.len() as i64
}

/// How many steps of an account there are.
pub fn account_steps() -> i64 {
    ACCOUNT.len() as i64
}

/// Makes the catalogue where it does not exist, and brings it up to date.
pub async fn migrate_catalog(client: &mut Client) -> Result<(), StoreError> {
    migrate(client, CATALOG_SCHEMA, &CATALOG).await
}

/// Makes the schema of an account where it does not exist, and brings it up to date.
pub async fn migrate_account(client: &mut Client, schema: &str) -> Result<(), StoreError> {
    migrate(client, schema, &ACCOUNT).await
}

/// Makes the schema of an account in an open transaction that is never committed.
pub async fn make(client: &Client, schema: &str) -> Result<(), StoreError> {
    client
        .batch_execute(&format!(
            "CREATE SCHEMA \"{schema}\"; SET LOCAL search_path TO \"{schema}\"; {STEPS}"
        ))
        .await?;
    for step in ACCOUNT {
        client.batch_execute(step).await?;
    }
    Ok(())
}

/// Does the steps that are not done. Servers that start together do so one after the other.
async fn migrate(client: &mut Client, schema: &str, steps: &[&str]) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "SET LOCAL lock_timeout = '60s'; \
             SELECT pg_advisory_xact_lock(hashtextextended('versioner migrations', 0))",
        )
        .await?;
    transaction
        .batch_execute(&format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; SET LOCAL search_path TO \"{schema}\"; {STEPS}"
        ))
        .await?;
    // The first schemas have no column `needs`.
    let sql = "SELECT done, COALESCE((to_jsonb(s) ->> 'needs')::bigint, 0) FROM schema_steps s";
    let found = transaction.query_opt(sql, &[]).await?;
    let (done, needs): (i64, i64) = match &found {
        Some(row) => (row.get(0), row.get(1)),
        None => (0, 0),
    };
    let known = steps.len() as i64;
    if needs > known {
        return Err(StoreError::TooNew(format!("the schema {schema}")));
    }
    for step in steps.iter().skip(usize::try_from(done).unwrap_or(0)) {
        transaction.batch_execute(step).await?;
    }
    if done < known {
        let sql = match found {
            Some(_) => "UPDATE schema_steps SET done = $1",
            None => "INSERT INTO schema_steps (done) VALUES ($1)",
        };
        transaction.execute(sql, &[&known]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
