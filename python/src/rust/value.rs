//! Python values as the core's events and options have them.

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyMapping, PyString};
use versioner::{BuildEvent, DeploymentEvent, End, Environment, EventKind, FieldKind, Options};

use crate::failure::invalid_argument;
use crate::metadata;

/// Everything that [`Options`] has and Python gives.
pub fn options(settings: &Bound<'_, PyDict>) -> PyResult<Options> {
    let mut options = Options::default();
    for (name, value) in given(settings)? {
        match &*name {
            "api_key" => options.api_key = text("api_key", &value)?,
            "api_url" => options.api_url = text("api_url", &value)?,
            "ui_url" => options.ui_url = text("ui_url", &value)?,
            "config" => options.config = path("config", &value)?,
            "fail_on_api_error" => {
                options.fail_on_api_error = Some(flag("fail_on_api_error", &value)?);
            }
            "max_retries" => options.max_retries = Some(count("max_retries", &value)?),
            "retry_pause" => options.retry_pause = Some(seconds("retry_pause", &value)?),
            "attempt_timeout" => {
                options.attempt_timeout = Some(seconds("attempt_timeout", &value)?);
            }
            "total_timeout" => options.total_timeout = Some(seconds("total_timeout", &value)?),
            "ca_file" => options.ca_file = path("ca_file", &value)?,
            "client_cert" => options.client_cert = path("client_cert", &value)?,
            "client_key" => options.client_key = path("client_key", &value)?,
            "outbox" => options.outbox = path("outbox", &value)?,
            "surface" => options.surface = surface(&value)?,
            "environ" => options.environment = Some(environment(&value)?),
            unknown => return Err(unexpected("Client", unknown)),
        }
    }
    Ok(options)
}

/// What both events have, for keyword arguments.
pub trait Event: Default {
    const KIND: EventKind;
    const FUNCTION: &'static str;

    /// Sets a text field that the caller named.
    fn set_given(&mut self, name: &str, text: String);

    /// Takes what a call alone can say, never a variable or the configuration file. `false` if
    /// it is none of that.
    fn set_per_call(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool>;
}

impl Event for BuildEvent {
    const KIND: EventKind = EventKind::Build;
    const FUNCTION: &'static str = "track_build";

    fn set_given(&mut self, name: &str, text: String) {
        BuildEvent::set_given(self, name, text);
    }

