//! The core's results as Python has them: a dictionary, and an exception that carries it.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use versioner::{Error, Outcome};

create_exception!(
    versioner._native,
    OutcomeError,
    PyException,
    "A call that ended with another code than 0; its argument is the outcome."
);

/// Every value, under its name in the Python class `Outcome`.
pub fn to_dict<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyDict>> {
    let none = versioner::Rejection::default();
    let rejection = outcome.rejection.as_ref().unwrap_or(&none);
    let details = rejection.details.as_ref();
    let details = details.and_then(|details| serde_json::to_string(details).ok());
    let details = details.unwrap_or_default();
    let warnings = outcome
        .warnings
        .iter()
        .map(|warning| (warning.kind.as_str(), &*warning.message, &*warning.rule));
    let dict = PyDict::new(py);
    dict.set_item(intern!(py, "code"), outcome.code as i32)?;
    dict.set_item(intern!(py, "kind"), outcome.kind.as_str())?;
    dict.set_item(intern!(py, "message"), &outcome.message)?;
    dict.set_item(intern!(py, "argument"), outcome.argument)?;
    dict.set_item(intern!(py, "http_status"), outcome.http_status)?;
    dict.set_item(intern!(py, "attempts"), outcome.attempts)?;
    dict.set_item(intern!(py, "recorded"), outcome.recorded)?;
    dict.set_item(intern!(py, "event_id"), outcome.event_id.as_str())?;
    dict.set_item(intern!(py, "product_id"), outcome.product_id.as_str())?;
    dict.set_item(intern!(py, "version_id"), outcome.version_id.as_str())?;
    dict.set_item(
        intern!(py, "environment_id"),
        outcome.environment_id.as_str(),
    )?;
    dict.set_item(intern!(py, "status"), outcome.status.as_str())?;
    dict.set_item(
        intern!(py, "deployed_at_text"),
        outcome.deployed_at.as_str(),
    )?;
    dict.set_item(intern!(py, "version"), outcome.version.as_str())?;
    let data = outcome.data.as_ref().map(ToString::to_string);
    dict.set_item(intern!(py, "data_json"), data.unwrap_or_default())?;
    dict.set_item(intern!(py, "source_system"), &outcome.source_system)?;
    let features = outcome.features.iter().map(|name| name.as_str());
    dict.set_item(
        intern!(py, "features"),
        PyTuple::new(py, features.collect::<Vec<_>>())?,
    )?;
    dict.set_item(intern!(py, "rule"), rejection.rule.as_str())?;
    dict.set_item(intern!(py, "policy_code"), rejection.policy_code.as_str())?;
    dict.set_item(
        intern!(py, "retry_after_text"),
        rejection.retry_after.as_str(),
    )?;
    dict.set_item(intern!(py, "details_json"), details)?;
    dict.set_item(intern!(py, "text"), outcome.text())?;
    dict.set_item(
        intern!(py, "warnings"),
        PyTuple::new(py, warnings.collect::<Vec<_>>())?,
    )?;
    Ok(dict)
}

/// The exception for an outcome.
pub fn raised(py: Python<'_>, error: &Error) -> PyErr {
    match to_dict(py, error.outcome()) {
        Ok(dict) => OutcomeError::new_err((dict.unbind(),)),
        Err(error) => error,
    }
}

/// The exception for an argument that the core never saw.
pub fn invalid_argument(py: Python<'_>, name: &'static str, message: String) -> PyErr {
    raised(py, &Error::invalid_argument(name, message))
}

/// Runs what Python called, and raises its panic as an exception like any other.
pub fn guarded<T>(py: Python<'_>, call: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    Error::caught(|| Ok(call())).unwrap_or_else(|error| Err(raised(py, &error)))
}
