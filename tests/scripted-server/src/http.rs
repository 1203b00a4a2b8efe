//! Just enough HTTP/1.1 to hear a client out.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// Far above any request of a case, so that a client that never stops is noticed.
const MAX_REQUEST: usize = 64 << 20;
/// What every web server says to a client that speaks something else, such as TLS.
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host and port that the client asked a proxy for, which this server then was.
    pub via: Option<String>,
    pub headers: Vec<(String, String)>,
    /// `None` until it is read, and if the reply is played without reading it.
    pub body: Option<Vec<u8>>,
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
    stream: Arc<TcpStream>,
    buffer: Vec<u8>,
    /// Where a tunnel through this connection is meant to lead.
    tunnel: Option<String>,
}

impl Connection {
    pub fn new(stream: TcpStream) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: Arc::new(stream),
            buffer: Vec::new(),
            tunnel: None,
        })
    }

    /// The head of the next request, or `None` once the peer has closed or does not speak HTTP. A
    /// request for a tunnel is granted on the way: it leads back here.
    pub fn next_head(&mut self) -> io::Result<Option<Request>> {
        let mut request = loop {
            let Some((head_length, request)) = self.head()? else {
                return Ok(None);
            };
            self.buffer.drain(..head_length);
            if request.method != "CONNECT" {
                break request;
            }
            self.tunnel = Some(request.path);
            (&*self.stream).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        };
        if let Some(url) = request.path.strip_prefix("http://") {
            let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
            let port = if host.contains(':') { "" } else { ":80" };
            request.via = Some(format!("{host}{port}"));
            request.path = path.to_owned();
        } else {
            request.via.clone_from(&self.tunnel);
        }
        Ok(Some(request))
    }

    /// Reads the body that belongs to a head.
    pub fn read_body(&mut self, request: &mut Request) -> io::Result<()> {
        if request
            .header("Expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            (&*self.stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let chunked = request
            .header("Transfer-Encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        request.body = Some(if chunked {
            self.chunks()?
        } else {
            let length = request
                .header("Content-Length")
                .and_then(|value| value.parse().ok())
                .unwrap_or(0);
            self.take(length)?
        });
        Ok(())
    }

    /// Blocks until the peer sends again or closes, and reads none of it.
    pub fn await_more(&self) -> io::Result<()> {
        self.stream.peek(&mut [0]).map(|_| ())
    }

    /// Says that nothing more is written.
    pub fn end_writing(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    pub fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
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
                        body: None,
                    };
                    return Ok(Some((length, request)));
                }
                Ok(httparse::Status::Partial) if self.fill()? => {}
                Ok(httparse::Status::Partial) => return Ok(None),
                Err(_) => {
                    (&*self.stream).write_all(BAD_REQUEST)?;
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
        let count = (&*self.stream).read(&mut chunk)?;
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
        (&*self.stream).write_all(head.as_bytes())?;
        (&*self.stream).write_all(body.as_bytes())
    }
}
