//! A small HTTP server on a free port, plain or with TLS, that records what it is sent.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod authority;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use versioner::{BuildEvent, Client, Environment, Options, Outcome};

pub const KEY: &str = "sk_test_k1_secretsecret";

/// One request as it arrived.
#[derive(Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Request {
    /// The value of a header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|header| {
            let (header, value) = header.split_once(':')?;
            header.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub struct Server {
    pub port: u16,
    requests: Receiver<Request>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers every event with success.
    pub fn start(tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, requests) = channel();
        let tls = tls.map(Arc::new);
        let connections = Arc::new(AtomicUsize::new(0));
        let opened = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                opened.fetch_add(1, Ordering::Relaxed);
                let (sender, tls) = (sender.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &sender),
                    Some(config) => {
                        if let Ok(connection) = ServerConnection::new(config) {
                            serve(StreamOwned::new(connection, stream), &sender);
                        }
                    }
                });
            }
        });
        Server {
            port,
            requests,
            connections,
        }
    }

    pub fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.port)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What arrived since the last call.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

fn serve<S: Read + Write>(stream: S, requests: &Sender<Request>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream) {
        // The test may be over already.
        let _ = requests.send(request);
        let body = r#"{"id":"evt-1","status":"completed"}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = stream.get_mut();
        if stream
            .write_all(answer.as_bytes())
            .and_then(|()| stream.flush())
            .is_err()
        {
            return;
        }
    }
}

fn read_request(stream: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.remove(0);
    let mut request = Request {
        line,
        headers: lines,
        body: String::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

/// Options for a server at `url`, in an environment of nothing but `variables`.
pub fn options(url: &str, variables: &[(&str, &str)]) -> Options {
    Options {
        api_key: KEY.into(),
        api_url: url.into(),
        max_retries: Some(0),
        environment: Some(variables.iter().copied().collect::<Environment>()),
        ..Options::default()
    }
}

/// How one build event ends with these options, a client that cannot be made included.
pub fn track(options: Options) -> Outcome {
    let event = BuildEvent {
        product: "api".into(),
        version: "1".into(),
        ..BuildEvent::default()
    };
    let client = match Client::new(options) {
        Ok(client) => client,
        Err(error) => return error.into_outcome(),
    };
    client
        .track_build(&event)
        .unwrap_or_else(|error| error.into_outcome())
}

/// A port that nobody listens on.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
