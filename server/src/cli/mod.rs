//! The command line.

mod accounts;
mod admin;
mod all_stop;
mod buttons;
mod config;
mod hand_over;
mod health;
mod keys;
mod links;
mod people;
mod prune;
mod queue;
mod recover;
mod rules;
mod settings;
mod slack;
mod sources;
mod vouching;
mod webhooks;

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::api::App;
use crate::auth::keys::{MAX_ACCOUNT_LEN, is_account_name};
use crate::clock::{Clock, SystemClock};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::keys::NewKey;
use crate::domain::scope::Scopes;
use crate::metrics::Metrics;
use crate::pages::Reach;
use crate::secrets::SecretsError;
use crate::serve::{Limits, serve};
use crate::store::flow::{self, Outcome};
use crate::store::{Directory, StoreError, check_migration, copy, database_url, verify_log};
use crate::tls::{Tls, TlsError};
use config::ConfigError;
use settings::{Data, LogFormat, Settings};

/// The account that the first start makes.
const FIRST_ACCOUNT: &str = "local";

/// The Versioner API to run oneself, on an embedded database or on PostgreSQL.
#[derive(Debug, Parser)]
#[command(
    name = "versioner-server",
    version,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Manage the accounts, beside a running server or without one
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Manage API keys, beside a running server or without one
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Manage people, beside a running server or without one
    #[command(subcommand)]
    People(people::People),
    /// Refuse every start for a time, beside a running server or without one
    #[command(subcommand)]
    AllStop(all_stop::AllStop),
    /// Say where what deploys is, for a button beside each version
    #[command(subcommand)]
    Buttons(buttons::ButtonsCommand),
    /// Let other systems tell of what they build and deploy
    #[command(subcommand)]
    Sources(sources::Sources),
    /// Look at what waits to be done, and begin anew what could not be done
    #[command(subcommand)]
    Queue(queue::Queue),
    /// Say who is told what happens, beside a running server or without one
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Keep the deployment rules of an account in a file
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Set up the app of Slack
    #[command(subcommand)]
    Slack(slack::Slack),
    /// Look at the log of an account
    #[command(subcommand)]
    Audit(Audit),
    /// Bring a data directory up to date, as the start of a server does
    Migrate {
        #[command(flatten)]
        data: Data,
        /// Only print what would be merged, closed and widened
        #[arg(long)]
        check: bool,
    },
    /// Take out what is old and nobody asks for any more; the log keeps it
    Prune(prune::Prune),
    /// Copy the data directory, beside a running server or without one
    Backup(admin::Backup),
    /// Make a data directory from a backup
    Restore(admin::Restore),
    /// Copy every account from a data directory to a database of PostgreSQL, or back
    Copy {
        /// What is copied; a server may run on it
        #[arg(
            long,
            value_name = "DIR|URL",
            env = "VERSIONER_SERVER_COPY_FROM",
            hide_env_values = true
        )]
        from: PathBuf,
        /// Where there are no such accounts yet: a directory that does not exist, or a database
        #[arg(
            long,
            value_name = "DIR|URL",
            env = "VERSIONER_SERVER_COPY_TO",
            hide_env_values = true
        )]
        to: PathBuf,
    },
    /// Look through a data directory, beside a running server or without one
    Doctor(admin::Doctor),
    /// Ask the server that was started so whether it is ready; exit code 1 if not
    Health(health::Health),
    /// Show every setting that a server started so would have, and where each comes from
    Config(Box<Settings>),
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Check that no row of the log was changed or taken out
    Verify {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
    },
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("TLS needs both --tls-cert and --tls-key")]
    HalfTls,
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("nothing can be counted: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("cannot read the secret in {path}: {source}")]
    ReadSecret { path: String, source: io::Error },
    #[error("cannot write {what} to {path}: {source}")]
    SecretFile {
        what: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the database needs a newer server than this one; run that one")]
    Outdated,
    #[error("{0} of these is not as it should be")]
    Doctor(usize),
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// What a refusal says, with every field that is wrong.
    fn refused(refusal: &Refusal) -> Failure {
        Failure::Refused(refusal.sentence())
    }
}

/// The definition of the command line, which its manual pages are made from.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let done = config::parse(std::env::args_os().collect())
        .map_err(Failure::from)
        .and_then(|(cli, matches, file)| {
            start_log(cli.settings.log_format);
            run(cli, &matches, &file)
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "Error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        // A log that cannot be written must not harm what it tells of.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("VERSIONER_SERVER_LOG")
                .unwrap_or_else(|_| "info".into()),
        );
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn run(cli: Cli, matches: &ArgMatches, file: &config::File) -> Result<(), Failure> {
    let Some(command) = cli.command else {
        return run_server(cli.settings);
    };
    match command {
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Copy { from, to } => {
            let copied = copy(&from, &to, &machine(), now())?;
            writeln!(io::stdout(), "Copied {copied} accounts")?;
            Ok(())
        }
        Command::Prune(prune) => prune.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Migrate { data, check } => migrate(&data.directory, check),
        Command::Audit(Audit::Verify { data, account }) => {
            let rows = match database_url(&data.directory) {
                Some(_) => Directory::open(&data.directory)?.verify_log(&account)?,
                None => verify_log(&data.directory, &account)?,
            };
            writeln!(io::stdout(), "The log of {account} is whole: {rows} rows")?;
            Ok(())
        }
        Command::AllStop(all_stop) => all_stop::run(all_stop),
        Command::Buttons(command) => buttons::run(command),
        Command::Sources(sources) => sources::run(sources),
        Command::Queue(queue) => queue::run(queue),
        Command::Webhooks(webhooks) => webhooks::run(webhooks),
        Command::Rules(rules) => rules::run(rules),
        Command::Accounts(accounts) => accounts::run(accounts),
        Command::Slack(slack) => slack::run(slack),
        Command::Keys(keys) => keys::run(keys),
        Command::People(people) => people::run(people),
        Command::Health(health) => health.run(),
        Command::Config(_) => Ok(config::show(matches, file)?),
    }
}

#[tokio::main]
async fn run_server(settings: Settings) -> Result<(), Failure> {
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::load(certificate, key)?)),
        (None, None) => None,
        _ => return Err(Failure::HalfTls),
    };
    let (openid, proxy) = settings.vouching.read()?;
    let mailer = settings.mail.mailer()?;
    let outgoing = settings.calls.client()?;
    let stop = stop_signal(tls.clone())?;
    let directory = Directory::open_to_serve(&settings.data.directory)?;
    let secrets = settings.secrets.read(&settings.data)?;
    let listener = listen(settings.listen).await?;
    let metrics = match settings.metrics {
        Some(address) => Some((Metrics::start()?, listen(address).await?)),
        None => None,
    };
    let mut out = io::stdout();
    let address = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    if directory.is_new()? {
        let new = NewKey::new(Scopes::all());
        let key = directory.add_key(FIRST_ACCOUNT, &new, &machine(), now())?;
        let public = settings.public.public_url.as_ref();
        let base = public.map_or_else(|| base(scheme, address), ToString::to_string);
        let handed = hand_over::key(&key, settings.first_key_file.as_deref(), &mut out);
        let handed = handed.and_then(|()| {
            let link = links::make(&directory, FIRST_ACCOUNT, None, &base)?;
            hand_over::set_up_link(&link, settings.setup_file.as_deref(), &mut out)
        });
        if let Err(error) = handed {
            // Nobody knows it; the next start makes another.
            directory.remove_account(key.account())?;
            return Err(error);
        }
    }
    if let Some((_, listener)) = &metrics {
        writeln!(out, "Metrics on http://{}/metrics", listener.local_addr()?)?;
    }
    writeln!(out, "Listening on {scheme}://{address}")?;
    out.flush()?;
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "API keys travel unencrypted: use --tls-cert, or a proxy with TLS on this machine"
        );
    }
    let app = App::new(directory, Arc::new(SystemClock), settings.rate_limit);
    let app = app.behind(settings.trusted_proxies);
    let app = app.with_outgoing(outgoing);
    let app = match mailer {
        Some(mailer) => app.with_mailer(mailer),
        None => app,
    };
    let app = app.with_reach(Reach {
        public_url: settings.public.public_url,
        allow_http_login: settings.allow_http_login,
        openid,
        proxy,
    });
    let app = app.with_slack_at(settings.slack_api_url);
    let kept = settings.queue;
    let app = app.with_queue_kept(kept.queue_keep_done, kept.queue_keep_dead);
    let app = app.with_limits(Limits {
        connections: settings.max_connections,
        write_timeout: Duration::from_secs(settings.write_timeout),
    });
    let app = match secrets {
        Some(secrets) => app.with_secrets(Arc::new(secrets)),
        None => app,
    };
    let app = match tls {
        Some(tls) => app.with_tls(tls),
        None => app,
    };
    let app = if settings.read_only {
        app.read_only()
    } else {
        app
    };
    let app = Arc::new(app);
    let shown = metrics.map(|(metrics, listener)| {
        let shown = metrics.serve(app.clone(), listener);
        tokio::spawn(shown)
    });
    serve(app.clone(), listener, stop).await;
    if let Some(shown) = shown {
        shown.abort();
    }
    if app.directory().is_outdated() {
        return Err(Failure::Outdated);
    }
    Ok(())
}

