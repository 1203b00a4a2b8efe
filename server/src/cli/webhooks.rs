//! `webhooks …`: who is told what happens, managed on the machine.

use std::io::{self, Write};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::settings::SecretsKey;
use super::{Data, Failure, account_name, done, machine, now};
use crate::announce::make::{self, MakeError, Ready};
use crate::domain::queue::{Kind, State, Which};
use crate::domain::time::rfc3339;
use crate::secrets::SecretsError;
use crate::store::flow::{Command, QueueCommand, WebhookCommand};
use crate::store::{Directory, Kept, StoreError};

const HOUR: i64 = 3600 * 1_000_000;

/// The webhook of an account that a command is for.
#[derive(Debug, clap::Args)]
pub struct One {
    #[command(flatten)]
    data: Data,
    /// The account of the webhook
    #[arg(long, value_name = "NAME", value_parser = account_name)]
    account: String,
    /// The webhook, as `webhooks list` shows it
    #[arg(value_name = "WEBHOOK_ID")]
    id: String,
}

#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Make a webhook, and print its secret once
    Add {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        secrets: SecretsKey,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// Where it leads to: https://hooks.example.com/deployments, mailto:ops@example.com, or
        /// mailto:approvers for everybody who can say yes
        #[arg(value_name = "URL")]
        url: String,
        /// What people call it
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Form of what is sent: standard, versioner or cdevents
        #[arg(long, value_name = "FORM", default_value = "standard")]
        format: String,
        /// Only this event, or this family of them, such as deployment; again for more [default: all]
        #[arg(long = "event", value_name = "NAME")]
        events: Vec<String>,
        /// Only of this product; again for more of them [default: all]
        #[arg(long = "product", value_name = "NAME")]
        products: Vec<String>,
        /// Only of this environment; again for more of them [default: all]
        #[arg(long = "environment", value_name = "NAME")]
        environments: Vec<String>,
    },
    /// List the webhooks, without their secrets
    List {
        #[command(flatten)]
        data: Data,
        /// Only those of this account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: Option<String>,
    },
    /// Give a webhook another secret, and print it once; deliveries are signed with both for a time
    Rotate {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        secrets: SecretsKey,
        /// Hours for which the old one goes on; 0 ends it now
        #[arg(long, value_name = "HOURS", default_value_t = 168,
              value_parser = clap::value_parser!(i64).range(0..=2160))]
        overlap: i64,
    },
    /// Tell a webhook what happens, from now on
    On {
        #[command(flatten)]
        one: One,
    },
    /// Tell a webhook nothing until it is switched on again
    Off {
        #[command(flatten)]
        one: One,
    },
    /// Send again what could not be delivered, up to 1000 at once
    Resend {
        #[command(flatten)]
        one: One,
        /// From when on, in RFC 3339 [default: everything]
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
    },
    /// Remove a webhook; what was not delivered yet is dropped
    Remove {
        #[command(flatten)]
        one: One,
    },
}

impl From<MakeError> for Failure {
    fn from(error: MakeError) -> Failure {
        match error {
            MakeError::Refused(refusal) => Failure::refused(&refusal),
            MakeError::Secrets(error) => error.into(),
        }
    }
}

