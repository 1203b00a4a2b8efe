//! Copies of the databases, taken while the server runs.

use std::path::Path;

use super::open;
use crate::store::StoreError;
use crate::store::accounts::{directory_error, make_folders};

/// Copies every database of the data directory `from` to the new data directory `to`. Each copy is
/// what was committed at one moment; a server can be started on the copy as it is.
///
/// # Errors
/// [`StoreError::Directory`] where `to` exists already or one of them cannot be used.
pub fn backup(from: &Path, to: &Path) -> Result<usize, StoreError> {
    if to.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(directory_error(to, exists));
    }
    let folder = from.join("accounts");
    let mut files = vec![Path::new("accounts.db").to_owned()];
    let entries = std::fs::read_dir(&folder).map_err(|source| directory_error(&folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| directory_error(&folder, source))?;
        let name = Path::new("accounts").join(entry.file_name());
        if name.extension().is_some_and(|extension| extension == "db") {
            files.push(name);
        }
    }
    make_folders(to)?;
    for file in &files {
        let database = open::open_to_read(&from.join(file))?;
        let target = to.join(file);
        let target = target.to_str().ok_or_else(|| {
            directory_error(&target, std::io::Error::other("the path is not UTF-8"))
        })?;
        database.execute("VACUUM INTO ?", [target])?;
    }
    Ok(files.len())
}
