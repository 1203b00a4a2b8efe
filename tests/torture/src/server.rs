//! A server process that is killed.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

pub struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
}

/// What a server says once it serves.
pub struct Ready {
    pub address: SocketAddr,
    /// Shown by the first server of a data directory only.
    pub key: Option<String>,
}

impl Server {
    /// A server on a data directory, or on the database at an address.
    pub fn start(program: &Path, data: &OsStr) -> io::Result<Server> {
        let mut process = Command::new(program)
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Server {
            process,
            output: BufReader::new(output),
        })
    }

    pub fn ready(&mut self) -> io::Result<Ready> {
        let mut key = None;
        for line in self.output.by_ref().lines() {
            let line = line?;
            if let Some(address) = line.strip_prefix("Listening on http://") {
                let address = address.parse().map_err(io::Error::other)?;
                return Ok(Ready { address, key });
            }
            if line.starts_with("API key") {
                key = line.split_whitespace().last().map(str::to_owned);
            }
        }
        Err(io::Error::other("the server ended before it served"))
    }

    /// SIGKILL: the process does nothing more, not even what it would do at its end.
    pub fn kill(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(|_| ())
    }
}

/// What the server has of a build or a deployment.
pub struct Found {
    pub version: String,
    pub id: String,
    pub status: String,
}

/// Everything that the server has in a list.
pub fn list(address: SocketAddr, key: &str, name: &str) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(address, key, &format!("/{name}/?limit=100{cursor}"))?;
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let items = page["items"].as_array();
        let items = items.ok_or_else(|| io::Error::other(format!("no list: {page}")))?;
        found.extend(items.iter().map(|item| Found {
            version: text(item, "version"),
            id: text(item, "id"),
            status: text(item, "status"),
        }));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(found),
        }
    }
}

/// HTTP/1.0, so that the answer ends with the connection.
fn get(address: SocketAddr, key: &str, path: &str) -> io::Result<Value> {
    let mut stream = TcpStream::connect(address)?;
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other("no answer"))?;
    serde_json::from_str(body).map_err(io::Error::other)
}
