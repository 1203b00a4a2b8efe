//! The command line.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::api::App;
use crate::auth::keys::{ApiKey, MAX_ACCOUNT_LEN, is_account_name};
use crate::auth::scope::{Scope, Scopes};
use crate::clock::{Clock, SystemClock};
use crate::domain::time::rfc3339;
use crate::serve::{Limits, serve};
use crate::store::{Directory, KeyInfo, NewKey, StoreError, backup, verify_log};

/// The account that the first start makes.
const FIRST_ACCOUNT: &str = "local";
const DAY: i64 = 24 * 3600 * 1_000_000;

/// The Versioner API to run oneself, on an embedded database.
#[derive(Debug, Parser)]
#[command(
    name = "versioner-server",
    version,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(flatten)]
    data: Data,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    listen: SocketAddr,
    /// Requests per minute that each key may make [default: no limit]
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    /// Connections at once; one more is answered 503
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// Seconds for which a client may read nothing of its answer
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().write_timeout.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    write_timeout: u64,
    /// File to write the first key to, readable for its owner alone, in place of standard output
    #[arg(long, value_name = "FILE")]
    first_key_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Data {
    /// Directory that holds the databases
    #[arg(long = "data", value_name = "DIR", default_value = "./versioner-data")]
    directory: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Manage API keys, beside a running server or without one
    #[command(subcommand)]
    Keys(Keys),
    /// Look at the log of an account
    #[command(subcommand)]
    Audit(Audit),
    /// Copy the data directory, beside a running server or without one
    Backup {
        #[command(flatten)]
        data: Data,
        /// Directory to make the copy in; it must not exist
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
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

#[derive(Debug, Subcommand)]
enum Keys {
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
        /// The person that it belongs to, by the identifier that /people/ shows
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// What it may do, with commas: events, read, approve, rules, history, override, admin
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
    },
    /// List the keys, without their secret part
    List {
        #[command(flatten)]
        data: Data,
        /// Only the keys of this account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: Option<String>,
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

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot write the first key to {path}: {source}")]
    KeyFile { path: String, source: io::Error },
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("account {account} has no valid key {id}; `versioner-server keys list` shows them")]
    NoSuchKey { account: String, id: String },
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        // A log that cannot be written must not harm what it tells of.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("VERSIONER_SERVER_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        .init();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "Error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => run_server(cli),
        Some(Command::Backup { data, to }) => {
            let copied = backup(&data.directory, &to)?;
            writeln!(
                io::stdout(),
                "Copied {copied} databases to {}",
                to.display()
            )?;
            Ok(())
        }
        Some(Command::Audit(Audit::Verify { data, account })) => {
            let rows = verify_log(&data.directory, &account)?;
            writeln!(io::stdout(), "The log of {account} is whole: {rows} rows")?;
            Ok(())
        }
        Some(Command::Keys(keys)) => manage_keys(keys),
    }
}

#[tokio::main]
async fn run_server(cli: Cli) -> Result<(), Failure> {
    let stop = stop_signal()?;
    let directory = Directory::open_to_serve(&cli.data.directory)?;
    let listener = TcpListener::bind(cli.listen)
        .await
        .map_err(|source| Failure::Listen {
            address: cli.listen,
            source,
        })?;
    let mut out = io::stdout();
    if directory.is_new()? {
        let key = directory.add_key(&NewKey::new(FIRST_ACCOUNT, Scopes::all()), now())?;
        if let Err(error) = hand_over(&key, cli.first_key_file.as_deref(), &mut out) {
            // Nobody knows it; the next start makes another.
            directory.discard_key(&key)?;
            return Err(error);
        }
    }
    writeln!(out, "Listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    let app = App::new(directory, Arc::new(SystemClock), cli.rate_limit);
    let app = app.with_limits(Limits {
        connections: cli.max_connections,
        write_timeout: Duration::from_secs(cli.write_timeout),
    });
    serve(Arc::new(app), listener, stop).await;
    Ok(())
}

/// Gives the first key to whoever starts the server.
fn hand_over(key: &ApiKey, file: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    let Some(path) = file else {
        writeln!(out, "API key (shown once): {}", key.reveal())?;
        return Ok(out.flush()?);
    };
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| {
        writeln!(file, "{}", key.reveal())?;
        file.sync_all()
    });
    written.map_err(|source| Failure::KeyFile {
        path: path.display().to_string(),
        source,
    })?;
    writeln!(out, "API key written to {}", path.display())?;
    Ok(())
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The end of the terminal is no reason to end.
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move { while hangup.recv().await.is_some() {} });
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

fn manage_keys(keys: Keys) -> Result<(), Failure> {
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
        } => {
            let directory = Directory::open(&data.directory)?;
            let scopes = if read_only {
                Scopes::of(&[Scope::Read])
            } else {
                scopes
            };
            let new = NewKey {
                name,
                owner,
                products,
                environments,
                expires_at: expires.map(|days| now() + days * DAY),
                ..NewKey::new(&account, scopes)
            };
            let key = directory.add_key(&new, now())?;
            writeln!(out, "API key (shown once): {}", key.reveal())?;
        }
        Keys::List { data, account } => {
            let directory = Directory::open(&data.directory)?;
            for key in directory.list_keys(account.as_deref())? {
                writeln!(out, "{}", describe(&key))?;
            }
        }
        Keys::Revoke { data, account, id } => {
            let directory = Directory::open(&data.directory)?;
            if !directory.revoke_key(&account, &id, now())? {
                return Err(Failure::NoSuchKey { account, id });
            }
            writeln!(out, "Revoked {id} of {account}")?;
        }
    }
    Ok(())
}

/// A key on one line.
fn describe(key: &KeyInfo) -> String {
    let mut words = vec![format!("{} {}", key.account, key.id)];
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
    if key.legacy {
        words.push("legacy: made before keys had scopes".to_owned());
    }
    words.push(format!("made {}", rfc3339(key.created_at)));
    words.extend(key.expires_at.map(|at| format!("expires {}", rfc3339(at))));
    words.push(match key.last_used_at {
        Some(at) => format!("last used {}", rfc3339(at)),
        None => "never used".to_owned(),
    });
    words.join("  ")
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
