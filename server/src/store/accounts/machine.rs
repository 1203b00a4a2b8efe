//! What commands on the machine do to accounts, beside a server that may be running.

use super::{Directory, Home, directory_error, make_folders};
use crate::auth::keys::{ApiKey, secret_part};
use crate::domain::keys::{Giver, KeyInfo, NewKey};
use crate::domain::people::Known;
use crate::domain::queue::{Item, Which};
use crate::domain::rules::{AllStop, Rule};
use crate::domain::source::Source;
use crate::store::copy::{from_file, to_file};
use crate::store::flow::{Command, KeyCommand, Outcome, Secret};
use crate::store::sql::{
    AllButtons, Kept, buttons, catalog, keys, log, people, queue, rules, secrets, sources, webhooks,
};
use crate::store::sqlite::{self, ready, write_alone};
use crate::store::transaction::Envelope;
use crate::store::{Compared, Finding, StoreError, export, new_id};

impl Directory {
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

    /// Every webhook of an account, whatever became of it.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn webhooks(&self, account: &str) -> Result<Vec<Kept>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(webhooks::list(&files.open(account)?)),
            Home::Database(database) => {
                database.read(account, async |open| webhooks::list(open).await)
            }
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

    /// The deployment buttons of an account, and the variables in them.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn buttons(&self, account: &str) -> Result<AllButtons, StoreError> {
        match &self.home {
            Home::Files(files) => ready(buttons::everything(&files.open(account)?)),
            Home::Database(database) => {
                database.read(account, async |open| buttons::everything(open).await)
            }
        }
    }

    /// Every source of an account that was not removed.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn sources(&self, account: &str) -> Result<Vec<Source>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(sources::all(&files.open(account)?)),
            Home::Database(database) => {
                database.read(account, async |open| sources::all(open).await)
            }
        }
    }

    /// A secret of an account, encrypted.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn sealed(&self, account: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(secrets::by_name(&files.open(account)?, name)),
            Home::Database(database) => {
                database.read(account, async |open| secrets::by_name(open, name).await)
            }
        }
    }

    /// Rows of the queue of an account, newest first, without their bodies.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn queue(&self, account: &str, which: &Which, limit: i64) -> Result<Vec<Item>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(queue::list(&files.open(account)?, which, None, limit)),
            Home::Database(database) => database.read(account, async |open| {
                queue::list(open, which, None, limit).await
            }),
        }
    }

    /// One row of the queue of an account, with its body.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`] if there is no such account, another if the database fails.
    pub fn queue_item(&self, account: &str, id: &str) -> Result<Option<Item>, StoreError> {
        match &self.home {
            Home::Files(files) => ready(queue::by_id(&files.open(account)?, id)),
            Home::Database(database) => {
                database.read(account, async |open| queue::by_id(open, id).await)
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
    pub(in crate::store) fn copy_account(
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
}
