//! Running the service on a listener.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower_http::add_extension::AddExtension;

use crate::api::{App, router};
use crate::auth::address::Peer;
use crate::jobs;
use crate::wire::Wire;

/// How long the head of a request may take, so that slow clients hold no connection for ever. It is
/// also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long requests in flight may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often the log says that connections cannot be accepted.
const WARNING_PAUSE: Duration = Duration::from_secs(10);

/// What one server takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at once; one more is answered 503.
    pub connections: usize,
    /// How long a client may read nothing of its answer.
    pub write_timeout: Duration,
}

impl Limits {
    /// The most requests that wait for another verdict at once: half of the connections, so that
    /// the other half goes on.
    pub fn waiting(self) -> usize {
        self.connections / 2
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 1000,
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Answers a connection for which there is no place. The answer is so short that it needs no
/// waiting; if it cannot be sent at once, nobody is there to read it.
fn turn_away(stream: &TcpStream) {
    const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
        Retry-After: 1\r\nConnection: close\r\nContent-Length: 56\r\n\r\n\
        {\"detail\":\"Too many connections; try again in a second\"}";
    let _ = stream.try_write(BUSY);
}

/// Serves until `stop` ends, then lets the requests in flight finish and closes the data.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let routes = router(app.clone());
    let jobs = jobs::start(&app);
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    let limits = app.limits();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut warned: Option<Instant> = None;
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
            () = app.directory().outdated() => {
                tracing::error!("stopping, because the database needs a newer server than this one");
                break;
            }
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if warned.is_none_or(|at| at.elapsed() > WARNING_PAUSE) {
                    tracing::warn!(%error, "connections cannot be accepted");
                    warned = Some(Instant::now());
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            turn_away(&stream);
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let http = http.clone();
        let service = TowerToHyperService::new(AddExtension::new(routes.clone(), Peer(peer.ip())));
        let (watcher, app) = (connections.watcher(), app.clone());
        tokio::spawn(async move {
            let stream: Box<dyn Stream> = match app.tls() {
                None => Box::new(stream),
                Some(tls) => {
                    let accepted = tokio::select! {
                        accepted = tls.accept(stream) => accepted,
                        () = app.stopped() => None,
                    };
                    let Some(stream) = accepted else { return };
                    Box::new(stream)
                }
            };
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(limits.write_timeout));
            let stream = TokioIo::new(Wire::new(Box::pin(stream)));
            let connection = http.serve_connection(stream, service);
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    app.stop();
    drop(listener);
    drop(jobs);
    let in_flight = connections.count();
    tracing::info!(connections = in_flight, "stopping");
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time");
    }
    app.directory().close().await;
}
