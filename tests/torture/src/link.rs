//! Stands between client and servers, at an address that stays while servers come and go, and cuts
//! some of the answers after any byte.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::chance::Chance;

/// One answer in so many is cut.
const CUT_ONE_OF: u64 = 8;

pub struct Link {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    servers: Mutex<Vec<SocketAddr>>,
    chance: Arc<Chance>,
    cuts: AtomicU64,
}

impl Link {
    pub fn start(chance: Arc<Chance>) -> io::Result<Link> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            servers: Mutex::default(),
            chance,
            cuts: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // That a connection breaks is what this program is for.
                thread::spawn(move || serving.join(client).ok());
            }
        });
        Ok(Link { address, shared })
    }

    /// Where connections lead from now on, each to one of these.
    pub fn lead_to(&self, servers: Vec<SocketAddr>) {
        *self
            .shared
            .servers
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = servers;
    }

    /// How many answers were cut.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn join(&self, mut client: TcpStream) -> io::Result<()> {
        let address = {
            let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            self.chance.one_of(&servers).copied()
        };
        let mut server = TcpStream::connect(address.ok_or(io::ErrorKind::NotConnected)?)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut requests, mut onward) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || {
            io::copy(&mut requests, &mut onward).ok();
            onward.shutdown(Shutdown::Both).ok();
        });
        let mut answer = [0; 16 * 1024];
        loop {
            let length = match server.read(&mut answer) {
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            };
            if self.chance.below(CUT_ONE_OF) == 0 {
                self.cuts.fetch_add(1, Ordering::Relaxed);
                let kept = usize::try_from(self.chance.below(length as u64)).unwrap_or(0);
                client.write_all(&answer[..kept])?;
                break;
            }
            client.write_all(&answer[..length])?;
        }
        client.shutdown(Shutdown::Both)?;
        server.shutdown(Shutdown::Both)
    }
}
