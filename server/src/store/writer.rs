//! Group commit: one thread per account writes, and puts everything that waits into one transaction.
//!
//! A commit waits for the disk. With one transaction for all that arrived during the last commit,
//! many clients together are not held to one event per disk wait. Because there is one writer, the
//! commands of an account happen one after the other: a check and what it allows are never split.

use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::session::{Memory, Session};
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
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(connection: Connection) -> std::io::Result<(Writer, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(connection, queue))?;
        Ok((Writer { jobs }, thread))
    }

    /// Does `command`; the answer comes when it is on disk.
    pub async fn submit(&self, command: Command) -> Result<Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { command, reply };
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn run(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    let mut memory = Memory::default();
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while queue.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
        let results = commit(&mut connection, &mut memory, &batch);
        let mut results = match results {
            Ok(results) => results,
            Err(error) => {
                memory = Memory::default();
                let reason = error.to_string();
                let lost = || Err(StoreError::NotCommitted(reason.clone()));
                batch.iter().map(|_| lost()).collect()
            }
        };
        for (job, result) in batch.drain(..).zip(results.drain(..)) {
            // A client that has gone away is no reason to stop.
            let _ = job.reply.send(result);
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::error!(%error, "closing the database failed");
    }
}

/// Does all commands in one transaction. One that fails is undone alone, and does not take its
/// neighbours with it.
fn commit(
    connection: &mut Connection,
    memory: &mut Memory,
    batch: &[Job],
) -> Result<Vec<Result<Answer, StoreError>>, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(batch.len());
    for job in batch {
        let savepoint = transaction.savepoint()?;
        let result = job.command.apply(&mut Session::new(&savepoint, memory));
        match result {
            Ok(answer) => {
                savepoint.commit()?;
                results.push(Ok(answer));
            }
            Err(error) => {
                *memory = Memory::default();
                drop(savepoint);
                // A full or failing disk ends the whole transaction by itself.
                if transaction.is_autocommit() {
                    return Err(error);
                }
                results.push(Err(error));
            }
        }
    }
    transaction.commit()?;
    Ok(results)
}
