//! What an account costs that has a million events and more: `make scale`, a row of the table in
//! OPERATIONS.md. The events are told over HTTP to a data directory; with `VERSIONER_TEST_POSTGRES` it is
//! then copied to that database, and measured there.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{PROGRAM, Server, percentile};

const CLIENTS: usize = 64;
/// How often each thing is measured.
const TURNS: usize = 200;
const MIB: u64 = 1024 * 1024;

fn main() {
    let variable = |name| std::env::var(name).ok();
    let events: usize = variable("EVENTS").map_or(1_000_000, |text| {
        text.parse().expect("EVENTS is a number of events")
    });
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let data = folder.path().join("data");
    let begin = Instant::now();
    let (key, told) = fill(&data, events);
    eprintln!(
        "told {told} events in {:.0} s",
        begin.elapsed().as_secs_f64()
    );
    let place = match variable("VERSIONER_TEST_POSTGRES") {
        None => data.clone(),
        Some(url) => copy(&data, &format!("{url}/postgres")),
    };
    measure(&place, &key, told);
}

/// Tells the events to an empty directory; the key, and how many they are. Half of them are in one cell,
/// so that it is large: versions that are told as completed. The others are builds and deployments to two
/// environments.
fn fill(data: &Path, events: usize) -> (String, usize) {
    let server = Server::start(data);
    let begun = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, begun) = (&server, &begun);
            scope.spawn(move || {
                let agent = Agent::new(server);
                for round in 0.. {
                    for (number, (path, body)) in a_round(client, round).into_iter().enumerate() {
                        if begun.fetch_add(1, Ordering::Relaxed) >= events {
                            return;
                        }
                        agent.tell(path, &format!("{client}-{round}-{number}"), &body);
                    }
                }
            });
        }
    });
    (server.key.clone(), events)
}

/// Five events of a version of a product, and five in the cell that they share.
fn a_round(client: usize, round: usize) -> Vec<(&'static str, Value)> {
    let version = format!("1.{round}");
    let deployment = |product: &str, version: &str, environment: &str, status: &str| {
        json!({
            "product_name": product, "version": version, "environment_name": environment,
            "status": status, "source_system": "github", "invoke_id": format!("{client}.{round}"),
            "scm_sha": "4f1c2b7e9d3a5f60718293a4b5c6d7e8f9012345", "deployed_by": "ada",
            "deploy_url": "https://ci.example.com/acme/service/runs/123456789",
            "extra_metadata": { "vi_gh_workflow": "Deploy", "vi_gh_job": environment },
        })
    };
    let own = format!("service-{client}");
    let mut events = vec![(
        "/build-events/",
        json!({ "product_name": own, "version": version, "status": "completed" }),
    )];
    for environment in ["staging", "production"] {
        for status in ["started", "completed"] {
            let event = deployment(&own, &version, environment, status);
            events.push(("/deployment-events/", event));
        }
    }
    for part in 0..5 {
        let version = format!("{client}.{round}.{part}");
        let event = deployment("shared", &version, "production", "completed");
        events.push(("/deployment-events/", event));
    }
    events
}

/// Copies the directory to a database, and says how long that took.
fn copy(data: &Path, url: &str) -> PathBuf {
    let begin = Instant::now();
    let status = Command::new(PROGRAM)
        .args(["copy", "--from"])
        .arg(data)
        .args(["--to", url])
        .status()
        .expect("the program");
    assert!(status.success(), "copied");
    eprintln!("copied in {:.0} s", begin.elapsed().as_secs_f64());
    url.into()
}

