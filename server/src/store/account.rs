//! One account's database: nothing in it is reachable from another account.

use std::path::Path;
use std::sync::Mutex;

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::task::JoinHandle;

use super::StoreError;
use super::sqlite;
use super::writer::Writer;
use crate::answer::Answer;
use crate::record::Command;

/// Readers beside the one writer.
const READERS: u32 = 4;

/// An open account.
pub struct Account {
    pub(super) reader: SqlitePool,
    writer: Mutex<Option<(Writer, JoinHandle<()>)>>,
}

impl Account {
    /// Opens the database at `path`, makes it where it does not exist, and brings its schema up to
    /// date.
    pub async fn open(path: &Path) -> Result<Account, StoreError> {
        let opening = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(sqlite::options(path))
            .await?;
        sqlx::migrate!("migrations/account").run(&opening).await?;
        let connection = opening.acquire().await?.detach();
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_lazy_with(sqlite::options(path).pragma("query_only", "ON"));
        Ok(Account {
            reader,
            writer: Mutex::new(Some(Writer::start(connection))),
        })
    }

    /// Does `command`; the answer comes when it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Closed`] once the account is being closed, [`StoreError::Database`] where the
    /// disk or the database fails.
    pub async fn write(&self, command: Command) -> Result<Answer, StoreError> {
        let writer = match &*self.lock() {
            Some((writer, _)) => writer.clone(),
            None => return Err(StoreError::Closed),
        };
        writer.submit(command).await
    }

    /// Finishes what was accepted, and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        let writer = self.lock().take();
        if let Some((writer, task)) = writer {
            drop(writer);
            if let Err(error) = task.await {
                tracing::error!(%error, "the writer ended badly");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Writer, JoinHandle<()>)>> {
        self.writer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
