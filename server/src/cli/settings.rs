//! What a server can be told: by flags, by variables, by a file.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use super::vouching::Vouching;
use super::{Failure, account_name};
use crate::announce::Mailer;
use crate::domain::queue::Retention;
use crate::outgoing::{AllowedNet, Outgoing, Proxy};
use crate::pages::PublicUrl;
use crate::secrets::{Secrets, SecretsError};
use crate::serve::Limits;
use crate::store::database_url;

/// Everything that serving goes by.
#[derive(Debug, Args)]
pub struct Settings {
    /// TOML file with settings, each by the name of its flag; a flag or a variable goes before it
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub data: Data,
    /// Address to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "VERSIONER_SERVER_LISTEN",
        default_value = "127.0.0.1:8420"
    )]
    pub listen: SocketAddr,
    /// Requests per minute that each key may make [default: no limit]
    #[arg(long, value_name = "N", env = "VERSIONER_SERVER_RATE_LIMIT")]
    pub rate_limit: Option<NonZeroU32>,
    /// Connections at once; one more is answered 503
    #[arg(long, value_name = "N", env = "VERSIONER_SERVER_MAX_CONNECTIONS",
          default_value_t = Limits::default().connections)]
    pub max_connections: usize,
    /// Seconds for which a client may read nothing of its answer
    #[arg(long, value_name = "SECONDS", env = "VERSIONER_SERVER_WRITE_TIMEOUT",
          default_value_t = Limits::default().write_timeout.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub write_timeout: u64,
    #[command(flatten)]
    pub queue: Queues,
    /// File to write the first key to, readable for its owner alone, in place of standard output
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_FIRST_KEY_FILE")]
    pub first_key_file: Option<PathBuf>,
    /// File to write the link to by which the first admin sets up the pages, readable for its owner
    /// alone, in place of standard output
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_SETUP_FILE")]
    pub setup_file: Option<PathBuf>,
    #[command(flatten)]
    pub public: Public,
    #[command(flatten)]
    pub vouching: Vouching,
    #[command(flatten)]
    pub calls: Calls,
    /// Where Slack is
    #[arg(
        long,
        value_name = "URL",
        env = "VERSIONER_SERVER_SLACK_API_URL",
        default_value = crate::slack::SLACK_API,
        value_parser = crate::slack::read_api
    )]
    pub slack_api_url: axum::http::Uri,
    #[command(flatten)]
    pub mail: Mail,
    /// Let people log in over a connection that others can listen to
    #[arg(long, env = "VERSIONER_SERVER_ALLOW_HTTP_LOGIN")]
    pub allow_http_login: bool,
    /// Certificate for TLS, in PEM, with those that lead to its authority; read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub secrets: SecretsKey,
    /// Address on which /metrics is for Prometheus, without a key [default: none]
    #[arg(long, value_name = "ADDR", env = "VERSIONER_SERVER_METRICS")]
    pub metrics: Option<SocketAddr>,
    /// Record nothing: events are answered 503, and nothing expires
    #[arg(long, env = "VERSIONER_SERVER_READ_ONLY")]
    pub read_only: bool,
    /// Form of the log on standard error
    #[arg(
        long,
        value_name = "FORMAT",
        env = "VERSIONER_SERVER_LOG_FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// Addresses or networks of proxies that say in X-Forwarded-For whom they send a request for
    #[arg(
        long = "trusted-proxy",
        value_name = "NETWORK",
        env = "VERSIONER_SERVER_TRUSTED_PROXY",
        value_delimiter = ',',
        value_parser = network
    )]
    pub trusted_proxies: Vec<IpNet>,
}

/// How long the queues keep what has ended, with what was sent.
#[derive(Debug, Args)]
pub struct Queues {
    /// Days for which a row of the queue stays that is done, with what others have sent; 3 at least
    #[arg(long, value_name = "DAYS", env = "VERSIONER_SERVER_QUEUE_KEEP_DONE",
          default_value_t = Retention::default().done,
          value_parser = clap::value_parser!(i64).range(Retention::LEAST..=3650))]
    pub queue_keep_done: i64,
    /// Days for which one stays that could not be done; 3 at least
    #[arg(long, value_name = "DAYS", env = "VERSIONER_SERVER_QUEUE_KEEP_DEAD",
          default_value_t = Retention::default().dead,
          value_parser = clap::value_parser!(i64).range(Retention::LEAST..=3650))]
    pub queue_keep_dead: i64,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One object per line, for programs
    Json,
}

/// The data that a command works on.
#[derive(Debug, Args)]
pub struct Data {
    /// Directory that holds the databases, or a database of PostgreSQL: postgres://USER@HOST/NAME
    #[arg(
        long = "data",
        value_name = "DIR|URL",
        env = "VERSIONER_SERVER_DATA",
        hide_env_values = true,
        default_value = "./versioner-data"
    )]
    pub directory: PathBuf,
}

/// One account of the data.
#[derive(Debug, Args)]
pub struct Place {
    #[command(flatten)]
    pub data: Data,
    /// The account
    #[arg(long, value_name = "NAME", value_parser = account_name)]
    pub account: String,
}

