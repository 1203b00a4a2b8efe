//! Where the accounts are: a data directory, with `accounts.db` and a database per account beside it, or
//! a database of PostgreSQL.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::copy::{from_file, to_file};
use super::export;
use super::flow::{Command, KeyCommand, Outcome, Secret};
use super::keys::move_keys;
use super::postgres::Database;
use super::sql::{catalog, keys, log, people, rules};
use super::sqlite::open::{self, Step};
use super::sqlite::{self, open_account, ready, write_alone};
use super::transaction::Envelope;
use super::watch::{Follower, Watch};
use super::{Account, Compared, Finding, StoreError, new_id};
use crate::auth::keys::{ApiKey, is_account_name, secret_part};
use crate::clock::Clock;
use crate::domain::keys::{Giver, Hashes, KeyInfo, NewKey};
use crate::domain::people::Known;
use crate::domain::rules::{AllStop, Rule};
use crate::domain::scope::Scope;

/// How long a key that was seen valid is believed without asking again: a revoked key works no
/// longer than this.
const KEY_MEMORY: Duration = Duration::from_secs(1);
/// The most accounts that are open at once, unless more are in use: each takes some files.
const MAX_OPEN: usize = 40;
const MAX_REMEMBERED_KEYS: usize = 10_000;
/// How exactly the last use of a key is kept.
const USE_STEP: Duration = Duration::from_secs(60);
/// How many steps the schema of the keys has.
pub(super) const KEY_STEPS: usize = MIGRATIONS.len();
const MIGRATIONS: [Step; 4] = [
    Step::Sql(include_str!("../../migrations/accounts/0001_keys.sql")),
    Step::Sql(include_str!("../../migrations/accounts/0002_scopes.sql")),
    Step::Sql(include_str!("../../migrations/accounts/0003_owners.sql")),
    Step::Sql(include_str!("../../migrations/accounts/0004_accounts.sql")),
];

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

/// A directory of SQLite's files.
struct Files {
    root: PathBuf,
    catalog: Arc<Mutex<Connection>>,
    _lock: Option<File>,
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