/// Where a browser on this machine finds the server.
fn base(scheme: &str, address: SocketAddr) -> String {
    let mut address = address;
    if address.ip().is_unspecified() {
        let here = match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(here);
    }
    format!("{scheme}://{address}")
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| Failure::Listen { address, source })
}

#[cfg(unix)]
fn stop_signal(tls: Option<Arc<Tls>>) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The end of the terminal is no reason to end.
    let mut hangup = signal(SignalKind::hangup())?;
    // Nor is a file that may not grow any more: the write that cannot be made says so.
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.as_ref().map(|tls| tls.reload()) {
                Some(Ok(())) => tracing::info!("the certificate was read again"),
                Some(Err(error)) => tracing::error!(%error, "the certificate stays as it was"),
                None => {}
            }
        }
    });
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal(_: Option<Arc<Tls>>) -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

fn migrate(directory: &Path, check: bool) -> Result<(), Failure> {
    let mut out = io::stdout();
    let found = check_migration(directory, now())?;
    for line in &found {
        writeln!(out, "{line}")?;
    }
    if check {
        if found.is_empty() {
            writeln!(out, "Nothing would be merged, closed or widened")?;
        }
        return Ok(());
    }
    let migrated = Directory::open_to_serve(directory)?;
    for account in migrated.account_names()? {
        let note = flow::Command::Note {
            kind: "account.migrated",
            message: "The account is of the newest form".to_owned(),
        };
        done(migrated.write(&account, &machine(), note, now())?)?;
    }
    // The address of a database may have a password in it.
    let what = match database_url(directory) {
        Some(_) => "the database".to_owned(),
        None => directory.display().to_string(),
    };
    writeln!(out, "{what} is up to date")?;
    Ok(())
}

/// Who works on this machine, as the log names them.
fn machine() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME"));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"));
    format!(
        "cli:{}@{}",
        user.as_deref().unwrap_or("unknown"),
        host.as_deref().unwrap_or("unknown")
    )
}

/// The answer to a command on the machine.
fn done(outcome: Outcome) -> Result<Answer, Failure> {
    match outcome {
        Outcome::Done(answer) | Outcome::Shown(answer) => Ok(answer),
        Outcome::Looked(verdict) => Ok(Answer::new(200, &verdict.body)),
        Outcome::Claimed(items) => Ok(Answer::new(200, &items.len())),
        Outcome::Refused(refusal) => Err(Failure::refused(&refusal)),
    }
}

fn now() -> i64 {
    SystemClock.now().as_microsecond()
}

fn account_name(text: &str) -> Result<String, String> {
    if is_account_name(text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "an account name has up to {MAX_ACCOUNT_LEN} lower-case letters, digits and hyphens, \
             and begins with a letter or digit"
        ))
    }
}
