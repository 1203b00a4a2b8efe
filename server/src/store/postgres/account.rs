//! One account: a schema that several servers share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::connect::Connections;
use super::open::{Open, Purpose};
use super::places;
use crate::store::StoreError;
use crate::store::flow::{Command, Outcome, apply};
use crate::store::sql::memory::{Memory, Policy};
use crate::store::sql::transaction::Session;
use crate::store::sql::{Statements, deployments};
use crate::store::transaction::Envelope;
use crate::store::watch::{Touched, Watch};

/// How long a request may take in all.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a command is done anew because another came in between.
const ATTEMPTS: usize = 5;

/// What people have decided, as this server read it last.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Option<Arc<Policy>>>);

impl Kept {
    fn get(&self) -> Option<Arc<Policy>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    fn put(&self, policy: Option<Arc<Policy>>) {
        if policy.is_some() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = policy;
        }
    }
}

/// An open account. Its methods need tokio's multi-threaded runtime.
pub struct Account {
    connections: Connections,
    schema: Arc<str>,
    watch: Watch,
    kept: Arc<Kept>,
    follower: AbortHandle,
}

impl Account {
    /// The account in `schema`, which exists. What is written, here and through other servers, is told
    /// to `watch`.
    pub fn open(connections: Connections, schema: &str, watch: Watch) -> Account {
        let schema: Arc<str> = schema.into();
        let follower = places::follow(connections.clone(), schema.clone(), watch.clone());
        Account {
            follower: tokio::spawn(follower).abort_handle(),
            connections,
            schema,
            watch,
            kept: Arc::default(),
        }
    }

    /// Does `command`; the answer comes when it is committed.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the database does not answer in time, [`StoreError::Unsure`] if nobody
    /// knows whether it is committed, another if the database fails.
    pub async fn write(&self, envelope: Envelope, command: Command) -> Result<Outcome, StoreError> {
        let (connections, schema) = (self.connections.clone(), self.schema.clone());
        let (watch, kept) = (self.watch.clone(), self.kept.clone());
        on_a_thread(move || async move {
            let place = (&connections, &*schema);
            let (outcome, touched) = write(place, &kept, &envelope, &command).await?;
            watch.tell(touched);
            watch.wake();
            Ok(outcome)
        })
        .await
    }

    /// Whether there are deployments without a word for too long.
    pub async fn has_expired(&self, now: i64) -> Result<bool, StoreError> {
        let expired = self
            .read(move |database, handle| handle.block_on(deployments::expired(database, now, 1)));
        Ok(!expired.await?.is_empty())
    }

    /// Reads one moment of the account.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Open, &Handle) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (connections, schema) = (self.connections.clone(), self.schema.clone());
        let handle = Handle::current();
        let task = tokio::task::spawn_blocking(move || {
            let open = handle.block_on(Open::begin(&connections, &schema, Purpose::Read))?;
            let result = query(&open, &handle);
            handle.block_on(open.roll_back());
            result
        });
        task.await.map_err(|_| StoreError::Closed)?
    }

    /// For how long the oldest row of the log has had no place.
    pub async fn queue_age(&self, now: i64) -> Result<Duration, StoreError> {
        let sql = "SELECT MIN(at) FROM log WHERE place IS NULL";
        let oldest = self.read(move |open, handle| {
            handle.block_on(open.row(sql, &[], |row| row.get::<Option<i64>>(0)))
        });
        let waited = oldest.await?.flatten().map_or(0, |at| now - at);
        Ok(Duration::from_micros(waited.max(0).unsigned_abs()))
    }

    /// Gives what is committed its place in the log, so that it can be read there.
    pub async fn settle(&self) {
        let (connections, schema) = (self.connections.clone(), self.schema.clone());
        let settled = on_a_thread(move || async move { places::give(&connections, &schema).await });
        if let Err(error) = settled.await {
            tracing::debug!(%error, "the newest rows of the log have no place yet");
        }
    }

    /// Stops following what other servers write.
    pub fn close(&self) {
        self.follower.abort();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Does on a thread of its own what may not be cut off where it waits, as by a client that goes away: what was begun comes to
/// an end.
pub async fn on_a_thread<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>>,
{
    let handle = Handle::current();
    let task = tokio::task::spawn_blocking(move || {
        handle.block_on(async {
            tokio::time::timeout(PATIENCE, work())
                .await
                .unwrap_or_else(|_| Err(StoreError::Busy("it took too long".to_owned())))
        })
    });
    task.await.map_err(|_| StoreError::Closed)?
}

/// Does a command in a transaction of its own; and what it changed. It is done anew if another came in
/// between.
pub async fn write(
    place: (&Connections, &str),
    kept: &Kept,
    envelope: &Envelope,
    command: &Command,
) -> Result<(Outcome, Touched), StoreError> {
    let mut attempt = 1;
    loop {
        match write_once(place, kept, envelope, command).await {
            Err(error) if error.came_between() && attempt < ATTEMPTS => {
                tracing::debug!(%error, attempt, "a command is done anew");
                attempt += 1;
            }
            Err(error) if error.came_between() => {
                return Err(StoreError::Busy(error.to_string()));
            }
            result => return result,
        }
    }
}

async fn write_once(
    (connections, schema): (&Connections, &str),
    kept: &Kept,
    envelope: &Envelope,
    command: &Command,
) -> Result<(Outcome, Touched), StoreError> {
    let open = Open::begin(connections, schema, Purpose::Write).await?;
    let mut memory = Memory {
        policy: kept.get(),
        ..Memory::default()
    };
    let outcome = apply(&mut Session::new(&open, &mut memory), envelope, command).await;
    kept.put(memory.policy.take());
    match outcome {
        Ok(outcome) if outcome.stays() => {
            open.commit().await?;
            Ok((outcome, memory.touched))
        }
        other => {
            open.roll_back().await;
            Ok((other?, Touched::default()))
        }
    }
}
