//! `sources recover`: what a webhook at GitHub could not deliver is taken in as if it had come.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::settings::{Calls, Place, SecretsKey};
use super::sources::read_secret;
use super::{Failure, done, machine, now};
use crate::domain::queue::{Kind as Queued, NewItem};
use crate::domain::source::{Kind, Source};
use crate::github::{Api, Bearer, Deliveries, Failed, GithubError, open_key};
use crate::secrets::SecretsError;
use crate::store::flow::{Command, QueueCommand, key_name};
use crate::store::{Directory, StoreError};

/// Where tokens are, if no file is named.
const TOKEN: &str = "GITHUB_TOKEN";

/// `sources recover`.
#[derive(Debug, Args)]
pub struct Recover {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    secrets: SecretsKey,
    #[command(flatten)]
    calls: Calls,
    /// The source, by its name or as `sources list` shows it
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The repository that has the webhook, for github
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "organization")]
    repository: Option<String>,
    /// The organisation that has the webhook, for github
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// File with a token that may read the webhooks, for github [default: GITHUB_TOKEN of the environment]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Where GitHub's API is, for github; with an Enterprise Server https://HOST/api/v3
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api_url: String,
    /// How many hours to go back; GitHub lists what failed for three days
    #[arg(long, value_name = "HOURS", default_value_t = 72,
          value_parser = clap::value_parser!(i64).range(1..=30 * 24))]
    hours: i64,
}

/// What became of what had failed.
#[derive(Default)]
struct Count {
    taken: usize,
    known: usize,
    lost: Vec<String>,
}

impl Recover {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        let directory = Directory::open(&self.place.data.directory)?;
        let found = directory.sources(&self.place.account)?;
        let source = named(&found, &self.source)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::Io)?;
        let outgoing = self.calls.client()?;
        let api = |base| Api::new(&outgoing, base, now);
        let (key, token);
        let deliveries = match source.kind {
            Kind::GithubApp => {
                let keeper = self.secrets.read(&self.place.data)?;
                let keeper = keeper.ok_or(SecretsError::None)?;
                let sealed = directory.sealed(&self.place.account, &key_name(&source.id))?;
                let sealed = sealed.ok_or(GithubError::NoKey).map_err(refused)?;
                key = open_key(&keeper, source, &sealed).map_err(refused)?;
                let id = source.settings.app_id.as_deref().unwrap_or_default();
                Deliveries::of_app(api(source.settings.api()), Bearer::App(&key, id))
            }
            _ => {
                let place = place(self.repository.as_deref(), self.organization.as_deref())?;
                token = read_token(self.token_file.as_deref())?;
                let base = self.api_url.trim_end_matches('/');
                let who = Bearer::Token(&token);
                let hook = Deliveries::of_hook(api(base), who, &place, &source.id);
                let hook = runtime.block_on(hook).map_err(|error| match error {
                    GithubError::Gone(_) | GithubError::Forbidden(_) => Failure::Refused(format!(
                        "{error}: the token does not see the webhooks of {place}; it needs Webhooks: read, \
                         or admin:repo_hook or admin:org_hook"
                    )),
                    error => refused(error),
                })?;
                hook.ok_or_else(|| {
                    let msg = format!(
                        "{place} has no webhook at GitHub that leads to this source; look whether its \
                         Payload URL ends with /hooks/{}",
                        source.id
                    );
                    Failure::Refused(msg)
                })?
            }
        };
        let since = Timestamp::now() - SignedDuration::from_hours(self.hours);
        let failed = runtime
            .block_on(deliveries.failed(since))
            .map_err(refused)?;
        let mut count = Count::default();
        for one in &failed {
            let fetched = runtime.block_on(deliveries.fetch(one));
            match fetched {
                Ok((head, body)) => {
                    let new = NewItem {
                        kind: Queued::Inbox,
                        topic: source.id.clone(),
                        key: one.guid.clone(),
                        not_before: 0,
                        head,
                        body,
                    };
                    match add(&directory, &self.place, new)? {
                        true => count.taken += 1,
                        false => count.known += 1,
                    }
                }
                Err(error) => count.lost.push(lost(one, &error)),
            }
        }
        let mut out = io::stdout();
        for line in &count.lost {
            writeln!(out, "{line}")?;
        }
        writeln!(
            out,
            "Failed in the last {} hours: {}; taken {}, known already {}, not to be had {}",
            self.hours,
            failed.len(),
            count.taken,
            count.known,
            count.lost.len()
        )?;
        Ok(())
    }
}

/// Puts it into the queue as if it had come; whether it was not there.
fn add(directory: &Directory, place: &Place, new: NewItem) -> Result<bool, Failure> {
    let command = Command::Queue(QueueCommand::Add(new));
    let answer = done(directory.write(&place.account, &machine(), command, now())?)?;
    let body: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    Ok(body["new"] == true)
}

fn lost(one: &Failed, error: &GithubError) -> String {
    let shown = |text: &str| -> String {
        let short = text.chars().take(80);
        short.filter(|one| !one.is_control()).collect()
    };
    format!(
        "Not to be had: {} ({}, {}): {error}",
        shown(&one.guid),
        shown(&one.event),
        shown(&one.at)
    )
}

fn refused(error: GithubError) -> Failure {
    Failure::Refused(error.to_string())
}

/// The source of this name, or with this identifier.
fn named<'s>(sources: &'s [Source], name: &str) -> Result<&'s Source, Failure> {
    let is = |source: &&Source| source.id == name || source.name == name;
    let found: Vec<&Source> = sources.iter().filter(is).collect();
    let refused = |msg: String| Err(Failure::Refused(msg));
    match found[..] {
        [source] if matches!(source.kind, Kind::Github | Kind::GithubApp) => Ok(source),
        [source] => refused(format!(
            "{name} is of the kind {}, and only GitHub keeps a list of what failed",
            source.kind.as_str()
        )),
        [] => refused(format!(
            "there is no source {name}; sources list shows them"
        )),
        _ => refused(format!(
            "several sources are called {name}; name one as sources list shows it"
        )),
    }
}

/// Whose webhook it is, in the API.
fn place(repository: Option<&str>, organization: Option<&str>) -> Result<String, Failure> {
    let is_name = |text: &str| {
        let is_letter = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
        !text.is_empty() && text != "." && text != ".." && text.chars().all(is_letter)
    };
    match (repository, organization) {
        (Some(repository), _) => match repository.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => {
                Ok(format!("repos/{owner}/{name}"))
            }
            _ => Err(Failure::Refused(format!(
                "--repository {repository:?} is none; write OWNER/NAME"
            ))),
        },
        (None, Some(name)) if is_name(name) => Ok(format!("orgs/{name}")),
        (None, Some(name)) => Err(Failure::Refused(format!(
            "--organization {name:?} is none; write its name as it stands in addresses"
        ))),
        (None, None) => Err(Failure::Refused(
            "say whose webhook it is: --repository OWNER/NAME or --organization NAME".to_owned(),
        )),
    }
}

fn read_token(file: Option<&std::path::Path>) -> Result<String, Failure> {
    let token = match file {
        Some(path) => read_secret(path)?,
        None => std::env::var(TOKEN).unwrap_or_default(),
    };
    let token = token.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| token.to_owned()).ok_or_else(|| {
        let from = match file {
            Some(path) => format!("{} holds", path.display()),
            None => format!("{TOKEN} is"),
        };
        Failure::Refused(format!(
            "{from} no token; give one that may read webhooks by --token-file or {TOKEN}"
        ))
    })
}
