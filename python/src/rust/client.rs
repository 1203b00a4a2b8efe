//! The client, as the Python class beside it calls it.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use versioner::{BuildEvent, DeploymentEvent, Error, Explanation, Interrupt, Outcome};

use crate::call::{self, Cancellation};
use crate::failure::{guarded, raised, to_dict};
use crate::log::Log;
use crate::span::Span;
use crate::value;

/// Sends events. Raises `OutcomeError`, or what a signal handler raised meanwhile.
#[pyclass(frozen, module = "versioner._native")]
pub struct Client {
    core: versioner::Client,
    log: Log,
}

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        guarded(py, || {
            let log = Log::new(py)?;
            let mut options = value::options(settings)?;
            options.logger = log.receiver();
            let made = py.detach(|| versioner::Client::new(options));
            if let Some(error) = call::take_raised() {
                return Err(error);
            }
            let core = made.map_err(|error| raised(py, &error))?;
            Ok(Client { core, log })
        })
    }

    #[pyo3(signature = (fields, cancellation=None))]
    fn track_build<'py>(
        &self,
        py: Python<'py>,
        fields: &Bound<'py, PyDict>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let event: BuildEvent = value::event(fields)?;
            self.track(py, cancellation, |core, interrupt| {
                core.track_build_with(&event, interrupt)
            })
        })
    }

    #[pyo3(signature = (fields, cancellation=None))]
    fn track_deployment<'py>(
        &self,
        py: Python<'py>,
        fields: &Bound<'py, PyDict>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let event: DeploymentEvent = value::event(fields)?;
            self.track(py, cancellation, |core, interrupt| {
                core.track_deployment_with(&event, interrupt)
            })
        })
    }

    #[pyo3(signature = (fields, cancellation=None))]
    fn check_deployment<'py>(
        &self,
        py: Python<'py>,
        fields: &Bound<'py, PyDict>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let event: DeploymentEvent = value::event(fields)?;
            self.track(py, cancellation, |core, interrupt| {
                core.check_deployment_with(&event, interrupt)
            })
        })
    }

    #[pyo3(signature = (path, query, timeout, cancellation=None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        query: Vec<(String, String)>,
        timeout: Option<Bound<'py, PyAny>>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let timeout = value::timeout(timeout)?;
            self.track(py, cancellation, |core, interrupt| {
                let query: Vec<(&str, &str)> = query
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                core.read_with(path, &query, timeout, interrupt)
            })
        })
    }

    #[pyo3(signature = (product, timeout, cancellation=None))]
    fn state<'py>(
        &self,
        py: Python<'py>,
        product: &str,
        timeout: Option<Bound<'py, PyAny>>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let timeout = value::timeout(timeout)?;
            self.track(py, cancellation, |core, interrupt| {
                core.state_with(product, timeout, interrupt)
            })
        })
    }

    #[pyo3(signature = (product, environment, timeout, cancellation=None))]
    fn deployed_version<'py>(
        &self,
        py: Python<'py>,
        product: &str,
        environment: &str,
        timeout: Option<Bound<'py, PyAny>>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let timeout = value::timeout(timeout)?;
            self.track(py, cancellation, |core, interrupt| {
                core.deployed_version_with(product, environment, timeout, interrupt)
            })
        })
    }

    fn explain_build(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<String> {
        guarded(py, || {
            let event: BuildEvent = value::event(fields)?;
            self.log.refresh(py)?;
            explained(py, self.core.explain_build(&event))
        })
    }

    fn explain_deployment(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<String> {
        guarded(py, || {
            let event: DeploymentEvent = value::event(fields)?;
            self.log.refresh(py)?;
            explained(py, self.core.explain_deployment(&event))
        })
    }

    fn validate_build(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<()> {
        guarded(py, || {
            let event: BuildEvent = value::event(fields)?;
            self.log.refresh(py)?;
            let checked = self.core.validate_build(&event);
            checked.map_err(|error| raised(py, &error))
        })
    }

    fn validate_deployment(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<()> {
        guarded(py, || {
            let event: DeploymentEvent = value::event(fields)?;
            self.log.refresh(py)?;
            let checked = self.core.validate_deployment(&event);
            checked.map_err(|error| raised(py, &error))
        })
    }

    fn prepare_build(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<Span> {
        guarded(py, || {
            let event: BuildEvent = value::event(fields)?;
            self.log.refresh(py)?;
            self.prepared(py, self.core.prepare_build(&event))
        })
    }

    fn prepare_deployment(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<Span> {
        guarded(py, || {
            let event: DeploymentEvent = value::event(fields)?;
            self.log.refresh(py)?;
            self.prepared(py, self.core.prepare(&event))
        })
    }

    #[pyo3(signature = (text, ask, cancellation=None))]
    fn resume(
        &self,
        py: Python<'_>,
        text: &str,
        ask: bool,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Span> {
        guarded(py, || {
            let call = |interrupt: &Interrupt| match ask {
                true => self.core.resume_with(text, interrupt),
                false => self.core.restore(text),
            };
            let span = call::detached(py, &self.log, cancellation, call)?;
            Ok(Span::new(span, self.log.clone()))
        })
    }

    fn cancel(&self) {
        self.core.cancel();
    }

    #[getter]
    fn api_url(&self) -> &str {
        self.core.api_url()
    }

    #[getter]
    fn ui_url(&self) -> &str {
        self.core.ui_url()
    }
}

impl Client {
    fn track<'py>(
        &self,
        py: Python<'py>,
        cancellation: Option<&Cancellation>,
        send: impl FnOnce(&versioner::Client, &Interrupt) -> Result<Outcome, Error> + Send,
    ) -> PyResult<Bound<'py, PyDict>> {
        let call = |interrupt: &Interrupt| send(&self.core, interrupt);
        to_dict(py, &call::detached(py, &self.log, cancellation, call)?)
    }

    /// A span that has asked nothing yet.
    fn prepared(&self, py: Python<'_>, span: Result<versioner::Span, Error>) -> PyResult<Span> {
        let span = span.map_err(|error| raised(py, &error))?;
        Ok(Span::new(span, self.log.clone()))
    }
}

/// The JSON of an explanation.
fn explained(py: Python<'_>, explanation: Result<Explanation, Error>) -> PyResult<String> {
    let explanation = explanation.map_err(|error| raised(py, &error))?;
    Ok(explanation.to_json().to_string())
}
