//! An account of either database.

use std::time::Duration;

use super::flow::{Command, Outcome};
use super::transaction::Envelope;
use super::{StoreError, postgres, sqlite};

/// An open account.
pub enum Account {
    /// A file of its own.
    Sqlite(sqlite::Account),
    /// A schema of a database that several servers share.
    Postgres(postgres::Account),
}

impl Account {
    /// Does `command`; the answer comes when it is stored for good.
    ///
    /// # Errors
    /// [`StoreError::Closed`] once the account is being closed, another if the database fails.
    pub async fn write(&self, envelope: Envelope, command: Command) -> Result<Outcome, StoreError> {
        match self {
            Account::Sqlite(account) => account.write(envelope, command).await,
            Account::Postgres(account) => account.write(envelope, command).await,
        }
    }

    /// Whether there are deployments without a word for too long.
    pub async fn has_expired(&self, now: i64) -> Result<bool, StoreError> {
        match self {
            Account::Sqlite(account) => account.has_expired(now).await,
            Account::Postgres(account) => account.has_expired(now).await,
        }
    }

    /// Looks for what others have written, if somebody waits for it. A database that several servers
    /// share is looked through anyway.
    pub async fn look_elsewhere(&self) {
        if let Account::Sqlite(account) = self {
            account.look_elsewhere().await;
        }
    }

    /// For how long what waits longest has waited: a command that is to be written, or, in a database
    /// that several servers share, a row of the log that nobody can read yet.
    pub async fn queue_age(&self, now: i64) -> Result<Duration, StoreError> {
        match self {
            Account::Sqlite(account) => Ok(account.queue_age()),
            Account::Postgres(account) => account.queue_age(now).await,
        }
    }

    /// Lets the log be read up to what was answered before.
    pub async fn settle(&self) {
        if let Account::Postgres(account) = self {
            account.settle().await;
        }
    }

    /// Finishes what was accepted, and closes what is open.
    pub async fn close(&self) {
        match self {
            Account::Sqlite(account) => account.close().await,
            Account::Postgres(account) => account.close(),
        }
    }
}

/// Reads from an account: what `$query` finds in `$database`.
macro_rules! read {
    ($account:expr, $database:ident => $query:expr) => {
        match $account {
            $crate::store::Account::Sqlite(account) => {
                account
                    .read(move |$database| $crate::store::sqlite::ready($query))
                    .await
            }
            $crate::store::Account::Postgres(account) => {
                account
                    .read(move |$database, handle| handle.block_on($query))
                    .await
            }
        }
    };
}
pub(in crate::store) use read;
