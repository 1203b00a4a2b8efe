//! Group commit: one task per account writes, and puts everything that waits into one transaction.
//!
//! A commit waits for the disk. With one transaction for all that arrived during the last commit,
//! many clients together are not held to one event per disk wait. Because there is one writer, the
//! commands of an account happen one after the other: a check and what it allows are never split.

use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::session::{Cache, Session};
use crate::answer::Answer;
use crate::record::Command;

/// The most commands in one transaction: bounds how long the first of them waits.
const MAX_BATCH: usize = 256;
const QUEUE: usize = 1024;

struct Job {
    command: Command,
    reply: oneshot::Sender<Result<Answer, StoreError>>,
}

/// A handle to an account's writer. The writer ends when the last handle is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the writer on a connection that nobody else writes through.
    pub fn start(connection: SqliteConnection) -> (Writer, tokio::task::JoinHandle<()>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        (Writer { jobs }, tokio::spawn(run(connection, queue)))
    }

    /// Does `command`; the answer comes when it is on disk.
    pub async fn submit(&self, command: Command) -> Result<Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { command, reply };
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

async fn run(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Job>) {
    use sqlx::Connection;
    let mut cache = Cache::default();
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
        match commit(&mut connection, &mut cache, &batch).await {
            Ok(answers) => {
                for (job, answer) in batch.drain(..).zip(answers) {
                    // A client that has gone away is no reason to stop.
                    let _ = job.reply.send(Ok(answer));
                }
            }
            Err(error) => {
                if batch.len() > 1 {
                    tracing::warn!(%error, "a batch failed; its commands are tried one by one");
                }
                commit_one_by_one(&mut connection, &mut cache, &mut batch, error).await;
            }
        }
    }
    if let Err(error) = connection.close().await {
        tracing::error!(%error, "closing the database failed");
    }
}

/// A command that fails must not take its neighbours with it.
async fn commit_one_by_one(
    connection: &mut SqliteConnection,
    cache: &mut Cache,
    batch: &mut Vec<Job>,
    first_error: StoreError,
) {
    if batch.len() == 1
        && let Some(job) = batch.pop()
    {
        let _ = job.reply.send(Err(first_error));
        return;
    }
    for job in batch.drain(..) {
        let result = commit(connection, cache, std::slice::from_ref(&job)).await;
        let _ = job
            .reply
            .send(result.and_then(|mut answers| answers.pop().ok_or(StoreError::Closed)));
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    cache: &mut Cache,
    batch: &[Job],
) -> Result<Vec<Answer>, StoreError> {
    let result = attempt(connection, cache, batch).await;
    if result.is_err() {
        cache.clear();
        // It fails where the failed statement has already ended the transaction.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    result
}

async fn attempt(
    connection: &mut SqliteConnection,
    cache: &mut Cache,
    batch: &[Job],
) -> Result<Vec<Answer>, StoreError> {
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await?;
    let mut answers = Vec::with_capacity(batch.len());
    for job in batch {
        let mut session = Session::new(connection, cache);
        answers.push(job.command.apply(&mut session).await?);
    }
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(answers)
}
