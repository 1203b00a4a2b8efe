//! The client, as the Python class beside it calls it.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use versioner::{BuildEvent, DeploymentEvent, Error, Explanation, Interrupt, Outcome};

use crate::call::{self, Cancellation};
use crate::failure::{guarded, raised, to_dict};
use crate::log::Log;
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
    /// Runs a call without the GIL.
    fn track<'py>(
        &self,
        py: Python<'py>,
        cancellation: Option<&Cancellation>,
        send: impl FnOnce(&versioner::Client, &Interrupt) -> Result<Outcome, Error> + Send,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.log.refresh(py)?;
        let interrupt = call::interrupt(py, cancellation)?;
        let ended = py.detach(|| send(&self.core, &interrupt));
        match (call::take_raised(), ended) {
            (Some(error), _) => Err(error),
            (None, Ok(outcome)) => to_dict(py, &outcome),
            (None, Err(error)) => Err(raised(py, &error)),
        }
    }
}

/// The JSON of an explanation.
fn explained(py: Python<'_>, explanation: Result<Explanation, Error>) -> PyResult<String> {
    let explanation = explanation.map_err(|error| raised(py, &error))?;
    Ok(explanation.to_json().to_string())
}
