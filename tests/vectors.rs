//! Every shared vector, against the core.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use scripted_server::{Event, Start};
use serde_json::{Map, Value};
use versioner::{
    BuildEvent, Client, Clock, DeploymentEvent, Environment, Error, Interrupt, Options, Outcome,
};

#[test]
fn every_vector_passes() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let server = scripted_server::start(&vectors).unwrap_or_else(|error| panic!("{error}"));
    if let Err(report) = server.run_all("rust", perform) {
        panic!("{report}");
    }
}

fn perform(start: &Start) -> Value {
    let clock = Arc::new(SimulatedClock::default());
    let mut options = options(&start.options);
    options.environment = Some(
        start
            .environment
            .clone()
            .into_iter()
            .collect::<Environment>(),
    );
    if start.clock == scripted_server::Clock::Simulated {
        options.clock = Some(clock.clone());
    }
    let mut result = outcome(track(start, options)).to_json();
    result["waits_ms"] = clock.waits_ms().into();
    result
}

fn track(start: &Start, options: Options) -> Result<Outcome, Error> {
    let client = Client::new(options)?;
    match start.event {
        Event::Build => {
            let mut event = BuildEvent::default();
            for (name, text) in texts(&start.fields) {
                set(event.field_mut(name), name, text);
            }
            client.track_build(&event)
        }
        Event::Deployment => {
            let mut event = DeploymentEvent::default();
            for (name, text) in texts(&start.fields) {
                set(event.field_mut(name), name, text);
            }
            event.skip_preflight_checks = start
                .fields
                .get("skip_preflight_checks")
                .and_then(Value::as_bool);
            client.track_deployment(&event)
        }
    }
}

fn outcome(result: Result<Outcome, Error>) -> Outcome {
    result.unwrap_or_else(Error::into_outcome)
}

fn texts(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    fields
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

fn set(member: Option<&mut String>, name: &str, text: &str) {
    match member {
        Some(member) => text.clone_into(member),
        None => panic!("the event has no field {name}"),
    }
}

fn options(given: &Map<String, Value>) -> Options {
    let mut options = Options::default();
    for (name, value) in given {
        let text = || value.as_str().unwrap_or_default().to_owned();
        let seconds = || value.as_f64().map(Duration::from_secs_f64);
        match name.as_str() {
            "api_key" => options.api_key = text(),
            "api_url" => options.api_url = text(),
            "ui_url" => options.ui_url = text(),
            "config" => options.config = text(),
            "ca_file" => options.ca_file = text(),
            "client_cert" => options.client_cert = text(),
            "client_key" => options.client_key = text(),
            "fail_on_api_error" => options.fail_on_api_error = value.as_bool(),
            "max_retries" => {
                options.max_retries = value.as_u64().and_then(|count| count.try_into().ok());
            }
            "retry_pause" => options.retry_pause = seconds(),
            "attempt_timeout" => options.attempt_timeout = seconds(),
            "total_timeout" => options.total_timeout = seconds(),
            other => panic!("the client has no option {other}"),
        }
    }
    options
}

/// New Year 2026, where a sleep is over at once and jitter stretches nothing.
#[derive(Default)]
struct SimulatedClock(Mutex<Vec<Duration>>);

impl SimulatedClock {
    fn waits(&self) -> Vec<Duration> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn waits_ms(&self) -> Vec<u64> {
        self.waits()
            .iter()
            .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
            .collect()
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        self.waits().iter().sum()
    }

    fn date(&self) -> SystemTime {
        const NEW_YEAR_2026: Duration = Duration::from_secs(1_767_225_600);
        SystemTime::UNIX_EPOCH + NEW_YEAR_2026 + self.now()
    }

    fn sleep(&self, duration: Duration, _: &Interrupt) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.push(duration);
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}
