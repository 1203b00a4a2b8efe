//! Events per second of one server and of two on PostgreSQL, beside the statements of the same events by
//! pgbench on the same cluster: `DURABLE=1 scripts/postgres.sh cargo bench -p versioner-server --bench
//! postgres`. What pgbench runs is what the server was seen to say for one event that starts a deployment
//! and one that completes it.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use support::{Server, event, load, median, post};

const CLIENTS: usize = 8;
const TURNS: usize = 3;
const MEASURED: Duration = Duration::from_secs(3);

fn main() {
    let Ok(cluster) = std::env::var("VERSIONER_TEST_POSTGRES") else {
        println!("without a database of PostgreSQL there is nothing to measure");
        return;
    };
    let url = PathBuf::from(format!("{cluster}/postgres"));
    let address = cluster.rsplit('@').next().unwrap_or_default();
    let cluster = Cluster(PathBuf::from(address.replace("%2F", "/")));
    let (key, script) = cluster.record(&url);
    let mut servers = [Server::start(&url), Server::start(&url)];
    for server in &mut servers {
        server.key.clone_from(&key);
    }
    let (mut one, mut two, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    let (mut to_raw, mut to_one) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let rate = |servers: &[&Server], name| {
            let times = load(servers, CLIENTS, name, MEASURED);
            times.len() as f64 / MEASURED.as_secs_f64()
        };
        let alone = rate(&[&servers[0]], (2 * turn + 1) * 1000);
        let together = rate(&[&servers[0], &servers[1]], (2 * turn + 2) * 1000);
        let statements = cluster.pgbench(&script);
        one.push(alone);
        two.push(together);
        raw.push(statements);
        to_raw.push(alone / statements);
        to_one.push(together / alone);
    }
    println!("Medians of {TURNS} turns; {CLIENTS} clients at each server, and as many of pgbench.");
    println!("one server/s    pgbench/s    ratio    two servers/s    ratio to one");
    println!(
        "{:>12.0} {:>12.0} {:>8.2} {:>16.0} {:>15.2}",
        median(one),
        median(raw),
        median(to_raw),
        median(two),
        median(to_one),
    );
}

/// A cluster, by the folder of its socket and its log.
struct Cluster(PathBuf);

impl Cluster {
    fn sql(&self, statement: &str) {
        let status = Command::new("psql")
            .args([
                "-q",
                "-U",
                "versioner",
                "-d",
                "postgres",
                "-c",
                statement,
                "-h",
            ])
            .arg(&self.0)
            .status();
        assert!(status.expect("psql").success(), "{statement}");
    }

    /// Lets a server tell of a deployment, and makes a script of what it says to the database. The key of
    /// the account, and the script.
    fn record(&self, url: &Path) -> (String, PathBuf) {
        self.sql("ALTER DATABASE postgres SET log_statement = 'all'");
        let server = Server::start(url);
        let agent = ureq::Agent::new_with_defaults();
        // What a server only does once is done with the first of them.
        for number in 0..2 {
            post(
                &server,
                &agent,
                &format!("first-{number}"),
                event(0, number),
            );
        }
        let answers: Vec<Value> = (2..4)
            .map(|number| post(&server, &agent, &format!("seen-{number}"), event(0, number)))
            .map(|text| serde_json::from_str(&text).expect("JSON"))
            .collect();
        self.sql("ALTER DATABASE postgres RESET log_statement");
        let log = std::fs::read_to_string(self.0.join("log")).expect("the log of the cluster");
        let mut script = "\\set n random(1, 9000000000000)\n".to_owned();
        let text = |name: &str| answers[0][name].as_str().unwrap_or_default().to_owned();
        // Each client has a product of its own, each turn a version and a deployment.
        let product = "lpad(:client_id::text, 36, '0')".to_owned();
        let mut other = BTreeMap::from([
            (text("version"), ":n::text".to_owned()),
            (text("version_id"), "lpad(:n::text, 36, '1')".to_owned()),
            (text("id"), "lpad(:n::text, 36, '2')".to_owned()),
            (
                format!("cell/{}/{}", text("product_id"), text("environment_id")),
                format!("'cell/' || {product} || '/{}'", text("environment_id")),
            ),
            (text("product_id"), product),
        ]);
        for (name, key) in [("a", "seen-2"), ("b", "seen-3")] {
            other.insert(key.to_owned(), format!("'{key}-' || :n::text"));
            let said = transaction(&log, key);
            // The row of the log has the number that the lock has given.
            let append = said
                .iter()
                .find(|said| said.sql.starts_with("INSERT INTO log"));
            let position = append.and_then(|said| said.parameters.first().cloned().flatten());
            other.insert(
                position.expect("a position"),
                format!(":{name}_next::bigint"),
            );
            for said in said {
                script += &said.as_line(&other, name);
            }
        }
        let path = self.0.join("event.sql");
        std::fs::write(&path, script).expect("the script");
        (server.key.clone(), path)
    }

