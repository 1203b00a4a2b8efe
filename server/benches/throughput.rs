//! Events per second of the whole server, beside the rate at which SQLite alone can insert single
//! rows with the same durability on the same disk: `cargo bench -p versioner-server`.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{Server, event, load, median, percentile};

const CLIENTS: [usize; 3] = [1, 8, 64];
/// Server and raw inserts take turns, so that a disk or a machine that is busy with something else
/// for a while is so for both.
const TURNS: usize = 7;
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
            let name = (clients * TURNS + turn) * 1000;
            let times = load(&[&server], clients, name, MEASURED);
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
