//! `keys …`: API keys, managed on the machine.

use std::io::{self, Write};

use clap::Subcommand;

use super::people::find;
use super::settings::Public;
use super::{Data, Failure, account_name, done, machine, now};
use crate::auth::keys::{ApiKey, secret_part};
use crate::domain::keys::{Giver, KeyInfo, NewKey};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::time::rfc3339;
use crate::share::links;
use crate::store::flow::{Command, KeyCommand, Secret};
use crate::store::{Directory, StoreError};

const HOUR: i64 = 3600 * 1_000_000;
const DAY: i64 = 24 * HOUR;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key, and the account with its first key, and print the key once
    Add {
        #[command(flatten)]
        data: Data,
        /// The account the key opens
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// What people call it
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// The person that it belongs to, by what `people list` shows: identifier, name or address
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// What it may do, with commas: events, read, approve, rules, history, override, admin;
        /// or share alone, for badges and feeds
        #[arg(long, value_name = "LIST", default_value = "events,read", value_parser = Scopes::parse)]
        scopes: Scopes,
        /// The same as --scopes read
        #[arg(long, conflicts_with = "scopes")]
        read_only: bool,
        /// Only for this product; again for more of them [default: all]
        #[arg(long = "product", value_name = "NAME")]
        products: Vec<String>,
        /// Only for this environment; again for more of them [default: all]
        #[arg(long = "environment", value_name = "NAME")]
        environments: Vec<String>,
        /// Days for which it is valid [default: until it is revoked]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36500))]
        expires: Option<i64>,
        #[command(flatten)]
        public: Public,
    },
    /// List the keys, without their secret part
    List {
        #[command(flatten)]
        data: Data,
        /// Only the keys of this account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: Option<String>,
    },
    /// Give a key a new secret part, and print the key once; the old one stays valid for a time
    Rotate {
        #[command(flatten)]
        data: Data,
        /// The account of the key
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// The key, such as k1, as `keys list` shows it
        #[arg(value_name = "KEY_ID")]
        id: String,
        /// Hours for which the old one stays valid; 0 ends it now
        #[arg(long, value_name = "HOURS", default_value_t = 168,
              value_parser = clap::value_parser!(i64).range(0..=2160))]
        overlap: i64,
    },
    /// Cut a key to the scopes that it has used
    Narrow {
        #[command(flatten)]
        data: Data,
        /// The account of the key
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// The key, such as k1, as `keys list` shows it
        #[arg(value_name = "KEY_ID")]
        id: String,
        /// Days that count
        #[arg(long, value_name = "DAYS", default_value_t = 30,
              value_parser = clap::value_parser!(i64).range(1..=3650))]
        days: i64,
    },
    /// Revoke a key; a running server refuses it within a second
    Revoke {
        #[command(flatten)]
        data: Data,
        /// The account of the key
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// The key, such as k1, as `keys list` shows it
        #[arg(value_name = "KEY_ID")]
        id: String,
    },
}

/// Does what the command says.
pub fn run(keys: Keys) -> Result<(), Failure> {
    let mut out = io::stdout();
    match keys {
        Keys::Add {
            data,
            account,
            name,
            owner,
            scopes,
            read_only,
            products,
            environments,
            expires,
            public,
        } => {
            let directory = Directory::open(&data.directory)?;
            let owner = match owner {
                None => None,
                Some(who) => Some(find(directory.people(&account)?, &who)?.person.id),
            };
            let new = NewKey {
                name,
                owner,
                scopes: if read_only {
                    Scopes::of(&[Scope::Read])
                } else {
                    scopes
                },
                products,
                environments,
                expires_at: expires.map(|days| now() + days * DAY),
            };
            let key = directory.add_key(&account, &new, &machine(), now())?;
            writeln!(out, "API key (shown once): {}", key.reveal())?;
            if new.scopes == Scopes::shared() {
                let base = public.base();
                for (what, link) in links(&base, &key, &new.products, &new.environments) {
                    writeln!(out, "{what}: {link}")?;
                }
            }
        }
        Keys::List { data, account } => list(&Directory::open(&data.directory)?, account)?,
        Keys::Rotate {
            data,
            account,
            id,
            overlap,
        } => {
            let part = secret_part().map_err(StoreError::from)?;
            let key = ApiKey::of(&account, &id, &part);
            let secret = Secret {
                account: account.clone(),
                part,
            };
            let command = KeyCommand::Rotate(id, secret, overlap * HOUR);
            write(&data, &account, command)?;
            writeln!(out, "API key (shown once): {}", key.reveal())?;
        }
        Keys::Narrow {
            data,
            account,
            id,
            days,
        } => {
            let command = KeyCommand::Narrow(id.clone(), now() - days * DAY);
            let key: serde_json::Value = write(&data, &account, command)?;
            let scopes = key["scopes"].as_array().into_iter().flatten();
            let scopes: Vec<_> = scopes.filter_map(|scope| scope.as_str()).collect();
            writeln!(out, "{id} of {account} has {} now", scopes.join(", "))?;
        }
        Keys::Revoke { data, account, id } => {
            write(&data, &account, KeyCommand::Revoke(id.clone()))?;
            writeln!(out, "Revoked {id} of {account}")?;
        }
    }
    Ok(())
}

/// Does it to a key of the account; the key as it is then.
fn write(data: &Data, account: &str, command: KeyCommand) -> Result<serde_json::Value, Failure> {
    let directory = Directory::open(&data.directory)?;
    let command = Command::Key(command, Giver::machine());
    let answer = done(directory.write(account, &machine(), command, now())?)?;
    Ok(serde_json::from_str(&answer.body).map_err(StoreError::from)?)
}

fn list(directory: &Directory, account: Option<String>) -> Result<(), Failure> {
    let mut out = io::stdout();
    let accounts = match account {
        Some(account) => vec![account],
        None => directory.account_names()?,
    };
    let mut legacy = 0;
    for account in accounts {
        for (key, used) in directory.list_keys(&account)? {
            legacy += usize::from(key.legacy && key.revoked_at.is_none());
            writeln!(out, "{}", describe(&account, &key, used))?;
        }
    }
    if legacy > 0 {
        writeln!(
            out,
            "{legacy} legacy: made before keys had scopes. `keys narrow` cuts one to what it has \
             used"
        )?;
    }
    Ok(())
}

/// A key on one line.
fn describe(account: &str, key: &KeyInfo, used: Option<i64>) -> String {
    let mut words = vec![format!("{account} {}", key.id)];
    words.extend(key.name.as_ref().map(|name| format!("({name})")));
    words.push(match key.revoked_at {
        Some(at) => format!("revoked {}", rfc3339(at)),
        None => format!("scopes: {}", key.scopes),
    });
    for (what, limits) in [
        ("products", &key.products),
        ("environments", &key.environments),
    ] {
        if !limits.is_empty() {
            words.push(format!("{what}: {}", limits.join(", ")));
        }
    }
    words.extend(key.owner.as_ref().map(|owner| format!("of {owner}")));
    if key.legacy {
        words.push("legacy".to_owned());
    }
    words.push(format!("made {}", rfc3339(key.created_at)));
    words.extend(key.expires_at.map(|at| format!("expires {}", rfc3339(at))));
    words.extend(
        key.old_secret_until
            .filter(|at| *at > now())
            .map(|at| format!("old secret until {}", rfc3339(at))),
    );
    words.push(match used {
        Some(at) => format!("last used {}", rfc3339(at)),
        None => "never used".to_owned(),
    });
    words.join("  ")
}
