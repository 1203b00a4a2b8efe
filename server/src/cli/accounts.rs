//! `accounts …`: the accounts of a data directory or a database.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{Data, Failure, account_name, done, hand_over, machine, now};
use crate::domain::keys::NewKey;
use crate::domain::scope::Scopes;
use crate::domain::time::rfc3339;
use crate::store::flow::Command;
use crate::store::{Directory, StoreError};

#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// List the accounts
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Make an account, with a key that may do everything, which is printed once
    Add {
        #[command(flatten)]
        data: Data,
        /// File to write the key to, readable for its owner alone, in place of standard output
        #[arg(long, value_name = "FILE")]
        first_key_file: Option<PathBuf>,
        /// The account
        #[arg(value_name = "NAME", value_parser = account_name)]
        account: String,
    },
    /// Remove an account with everything in it, for good; asks for its name once more
    Remove {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(value_name = "NAME", value_parser = account_name)]
        account: String,
    },
    /// Print everything in an account but the hashes of its keys, a JSON object on each line
    Export {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(value_name = "NAME", value_parser = account_name)]
        account: String,
    },
}

/// Does what the command says.
pub fn run(accounts: Accounts) -> Result<(), Failure> {
    let mut out = io::stdout();
    match accounts {
        Accounts::List { data } => {
            let directory = Directory::open(&data.directory)?;
            for (name, made) in directory.accounts()? {
                let keys = directory.list_keys(&name)?;
                let valid = keys.iter().filter(|(key, _)| key.is_valid(now())).count();
                writeln!(out, "{name}  made {}  valid keys: {valid}", rfc3339(made))?;
            }
            Ok(())
        }
        Accounts::Add {
            data,
            first_key_file,
            account,
        } => {
            let directory = Directory::open(&data.directory)?;
            if directory.account_names()?.contains(&account) {
                let msg = format!("the account {account} is there already; `keys add` makes keys");
                return Err(Failure::Refused(msg));
            }
            let new = NewKey::new(Scopes::all());
            let key = directory.add_key(&account, &new, &machine(), now())?;
            if let Err(error) = hand_over::key(&key, first_key_file.as_deref(), &mut out) {
                // Nobody knows it; the account would be there for nobody.
                directory.remove_account(&account)?;
                return Err(error);
            }
            Ok(())
        }
        Accounts::Remove { data, account } => {
            let directory = Directory::open(&data.directory)?;
            if !directory.account_names()?.contains(&account) {
                return Err(StoreError::NoAccount(account).into());
            }
            let mut errors = io::stderr();
            write!(
                errors,
                "This removes the account {account} and everything in it, for good. \
                 Type its name to go on: "
            )?;
            errors.flush()?;
            let mut typed = String::new();
            io::stdin().lock().read_line(&mut typed)?;
            if typed.trim() != account {
                let msg = format!("nothing was removed: that is not {account}");
                return Err(Failure::Refused(msg));
            }
            directory.revoke_all(&account, &machine(), now())?;
            directory.remove_account(&account)?;
            Ok(writeln!(out, "Removed {account}")?)
        }
        Accounts::Export { data, account } => {
            let directory = Directory::open(&data.directory)?;
            let note = Command::Note {
                kind: "account.exported",
                message: "Everything in the account was printed".to_owned(),
            };
            done(directory.write(&account, &machine(), note, now())?)?;
            let mut out = BufWriter::new(out);
            let head = json!({ "account": account, "exported_at": rfc3339(now()), "format": 1 });
            writeln!(out, "{head}")?;
            Ok(directory.export(&account, &mut out)?)
        }
    }
}
