//! What TypeScript hands in, as the core's events and options have it.

use std::time::Duration;

use serde_json::{Map, Value};
use versioner::{BuildEvent, Client, DeploymentEvent, End, Error, Interrupt, Options, Outcome};

type Named = Map<String, Value>;

/// Everything that [`Options`] has and JavaScript gives.
pub fn options(settings: &str) -> Result<Options, Error> {
    let mut options = Options::default();
    for (name, value) in named(settings)? {
        match &*name {
            "api_key" => options.api_key = text(&name, value)?,
            "api_url" => options.api_url = text(&name, value)?,
            "ui_url" => options.ui_url = text(&name, value)?,
            "config" => options.config = text(&name, value)?,
            "ca_file" => options.ca_file = text(&name, value)?,
            "client_cert" => options.client_cert = text(&name, value)?,
            "client_key" => options.client_key = text(&name, value)?,
            "outbox" => options.outbox = text(&name, value)?,
            "surface" => options.surface = text(&name, value)?,
            "fail_on_api_error" => options.fail_on_api_error = Some(flag(&name, &value)?),
            "max_retries" => options.max_retries = Some(count(&name, &value)?),
            "retry_pause" => options.retry_pause = Some(milliseconds("retry_pause", &value)?),
            "attempt_timeout" => {
                options.attempt_timeout = Some(milliseconds("attempt_timeout", &value)?);
            }
            "total_timeout" => {
                options.total_timeout = Some(milliseconds("total_timeout", &value)?);
            }
            unknown => return Err(unexpected(unknown)),
        }
    }
    Ok(options)
}

/// What both events have, by name.
pub trait Event: Default {
    /// Sets a text field that the caller named.
    fn set_given(&mut self, name: &str, text: String) -> bool;

    /// Takes what a call alone can say. `false` if it is none of that.
    fn set_per_call(&mut self, name: &str, value: &Value) -> Result<bool, Error>;
}

impl Event for BuildEvent {
    fn set_given(&mut self, name: &str, text: String) -> bool {
        BuildEvent::set_given(self, name, text)
    }

