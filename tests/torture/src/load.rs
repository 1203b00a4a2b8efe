//! The program that tracks builds and deployments through the C library, and what it was told.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

const THREADS: &str = "32";

pub struct Load {
    process: Child,
    reader: JoinHandle<io::Result<Told>>,
}

/// How the events ended, by what the library said.
#[derive(Default)]
pub struct Told {
    /// Version and identifier of each build that is recorded.
    pub recorded: BTreeMap<String, String>,
    /// The same of each deployment that was allowed to begin.
    pub begun: BTreeMap<String, String>,
    /// The same of those whose end is recorded.
    pub ended: BTreeMap<String, String>,
    /// The same of those that were allowed to begin while another was in progress.
    pub two: BTreeMap<String, String>,
    /// Why it is unknown whether an event is recorded, by version.
    pub unknown: BTreeMap<String, String>,
}

impl Load {
    pub fn start(program: &Path, service: SocketAddr, key: &str) -> io::Result<Load> {
        let mut process = Command::new(program)
            .args([&format!("http://{service}"), key, THREADS])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let reader = thread::spawn(move || {
            let mut told = Told::default();
            for line in BufReader::new(output).lines() {
                told.note(&line?);
            }
            Ok(told)
        });
        Ok(Load { process, reader })
    }

    /// Lets the events in progress end, and gives back what was told of all.
    pub fn finish(mut self) -> io::Result<Told> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("the load ended with {status}")));
        }
        self.reader
            .join()
            .map_err(|_| io::Error::other("the load cannot be read"))?
    }
}

impl Told {
    fn note(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        let (outcome, version, rest) = (next(), next(), next());
        match outcome.as_str() {
            "recorded" => self.recorded.insert(version, rest),
            "begun" => self.begun.insert(version, rest),
            "ended" => self.ended.insert(version, rest),
            "two" => self.two.insert(version, rest),
            "unknown" => self.unknown.insert(version, rest),
            // The further lines of a message.
            _ => None,
        };
    }
}
