//! The database that the accounts are in.

use deadpool_postgres::Pool;

use super::account::{Account, on_a_thread, write};
use super::connect::pool;
use super::open::{Open, Purpose};
use super::{places, schema};
use crate::store::StoreError;
use crate::store::flow::{Command, Outcome};
use crate::store::sql::{Row, Statements, params};
use crate::store::transaction::Envelope;
use crate::store::watch::Watch;

/// How many connections one server has: some clients beside those that wait for the same cell.
const CONNECTIONS: usize = 16;

/// A database of accounts. What is done through it waits on a thread of its own, so that it can be done
/// anywhere; only an open account belongs to the runtime that opened it.
pub struct Database {
    url: String,
    pool: Pool,
}

impl Database {
    /// The database at `url`; its catalogue is made where it does not exist, and every account is
    /// brought up to date.
    ///
    /// # Errors
    /// [`StoreError::DatabaseUrl`] if the address is none, another if the database fails.
    pub fn open(url: &str) -> Result<Database, StoreError> {
        let database = Database {
            url: url.to_owned(),
            pool: pool(url, CONNECTIONS)?,
        };
        database.alone(async |pool| {
            schema::migrate_catalog(&mut **pool.get().await?).await?;
            for name in account_names(pool).await? {
                let schema = schema::of_account(&name);
                if let Err(error) = schema::migrate_account(&mut **pool.get().await?, &schema).await
                {
                    tracing::error!(account = %name, %error, "an account cannot be opened");
                }
            }
            Ok(())
        })?;
        Ok(database)
    }

    /// The names of all accounts.
    ///
    /// # Errors
    /// If the database fails.
    pub fn account_names(&self) -> Result<Vec<String>, StoreError> {
        self.alone(async |pool| account_names(pool).await)
    }

    /// The names of all accounts, and when they were made.
    ///
    /// # Errors
    /// If the database fails.
    pub fn accounts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.alone(async |pool| {
            let open = Open::begin(pool, schema::CATALOG_SCHEMA, Purpose::Read).await?;
            let sql = "SELECT name, created_at FROM accounts ORDER BY name";
            let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
            let accounts = open.rows(sql, &[], read).await;
            open.roll_back().await;
            accounts
        })
    }

    /// Does a command in an account, which comes to exist if `create` says so.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn write(
        &self,
        account: &str,
        create: bool,
        envelope: &Envelope,
        command: &Command,
    ) -> Result<Outcome, StoreError> {
        self.alone(async |pool| {
            let schema = schema::of_account(account);
            if !has_account(pool, account).await? {
                if !create {
                    return Err(StoreError::NoAccount(account.to_owned()));
                }
                schema::migrate_account(&mut **pool.get().await?, &schema).await?;
            }
            let (outcome, _) = write(pool, &schema, envelope, command).await?;
            if create {
                add_account(pool, account, envelope.now).await?;
            }
            Ok(outcome)
        })
    }

    /// Makes an account of what `fill` writes.
    ///
    /// # Errors
    /// If the database fails.
    pub fn fill(
        &self,
        account: &str,
        now: i64,
        fill: impl AsyncFnOnce(&Open) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        self.alone(async |pool| {
            let schema = schema::of_account(account);
            schema::migrate_account(&mut **pool.get().await?, &schema).await?;
            let open = Open::begin(pool, &schema, Purpose::Write).await?;
            fill(&open).await?;
            open.commit().await?;
            add_account(pool, account, now).await
        })
    }

    /// Gives what is committed its place in the log.
    ///
    /// # Errors
    /// If the database fails.
    pub fn settle(&self, account: &str) -> Result<(), StoreError> {
        self.alone(async |pool| places::give(pool, &schema::of_account(account)).await)
    }

    /// Removes an account with everything in it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn discard(&self, account: &str) -> Result<(), StoreError> {
        self.alone(async |pool| {
            let schema = schema::of_account(account);
            let open = Open::begin(pool, schema::CATALOG_SCHEMA, Purpose::Write).await?;
            let sql = "DELETE FROM accounts WHERE name = ?";
            open.execute(sql, &params![account]).await?;
            open.client()
                .batch_execute(&format!("DROP SCHEMA \"{schema}\" CASCADE"))
                .await?;
            open.commit().await
        })
    }

    /// Reads in an account that exists.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn read<T: Send>(
        &self,
        account: &str,
        query: impl AsyncFnOnce(&Open) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        self.alone(async |pool| {
            if !has_account(pool, account).await? {
                return Err(StoreError::NoAccount(account.to_owned()));
            }
            let open = Open::begin(pool, &schema::of_account(account), Purpose::Read).await?;
            let result = query(&open).await;
            open.roll_back().await;
            result
        })
    }

    /// Whether there is such an account.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn has_account(&self, name: &str) -> Result<bool, StoreError> {
        let (pool, name) = (self.pool.clone(), name.to_owned());
        on_a_thread(move || async move { has_account(&pool, &name).await }).await
    }

    /// The names of all accounts, for whoever may not hold up its thread.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn names(&self) -> Result<Vec<String>, StoreError> {
        let pool = self.pool.clone();
        on_a_thread(move || async move { account_names(&pool).await }).await
    }

    /// Opens an account that exists.
    pub fn account(&self, name: &str, watch: Watch) -> Account {
        Account::open(self.pool.clone(), &schema::of_account(name), watch)
    }

    /// Whether the database takes what is written.
    ///
    /// # Errors
    /// If it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        on_a_thread(move || async move {
            let open = Open::begin(&pool, schema::CATALOG_SCHEMA, Purpose::Write).await?;
            open.execute("UPDATE schema_steps SET done = done", &[])
                .await?;
            open.commit().await
        })
        .await
    }

    /// Closes the connections.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Does something with connections of its own, on a thread of its own.
    fn alone<T: Send>(
        &self,
        work: impl AsyncFnOnce(&Pool) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| StoreError::DatabaseUrl(error.to_string()))?;
                let pool = pool(&self.url, 2)?;
                runtime.block_on(work(&pool))
            });
            thread.join().map_err(|_| StoreError::Closed)?
        })
    }
}

async fn add_account(pool: &Pool, account: &str, now: i64) -> Result<(), StoreError> {
    let open = Open::begin(pool, schema::CATALOG_SCHEMA, Purpose::Write).await?;
    let sql = "INSERT INTO accounts (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
    open.execute(sql, &params![account, now]).await?;
    open.commit().await
}

async fn account_names(pool: &Pool) -> Result<Vec<String>, StoreError> {
    let open = Open::begin(pool, schema::CATALOG_SCHEMA, Purpose::Read).await?;
    let sql = "SELECT name FROM accounts ORDER BY name";
    let names = open.rows(sql, &[], |row| row.get(0)).await;
    open.roll_back().await;
    names
}

async fn has_account(pool: &Pool, name: &str) -> Result<bool, StoreError> {
    let open = Open::begin(pool, schema::CATALOG_SCHEMA, Purpose::Read).await?;
    let found = open
        .exists("SELECT 1 FROM accounts WHERE name = ?", &params![name])
        .await;
    open.roll_back().await;
    found
}
