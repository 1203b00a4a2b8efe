//! Connections: how long anything may take, and how a server that stands still is noticed.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::watch;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::time::Time;
use crate::store::StoreError;

/// How long a transaction waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);
/// How long the making of a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// PostgreSQL has none of these limits by itself: a server that stands still between a lock and its
/// commit would hold the cell for ever. Each is shorter than the 15 seconds after which another server
/// serves that cell. What is answered is on disk, whatever the database is set to.
const LIMITS: &str = "-c synchronous_commit=on -c lock_timeout=3s -c statement_timeout=10s \
    -c idle_in_transaction_session_timeout=10s -c client_connection_check_interval=5s \
    -c client_min_messages=warning";

/// What all transactions of a server have in common.
#[derive(Debug, Clone)]
pub struct Connections {
    /// The connections.
    pub pool: Pool,
    /// The time of the database.
    pub time: Arc<Time>,
    /// Whether the database needs a newer server than this one.
    pub outdated: watch::Sender<bool>,
}

impl Connections {
    /// Connections to the database at `url`, `size` of them at most; none is made yet.
    ///
    /// # Errors
    /// [`StoreError::DatabaseUrl`] if the address is none.
    pub fn to(url: &str, size: usize) -> Result<Connections, StoreError> {
        Ok(Connections {
            pool: pool(url, size)?,
            time: Arc::default(),
            outdated: watch::Sender::new(false),
        })
    }

    /// Others, for a runtime of their own.
    ///
    /// # Errors
    /// [`StoreError::DatabaseUrl`] if the address is none.
    pub fn others(&self, url: &str, size: usize) -> Result<Connections, StoreError> {
        Ok(Connections {
            pool: pool(url, size)?,
            ..self.clone()
        })
    }

    /// Goes on if a server that knows so many steps of the schema may; if not, this one has to stop.
    ///
    /// # Errors
    /// [`StoreError::Outdated`] if the database needs a newer one.
    pub fn check(&self, needs: i64, known: i64) -> Result<(), StoreError> {
        if needs <= known {
            return Ok(());
        }
        self.outdated.send_replace(true);
        Err(StoreError::Outdated { needs, known })
    }
}

fn pool(url: &str, size: usize) -> Result<Pool, StoreError> {
    let manager = Manager::from_config(
        config(url)?,
        tls()?,
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    let pool = Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT));
    pool.build()
        .map_err(|error| StoreError::DatabaseUrl(error.to_string()))
}

fn config(url: &str) -> Result<Config, StoreError> {
    let schemes = ["postgres://", "postgresql://"];
    if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
        let msg = "it begins with neither postgres:// nor postgresql://";
        return Err(StoreError::DatabaseUrl(msg.to_owned()));
    }
    let mut config =
        Config::from_str(url).map_err(|error| StoreError::DatabaseUrl(error.to_string()))?;
    let options = match config.get_options() {
        Some(given) => format!("{LIMITS} {given}"),
        None => LIMITS.to_owned(),
    };
    config
        .options(options)
        .application_name("versioner-server")
        .connect_timeout(CONNECT)
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(15));
    Ok(config)
}

/// TLS with the authorities that the machine trusts, or those in `SSL_CERT_FILE`.
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::DatabaseUrl(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
