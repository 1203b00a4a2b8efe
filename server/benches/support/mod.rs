//! What the benchmarks have in common.
#![allow(dead_code, reason = "each benchmark uses some of it")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

/// How long a load goes on before it is measured.
const WARM_UP: Duration = Duration::from_millis(150);

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// In milliseconds, so many percent are faster than this.
pub fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_versioner-server");

/// The program, killed when the benchmark ends.
pub struct Server {
    child: Child,
    pub url: String,
    /// Shown by the first server of a data directory only.
    pub key: String,
}

impl Server {
    /// Starts one on a data directory, or on the database at an address.
    pub fn start(data: &Path) -> Server {
        Server::start_with(data, &[])
    }

    /// The same with further arguments.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Server {
        let child = Command::new(PROGRAM)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut server = Server {
            child,
            url: String::new(),
            key: String::new(),
        };
        let output = server.child.stdout.take().expect("its output");
        for line in BufReader::new(output).lines() {
            let line = line.expect("a line");
            if let Some(key) = line.strip_prefix("API key (shown once): ") {
                server.key = key.to_owned();
            }
            if let Some(url) = line.strip_prefix("Listening on ") {
                server.url = url.to_owned();
                return server;
            }
        }
        panic!("the server ended before it listened");
    }
}

impl Server {
    /// The most memory that it had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that it has, in bytes.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map_or(0, |kib| kib * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A deployment event: every second one completes what the one before it has started.
pub fn event(client: usize, number: usize) -> String {
    let status = ["started", "completed"][number % 2];
    json!({
        "product_name": format!("service-{client}"),
        "version": format!("1.0.{}", number / 2),
        "environment_name": "production",
        "status": status,
        "source_system": "github",
        "build_number": number.to_string(),
        "scm_sha": "4f1c2b7e9d3a5f60718293a4b5c6d7e8f9012345",
        "scm_repository": "acme/service",
        "deploy_url": "https://ci.example.com/acme/service/runs/123456789",
        "deployed_by": "ada",
        "extra_metadata": { "vi_gh_workflow": "Deploy", "vi_gh_job": "production" },
    })
    .to_string()
}

/// Tells events by so many clients at each server, and answers how long each took that was told in the
/// measured time. A client tells of a product of its own, whose number begins at `name`.
pub fn load(servers: &[&Server], clients: usize, name: usize, measured: Duration) -> Vec<Duration> {
    let start = Instant::now() + WARM_UP;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients * servers.len())
            .map(|client| {
                let server = servers[client % servers.len()];
                scope.spawn(move || tell(server, name + client, start, start + measured))
            })
            .collect();
        let times = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a client"));
        times.collect()
    })
}

fn tell(server: &Server, name: usize, start: Instant, end: Instant) -> Vec<Duration> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let mut times = Vec::new();
    for number in 0.. {
        let sent = Instant::now();
        if sent > end {
            break;
        }
        post(
            server,
            &agent,
            &format!("{name}-{number}"),
            event(name, number),
        );
        if sent >= start {
            times.push(sent.elapsed());
        }
    }
    times
}

/// Tells one event.
pub fn post(server: &Server, agent: &ureq::Agent, key: &str, event: String) -> String {
    let mut response = agent
        .post(format!("{}/deployment-events/", server.url))
        .header("Authorization", format!("Bearer {}", server.key))
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", key)
        .send(event)
        .expect("an answer");
    let text = response.body_mut().read_to_string().expect("a body");
    assert_eq!(response.status(), 200, "{text}");
    text
}
