//! GitHub, as it tells a server of deployments: signed, in any order, some of it twice, and again until it
//! is answered.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::http::{Api, ask, text};

pub const PRODUCT: &str = "foreign";
const THREADS: u64 = 4;
/// The deliveries of so many runs come mixed.
const MIXED: u64 = 3;
/// How long what came in may take to become events, once nobody is killed any more: a server that was
/// killed keeps what it had taken up from another one for a minute.
const PATIENCE: Duration = Duration::from_secs(120);
const BREATH: Duration = Duration::from_millis(2);

/// One of GitHub's deliveries.
#[derive(Clone)]
struct Delivery {
    event: &'static str,
    id: String,
    body: String,
}

/// What was answered.
#[derive(Default)]
struct Answered {
    /// The row of each delivery that was taken, by its identifier.
    rows: Mutex<BTreeMap<String, String>>,
    /// Deliveries that were answered with another row than before.
    others: AtomicU64,
    /// How often something was sent.
    sent: AtomicU64,
    /// Answers that are neither that it was taken nor that it is to come again.
    odd: Mutex<Vec<String>>,
}

pub struct Foreign {
    source: String,
    /// The version and the last state of each run of which everything was taken.
    runs: Vec<JoinHandle<BTreeMap<String, &'static str>>>,
    answered: Arc<Answered>,
}

impl Foreign {
    /// Makes the source, and sends through the link until `is_over`.
    pub fn start(
        api: &Api,
        link: SocketAddr,
        chance: &Arc<Chance>,
        is_over: &Arc<AtomicBool>,
    ) -> io::Result<Foreign> {
        let made = api.done(
            "POST",
            "/sources/",
            &json!({ "name": "GitHub", "kind": "github" }),
        )?;
        let answered = Arc::new(Answered::default());
        let runs = (0..THREADS).map(|thread| {
            let sender = Sender {
                link,
                path: text(&made, "/url").to_owned(),
                key: hmac::Key::new(hmac::HMAC_SHA256, text(&made, "/secret").as_bytes()),
                chance: Arc::clone(chance),
                answered: Arc::clone(&answered),
            };
            let is_over = Arc::clone(is_over);
            thread::spawn(move || sender.work(thread, &is_over))
        });
        Ok(Foreign {
            source: text(&made, "/id").to_owned(),
            runs: runs.collect(),
            answered,
        })
    }

    /// Whether everything that was taken is recorded once, by what a server says that is not killed.
    pub fn judge(self, api: &Api) -> io::Result<bool> {
        let mut runs = BTreeMap::new();
        for thread in self.runs {
            let told = thread.join();
            runs.extend(told.map_err(|_| io::Error::other("a sender is gone"))?);
        }
        let begin = Instant::now();
        let list = format!("/queue/?kind=inbox&topic={}&limit=500", self.source);
        let ends_a_run =
            |row: &Value| !row["result"].is_string() && text(row, "/key").starts_with("run_ended");
        let rows = loop {
            let rows = api.list(&list)?;
            let waits = |row: &&Value| row["state"] == "waiting" && !ends_a_run(row);
            if !rows.iter().any(|row| waits(&row)) || begin.elapsed() > PATIENCE {
                break rows;
            }
            thread::sleep(Duration::from_millis(200));
        };
        let taken = self
            .answered
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut wrong = Wrong::default();
        let mut by_key: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for row in rows.iter().filter(|row| !ends_a_run(row)) {
            by_key.entry(text(row, "/key")).or_default().push(row);
        }
        for (key, id) in taken.iter() {
            match by_key.get(key.as_str()).map(Vec::as_slice) {
                Some([row]) if row["id"] == id.as_str() && row["state"] == "done" => {}
                found => wrong.note("delivery", key, &json!(found)),
            }
        }
        let never_taken = by_key.keys().filter(|key| !taken.contains_key(**key));
        never_taken
            .for_each(|key| wrong.note("delivery that was never answered", key, &Value::Null));

        let deployments = api.list(&format!("/deployments/?product={PRODUCT}&limit=100"))?;
        let mut of_runs: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for deployment in &deployments {
            of_runs
                .entry(text(deployment, "/version"))
                .or_default()
                .push(deployment);
        }
        for (version, status) in &runs {
            match of_runs.get(version.as_str()).map(Vec::as_slice) {
                Some([one]) if one["status"] == *status => {}
                found => wrong.note(status, version, &json!(found)),
            }
        }
        let told = api.list(&format!(
            "/audit/?actor=source:{}&kind=deployment&limit=500",
            self.source
        ))?;
        let mut in_log: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for row in &told {
            *in_log
                .entry((text(row, "/subject"), text(row, "/kind")))
                .or_default() += 1;
        }
        for ((subject, kind), count) in &in_log {
            if *count > 1 {
                wrong.note("row of the log", subject, &json!([kind, count]));
            }
        }
        let odd = self
            .answered
            .odd
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let others = self.answered.others.load(Ordering::Relaxed);
        // A run has three deliveries that tell of a deployment, and the one that says that it is over.
        let expected = taken.len() - taken.keys().filter(|key| key.ends_with("-3")).count();
        println!(
            "{} foreign deliveries taken, sent {} times; {} rows of the log for {expected}; {} runs, {} \
             deployments: {} wrong; {others} answered with another row, {} odd answers",
            taken.len(),
            self.answered.sent.load(Ordering::Relaxed),
            told.len(),
            runs.len(),
            deployments.len(),
            wrong.count,
            odd.len()
        );
        odd.iter().take(5).for_each(|odd| println!("odd: {odd}"));
        let is_well = wrong.count == 0 && others == 0 && odd.is_empty();
        Ok(is_well && told.len() == expected && !runs.is_empty())
    }
}

