//! Slack: shows what the server asks, and lets people click on it, each click more than once and until it is
//! answered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::foreign::{Wrong, hex};
use crate::guarded::PRODUCT;
use crate::http::{Api, Message, ask, serve, text};

const TEAM: &str = "T0TORTURE";
const APP: &str = "A0TORTURE";
const SIGNING_SECRET: &str = "8f742231b10e8888abcd99d5e7c785a5";
/// Who clicks; each must, before anything goes.
pub const PEOPLE: [&str; 2] = ["U0ADA", "U0LENA"];
const THREADS: usize = 4;
const BREATH: Duration = Duration::from_millis(2);

/// A click of somebody, as Slack sends it.
#[derive(Clone)]
struct Click {
    version: String,
    user: &'static str,
    /// What the button names.
    asked: String,
    form: String,
}

#[derive(Default)]
struct Known {
    next: u64,
    /// How many messages were posted for what a button names.
    posted: BTreeMap<String, u64>,
    to_click: VecDeque<Click>,
    /// Who has begun to click for a version.
    begun: BTreeSet<(String, &'static str)>,
    /// Who clicked for a version and was answered, and what the button named.
    answered: BTreeMap<(String, &'static str), String>,
    /// What somebody was told, and how often.
    told: BTreeMap<String, u64>,
    odd: Vec<String>,
}

#[derive(Default)]
pub struct Shared {
    known: Mutex<Known>,
    /// Where somebody can be told something.
    told_at: OnceLock<String>,
    sent: AtomicU64,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everybody has at least begun to click for a version.
    pub fn may_be_approved(&self, version: &str) -> bool {
        let known = self.known();
        PEOPLE
            .iter()
            .all(|user| known.begun.contains(&(version.to_owned(), user)))
    }

    /// Of how many things people were asked.
    pub fn asked(&self) -> usize {
        self.known().posted.len()
    }
}

pub struct Slack {
    pub api: SocketAddr,
    pub shared: Arc<Shared>,
}

pub struct Clicking {
    shared: Arc<Shared>,
    /// The user of each actor of the log.
    people: BTreeMap<String, &'static str>,
    threads: Vec<JoinHandle<()>>,
}

impl Slack {
    pub fn start(chance: &Arc<Chance>) -> io::Result<Slack> {
        let shared = Arc::new(Shared::default());
        let (serving, chance) = (Arc::clone(&shared), Arc::clone(chance));
        let api = serve(move |request| Some((200, serving.answer(request, &chance))))?;
        shared.told_at.get_or_init(|| format!("http://{api}/told"));
        Ok(Slack { api, shared })
    }

    /// Makes the people and the rule, reaches this Slack, and clicks through the link until `is_over` and
    /// nothing is left to click on.
    pub fn click(
        self,
        api: &Api,
        link: SocketAddr,
        environments: &[String],
        is_over: &Arc<AtomicBool>,
    ) -> io::Result<Clicking> {
        let mut people = BTreeMap::new();
        for user in PEOPLE {
            let person = json!({
                "name": user, "emails": [address(user)], "role": "developer", "approves": ["release"],
            });
            let made = api.done("POST", "/people/", &person)?;
            people.insert(format!("person:{}", text(&made, "/id")), user);
        }
        let rule = json!({
            "name": "Everybody says yes", "type": "release_approval", "environments": environments,
            "config": { "required_approvals": PEOPLE.len() }, "create": true,
        });
        api.done("POST", "/deployment-rules/", &rule)?;
        let channels: Vec<Value> = environments
            .iter()
            .enumerate()
            .map(|(number, environment)| {
                json!({
                    "channel": format!("C0TORTURE{number}"), "environments": [environment],
                    "statuses": ["failed"], "approvals": true,
                })
            })
            .collect();
        let slack = json!({
            "team_id": TEAM, "app_id": APP, "bot_token": "xoxb-1234567890-torture", "by_address": true,
            "signing_secret": SIGNING_SECRET, "channels": channels,
        });
        api.done("PUT", "/slack/", &slack)?;
        let threads = (0..THREADS).map(|_| {
            let (shared, is_over) = (Arc::clone(&self.shared), Arc::clone(is_over));
            thread::spawn(move || shared.click_all(link, &is_over))
        });
        Ok(Clicking {
            threads: threads.collect(),
            people,
            shared: self.shared,
        })
    }
}

impl Clicking {
    /// Whether each click that was answered counted, and once.
    pub fn judge(self, api: &Api) -> io::Result<bool> {
        for thread in self.threads {
            let ended = thread.join();
            ended.map_err(|_| io::Error::other("somebody who clicks is gone"))?;
        }
        let versions = api.list(&format!("/versions/?product={PRODUCT}&limit=100"))?;
        let versions: BTreeMap<&str, &str> = versions
            .iter()
            .map(|version| (text(version, "/id"), text(version, "/version")))
            .collect();
        let mut given: BTreeMap<(String, &'static str), u64> = BTreeMap::new();
        let mut wrong = Wrong::default();
        for row in api.list("/audit/?kind=approval&limit=500")? {
            let id = text(&row, "/changes/0/approval/version_id");
            match (versions.get(id), self.people.get(text(&row, "/actor"))) {
                (Some(version), Some(user)) => {
                    *given.entry(((*version).to_owned(), *user)).or_default() += 1;
                }
                _ => wrong.note("approval of nobody or of nothing", id, &row),
            }
        }
        let known = self.shared.known();
        for (click, asked) in &known.answered {
            let again = known.posted.get(asked).copied().unwrap_or(0);
            match given.get(click).copied().unwrap_or(0) {
                1 => {}
                // Of a message that was posted twice the first counts for nothing, which it says.
                0 if again > 1 => {}
                count => wrong.note("click", &format!("{click:?}"), &json!(count)),
            }
        }
        for (click, count) in &given {
            if *count > 1 || !known.begun.contains(click) {
                wrong.note("approval", &format!("{click:?}"), &json!(count));
            }
        }
        let twice = known.posted.values().filter(|count| **count > 1).count();
        println!(
            "{} questions in Slack, {twice} of them posted twice; {} clicks answered, sent {} times; {} \
             approvals: {} wrong, {} odd answers",
            known.posted.len(),
            known.answered.len(),
            self.shared.sent.load(Ordering::Relaxed),
            given.values().sum::<u64>(),
            wrong.count,
            known.odd.len()
        );
        if wrong.count > 0 {
            let told = known.told.iter();
            told.for_each(|(what, count)| println!("told {count} times: {what}"));
        }
        known
            .odd
            .iter()
            .take(5)
            .for_each(|odd| println!("odd: {odd}"));
        Ok(wrong.count == 0 && known.odd.is_empty() && !known.answered.is_empty())
    }
}

fn address(user: &str) -> String {
    format!("{}@example.com", user.to_lowercase())
}

impl Shared {
    /// What Slack answers to the server.
    fn answer(&self, request: &Message, chance: &Chance) -> Value {
        match request.path() {
            "/api/chat.postMessage" => {
                let body = request.json().unwrap_or_default();
                json!({ "ok": true, "ts": self.post(&body, chance), "channel": body["channel"] })
            }
            "/api/users.info" => {
                let body = String::from_utf8_lossy(&request.body);
                let user = body.trim_start_matches("user=");
                json!({ "ok": true, "user": {
                    "id": user, "team_id": TEAM, "is_email_confirmed": true,
                    "profile": { "email": address(user) },
                } })
            }
            "/told" => {
                let said = request.json().unwrap_or_default();
                // Without the version, of which each is another.
                let words = text(&said, "/text").split_whitespace();
                let words: Vec<_> = words.filter(|word| !word.starts_with('g')).collect();
                *self.known().told.entry(words.join(" ")).or_default() += 1;
                json!({ "ok": true })
            }
            "/api/conversations.info" => json!({ "ok": true, "channel": { "is_shared": false } }),
            _ => json!({ "ok": true }),
        }
    }

    /// Shows a message; if it asks, everybody clicks on it.
    fn post(&self, message: &Value, chance: &Chance) -> String {
        let mut known = self.known();
        known.next += 1;
        let ts = format!("{}.000100", 1_700_000_000 + known.next);
        let Some(asked) = button(&message["blocks"], "approve_release") else {
            return ts;
        };
        *known.posted.entry(asked.to_owned()).or_default() += 1;
        let mut words = text(message, "/text").split_whitespace();
        let version = words
            .find(|word| *word == PRODUCT)
            .and_then(|_| words.next());
        for user in PEOPLE {
            known.next += 1;
            let payload = json!({
                "type": "block_actions", "api_app_id": APP, "trigger_id": format!("{}.t", known.next),
                "team": { "id": TEAM }, "user": { "id": user, "team_id": TEAM },
                "channel": { "id": message["channel"] }, "message": { "ts": ts },
                "response_url": self.told_at.get(),
                "actions": [{
                    "action_id": "approve_release", "value": asked,
                    "action_ts": format!("{}.000001", known.next),
                }],
            });
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("payload", &payload.to_string());
            let click = Click {
                version: version.unwrap_or_default().to_owned(),
                user,
                asked: asked.to_owned(),
                form: form.finish(),
            };
            for _ in 0..=chance.below(3) {
                known.to_click.push_back(click.clone());
            }
        }
        ts
    }

    fn click_all(&self, link: SocketAddr, is_over: &AtomicBool) {
        loop {
            let ends = is_over.load(Ordering::Relaxed);
            let Some(click) = self.known().to_click.pop_front() else {
                if ends {
                    return;
                }
                thread::sleep(BREATH);
                continue;
            };
            self.send(link, &click);
        }
    }

    /// Sends a click until it is answered.
    fn send(&self, link: SocketAddr, click: &Click) {
        let who = (click.version.clone(), click.user);
        self.known().begun.insert(who.clone());
        let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
        loop {
            self.sent.fetch_add(1, Ordering::Relaxed);
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let seconds = now.map_or(0, |now| now.as_secs()).to_string();
            let tag = hmac::sign(&key, format!("v0:{seconds}:{}", click.form).as_bytes());
            let signature = format!("v0={}", hex(tag.as_ref()));
            let headers = [
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("X-Slack-Request-Timestamp", seconds.as_str()),
                ("X-Slack-Signature", signature.as_str()),
            ];
            let answer = ask(
                link,
                "POST",
                "/slack/interactions",
                &headers,
                click.form.as_bytes(),
            );
            match answer.map(|answer| (answer.status(), answer.body)) {
                Ok((200, _)) => {
                    self.known().answered.insert(who, click.asked.clone());
                    return;
                }
                Ok((503, _)) | Err(_) => thread::sleep(BREATH),
                Ok((status, body)) => {
                    let body = String::from_utf8_lossy(&body).into_owned();
                    self.known().odd.push(format!("{who:?}: {status} {body}"));
                    return;
                }
            }
        }
    }
}

/// What the button of an action names, somewhere in the blocks of a message.
fn button<'a>(blocks: &'a Value, action: &str) -> Option<&'a str> {
    let elements = blocks
        .as_array()?
        .iter()
        .filter_map(|block| block["elements"].as_array());
    let mut buttons = elements.flatten();
    buttons.find(|button| button["action_id"] == action)?["value"].as_str()
}
