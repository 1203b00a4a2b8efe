//! One case being run by one surface.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::case::{Case, Clock, Event, FileContent, Reply};
use crate::http::{Request, decode};
use crate::template::Template;
use crate::{judge, requests};

/// What a runner needs to perform a case.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// Identifies the run when it is finished.
    pub run: u64,
    /// Which event to track.
    pub event: Event,
    /// The event's fields: texts, but for `skip_preflight_checks`, a boolean.
    pub fields: Map<String, Value>,
    /// The client's options by name; durations are seconds.
    pub options: Map<String, Value>,
    /// The client's whole environment.
    pub environment: BTreeMap<String, String>,
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
    requests: Mutex<Vec<Request>>,
    is_finished: AtomicBool,
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
            requests: Mutex::default(),
            is_finished: AtomicBool::new(false),
        })
    }

    pub fn start(&self) -> Start {
        Start {
            run: self.number,
            event: self.case.event,
            fields: self.case.fields.clone(),
            options: self.case.client_options(&self.server),
            environment: self.case.client_environment(),
            clock: self.case.clock,
        }
    }

    /// Records a request and finds its reply.
    pub fn receive(&self, request: Request) -> Reply {
        let default = || default_reply(self.case.event, &request);
        let mut requests = self.lock();
        let reply = self.replies.get(requests.len()).cloned();
        let reply = reply.unwrap_or_else(default);
        requests.push(request);
        reply
    }

    pub fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Acquire)
    }

    /// Ends the run and compares what happened with what the case expects.
    pub fn finish(&self, result: &Value) -> Verdict {
        self.is_finished.store(true, Ordering::Release);
        let mut differences = judge::result(self, result);
        differences.extend(requests::differences(self, &self.lock()));
        Verdict {
            passed: differences.is_empty(),
            differences,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

fn default_reply(event: Event, request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
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
    Reply {
        json: Some(answer),
        ..Reply::default()
    }
}
