//! Just enough HTTP/1.1 to hear a client out and to answer it well or badly.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::case::Reply;

/// Far above any request of a case, so that a client that never stops is noticed.
const MAX_REQUEST: usize = 64 << 20;
/// Where an endless answer ends after all, lest a client that reads everything fill the disk.
const MAX_ENDLESS: usize = 64 << 20;
/// What every web server says to a client that speaks something else, such as TLS.
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
/// How much more a truncated answer promises than it sends.
const TRUNCATED_BY: usize = 1000;

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host and port that the client asked a proxy for, which this server then was.
    pub via: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header by its name in any letter case; several are joined by a comma.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// A connection and what has been read from it beyond the last request.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where a tunnel through this connection is meant to lead.
    tunnel: Option<String>,
}

impl Connection {
    pub fn new(stream: TcpStream) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::new(),
            tunnel: None,
        })
    }

    /// The next request, or `None` once the peer has closed or does not speak HTTP. A request for
    /// a tunnel is granted on the way: it leads back here.
    pub fn next_request(&mut self) -> io::Result<Option<Request>> {
        let mut request = loop {
            let Some((head_length, request)) = self.head()? else {
                return Ok(None);
            };
            self.buffer.drain(..head_length);
            if request.method != "CONNECT" {
                break request;
            }
            self.tunnel = Some(request.path);
            self.stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        };
        if let Some(url) = request.path.strip_prefix("http://") {
            let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
            let port = if host.contains(':') { "" } else { ":80" };
            request.via = Some(format!("{host}{port}"));
            request.path = path.to_owned();
        } else {
            request.via.clone_from(&self.tunnel);
        }
        if request
            .header("Expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let chunked = request
            .header("Transfer-Encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        request.body = if chunked {
            self.chunks()?
        } else {
            let length = request
                .header("Content-Length")
                .and_then(|value| value.parse().ok())
                .unwrap_or(0);
            self.take(length)?
        };
        Ok(Some(request))
    }

    fn head(&mut self) -> io::Result<Option<(usize, Request)>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut parser = httparse::Request::new(&mut headers);
            match parser.parse(&self.buffer) {
                Ok(httparse::Status::Complete(length)) => {
                    let request = Request {
                        method: parser.method.unwrap_or_default().to_owned(),
                        path: parser.path.unwrap_or_default().to_owned(),
                        via: None,
                        headers: parser
                            .headers
                            .iter()
                            .map(|header| {
                                let value = String::from_utf8_lossy(header.value);
                                (header.name.to_owned(), value.into_owned())
                            })
                            .collect(),
                        body: Vec::new(),
                    };
                    return Ok(Some((length, request)));
                }
                Ok(httparse::Status::Partial) if self.fill()? => {}
                Ok(httparse::Status::Partial) => return Ok(None),
                Err(_) => {
                    self.stream.write_all(BAD_REQUEST)?;
                    return Ok(None);
                }
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > MAX_REQUEST {
            return Err(io::Error::other("the request is too large"));
        }
        while self.buffer.len() < length {
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((head, size))) => {
                    self.buffer.drain(..head);
                    let size = usize::try_from(size).map_err(io::Error::other)?;
                    let mut chunk = self.take(size.saturating_add(2))?;
                    chunk.truncate(size);
                    body.append(&mut chunk);
                    if size == 0 {
                        return Ok(body);
                    }
                }
                Ok(httparse::Status::Partial) if self.fill()? => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }

    /// Writes a plain JSON answer and keeps the connection.
    pub fn answer(&mut self, status: u16, json: &serde_json::Value) -> io::Result<()> {
        let body = json.to_string();
        let head = format!(
            "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body.as_bytes())
    }

    /// Plays a scripted answer. `true` when the connection may serve another request.
    pub fn play(&mut self, reply: &Reply) -> io::Result<bool> {
        if reply.close {
            self.stream.shutdown(Shutdown::Both)?;
            return Ok(false);
        }
        if let Some(garbage) = &reply.garbage {
            self.stream.write_all(&decode(garbage)?)?;
            return Ok(false);
        }
        let body = reply_body(reply)?;
        let status = reply.status.unwrap_or(200);
        let mut headers = BTreeMap::from([(
            "Content-Type".to_owned(),
            if reply.json.is_some() {
                "application/json"
            } else {
                "text/plain"
            }
            .to_owned(),
        )]);
        headers.extend(reply.headers.clone());
        let bodiless = matches!(status, 204 | 304);
        if reply.endless {
            headers.insert("Connection".into(), "close".into());
        } else if reply.chunked {
            headers.insert("Transfer-Encoding".into(), "chunked".into());
        } else if !bodiless {
            let promised = body.len() + if reply.truncate { TRUNCATED_BY } else { 0 };
            headers.insert("Content-Length".into(), promised.to_string());
        }
        let mut head = format!(
            "HTTP/1.1 {status} {}\r\n",
            reply.reason.as_deref().unwrap_or("Scripted")
        );
        for (name, value) in &headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.stream.write_all(head.as_bytes())?;
        if reply.endless {
            self.stream_endlessly(&body);
            return Ok(false);
        }
        if reply.chunked {
            for part in body.chunks(body.len().div_ceil(3).max(1)) {
                self.stream
                    .write_all(format!("{:x}\r\n", part.len()).as_bytes())?;
                self.stream.write_all(part)?;
                self.stream.write_all(b"\r\n")?;
            }
            self.stream.write_all(b"0\r\n\r\n")?;
        } else if !bodiless {
            self.stream.write_all(&body)?;
        }
        Ok(!reply.truncate)
    }

    /// That the client hangs up is the expected end, so a failing write is none here.
    fn stream_endlessly(&mut self, unit: &[u8]) {
        let block = unit.repeat((64 * 1024 / unit.len().max(1)).max(1));
        let mut sent = 0;
        while sent < MAX_ENDLESS && !block.is_empty() && self.stream.write_all(&block).is_ok() {
            sent += block.len();
        }
    }

    /// Blocks until the peer has closed or `finished` says so; answers nothing.
    pub fn hang(&mut self, finished: impl Fn() -> bool) -> io::Result<()> {
        let pause = std::time::Duration::from_millis(20);
        self.stream.set_read_timeout(Some(pause))?;
        let mut byte = [0];
        while !finished() {
            match self.stream.peek(&mut byte) {
                Ok(0) => break,
                Ok(_) => std::thread::sleep(pause),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn reply_body(reply: &Reply) -> io::Result<Vec<u8>> {
    if let Some(json) = &reply.json {
        return Ok(json.to_string().into_bytes());
    }
    if let Some(repeat) = &reply.body_repeat {
        return Ok(repeat.text.repeat(repeat.times).into_bytes());
    }
    match &reply.body_base64 {
        Some(text) => decode(text),
        None => Ok(reply.body.clone().unwrap_or_default().into_bytes()),
    }
}

/// The bytes of a Base64 text of a case.
pub fn decode(text: &str) -> io::Result<Vec<u8>> {
    STANDARD.decode(text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let client = TcpStream::connect(address).expect("a connection");
        let (stream, _) = listener.accept().expect("a connection");
        (client, Connection::new(stream).expect("a connection"))
    }

    #[test]
    fn hanging_ends_with_the_run() {
        let (_client, mut connection) = pair();
        connection.hang(|| true).expect("no error");
    }

    #[test]
    fn hanging_ends_with_the_client() {
        let (client, mut connection) = pair();
        drop(client);
        connection.hang(|| false).expect("no error");
    }
}
