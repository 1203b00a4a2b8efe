//! Where the accounts are: a data directory, with `accounts.db` and a database per account beside it, or
//! a database of PostgreSQL.

mod files;
mod machine;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use files::{Files, MIGRATIONS, lock_folder, migrate_accounts};
pub(super) use files::{KEY_STEPS, directory_error, make_folders};

use super::keys::move_keys;
use super::postgres::Database;
use super::sqlite::{self, open};
use super::watch::{Bell, Follower, Watch};
use super::{Account, StoreError};
use crate::auth::keys::{ApiKey, is_account_name};
use crate::clock::Clock;
use crate::domain::keys::{Hashes, KeyInfo};
use crate::domain::scope::Scope;

/// How long a key that was seen valid is believed without asking again: a revoked key works no
/// longer than this.
const KEY_MEMORY: Duration = Duration::from_secs(1);
/// The most accounts that are open at once, unless more are in use: each takes some files.
const MAX_OPEN: usize = 40;
const MAX_REMEMBERED_KEYS: usize = 10_000;
/// How exactly the last use of a key is kept.
const USE_STEP: Duration = Duration::from_secs(60);

/// An open account, and when it was last used.
struct Opened {
    account: Arc<Account>,
    /// When it was made: another one may get its name.
    made_at: Option<i64>,
    used: AtomicU64,
}

struct Remembered {
    hashes: Hashes,
    info: Arc<KeyInfo>,
    seen: Instant,
}

/// A use of a key: the account, the key, and for what.
type Use = (String, String, Scope);

/// Where the accounts are.
enum Home {
    /// A directory of SQLite's files.
    Files(Files),
    /// A database that several servers share.
    Database(Database),
}

/// An open data directory, or a database of PostgreSQL in place of one.
pub struct Directory {
    home: Home,
    /// When a use of a key was last noted.
    noted: Mutex<HashMap<Use, Instant>>,
    remembered: RwLock<HashMap<(String, String), Remembered>>,
    accounts: RwLock<HashMap<String, Opened>>,
    /// Where each account's changes are told of.
    watches: Mutex<HashMap<String, Watch>>,
    /// Rings when something waits in the queue of an account.
    bell: Arc<Bell>,
    /// Counts the uses of accounts, to know which was used last.
    uses: AtomicU64,
    opening: tokio::sync::Mutex<()>,
}

impl Directory {
    /// Opens the data directory for serving: no other server can until this one ends.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another server has it, [`StoreError::Directory`] where it cannot
    /// be made or written.
    pub fn open_to_serve(root: &Path) -> Result<Directory, StoreError> {
        if let Some(url) = database_url(root) {
            return Directory::of_database(url);
        }
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
        if let Some(url) = database_url(root) {
            return Directory::of_database(url);
        }
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
        let catalog = open::open(&root.join("accounts.db"), &MIGRATIONS)?;
        move_keys(&catalog, root)?;
        Ok(Directory::at(Home::Files(Files {
            root: root.to_owned(),
            catalog: Arc::new(Mutex::new(catalog)),
            _lock: lock,
        })))
    }

    fn of_database(url: &str) -> Result<Directory, StoreError> {
        Ok(Directory::at(Home::Database(Database::open(url)?)))
    }

    fn at(home: Home) -> Directory {
        Directory {
            home,
            noted: Mutex::default(),
            remembered: RwLock::default(),
            accounts: RwLock::default(),
            watches: Mutex::default(),
            bell: Arc::default(),
            uses: AtomicU64::new(0),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Goes by `clock` from now on, unless that is only a machine's and the database has a time of its
    /// own. Before that it goes by the database's, if there is one.
    pub(crate) fn go_by(&self, clock: &dyn Clock) {
        if let Home::Database(database) = &self.home {
            database.count_its_time(clock.is_of_machine());
        }
    }

    /// The time that counts, if it is not that of the clock that the server goes by.
    pub(crate) fn now(&self) -> Option<i64> {
        match &self.home {
            Home::Files(_) => None,
            Home::Database(database) => database.now(),
        }
    }

    /// Whether the data needs a newer server than this one.
    pub(crate) fn is_outdated(&self) -> bool {
        match &self.home {
            Home::Files(_) => false,
            Home::Database(database) => database.is_outdated(),
        }
    }

    /// Ends once the data needs a newer server than this one.
    pub(crate) async fn outdated(&self) {
        match &self.home {
            // Nobody else can work on it meanwhile.
            Home::Files(_) => std::future::pending().await,
            Home::Database(database) => database.outdated().await,
        }
    }

    /// What a key may do; `None` if it is unknown, wrong or revoked.
    pub(crate) async fn authenticate(
        &self,
        key: ApiKey,
        now: i64,
    ) -> Result<Option<Arc<KeyInfo>>, StoreError> {
        let name = (key.account().to_owned(), key.id().to_owned());
        // A secret that is not known may be that of a key which was rotated a moment ago.
        if let Some(known) = read(&self.remembered).get(&name)
            && known.seen.elapsed() < KEY_MEMORY
            && matches(&key, &known.info, &known.hashes, now)
        {
            return Ok(Some(known.info.clone()));
        }
        let found = match self.known_account(key.account()).await? {
            Some(account) => account.key(name.1.clone()).await?,
            None => None,
        };
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let found = found.filter(|(info, _)| info.revoked_at.is_none());
        let Some((info, hashes)) = found else {
            remembered.remove(&name);
            return Ok(None);
        };
        let info = Arc::new(info);
        let valid = matches(&key, &info, &hashes, now);
        if remembered.len() >= MAX_REMEMBERED_KEYS {
            remembered.clear();
        }
        let known = Remembered {
            hashes,
            info: info.clone(),
            seen: Instant::now(),
        };
        remembered.insert(name, known);
        Ok(valid.then_some(info))
    }

    /// The database of an account, if there is such an account. For names that anybody can have sent.
    pub(crate) async fn known_account(
        &self,
        name: &str,
    ) -> Result<Option<Arc<Account>>, StoreError> {
        match is_account_name(name) && self.is_there(name).await? {
            true => self.account(name).await.map(Some),
            false => Ok(None),
        }
    }

    /// The name of the only account, if there is exactly one.
    pub(crate) async fn only_account(&self) -> Result<Option<String>, StoreError> {
        let mut names = match &self.home {
            Home::Files(files) => files.names().await?,
            Home::Database(database) => database.names().await?,
        };
        Ok(names.pop().filter(|_| names.is_empty()))
    }

    /// The name of every account.
    pub(crate) async fn names(&self) -> Result<Vec<String>, StoreError> {
        match &self.home {
            Home::Files(files) => files.names().await,
            Home::Database(database) => database.names().await,
        }
    }

    /// Whether there is such an account. One that was removed is given up, and another of the same name
    /// that was made since is opened anew.
    async fn is_there(&self, name: &str) -> Result<bool, StoreError> {
        let made_at = match &self.home {
            Home::Files(files) => files.made_at(name).await?,
            Home::Database(database) => database.has_account(name).await?.then_some(0),
        };
        let gone = {
            let accounts = read(&self.accounts);
            let opened = accounts.get(name);
            opened.is_some_and(|opened| opened.made_at != made_at)
        };
        if gone {
            let removed = self
                .accounts
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(name);
            if let Some(opened) = removed {
                opened.account.close().await;
            }
        }
        Ok(made_at.is_some())
    }

    /// From now on another state of a key counts.
    pub(crate) fn forget_key(&self, account: &str, id: &str) {
        self.remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(account.to_owned(), id.to_owned()));
    }

    /// From now on other states of an account's keys count.
    pub(crate) fn forget_keys(&self, account: &str) {
        self.remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(of, _), _| of != account);
    }

