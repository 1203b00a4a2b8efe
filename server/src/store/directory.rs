//! The data directory: `accounts.db` with the keys, and a database per account beside it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions, SqliteRow};

use super::{Account, StoreError, sqlite};
use crate::keys::ApiKey;

/// How long a key that was seen valid is believed without asking again: a revoked key works no
/// longer than this.
const KEY_MEMORY: Duration = Duration::from_secs(1);
const MAX_REMEMBERED_KEYS: usize = 10_000;

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
    keys: SqlitePool,
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
    pub async fn open_to_serve(root: &Path) -> Result<Directory, StoreError> {
        make_folders(root)?;
        let lock = lock(root)?;
        Directory::open_with(root, Some(lock)).await
    }

    /// Opens the data directory to manage its keys, beside a running server or without one.
    ///
    /// # Errors
    /// [`StoreError::Directory`] where it cannot be made or written.
    pub async fn open(root: &Path) -> Result<Directory, StoreError> {
        make_folders(root)?;
        Directory::open_with(root, None).await
    }

    async fn open_with(root: &Path, lock: Option<File>) -> Result<Directory, StoreError> {
        let keys = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(sqlite::options(&root.join("accounts.db")))
            .await?;
        sqlx::migrate!("migrations/accounts").run(&keys).await?;
        Ok(Directory {
            root: root.to_owned(),
            keys,
            remembered: RwLock::default(),
            accounts: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
            _lock: lock,
        })
    }

    /// Whether no key was ever made.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM keys LIMIT 1")
            .fetch_optional(&self.keys)
            .await?;
        Ok(found.is_none())
    }

    /// Makes a key for an account, which comes to exist with its first key.
    pub async fn add_key(
        &self,
        account: &str,
        read_only: bool,
        now: i64,
    ) -> Result<ApiKey, StoreError> {
        let mut transaction = self.keys.begin_with("BEGIN IMMEDIATE").await?;
        let existing: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM keys WHERE account = ?")
            .bind(account)
            .fetch_one(&mut *transaction)
            .await?;
        let key = ApiKey::generate(account, &format!("k{}", existing + 1))?;
        sqlx::query(
            "INSERT INTO keys (account, id, hash, read_only, created_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(account)
        .bind(key.id())
        .bind(key.hash().as_slice())
        .bind(read_only)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(key)
    }

    /// Every key, or those of one account.
    pub async fn list_keys(&self, account: Option<&str>) -> Result<Vec<KeyInfo>, StoreError> {
        let rows = sqlx::query(
            "SELECT account, id, read_only, created_at, revoked_at FROM keys \
             WHERE ?1 IS NULL OR account = ?1 ORDER BY account, created_at, id",
        )
        .bind(account)
        .fetch_all(&self.keys)
        .await?;
        rows.iter().map(key_info).collect()
    }

    /// Revokes a key; `false` where there is no such key that is still valid.
    pub async fn revoke_key(&self, account: &str, id: &str, now: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE keys SET revoked_at = ? WHERE account = ? AND id = ? AND revoked_at IS NULL",
        )
        .bind(now)
        .bind(account)
        .bind(id)
        .execute(&self.keys)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// What a key may do; `None` where it is unknown, wrong or revoked.
    pub async fn authenticate(&self, key: &ApiKey) -> Result<Option<Arc<KeyInfo>>, StoreError> {
        let name = (key.account().to_owned(), key.id().to_owned());
        if let Some(known) = read(&self.remembered).get(&name)
            && known.seen.elapsed() < KEY_MEMORY
        {
            return Ok(key.matches(&known.hash).then(|| known.info.clone()));
        }
        let row = sqlx::query(
            "SELECT account, id, read_only, created_at, revoked_at, hash FROM keys \
             WHERE account = ? AND id = ? AND revoked_at IS NULL",
        )
        .bind(key.account())
        .bind(key.id())
        .fetch_optional(&self.keys)
        .await?;
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(row) = row else {
            remembered.remove(&name);
            return Ok(None);
        };
        let info = Arc::new(key_info(&row)?);
        let hash: Vec<u8> = row.try_get(5)?;
        let valid = key.matches(&hash);
        if remembered.len() >= MAX_REMEMBERED_KEYS {
            remembered.clear();
        }
        let seen = Instant::now();
        remembered.insert(
            name,
            Remembered {
                hash,
                info: info.clone(),
                seen,
            },
        );
        Ok(valid.then_some(info))
    }

    /// The database of an account. Only for names that come from a valid key.
    pub async fn account(&self, name: &str) -> Result<Arc<Account>, StoreError> {
        if let Some(account) = read(&self.accounts).get(name) {
            return Ok(account.clone());
        }
        let _opening = self.opening.lock().await;
        if let Some(account) = read(&self.accounts).get(name) {
            return Ok(account.clone());
        }
        let path = self.root.join("accounts").join(format!("{name}.db"));
        let account = Arc::new(Account::open(&path).await?);
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), account.clone());
        Ok(account)
    }

    /// Finishes what was accepted, and closes every file.
    pub async fn close(&self) {
        let accounts: Vec<_> = read(&self.accounts).values().cloned().collect();
        for account in accounts {
            account.close().await;
        }
        self.keys.close().await;
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn key_info(row: &SqliteRow) -> Result<KeyInfo, StoreError> {
    Ok(KeyInfo {
        account: row.try_get(0)?,
        id: row.try_get(1)?,
        read_only: row.try_get(2)?,
        created_at: row.try_get(3)?,
        revoked_at: row.try_get(4)?,
    })
}

fn make_folders(root: &Path) -> Result<(), StoreError> {
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

fn lock(root: &Path) -> Result<File, StoreError> {
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

fn directory_error(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Directory {
        path: path.display().to_string(),
        source,
    }
}
