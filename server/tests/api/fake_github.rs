//! A GitHub to test against: it checks who an app says it is, and hears what is said to jobs that wait.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::receiver::{Got, SILENCE, hear};
use crate::sources::Sender as Source;
use crate::support::Server;
use versioner_server::Clock;

/// The private key of the app, made for these tests alone.
pub const KEY: &str = include_str!("../data/app.pem");
pub const APP: &str = "12345";
/// A token of a person, who may read webhooks.
pub const TOKEN: &str = "ghp_ofaperson";
const INSTALLATION: &str = "77";
const LONG: Duration = Duration::from_secs(60);

/// What GitHub knows of the app's key.
static PUBLIC: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let der = PrivatePkcs1KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = KeyPair::from_der(der.secret_pkcs1_der()).unwrap();
    pair.public().as_ref().to_vec()
});

struct State {
    /// GitHub's clock, as far as it is not 2025-11-19T12:00:00Z, in seconds.
    ahead: i64,
    clock: Option<Arc<dyn Clock>>,
    /// What it says of the run, if it says it; and from the next thing on that is said to a job.
    run: (u16, Value),
    then: Option<(u16, Value)>,
    /// What it answers next where a token is asked for; then as it should.
    tokens: VecDeque<String>,
    /// What it answers next to what is said to a job; then 204.
    says: VecDeque<String>,
    /// What it answers at other paths, to a person or to the app.
    more: Vec<(String, String)>,
    given: usize,
}

/// A GitHub.
pub struct GitHub {
    pub url: String,
    state: Arc<Mutex<State>>,
    heard: Mutex<Channel<Value>>,
}

/// What stands in the place of GitHub: a proxy that wants somebody to log in.
pub const LOGIN_PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 27\r\n\r\n\
    <html>Please log in.</html>";

/// An answer of GitHub's.
pub fn answer(status: u16, headers: &str, body: &Value) -> String {
    let body = if status == 204 {
        String::new()
    } else {
        body.to_string()
    };
    format!(
        "HTTP/1.1 {status} Said\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl GitHub {
    pub fn start() -> GitHub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            ahead: 0,
            clock: None,
            run: (200, run(1, "waiting")),
            then: None,
            tokens: VecDeque::new(),
            says: VecDeque::new(),
            more: Vec::new(),
            given: 0,
        }));
        let (tell, heard) = channel();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tell, shared) = (tell.clone(), shared.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &tell, &shared));
            }
        });
        GitHub {
            url,
            state,
            heard: Mutex::new(heard),
        }
    }

    /// An app of it, as a source. Its clock is the server's from now on.
    pub fn app<'s>(&self, server: &'s Server, settings: Value) -> Source<'s> {
        self.state.lock().unwrap().clock = Some(server.clock.clone());
        let mut settings = settings;
        settings["app_id"] = json!(12345);
        settings["api_url"] = json!(self.url);
        let body = json!({
            "name": "App", "kind": "github-app", "private_key": KEY, "settings": settings,
        });
        Source::made(server, &body)
    }

    /// The next thing that is said to a job.
    #[track_caller]
    pub fn hears(&self) -> Value {
        let heard = self.heard.lock().unwrap().recv_timeout(LONG);
        heard.expect("something is said to a job")
    }

    /// What was said by now, and not heard yet.
    pub fn all(&self) -> Vec<Value> {
        self.heard.lock().unwrap().try_iter().collect()
    }

    /// What it answers to the next things that are said to jobs.
    pub fn says(&self, answers: &[String]) {
        self.state
            .lock()
            .unwrap()
            .says
            .extend(answers.iter().cloned());
    }

    /// What it answers where tokens are asked for next.
    pub fn refuses_tokens(&self, answers: &[String]) {
        self.state
            .lock()
            .unwrap()
            .tokens
            .extend(answers.iter().cloned());
    }

    /// Whether it has answered so to all of these.
    pub fn has_refused(&self) -> bool {
        self.state.lock().unwrap().tokens.is_empty()
    }

    /// What it says of the run.
    pub fn runs(&self, status: u16, run: Value) {
        self.state.lock().unwrap().run = (status, run);
    }

    /// What it says of the run once something is said to a job of it.
    pub fn then_runs(&self, status: u16, run: Value) {
        self.state.lock().unwrap().then = Some((status, run));
    }

    /// Its clock is ahead of the server's.
    pub fn is_ahead(&self, seconds: i64) {
        self.state.lock().unwrap().ahead = seconds;
    }

    /// How many tokens it has given out.
    pub fn given(&self) -> usize {
        self.state.lock().unwrap().given
    }

    /// What it answers at another path, to a person or to the app.
    pub fn has(&self, path: &str, answer: String) {
        let mut state = self.state.lock().unwrap();
        state.more.retain(|(other, _)| other != path);
        state.more.push((path.to_owned(), answer));
    }

    /// A job that asks, as GitHub sends it.
    pub fn asks(&self, deployment: i64, environment: &str) -> Value {
        json!({
            "action": "requested",
            "environment": environment,
            "event": "push",
            "deployment_callback_url":
                format!("{}/repos/acme/shop/actions/runs/42/deployment_protection_rule", self.url),
            "deployment": {
                "id": deployment, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
                "ref": "v1.4.2", "task": "deploy", "payload": {}, "environment": environment,
                "original_environment": environment, "description": null,
                "creator": { "login": "github-actions[bot]" },
                "created_at": "2025-11-19T11:59:00Z", "updated_at": "2025-11-19T11:59:00Z",
                "transient_environment": false, "production_environment": false,
            },
            "pull_requests": [],
            "repository": {
                "id": 9, "name": "shop", "full_name": "acme/shop",
                "html_url": "https://github.com/acme/shop",
            },
            "installation": { "id": 77 },
            "sender": { "login": "grace", "type": "User" },
        })
    }
}

