//! The database that the accounts are in.

use super::account::{Account, Kept, on_a_thread, write};
use super::connect::Connections;
use super::open::{Open, Purpose};
use super::{doctor, places, schema};
use crate::store::flow::{Command, Outcome};
use crate::store::sql::{Row, Statements, params, queue, webhooks};
use crate::store::transaction::Envelope;
use crate::store::watch::Watch;
use crate::store::{Finding, StoreError};

/// How many connections one server has: some clients beside those that wait for the same cell.
const CONNECTIONS: usize = 16;

/// A database of accounts. What is done through it waits on a thread of its own, so that it can be done
/// anywhere; only an open account belongs to the runtime that opened it.
pub struct Database {
    url: String,
    connections: Connections,
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
            connections: Connections::to(url, CONNECTIONS)?,
        };
        database.alone(async |connections| {
            let pool = &connections.pool;
            schema::migrate_catalog(&mut **pool.get().await?).await?;
            let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
            let now = pool.get().await?.query_one(now, &[]).await?;
            connections.time.note(now.get(0));
            for name in account_names(connections).await? {
                let schema = schema::of_account(&name);
                match schema::migrate_account(&mut **pool.get().await?, &schema).await {
                    Ok(()) => {}
                    Err(error @ StoreError::TooNew(_)) => return Err(error),
                    Err(error) => {
                        tracing::error!(account = %name, %error, "an account cannot be opened");
                    }
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
        self.alone(async |connections| account_names(connections).await)
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
        self.alone(async |connections| {
            let schema = schema::of_account(account);
            if !has_account(connections, account).await? {
                if !create {
                    return Err(StoreError::NoAccount(account.to_owned()));
                }
                schema::migrate_account(&mut **connections.pool.get().await?, &schema).await?;
            }
            let place = (connections, &*schema);
            let (outcome, _) = write(place, &Kept::default(), envelope, command).await?;
            if create {
                add_account(connections, account, envelope.now).await?;
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
        self.alone(async |connections| {
            let schema = schema::of_account(account);
            schema::migrate_account(&mut **connections.pool.get().await?, &schema).await?;
            let open = Open::begin(connections, &schema, Purpose::Write).await?;
            fill(&open).await?;
            open.commit().await?;
            add_account(connections, account, now).await
        })
    }

    /// Gives what is committed its place in the log.
    ///
    /// # Errors
    /// If the database fails.
    pub fn settle(&self, account: &str) -> Result<(), StoreError> {
        self.alone(async |connections| {
            places::give(connections, &schema::of_account(account)).await
        })
    }

    /// Removes an account with everything in it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn discard(&self, account: &str) -> Result<(), StoreError> {
        self.alone(async |connections| {
            let schema = schema::of_account(account);
            let open = Open::begin(connections, schema::CATALOG_SCHEMA, Purpose::Write).await?;
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
        self.alone(async |connections| {
            if !has_account(connections, account).await? {
                return Err(StoreError::NoAccount(account.to_owned()));
            }
            let open =
                Open::begin(connections, &schema::of_account(account), Purpose::Read).await?;
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
        let (connections, name) = (self.connections.clone(), name.to_owned());
        on_a_thread(move || async move { has_account(&connections, &name).await }).await
    }

    /// The names of all accounts, for whoever may not hold up its thread.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn names(&self) -> Result<Vec<String>, StoreError> {
        let connections = self.connections.clone();
        on_a_thread(move || async move { account_names(&connections).await }).await
    }

    /// The accounts in whose queues something waits, or is to be put. One that cannot be read is left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn queued(&self) -> Result<Vec<String>, StoreError> {
        let connections = self.connections.clone();
        on_a_thread(move || async move {
            let mut queued = Vec::new();
            for name in account_names(&connections).await? {
                let schema = schema::of_account(&name);
                let open = Open::begin(&connections, &schema, Purpose::Read).await?;
                let found = queue::waiting(&open).await;
                let told = webhooks::told(&open).await;
                open.roll_back().await;
                if found.is_ok_and(|waiting| !waiting.is_empty())
                    || told.is_ok_and(|told| told.waits())
                {
                    queued.push(name);
                }
            }
            Ok(queued)
        })
        .await
    }

    /// Opens an account that exists.
    pub fn account(&self, name: &str, watch: Watch) -> Account {
        Account::open(self.connections.clone(), &schema::of_account(name), watch)
    }

    /// Whether the database takes what is written.
    ///
    /// # Errors
    /// If it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let connections = self.connections.clone();
        on_a_thread(move || async move {
            let open = Open::begin(&connections, schema::CATALOG_SCHEMA, Purpose::Write).await?;
            let sql = "UPDATE schema_steps SET done = done RETURNING needs";
            let needs = open.row(sql, &[], |row| row.get(0)).await?;
            connections.check(needs.unwrap_or(0), schema::catalog_steps())?;
            open.commit().await
        })
        .await
    }

    /// How the database is set up, by the clock of this machine.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_up(&self, machine: i64) -> Result<Vec<(&'static str, Finding)>, StoreError> {
        self.alone(async |connections| doctor::set_up(connections, machine).await)
    }

    /// Whether an account has everything that this server makes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with what it lacks, another if the database fails.
    pub fn examine(&self, account: &str) -> Result<(), StoreError> {
        self.alone(async |connections| doctor::account(connections, account).await)
    }

    /// The time of the database, if that counts.
    pub fn now(&self) -> Option<i64> {
        self.connections.time.now()
    }

    /// Whether the database's time counts from now on.
    pub fn count_its_time(&self, counts: bool) {
        self.connections.time.count(counts);
    }

    /// Whether the database needs a newer server than this one.
    pub fn is_outdated(&self) -> bool {
        *self.connections.outdated.borrow()
    }

    /// Ends once the database needs a newer server than this one.
    pub async fn outdated(&self) {
        let mut outdated = self.connections.outdated.subscribe();
        // The sender lives as long as `self`.
        let _ = outdated.wait_for(|outdated| *outdated).await;
    }

    /// Closes the connections.
    pub fn close(&self) {
        self.connections.pool.close();
    }

    /// Does something with connections of its own, on a thread of its own.
    fn alone<T: Send>(
        &self,
        work: impl AsyncFnOnce(&Connections) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| StoreError::DatabaseUrl(error.to_string()))?;
                let connections = self.connections.others(&self.url, 2)?;
                runtime.block_on(work(&connections))
            });
            thread.join().map_err(|_| StoreError::Closed)?
        })
    }
}

async fn add_account(connections: &Connections, account: &str, now: i64) -> Result<(), StoreError> {
    let open = Open::begin(connections, schema::CATALOG_SCHEMA, Purpose::Write).await?;
    let sql = "INSERT INTO accounts (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
    open.execute(sql, &params![account, now]).await?;
    open.commit().await
}

async fn account_names(connections: &Connections) -> Result<Vec<String>, StoreError> {
    let open = Open::begin(connections, schema::CATALOG_SCHEMA, Purpose::Read).await?;
    let sql = "SELECT name FROM accounts ORDER BY name";
    let names = open.rows(sql, &[], |row| row.get(0)).await;
    open.roll_back().await;
    names
}

async fn has_account(connections: &Connections, name: &str) -> Result<bool, StoreError> {
    let open = Open::begin(connections, schema::CATALOG_SCHEMA, Purpose::Read).await?;
    let found = open
        .exists("SELECT 1 FROM accounts WHERE name = ?", &params![name])
        .await;
    open.roll_back().await;
    found
}