    fn set_per_call(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        match name {
            "allow_literal" => self.allow_literal = flag("allow_literal", value)?,
            "timeout" => self.timeout = Some(seconds("timeout", value)?),
            "idempotency_key" => self.idempotency_key = given_text("idempotency_key", value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Event for DeploymentEvent {
    const KIND: EventKind = EventKind::Deployment;
    const FUNCTION: &'static str = "track_deployment";

    fn set_given(&mut self, name: &str, text: String) {
        DeploymentEvent::set_given(self, name, text);
    }

    fn set_per_call(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        match name {
            "allow_literal" => self.allow_literal = flag("allow_literal", value)?,
            "timeout" => self.timeout = Some(seconds("timeout", value)?),
            "idempotency_key" => self.idempotency_key = given_text("idempotency_key", value)?,
            "skip_preflight_checks" => {
                self.skip_preflight_checks = Some(flag("skip_preflight_checks", value)?);
            }
            "skip_reason" => self.skip_reason = text("skip_reason", value)?,
            "part" => self.part = given_text("part", value)?,
            "lease" => self.lease = Some(seconds("lease", value)?),
            "wait" => self.wait = Some(seconds("wait", value)?),
            "wait_for" => self.wait_for = text("wait_for", value)?,
            "wait_superseded" => self.wait_superseded = text("wait_superseded", value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// How a span ended.
pub fn end(ending: &Bound<'_, PyDict>) -> PyResult<End> {
    let mut end = End::default();
    for (name, value) in given(ending)? {
        match &*name {
            "status" => end.status = text("status", &value)?,
            "error_class" => end.error_class = text("error_class", &value)?,
            "signal" => end.signal = text("signal", &value)?,
            "exit_code" => end.exit_code = Some(exit_code(&value)?),
            "extra_metadata" => end.extra_metadata = metadata::text("extra_metadata", &value)?,
            "timeout" => end.timeout = Some(seconds("timeout", &value)?),
            unknown => return Err(unexpected("end", unknown)),
        }
    }
    Ok(end)
}

/// The timeout of a call that has no event.
pub fn timeout(value: Option<Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    value.map(|value| seconds("timeout", &value)).transpose()
}

/// A text that is given and empty was meant to be something, other than one that is not given.
fn given_text(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = text(name, value)?;
    Ok(if text.is_empty() {
        " ".to_owned()
    } else {
        text
    })
}

/// The event of these keyword arguments.
pub fn event<E: Event>(fields: &Bound<'_, PyDict>) -> PyResult<E> {
    let mut event = E::default();
    for (name, value) in given(fields)? {
        if event.set_per_call(&name, &value)? {
            continue;
        }
        let field = E::KIND.fields().iter().find(|field| field.name == name);
        let Some(field) = field else {
            return Err(unexpected(E::FUNCTION, &name));
        };
        let text = match field.kind {
            FieldKind::Json => metadata::text(field.name, &value)?,
            FieldKind::Time => timestamp(field.name, &value)?,
            FieldKind::Text | FieldKind::Name | FieldKind::Status | FieldKind::Url => {
                text(field.name, &value)?
            }
        };
        event.set_given(field.name, text);
    }
    Ok(event)
}

/// The entries whose value is not `None`.
fn given<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let mut entries = Vec::with_capacity(dict.len());
    for (name, value) in dict {
        if !value.is_none() {
            entries.push((name.extract()?, value));
        }
    }
    Ok(entries)
}

fn unexpected(function: &str, name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{function}() got an unexpected keyword argument '{name}'"
    ))
}

/// A text. Values are not shown, because one may be the API key.
pub fn text(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let Ok(string) = value.cast::<PyString>() else {
        return Err(wrong_type(name, "a str", value));
    };
    match string.to_cow() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(invalid_argument(
            value.py(),
            name,
            format!("{name} holds a lone surrogate, which no UTF-8 text can: remove it"),
        )),
    }
}

fn path(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyString>() {
        return text(name, value);
    }
    match value.call_method0("__fspath__") {
        Ok(path) if path.is_instance_of::<PyString>() => text(name, &path),
        _ => Err(wrong_type(name, "a str or a path of str", value)),
    }
}

fn flag(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match value.cast::<PyBool>() {
        Ok(flag) => Ok(flag.is_true()),
        Err(_) => Err(wrong_type(name, "a bool", value)),
    }
}

fn count(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<u32> {
    let is_int = value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>();
    match value.extract() {
        Ok(count) if is_int => Ok(count),
        _ => Err(wrong_type(name, "an int from 0 to 4294967295", value)),
    }
}

fn exit_code(value: &Bound<'_, PyAny>) -> PyResult<i32> {
    let is_int = value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>();
    match value.extract() {
        Ok(code) if is_int => Ok(code),
        _ => Err(wrong_type("exit_code", "an int of 32 bits", value)),
    }
}

fn seconds(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let is_number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    let number = match value.extract::<f64>() {
        Ok(number) if is_number && !value.is_instance_of::<PyBool>() => number,
        _ => return Err(wrong_type(name, "a number of seconds, such as 2.5", value)),
    };
    Duration::try_from_secs_f64(number).map_err(|_| {
        let message = format!("{name} must be a number of seconds, such as 2.5, but is {number}");
        invalid_argument(value.py(), name, message)
    })
}

/// The name of the sender goes into a header.
fn surface(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let surface = text("surface", value)?;
    if surface
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return Ok(surface);
    }
    Err(invalid_argument(
        value.py(),
        "surface",
        "surface must be a name of ASCII letters, digits and -_., such as ansible".to_owned(),
    ))
}

/// An RFC 3339 text; the core judges texts.
fn timestamp(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyString>() {
        return text(name, value);
    }
    let py = value.py();
    let datetime = py.import("datetime")?.getattr("datetime")?;
    if !value.is_instance(&datetime)? {
        return Err(wrong_type(name, "a datetime with a zone or a str", value));
    }
    let formatted: String = value.call_method0("isoformat")?.extract()?;
    let offset = value.call_method0("utcoffset")?;
    if offset.is_none() {
        let message = format!(
            "{name} must be a datetime with a zone, such as datetime.now(timezone.utc), but is \
             the naive {formatted}"
        );
        return Err(invalid_argument(py, name, message));
    }
    let offset_seconds: f64 = offset.call_method0("total_seconds")?.extract()?;
    if offset_seconds % 60.0 != 0.0 {
        // The local time of former centuries, whose zone RFC 3339 cannot write.
        let utc = py.import("datetime")?.getattr("timezone")?.getattr("utc")?;
        let in_utc = value.call_method1("astimezone", (utc,))?;
        return in_utc.call_method0("isoformat")?.extract();
    }
    Ok(formatted)
}

fn environment(value: &Bound<'_, PyAny>) -> PyResult<Environment> {
    let Ok(mapping) = value.cast::<PyMapping>() else {
        return Err(wrong_type("environ", "a mapping of str to str", value));
    };
    let mut variables = Vec::new();
    for entry in mapping.items()? {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
        let shown = name.repr()?.to_string();
        let name = variable(&name).ok_or_else(|| wrong_name(&name, &shown))?;
        let value = variable(&value).ok_or_else(|| wrong_value(&value, &shown))?;
        variables.push((name, value));
    }
    Ok(Environment::from_os(variables))
}

/// A text of `os.environ`, which has surrogates for bytes that are not Unicode.
fn variable(value: &Bound<'_, PyAny>) -> Option<OsString> {
    let string = value.cast::<PyString>().ok()?;
    match string.to_cow() {
        Ok(text) => Some(OsString::from(text.into_owned())),
        Err(_) => string.extract().ok(),
    }
}

fn wrong_name(name: &Bound<'_, PyAny>, shown: &str) -> PyErr {
    let message = format!(
        "environ must have names of str, but {shown} is {}",
        type_name(name)
    );
    invalid_argument(name.py(), "environ", message)
}

fn wrong_value(value: &Bound<'_, PyAny>, name: &str) -> PyErr {
    let message = format!("environ[{name}] must be a str, but is {}", type_name(value));
    invalid_argument(value.py(), "environ", message)
}

fn wrong_type(name: &'static str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let message = format!("{name} must be {expected}, but is {}", type_name(value));
    invalid_argument(value.py(), name, message)
}

/// What a value is, with the value itself if it is a number, which no secret is.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().name().map_or_else(
        |_| Cow::Borrowed("unknown"),
        |name| Cow::Owned(name.to_string()),
    );
    let is_number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    let shown = value.repr().ok().filter(|_| is_number);
    match shown.map(|shown| shown.to_string()) {
        Some(shown) if shown.len() <= 40 => format!("of type {name}: {shown}"),
        _ => format!("of type {name}"),
    }
}