/// A run, as GitHub shows it.
pub fn run(attempt: i64, status: &str) -> Value {
    json!({
        "id": 42, "name": "deploy", "run_number": 3, "run_attempt": attempt, "status": status,
        "conclusion": if status == "completed" { json!("cancelled") } else { Value::Null },
        "head_branch": "main", "actor": { "login": "grace" },
        "triggering_actor": { "login": "ada" },
    })
}

fn serve(stream: TcpStream, tell: &Sender<Value>, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let Some(got) = hear(&mut reader) else {
        return;
    };
    let text = answered(&got, tell, state);
    if text == SILENCE {
        loop {
            std::thread::park();
        }
    }
    let _ = reader.get_mut().write_all(text.as_bytes());
}

fn answered(got: &Got, tell: &Sender<Value>, state: &Mutex<State>) -> String {
    let mut state = state.lock().unwrap();
    let refused = |status, message| answer(status, "", &json!({ "message": message }));
    let Some(token) = got.headers["authorization"].strip_prefix("Bearer ") else {
        return refused(401, "Requires authentication");
    };
    let clock = state.clock.as_ref();
    let now = clock.map_or_else(jiff::Timestamp::now, |clock| clock.now());
    let now = now.as_second() + state.ahead;
    let date = jiff::fmt::rfc2822::to_string(
        &jiff::Timestamp::from_second(now)
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC),
    );
    let date = format!("Date: {}\r\n", date.unwrap().replace("+0000", "GMT"));
    if got.path == format!("/app/installations/{INSTALLATION}/access_tokens") {
        if let Some(next) = state.tokens.pop_front() {
            return next;
        }
        if let Err(why) = is_app(token, now) {
            return answer(401, &date, &json!({ "message": why }));
        }
        state.given += 1;
        let token = format!("ghs_{}", state.given);
        return answer(
            201,
            &date,
            &json!({ "token": token, "expires_at": "2099-01-01T00:00:00Z" }),
        );
    }
    if token == TOKEN || is_app(token, now).is_ok() {
        let found = state.more.iter().find(|(path, _)| *path == got.path);
        return found.map_or_else(|| refused(404, "Not Found"), |(_, said)| said.clone());
    }
    let is_known = token
        .strip_prefix("ghs_")
        .and_then(|text| text.parse().ok());
    if is_known.is_none_or(|number: usize| number > state.given) {
        return refused(401, "Bad credentials");
    }
    match (got.method.as_str(), got.path.as_str()) {
        ("GET", "/repos/acme/shop/actions/runs/42") => answer(state.run.0, "", &state.run.1),
        ("POST", "/repos/acme/shop/actions/runs/42/deployment_protection_rule") => {
            let next = state.says.pop_front();
            if let Some(then) = state.then.take() {
                state.run = then;
            }
            let _ = tell.send(serde_json::from_str(&got.text).unwrap());
            next.unwrap_or_else(|| answer(204, "", &Value::Null))
        }
        _ => refused(404, "Not Found"),
    }
}

/// Whether a token is that of the app, now by GitHub's clock.
fn is_app(token: &str, now: i64) -> Result<(), &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        return Err("A JSON web token could not be decoded");
    };
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| -> Value { serde_json::from_slice(&bytes(part)).unwrap() };
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC.as_slice());
    let signed = format!("{head}.{claims}");
    if json(head)["alg"] != "RS256" || key.verify(signed.as_bytes(), &bytes(signature)).is_err() {
        return Err("A JSON web token could not be decoded");
    }
    let claims = json(claims);
    let (made, ends) = (
        claims["iat"].as_i64().unwrap(),
        claims["exp"].as_i64().unwrap(),
    );
    match () {
        () if claims["iss"] != APP => Err("Integration not found"),
        () if made > now => Err("'Issued at' claim ('iat') must be an Integer in the past"),
        () if ends <= now => Err("'Expiration time' claim ('exp') must be in the future"),
        () if ends - now > 600 => Err("'Expiration time' claim ('exp') is too far in the future"),
        () => Ok(()),
    }
}
