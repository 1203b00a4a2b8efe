//! The databases: the only part of the server that knows SQL.
//!
//! [`flow`] says once what a command does, over the [`transaction::Transaction`] that each database
//! has. `sql` has the statements of such a transaction, which the databases share; `sqlite` is one of
//! them.

mod account;
mod accounts;
mod copy;
mod export;
pub mod flow;
mod keys;
mod postgres;
mod sql;
mod sqlite;
pub mod transaction;
pub mod views;
pub mod watch;

pub use account::Account;
pub use accounts::{Directory, database_url};
pub use copy::copy;
pub use sql::queue::AT_ONCE as QUEUE_AT_ONCE;
pub use sql::{
    About, AuditFilter, Erased, Given, Kept, Listed, Name, OF_ACCOUNT, Products, SHORT_SHA, Shown,
    SlackMessage, Touch,
};
pub use sqlite::{
    Compared, accounts, backup, check_migration, compare, examine, last_at, restore, since,
    verify_backup, verify_log, write_as_it_is,
};
pub use watch::{Follower, Touched};

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

/// What `doctor` finds.
#[derive(Debug)]
pub enum Finding {
    /// It is as it should be.
    Good(String),
    /// It works, and somebody should know.
    Warning(String),
    /// It is not as it should be.
    Wrong(String),
}

/// Why the storage could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused, or the disk did.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The transaction that held the change did not get to the disk.
    #[error("not committed: {0}")]
    NotCommitted(String),
    /// The database has a schema this server does not know.
    #[error("{0} was written by a newer versioner-server; run that one, or a newer one still")]
    TooNew(String),
    /// A stored value cannot be read back.
    #[error("stored value is damaged: {0}")]
    Damaged(String),
    /// The data directory cannot be used.
    #[error("{path}: {source}")]
    Directory {
        /// The file or folder.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// There is no such account.
    #[error("there is no account {0}; `versioner-server accounts list` shows all")]
    NoAccount(String),
    /// The copy would be of the same kind.
    #[error(
        "copy goes from a data directory to PostgreSQL or back; for a directory there are backup and \
         restore, for a database pg_dump and pg_restore"
    )]
    SameKind,
    /// The account is there already.
    #[error("the account {0} is there already; copy to where it is not")]
    Exists(String),
    /// Somebody has brought the database to a schema that this server does not know.
    #[error(
        "the database needs a server that knows {needs} steps of its schema, and this one knows {known}; \
         run the newer versioner-server"
    )]
    Outdated {
        /// How many steps a server must know.
        needs: i64,
        /// How many this one knows.
        known: i64,
    },
    /// Another server works on the same data directory.
    #[error(
        "another versioner-server is running on {0}; stop it, or choose another directory with --data"
    )]
    InUse(String),
    /// The operating system gave no random bytes for a key.
    #[error("no random bytes for a new key: {0}")]
    Random(#[from] getrandom::Error),
    /// The database of this account cannot be opened, for this reason.
    #[error("account {0} cannot be opened: {1}")]
    Unavailable(String, String),
    /// PostgreSQL refused, or cannot be reached.
    #[error("database: {}", with_cause(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The address of the database is none.
    #[error("the address of the database cannot be used: {0}")]
    DatabaseUrl(String),
    /// The database does not answer in time.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The connection broke while the database committed.
    #[error("nobody knows whether it is committed: {0}")]
    Unsure(String),
    /// Another transaction has changed what this one rests on.
    #[error("{0} changed in between")]
    CameBetween(String),
    /// The server is shutting down.
    #[error("the storage is closed")]
    Closed,
}

/// What PostgreSQL says, or what happened below it.
fn with_cause(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    match error.source() {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => StoreError::Postgres(error),
            deadpool_postgres::PoolError::Closed => StoreError::Closed,
            other => StoreError::Busy(other.to_string()),
        }
    }
}

impl StoreError {
    /// Whether the command can be done anew at once, because another came in between.
    fn came_between(&self) -> bool {
        match self {
            StoreError::CameBetween(_) => true,
            StoreError::Postgres(error) => error.code().is_some_and(|code| {
                [
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                    SqlState::UNIQUE_VIOLATION,
                ]
                .contains(code)
            }),
            _ => false,
        }
    }

    /// Whether the connection broke, or never came about.
    fn is_broken(&self) -> bool {
        match self {
            StoreError::Postgres(error) => error.code().is_none_or(|code| {
                [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code)
            }),
            StoreError::Busy(_) => true,
            _ => false,
        }
    }

    /// Whether it is for the time being: nothing is wrong with the request.
    pub fn is_passing(&self) -> bool {
        match self {
            // What was not committed is undone: the disk may have room again.
            StoreError::Closed
            | StoreError::NotCommitted(_)
            | StoreError::Unavailable(..)
            | StoreError::Busy(_)
            | StoreError::Unsure(_)
            | StoreError::Outdated { .. }
            | StoreError::CameBetween(_) => true,
            StoreError::Database(error) => error.sqlite_error_code().is_some_and(|code| {
                matches!(code, ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
            }),
            StoreError::Postgres(error) => match error.code() {
                // The connection broke, or none could be made.
                None => true,
                Some(code) => [
                    SqlState::LOCK_NOT_AVAILABLE,
                    SqlState::QUERY_CANCELED,
                    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                    SqlState::TOO_MANY_CONNECTIONS,
                ]
                .contains(code),
            },
            _ => false,
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Damaged(error.to_string())
    }
}

/// A new identifier; later ones sort after earlier ones.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
