//! `sources …`: who else tells of builds and deployments.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::recover::Recover;
use super::settings::{Place, Public, SecretsKey};
use super::{Failure, done, machine, now};
use crate::api::sources::{check_key, new_id, new_secret, seal, seal_key};
use crate::domain::senders::{Found, HIDDEN, SENDERS, Sender, as_markdown, as_text};
use crate::domain::source::{Kind, NewSource, Rotation, Settings, Source};
use crate::domain::time::rfc3339;
use crate::secrets::{Secrets, SecretsError};
use crate::store::flow::{Command, SealedSecret, SourceCommand};
use crate::store::{Directory, StoreError};

/// How long the old secret of a rotated source stays valid, in hours.
const OVERLAP: i64 = 7 * 24;
const HOUR: i64 = 3600 * 1_000_000;

#[derive(Debug, Subcommand)]
pub enum Sources {
    /// Make a source, and print what its sender needs
    Add(Box<Add>),
    /// Show every source
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Give a source a new secret; the old one stays valid for a week
    Rotate {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        keys: Keys,
        /// The source, as `sources list` shows it
        id: String,
        /// Hours for which the old secret stays valid
        #[arg(long, value_name = "HOURS", default_value_t = OVERLAP,
              value_parser = clap::value_parser!(i64).range(0..=90 * 24))]
        overlap: i64,
        /// File with the new secret, if the sender has made it itself
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// File with another private key of an app at GitHub; its secret then stays as it is
        #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
        private_key_file: Option<PathBuf>,
    },
    /// Take nothing from a source any more
    Remove {
        #[command(flatten)]
        place: Place,
        /// The source, as `sources list` shows it
        id: String,
    },
    /// Take what a webhook at GitHub could not deliver, as if it had come: GitHub never tries again
    Recover(Box<Recover>),
    /// Print what is to be done at a sender, in Markdown
    Guide {
        /// The sender; all of them, if it is not named
        #[arg(value_name = "SENDER", value_parser = sender)]
        sender: Option<&'static Sender>,
    },
}

/// `sources add`.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    keys: Keys,
    /// Who sends: github, github-app, gitlab, argocd, flux, jenkins, vercel, tekton, cloudevents, standard, plain
    /// or json
    #[arg(value_name = "SENDER", value_parser = sender)]
    sender: &'static Sender,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// A mapping that is ready, for json: plain, argocd, flux, jenkins, vercel or tekton
    #[arg(long, value_name = "NAME")]
    ready: Option<String>,
    /// Other settings, as JSON, such as '{"environments": {"prod": "production"}}'
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// File with the secret that the sender has already
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The App ID that GitHub shows on the page of the app, for github-app
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// File with the private key that GitHub gives out for the app, for github-app
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
    /// Where GitHub's API is, for github-app; with an Enterprise Server https://HOST/api/v3
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
}

/// What a secret is kept with, and where its sender finds the server.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(flatten)]
    secrets: SecretsKey,
    #[command(flatten)]
    public: Public,
}