    /// Whether this use of a key is to be noted: the last one is a minute ago.
    pub(crate) fn is_new_use(&self, account: &str, id: &str, scope: Scope) -> bool {
        let mut noted = lock(&self.noted);
        let used = (account.to_owned(), id.to_owned(), scope);
        let now = Instant::now();
        if noted
            .get(&used)
            .is_some_and(|at| now.duration_since(*at) < USE_STEP)
        {
            return false;
        }
        if noted.len() >= MAX_REMEMBERED_KEYS {
            noted.clear();
        }
        noted.insert(used, now);
        true
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
        let watch = self.watch(name);
        let made_at = match &self.home {
            Home::Files(files) => files.made_at(name).await?,
            Home::Database(_) => Some(0),
        };
        let account = match &self.home {
            Home::Files(files) => {
                // Not made again, should it have been removed meanwhile.
                let path = files.existing(name)?;
                let opened = move || sqlite::Account::open(&path, watch);
                let account = tokio::task::spawn_blocking(opened)
                    .await
                    .map_err(|_| StoreError::Closed)?
                    .map_err(|error| StoreError::Unavailable(name.to_owned(), error.to_string()))?;
                Account::Sqlite(account)
            }
            Home::Database(database) => Account::Postgres(database.account(name, watch)),
        };
        let account = Arc::new(account);
        let opened = Opened {
            account: account.clone(),
            made_at,
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
        let new = || Watch::new(name, self.bell.clone());
        watches.entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// Rings when something waits in the queue of an account.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Whether other servers work on the same data.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.home, Home::Database(_))
    }

    /// The accounts in whose queues something waits, whether they are open or not.
    pub(crate) async fn queued(&self) -> Result<Vec<String>, StoreError> {
        match &self.home {
            Home::Files(files) => files.queued().await,
            Home::Database(database) => database.queued().await,
        }
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

    /// Whether what is written is taken.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        match &self.home {
            Home::Files(files) => files.probe().await,
            Home::Database(database) => database.probe().await,
        }
    }

    /// The accounts that are in use.
    pub(crate) fn open_accounts(&self) -> Vec<Arc<Account>> {
        read(&self.accounts)
            .values()
            .map(|opened| opened.account.clone())
            .collect()
    }

    /// The accounts that are in use, with their names.
    pub(crate) fn open_by_name(&self) -> Vec<(String, Arc<Account>)> {
        let accounts = read(&self.accounts);
        let named = accounts.iter();
        named
            .map(|(name, opened)| (name.clone(), opened.account.clone()))
            .collect()
    }

    /// Finishes what was accepted, and closes the accounts.
    pub(crate) async fn close(&self) {
        for account in self.open_accounts() {
            account.close().await;
        }
        if let Home::Database(database) = &self.home {
            database.close();
        }
    }
}

/// The address of a database, if that is what stands in place of a directory. One that is mistyped is
/// no directory either: its name would have the password in it.
pub fn database_url(root: &Path) -> Option<&str> {
    root.to_str().filter(|text| text.contains("://"))
}

/// Whether a key has the present secret, or the one before while that is valid.
fn matches(key: &ApiKey, info: &KeyInfo, hashes: &Hashes, now: i64) -> bool {
    let old = hashes
        .old
        .as_ref()
        .filter(|_| info.old_secret_until.is_some_and(|until| now < until));
    key.matches(&hashes.present) || old.is_some_and(|hash| key.matches(hash))
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
