//! Group commit: everything that waits for an account goes into one transaction.
//!
//! A commit waits for the disk. With one transaction for all that arrived during the last commit,
//! many clients together are not held to one event per disk wait. Because one transaction is open at
//! a time, the commands of an account happen one after the other: a check and what it allows are
//! never split.
//!
//! Who finds nobody writing writes: a lone client then waits for the disk, and not for another thread
//! to wake up as well.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::open::{BUSY_TIMEOUT, MAX_LOG_FILE};
use super::ready;
use crate::store::StoreError;
use crate::store::flow::{Command, Outcome, apply};
use crate::store::sql::memory::Memory;
use crate::store::sql::transaction::Session;
use crate::store::transaction::Envelope;
use crate::store::watch::Watch;

/// The most commands in one transaction: bounds how long the first of them waits.
const MAX_BATCH: usize = 256;

struct Job {
    envelope: Envelope,
    command: Command,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
    came: Instant,
}

/// The one connection that writes, and what it remembers.
struct Pen {
    /// `None` once the account is closed.
    connection: Option<Connection>,
    memory: Memory,
    log: LogFile,
    watch: Watch,
}

/// Writes to an account. Its methods need tokio's multi-threaded runtime.
pub struct Writer {
    queue: Mutex<VecDeque<Job>>,
    pen: Mutex<Pen>,
}

impl Writer {
    /// Writes through a connection that nobody else writes through, and tells `watch` of it.
    pub fn new(connection: Connection, path: &Path, watch: Watch) -> Writer {
        Writer {
            queue: Mutex::default(),
            pen: Mutex::new(Pen {
                connection: Some(connection),
                memory: Memory::default(),
                log: LogFile::of(path),
                watch,
            }),
        }
    }