    fn set_per_call(&mut self, name: &str, value: &Value) -> Result<bool, Error> {
        match name {
            "allow_literal" => self.allow_literal = flag(name, value)?,
            "timeout" => self.timeout = Some(milliseconds("timeout", value)?),
            "idempotency_key" => self.idempotency_key = given(name, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Event for DeploymentEvent {
    fn set_given(&mut self, name: &str, text: String) -> bool {
        DeploymentEvent::set_given(self, name, text)
    }

    fn set_per_call(&mut self, name: &str, value: &Value) -> Result<bool, Error> {
        match name {
            "allow_literal" => self.allow_literal = flag(name, value)?,
            "timeout" => self.timeout = Some(milliseconds("timeout", value)?),
            "idempotency_key" => self.idempotency_key = given(name, value)?,
            "skip_preflight_checks" => self.skip_preflight_checks = Some(flag(name, value)?),
            "skip_reason" => self.skip_reason = text(name, value.clone())?,
            "part" => self.part = given(name, value)?,
            "lease" => self.lease = Some(milliseconds("lease", value)?),
            "wait" => self.wait = Some(milliseconds("wait", value)?),
            "wait_for" => self.wait_for = text(name, value.clone())?,
            "wait_superseded" => self.wait_superseded = text(name, value.clone())?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The event of these fields.
pub fn event<E: Event>(fields: &str) -> Result<E, Error> {
    let mut event = E::default();
    for (name, value) in named(fields)? {
        if !event.set_per_call(&name, &value)? && !event.set_given(&name, text(&name, value)?) {
            return Err(unexpected(&name));
        }
    }
    Ok(event)
}

/// How a span ended.
pub fn end(ending: &str) -> Result<End, Error> {
    let mut end = End::default();
    for (name, value) in named(ending)? {
        match &*name {
            "status" => end.status = text(&name, value)?,
            "error_class" => end.error_class = text(&name, value)?,
            "signal" => end.signal = text(&name, value)?,
            "extra_metadata" => end.extra_metadata = text(&name, value)?,
            "exit_code" => end.exit_code = Some(whole(&name, &value)?),
            "timeout" => end.timeout = Some(milliseconds("timeout", &value)?),
            unknown => return Err(unexpected(unknown)),
        }
    }
    Ok(end)
}

/// What the service is asked or told, without a span.
pub enum Question {
    TrackBuild(Box<BuildEvent>),
    TrackDeployment(Box<DeploymentEvent>),
    CheckDeployment(Box<DeploymentEvent>),
    Read {
        path: String,
        query: Vec<(String, String)>,
        timeout: Option<Duration>,
    },
    State {
        product: String,
        timeout: Option<Duration>,
    },
    DeployedVersion {
        product: String,
        environment: String,
        timeout: Option<Duration>,
    },
}

impl Question {
    pub fn read(name: &str, arguments: &str) -> Result<Self, Error> {
        Ok(match name {
            "trackBuild" => Question::TrackBuild(event(arguments).map(Box::new)?),
            "trackDeployment" => Question::TrackDeployment(event(arguments).map(Box::new)?),
            "checkDeployment" => Question::CheckDeployment(event(arguments).map(Box::new)?),
            _ => Self::reading(name, named(arguments)?)?,
        })
    }

    fn reading(name: &str, mut arguments: Named) -> Result<Self, Error> {
        let timeout = arguments.remove("timeout");
        let timeout = timeout.map(|timeout| milliseconds("timeout", &timeout));
        let timeout = timeout.transpose()?;
        // Other than one that is left out, a name that is empty was given.
        let mut name_of = |name: &str| match arguments.remove(name) {
            Some(value) => given(name, &value),
            None => Ok(String::new()),
        };
        Ok(match name {
            "state" => Question::State {
                product: name_of("product")?,
                timeout,
            },
            "deployedVersion" => Question::DeployedVersion {
                product: name_of("product")?,
                environment: name_of("environment")?,
                timeout,
            },
            "read" => Question::Read {
                path: arguments
                    .remove("path")
                    .map_or_else(|| Ok(String::new()), |path| text("path", path))?,
                query: pairs(arguments.remove("query"))?,
                timeout,
            },
            unknown => return Err(unexpected(unknown)),
        })
    }

    pub fn ask(&self, client: &Client, interrupt: &Interrupt) -> Result<Outcome, Error> {
        match self {
            Question::TrackBuild(event) => client.track_build_with(event, interrupt),
            Question::TrackDeployment(event) => client.track_deployment_with(event, interrupt),
            Question::CheckDeployment(event) => client.check_deployment_with(event, interrupt),
            Question::Read {
                path,
                query,
                timeout,
            } => {
                let query: Vec<(&str, &str)> = query
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                client.read_with(path, &query, *timeout, interrupt)
            }
            Question::State { product, timeout } => client.state_with(product, *timeout, interrupt),
            Question::DeployedVersion {
                product,
                environment,
                timeout,
            } => client.deployed_version_with(product, environment, *timeout, interrupt),
        }
    }
}

fn pairs(query: Option<Value>) -> Result<Vec<(String, String)>, Error> {
    let query = query.map(serde_json::from_value);
    let query = query.transpose().map_err(|_| wrong("query"))?;
    Ok(query.unwrap_or_default())
}

fn named(json: &str) -> Result<Named, Error> {
    serde_json::from_str(json).map_err(|error| Error::internal(format!("no JSON: {error}")))
}

fn text(name: &str, value: Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong(name)),
    }
}

/// A text that is given and empty was meant to be something, other than one that is not given.
fn given(name: &str, value: &Value) -> Result<String, Error> {
    let text = text(name, value.clone())?;
    Ok(match text.is_empty() {
        true => " ".to_owned(),
        false => text,
    })
}

fn flag(name: &str, value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| wrong(name))
}

fn count(name: &str, value: &Value) -> Result<u32, Error> {
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| wrong(name))
}

fn whole(name: &str, value: &Value) -> Result<i32, Error> {
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| wrong(name))
}

fn milliseconds(name: &'static str, value: &Value) -> Result<Duration, Error> {
    let number = value.as_f64().ok_or_else(|| wrong(name))?;
    Duration::try_from_secs_f64(number / 1000.0).map_err(|_| {
        let message =
            format!("{name} must be a number of milliseconds, such as 2500, but is {number}");
        Error::invalid_argument(name, message)
    })
}

/// The TypeScript has judged types already.
fn wrong(name: &str) -> Error {
    Error::internal(format!("{name} has the wrong type"))
}

fn unexpected(name: &str) -> Error {
    Error::internal(format!("nothing is called {name}"))
}
