//! Messages of the core to Python's `logging`, logger `versioner`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use versioner::{Level, Logger};

use crate::call;

/// The logger `versioner`, and what it takes, so that the GIL is not taken for what it does not.
#[derive(Clone)]
pub struct Log {
    logger: Arc<Py<PyAny>>,
    /// The least important [`Level`] that is taken, as a number; 0 is none.
    taken: Arc<AtomicI32>,
}

impl Log {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let logger = py
            .import("logging")?
            .call_method1("getLogger", ("versioner",))?;
        let log = Log {
            logger: Arc::new(logger.unbind()),
            taken: Arc::default(),
        };
        log.refresh(py)?;
        Ok(log)
    }

    /// Asks again what the logger takes.
    pub fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        let logger = self.logger.bind(py);
        let mut taken = 0;
        for level in [Level::Debug, Level::Info, Level::Warning] {
            let is_taken =
                logger.call_method1(intern!(logger.py(), "isEnabledFor"), (number(level),))?;
            if is_taken.extract()? {
                taken = level as i32;
                break;
            }
        }
        self.taken.store(taken, Ordering::Relaxed);
        Ok(())
    }

    pub fn receiver(&self) -> Logger {
        let log = self.clone();
        Logger::new(move |level, message| {
            if level as i32 <= log.taken.load(Ordering::Relaxed) {
                log.write(level, message);
            }
        })
    }

    fn write(&self, level: Level, message: &str) {
        // Nothing is logged any more while the interpreter shuts down.
        Python::try_attach(|py| {
            let logger = self.logger.bind(py);
            if let Err(error) = logger.call_method1("log", (number(level), message)) {
                if error.is_instance_of::<PyException>(py) {
                    error.write_unraisable(py, Some(logger));
                } else {
                    call::raise(error);
                }
            }
        });
    }
}

/// The number that `logging` has for a level.
fn number(level: Level) -> i32 {
    match level {
        Level::Warning => 30,
        Level::Info => 20,
        Level::Debug => 10,
    }
}