    /// Does `command`; the answer comes when it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Closed`] once the account is closed, another where the disk or the database
    /// fails.
    pub async fn submit(
        self: &Arc<Self>,
        envelope: Envelope,
        command: Command,
    ) -> Result<Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        lock(&self.queue).push_back(Job {
            envelope,
            command,
            reply,
            came: Instant::now(),
        });
        let more = match self.try_pen() {
            Some(pen) => tokio::task::block_in_place(|| self.write_batch(pen)),
            None => false,
        };
        if more {
            // The others must not wait for a request that has got its answer.
            let writer = self.clone();
            tokio::task::spawn_blocking(move || writer.write_rest());
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Finishes what was accepted, and closes the file.
    pub fn close(&self) {
        let mut pen = lock(&self.pen);
        while write_some(&mut pen, &self.queue) {}
        if let Some(Err((_, error))) = pen.connection.take().map(Connection::close) {
            tracing::error!(%error, "closing the database failed");
        }
        drop(pen);
        self.write_rest();
    }

    /// For how long the first command that is not taken up yet has waited.
    pub fn queue_age(&self) -> Duration {
        let queue = lock(&self.queue);
        queue
            .front()
            .map_or(Duration::ZERO, |job| job.came.elapsed())
    }

    /// Tells those who wait for it of what others have written. Whoever writes just now does so too.
    pub fn look_elsewhere(&self) {
        let Some(mut guard) = self.try_pen() else {
            return;
        };
        let pen = &mut *guard;
        if pen.watch.is_followed()
            && let Some(connection) = &pen.connection
            && let Ok(version) = data_version(connection)
        {
            pen.memory.forget_if_changed(version);
            pen.watch.tell(std::mem::take(&mut pen.memory.touched));
        }
        drop(guard);
        self.write_rest();
    }

    /// The pen, unless somebody has it; who does writes the rest afterwards.
    fn try_pen(&self) -> Option<MutexGuard<'_, Pen>> {
        match self.pen.try_lock() {
            Ok(pen) => Some(pen),
            Err(TryLockError::Poisoned(pen)) => Some(pen.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Writes what came while somebody had the pen, and was left to them.
    fn write_rest(&self) {
        while let Some(pen) = self.try_pen()
            && self.write_batch(pen)
        {}
    }

    /// Writes what waits, and tells whether more has come meanwhile.
    fn write_batch(&self, mut pen: MutexGuard<'_, Pen>) -> bool {
        write_some(&mut pen, &self.queue);
        // Only after the pen is free: whoever came before that has left the job to this look.
        drop(pen);
        !lock(&self.queue).is_empty()
    }
}

/// Does one command through a connection of its own.
pub fn write_one(
    connection: &mut Connection,
    envelope: Envelope,
    command: Command,
) -> Result<Outcome, StoreError> {
    let job = Job {
        envelope,
        command,
        reply: oneshot::channel().0,
        came: Instant::now(),
    };
    let mut results = commit(connection, &mut Memory::default(), &[job])?;
    results.pop().unwrap_or(Err(StoreError::Closed))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one batch and answers it; `false` where there was nothing to write.
fn write_some(pen: &mut Pen, queue: &Mutex<VecDeque<Job>>) -> bool {
    let batch: Vec<Job> = {
        let mut queue = lock(queue);
        let count = queue.len().min(MAX_BATCH);
        queue.drain(..count).collect()
    };
    if batch.is_empty() {
        return false;
    }
    let Some(connection) = &mut pen.connection else {
        return true;
    };
    // Taken out, so that nothing is remembered of what does not end well.
    let mut memory = std::mem::take(&mut pen.memory);
    let results = match commit(connection, &mut memory, &batch) {
        Ok(results) => {
            pen.watch.tell(std::mem::take(&mut memory.touched));
            pen.memory = memory;
            results
        }
        Err(error) => {
            let reason = error.to_string();
            let lost = |_| Err(StoreError::NotCommitted(reason.clone()));
            batch.iter().map(lost).collect()
        }
    };
    pen.log.bound(connection);
    for (job, result) in batch.into_iter().zip(results) {
        // A client that has gone away is no reason to stop.
        let _ = job.reply.send(result);
    }
    true
}

/// The write-ahead log. Under readers without a pause SQLite never begins it anew by itself, and it
/// would grow without bound.
struct LogFile {
    path: PathBuf,
    /// The size from which on it is begun anew, in bytes.
    limit: u64,
    /// How often that is tried while readers are in the way.
    pause: Duration,
    tried: Option<Instant>,
}

impl LogFile {
    /// How long that may hold up the writer: readers that began before must end.
    const PATIENCE: Duration = Duration::from_secs(2);

    fn of(database: &Path) -> LogFile {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        LogFile {
            path: path.into(),
            limit: u64::from(MAX_LOG_FILE),
            pause: Duration::from_secs(1),
            tried: None,
        }
    }

    fn bound(&mut self, connection: &Connection) {
        let size = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        if size < self.limit || self.tried.is_some_and(|at| at.elapsed() < self.pause) {
            return;
        }
        let busy: Result<bool, _> = connection.busy_timeout(Self::PATIENCE).and_then(|()| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        });
        if busy.is_ok_and(|busy| busy) {
            tracing::debug!(
                size,
                "readers keep the write-ahead log from being begun anew"
            );
        }
        if let Err(error) = connection.busy_timeout(BUSY_TIMEOUT) {
            tracing::warn!(%error, "the patience of the writer could not be set back");
        }
        self.tried = Some(Instant::now());
    }
}

/// Does all commands in one transaction. One that fails or is refused is undone alone, and does not
/// take its neighbours with it.
fn commit(
    connection: &mut Connection,
    memory: &mut Memory,
    batch: &[Job],
) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    memory.forget_if_changed(data_version(&transaction)?);
    if let [job] = batch {
        let before = transaction.total_changes();
        let outcome = run(&transaction, memory, job)?;
        if outcome.stays() {
            transaction.commit()?;
        } else {
            if transaction.total_changes() != before {
                memory.forget();
            }
            transaction.rollback()?;
        }
        return Ok(vec![Ok(outcome)]);
    }
    if let Some(results) = do_together(&transaction, memory, batch) {
        transaction.commit()?;
        return Ok(results);
    }
    memory.forget();
    drop(transaction);
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let results = do_apart(&mut transaction, memory, batch)?;
    transaction.commit()?;
    Ok(results)
}

/// Does all commands, if nothing of them is to be undone; then there is no need for savepoints, which
/// copy every page that is written after them.
fn do_together(
    connection: &Connection,
    memory: &mut Memory,
    batch: &[Job],
) -> Option<Vec<Result<Outcome, StoreError>>> {
    let mut results = Vec::with_capacity(batch.len());
    for job in batch {
        let before = connection.total_changes();
        let outcome = run(connection, memory, job).ok()?;
        if !outcome.stays() && connection.total_changes() != before {
            return None;
        }
        results.push(Ok(outcome));
    }
    Some(results)
}

/// Does each command so that it can be undone.
fn do_apart(
    transaction: &mut Transaction<'_>,
    memory: &mut Memory,
    batch: &[Job],
) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
    let mut results = Vec::with_capacity(batch.len());
    for job in batch {
        let savepoint = transaction.savepoint()?;
        let result = run(&savepoint, memory, job);
        if result.as_ref().is_ok_and(Outcome::stays) {
            savepoint.commit()?;
        } else {
            memory.forget();
            drop(savepoint);
            // A full or failing disk ends the whole transaction by itself.
            if transaction.is_autocommit() {
                return Err(result.err().unwrap_or(StoreError::Closed));
            }
        }
        results.push(result);
    }
    Ok(results)
}

fn run(connection: &Connection, memory: &mut Memory, job: &Job) -> Result<Outcome, StoreError> {
    let mut transaction = Session::new(connection, memory);
    ready(apply(&mut transaction, &job.envelope, &job.command))
}

/// Changes if another connection writes.
fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    let mut select = connection.prepare_cached("PRAGMA data_version")?;
    Ok(select.query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;

    use super::*;
    use crate::domain::deployment::Request;
    use crate::domain::event::{BuildEvent, DeploymentEvent};
    use crate::store::sqlite::account::MIGRATIONS;
    use crate::store::sqlite::open::{self, Step};

    fn build(product: &str, scm_sha: &str) -> Job {
        let body = json!({
            "product_name": product,
            "version": "1",
            "status": "completed",
            "scm_sha": scm_sha,
        });
        let Ok(event) = BuildEvent::read(body) else {
            panic!("a build event");
        };
        Job {
            envelope: Envelope::new("key:k1".to_owned(), 1),
            command: Command::Build(Box::new(event)),
            reply: oneshot::channel().0,
            came: Instant::now(),
        }
    }

    /// Does `batch` on an empty account; the answers' statuses, and the products that then exist.
    fn products_after(batch: &[Job]) -> (Vec<Option<u16>>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = open::open(&folder.path().join("a.db"), &MIGRATIONS).unwrap();
        let mut memory = Memory::default();
        let results = commit(&mut connection, &mut memory, batch).unwrap();
        let statuses = results.iter().map(|result| match result {
            Ok(Outcome::Done(answer)) => Some(answer.status),
            _ => None,
        });
        let statuses = statuses.collect();
        let mut select = connection
            .prepare("SELECT name FROM products ORDER BY name")
            .unwrap();
        let names = select.query_map([], |row| row.get(0)).unwrap();
        (statuses, names.collect::<Result<_, _>>().unwrap())
    }

    #[test]
    fn a_refused_command_is_undone_without_its_neighbours() {
        let refused = Job {
            command: Command::Renew {
                id: "nobody".to_owned(),
                lease: None,
            },
            ..build("unused", "0000000")
        };
        let batch = [build("a", "aaaaaaa"), refused, build("b", "bbbbbbb")];
        let (statuses, products) = products_after(&batch);
        assert_eq!(statuses, [Some(200), None, Some(200)]);
        assert_eq!(products, ["a", "b"]);
    }

    #[test]
    fn what_a_refused_command_has_named_is_forgotten() {
        let asking = |product| Job {
            command: preflight(product),
            ..build("unused", "0000000")
        };
        let batch = [build("a", "aaaaaaa"), asking("new"), build("b", "bbbbbbb")];
        let (statuses, products) = products_after(&batch);
        assert_eq!(statuses, [Some(200), None, Some(200)]);
        assert_eq!(products, ["a", "b"]);
        // What was asked about is then named for the first time.
        let batch = [asking("new"), build("new", "aaaaaaa"), asking("new")];
        assert_eq!(products_after(&batch).1, ["new"]);
        assert_eq!(products_after(&[asking("new")]).1, [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_while_somebody_looks_elsewhere_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = open::open(&path, &MIGRATIONS).unwrap();
        let writer = Arc::new(Writer::new(
            connection,
            &path,
            Watch::new("local", Arc::default()),
        ));
        let waiting = {
            let _pen = lock(&writer.pen);
            let (writer, job) = (writer.clone(), build("a", "aaaaaaa"));
            let queue = writer.clone();
            let waiting =
                tokio::spawn(async move { writer.submit(job.envelope, job.command).await });
            while lock(&queue.queue).is_empty() {
                std::thread::yield_now();
            }
            waiting
        };
        writer.look_elsewhere();
        let limit = Duration::from_secs(60);
        let answer = tokio::time::timeout(limit, waiting).await;
        let answer = answer.expect("it is written").unwrap();
        assert!(matches!(answer, Ok(Outcome::Done(_))));
    }

    fn preflight(product: &str) -> Command {
        let body = json!({
            "product_name": product,
            "version": "1",
            "environment_name": "production",
            "status": "started",
        });
        let Ok(event) = DeploymentEvent::read(body) else {
            panic!("a deployment event");
        };
        Command::Preflight(Box::new(Request {
            origin: event.origin(),
            event,
            span: None,
            has_key: true,
            actor: "key:k1".to_owned(),
            owner: None,
            fingerprint: String::new(),
            occurred: None,
            history: false,
            foreign: false,
        }))
    }

    #[test]
    fn the_log_file_stays_bounded_under_readers_without_a_pause() {
        const LIMIT: u64 = 1024 * 1024;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = open::open(&path, &[Step::Sql("CREATE TABLE a (x)")]).unwrap();
        let mut log = LogFile {
            limit: LIMIT,
            pause: Duration::ZERO,
            ..LogFile::of(&path)
        };
        let done = AtomicBool::new(false);
        let largest = std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let reader = open::open_to_read(&path).unwrap();
                    while !done.load(Ordering::Relaxed) {
                        let count = reader
                            .query_row("SELECT COUNT(*) FROM a", [], |row| row.get::<_, i64>(0));
                        assert!(count.is_ok());
                    }
                });
            }
            let mut largest = 0;
            for _ in 0..100 {
                let insert = "INSERT INTO a VALUES (zeroblob(100000))";
                connection.execute(insert, []).unwrap();
                log.bound(&connection);
                largest = largest.max(std::fs::metadata(&log.path).unwrap().len());
            }
            done.store(true, Ordering::Relaxed);
            largest
        });
        assert!(largest < 2 * LIMIT, "{largest} bytes");
    }
}
