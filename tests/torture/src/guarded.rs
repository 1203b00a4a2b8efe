//! Deployments that wait until people have said yes in Slack.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Api, Message};
use crate::slack::Shared;

pub const PRODUCT: &str = "guarded";
const EVENTS: &str = "/deployment-events/";
const ENVIRONMENTS: usize = 8;
/// Two deploy to each environment.
const THREADS: usize = 2 * ENVIRONMENTS;
/// How long after a refusal is asked again.
const PAUSE: Duration = Duration::from_millis(100);
const BREATH: Duration = Duration::from_millis(2);

#[derive(Default)]
struct Done {
    /// How many are between their start and their end, by environment.
    in_progress: [AtomicI64; ENVIRONMENTS],
    ended: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

pub struct Guarded {
    threads: Vec<JoinHandle<()>>,
    done: Arc<Done>,
}

/// Where it is deployed.
pub fn environments() -> Vec<String> {
    let all = 0..ENVIRONMENTS;
    all.map(|number| format!("guarded-{number}")).collect()
}

impl Guarded {
    /// Deploys through the link until `is_over`.
    pub fn start(
        key: &str,
        link: SocketAddr,
        slack: &Arc<Shared>,
        is_over: &Arc<AtomicBool>,
    ) -> Guarded {
        let done = Arc::new(Done::default());
        let threads = (0..THREADS).map(|thread| {
            let deployer = Deployer {
                api: Api {
                    address: link,
                    key: key.to_owned(),
                },
                place: thread % ENVIRONMENTS,
                slack: Arc::clone(slack),
                done: Arc::clone(&done),
                is_over: Arc::clone(is_over),
            };
            thread::spawn(move || deployer.work(thread))
        });
        Guarded {
            threads: threads.collect(),
            done,
        }
    }

    /// Whether nothing went before everybody had said yes, nor beside another.
    pub fn judge(self) -> io::Result<bool> {
        for thread in self.threads {
            let ended = thread.join();
            ended.map_err(|_| io::Error::other("somebody who deploys is gone"))?;
        }
        let wrong = self
            .done
            .wrong
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ended = self.done.ended.load(Ordering::Relaxed);
        println!(
            "{ended} deployments went when people had said yes: {} wrong",
            wrong.len()
        );
        wrong
            .iter()
            .take(5)
            .for_each(|wrong| println!("wrong: {wrong}"));
        Ok(wrong.is_empty() && ended > 0)
    }
}

struct Deployer {
    api: Api,
    place: usize,
    slack: Arc<Shared>,
    done: Arc<Done>,
    is_over: Arc<AtomicBool>,
}

impl Deployer {
    fn work(&self, thread: usize) {
        for number in 0_u64.. {
            if !self.deploy(&format!("g{thread}.{number}")) {
                return;
            }
        }
    }

    /// Whether it went before everything was over.
    fn deploy(&self, version: &str) -> bool {
        // Nobody can say yes to what was never built.
        let built = json!({ "product_name": PRODUCT, "version": version, "status": "completed" });
        self.tell("/build-events/", &built, &format!("{version}-built"));
        let event = |status: &str| {
            json!({
                "product_name": PRODUCT, "version": version, "status": status,
                "source_system": "torture", "invoke_id": version,
                "environment_name": format!("guarded-{}", self.place),
            })
        };
        let started = event("started");
        let mut tries = 0;
        loop {
            if self.is_over.load(Ordering::Relaxed) {
                return false;
            }
            tries += 1;
            let answer = self.tell(EVENTS, &started, &format!("{version}-start-{tries}"));
            match answer.status() {
                200 => break,
                409 | 428 => thread::sleep(PAUSE),
                status => self.wrong(format!("{version}: {status} {}", said(&answer))),
            }
        }
        if !self.slack.may_be_approved(version) {
            self.wrong(format!("{version} went before people had said yes"));
        }
        if self.done.in_progress[self.place].fetch_add(1, Ordering::SeqCst) != 0 {
            self.wrong(format!("{version} went beside another"));
        }
        thread::sleep(BREATH);
        self.done.in_progress[self.place].fetch_sub(1, Ordering::SeqCst);
        let answer = self.tell(EVENTS, &event("completed"), &format!("{version}-end"));
        match answer.status() {
            200 => self.done.ended.fetch_add(1, Ordering::Relaxed),
            status => {
                self.wrong(format!("the end of {version}: {status} {}", said(&answer)));
                0
            }
        };
        true
    }

    /// Tells it until it is answered, under one key.
    fn tell(&self, path: &str, event: &Value, key: &str) -> Message {
        loop {
            match self.api.ask("POST", path, event, key) {
                Ok(answer) if answer.status() != 503 => return answer,
                _ => thread::sleep(BREATH),
            }
        }
    }

    fn wrong(&self, what: String) {
        let mut wrong = self
            .done
            .wrong
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        wrong.push(what);
        thread::sleep(PAUSE);
    }
}

fn said(answer: &Message) -> Value {
    answer.json().unwrap_or_default()
}
