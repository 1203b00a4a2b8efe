//! How SQLite is opened: every connection of the server has the same settings.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::store::StoreError;
use crate::store::accounts::directory_error;

/// How long a connection waits for another process that writes, such as `keys add`.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many pages of 4 KiB the log collects before they are moved to the database. More than
/// SQLite's 1000: pages that change with every event are then moved less often.
const CHECKPOINT_PAGES: i64 = 4000;
/// The largest file that this log may be between two moves, in bytes.
pub const MAX_LOG_FILE: u32 = 64 * 1024 * 1024;
/// The page cache of the writer; a negative number is in KiB.
const CACHE_SIZE: i64 = -16 * 1024;
/// Enough for every statement of the server to be prepared only once per connection. One with a bound
/// LIMIT is prepared again whenever that is bound, which costs more than most of them do: what every
/// event asks has a literal there.
const PREPARED_STATEMENTS: usize = 64;

/// A step from one schema to the next.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Statements.
    Sql(&'static str),
    /// What statements alone cannot do.
    Code(fn(&Connection) -> Result<(), StoreError>),
}

/// Opens a database to write, makes it where it does not exist, and brings its schema up to date:
/// `migrations` are the steps from the empty database on.
///
/// WAL lets readers work beside the writer; FULL makes a commit wait for the disk, so that what was
/// answered survives a power cut.
pub fn open(path: &Path, migrations: &[Step]) -> Result<Connection, StoreError> {
    make_private(path)?;
    let mut connection = Connection::open(path)?;
    configure(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", i64::from(MAX_LOG_FILE))?;
    connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
    // What a savepoint needs to undo it is not worth a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A table can only be rebuilt while nobody looks at what refers to it.
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    migrate(&mut connection, path, migrations)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(connection)
}

/// Makes an empty file that only its owner can read; one that exists becomes so. What SQLite makes
/// beside it is as it is.
pub fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let made = options.open(path);
    #[cfg(unix)]
    let made = made.and_then(|file| {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    });
    made.map(drop)
        .map_err(|source| directory_error(path, source))
}

/// Opens a database that exists, to read.
pub fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    Ok(())
}

/// Brings a schema up to date. `user_version` counts the steps that are done.
pub fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[Step],
) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut version = 0;
    for step in migrations {
        version += 1;
        if version > done {
            match step {
                Step::Sql(statements) => transaction.execute_batch(statements)?,
                Step::Code(run) => run(&transaction)?,
            }
        }
    }
    if done > version {
        return Err(StoreError::TooNew(path.display().to_string()));
    }
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_done_once_and_a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let steps = [
            Step::Sql("CREATE TABLE a (x)"),
            Step::Sql("CREATE TABLE b (x)"),
        ];
        drop(open(&path, &steps[..1]).unwrap());
        drop(open(&path, &steps).unwrap());
        let database = open(&path, &steps).unwrap();
        assert!(database.table_exists(None, "a").unwrap());
        assert!(database.table_exists(None, "b").unwrap());
        drop(database);
        let error = open(&path, &steps[..1]).unwrap_err();
        assert!(matches!(error, StoreError::TooNew(_)), "{error}");
    }

    #[test]
    fn a_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder.path().join("a.db"), &[]).unwrap();
        let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        assert_eq!(pragma("synchronous").unwrap(), 2, "FULL");
    }
}
