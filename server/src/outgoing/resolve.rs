//! The addresses of a name.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// How many names are looked up at once: each has a thread, for as long as the system likes.
const PLACES: usize = 16;

/// Who knows the addresses of names.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of `host`.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system, as every other program of the machine asks it.
pub struct System(Arc<Semaphore>);

impl Default for System {
    fn default() -> System {
        System(Arc::new(Semaphore::new(PLACES)))
    }
}

impl Resolver for System {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let name = host.to_owned();
        Box::pin(async move {
            let place = self.0.clone().acquire_owned().await;
            let place = place.map_err(io::Error::other)?;
            let found = tokio::task::spawn_blocking(move || {
                // Held to the end even if nobody waits for it any more.
                let _place = place;
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            });
            found.await.map_err(io::Error::other)?
        })
    }
}
