//! A span, as the Python class of that name calls it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use versioner::{End, Renewal};

use crate::call::{self, Cancellation};
use crate::failure::{guarded, raised, to_dict};
use crate::log::Log;
use crate::value;

/// One deployment or build. Raises `OutcomeError`, or what a signal handler raised meanwhile.
#[pyclass(frozen, module = "versioner._native")]
pub struct Span {
    core: versioner::Span,
    renewal: Mutex<Option<Renewal>>,
    log: Log,
}

impl Span {
    pub fn new(core: versioner::Span, log: Log) -> Self {
        Span {
            core,
            renewal: Mutex::default(),
            log,
        }
    }

    fn renewal(&self) -> MutexGuard<'_, Option<Renewal>> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its thread may be waiting for the GIL, to log something.
    fn stop_renewal(&self, py: Python<'_>) {
        let renewal = self.renewal().take();
        py.detach(|| drop(renewal));
    }
}

#[pymethods]
impl Span {
    #[pyo3(signature = (cancellation=None))]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let call = |interrupt: &_| self.core.ask(interrupt);
            to_dict(py, &call::detached(py, &self.log, cancellation, call)?)
        })
    }

    /// Whatever is raised meanwhile is raised by Python afterwards: nothing ends the telling.
    fn end<'py>(
        &self,
        py: Python<'py>,
        ending: &Bound<'_, PyDict>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let end: End = value::end(ending)?;
            self.log.refresh(py)?;
            match py.detach(|| self.core.end(&end)) {
                Ok(outcome) => to_dict(py, &outcome),
                Err(error) => Err(raised(py, &error)),
            }
        })
    }

    #[pyo3(signature = (cancellation=None))]
    fn renew(&self, py: Python<'_>, cancellation: Option<&Cancellation>) -> PyResult<()> {
        guarded(py, || {
            let call = |interrupt: &_| self.core.renew(interrupt);
            call::detached(py, &self.log, cancellation, call)
        })
    }

    fn keep_renewed(&self) {
        *self.renewal() = Some(Renewal::start(&self.core));
    }

    fn stop_renewing(&self, py: Python<'_>) {
        self.stop_renewal(py);
    }

    fn let_go(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || {
            self.log.refresh(py)?;
            py.detach(|| self.core.let_go());
            Ok(())
        })
    }

    fn save(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, || self.core.save().map_err(|error| raised(py, &error)))
    }

    #[getter]
    fn id(&self) -> &str {
        self.core.id()
    }

    #[getter]
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let started = self.core.started();
        started.map(|outcome| to_dict(py, outcome)).transpose()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(renewal) = self.renewal().take() else {
            return;
        };
        let mut renewal = Some(renewal);
        let dropped = Python::try_attach(|py| {
            let renewal = renewal.take();
            py.detach(|| drop(renewal));
        });
        if dropped.is_none() {
            // The interpreter shuts down, and its threads do not run any more.
            std::mem::forget(renewal);
        }
    }
}
