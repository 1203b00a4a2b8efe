//! Accounts as SQLite's files in a directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, params};

use super::lock;
use crate::store::StoreError;
use crate::store::flow::{Command, Outcome};
use crate::store::sql::{queue, webhooks};
use crate::store::sqlite::open::{Step, open_to_read};
use crate::store::sqlite::{self, open_account, ready, write_alone};
use crate::store::transaction::Envelope;

/// How many steps the schema of the keys has.
pub(in crate::store) const KEY_STEPS: usize = MIGRATIONS.len();
pub(super) const MIGRATIONS: [Step; 4] = [
    Step::Sql(include_str!("../../../migrations/accounts/0001_keys.sql")),
    Step::Sql(include_str!("../../../migrations/accounts/0002_scopes.sql")),
    Step::Sql(include_str!("../../../migrations/accounts/0003_owners.sql")),
    Step::Sql(include_str!(
        "../../../migrations/accounts/0004_accounts.sql"
    )),
];

/// A directory of SQLite's files.
pub(super) struct Files {
    pub root: PathBuf,
    pub catalog: Arc<Mutex<Connection>>,
    pub _lock: Option<File>,
}

impl Files {
    pub fn path(&self, account: &str) -> PathBuf {
        self.root.join("accounts").join(format!("{account}.db"))
    }

    /// The file of an account that exists.
    pub fn existing(&self, account: &str) -> Result<PathBuf, StoreError> {
        let path = self.path(account);
        if !path.is_file() {
            return Err(StoreError::NoAccount(account.to_owned()));
        }
        Ok(path)
    }

    pub fn open(&self, account: &str) -> Result<Connection, StoreError> {
        open_account(&self.existing(account)?)
    }

    pub fn add_key(
        &self,
        account: &str,
        envelope: Envelope,
        command: Command,
        now: i64,
    ) -> Result<Outcome, StoreError> {
        let outcome = write_alone(&self.path(account), envelope, command)?;
        self.add_account(account, now)?;
        Ok(outcome)
    }

    pub fn add_account(&self, account: &str, now: i64) -> Result<(), StoreError> {
        lock(&self.catalog).execute(
            "INSERT OR IGNORE INTO accounts (name, created_at) VALUES (?, ?)",
            params![account, now],
        )?;
        Ok(())
    }

    /// First the catalogue: what is not in it cannot be reached any more.
    pub fn remove_account(&self, account: &str) -> Result<(), StoreError> {
        let path = self.existing(account)?;
        let sql = "DELETE FROM accounts WHERE name = ?";
        lock(&self.catalog).execute(sql, [account])?;
        for beside in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(beside);
            match std::fs::remove_file(&file) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(directory_error(Path::new(&file), source));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn accounts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        accounts_in(&lock(&self.catalog))
    }

    pub async fn names(&self) -> Result<Vec<String>, StoreError> {
        let catalog = self.catalog.clone();
        let task = tokio::task::spawn_blocking(move || accounts_in(&lock(&catalog)));
        let accounts = task.await.map_err(|_| StoreError::Closed)??;
        Ok(accounts.into_iter().map(|(name, _)| name).collect())
    }

    /// The accounts in whose queues something waits, or is to be put. One that cannot be read is left out.
    pub async fn queued(&self) -> Result<Vec<String>, StoreError> {
        let names = self.names().await?;
        let paths: Vec<_> = names
            .into_iter()
            .map(|name| (self.path(&name), name))
            .collect();
        let task = tokio::task::spawn_blocking(move || {
            let waits = |path: &Path| -> Result<bool, StoreError> {
                let database = open_to_read(path)?;
                Ok(ready(webhooks::told(&database))?.waits()
                    || !ready(queue::waiting(&database))?.is_empty())
            };
            let waiting = paths
                .into_iter()
                .filter(|(path, _)| waits(path).unwrap_or(false));
            waiting.map(|(_, name)| name).collect()
        });
        task.await.map_err(|_| StoreError::Closed)
    }

    /// When an account was made, if it is there.
    pub async fn made_at(&self, name: &str) -> Result<Option<i64>, StoreError> {
        let (catalog, name) = (self.catalog.clone(), name.to_owned());
        let task = tokio::task::spawn_blocking(move || {
            let catalog = lock(&catalog);
            let sql = "SELECT created_at FROM accounts WHERE name = ?";
            let mut select = catalog.prepare_cached(sql)?;
            let mut rows = select.query([name])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
        });
        task.await.map_err(|_| StoreError::Closed)?
    }

    /// Whether the disk takes what is written: a page of the smallest database, as it is.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let catalog = self.catalog.clone();
        let task = tokio::task::spawn_blocking(move || {
            let catalog = lock(&catalog);
            let version: u32 =
                catalog.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok(catalog.pragma_update(None, "user_version", version)?)
        });
        task.await.map_err(|_| StoreError::Closed)?
    }
}

fn accounts_in(catalog: &Connection) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT name, created_at FROM accounts ORDER BY name";
    let mut select = catalog.prepare_cached(sql)?;
    let accounts = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(accounts.collect::<Result<_, _>>()?)
}

/// Brings every account up to date, so that no request has to wait for it. One that cannot be opened
/// is answered 503, and keeps nobody else from starting.
pub(super) fn migrate_accounts(root: &Path) -> Result<(), StoreError> {
    let folder = root.join("accounts");
    let entries = std::fs::read_dir(&folder).map_err(|source| directory_error(&folder, source))?;
    for entry in entries {
        let path = entry
            .map_err(|source| directory_error(&folder, source))?
            .path();
        if path.extension().is_some_and(|extension| extension == "db")
            && let Err(error) = sqlite::Account::migrate(&path)
        {
            tracing::error!(path = %path.display(), %error, "an account cannot be opened");
        }
    }
    Ok(())
}

pub(in crate::store) fn make_folders(root: &Path) -> Result<(), StoreError> {
    let folder = root.join("accounts");
    let result = std::fs::create_dir_all(&folder);
    // The databases hold a company's deployment record and the hashes of its keys.
    #[cfg(unix)]
    let result = result.and_then(|()| {
        use std::os::unix::fs::PermissionsExt;
        let private = || std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(root, private())?;
        std::fs::set_permissions(&folder, private())
    });
    result.map_err(|source| directory_error(&folder, source))
}

pub(super) fn lock_folder(root: &Path) -> Result<File, StoreError> {
    let path = root.join("server.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| directory_error(&path, source))?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(fs4::TryLockError::WouldBlock) => Err(StoreError::InUse(root.display().to_string())),
        Err(fs4::TryLockError::Error(source)) => Err(directory_error(&path, source)),
    }
}

pub(in crate::store) fn directory_error(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Directory {
        path: path.display().to_string(),
        source,
    }
}
