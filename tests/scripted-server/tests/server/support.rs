//! A server with cases of the test's own, and a client that can do everything wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;

use scripted_server::{Server, Start};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const KEY: &str = "sk_test_k1_secretsecret";

/// A folder with the schema and one file of cases.
pub fn folder(cases: &Value) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/schema.json");
    std::fs::copy(schema, folder.path().join("schema.json")).expect("schema.json is copied");
    let file = json!({"cases": cases}).to_string();
    std::fs::write(folder.path().join("own.json"), file).expect("the cases are written");
    folder
}

/// A server with one case, `own/case`: a build of `api` 1, altered by the given members.
pub fn server(members: &Value) -> Server {
    let mut case = json!({
        "name": "case",
        "event": "build",
        "fields": {"product": "api", "version": "1"},
        "expect": {"code": 0},
    });
    for (name, value) in members.as_object().into_iter().flatten() {
        case[name] = value.clone();
    }
    let folder = folder(&json!([case]));
    scripted_server::start(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

pub fn start(server: &Server, surface: &str) -> Start {
    server
        .start("own/case", surface)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What differs once the run ends with this result.
pub fn differences(server: &Server, start: &Start, result: &Value) -> Vec<String> {
    server
        .finish(start.run, result)
        .unwrap_or_else(|error| panic!("{error}"))
        .differences
}

/// A request as the surface `rust` should send it.
#[derive(Clone)]
pub struct Post {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Post {
    pub fn right(start: &Start) -> Post {
        let headers = [
            ("Authorization", format!("Bearer {KEY}")),
            ("Content-Type", "application/json".to_owned()),
            (
                "User-Agent",
                format!("versioner/{} (rust)", env!("CARGO_PKG_VERSION")),
            ),
            (
                "Idempotency-Key",
                "0b1c9a52-5d1e-4a8e-9f0a-6f2d7f3c1e55".to_owned(),
            ),
        ];
        Post {
            method: "POST",
            path: format!("/run/{}/build-events/", start.run),
            headers: headers.into(),
            body: r#"{"product_name":"api","version":"1","status":"completed"}"#.to_owned(),
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Post {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn body(mut self, body: &str) -> Post {
        self.body = body.to_owned();
        self
    }

    pub fn text(&self) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text + &format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }

    /// Sends it on a connection of its own and reads to the end of that.
    pub fn send(&self, server: &Server) -> String {
        exchange(&server.url(), &self.text())
    }
}

pub fn connect(url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").expect("an http URL");
    TcpStream::connect(address).expect("the server listens")
}

/// Everything that comes back for one text.
pub fn exchange(url: &str, text: &str) -> String {
    let mut stream = connect(url);
    stream.write_all(text.as_bytes()).expect("the text is sent");
    stream.shutdown(Shutdown::Write).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer comes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The result of a build that went well, as a library tells it.
pub fn good_result() -> Value {
    json!({
        "code": 0, "kind": "ok", "message": "", "http_status": 200, "attempts": 1,
        "recorded": true, "event_id": "evt-1", "product_id": "prod-1", "version_id": "ver-1",
        "environment_id": "", "status": "completed", "deployed_at": "", "source_system": "",
        "rule": "", "policy_code": "", "retry_after": "", "details": null,
        "text": "✓ Build event tracked successfully\n  Event ID: evt-1", "warnings": [],
        "features": [],
    })
}
