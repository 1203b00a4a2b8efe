//! Somebody whom the server tells what happens: counts deliveries by their `webhook-id`, checks their
//! signature, and cuts some off.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::foreign::Wrong;
use crate::http::{Api, Message, serve, text};

/// Of so many deliveries that come for the first time, one is cut off. It comes again after minutes at
/// worst, if a server was killed at it before.
const CUT_ONE_OF: u64 = 64;
/// How long what happened may take to be told once nobody is killed any more: a server that was killed
/// keeps what it had taken up from another one for a minute.
const PATIENCE: Duration = Duration::from_secs(180);
/// The families of events that are told.
const HEARD: [&str; 2] = ["deployment", "approval"];
/// A row of the log that changes nothing that is told.
const SILENT: [&str; 3] = [
    "deployment.renewed",
    "deployment.joined",
    "deployment.part_ended",
];

/// What came, by `webhook-id`: the place of its row in the log, its body, and how often it came.
type Came = BTreeMap<String, (i64, Vec<u8>, u64)>;

#[derive(Default)]
struct Heard {
    came: Mutex<Came>,
    /// Identifiers that came with another body than before, or with a signature of somebody else.
    wrong: Mutex<Vec<String>>,
}

pub struct Receiver {
    heard: Arc<Heard>,
}

impl Receiver {
    /// Listens, and makes the webhook.
    pub fn start(api: &Api, chance: &Arc<Chance>) -> io::Result<Receiver> {
        let heard = Arc::new(Heard::default());
        let (listening, chance) = (Arc::clone(&heard), Arc::clone(chance));
        let secret = format!("torture-{:032x}", chance.below(u64::MAX));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let address = serve(move |request| listening.hear(request, &key, &chance))?;
        let url = format!("http://{address}/");
        let webhook = json!({ "url": url, "secret": secret, "events": HEARD });
        api.done("POST", "/webhooks/", &webhook)?;
        Ok(Receiver { heard })
    }

    /// Whether everything that is recorded was told, under one identifier, and nothing else.
    pub fn judge(self, api: &Api) -> io::Result<bool> {
        let mut recorded = BTreeMap::new();
        for family in HEARD {
            for row in api.list(&format!("/audit/?kind={family}&limit=500"))? {
                let kind = text(&row, "/kind").to_owned();
                if !SILENT.contains(&kind.as_str()) {
                    recorded.insert(row["position"].as_i64().unwrap_or(0), kind);
                }
            }
        }
        let begin = Instant::now();
        let missing = loop {
            let came = self
                .heard
                .came
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let places: BTreeSet<i64> = came.values().map(|(place, ..)| *place).collect();
            drop(came);
            let missing: Vec<_> = recorded
                .iter()
                .filter(|(place, _)| !places.contains(place))
                .collect();
            if missing.is_empty() || begin.elapsed() > PATIENCE {
                break missing;
            }
            thread::sleep(Duration::from_millis(200));
        };
        let mut wrong = Wrong::default();
        missing
            .iter()
            .for_each(|(place, kind)| wrong.note("never told", kind, &json!(place)));
        let came = self
            .heard
            .came
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut ids: BTreeMap<(i64, &str), Vec<&str>> = BTreeMap::new();
        let bodies: Vec<(&str, i64, Value)> = came
            .iter()
            .map(|(id, (place, body, _))| {
                (
                    id.as_str(),
                    *place,
                    serde_json::from_slice(body).unwrap_or_default(),
                )
            })
            .collect();
        for (id, place, body) in &bodies {
            if !recorded.contains_key(place) {
                wrong.note("told of what is not recorded", id, body);
            }
            ids.entry((*place, text(body, "/type")))
                .or_default()
                .push(id);
        }
        // What a row changed beside its subject is told as another thing.
        let doubled = ids.iter().filter(|(_, ids)| ids.len() > 1);
        let doubled: Vec<_> = doubled.filter(|(_, ids)| is_same(&came, ids)).collect();
        doubled
            .iter()
            .for_each(|(place, ids)| wrong.note("two identifiers", &ids.join(", "), &json!(place)));
        let odd = self
            .heard
            .wrong
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        odd.iter()
            .for_each(|odd| wrong.note("delivery", odd, &Value::Null));
        println!(
            "{} rows of the log, {} never told; {} deliveries, {} in all with those that came again: {} wrong",
            recorded.len(),
            missing.len(),
            came.len(),
            came.values().map(|(.., count)| count).sum::<u64>(),
            wrong.count
        );
        Ok(wrong.count == 0 && !came.is_empty())
    }
}

/// Whether two identifiers tell the same.
fn is_same(came: &Came, ids: &[&str]) -> bool {
    let bodies: BTreeSet<_> = ids
        .iter()
        .filter_map(|id| came.get(*id))
        .map(|(_, body, _)| body)
        .collect();
    bodies.len() < ids.len()
}

impl Heard {
    fn hear(&self, request: &Message, key: &hmac::Key, chance: &Chance) -> Option<(u16, Value)> {
        let id = request.header("webhook-id").to_owned();
        let signed = request.header("x-versioner-signature");
        let tag = hmac::sign(key, &request.body);
        let is_signed = signed == format!("sha256={}", crate::foreign::hex(tag.as_ref()));
        let body = request.json().unwrap_or_default();
        let place = body["data"]["number"].as_i64().unwrap_or(0);
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !came.contains_key(&id);
        let known = came
            .entry(id.clone())
            .or_insert_with(|| (place, request.body.clone(), 0));
        known.2 += 1;
        if known.1 != request.body || !is_signed {
            let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            wrong.push(format!("{id}, signed: {is_signed}"));
        }
        drop(came);
        (!is_new || chance.below(CUT_ONE_OF) > 0).then(|| (200, json!({})))
    }
}