    /// Events per second of pgbench: two in each turn of the script.
    fn pgbench(&self, script: &Path) -> f64 {
        let (clients, seconds) = (CLIENTS.to_string(), MEASURED.as_secs().to_string());
        let output = Command::new("pgbench")
            .env(
                "PGOPTIONS",
                "-c search_path=account_local -c synchronous_commit=on",
            )
            .args([
                "-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds, "-f",
            ])
            .arg(script)
            .args(["-U", "versioner", "-h"])
            .arg(&self.0)
            .arg("postgres")
            .output()
            .expect("pgbench");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split_whitespace().next()?.parse::<f64>().ok());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        2.0 * rate.unwrap_or_else(|| panic!("no rate: {text}{errors}"))
    }
}

/// A statement, and its parameters.
struct Said {
    sql: String,
    parameters: Vec<Option<String>>,
}

/// What one connection said in the transaction that uses an Idempotency-Key.
fn transaction(log: &str, key: &str) -> Vec<Said> {
    let mut open: BTreeMap<&str, Vec<Said>> = BTreeMap::new();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once("] ") else {
            continue;
        };
        let process = process.rsplit('[').next().unwrap_or_default();
        let said = open.entry(process).or_default();
        if let Some(sql) = rest.strip_prefix("LOG:  statement: ") {
            if sql.starts_with("BEGIN") {
                said.clear();
            }
            let sql = sql.split(';').next().unwrap_or_default().to_owned();
            let ends = sql == "COMMIT";
            said.push(Said {
                sql,
                parameters: Vec::new(),
            });
            let key = Some(key.to_owned());
            if ends && said.iter().any(|said| said.parameters.contains(&key)) {
                return open.remove(process).unwrap_or_default();
            }
        } else if let Some(execute) = rest.strip_prefix("LOG:  execute ") {
            let sql = execute
                .split_once(": ")
                .map_or("", |(_, sql)| sql)
                .to_owned();
            said.push(Said {
                sql,
                parameters: Vec::new(),
            });
        } else if let Some(text) = rest.strip_prefix("DETAIL:  ")
            // With a small letter up to version 15.
            && let Some(list) = text
                .strip_prefix("parameters: ")
                .or_else(|| text.strip_prefix("Parameters: "))
            && let Some(last) = said.last_mut()
        {
            last.parameters = parameters(list);
        }
    }
    panic!("nobody said {key}");
}

/// Reads `$1 = 'it''s', $2 = NULL`.
fn parameters(mut list: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    while let Some((_, value)) = list.split_once(" = ") {
        if let Some(quoted) = value.strip_prefix('\'') {
            let mut text = String::new();
            let mut rest = quoted;
            while let Some((part, after)) = rest.split_once('\'') {
                text += part;
                rest = after;
                match rest.strip_prefix('\'') {
                    Some(after) => {
                        text.push('\'');
                        rest = after;
                    }
                    None => break,
                }
            }
            found.push(Some(text));
            list = rest;
        } else {
            found.push(None);
            list = value.strip_prefix("NULL").unwrap_or(value);
        }
    }
    found
}

impl Said {
    /// The statement with its parameters in it, as a line of a script.
    fn as_line(&self, other: &BTreeMap<String, String>, name: &str) -> String {
        let mut sql = self.sql.clone();
        // From the last on, so that $1 is not taken for the beginning of $12.
        for (number, value) in self.parameters.iter().enumerate().rev() {
            let shown = match value {
                None => "NULL".to_owned(),
                Some(value) => match other.get(value) {
                    Some(other) => format!("({other})"),
                    // A colon would begin a variable of the script.
                    None => format!(
                        "E'{}'",
                        value
                            .replace('\\', "\\\\")
                            .replace('\'', "''")
                            .replace(':', "\\x3a")
                    ),
                },
            };
            sql = sql.replace(&format!("${}", number + 1), &shown);
        }
        let end = if sql.contains(" FROM stand(") {
            format!(" \\gset {name}_")
        } else {
            ";".to_owned()
        };
        format!("{sql}{end}\n")
    }
}