/// How the server calls others: webhooks, chats, the OpenID provider.
#[derive(Debug, Args)]
pub struct Calls {
    /// Private network that webhooks may lead to, such as 10.0.0.0/8 or 10.1.2.3:8443 [default: none]
    #[arg(
        long = "webhook-allow-net",
        value_name = "NET[:PORT]",
        env = "VERSIONER_SERVER_WEBHOOK_ALLOW_NET",
        value_delimiter = ','
    )]
    webhook_allow_nets: Vec<AllowedNet>,
    /// HTTP proxy that the server calls others through: http://[USER:PASSWORD@]HOST:PORT
    /// [default: none, whatever the environment says]
    #[arg(
        long,
        value_name = "URL",
        env = "VERSIONER_SERVER_OUTGOING_PROXY",
        hide_env_values = true
    )]
    outgoing_proxy: Option<WithPassword>,
}

/// A setting that can have a password in it, which shows neither in `Debug` nor in what clap says of a
/// wrong value: nothing is wrong for clap.
#[derive(Clone)]
pub struct WithPassword(String);

impl From<String> for WithPassword {
    fn from(text: String) -> WithPassword {
        WithPassword(text)
    }
}

impl std::fmt::Debug for WithPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Calls {
    /// The client that calls so.
    ///
    /// # Errors
    /// What is wrong with the proxy, without its password.
    pub fn client(self) -> Result<Outgoing, Failure> {
        let refused =
            |reason| Failure::Refused(format!("--outgoing-proxy cannot be used: {reason}"));
        let proxy = self.outgoing_proxy;
        let proxy = proxy.map(|proxy| Proxy::parse(&proxy.0).map_err(refused));
        Ok(Outgoing::default()
            .allowing(self.webhook_allow_nets)
            .through_proxy(proxy.transpose()?))
    }
}

/// What encrypts the secrets that the server must know in clear.
#[derive(Debug, Args)]
pub struct SecretsKey {
    /// File with the key that encrypts stored secrets; every server on one database needs the same
    /// [default: secrets.key in the data directory; none for a database]
    #[arg(long, value_name = "FILE", env = "VERSIONER_SERVER_SECRETS_KEY_FILE")]
    pub secrets_key_file: Option<PathBuf>,
}

impl SecretsKey {
    /// The key; none for a database without a key file. The one beside a data directory is made if it is
    /// not there.
    ///
    /// # Errors
    /// If the file can neither be read nor made.
    pub fn read(&self, data: &Data) -> Result<Option<Secrets>, SecretsError> {
        match &self.secrets_key_file {
            Some(path) => Secrets::read(path).map(Some),
            None if database_url(&data.directory).is_some() => Ok(None),
            None => Secrets::at(&data.directory.join("secrets.key")).map(Some),
        }
    }
}

/// How the server sends e-mail.
#[derive(Debug, Args)]
pub struct Mail {
    /// Mail server that takes on e-mail: smtps://USER@HOST:465, or smtp://USER@HOST:587 for STARTTLS
    /// [default: none is sent]
    #[arg(
        long,
        value_name = "URL",
        env = "VERSIONER_SERVER_SMTP_URL",
        hide_env_values = true,
        requires = "smtp_from"
    )]
    smtp_url: Option<WithPassword>,
    /// File with the password of USER at the mail server
    #[arg(
        long,
        value_name = "FILE",
        env = "VERSIONER_SERVER_SMTP_PASSWORD_FILE",
        requires = "smtp_url"
    )]
    smtp_password_file: Option<PathBuf>,
    /// Whom e-mail is from, such as versioner@example.com
    #[arg(long, value_name = "ADDRESS", env = "VERSIONER_SERVER_SMTP_FROM")]
    smtp_from: Option<String>,
}

impl Mail {
    /// Who takes on e-mail, if the server sends any.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn mailer(self) -> Result<Option<Mailer>, Failure> {
        let Some(url) = self.smtp_url else {
            return Ok(None);
        };
        let password = match self.smtp_password_file {
            None => None,
            Some(path) => Some(secret_in(&path)?),
        };
        let from = self.smtp_from.unwrap_or_default();
        let mailer = Mailer::new(&url.0, password, &from);
        let refused = |reason| Failure::Refused(format!("--smtp-url cannot be used: {reason}"));
        mailer.map(Some).map_err(refused)
    }
}

/// The secret in a file, without the white space around it.
pub fn secret_in(path: &Path) -> Result<String, Failure> {
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|source| Failure::ReadSecret {
        path: path.display().to_string(),
        source,
    })?;
    Ok(text.trim().to_owned())
}

/// Where people find the pages.
#[derive(Debug, Args)]
pub struct Public {
    /// Address that people know the server by, such as https://versioner.example.com [default: that
    /// of --listen, for commands http://127.0.0.1:8420]
    #[arg(
        long,
        value_name = "URL",
        env = "VERSIONER_SERVER_PUBLIC_URL",
        value_parser = PublicUrl::parse
    )]
    pub public_url: Option<PublicUrl>,
}

impl Public {
    /// What links begin with: a command does not know where the server listens.
    pub fn base(&self) -> String {
        let base = self.public_url.as_ref().map(ToString::to_string);
        base.unwrap_or_else(|| "http://127.0.0.1:8420".to_owned())
    }
}

impl Data {
    /// The directory, for what needs one.
    pub fn folder(&self) -> Result<&Path, Failure> {
        match database_url(&self.directory) {
            None => Ok(&self.directory),
            Some(_) => Err(Failure::Refused(
                "this is for a data directory; copy a database of PostgreSQL with pg_dump, and make \
                 it from a copy with pg_restore"
                    .to_owned(),
            )),
        }
    }
}

/// A network, or an address that stands for itself.
pub fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or(address)
        .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
}
