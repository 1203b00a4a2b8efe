//! The data directory: `accounts.db` with the keys, and a database per account beside it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::sqlite::open::{self, Step};
use super::{Account, StoreError};
use crate::auth::keys::ApiKey;

/// How long a key that was seen valid is believed without asking again: a revoked key works no
/// longer than this.
const KEY_MEMORY: Duration = Duration::from_secs(1);
const MAX_REMEMBERED_KEYS: usize = 10_000;
const MIGRATIONS: [Step; 1] = [Step::Sql(include_str!(
    "../../migrations/accounts/0001_keys.sql"
))];

/// What is known of a key; the key itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The account it opens.
    pub account: String,
    /// Its name within the account: `k1`, `k2`, …
    pub id: String,
    /// Whether it can only read.
    pub read_only: bool,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it was revoked, in microseconds since 1970.
    pub revoked_at: Option<i64>,
}

struct Remembered {
    hash: Vec<u8>,
    info: Arc<KeyInfo>,
    seen: Instant,
}

/// An open data directory.
pub struct Directory {
    root: PathBuf,
    keys: Arc<Mutex<Connection>>,
    remembered: RwLock<HashMap<(String, String), Remembered>>,
    accounts: RwLock<HashMap<String, Arc<Account>>>,
    opening: tokio::sync::Mutex<()>,
    _lock: Option<File>,
}

impl Directory {
    /// Opens the data directory for serving: no other server can until this one ends.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another server has it, [`StoreError::Directory`] where it cannot
    /// be made or written.
    pub fn open_to_serve(root: &Path) -> Result<Directory, StoreError> {
        make_folders(root)?;
        let lock = lock_folder(root)?;
        Directory::open_with(root, Some(lock))
    }

    /// Opens the data directory to manage its keys, beside a running server or without one.
    ///
    /// # Errors
    /// [`StoreError::Directory`] where it cannot be made or written.
    pub fn open(root: &Path) -> Result<Directory, StoreError> {
        make_folders(root)?;
        Directory::open_with(root, None)
    }

    fn open_with(root: &Path, lock: Option<File>) -> Result<Directory, StoreError> {
        let keys = open::open(&root.join("accounts.db"), &MIGRATIONS)?;
        Ok(Directory {
            root: root.to_owned(),
            keys: Arc::new(Mutex::new(keys)),
            remembered: RwLock::default(),
            accounts: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
            _lock: lock,
        })
    }

