//! A real versioner-server, and a way to it that can hold answers back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Ended, ended, versioner};

/// A server with an empty database, reached through a relay.
pub struct Service {
    process: Child,
    folder: TempDir,
    address: String,
    pub key: String,
    pub url: String,
    holds: Arc<AtomicBool>,
    held: Receiver<()>,
}

impl Service {
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut process = Command::new(program())
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("versioner-server; `cargo build --workspace` makes it");
        let mut key = String::new();
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = loop {
            let line = lines.next().expect("a line").expect("text");
            if line.starts_with("API key") {
                key = line.rsplit(' ').next().expect("a word").to_owned();
            }
            if let Some(url) = line.strip_prefix("Listening on ") {
                break url.trim_start_matches("http://").to_owned();
            }
        };
        let holds = Arc::new(AtomicBool::new(false));
        let (sender, held) = channel();
        let url = relay(address.clone(), holds.clone(), sender);
        Service {
            process,
            folder,
            address,
            key,
            url,
            holds,
            held,
        }
    }

    /// From now on the server hears everything, and nobody hears it.
    pub fn hold(&self) {
        self.holds.store(true, Ordering::Release);
    }

    pub fn release(&self) {
        self.holds.store(false, Ordering::Release);
    }

    /// Waits until an answer is held back.
    pub fn wait_for_held(&self) {
        self.held.recv().expect("a relay");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = versioner(arguments);
        command
            .env("VERSIONER_API_URL", &self.url)
            .env("VERSIONER_API_KEY", &self.key)
            .env("VERSIONER_RETRY_PAUSE", "0.01")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().expect("a process"))
    }

    /// Version and status of every deployment, the newest first.
    pub fn deployments(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let all = self.all();
        all.iter()
            .map(|one| (text(&one["version"]), text(&one["status"])))
            .collect()
    }

    /// Another key of these scopes.
    pub fn add_key(&self, name: &str, scopes: &str) -> String {
        let added = Command::new(program())
            .args(["keys", "add", "--account", "local"])
            .args(["--name", name, "--scopes", scopes, "--data"])
            .arg(self.folder.path().join("data"))
            .env_clear()
            .output();
        let added = ended(added.expect("a process"));
        let key = added.stdout.split_whitespace().last();
        key.unwrap_or_else(|| panic!("no key: {}", added.stderr))
            .to_owned()
    }

    /// Makes something, with the first key.
    pub fn post(&self, path: &str, body: &Value) {
        self.post_as(&self.key, path, body);
    }

    /// Makes something, with another key.
    pub fn post_as(&self, key: &str, path: &str, body: &Value) {
        let body = body.to_string();
        let answer = self.request(key, &format!("POST {path}"), &body);
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    /// The identifier of a version of the product `api`.
    pub fn version_id(&self, version: &str) -> String {
        let all = self.list("/versions/?product=api");
        let found = all.iter().find(|one| one["version"] == version);
        let id = found.expect("a version")["id"].as_str();
        id.expect("a text").to_owned()
    }

    /// Every deployment as the server shows it.
    pub fn all(&self) -> Vec<Value> {
        self.list("/deployments/")
    }

    /// The deployments of a version.
    pub fn of_version(&self, version: &str) -> Vec<Value> {
        self.list(&format!("/deployments/?version={version}"))
    }

    fn request(&self, key: &str, line: &str, body: &str) -> String {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let answer = ask(&self.address, request.as_bytes());
        String::from_utf8(answer).expect("UTF-8")
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.request(&self.key, &format!("GET {path}"), "");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        let body: Value = serde_json::from_str(body).expect("JSON");
        let list = body.as_object().and_then(|body| {
            let mut members = body.values();
            members.find_map(Value::as_array)
        });
        list.expect("a list").clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> PathBuf {
    let built =
        || PathBuf::from(env!("CARGO_BIN_EXE_versioner")).with_file_name("versioner-server");
    std::env::var_os("VERSIONER_SERVER").map_or_else(built, PathBuf::from)
}

fn relay(address: String, holds: Arc<AtomicBool>, held: Sender<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (address, holds, held) = (address.clone(), holds.clone(), held.clone());
            thread::spawn(move || carry(client, &address, &holds, &held));
        }
    });
    url
}

fn carry(mut client: TcpStream, address: &str, holds: &AtomicBool, held: &Sender<()>) {
    while let Some(request) = message(&mut client) {
        let answer = ask(address, &request);
        if holds.load(Ordering::Acquire) {
            // The test may be over already.
            let _ = held.send(());
            // Until the client gives up.
            let _ = client.read(&mut [0]);
            return;
        }
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

fn ask(address: &str, request: &[u8]) -> Vec<u8> {
    let mut server = TcpStream::connect(address).expect("a server");
    server.write_all(request).expect("a server that reads");
    message(&mut server).unwrap_or_default()
}

/// One request or answer; `None` at the end.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}
