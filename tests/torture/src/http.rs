//! Just enough of HTTP to ask and to be asked: a request for each connection, and an answer counts only if
//! all of it has come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take: longer than any that is not cut.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request or an answer.
pub struct Message {
    /// The first line.
    first: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The path of a request.
    pub fn path(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    /// The status of an answer.
    pub fn status(&self) -> u16 {
        let status = self.first.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub fn json(&self) -> io::Result<Value> {
        serde_json::from_slice(&self.body).map_err(io::Error::other)
    }

    fn read(stream: &TcpStream) -> io::Result<Message> {
        let mut reader = BufReader::new(stream);
        let mut line = || -> io::Result<String> {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.strip_suffix("\r\n") {
                Some(line) => Ok(line.to_owned()),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        };
        let first = line()?;
        let mut headers = Vec::new();
        loop {
            let line = line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message = Message {
            first,
            headers,
            body: Vec::new(),
        };
        let length = message.header("content-length").parse().unwrap_or(0);
        message.body = vec![0; length];
        reader.read_exact(&mut message.body)?;
        Ok(message)
    }
}

/// Asks, and answers what all of came.
pub fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Message> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let request = [request.as_bytes(), b"\r\n", body].concat();
    stream.write_all(&request)?;
    Message::read(&stream)
}

/// Answers everybody who asks at an address, for as long as the process lives. What is answered with
/// nothing is cut off.
pub fn serve(
    answer: impl Fn(&Message) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // That whoever asks is killed meanwhile is what this program is for.
            thread::spawn(move || respond(&client, answer.as_ref()).ok());
        }
    });
    Ok(address)
}

fn respond(
    mut client: &TcpStream,
    answer: &dyn Fn(&Message) -> Option<(u16, Value)>,
) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let request = Message::read(client)?;
    let Some((status, body)) = answer(&request) else {
        return Ok(());
    };
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes())
}

/// The API of a server, to whoever has the key.
#[derive(Clone)]
pub struct Api {
    pub address: SocketAddr,
    pub key: String,
}

impl Api {
    /// What is answered, whatever it is.
    pub fn ask(&self, method: &str, path: &str, body: &Value, once: &str) -> io::Result<Message> {
        let authorization = format!("Bearer {}", self.key);
        let mut headers = vec![
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        if !once.is_empty() {
            headers.push(("Idempotency-Key", once));
        }
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        ask(self.address, method, path, &headers, body.as_bytes())
    }

    /// What is answered if it is done.
    pub fn done(&self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        let answer = self.ask(method, path, body, "")?;
        match answer.status() {
            200..300 => answer.json(),
            status => Err(io::Error::other(format!(
                "{method} {path}: {status} {}",
                String::from_utf8_lossy(&answer.body)
            ))),
        }
    }

    /// Everything in a list; `path` has parameters already.
    pub fn list(&self, path: &str) -> io::Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.done("GET", &format!("{path}{cursor}"), &Value::Null)?;
            let items = page["items"].as_array();
            let items = items.ok_or_else(|| io::Error::other(format!("no list: {page}")))?;
            found.extend(items.iter().cloned());
            cursor = match &page["next_cursor"] {
                Value::Null => return Ok(found),
                Value::String(next) => format!("&cursor={next}"),
                next => format!("&cursor={next}"),
            };
        }
    }
}

/// A member of an object, as text.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
