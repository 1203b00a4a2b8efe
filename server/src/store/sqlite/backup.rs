//! Copies of the databases, taken while the server runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::json;

use super::account::MIGRATIONS;
use super::{open, ready};
use crate::domain::answer::Answer;
use crate::domain::change::{Change, Decision};
use crate::store::StoreError;
use crate::store::accounts::{KEY_STEPS, directory_error, make_folders};
use crate::store::flow::QUEUES_HELD;
use crate::store::sql::memory::Memory;
use crate::store::sql::{catalog, log};
use crate::store::transaction::Envelope;

/// Copies every database of the data directory `from` to the new data directory `to`. Each copy is
/// what was committed at one moment; a server can be started on the copy as it is. `to` comes to
/// exist at the end, when everything in it is checked and on disk.
///
/// # Errors
/// [`StoreError::Directory`] if `to` exists already or one of them cannot be used,
/// [`StoreError::Damaged`] if a copy is not whole.
pub fn backup(from: &Path, to: &Path) -> Result<usize, StoreError> {
    copy_to(from, to, |_| Ok(()))
}

/// The same; `finish` has the last word on the copy before it has its name.
fn copy_to(
    from: &Path,
    to: &Path,
    finish: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<usize, StoreError> {
    if to.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(directory_error(to, exists));
    }
    let files = databases(from)?;
    let unfinished = beside(to);
    if unfinished.exists() {
        // Left by a backup that was cut off.
        std::fs::remove_dir_all(&unfinished)
            .map_err(|source| directory_error(&unfinished, source))?;
    }
    let copied = copy(from, &unfinished, &files)
        .and_then(|()| finish(&unfinished))
        .and_then(|()| {
            std::fs::rename(&unfinished, to).map_err(|source| directory_error(to, source))?;
            sync(parent(to))
        });
    if copied.is_err() {
        // The first failure is the one to tell of.
        let _ = std::fs::remove_dir_all(&unfinished);
    }
    copied.map(|()| files.len())
}

/// Looks through a backup: every database is whole and of a schema that this server knows. Answers how
/// many there are.
///
/// # Errors
/// [`StoreError::Directory`] if it is none, [`StoreError::Damaged`] if a database is not whole,
/// [`StoreError::TooNew`] if a newer server wrote it.
pub fn verify_backup(from: &Path) -> Result<usize, StoreError> {
    let files = databases(from)?;
    for file in &files {
        examine(&from.join(file))?;
    }
    Ok(files.len())
}

/// Looks through one database: it is whole, and of a schema that this server knows.
///
/// # Errors
/// [`StoreError::Damaged`], [`StoreError::TooNew`], or what keeps it from being read.
pub fn examine(path: &Path) -> Result<(), StoreError> {
    if !path.is_file() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(directory_error(path, missing));
    }
    check(path)?;
    let known = match path.file_name() {
        Some(name) if name == "accounts.db" => KEY_STEPS,
        _ => MIGRATIONS.len(),
    };
    let database = open::open_to_read(path)?;
    let steps: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if usize::try_from(steps).is_ok_and(|steps| steps > known) {
        return Err(StoreError::TooNew(path.display().to_string()));
    }
    Ok(())
}

/// Makes the data directory `to` from the backup `from`, as [`backup`] makes a copy, and writes into
/// the log of each account that `actor` did it at `now`.
///
/// # Errors
/// As [`verify_backup`] and [`backup`].
pub fn restore(from: &Path, to: &Path, actor: &str, now: i64) -> Result<usize, StoreError> {
    verify_backup(from)?;
    copy_to(from, to, |copy| {
        for account in accounts(copy)? {
            let mut database = open::open(&account, &MIGRATIONS)?;
            let transaction = database.transaction()?;
            // Whoever was in when the copy was made may have been let go of since.
            transaction.execute_batch("DELETE FROM sessions; DELETE FROM links")?;
            let held = Change::Setting {
                name: QUEUES_HELD.to_owned(),
                value: true.to_string(),
                before: ready(catalog::setting(&*transaction, QUEUES_HELD))?,
            };
            ready(catalog::set(&*transaction, QUEUES_HELD, "true"))?;
            let decision = Decision {
                changes: vec![held],
                answer: Answer::new(200, &json!({})),
                subject: None,
                kind: "account.restored",
            };
            let envelope = Envelope::new(actor.to_owned(), now);
            ready(log::append(
                &*transaction,
                &mut Memory::default(),
                (&envelope, now),
                &decision,
            ))?;
            transaction.commit()?;
        }
        Ok(())
    })
}

/// The databases of the accounts of a data directory.
///
/// # Errors
/// [`StoreError::Directory`] if it cannot be read.
pub fn accounts(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let files = databases(directory)?.into_iter().skip(1);
    Ok(files.map(|file| directory.join(file)).collect())
}

/// The databases of a data directory.
fn databases(from: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let folder = from.join("accounts");
    let mut files = vec![PathBuf::from("accounts.db")];
    let entries = std::fs::read_dir(&folder).map_err(|source| directory_error(&folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| directory_error(&folder, source))?;
        let name = Path::new("accounts").join(entry.file_name());
        if name.extension().is_some_and(|extension| extension == "db") {
            files.push(name);
        }
    }
    Ok(files)
}

/// The directory in which a copy is made before it has its name.
fn beside(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    to.with_file_name(name)
}

fn parent(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn copy(from: &Path, to: &Path, files: &[PathBuf]) -> Result<(), StoreError> {
    make_folders(to)?;
    for file in files {
        let database = open::open_to_read(&from.join(file))?;
        let target = to.join(file);
        // SQLite copies into an empty file that is there; this one is its owner's alone.
        open::make_private(&target)?;
        let text = target.to_str().ok_or_else(|| {
            directory_error(&target, std::io::Error::other("the path is not UTF-8"))
        })?;
        database.execute("VACUUM INTO ?", [text])?;
        check(&target)?;
        sync(&target)?;
    }
    sync(&to.join("accounts"))?;
    sync(to)
}

/// Whether a copy is whole.
fn check(path: &Path) -> Result<(), StoreError> {
    let copy: Connection = open::open_to_read(path)?;
    let found: String = copy.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged(format!("{}: {found}", path.display())))
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| directory_error(path, source))
}
