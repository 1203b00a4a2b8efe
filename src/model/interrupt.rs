//! How a call is ended from outside.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Asked again and again while a call waits; once it answers yes, the call ends with kind
/// `interrupted`.
#[derive(Clone)]
pub struct Interrupt(Arc<dyn Fn() -> bool + Send + Sync>);

impl Interrupt {
    /// How long a wait goes on at most before it asks again.
    pub const POLL: Duration = Duration::from_millis(50);

    /// Ends a call once `check` returns true. It is called on the thread that tracks, at least
    /// every [`Interrupt::POLL`] while that waits, and must not block.
    pub fn new(check: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Interrupt(Arc::new(check))
    }

    /// One that never ends anything.
    pub fn never() -> Self {
        Interrupt::new(|| false)
    }

    /// Whether the call is to end.
    pub fn is_raised(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupt")
    }
}

/// Counts the cancellations of a client. A call that started under one count ends when it
/// changes, and later calls are not touched. Only atomics, so a signal handler may use it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancellations(Arc<AtomicUsize>);

impl Cancellations {
    pub fn cancel(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// An interrupt for a call that starts now, joined with the caller's own.
    pub fn interrupt(&self, own: &Interrupt) -> Interrupt {
        let count = self.0.clone();
        let start = count.load(Ordering::Acquire);
        let own = own.clone();
        Interrupt::new(move || count.load(Ordering::Acquire) != start || own.is_raised())
    }
}
