//! Copies of the databases, taken while the server runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::open;
use crate::store::StoreError;
use crate::store::accounts::{directory_error, make_folders};

/// Copies every database of the data directory `from` to the new data directory `to`. Each copy is
/// what was committed at one moment; a server can be started on the copy as it is. `to` comes to
/// exist at the end, when everything in it is checked and on disk.
///
/// # Errors
/// [`StoreError::Directory`] if `to` exists already or one of them cannot be used,
/// [`StoreError::Damaged`] if a copy is not whole.
pub fn backup(from: &Path, to: &Path) -> Result<usize, StoreError> {
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
    let copied = copy(from, &unfinished, &files).and_then(|()| {
        std::fs::rename(&unfinished, to).map_err(|source| directory_error(to, source))?;
        sync(parent(to))
    });
    if copied.is_err() {
        // The first failure is the one to tell of.
        let _ = std::fs::remove_dir_all(&unfinished);
    }
    copied.map(|()| files.len())
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
