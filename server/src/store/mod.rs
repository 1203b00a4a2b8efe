//! The databases: the only part of the server that knows SQL.
//!
//! [`flow`] says once what a command does, over the [`transaction::Transaction`] that each database
//! has. `sql` has the statements of such a transaction, which the databases share; `sqlite` is one of
//! them.

mod account;
mod accounts;
pub mod flow;
mod keys;
mod sql;
mod sqlite;
pub mod transaction;
pub mod views;
pub mod watch;

pub use account::Account;
pub use accounts::Directory;
pub use sql::{AuditFilter, Listed, Name, Products, SHORT_SHA};
pub use sqlite::{
    Compared, accounts, backup, check_migration, compare, examine, last_at, restore, since,
    verify_backup, verify_log,
};
pub use watch::Follower;

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
    #[error("there is no account {0}; `versioner-server keys list` shows all")]
    NoAccount(String),
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
    /// The server is shutting down.
    #[error("the storage is closed")]
    Closed,
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
