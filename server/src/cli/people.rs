//! `people …`: people, managed on the machine.

use std::io::{self, Write};

use clap::Subcommand;
use serde_json::{Value, json};

use super::settings::Public;
use super::{Data, Failure, account_name, done, links, machine, now};
use crate::domain::people::{Known, PersonSpec};
use crate::store::flow::Command;
use crate::store::{Directory, StoreError};

#[derive(Debug, Subcommand)]
pub enum People {
    /// Add a person
    Add {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// What people call them
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// An e-mail address; again for more of them
        #[arg(long = "email", value_name = "ADDRESS")]
        emails: Vec<String>,
        /// What a system calls them, such as github:ada; again for more of them
        #[arg(long = "login", value_name = "SYSTEM:LOGIN")]
        logins: Vec<String>,
        /// What they may do: viewer, developer or admin
        #[arg(long, value_name = "ROLE", default_value = "viewer")]
        role: String,
        /// What they may approve: quality, release; again for more of them
        #[arg(long = "approves", value_name = "KIND")]
        approves: Vec<String>,
        #[command(flatten)]
        public: Public,
    },
    /// Make another link that lets a person in once, within a day
    Link {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// A name, an address, a login or the identifier
        #[arg(value_name = "WHO")]
        who: String,
        #[command(flatten)]
        public: Public,
    },
    /// List the people of an account
    List {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
    },
    /// Forget the names of a person, or a name that events have told; what they did stays
    Erase {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// A name, an address, a login or the identifier
        #[arg(value_name = "WHO")]
        who: String,
    },
}

/// Does what the command says.
pub fn run(people: People) -> Result<(), Failure> {
    let mut out = io::stdout();
    match people {
        People::Add {
            data,
            account,
            name,
            emails,
            logins,
            role,
            approves,
            public,
        } => {
            let logins: Vec<Value> = logins
                .iter()
                .map(|login| {
                    let (system, login) = login.split_once(':').unwrap_or(("", login));
                    json!({ "source_system": system, "login": login })
                })
                .collect();
            let body = json!({
                "name": name, "emails": emails, "logins": logins, "role": role,
                "approves": approves,
            });
            let spec = PersonSpec::read(body).map_err(|refusal| Failure::refused(&refusal))?;
            let person = write(&data, &account, Command::AddPerson(spec))?;
            let id = person["id"].as_str().unwrap_or_default();
            writeln!(out, "Added {id}")?;
            let directory = Directory::open(&data.directory)?;
            let link = links::make(&directory, &account, Some(id), &public.base())?;
            writeln!(out, "Log in once within a day: {link}")?;
        }
        People::Link {
            data,
            account,
            who,
            public,
        } => {
            let directory = Directory::open(&data.directory)?;
            let known = find(directory.people(&account)?, &who)?;
            let id = &known.person.id;
            let link = links::make(&directory, &account, Some(id), &public.base())?;
            writeln!(out, "Log in once within a day: {link}")?;
        }
        People::List { data, account } => {
            for known in Directory::open(&data.directory)?.people(&account)? {
                writeln!(out, "{}", describe(&known))?;
            }
        }
        People::Erase { data, account, who } => erase(&data, &account, &who, &mut out)?,
    }
    Ok(())
}

/// Takes the names of a person out of what is stored, or a name that events have told, and says where they
/// still stand.
fn erase(data: &Data, account: &str, who: &str, out: &mut impl Write) -> Result<(), Failure> {
    let directory = Directory::open(&data.directory)?;
    let people = directory.people(account)?;
    let is_known = people
        .iter()
        .any(|known| known.person.id == who || known.is_called(who));
    let (names, command) = match is_known {
        true => {
            let known = find(people, who)?;
            let names = known.identities.into_iter().map(|one| one.value).collect();
            (names, Command::ErasePerson(known.person.id))
        }
        false => (vec![who.to_owned()], Command::EraseName(who.to_owned())),
    };
    let erased = write(data, account, command)?;
    writeln!(
        out,
        "{} stands where names were, in {} rows of the log, {} deployments, {} builds and {} other rows",
        erased["place"].as_str().unwrap_or_default(),
        erased["log"],
        erased["deployments"],
        erased["builds"],
        erased["others"],
    )?;
    for name in &names {
        for (place, count) in directory.mentions(account, name)? {
            writeln!(out, "{name:?} still stands in {count} {place}")?;
        }
    }
    Ok(())
}

/// The one who is called so, by identifier, name, address or login.
pub(super) fn find(people: Vec<Known>, who: &str) -> Result<Known, Failure> {
    let mut found: Vec<Known> = people
        .into_iter()
        .filter(|known| known.person.id == who || known.is_called(who))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(known), true) => Ok(known),
        (Some(_), false) => Err(Failure::Refused(format!(
            "{who} are several people; name one by the identifier that `people list` shows"
        ))),
        (None, _) => Err(Failure::Refused(format!("nobody is known as {who}"))),
    }
}

fn write(data: &Data, account: &str, command: Command) -> Result<Value, Failure> {
    let directory = Directory::open(&data.directory)?;
    let answer = done(directory.write(account, &machine(), command, now())?)?;
    Ok(serde_json::from_str(&answer.body).map_err(StoreError::from)?)
}

/// A person on one line.
fn describe(known: &Known) -> String {
    let mut words = vec![
        known.person.id.clone(),
        known.name().to_owned(),
        known.person.role.as_str().to_owned(),
    ];
    let kinds: Vec<_> = known
        .person
        .approves
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    if !kinds.is_empty() {
        words.push(format!("approves {}", kinds.join(", ")));
    }
    if !known.person.active {
        words.push("not active".to_owned());
    }
    words.join("  ")
}
