//! What a client tells its host while it works. The library itself prints nothing.

use std::fmt;
use std::sync::Arc;

/// How much a log message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Level {
    /// Somebody should know.
    Warning = 1,
    /// What a verbose run shows, such as certificates that are left out.
    Info = 2,
    /// What helps to find a fault, such as each attempt.
    Debug = 3,
}

type Receive = dyn Fn(Level, &str) + Send + Sync;

/// Receives log messages; they never hold the API key. Default: nobody does. Called on the thread that tracks.
#[derive(Clone, Default)]
pub struct Logger(Option<Arc<Receive>>);

impl Logger {
    /// Sends every message to `receive`, which must not block for long.
    pub fn new(receive: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Logger(Some(Arc::new(receive)))
    }

    pub(crate) fn log(&self, level: Level, message: &str) {
        if let Some(receive) = &self.0 {
            receive(level, message);
        }
    }

    /// Whether nobody listens, so that a message need not be made.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logger")
    }
}
