//! The database: the only part of the server that knows SQL.
//!
//! Everything above speaks of products, versions, builds, deployments, rules and approvals, so that
//! another SQL database can take SQLite's place by replacing this module and the migrations.

mod account;
mod answers;
mod approvals;
mod backup;
mod builds;
mod catalog;
mod deployments;
mod directory;
mod lists;
mod rules;
mod session;
mod sqlite;
mod state;
mod writer;

use serde_json::{Map, Value};

pub use account::Account;
pub use answers::Envelope;
pub use backup::backup;
pub use catalog::Catalog;
pub use deployments::{DeploymentRow, NewDeployment};
pub use directory::{Directory, KeyInfo};
pub use lists::{Filter, Listing};
pub use session::Session;

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
    /// Another server works on the same data directory.
    #[error(
        "another versioner-server is running on {0}; stop it, or choose another directory with --data"
    )]
    InUse(String),
    /// The operating system gave no random bytes for a key.
    #[error("no random bytes for a new key: {0}")]
    Random(#[from] getrandom::Error),
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

/// The JSON object in a column.
fn object(row: &rusqlite::Row<'_>, column: usize) -> Result<Map<String, Value>, StoreError> {
    Ok(serde_json::from_str(&row.get::<_, String>(column)?)?)
}