    /// Whether no account was ever made.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.account_names()?.is_empty())
    }

    /// Makes a key for an account, which comes to exist with its first key.
    ///
    /// # Errors
    /// If the database fails, or there are no random bytes.
    pub fn add_key(
        &self,
        account: &str,
        new: &NewKey,
        actor: &str,
        now: i64,
    ) -> Result<ApiKey, StoreError> {
        let part = secret_part()?;
        let secret = Secret {
            account: account.to_owned(),
            part: part.clone(),
        };
        let command = KeyCommand::Add(new.clone(), secret);
        let envelope = Envelope::new(actor.to_owned(), now);
        let command = Command::Key(command, Giver::machine());
        let outcome = match &self.home {
            Home::Files(files) => files.add_key(account, envelope, command, now)?,
            Home::Database(database) => database.write(account, true, &envelope, &command)?,
        };
        let Outcome::Done(answer) = outcome else {
            return Err(StoreError::Damaged("a new key was refused".to_owned()));
        };
        let made: serde_json::Value = serde_json::from_str(&answer.body)?;
        let id = made["id"].as_str().unwrap_or_default();
        Ok(ApiKey::of(account, id, &part))
    }

    /// Does something on the machine, beside a server that may be running.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn write(
        &self,
        account: &str,
        actor: &str,
        command: Command,
        now: i64,
    ) -> Result<Outcome, StoreError> {
        let envelope = Envelope::new(actor.to_owned(), now);
        match &self.home {
            Home::Files(files) => write_alone(&files.existing(account)?, envelope, command),
            Home::Database(database) => database.write(account, false, &envelope, &command),
        }
    }

    /// The names of all accounts.
    ///
    /// # Errors
    /// If the database fails.
    pub fn account_names(&self) -> Result<Vec<String>, StoreError> {
        match &self.home {
            Home::Files(files) => {
                let accounts = files.accounts()?;
                Ok(accounts.into_iter().map(|(name, _)| name).collect())
            }
            Home::Database(database) => database.account_names(),
        }
    }

    /// The names of all accounts, and when they were made.
    ///
    /// # Errors
    /// If the database fails.
    pub fn accounts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        match &self.home {
            Home::Files(files) => files.accounts(),
            Home::Database(database) => database.accounts(),
        }
    }

    /// Revokes every key of an account, and counts them.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn revoke_all(&self, account: &str, actor: &str, now: i64) -> Result<usize, StoreError> {
        let mut revoked = 0;
        for (key, _) in self.list_keys(account)? {
            if key.revoked_at.is_none() {
                let command = Command::Key(KeyCommand::Revoke(key.id), Giver::machine());
                self.write(account, actor, command, now)?;
                revoked += 1;
            }
        }
        Ok(revoked)
    }

    /// Removes an account with everything in it. A server that runs gives it up with the next request.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if it cannot be removed.
    pub fn remove_account(&self, account: &str) -> Result<(), StoreError> {
        match &self.home {
            Home::Files(files) => files.remove_account(account),
            Home::Database(database) => database.discard(account),
        }
    }

    /// Writes everything in an account but the hashes of its keys to `out`, as lines of JSON.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database or `out` fails.
    pub fn export(
        &self,
        account: &str,
        out: &mut (dyn std::io::Write + Send),
    ) -> Result<(), StoreError> {
        match &self.home {
            Home::Files(files) => {
                let open = files.open(account)?;
                let moment = open.unchecked_transaction()?;
                ready(export::write(&*moment, out))
            }
            Home::Database(database) => {
                database.settle(account)?;
                database.read(account, async |open| export::write(open, out).await)
            }
        }
    }

    /// Every key of an account, and when it was last used.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn list_keys(&self, account: &str) -> Result<Vec<(KeyInfo, Option<i64>)>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(keys::list(&files.open(account)?)),
            Home::Database(database) => database.read(account, async |open| keys::list(open).await),
        }
    }

    /// Everybody in an account.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn people(&self, account: &str) -> Result<Vec<Known>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(people::read(&files.open(account)?)),
            Home::Database(database) => {
                database.read(account, async |open| people::read(open).await)
            }
        }
    }

    /// Every rule of an account, in the order of creation.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn rules(&self, account: &str) -> Result<Vec<Rule>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(rules::all(&files.open(account)?)),
            Home::Database(database) => database.read(account, async |open| rules::all(open).await),
        }
    }

    /// The stop of every start that was put on last; it may be over.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn all_stop(&self, account: &str) -> Result<Option<AllStop>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(catalog::all_stop(&files.open(account)?)),
            Home::Database(database) => {
                database.read(account, async |open| catalog::all_stop(open).await)
            }
        }
    }

    /// Checks the log of an account from its first row to its last, and counts them.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first row that does not fit the one before.
    pub fn verify_log(&self, account: &str) -> Result<u64, StoreError> {
        match &self.home {
            Home::Files(files) => sqlite::verify_log(&files.root, account),
            Home::Database(database) => {
                database.read(account, async |open| log::verify(open).await)
            }
        }
    }

    /// How the database is set up, by the clock of this machine; nothing for a data directory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_up(&self, machine: i64) -> Result<Vec<(&'static str, Finding)>, StoreError> {
        match &self.home {
            Home::Files(_) => Ok(Vec::new()),
            Home::Database(database) => database.set_up(machine),
        }
    }

    /// Whether the database of an account is whole, and has everything that this server makes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with what is not so, another if it cannot be read.
    pub fn examine(&self, account: &str) -> Result<(), StoreError> {
        match &self.home {
            Home::Files(files) => sqlite::examine(&files.existing(account)?),
            Home::Database(database) => database.examine(account),
        }
    }

    /// Makes the tables of an account anew from its log, and compares. For that a database is copied to a
    /// file, which is gone afterwards.
    ///
    /// # Errors
    /// If the account or the file cannot be used.
    pub fn compare(&self, account: &str) -> Result<Compared, StoreError> {
        let database = match &self.home {
            Home::Files(files) => return sqlite::compare(&files.existing(account)?),
            Home::Database(database) => database,
        };
        let folder = std::env::temp_dir().join(format!("versioner-doctor-{}", new_id()));
        make_folders(&folder)?;
        let path = folder.join("accounts").join("copy.db");
        let copied = database
            .settle(account)
            .and_then(|()| database.read(account, async |open| to_file(open, &path).await));
        let compared = copied.and_then(|()| sqlite::compare(&path));
        let removed = std::fs::remove_dir_all(&folder);
        removed.map_err(|source| directory_error(&folder, source))?;
        compared
    }

    /// Copies an account to where it does not exist, of the other kind.
    pub(super) fn copy_account(
        &self,
        target: &Directory,
        account: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        match (&self.home, &target.home) {
            (Home::Files(files), Home::Database(database)) => {
                let path = files.existing(account)?;
                database.fill(account, now, async |open| from_file(&path, open).await)
            }
            (Home::Database(database), Home::Files(files)) => {
                let path = files.path(account);
                database.settle(account)?;
                database.read(account, async |open| to_file(open, &path).await)?;
                files.add_account(account, now)
            }
            _ => Err(StoreError::SameKind),
        }
    }

    /// Where a text still stands in an account, and in how many rows.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn mentions(
        &self,
        account: &str,
        text: &str,
    ) -> Result<Vec<(&'static str, i64)>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(people::mentions(&files.open(account)?, text)),
            Home::Database(database) => {
                database.read(account, async |open| people::mentions(open, text).await)
            }
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

impl Files {
    fn path(&self, account: &str) -> PathBuf {
        self.root.join("accounts").join(format!("{account}.db"))
    }

    /// The file of an account that exists.
    fn existing(&self, account: &str) -> Result<PathBuf, StoreError> {
        let path = self.path(account);
        if !path.is_file() {
            return Err(StoreError::NoAccount(account.to_owned()));
        }
        Ok(path)
    }

    fn open(&self, account: &str) -> Result<Connection, StoreError> {
        open_account(&self.existing(account)?)
    }

    fn add_key(
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

    fn add_account(&self, account: &str, now: i64) -> Result<(), StoreError> {
        lock(&self.catalog).execute(
            "INSERT OR IGNORE INTO accounts (name, created_at) VALUES (?, ?)",
            params![account, now],
        )?;
        Ok(())
    }

    /// First the catalogue: what is not in it cannot be reached any more.
    fn remove_account(&self, account: &str) -> Result<(), StoreError> {
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

    fn accounts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        accounts_in(&lock(&self.catalog))
    }

    async fn names(&self) -> Result<Vec<String>, StoreError> {
        let catalog = self.catalog.clone();
        let task = tokio::task::spawn_blocking(move || accounts_in(&lock(&catalog)));
        let accounts = task.await.map_err(|_| StoreError::Closed)??;
        Ok(accounts.into_iter().map(|(name, _)| name).collect())
    }

    /// When an account was made, if it is there.
    async fn made_at(&self, name: &str) -> Result<Option<i64>, StoreError> {
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
    async fn probe(&self) -> Result<(), StoreError> {
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
            && let Err(error) = sqlite::Account::migrate(&path)
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
