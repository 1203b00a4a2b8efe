//! Events per second of the whole server, beside the rate at which SQLite alone can insert single
//! rows with the same durability on the same disk: `cargo bench -p versioner-server`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

const CLIENTS: [usize; 3] = [1, 8, 64];
/// Server and raw inserts take turns, so that a disk or a machine that is busy with something else
/// for a while is so for both.
const TURNS: usize = 7;
const WARM_UP: Duration = Duration::from_millis(150);
const MEASURED: Duration = Duration::from_millis(750);
const RAW: Duration = Duration::from_millis(350);

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let server = Server::start(&folder.path().join("data"));
    let mut raw = Raw::open(&folder.path().join("raw.db"));
    println!("Medians of {TURNS} turns; `started` and `completed` events, each with its own key.");
    println!("clients    events/s    p50 ms    p99 ms    raw inserts/s    ratio");
    for clients in CLIENTS {
        let (mut rates, mut raw_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut latencies = Vec::new();
        for turn in 0..TURNS {
            let raw_rate = raw.measure();
            let times = server.load(clients, turn);
            let rate = times.len() as f64 / MEASURED.as_secs_f64();
            latencies.extend(times);
            rates.push(rate);
            raw_rates.push(raw_rate);
            ratios.push(rate / raw_rate);
        }
        latencies.sort_unstable();
        println!(
            "{clients:>7} {:>11.0} {:>9.2} {:>9.2} {:>16.0} {:>8.2}",
            median(rates),
            percentile(&latencies, 50),
            percentile(&latencies, 99),
            median(raw_rates),
            median(ratios),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

fn event(client: usize, number: usize) -> String {
    // Every second event completes what the one before it has started.
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

/// One connection, one row per transaction: WAL and `synchronous=FULL`, as the server has them.
struct Raw {
    database: rusqlite::Connection,
    rows: usize,
}

impl Raw {
    /// The log of the new database has grown to its full length when this returns: a log that is
    /// written over waits for the disk less than one that grows.
    fn open(path: &Path) -> Raw {
        let database = rusqlite::Connection::open(path).expect("a database");
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 CREATE TABLE events (id TEXT PRIMARY KEY, body TEXT NOT NULL)",
            )
            .expect("a table");
        let mut raw = Raw { database, rows: 0 };
        while raw.rows < 1500 {
            raw.insert();
        }
        raw
    }

    fn insert(&mut self) {
        self.database
            .prepare_cached("INSERT INTO events (id, body) VALUES (?, ?)")
            .and_then(|mut insert| {
                insert.execute((format!("{:036}", self.rows), event(0, self.rows)))
            })
            .expect("an insert");
        self.rows += 1;
    }

    /// Inserts per second.
    fn measure(&mut self) -> f64 {
        let (start, before) = (Instant::now(), self.rows);
        while start.elapsed() < RAW {
            self.insert();
        }
        (self.rows - before) as f64 / start.elapsed().as_secs_f64()
    }
}

/// The program, killed when the benchmark ends.
struct Server {
    child: Child,
    url: String,
    key: String,
}

impl Server {
    fn start(data: &Path) -> Server {
        let child = Command::new(env!("CARGO_BIN_EXE_versioner-server"))
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
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

    /// How long each event took that was answered in the measured time.
    fn load(&self, clients: usize, turn: usize) -> Vec<Duration> {
        let start = Instant::now() + WARM_UP;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..clients)
                .map(|client| {
                    let name = (clients * TURNS + turn) * 1000 + client;
                    scope.spawn(move || self.client(name, start))
                })
                .collect();
            let times = threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("a client"));
            times.collect()
        })
    }

    fn client(&self, name: usize, start: Instant) -> Vec<Duration> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        let url = format!("{}/deployment-events/", self.url);
        let bearer = format!("Bearer {}", self.key);
        let mut times = Vec::new();
        for number in 0.. {
            let sent = Instant::now();
            if sent > start + MEASURED {
                break;
            }
            let mut response = agent
                .post(&url)
                .header("Authorization", &bearer)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", format!("{name}-{number}"))
                .send(event(name, number))
                .expect("an answer");
            let text = response.body_mut().read_to_string().expect("a body");
            assert_eq!(response.status(), 200, "{text}");
            if sent >= start {
                times.push(sent.elapsed());
            }
        }
        times
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