    /// Whether no key was ever made.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_new(&self) -> Result<bool, StoreError> {
        let keys = lock(&self.keys);
        let mut select = keys.prepare_cached("SELECT 1 FROM keys LIMIT 1")?;
        Ok(!select.exists([])?)
    }

    /// Makes a key for an account, which comes to exist with its first key. The account's name is
    /// the caller's to check.
    ///
    /// # Errors
    /// When the database fails, or there are no random bytes.
    pub fn add_key(&self, account: &str, read_only: bool, now: i64) -> Result<ApiKey, StoreError> {
        let mut keys = lock(&self.keys);
        let transaction = keys.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let existing: i64 = transaction.query_row(
            "SELECT COUNT(*) FROM keys WHERE account = ?",
            [account],
            |row| row.get(0),
        )?;
        let key = ApiKey::generate(account, &format!("k{}", existing + 1))?;
        transaction.execute(
            "INSERT INTO keys (account, id, hash, read_only, created_at) VALUES (?, ?, ?, ?, ?)",
            params![account, key.id(), key.hash().as_slice(), read_only, now],
        )?;
        transaction.commit()?;
        Ok(key)
    }

    /// Every key, or those of one account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn list_keys(&self, account: Option<&str>) -> Result<Vec<KeyInfo>, StoreError> {
        let keys = lock(&self.keys);
        let mut select = keys.prepare_cached(
            "SELECT account, id, read_only, created_at, revoked_at FROM keys \
             WHERE ?1 IS NULL OR account = ?1 ORDER BY account, created_at, id",
        )?;
        let listed = select.query_map([account], key_info)?;
        Ok(listed.collect::<Result<_, _>>()?)
    }

    /// Revokes a key; `false` where there is no such key that is still valid.
    ///
    /// # Errors
    /// When the database fails.
    pub fn revoke_key(&self, account: &str, id: &str, now: i64) -> Result<bool, StoreError> {
        let changed = lock(&self.keys).execute(
            "UPDATE keys SET revoked_at = ? WHERE account = ? AND id = ? AND revoked_at IS NULL",
            params![now, account, id],
        )?;
        Ok(changed > 0)
    }

    /// What a key may do; `None` where it is unknown, wrong or revoked.
    pub(crate) async fn authenticate(
        &self,
        key: ApiKey,
    ) -> Result<Option<Arc<KeyInfo>>, StoreError> {
        let name = (key.account().to_owned(), key.id().to_owned());
        if let Some(known) = read(&self.remembered).get(&name)
            && known.seen.elapsed() < KEY_MEMORY
        {
            return Ok(key.matches(&known.hash).then(|| known.info.clone()));
        }
        let (keys, wanted) = (self.keys.clone(), name.clone());
        let found = tokio::task::spawn_blocking(move || find_key(&lock(&keys), &wanted))
            .await
            .map_err(|_| StoreError::Closed)??;
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some((info, hash)) = found else {
            remembered.remove(&name);
            return Ok(None);
        };
        let info = Arc::new(info);
        let valid = key.matches(&hash);
        if remembered.len() >= MAX_REMEMBERED_KEYS {
            remembered.clear();
        }
        let known = Remembered {
            hash,
            info: info.clone(),
            seen: Instant::now(),
        };
        remembered.insert(name, known);
        Ok(valid.then_some(info))
    }

    /// The database of an account. Only for names that come from a valid key.
    pub(crate) async fn account(&self, name: &str) -> Result<Arc<Account>, StoreError> {
        if let Some(account) = read(&self.accounts).get(name) {
            return Ok(account.clone());
        }
        let _opening = self.opening.lock().await;
        if let Some(account) = read(&self.accounts).get(name) {
            return Ok(account.clone());
        }
        let path = self.root.join("accounts").join(format!("{name}.db"));
        let account = tokio::task::spawn_blocking(move || Account::open(&path))
            .await
            .map_err(|_| StoreError::Closed)??;
        let account = Arc::new(account);
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), account.clone());
        Ok(account)
    }

    /// The accounts that are in use.
    pub(crate) fn open_accounts(&self) -> Vec<Arc<Account>> {
        read(&self.accounts).values().cloned().collect()
    }

    /// Finishes what was accepted, and closes the accounts.
    pub(crate) async fn close(&self) {
        for account in self.open_accounts() {
            account.close().await;
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find_key(
    keys: &Connection,
    (account, id): &(String, String),
) -> Result<Option<(KeyInfo, Vec<u8>)>, StoreError> {
    let mut select = keys.prepare_cached(
        "SELECT account, id, read_only, created_at, revoked_at, hash FROM keys \
         WHERE account = ? AND id = ? AND revoked_at IS NULL",
    )?;
    let found = select.query_row([account, id], |row| Ok((key_info(row)?, row.get(5)?)));
    Ok(found.optional()?)
}

fn key_info(row: &Row<'_>) -> Result<KeyInfo, rusqlite::Error> {
    Ok(KeyInfo {
        account: row.get(0)?,
        id: row.get(1)?,
        read_only: row.get(2)?,
        created_at: row.get(3)?,
        revoked_at: row.get(4)?,
    })
}

pub(super) fn make_folders(root: &Path) -> Result<(), StoreError> {
    let folder = root.join("accounts");
    let result = std::fs::create_dir_all(&folder);
    // The databases hold a company's deployment record and the hashes of its keys.
    #[cfg(unix)]
    let result = result.and_then(|()| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o700))
    });
    result.map_err(|source| directory_error(&folder, source))
}

fn lock_folder(root: &Path) -> Result<File, StoreError> {
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

pub(super) fn directory_error(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Directory {
        path: path.display().to_string(),
        source,
    }
}
