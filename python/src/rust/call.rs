//! How a call in progress is ended: by a cancellation, or by an exception that a signal handler
//! of Python raises.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use versioner::{Error, Interrupt};

use crate::failure::raised;
use crate::log::Log;

thread_local! {
    /// What was raised in Python while this thread was in a call.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Ends the calls of this thread, and is raised at the end of the innermost.
pub fn raise(error: PyErr) {
    RAISED.with_borrow_mut(|raised| {
        raised.get_or_insert(error);
    });
}

/// What the call that ends must raise.
pub fn take_raised() -> Option<PyErr> {
    RAISED.take()
}

/// Runs a call without the GIL. What a signal handler raised meanwhile counts more than its end.
pub fn detached<T: Send>(
    py: Python<'_>,
    log: &Log,
    cancellation: Option<&Cancellation>,
    call: impl FnOnce(&Interrupt) -> Result<T, Error> + Send,
) -> PyResult<T> {
    log.refresh(py)?;
    let interrupt = interrupt(py, cancellation)?;
    let ended = py.detach(|| call(&interrupt));
    match (take_raised(), ended) {
        (Some(error), _) => Err(error),
        (None, Ok(value)) => Ok(value),
        (None, Err(error)) => Err(raised(py, &error)),
    }
}

/// Ends the call that it was handed to, from any thread.
#[pyclass(frozen, module = "versioner._native")]
#[derive(Default)]
pub struct Cancellation {
    is_raised: Arc<AtomicBool>,
}

#[pymethods]
impl Cancellation {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn cancel(&self) {
        self.is_raised.store(true, Ordering::Release);
    }
}

/// Ends a call of this thread once it is cancelled or a signal handler raised an exception.
fn interrupt(py: Python<'_>, cancellation: Option<&Cancellation>) -> PyResult<Interrupt> {
    let cancelled = cancellation.map(|cancellation| cancellation.is_raised.clone());
    let signals = is_main_thread(py)?.then(Signals::default);
    Ok(Interrupt::new(move || {
        cancelled
            .as_ref()
            .is_some_and(|cancelled| cancelled.load(Ordering::Acquire))
            || signals.as_ref().is_some_and(Signals::have_raised)
            || RAISED.with_borrow(Option::is_some)
    }))
}

/// Python runs signal handlers on its main thread only.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    static MAIN_THREAD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static GET_IDENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let main = MAIN_THREAD
        .import(py, "threading", "main_thread")?
        .call0()?;
    let this = GET_IDENT.import(py, "threading", "get_ident")?.call0()?;
    this.eq(main.getattr(intern!(py, "ident"))?)
}

/// Runs the signal handlers that are due, not more often than a wait asks: to take the GIL while
/// other threads compute can last 5 ms.
struct Signals {
    start: Instant,
    last_millis: AtomicU64,
}

impl Default for Signals {
    fn default() -> Self {
        Signals {
            start: Instant::now(),
            last_millis: AtomicU64::new(0),
        }
    }
}

impl Signals {
    fn have_raised(&self) -> bool {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.last_millis.load(Ordering::Relaxed);
        let period = u64::try_from(Interrupt::POLL.as_millis()).unwrap_or(u64::MAX);
        if now.saturating_sub(last) < period / 2 {
            return false;
        }
        self.last_millis.store(now, Ordering::Relaxed);
        // `None` while the interpreter shuts down, when no handler runs any more.
        Python::try_attach(|py| match py.check_signals() {
            Ok(()) => false,
            Err(error) => {
                raise(error);
                true
            }
        })
        .unwrap_or(false)
    }
}
