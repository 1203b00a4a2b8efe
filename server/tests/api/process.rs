//! The program itself: its output, its signals, and what it keeps when it is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{Client, build};

const PROGRAM: &str = env!("CARGO_BIN_EXE_versioner-server");

/// The program, running; killed when it is dropped.
pub struct Process {
    pub child: Child,
    pub url: String,
    pub first_key: Option<String>,
}

impl Process {
    pub fn start(data: &Path) -> Process {
        let mut child = Command::new(PROGRAM)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first_key = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(key) = line.strip_prefix("API key (shown once): ") {
                first_key = Some(key.to_owned());
            }
            if let Some(url) = line.strip_prefix("Listening on ") {
                let url = url.to_owned();
                return Process {
                    child,
                    url,
                    first_key,
                };
            }
        }
        panic!("the server ended before it listened");
    }

    pub fn signal(&mut self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("install `kill` (package procps)");
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_start_prints_a_key_once_and_a_signal_ends_it_well() {
    let data = TempDir::new().unwrap();
    for (signal, first) in [("TERM", true), ("INT", false)] {
        let mut server = Process::start(data.path());
        assert_eq!(server.first_key.is_some(), first);
        if let Some(key) = &server.first_key {
            assert!(key.starts_with("sk_local_k1_"), "unexpected form of key");
            let client = Client::new(&server.url, key);
            client
                .post("/build-events/", &build("1", "completed"))
                .expect(200);
        }
        server.signal(signal);
        assert!(server.child.wait().unwrap().success(), "SIG{signal}");
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let data = TempDir::new().unwrap();
    let _first = Process::start(data.path());
    let second = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(
        error.contains("another versioner-server is running on"),
        "{error}"
    );
}
