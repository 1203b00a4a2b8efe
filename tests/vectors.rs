//! The shared test vectors, run by the core.

#[path = "vectors/steps.rs"]
mod steps;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use scripted_server::{Call, Clock as ClockKind, Event, Start};
use serde_json::{Map, Value, json};
use versioner::{
    BuildEvent, Client, Clock, DeploymentEvent, Environment, Error, Interrupt, Options, Outcome,
};

/// 2026-01-01T00:00:00Z, when every simulated case begins.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

/// Time that passes only in pauses, which end at once.
#[derive(Default)]
struct SimulatedClock {
    pauses: Mutex<Vec<Duration>>,
}

impl SimulatedClock {
    fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().expect("no panic").clone()
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        self.pauses().iter().sum()
    }

    fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + BEGIN + self.now()
    }

    fn sleep(&self, duration: Duration, _: &Interrupt) {
        self.pauses.lock().expect("no panic").push(duration);
    }

    /// The middle of the range, which leaves pauses as they are.
    fn jitter(&self) -> f64 {
        0.5
    }
}

fn perform(start: &Start) -> Value {
    let clock = Arc::new(SimulatedClock::default());
    let mut options = options(&start.options);
    options.environment = Some(environment(start));
    let is_simulated = start.clock == ClockKind::Simulated;
    if is_simulated {
        options.clock = Some(clock.clone());
    }
    let mut result = match start.steps.is_empty() {
        true => shown(call(start, options)),
        false => json!({"steps": steps::perform(start, options, &clock)}),
    };
    if is_simulated {
        let waits: Vec<u128> = clock.pauses().iter().map(Duration::as_millis).collect();
        result["waits_ms"] = json!(waits);
    }
    result
}

fn shown(outcome: Result<Outcome, Error>) -> Value {
    outcome.unwrap_or_else(Error::into_outcome).to_json()
}

fn environment(start: &Start) -> Environment {
    let texts = start
        .environment
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    let bytes = start
        .environment_bytes
        .iter()
        .map(|(name, value)| (name.into(), OsString::from_vec(value.clone())));
    Environment::from_os(texts.chain(bytes))
}

fn options(given: &Map<String, Value>) -> Options {
    let mut options = Options::default();
    for (name, value) in given {
        let text = || value.as_str().expect("a text").to_owned();
        let seconds = || Some(Duration::from_secs_f64(value.as_f64().expect("a number")));
        match name.as_str() {
            "api_key" => options.api_key = text(),
            "api_url" => options.api_url = text(),
            "ui_url" => options.ui_url = text(),
            "config" => options.config = text(),
            "ca_file" => options.ca_file = text(),
            "client_cert" => options.client_cert = text(),
            "client_key" => options.client_key = text(),
            "outbox" => options.outbox = text(),
            "fail_on_api_error" => options.fail_on_api_error = value.as_bool(),
            "max_retries" => {
                let count = value.as_u64().expect("a number");
                options.max_retries = Some(count.try_into().expect("a small number"));
            }
            "retry_pause" => options.retry_pause = seconds(),
            "attempt_timeout" => options.attempt_timeout = seconds(),
            "total_timeout" => options.total_timeout = seconds(),
            unknown => panic!("this runner does not know the option {unknown}"),
        }
    }
    options
}

fn call(start: &Start, options: Options) -> Result<Outcome, Error> {
    let client = Client::new(options)?;
    let field = |name: &str| {
        start
            .fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match start.call {
        Call::Track => track(start, &client),
        Call::Check => client.check_deployment(&deployment(&start.fields)),
        Call::Read => {
            let query = start.query.iter();
            let query: Vec<(&str, &str)> = query
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            client.read(&start.path, &query)
        }
        Call::State => client.state(field("product")),
        Call::DeployedVersion => client.deployed_version(field("product"), field("environment")),
    }
}

fn track(start: &Start, client: &Client) -> Result<Outcome, Error> {
    match start.event {
        Event::Build => client.track_build(&build(&start.fields)),
        Event::Deployment => client.track_deployment(&deployment(&start.fields)),
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> Option<bool> {
    fields.get(name).and_then(Value::as_bool)
}

fn texts(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, String)> {
    let fields = fields.iter();
    fields.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.to_owned())))
}

fn unknown(name: &str) -> ! {
    panic!("the event has no field {name}")
}

fn build(fields: &Map<String, Value>) -> BuildEvent {
    let mut event = BuildEvent {
        allow_literal: flag(fields, "allow_literal").unwrap_or_default(),
        ..BuildEvent::default()
    };
    for (name, text) in texts(fields) {
        match name {
            "idempotency_key" => event.idempotency_key = text,
            _ => *event.field_mut(name).unwrap_or_else(|| unknown(name)) = text,
        }
    }
    event
}

fn deployment(fields: &Map<String, Value>) -> DeploymentEvent {
    let mut event = DeploymentEvent {
        skip_preflight_checks: flag(fields, "skip_preflight_checks"),
        allow_literal: flag(fields, "allow_literal").unwrap_or_default(),
        ..DeploymentEvent::default()
    };
    for (name, text) in texts(fields) {
        match name {
            "skip_reason" => event.skip_reason = text,
            "idempotency_key" => event.idempotency_key = text,
            _ => *event.field_mut(name).unwrap_or_else(|| unknown(name)) = text,
        }
    }
    event
}

#[test]
fn the_core_does_what_every_surface_does() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let server = scripted_server::start(&vectors).expect("usable cases");
    match server.run_all("rust", perform) {
        Ok(count) => println!("{count} cases"),
        Err(differences) => panic!("{differences}"),
    }
}
