//! A server to test against, in this process with a clock of its own, and a client for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::thread::JoinHandle;

use crate::data::Data;
use crate::described;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use versioner_server::{
    App, Clock, Directory, Limits, Mailer, NewKey, Outgoing, PublicUrl, Reach, Scope, Scopes,
    Secrets, serve,
};

/// A clock that stands still until it is told to move.
pub struct ManualClock(Mutex<Timestamp>, Mutex<SignedDuration>);

impl ManualClock {
    pub fn set(&self, time: &str) {
        *self.0.lock().unwrap() = time.parse().unwrap();
    }

    pub fn advance(&self, minutes: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_mins(minutes);
        *self.1.lock().unwrap() += SignedDuration::from_mins(minutes);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn running(&self) -> std::time::Duration {
        self.1.lock().unwrap().unsigned_abs()
    }
}

/// What stored secrets are encrypted with, on every server.
static KEY: LazyLock<Arc<Secrets>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    Arc::new(Secrets::at(&folder.path().join("secrets.key")).unwrap())
});

/// A running server; it stops when it is dropped.
pub struct Server {
    pub clock: Arc<ManualClock>,
    pub client: Client,
    pub data: Arc<Data>,
    app: Weak<App>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Server {
        Server::on(Arc::new(Data::new()), None, Limits::default())
    }

    pub fn with_rate_limit(limit: u32) -> Server {
        Server::on(Arc::new(Data::new()), Some(limit), Limits::default())
    }

    pub fn with_connections(connections: usize) -> Server {
        let limits = Limits {
            connections,
            ..Limits::default()
        };
        Server::on(Arc::new(Data::new()), None, limits)
    }

    /// A server on a data directory, for what only that has.
    pub fn in_folder() -> Server {
        Server::on_data(Data::in_folder())
    }

    /// A server on data that is there already.
    pub fn on_data(data: Data) -> Server {
        Server::on(Arc::new(data), None, Limits::default())
    }

    /// A server whose pages may be reached so.
    pub fn with_reach(reach: Reach) -> Server {
        Server::built(Arc::new(Data::new()), None, |app| app.with_reach(reach))
    }

    /// A server that people know by an address, and that may call this machine.
    pub fn that_calls() -> Server {
        Server::that_calls_on(Arc::new(Data::new()))
    }

    /// The same on data that another server may work on.
    pub fn that_calls_on(data: Arc<Data>) -> Server {
        let reach = Reach {
            public_url: Some(PublicUrl::parse("https://versioner.example.com").unwrap()),
            ..Reach::default()
        };
        let allowed = vec!["127.0.0.1".parse().unwrap()];
        let outgoing = Outgoing::default().allowing(allowed);
        Server::built(data, None, |app| {
            app.with_reach(reach).with_outgoing(outgoing)
        })
    }

    /// A server for which Slack is there, and that people know by an address.
    pub fn with_slack(api: &str) -> Server {
        Server::with_slack_on(Arc::new(Data::new()), api)
    }

    /// The same on data that another server may work on.
    pub fn with_slack_on(data: Arc<Data>, api: &str) -> Server {
        let api = api.parse().unwrap();
        let reach = Reach {
            public_url: Some(PublicUrl::parse("https://versioner.example.com").unwrap()),
            ..Reach::default()
        };
        Server::built(data, None, |app| app.with_reach(reach).with_slack_at(api))
    }

    /// A server in whose queues only so much may wait.
    pub fn with_queue_bounds(rows: i64, bytes: i64) -> Server {
        let data = Arc::new(Data::new());
        Server::built(data, None, move |app| app.with_queue_bounds(rows, bytes))
    }

    /// A server that people know by an address, and that sends e-mail by this mail server.
    pub fn that_mails(url: &str) -> Server {
        let reach = Reach {
            public_url: Some(PublicUrl::parse("https://versioner.example.com").unwrap()),
            ..Reach::default()
        };
        let mailer = Mailer::new(url, None, "Versioner <versioner@example.com>").unwrap();
        Server::built(Arc::new(Data::new()), None, |app| {
            app.with_reach(reach).with_mailer(mailer)
        })
    }

    fn on(data: Arc<Data>, limit: Option<u32>, limits: Limits) -> Server {
        Server::built(data, limit, move |app| app.with_limits(limits))
    }

    fn built(
        data: Arc<Data>,
        limit: Option<u32>,
        build: impl FnOnce(App) -> App + Send + 'static,
    ) -> Server {
        Server::built_at(data, limit, "2025-11-19T12:00:00Z", build)
    }

