//! A small HTTP server on a free port, plain or with TLS, that records what it is sent.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod authority;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

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

    /// Answers every event with success behind an HTTPS proxy, which is this server too.
    pub fn behind_https_proxy(proxy: ServerConfig, service: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, requests) = channel();
        let (proxy, service) = (Arc::new(proxy), Arc::new(service));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let outer = ServerConnection::new(proxy.clone()).expect("a server");
                let mut outer = StreamOwned::new(outer, stream);
                let Some(connect) = read_request(&mut BufReader::new(&mut outer)) else {
                    continue;
                };
                // The test may be over already.
                let _ = sender.send(connect);
                if outer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_ok() {
                    let inner = ServerConnection::new(service.clone()).expect("a server");
                    serve(StreamOwned::new(inner, outer), &sender);
                }
            }
        });
        Server {
            port,
            requests,
            connections: Arc::default(),
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

/// A server that does to each connection what a test says; the connection closes afterwards.
pub struct RawServer {
    pub url: String,
}

impl RawServer {
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serve = serve.clone();
                thread::spawn(move || serve(stream));
            }
        });
        RawServer { url }
    }

    /// Reads requests and answers each with these bytes.
    pub fn answering(answer: &'static str) -> Self {
        RawServer::start(move |mut stream| {
            while take_request(&stream).is_some() && stream.write_all(answer.as_bytes()).is_ok() {}
        })
    }

    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

/// Reads one request to its end; `None` if the client has gone.
pub fn take_request(stream: &TcpStream) -> Option<Request> {
    read_request(&mut BufReader::new(stream))
}

/// Writes piece after piece, slowly, until the client has gone or after 20 s, which is longer
/// than any limit of a test.
pub fn drip(stream: &mut TcpStream, piece: &[u8]) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) && stream.write_all(piece).is_ok() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the client has gone.
pub fn wait_for_the_end(mut stream: &TcpStream) {
    while stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {}
}
