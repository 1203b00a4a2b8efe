//! The data directory: `accounts.db` with the keys, and a database per account beside it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};

use super::keys::{KeyInfo, NewKey, find_key, key_info};
use super::sqlite::open::{self, Step};
use super::watch::{Follower, Watch};
use super::{Account, StoreError};
use crate::auth::keys::ApiKey;

/// How long a key that was seen valid is believed without asking again: a revoked key works no
/// longer than this.
const KEY_MEMORY: Duration = Duration::from_secs(1);
/// The most accounts that are open at once, unless more are in use: each takes some files.
const MAX_OPEN: usize = 40;
const MAX_REMEMBERED_KEYS: usize = 10_000;
const MIGRATIONS: [Step; 3] = [
    Step::Sql(include_str!("../../migrations/accounts/0001_keys.sql")),
    Step::Sql(include_str!("../../migrations/accounts/0002_scopes.sql")),
    Step::Sql(include_str!("../../migrations/accounts/0003_owners.sql")),
];

/// An open account, and when it was last used.
struct Opened {
    account: Arc<Account>,
    used: AtomicU64,
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
    accounts: RwLock<HashMap<String, Opened>>,
    /// Where each account's changes are told of.
    watches: Mutex<HashMap<String, Watch>>,
    /// Counts the uses of accounts, to know which was used last.
    uses: AtomicU64,
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
        let directory = Directory::open_with(root, Some(lock))?;
        migrate_accounts(root)?;
        Ok(directory)
    }

    /// Opens a data directory that exists to manage its keys, beside a running server or without
    /// one.
    ///
    /// # Errors
    /// [`StoreError::Directory`] if there is none, or it cannot be written.
    pub fn open(root: &Path) -> Result<Directory, StoreError> {
        let keys = root.join("accounts.db");
        if !keys.is_file() {
            let source = std::io::Error::other(
                "there is no data directory of versioner-server; name it with --data",
            );
            return Err(directory_error(root, source));
        }
        Directory::open_with(root, None)
    }

    fn open_with(root: &Path, lock: Option<File>) -> Result<Directory, StoreError> {
        let keys = open::open(&root.join("accounts.db"), &MIGRATIONS)?;
        Ok(Directory {
            root: root.to_owned(),
            keys: Arc::new(Mutex::new(keys)),
            remembered: RwLock::default(),
            accounts: RwLock::default(),
            watches: Mutex::default(),
            uses: AtomicU64::new(0),
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

    /// Makes a key for an account, which comes to exist with its first key.
    ///
    /// # Errors
    /// When the database fails, or there are no random bytes.
    pub fn add_key(&self, new: &NewKey, now: i64) -> Result<ApiKey, StoreError> {
        let account = new.account.as_str();
        let mut keys = lock(&self.keys);
        let transaction = keys.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let existing: i64 = transaction.query_row(
            "SELECT COUNT(*) FROM keys WHERE account = ?",
            [account],
            |row| row.get(0),
        )?;
        let key = ApiKey::generate(account, &format!("k{}", existing + 1))?;
        transaction.execute(
            "INSERT INTO keys (account, id, hash, created_at, name, scopes, products, \
             environments, expires_at, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                account,
                key.id(),
                key.hash().as_slice(),
                now,
                new.name,
                new.scopes.to_string(),
                serde_json::to_string(&new.products)?,
                serde_json::to_string(&new.environments)?,
                new.expires_at,
                new.owner,
            ],
        )?;
        transaction.commit()?;
        Ok(key)
    }

    /// Takes back a key that nobody has got to know.
    ///
    /// # Errors
    /// When the database fails.
    pub fn discard_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let keys = lock(&self.keys);
        let named = [key.account(), key.id()];
        keys.execute("DELETE FROM keys WHERE account = ? AND id = ?", named)?;
        Ok(())
    }

    /// Every key, or those of one account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn list_keys(&self, account: Option<&str>) -> Result<Vec<KeyInfo>, StoreError> {
        let keys = lock(&self.keys);
        let mut select = keys.prepare_cached(
            "SELECT account, id, created_at, revoked_at, name, scopes, products, environments, \
             expires_at, last_used_at, legacy, owner FROM keys \
             WHERE ?1 IS NULL OR account = ?1 ORDER BY account, created_at, id",
        )?;
        let mut rows = select.query([account])?;
        let mut listed = Vec::new();
        while let Some(row) = rows.next()? {
            listed.push(key_info(row)?);
        }
        Ok(listed)
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
        now: i64,
    ) -> Result<Option<Arc<KeyInfo>>, StoreError> {
        let name = (key.account().to_owned(), key.id().to_owned());
        if let Some(known) = read(&self.remembered).get(&name)
            && known.seen.elapsed() < KEY_MEMORY
        {
            return Ok(key.matches(&known.hash).then(|| known.info.clone()));
        }
        let (keys, wanted) = (self.keys.clone(), name.clone());
        let found = tokio::task::spawn_blocking(move || find_key(&lock(&keys), &wanted, now))
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
        if let Some(account) = self.opened(name) {
            return Ok(account);
        }
        let _opening = self.opening.lock().await;
        if let Some(account) = self.opened(name) {
            return Ok(account);
        }
        while let Some(idle) = self.take_idle() {
            idle.close().await;
        }
        let path = self.root.join("accounts").join(format!("{name}.db"));
        let watch = self.watch(name);
        let account = tokio::task::spawn_blocking(move || Account::open(&path, watch))
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(|error| StoreError::Unavailable(name.to_owned(), error.to_string()))?;
        let account = Arc::new(account);
        let opened = Opened {
            account: account.clone(),
            used: AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed)),
        };
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), opened);
        Ok(account)
    }

    /// Follows what is written to an account, whether it is open or not.
    pub(crate) fn follow(&self, name: &str) -> Follower {
        self.watch(name).follow()
    }

    fn watch(&self, name: &str) -> Watch {
        let mut watches = lock(&self.watches);
        watches.entry(name.to_owned()).or_default().clone()
    }

    fn opened(&self, name: &str) -> Option<Arc<Account>> {
        let accounts = read(&self.accounts);
        let opened = accounts.get(name)?;
        let use_number = self.uses.fetch_add(1, Ordering::Relaxed);
        opened.used.store(use_number, Ordering::Relaxed);
        Some(opened.account.clone())
    }

    /// If too many accounts are open, the one that nobody has used for longest and nobody uses now.
    fn take_idle(&self) -> Option<Arc<Account>> {
        let mut accounts = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if accounts.len() < MAX_OPEN {
            return None;
        }
        let idle = accounts
            .iter()
            .filter(|(_, opened)| Arc::strong_count(&opened.account) == 1)
            .min_by_key(|(_, opened)| opened.used.load(Ordering::Relaxed))
            .map(|(name, _)| name.clone())?;
        accounts.remove(&idle).map(|opened| opened.account)
    }

    /// Whether the disk takes what is written: a page of the smallest database, as it is.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        let keys = self.keys.clone();
        let task = tokio::task::spawn_blocking(move || {
            let keys = lock(&keys);
            let version: u32 = keys.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok(keys.pragma_update(None, "user_version", version)?)
        });
        task.await.map_err(|_| StoreError::Closed)?
    }

    /// The accounts that are in use.
    pub(crate) fn open_accounts(&self) -> Vec<Arc<Account>> {
        read(&self.accounts)
            .values()
            .map(|opened| opened.account.clone())
            .collect()
    }

    /// Finishes what was accepted, and closes the accounts.
    pub(crate) async fn close(&self) {
        for account in self.open_accounts() {
            account.close().await;
        }
    }
}

/// Brings every account up to date, so that no request has to wait for it. One that cannot be opened
/// is answered 503, and keeps nobody else from starting.
fn migrate_accounts(root: &Path) -> Result<(), StoreError> {
    let folder = root.join("accounts");
    let entries = std::fs::read_dir(&folder).map_err(|source| directory_error(&folder, source))?;
    for entry in entries {
        let path = entry
            .map_err(|source| directory_error(&folder, source))?
            .path();
        if path.extension().is_some_and(|extension| extension == "db")
            && let Err(error) = Account::migrate(&path)
        {
            tracing::error!(path = %path.display(), %error, "an account cannot be opened");
        }
    }
    Ok(())
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn make_folders(root: &Path) -> Result<(), StoreError> {
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
