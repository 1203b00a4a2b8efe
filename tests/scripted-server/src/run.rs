//! One case being run by one surface.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::case::{Call, Case, Clock, Event, FileContent};
use crate::http::Request;
use crate::reply::{Reply, decode, encode};
use crate::template::Template;
use crate::{judge, outbox, requests};

/// How long a run may take. No case comes near it, so a call that does has no end.
pub const LONGEST: Duration = Duration::from_secs(60);

/// What a runner needs to perform a case.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// Identifies the run when it is finished.
    pub run: u64,
    /// What to do.
    pub call: Call,
    /// Which event to track.
    pub event: Event,
    /// What to read.
    pub path: String,
    /// With which parameters.
    pub query: Vec<(String, String)>,
    /// The event's fields: texts, but for the booleans `skip_preflight_checks` and `allow_literal`.
    pub fields: Map<String, Value>,
    /// Several calls on one client, in place of one with the fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Map<String, Value>>,
    /// The client's options by name; durations are seconds.
    pub options: Map<String, Value>,
    /// The client's whole environment.
    pub environment: BTreeMap<String, String>,
    /// The variables of it that are not text.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "as_base64"
    )]
    pub environment_bytes: BTreeMap<String, Vec<u8>>,
    /// Which time the client lives in.
    pub clock: Clock,
}

/// Whether a run went as the case expects.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Whether there is no difference.
    pub passed: bool,
    /// What differs, a line each.
    pub differences: Vec<String>,
}

pub struct Run {
    pub number: u64,
    pub surface: String,
    pub case: Case,
    pub home: TempDir,
    server: String,
    replies: Vec<Reply>,
    replies_taken: AtomicUsize,
    requests: Mutex<Vec<Request>>,
    began: Instant,
    connections: Mutex<Vec<Weak<TcpStream>>>,
    is_finished: AtomicBool,
    is_overdue: AtomicBool,
}

impl Run {
    /// Fills in the case for this run and lays out its files.
    pub fn new(number: u64, surface: &str, case: &Value, port: u16) -> io::Result<Run> {
        let home = TempDir::with_prefix("versioner-vectors-")?;
        let server = format!("http://127.0.0.1:{port}/run/{number}");
        let template = Template {
            server: server.clone(),
            home: home.path().display().to_string(),
            port: port.to_string(),
            run: number.to_string(),
        };
        let case = Case::parse(&template.apply(case))?;
        for (name, content) in &case.files {
            lay_out(&home.path().join(name), content)?;
        }
        let replies = case
            .replies
            .iter()
            .flat_map(|reply| std::iter::repeat_n(reply.clone(), reply.times.unwrap_or(1)))
            .collect();
        Ok(Run {
            number,
            surface: surface.to_owned(),
            case,
            home,
            server,
            replies,
            replies_taken: AtomicUsize::new(0),
            requests: Mutex::default(),
            began: Instant::now(),
            connections: Mutex::default(),
            is_finished: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
        })
    }

    pub fn start(&self) -> io::Result<Start> {
        let bytes = self.case.environment_bytes.iter();
        Ok(Start {
            run: self.number,
            call: self.case.call,
            event: self.case.event,
            path: self.case.path.clone(),
            query: self.case.query.clone(),
            fields: self.case.fields.clone(),
            steps: self
                .case
                .steps
                .iter()
                .map(|step| step.call.clone())
                .collect(),
            options: self.case.client_options(&self.server),
            environment: self.case.client_environment(),
            environment_bytes: bytes
                .map(|(name, text)| Ok((name.clone(), decode(text)?)))
                .collect::<io::Result<_>>()?,
            clock: self.case.clock,
        })
    }

    /// The next scripted reply; none once they are used up.
    pub fn take_reply(&self) -> Option<Reply> {
        let index = self.replies_taken.fetch_add(1, Ordering::Relaxed);
        self.replies.get(index).cloned()
    }

    pub fn record(&self, request: Request) {
        lock(&self.requests).push(request);
    }

    /// Whether nobody waits for an answer any more.
    pub fn is_over(&self) -> bool {
        self.is_finished.load(Ordering::Acquire) || self.is_overdue.load(Ordering::Acquire)
    }

    /// Remembers a connection of this run, in case the call never ends.
    pub fn watch(&self, stream: &Arc<TcpStream>) {
        lock(&self.connections).push(Arc::downgrade(stream));
    }

    /// Breaks the connections of a run that takes too long, so that its call ends.
    pub fn end_if_overdue(&self, longest: Duration) {
        if self.began.elapsed() > longest {
            self.is_overdue.store(true, Ordering::Release);
            let connections = lock(&self.connections).split_off(0);
            for stream in connections.iter().filter_map(Weak::upgrade) {
                // One that is broken already is what is wanted.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Ends the run and compares what happened with what the case expects.
    pub fn finish(&self, result: &Value) -> Verdict {
        self.is_finished.store(true, Ordering::Release);
        let mut differences = judge::result(self, result);
        differences.extend(requests::differences(self, &lock(&self.requests)));
        differences.extend(outbox::differences(self));
        if self.is_overdue.load(Ordering::Acquire) {
            differences.push(format!(
                "the call had not ended after {} s, when its connections were broken",
                LONGEST.as_secs()
            ));
        }
        Verdict {
            passed: differences.is_empty(),
            differences,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_base64<S: Serializer>(
    variables: &BTreeMap<String, Vec<u8>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(variables.iter().map(|(name, bytes)| (name, encode(bytes))))
}

fn lay_out(path: &Path, content: &FileContent) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match content {
        FileContent::Text(text) => std::fs::write(path, text),
        FileContent::Other {
            directory: true, ..
        } => std::fs::create_dir_all(path),
        FileContent::Other { base64, .. } => std::fs::write(path, decode(base64)?),
    }
}

/// What is answered if the case says nothing.
pub fn default_reply(case: &Case, request: &Request) -> Reply {
    let is_question = request.path.contains("/preflight/");
    let answer = match case.call {
        Call::Track if is_question => allowed(),
        Call::Track => recorded(case.event, request),
        Call::Check => allowed(),
        Call::Read => json!({"items": [], "next_cursor": null}),
        Call::State | Call::DeployedVersion => json!({"products": []}),
    };
    Reply {
        json: Some(answer),
        ..Reply::default()
    }
}

fn allowed() -> Value {
    json!({"allowed": true, "latest": null, "rules_evaluated": []})
}

fn recorded(event: Event, request: &Request) -> Value {
    let body = request.body.as_deref().unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut answer = json!({
        "id": "evt-1",
        "product_id": "prod-1",
        "version_id": "ver-1",
        "status": body["status"],
    });
    if event == Event::Deployment {
        answer["environment_id"] = "env-1".into();
        answer["deployed_at"] = "2026-01-01T00:00:00Z".into();
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_call_that_does_not_end_is_broken_off_and_has_not_passed() {
        let case = json!({"name": "a", "event": "build", "expect": {"code": 0, "requests": 0}});
        let run = Run::new(1, "cli", &case, 1).expect("a run");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).expect("a connection");
        let stream = Arc::new(listener.accept().expect("a connection").0);
        run.watch(&stream);
        run.end_if_overdue(LONGEST);
        assert!(!run.is_over());
        run.end_if_overdue(Duration::ZERO);
        assert!(run.is_over());
        assert_eq!(client.read(&mut [0]).expect("an end"), 0);
        let verdict = run.finish(&json!({"exit_code": 0, "stdout": "", "stderr": ""}));
        assert_eq!(verdict.differences.len(), 1, "{:?}", verdict.differences);
        assert!(verdict.differences[0].contains("had not ended"));
    }
}