/// Does what the command says.
pub fn run(webhooks: Webhooks) -> Result<(), Failure> {
    let mut out = io::stdout();
    match webhooks {
        Webhooks::Add {
            data,
            secrets,
            account,
            url,
            name,
            format,
            events,
            products,
            environments,
        } => {
            let mut body = json!({
                "url": url, "format": format, "events": events, "products": products,
                "environments": environments,
            });
            if let Some(name) = name {
                body["name"] = json!(name);
            }
            let directory = Directory::open(&data.directory)?;
            let keeper = secrets.read(&data)?.ok_or(SecretsError::None)?;
            let ready = make::add(&keeper, body, |url| make::check_url(url, |_| false, true))?;
            tell_secret(&mut out, &directory, &account, ready)?;
        }
        Webhooks::List { data, account } => {
            let directory = Directory::open(&data.directory)?;
            let accounts = match account {
                Some(account) => vec![account],
                None => directory.account_names()?,
            };
            for account in accounts {
                for kept in directory.webhooks(&account)? {
                    if kept.webhook.removed_at.is_none() {
                        writeln!(out, "{}", describe(&account, &kept))?;
                    }
                }
            }
        }
        Webhooks::Rotate {
            one,
            secrets,
            overlap,
        } => {
            let (directory, kept) = one.find()?;
            let keeper = secrets.read(&one.data)?.ok_or(SecretsError::None)?;
            let ready = make::rotate(&keeper, &kept, overlap * HOUR, None)?;
            tell_secret(&mut out, &directory, &one.account, ready)?;
        }
        Webhooks::On { one } => one.switch(true)?,
        Webhooks::Off { one } => one.switch(false)?,
        Webhooks::Resend { one, since } => {
            let (directory, kept) = one.find()?;
            let which = Which {
                kind: Some(Kind::Webhook),
                topic: Some(kept.webhook.id),
                state: Some(State::Dead),
                since: since.map(|since| since.as_microsecond()),
                ..Which::default()
            };
            let command = Command::Queue(QueueCommand::Replay(which));
            let answer = write(&directory, &one.account, command)?;
            writeln!(out, "{} are sent again", answer["count"])?;
        }
        Webhooks::Remove { one } => {
            let (directory, kept) = one.find()?;
            let command = WebhookCommand::Remove(kept.webhook.id);
            write(&directory, &one.account, Command::Webhook(command))?;
            writeln!(out, "Removed {} of {}", one.id, one.account)?;
        }
    }
    Ok(())
}

impl One {
    fn find(&self) -> Result<(Directory, Kept), Failure> {
        let directory = Directory::open(&self.data.directory)?;
        let mut all = directory.webhooks(&self.account)?.into_iter();
        let is = |kept: &Kept| kept.webhook.id == self.id && kept.webhook.removed_at.is_none();
        let found = all.find(is).ok_or_else(|| {
            let msg = "there is no webhook {}; `versioner-server webhooks list` shows all";
            Failure::Refused(msg.replace("{}", &self.id))
        })?;
        Ok((directory, found))
    }

    fn switch(&self, on: bool) -> Result<(), Failure> {
        let (directory, kept) = self.find()?;
        let changes = Map::from_iter([("enabled".to_owned(), json!(on))]);
        let no_keeper = || Err(SecretsError::None);
        let ready = make::change(no_keeper, &kept, changes, |_| Ok(()), now())?;
        write(&directory, &self.account, Command::Webhook(ready.command))?;
        let state = if on { "on" } else { "off" };
        writeln!(io::stdout(), "{} of {} is {state}", self.id, self.account)?;
        Ok(())
    }
}

fn write(directory: &Directory, account: &str, command: Command) -> Result<Value, Failure> {
    let answer = done(directory.write(account, &machine(), command, now())?)?;
    Ok(serde_json::from_str(&answer.body).map_err(StoreError::from)?)
}

fn tell_secret(
    out: &mut impl Write,
    directory: &Directory,
    account: &str,
    ready: Ready,
) -> Result<(), Failure> {
    let written = write(directory, account, Command::Webhook(ready.command))?;
    let id = written["id"].as_str().unwrap_or_default();
    writeln!(out, "Webhook: {id}")?;
    if let Some(secret) = ready.secret {
        writeln!(out, "Secret (shown once): {secret}")?;
    }
    Ok(())
}

/// A webhook on one line.
fn describe(account: &str, kept: &Kept) -> String {
    let webhook = &kept.webhook;
    let mut words = vec![format!("{account} {}", webhook.id)];
    words.extend(webhook.name.as_ref().map(|name| format!("({name})")));
    words.push(format!("{} to {}", webhook.format.as_str(), webhook.host));
    for (what, limits) in [
        ("events", &webhook.interest.events),
        ("products", &webhook.interest.products),
        ("environments", &webhook.interest.environments),
        ("statuses", &webhook.interest.statuses),
    ] {
        if !limits.is_empty() {
            words.push(format!("{what}: {}", limits.join(", ")));
        }
    }
    words.push(match (webhook.enabled, &webhook.disabled_reason) {
        (true, _) => "on".to_owned(),
        (false, Some(reason)) => format!("off: {reason}"),
        (false, None) => "off".to_owned(),
    });
    let failing = kept.failing_since;
    words.extend(failing.map(|since| format!("failing since {}", rfc3339(since))));
    words.push(format!("made {}", rfc3339(webhook.created_at)));
    words.join("  ")
}
