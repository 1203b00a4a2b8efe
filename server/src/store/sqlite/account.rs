//! One account's database: nothing in it is reachable from another account.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open::{self, Step};
use super::writer::{self, Writer};
use super::{names, ready};
use crate::store::StoreError;
use crate::store::flow::{Command, Outcome};
use crate::store::sql::deployments;
use crate::store::transaction::Envelope;
use crate::store::watch::Watch;

/// The steps to the present schema.
pub(super) const MIGRATIONS: [Step; 22] = [
    Step::Sql(include_str!("../../../migrations/account/0001_record.sql")),
    Step::Sql(include_str!("../../../migrations/account/0002_log.sql")),
    Step::Code(names::fold_names),
    Step::Sql(include_str!(
        "../../../migrations/account/0004_exemptions.sql"
    )),
    Step::Sql(include_str!("../../../migrations/account/0005_reading.sql")),
    Step::Sql(include_str!("../../../migrations/account/0006_people.sql")),
    Step::Sql(include_str!("../../../migrations/account/0007_names.sql")),
    Step::Code(names::merge_doubles),
    Step::Sql(include_str!("../../../migrations/account/0009_keys.sql")),
    Step::Sql(include_str!("../../../migrations/account/0010_commits.sql")),
    Step::Sql(include_str!(
        "../../../migrations/account/0011_sessions.sql"
    )),
    Step::Sql(include_str!(
        "../../../migrations/account/0012_fewer_indexes.sql"
    )),
    Step::Sql(include_str!("../../../migrations/account/0013_queue.sql")),
    Step::Sql(include_str!("../../../migrations/account/0014_secrets.sql")),
    Step::Sql(include_str!(
        "../../../migrations/account/0015_webhooks.sql"
    )),
    Step::Sql(include_str!("../../../migrations/account/0016_slack.sql")),
    Step::Sql(include_str!("../../../migrations/account/0017_sources.sql")),
    Step::Sql(include_str!("../../../migrations/account/0018_turns.sql")),
    Step::Sql(include_str!(
        "../../../migrations/account/0019_slack_posting.sql"
    )),
    Step::Sql(include_str!("../../../migrations/account/0020_erased.sql")),
    Step::Sql(include_str!(
        "../../../migrations/account/0021_slack_seen.sql"
    )),
    Step::Sql(include_str!("../../../migrations/account/0022_buttons.sql")),
];
/// The most readers at once, beside the one writer.
const READERS: usize = 4;

/// Opens the database of an account, makes it if it does not exist, and brings its schema up to date.
pub fn open_account(path: &Path) -> Result<Connection, StoreError> {
    open::open(path, &MIGRATIONS)
}

/// Does one command on the database at `path`, beside a server that may be running on it.
pub fn write_alone(
    path: &Path,
    envelope: Envelope,
    command: Command,
) -> Result<Outcome, StoreError> {
    writer::write_one(&mut open_account(path)?, envelope, command)
}

/// Does one command on a database as it is. One of an older schema keeps it, and then nothing is done.
pub fn write_as_it_is(
    path: &Path,
    envelope: Envelope,
    command: Command,
) -> Result<Option<Outcome>, StoreError> {
    let steps: u32 =
        open::open_to_read(path)?.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if usize::try_from(steps).is_ok_and(|steps| steps == MIGRATIONS.len()) {
        write_alone(path, envelope, command).map(Some)
    } else {
        Ok(None)
    }
}

/// An open account.
pub struct Account {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle_readers: Arc<Mutex<Vec<Connection>>>,
    writer: Arc<Writer>,
}

impl Account {
    /// Opens the database at `path`, makes it where it does not exist, and brings its schema up to
    /// date. What is written is told to `watch`.
    pub fn open(path: &Path, watch: Watch) -> Result<Account, StoreError> {
        let connection = open::open(path, &MIGRATIONS)?;
        Ok(Account {
            path: path.to_owned(),
            permits: Arc::new(Semaphore::new(READERS)),
            idle_readers: Arc::default(),
            writer: Arc::new(Writer::new(connection, path, watch)),
        })
    }

    /// Brings the schema of the database at `path` up to date.
    pub fn migrate(path: &Path) -> Result<(), StoreError> {
        open::open(path, &MIGRATIONS).map(drop)
    }

    /// Does `command`; the answer comes when it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Closed`] once the account is being closed, another where the disk or the
    /// database fails.
    pub async fn write(&self, envelope: Envelope, command: Command) -> Result<Outcome, StoreError> {
        self.writer.submit(envelope, command).await
    }

    /// Whether there are deployments without a word for too long.
    pub async fn has_expired(&self, now: i64) -> Result<bool, StoreError> {
        let expired = self.read(move |connection| ready(deployments::expired(connection, now, 1)));
        Ok(!expired.await?.is_empty())
    }

    /// Reads, on a thread where waiting for the disk holds up no other request.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let (path, idle) = (self.path.clone(), self.idle_readers.clone());
        let task = tokio::task::spawn_blocking(move || {
            let reader = lock(&idle).pop();
            let reader = match reader {
                Some(reader) => reader,
                None => open::open_to_read(&path)?,
            };
            let result = query(&reader);
            lock(&idle).push(reader);
            // Held to here even where the client has gone away: the query runs on.
            drop(permit);
            result
        });
        task.await.map_err(|_| StoreError::Closed)?
    }

    /// For how long the first command that is not written yet has waited.
    pub fn queue_age(&self) -> Duration {
        self.writer.queue_age()
    }

    /// Tells those who wait for it of what others have written.
    pub async fn look_elsewhere(&self) {
        let writer = self.writer.clone();
        // One that fails is reported by whoever writes next.
        let _ = tokio::task::spawn_blocking(move || writer.look_elsewhere()).await;
    }

    /// Finishes what was accepted, and closes the files.
    pub async fn close(&self) {
        self.permits.close();
        lock(&self.idle_readers).clear();
        let writer = self.writer.clone();
        if tokio::task::spawn_blocking(move || writer.close())
            .await
            .is_err()
        {
            tracing::error!("closing an account failed");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
