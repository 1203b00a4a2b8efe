//! Cases of several calls on one client.

use std::time::Duration;

use scripted_server::{Event, Start};
use serde_json::{Map, Value};
use versioner::{Client, Clock, DeploymentEvent, End, Error, Interrupt, Options, Outcome, Span};

use super::{SimulatedClock, build, deployment, shown, texts};

/// A result for each step, null for one that has none.
pub fn perform(start: &Start, options: Options, clock: &SimulatedClock) -> Vec<Value> {
    let client = match Client::new(options) {
        Ok(client) => client,
        Err(error) => return vec![shown(Err(error)); start.steps.len()],
    };
    let mut performer = Performer {
        client,
        kind: start.event,
        span: None,
        saved: String::new(),
    };
    let steps = start.steps.iter();
    steps
        .map(|step| match step["do"].as_str().expect("what to do") {
            "pass" => {
                let seconds = step["seconds"].as_f64().expect("a number");
                clock.sleep(Duration::from_secs_f64(seconds), &Interrupt::never());
                Value::Null
            }
            name => performer.perform(name, step),
        })
        .collect()
}

struct Performer {
    client: Client,
    kind: Event,
    span: Option<Span>,
    saved: String,
}

impl Performer {
    fn perform(&mut self, name: &str, step: &Map<String, Value>) -> Value {
        match name {
            "begin" => {
                let begun = match self.kind {
                    Event::Build => self.prepared(step).and_then(|span| {
                        span.ask(&Interrupt::never())?;
                        Ok(span)
                    }),
                    Event::Deployment => self.client.begin(&event(step)),
                };
                self.keep(begun)
            }
            "track" => shown(self.client.track_deployment(&event(step))),
            "prepare" => {
                let prepared = self.prepared(step);
                self.keep(prepared)
            }
            "resume" => {
                let resumed = self.client.resume(&self.saved);
                self.keep(resumed)
            }
            "save" => {
                self.saved = self.span().save().expect("a text");
                Value::Null
            }
            "end" => shown(self.span().end(&end(step))),
            "free" => {
                self.span.take().expect("a span").let_go();
                Value::Null
            }
            unknown => panic!("this runner does not know the step {unknown}"),
        }
    }

    fn prepared(&self, step: &Map<String, Value>) -> Result<Span, Error> {
        match self.kind {
            Event::Build => {
                let fields = step["fields"].as_object().expect("fields");
                self.client.prepare_build(&build(fields))
            }
            Event::Deployment => self.client.prepare(&event(step)),
        }
    }

    fn span(&self) -> &Span {
        self.span.as_ref().expect("a span")
    }

    /// Goes on with this span; the one before is left behind, as if its process were gone.
    fn keep(&mut self, span: Result<Span, Error>) -> Value {
        match span {
            Ok(span) => {
                let started = span.started().map(Outcome::to_json);
                self.span = Some(span);
                // One that is prepared or resumed has asked for nothing.
                started.unwrap_or_default()
            }
            Err(error) => shown(Err(error)),
        }
    }
}

fn event(step: &Map<String, Value>) -> DeploymentEvent {
    let mut event = deployment(step["fields"].as_object().expect("fields"));
    for (name, text) in texts(step) {
        match name {
            "part" => event.part = text,
            "wait_for" => event.wait_for = text,
            "wait_superseded" => event.wait_superseded = text,
            _ => {}
        }
    }
    let seconds = |name: &str| {
        let seconds = step.get(name).and_then(Value::as_f64);
        seconds.map(Duration::from_secs_f64)
    };
    event.lease = seconds("lease");
    event.wait = seconds("wait");
    event
}

fn end(step: &Map<String, Value>) -> End {
    let mut end = End::default();
    let exit_code = step.get("exit_code").and_then(Value::as_i64);
    end.exit_code = exit_code.map(|code| i32::try_from(code).expect("an exit code"));
    for (name, text) in texts(step) {
        match name {
            "status" => end.status = text,
            "error_class" => end.error_class = text,
            "signal" => end.signal = text,
            "extra_metadata" => end.extra_metadata = text,
            _ => {}
        }
    }
    end
}
