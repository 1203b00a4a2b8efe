//! The command line.

mod admin;
mod keys;
mod people;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;

use crate::api::App;
use crate::auth::keys::{ApiKey, MAX_ACCOUNT_LEN, is_account_name};
use crate::clock::{Clock, SystemClock};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::keys::NewKey;
use crate::domain::scope::Scopes;
use crate::metrics::Metrics;
use crate::serve::{Limits, serve};
use crate::store::flow::Outcome;
use crate::store::{Directory, StoreError, check_migration, verify_log};
use crate::tls::{Tls, TlsError};

/// The account that the first start makes.
const FIRST_ACCOUNT: &str = "local";

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
    #[arg(
        long,
        value_name = "ADDR",
        env = "VERSIONER_SERVER_LISTEN",
        default_value = "127.0.0.1:8420"
    )]
    listen: SocketAddr,
    /// Requests per minute that each key may make [default: no limit]
    #[arg(long, value_name = "N", env = "VERSIONER_SERVER_RATE_LIMIT")]
    rate_limit: Option<NonZeroU32>,
    /// Connections at once; one more is answered 503
    #[arg(long, value_name = "N", env = "VERSIONER_SERVER_MAX_CONNECTIONS",
          default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// Seconds for which a client may read nothing of its answer
    #[arg(long, value_name = "SECONDS", env = "VERSIONER_SERVER_WRITE_TIMEOUT",
          default_value_t = Limits::default().write_timeout.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    write_timeout: u64,
    /// File to write the first key to, readable for its owner alone, in place of standard output
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_FIRST_KEY_FILE")]
    first_key_file: Option<PathBuf>,
    /// Certificate for TLS, in PEM, with those that lead to its authority; read again on SIGHUP
    #[arg(
        long,
        value_name = "FILE",
        env = "VERSIONER_SERVER_TLS_CERT",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "VERSIONER_SERVER_TLS_KEY",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// Address on which /metrics is for Prometheus, without a key [default: none]
    #[arg(long, value_name = "ADDR", env = "VERSIONER_SERVER_METRICS")]
    metrics: Option<SocketAddr>,
    /// Record nothing: events are answered 503, and nothing expires
    #[arg(long, env = "VERSIONER_SERVER_READ_ONLY")]
    read_only: bool,
    /// Form of the log on standard error
    #[arg(
        long,
        value_name = "FORMAT",
        env = "VERSIONER_SERVER_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One object per line, for programs
    Json,
}

#[derive(Debug, Args)]
struct Data {
    /// Directory that holds the databases
    #[arg(
        long = "data",
        value_name = "DIR",
        env = "VERSIONER_SERVER_DATA",
        default_value = "./versioner-data"
    )]
    directory: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Manage API keys, beside a running server or without one
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Manage people, beside a running server or without one
    #[command(subcommand)]
    People(people::People),
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
    /// Copy the data directory, beside a running server or without one
    Backup(admin::Backup),
    /// Make a data directory from a backup
    Restore(admin::Restore),
    /// Look through a data directory, beside a running server or without one
    Doctor(admin::Doctor),
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
    Tls(#[from] TlsError),
    #[error("nothing can be counted: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("cannot write the first key to {path}: {source}")]
    KeyFile { path: String, source: io::Error },
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0} of these is not as it should be")]
    Doctor(usize),
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// What a refusal says, with every field that is wrong.
    fn refused(refusal: &Refusal) -> Failure {
        Failure::Refused(match refusal {
            Refusal::Invalid(errors) => errors
                .iter()
                .map(|error| format!("{}: {}", error.loc.join("."), error.msg))
                .collect::<Vec<_>>()
                .join("; "),
            other => other.to_string(),
        })
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.log_format);
    match run(cli) {
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

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => run_server(cli),
        Some(Command::Backup(backup)) => backup.run(),
        Some(Command::Restore(restore)) => restore.run(),
        Some(Command::Doctor(doctor)) => doctor.run(),
        Some(Command::Migrate { data, check }) => migrate(&data.directory, check),
        Some(Command::Audit(Audit::Verify { data, account })) => {
            let rows = verify_log(&data.directory, &account)?;
            writeln!(io::stdout(), "The log of {account} is whole: {rows} rows")?;
            Ok(())
        }
        Some(Command::Keys(keys)) => keys::run(keys),
        Some(Command::People(people)) => people::run(people),
    }
}

#[tokio::main]
async fn run_server(cli: Cli) -> Result<(), Failure> {
    let tls = match (&cli.tls_cert, &cli.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::load(certificate, key)?)),
        _ => None,
    };
    let stop = stop_signal(tls.clone())?;
    let directory = Directory::open_to_serve(&cli.data.directory)?;
    let listener = listen(cli.listen).await?;
    let metrics = match cli.metrics {
        Some(address) => Some((Metrics::start()?, listen(address).await?)),
        None => None,
    };
    let mut out = io::stdout();
    if directory.is_new()? {
        let new = NewKey::new(Scopes::all());
        let key = directory.add_key(FIRST_ACCOUNT, &new, &machine(), now())?;
        if let Err(error) = hand_over(&key, cli.first_key_file.as_deref(), &mut out) {
            // Nobody knows it; the next start makes another.
            directory.discard_first_key(&key)?;
            return Err(error);
        }
    }
    let address = listener.local_addr()?;
    if let Some((_, listener)) = &metrics {
        writeln!(out, "Metrics on http://{}/metrics", listener.local_addr()?)?;
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    writeln!(out, "Listening on {scheme}://{address}")?;
    out.flush()?;
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "API keys travel unencrypted: use --tls-cert, or a proxy with TLS on this machine"
        );
    }
    let app = App::new(directory, Arc::new(SystemClock), cli.rate_limit);
    let app = app.with_limits(Limits {
        connections: cli.max_connections,
        write_timeout: Duration::from_secs(cli.write_timeout),
    });
    let app = match tls {
        Some(tls) => app.with_tls(tls),
        None => app,
    };
    let app = if cli.read_only { app.read_only() } else { app };
    let app = Arc::new(app);
    let shown = metrics.map(|(metrics, listener)| {
        let shown = metrics.serve(app.clone(), listener);
        tokio::spawn(shown)
    });
    serve(app, listener, stop).await;
    if let Some(shown) = shown {
        shown.abort();
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| Failure::Listen { address, source })
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
fn stop_signal(tls: Option<Arc<Tls>>) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The end of the terminal is no reason to end.
    let mut hangup = signal(SignalKind::hangup())?;
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
    Directory::open_to_serve(directory)?;
    writeln!(out, "{} is up to date", directory.display())?;
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
        Outcome::Done(answer) => Ok(answer),
        Outcome::Looked(verdict) => Ok(Answer::new(200, &verdict.body)),
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
