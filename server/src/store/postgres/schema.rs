//! The schemas, and the steps to the present ones.

use tokio_postgres::Client;

use crate::store::StoreError;

/// The steps of the catalogue.
const CATALOG: [&str; 1] = [include_str!(
    "../../../migrations/postgres/0001_catalog.sql"
)];
/// The steps of an account.
const ACCOUNT: [&str; 3] = [
    include_str!("../../../migrations/postgres/0001_account.sql"),
    include_str!("../../../migrations/postgres/0002_sessions.sql"),
    include_str!("../../../migrations/postgres/0003_fewer_indexes.sql"),
];
/// The schema in which the accounts are named.
pub const CATALOG_SCHEMA: &str = "versioner";

/// The schema of an account.
pub fn of_account(name: &str) -> String {
    format!("account_{name}")
}

/// Makes the catalogue where it does not exist, and brings it up to date.
pub async fn migrate_catalog(client: &mut Client) -> Result<(), StoreError> {
    migrate(client, CATALOG_SCHEMA, &CATALOG).await
}

/// Makes the schema of an account where it does not exist, and brings it up to date.
pub async fn migrate_account(client: &mut Client, schema: &str) -> Result<(), StoreError> {
    migrate(client, schema, &ACCOUNT).await
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
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; SET LOCAL search_path TO \"{schema}\"; \
             CREATE TABLE IF NOT EXISTS schema_steps (done BIGINT NOT NULL)"
        ))
        .await?;
    let found = transaction
        .query_opt("SELECT done FROM schema_steps", &[])
        .await?;
    let done = match &found {
        Some(row) => usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX),
        None => 0,
    };
    if done > steps.len() {
        return Err(StoreError::TooNew(format!("the schema {schema}")));
    }
    for step in &steps[done..] {
        transaction.batch_execute(step).await?;
    }
    if done < steps.len() {
        let count = i64::try_from(steps.len()).unwrap_or(i64::MAX);
        let sql = match found {
            Some(_) => "UPDATE schema_steps SET done = $1",
            None => "INSERT INTO schema_steps (done) VALUES ($1)",
        };
        transaction.execute(sql, &[&count]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
