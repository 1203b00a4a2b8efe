//! Connections that are kept open for the next event.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use super::exchange::Connection;
use super::socket::Arrived;

/// As many as a busy process has threads.
const MAX_IDLE: usize = 64;

/// Gateways forget connections that are idle for long, often without a word.
const MAX_AGE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A kept connection on which nothing has happened since.
    pub fn take(&self) -> Option<Connection> {
        loop {
            let Idle {
                mut connection,
                since,
            } = self.lock().pop()?;
            if since.elapsed() < MAX_AGE && connection.link.arrived() == Arrived::Nothing {
                return Some(connection);
            }
        }
    }

    pub fn keep(&self, connection: Connection) {
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE {
            idle.push(Idle {
                connection,
                since: Instant::now(),
            });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // A panic elsewhere leaves nothing half done in a list.
        self.idle
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// One value per process. After a fork, parent and child share sockets and the state of TLS, and
/// answers would go to the wrong one; so the child makes its own and leaves the old one alone for
/// good. A list without locks, because a lock could have been held when the process forked.
pub(super) struct PerProcess<T> {
    first: OnceBox<Entry<T>>,
}

struct Entry<T> {
    process: u32,
    value: T,
    next: OnceBox<Entry<T>>,
}

impl<T> PerProcess<T> {
    pub fn new() -> Self {
        PerProcess {
            first: OnceBox::new(),
        }
    }

    pub fn get(&self, make: impl Fn() -> T) -> &T {
        let process = std::process::id();
        let mut slot = &self.first;
        loop {
            let entry = slot.get_or_init(|| {
                Box::new(Entry {
                    process,
                    value: make(),
                    next: OnceBox::new(),
                })
            });
            if entry.process == process {
                return &entry.value;
            }
            slot = &entry.next;
        }
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerProcess")
    }
}
