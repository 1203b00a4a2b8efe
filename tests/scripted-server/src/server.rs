//! The server: the service's side for clients, the control side for runners.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::case::{Case, SURFACES};
use crate::http::{Connection, Request};
use crate::load::{LoadError, load};
use crate::play::{hang, play};
use crate::reply::After;
use crate::run::{LONGEST, Run, Start, Verdict, default_reply};

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The case files are not usable.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No port could be opened.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
}

/// What a runner asked for and cannot have: an unknown case, surface or run.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ControlError(String);

/// A server on a port of its own, with the cases of one folder. It accepts no more connections
/// once dropped.
pub struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    port: u16,
    cases: BTreeMap<String, Value>,
    runs: Mutex<HashMap<u64, Arc<Run>>>,
    last_run: AtomicU64,
    is_stopping: AtomicBool,
}

/// Serves the cases of a folder.
///
/// # Errors
/// When the folder's files cannot be read or break `schema.json`, or no port can be opened.
pub fn start(vectors: &Path) -> Result<Server, StartError> {
    let cases = load(vectors)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let shared = Arc::new(Shared {
        port: listener.local_addr()?.port(),
        cases,
        runs: Mutex::default(),
        last_run: AtomicU64::new(0),
        is_stopping: AtomicBool::new(false),
    });
    let accepting = Arc::clone(&shared);
    thread::spawn(move || accepting.accept(&listener));
    let watching = Arc::clone(&shared);
    thread::spawn(move || watching.watch());
    Ok(Server { shared })
}

impl Server {
    /// Base URL of the control API.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.shared.port)
    }

    /// The names of the cases that a surface runs.
    ///
    /// # Errors
    /// When no surface has this name.
    pub fn cases(&self, surface: &str) -> Result<Vec<String>, ControlError> {
        self.shared.cases(surface)
    }

    /// Begins a run of a case.
    ///
    /// # Errors
    /// When there is no such case or surface, or the case's files cannot be laid out.
    pub fn start(&self, case: &str, surface: &str) -> Result<Start, ControlError> {
        self.shared.start(case, surface)
    }

    /// Ends a run and judges it.
    ///
    /// # Errors
    /// When no such run is in progress.
    pub fn finish(&self, run: u64, result: &Value) -> Result<Verdict, ControlError> {
        self.shared.finish(run, result)
    }

    /// Runs every case of a surface, one after the other; `perform` makes the result of one.
    /// Gives back how many ran.
    ///
    /// # Errors
    /// When a case does not pass: all such cases with their differences. Also when there is none.
    pub fn run_all(
        &self,
        surface: &str,
        mut perform: impl FnMut(&Start) -> Value,
    ) -> Result<usize, ControlError> {
        let names = self.cases(surface)?;
        if names.is_empty() {
            return Err(ControlError(format!("there is no case for {surface}")));
        }
        let mut report = String::new();
        for name in &names {
            let start = self.start(name, surface)?;
            let verdict = self.finish(start.run, &perform(&start))?;
            if !verdict.passed {
                report += &format!("\n{name}\n  {}", verdict.differences.join("\n  "));
            }
        }
        if report.is_empty() {
            Ok(names.len())
        } else {
            Err(ControlError(report))
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        // Wakes the accepting thread; if that fails, nothing waits for it anyway.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.shared.port));
    }
}

#[derive(Deserialize)]
struct StartRequest {
    case: String,
    surface: String,
}

