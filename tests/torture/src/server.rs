//! A server process that is killed.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::http::{Api, text};

/// What is started.
pub struct Program {
    pub path: PathBuf,
    /// A directory, or the address of a database.
    pub data: OsString,
    /// Where Slack is.
    pub slack: SocketAddr,
    /// The key that encrypts what the server must know in clear.
    pub secrets: PathBuf,
}

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
    pub fn start(program: &Program) -> io::Result<Server> {
        let mut process = Command::new(&program.path)
            .arg("--data")
            .arg(&program.data)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--webhook-allow-net",
                "127.0.0.1",
            ])
            .args(["--slack-api-url", &format!("http://{}/api/", program.slack)])
            .arg("--secrets-key-file")
            .arg(&program.secrets)
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

impl Drop for Server {
    /// None outlives a campaign that fails.
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What the server has of a build or a deployment.
pub struct Found {
    pub version: String,
    pub id: String,
    pub status: String,
}

/// Everything that the server has in a list of what the load has told.
pub fn list(api: &Api, name: &str) -> io::Result<Vec<Found>> {
    let items = api.list(&format!("/{name}/?product=torture&limit=100"))?;
    let found = items.iter().map(|item| Found {
        version: text(item, "/version").to_owned(),
        id: text(item, "/id").to_owned(),
        status: text(item, "/status").to_owned(),
    });
    Ok(found.collect())
}