/// What is wrong, of which the first are shown.
#[derive(Default)]
pub struct Wrong {
    pub count: u64,
}

impl Wrong {
    pub fn note(&mut self, what: &str, which: &str, found: &Value) {
        self.count += 1;
        if self.count <= 5 {
            println!("wrong: {what} {which}: {found}");
        }
    }
}

struct Sender {
    link: SocketAddr,
    path: String,
    key: hmac::Key,
    chance: Arc<Chance>,
    answered: Arc<Answered>,
}

impl Sender {
    fn work(&self, thread: u64, is_over: &AtomicBool) -> BTreeMap<String, &'static str> {
        let mut runs = BTreeMap::new();
        let mut number = 0;
        while !is_over.load(Ordering::Relaxed) {
            let mut to_send = Vec::new();
            for _ in 0..MIXED {
                number += 1;
                let run = thread * 1_000_000 + number;
                let fails = self.chance.below(4) == 0;
                for delivery in deliveries(run, thread, fails) {
                    // Some come twice, in no order.
                    for _ in 0..=self.chance.below(2) {
                        let at = self.chance.below(to_send.len() as u64 + 1);
                        to_send.insert(usize::try_from(at).unwrap_or(0), delivery.clone());
                    }
                }
                runs.insert(sha(run), if fails { "failed" } else { "completed" });
            }
            for delivery in &to_send {
                self.send(delivery);
                thread::sleep(BREATH);
            }
        }
        runs
    }

    /// Sends it until it is taken.
    fn send(&self, delivery: &Delivery) {
        let body = delivery.body.as_bytes();
        let tag = hmac::sign(&self.key, body);
        let signature = format!("sha256={}", hex(tag.as_ref()));
        let headers = [
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", delivery.event),
            ("X-GitHub-Delivery", delivery.id.as_str()),
            ("X-Hub-Signature-256", signature.as_str()),
        ];
        let lock = |odd: String| {
            let mut all = self
                .answered
                .odd
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.push(odd);
        };
        loop {
            self.answered.sent.fetch_add(1, Ordering::Relaxed);
            let Ok(answer) = ask(self.link, "POST", &self.path, &headers, body) else {
                thread::sleep(BREATH);
                continue;
            };
            match (answer.status(), answer.json()) {
                (202, Ok(row)) => {
                    let id = text(&row, "/id").to_owned();
                    let mut rows = self
                        .answered
                        .rows
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    let known = rows
                        .entry(delivery.id.clone())
                        .or_insert_with(|| id.clone());
                    if *known != id {
                        self.answered.others.fetch_add(1, Ordering::Relaxed);
                    }
                    return;
                }
                // It drains, or waits for its database.
                (503, _) => thread::sleep(BREATH),
                (status, _) => {
                    lock(format!(
                        "{} {status} {}",
                        delivery.id,
                        String::from_utf8_lossy(&answer.body)
                    ));
                    return;
                }
            }
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The commit of a run, of which each has its own.
fn sha(run: u64) -> String {
    format!("{run:040x}")
}

/// What GitHub sends of a run that deploys, with the members that are read.
fn deliveries(run: u64, thread: u64, fails: bool) -> Vec<Delivery> {
    let environment = format!("foreign-{thread}");
    let repository = json!({ "name": PRODUCT, "full_name": format!("acme/{PRODUCT}") });
    let deployment = json!({
        "id": run, "sha": sha(run), "ref": "main", "environment": environment,
        "creator": { "login": "octocat" }, "payload": {}, "created_at": "2025-11-19T11:00:00Z",
    });
    let workflow_run = json!({
        "id": run, "run_attempt": 1, "run_number": run, "name": "deploy", "head_sha": sha(run),
        "path": ".github/workflows/deploy.yml", "conclusion": if fails { "failure" } else { "success" },
        "actor": { "login": "ada" },
    });
    let status = |state: &str, at: &str| {
        json!({
            "action": "created", "deployment": deployment, "workflow_run": workflow_run,
            "repository": repository,
            "deployment_status": { "id": 1, "state": state, "environment": environment, "created_at": at },
        })
    };
    let end = if fails { "failure" } else { "success" };
    let bodies = [
        (
            "deployment",
            json!({
                "action": "created", "deployment": deployment, "workflow_run": workflow_run,
                "repository": repository,
            }),
        ),
        (
            "deployment_status",
            status("in_progress", "2025-11-19T11:01:00Z"),
        ),
        ("deployment_status", status(end, "2025-11-19T11:02:00Z")),
        (
            "workflow_run",
            json!({ "action": "completed", "workflow_run": workflow_run, "repository": repository }),
        ),
    ];
    let all = bodies.into_iter().enumerate();
    all.map(|(number, (event, body))| Delivery {
        event,
        id: format!("{run}-{number}"),
        body: body.to_string(),
    })
    .collect()
}