#[derive(Deserialize)]
struct FinishRequest {
    run: u64,
    result: Value,
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            if self.is_stopping.load(Ordering::Acquire) {
                return;
            }
            let shared = Arc::clone(&self);
            // A client that breaks a connection off is the normal end of many cases.
            thread::spawn(move || shared.serve(stream).ok());
        }
    }

    /// Ends the calls that do not end by themselves.
    fn watch(&self) {
        while !self.is_stopping.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(200));
            self.runs()
                .values()
                .for_each(|run| run.end_if_overdue(LONGEST));
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut connection = Connection::new(stream)?;
        while let Some(request) = connection.next_head()? {
            if !self.respond(&mut connection, request)? {
                break;
            }
        }
        Ok(())
    }

    /// `true` when the connection may serve another request.
    fn respond(&self, connection: &mut Connection, mut request: Request) -> io::Result<bool> {
        let Some(path) = request.path.strip_prefix("/run/") else {
            connection.read_body(&mut request)?;
            let (status, answer) = match self.control(&request) {
                Ok(answer) => (200, answer),
                Err(error) => (400, json!({"error": error.to_string()})),
            };
            connection.answer(status, &answer)?;
            return Ok(true);
        };
        let number = path
            .split(['/', '?'])
            .next()
            .and_then(|run| run.parse().ok());
        let Some(run) = number.and_then(|number| self.runs().get(&number).cloned()) else {
            connection.read_body(&mut request)?;
            let error = format!("no run in progress has the path {}", request.path);
            connection.answer(404, &json!({"error": error}))?;
            return Ok(true);
        };
        serve_run(connection, &run, request)
    }

    fn control(&self, request: &Request) -> Result<Value, ControlError> {
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("GET", path) if path.starts_with("/cases?surface=") => {
                let surface = path.trim_start_matches("/cases?surface=");
                serde_json::to_value(self.cases(surface)?)
            }
            ("POST", "/start") => {
                let asked: StartRequest = parse(request.body.as_deref().unwrap_or_default())?;
                serde_json::to_value(self.start(&asked.case, &asked.surface)?)
            }
            ("POST", "/finish") => {
                let asked: FinishRequest = parse(request.body.as_deref().unwrap_or_default())?;
                serde_json::to_value(self.finish(asked.run, &asked.result)?)
            }
            (method, path) => {
                return Err(ControlError(format!(
                    "there is no {method} {path}: GET /cases?surface=NAME, POST /start and \
                     POST /finish are known"
                )));
            }
        };
        answer.map_err(|error| ControlError(error.to_string()))
    }

    fn cases(&self, surface: &str) -> Result<Vec<String>, ControlError> {
        check_surface(surface)?;
        let runs_here = |case: &Value| Case::parse(case).is_ok_and(|case| case.runs_on(surface));
        Ok(self
            .cases
            .iter()
            .filter(|(_, case)| runs_here(case))
            .map(|(name, _)| name.clone())
            .collect())
    }

    fn start(&self, name: &str, surface: &str) -> Result<Start, ControlError> {
        check_surface(surface)?;
        let case = self
            .cases
            .get(name)
            .ok_or_else(|| ControlError(format!("no case is called {name:?}")))?;
        let number = self.last_run.fetch_add(1, Ordering::Relaxed) + 1;
        let failed = |error| ControlError(format!("case {name} cannot start: {error}"));
        let run = Run::new(number, surface, case, self.port).map_err(failed)?;
        let start = run.start().map_err(failed)?;
        self.runs().insert(number, Arc::new(run));
        Ok(start)
    }

    fn finish(&self, number: u64, result: &Value) -> Result<Verdict, ControlError> {
        let run = self.runs().remove(&number);
        let run = run.ok_or_else(|| ControlError(format!("no run {number} is in progress")))?;
        Ok(run.finish(result))
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<u64, Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `true` when the connection may serve another request.
fn serve_run(connection: &mut Connection, run: &Run, mut request: Request) -> io::Result<bool> {
    run.watch(connection.stream());
    let reply = run.take_reply();
    if !reply.as_ref().is_some_and(|reply| reply.unread) {
        connection.read_body(&mut request)?;
    }
    let reply = reply.unwrap_or_else(|| default_reply(&run.case, &request));
    run.record(request);
    let is_over = || run.is_over();
    match play(connection.stream(), &reply, &is_over)? {
        After::Keep => return Ok(!run.is_over()),
        After::Close if reply.unread => {
            // To close on a request that nobody has read would take the answer back.
            connection.end_writing()?;
            hang(connection.stream(), &is_over)?;
        }
        After::Close => {}
        After::Hang => hang(connection.stream(), &is_over)?,
        After::LateClose => {
            if let Some(mut next) = connection.next_head()? {
                connection.read_body(&mut next)?;
            }
        }
        After::LateReset => connection.await_more()?,
    }
    Ok(false)
}

fn check_surface(surface: &str) -> Result<(), ControlError> {
    if SURFACES.contains(&surface) {
        return Ok(());
    }
    Err(ControlError(format!(
        "no surface is called {surface:?}, only {}",
        SURFACES.join(", ")
    )))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body)
        .map_err(|error| ControlError(format!("the request is malformed: {error}")))
}