/// Does what the command says.
pub fn run(sources: Sources) -> Result<(), Failure> {
    let mut out = io::stdout();
    match sources {
        Sources::Add(add) => add.run(),
        Sources::Recover(recover) => recover.run(),
        Sources::List { place } => {
            let directory = Directory::open(&place.data.directory)?;
            for source in directory.sources(&place.account)? {
                writeln!(out, "{}", line(&source))?;
            }
            Ok(())
        }
        Sources::Rotate {
            place,
            keys,
            id,
            overlap,
            secret_file,
            private_key_file,
        } => {
            let directory = Directory::open(&place.data.directory)?;
            let found = directory.sources(&place.account)?;
            let Some(source) = found.into_iter().find(|source| source.id == id) else {
                return Err(Failure::Refused(format!("there is no source {id}")));
            };
            let key = keys.secrets.read(&place.data)?.ok_or(SecretsError::None)?;
            if let Some(path) = &private_key_file {
                let pem = read_secret(path)?;
                if let Some(sealed) = sealed_key(&key, &id, Some(&pem))? {
                    write(&directory, &place, SourceCommand::Rekey(id.clone(), sealed))?;
                }
                writeln!(out, "The app of {id} signs with the new key from now on")?;
                return Ok(());
            }
            let secret = match &secret_file {
                Some(path) => given(&read_secret(path)?)?,
                None => new_secret(source.kind).map_err(StoreError::from)?,
            };
            let sealed = seal(&key, &id, &secret)?;
            let command = SourceCommand::Rotate(id, sealed, overlap * HOUR);
            let source = write(&directory, &place, command)?;
            writeln!(out, "{}", paste(&keys, &source, &secret)?)?;
            Ok(())
        }
        Sources::Remove { place, id } => {
            let directory = Directory::open(&place.data.directory)?;
            write(&directory, &place, SourceCommand::Remove(id.clone()))?;
            writeln!(out, "Nothing is taken from {id} any more")?;
            Ok(())
        }
        Sources::Guide { sender } => {
            let wanted = |one: &&Sender| sender.is_none_or(|only| only.word == one.word);
            for (at, one) in SENDERS.iter().filter(wanted).enumerate() {
                let between = if at == 0 { "" } else { "\n" };
                let steps = as_markdown(&one.steps(HIDDEN));
                writeln!(out, "{between}## {}\n\n{steps}", one.title())?;
            }
            Ok(())
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let mut settings: Map<String, Value> = match &self.settings {
            None => Map::new(),
            Some(text) => serde_json::from_str(text).map_err(|error| {
                Failure::Refused(format!("--settings is no JSON object: {error}"))
            })?,
        };
        if let Some(ready) = self.ready.as_deref().or(self.sender.ready) {
            settings.insert("ready".to_owned(), json!(ready));
        }
        for (name, value) in [("app_id", &self.app_id), ("api_url", &self.api_url)] {
            if let Some(value) = value {
                settings.insert(name.to_owned(), json!(value));
            }
        }
        let mut body = json!({
            "name": self.name, "kind": self.sender.kind.as_str(), "settings": settings,
        });
        if let Some(path) = &self.secret_file {
            body["secret"] = read_secret(path)?.into();
        }
        if let Some(path) = &self.private_key_file {
            body["private_key"] = read_secret(path)?.into();
        }
        let new = NewSource::read(body).map_err(|refusal| Failure::refused(&refusal))?;
        let id = new_id(&self.place.account).map_err(StoreError::from)?;
        let secret = match &new.secret {
            Some(secret) => secret.clone(),
            None => new_secret(new.kind).map_err(StoreError::from)?,
        };
        let directory = Directory::open(&self.place.data.directory)?;
        let key = self.keys.secrets.read(&self.place.data)?;
        let key = key.ok_or(SecretsError::None)?;
        let sealed = seal(&key, &id, &secret)?;
        let private_key = sealed_key(&key, &id, new.private_key.as_deref())?;
        let source = write(
            &directory,
            &self.place,
            SourceCommand::Add(id, Box::new(new), sealed, private_key),
        )?;
        writeln!(io::stdout(), "{}", paste(&self.keys, &source, &secret)?)?;
        Ok(())
    }
}

fn write(directory: &Directory, place: &Place, command: SourceCommand) -> Result<Value, Failure> {
    let command = Command::Source(command);
    let answer = done(directory.write(&place.account, &machine(), command, now())?)?;
    Ok(serde_json::from_str(&answer.body).map_err(StoreError::from)?)
}

fn line(source: &Source) -> String {
    let state = if source.enabled { "on" } else { "off" };
    let parts = [
        source.id.clone(),
        source.kind.as_str().to_owned(),
        state.to_owned(),
        rfc3339(source.created_at),
        source.name.clone(),
    ];
    parts.join("  ")
}

/// The sender of this word.
fn sender(word: &str) -> Result<&'static Sender, String> {
    Sender::named(word).ok_or_else(|| {
        let words: Vec<_> = SENDERS.iter().map(|sender| sender.word).collect();
        format!("{word:?} is none of {}", words.join(", "))
    })
}

/// The private key of an app as it is kept, if there is one.
fn sealed_key(key: &Secrets, id: &str, pem: Option<&str>) -> Result<Option<SealedSecret>, Failure> {
    check_key(pem).map_err(|refusal| Failure::refused(&refusal))?;
    Ok(seal_key(key, id, pem)?)
}

/// A secret from a file.
pub fn read_secret(path: &Path) -> Result<String, Failure> {
    let secret = std::fs::read_to_string(path).map_err(|source| Failure::ReadSecret {
        path: path.display().to_string(),
        source,
    })?;
    Ok(secret.trim().to_owned())
}

/// A secret that the sender has made, if it can be one.
fn given(secret: &str) -> Result<String, Failure> {
    let read = Rotation::read(json!({ "secret": secret }));
    let rotation = read.map_err(|refusal| Failure::refused(&refusal))?;
    Ok(rotation.secret.unwrap_or_default())
}

/// What to paste where.
fn paste(keys: &Keys, source: &Value, secret: &str) -> Result<String, Failure> {
    let base = keys.public.public_url.as_ref();
    let base = base.map_or_else(|| "http://127.0.0.1:8420".to_owned(), ToString::to_string);
    let id = source["id"].as_str().unwrap_or_default();
    let url = format!("{}/hooks/{id}", base.trim_end_matches('/'));
    let settings: Settings =
        serde_json::from_value(source["settings"].clone()).map_err(StoreError::from)?;
    let kind =
        Kind::parse(source["kind"].as_str().unwrap_or_default()).map_err(Failure::Refused)?;
    let found = Found { url: &url, secret };
    let steps = as_text(&Sender::steps_for(kind, &settings, found));
    Ok(format!(
        "Source {id}\n{steps}\nThe secret is not shown again."
    ))
}