fn measure(place: &Path, key: &str, events: usize) {
    let begin = Instant::now();
    let mut server = Server::start(place);
    let start = begin.elapsed();
    server.key = key.to_owned();
    let agent = Agent::new(&server);
    let event = times(|turn| {
        let status = ["started", "completed"][turn % 2];
        agent.tell(
            "/deployment-events/",
            &format!("measured-{turn}"),
            &json!({
                "product_name": "service-0", "version": format!("2.{}", turn / 2),
                "environment_name": "production", "status": status,
            }),
        );
    });
    let page = times(|_| agent.get("/deployments/?product=shared&limit=50"));
    let matrix = times(|_| agent.get("/state/"));
    rules(&agent);
    // In the large cell, each under every kind of rule; its end is not counted.
    let mut under_rules = Vec::new();
    for turn in 0..TURNS {
        for status in ["started", "completed"] {
            let sent = Instant::now();
            agent.tell(
                "/deployment-events/",
                &format!("ruled-{turn}-{status}"),
                &json!({
                    "product_name": "shared", "version": format!("0.{}.0", turn),
                    "environment_name": "production", "status": status, "deployed_by": "ada",
                }),
            );
            if status == "started" {
                under_rules.push(sent.elapsed());
            }
        }
    }
    under_rules.sort_unstable();
    let memory = server.peak_memory();
    let disk = disk(place);
    println!(
        "| events | disk | memory | server's start | event | start under every rule | page | matrix |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    println!(
        "| {events} | {} MiB | {} MiB | {:.1} s | {} | {} | {} | {} |",
        disk / MIB,
        memory / MIB,
        start.as_secs_f64(),
        shown(&event),
        shown(&under_rules),
        shown(&page),
        shown(&matrix),
    );
}

/// One rule of each kind, for everything. They only report, so that every start is allowed.
fn rules(agent: &Agent) {
    for (kind, config) in [
        ("flow", json!({ "required_environments": ["staging"] })),
        (
            "soak_time",
            json!({ "environment": "staging", "soak_minutes": 60 }),
        ),
        (
            "quality_approval",
            json!({ "required_environments": ["staging"], "required_approvals": 1 }),
        ),
        ("release_approval", json!({ "required_approvals": 2 })),
        (
            "no_deploy_window",
            json!({ "recurrence": "weekly", "timezone": "Europe/Berlin", "days": ["friday"],
                "start_time": "16:00", "end_time": "23:00" }),
        ),
    ] {
        let rule = json!({
            "name": kind, "type": kind, "config": config, "status": "report_only",
            "environments": ["production"], "create": true,
        });
        agent.tell("/deployment-rules/", kind, &rule);
    }
}

/// How long each of some turns took, from the shortest on.
fn times(mut work: impl FnMut(usize)) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..TURNS)
        .map(|turn| {
            let begin = Instant::now();
            work(turn);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn shown(times: &[Duration]) -> String {
    let of = |percent| percentile(times, percent);
    format!("{:.1} / {:.1} ms", of(50), of(99))
}

/// What the data takes on the disk, in bytes.
fn disk(place: &Path) -> u64 {
    if !place.is_dir() {
        let doctor = Command::new(PROGRAM)
            .args(["doctor", "--data"])
            .arg(place)
            .output();
        let text = String::from_utf8_lossy(&doctor.expect("the program").stdout).into_owned();
        let size = text
            .lines()
            .find_map(|line| line.strip_prefix("ok: size: "));
        let size = size.and_then(|size| size.strip_suffix(" MiB"));
        return size
            .and_then(|size| size.parse().ok())
            .map_or(0, |size: u64| size * MIB);
    }
    let files = ["", "accounts"].map(|folder| std::fs::read_dir(place.join(folder)));
    let files = files.into_iter().flatten().flatten().flatten();
    files
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum()
}

/// A client that insists on being served.
struct Agent<'s> {
    server: &'s Server,
    agent: ureq::Agent,
    bearer: String,
}

impl Agent<'_> {
    fn new(server: &Server) -> Agent<'_> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build();
        Agent {
            server,
            agent: config.new_agent(),
            bearer: format!("Bearer {}", server.key),
        }
    }

    fn tell(&self, path: &str, key: &str, body: &Value) {
        let request = self.agent.post(format!("{}{path}", self.server.url));
        let mut response = request
            .header("Authorization", &self.bearer)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .send(body.to_string())
            .expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        assert!(response.status().is_success(), "{path} {body}: {text}");
    }

    fn get(&self, path: &str) {
        let request = self.agent.get(format!("{}{path}", self.server.url));
        let mut response = request
            .header("Authorization", &self.bearer)
            .call()
            .expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        assert_eq!(response.status(), 200, "{path}: {text}");
    }
}