    fn built_at(
        data: Arc<Data>,
        limit: Option<u32>,
        time: &str,
        build: impl FnOnce(App) -> App + Send + 'static,
    ) -> Server {
        let clock = Arc::new(ManualClock(
            Mutex::new(time.parse().unwrap()),
            Mutex::default(),
        ));
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, started) = std::sync::mpsc::channel();
        let (root, time) = (data.clone(), clock.clone());
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let directory = Directory::open_to_serve(root.path()).unwrap();
                let new = NewKey::new(Scopes::all());
                let key = directory.add_key("local", &new, "test", 0).unwrap();
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                let limit = limit.map(|limit| limit.try_into().unwrap());
                let app = App::new(directory, time, limit).with_secrets(KEY.clone());
                let app = Arc::new(build(app));
                ready
                    .send((url, key.reveal().to_owned(), app.clone()))
                    .unwrap();
                serve(app, listener, async {
                    let _ = stopped.await;
                })
                .await;
            });
        });
        let (url, key, app) = started.recv().expect("the server starts");
        Server {
            clock,
            client: Client::new(&url, &key),
            data,
            app: Arc::downgrade(&app),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What the clock says, in seconds since 1970.
    pub fn seconds(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// How many requests wait for another verdict.
    pub fn waiting(&self) -> usize {
        self.app.upgrade().map_or(0, |app| app.waiting_count())
    }

    /// Stops the server and starts another on the same data, with the same clock reading.
    pub fn restart(self) -> Server {
        self.restart_after(|_| {})
    }

    /// Stops the server and starts another on the same data at this time, which keeps what has ended in its
    /// queues for so many days.
    pub fn restart_keeping(mut self, time: &str, done: i64, dead: i64) -> Server {
        let (key, data) = (self.client.key.clone(), self.data.clone());
        self.end();
        let mut next =
            Server::built_at(data, None, time, move |app| app.with_queue_kept(done, dead));
        next.client.key = key;
        next
    }

    /// The same, and does something to the data directory in between.
    pub fn restart_after(mut self, change: impl FnOnce(&Path)) -> Server {
        let key = self.client.key.clone();
        let now = self.clock.now();
        let data = self.data.clone();
        self.end();
        change(data.path());
        let mut next = Server::on(data, None, Limits::default());
        next.client.key = key;
        *next.clock.0.lock().unwrap() = now;
        next
    }

    /// Makes a key while the server runs, as the command line does.
    pub fn add_key(&self, account: &str, read_only: bool) -> Client {
        let key = add_key(self.data.path(), account, read_only);
        Client::new(&self.client.url, &key)
    }

    /// Makes a key with these scopes and limits.
    pub fn add_limited_key(&self, new: &NewKey) -> Client {
        let key = Directory::open(self.data.path())
            .unwrap()
            .add_key("local", new, "test", 0)
            .unwrap();
        Client::new(&self.client.url, key.reveal())
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// Waits until something is so that must become so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 20, "{what}: not yet");
        std::thread::yield_now();
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub fn add_key(data: &Path, account: &str, read_only: bool) -> String {
    let directory = Directory::open(data).unwrap();
    let scopes = if read_only {
        Scopes::of(&[Scope::Read])
    } else {
        Scopes::all()
    };
    let new = NewKey::new(scopes);
    let key = directory.add_key(account, &new, "test", 0).unwrap();
    key.reveal().to_owned()
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text))
    }

    /// The answer's JSON, when its status is the expected one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The `detail` of a refusal.
    #[track_caller]
    pub fn detail(&self, status: u16) -> Value {
        self.expect(status)["detail"].clone()
    }
}

/// An HTTP client with a key.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    pub key: String,
    pub agent: ureq::Agent,
}

impl Client {
    pub fn new(url: &str, key: &str) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build();
        Client {
            url: url.to_owned(),
            key: key.to_owned(),
            agent: config.into(),
        }
    }

    /// Sends anything; `Err` where no answer came.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if !self.key.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.agent.run(request.body(body)?)?;
        let (parts, mut body) = response.into_parts();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &parts.headers {
            let value = value.to_str().unwrap_or_default();
            let known = headers.entry(name.as_str().to_owned()).or_default();
            // There can be several cookies, one a line here.
            if !known.is_empty() {
                known.push('\n');
            }
            known.push_str(value);
        }
        Ok(Reply {
            status: parts.status.as_u16(),
            headers,
            text: body.read_to_string()?,
        })
    }

    /// Sends something that is described, and checks that the answer is as described.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let send = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
            self.try_send(method, path, headers, body)
                .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
        };
        let reply = send(method, path, headers, body);
        described::check(method, path, &reply, || {
            send("GET", "/openapi.json", &[], b"").json()
        });
        reply
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.request("POST", path, body)
    }

    pub fn request(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    pub fn post_once(&self, path: &str, key: &str, body: &Value) -> Reply {
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
        ];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    /// A deployment event with headers of its own.
    pub fn post_with(&self, headers: &[(&str, &str)], body: &Value) -> Reply {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        self.send(
            "POST",
            "/deployment-events/",
            &all,
            body.to_string().as_bytes(),
        )
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    /// A deployment event of the product `api`.
    pub fn deploy(&self, version: &str, environment: &str, status: &str) -> Reply {
        self.post(
            "/deployment-events/",
            &deployment(version, environment, status),
        )
    }
}

/// A deployment event of the product `api`.
pub fn deployment(version: &str, environment: &str, status: &str) -> Value {
    json!({
        "product_name": "api",
        "version": version,
        "environment_name": environment,
        "status": status,
    })
}

/// A build event of the product `api`.
pub fn build(version: &str, status: &str) -> Value {
    json!({ "product_name": "api", "version": version, "status": status })
}
