//! Somebody who is told what happens by webhooks, and what became of that.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// Long enough for whatever comes.
const LONG: Duration = Duration::from_secs(60);
/// For a receiver that never answers.
pub const SILENCE: &str = "";
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

/// What a receiver got.
#[derive(Debug, Clone)]
pub struct Got {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn event(&self) -> &str {
        &self.headers["x-versioner-event"]
    }
}

/// What a receiver answers.
#[derive(Clone)]
enum Says {
    Text(String),
    /// The next request is answered with what comes here.
    Held(Arc<Mutex<Channel<String>>>),
}

/// Somebody who is told what happens, and answers what a test says.
pub struct Receiver {
    pub url: String,
    got: Mutex<Channel<Got>>,
    says: Arc<Mutex<Says>>,
}

impl Receiver {
    pub fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let says = Arc::new(Mutex::new(Says::Text(OK.to_owned())));
        let (tell, got) = channel();
        let answer = says.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tell, answer) = (tell.clone(), answer.clone());
                std::thread::spawn(move || take(stream.unwrap(), &tell, &answer));
            }
        });
        Receiver {
            url,
            got: Mutex::new(got),
            says,
        }
    }

    pub fn says(&self, answer: &str) {
        *self.says.lock().unwrap() = Says::Text(answer.to_owned());
    }

    /// Answers nothing until an answer is sent. Requests that come after [`Self::says`] do not wait.
    pub fn holds(&self) -> Sender<String> {
        let (answer, held) = channel();
        *self.says.lock().unwrap() = Says::Held(Arc::new(Mutex::new(held)));
        answer
    }

    /// The next delivery.
    #[track_caller]
    pub fn next(&self) -> Got {
        let got = self.got.lock().unwrap().recv_timeout(LONG);
        got.expect("a delivery")
    }

    /// What has come by now.
    pub fn all(&self) -> Vec<Got> {
        self.got.lock().unwrap().try_iter().collect()
    }
}

/// One request. One that is cut off is none.
pub fn hear(reader: &mut BufReader<TcpStream>) -> Option<Got> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = lines[0].split(' ').map(str::to_owned);
    Some(Got {
        method: words.next().unwrap(),
        path: words.next().unwrap(),
        headers,
        text: String::from_utf8(body).unwrap(),
    })
}

/// Takes one request.
fn take(stream: TcpStream, tell: &Sender<Got>, says: &Mutex<Says>) {
    let mut reader = BufReader::new(stream);
    let Some(got) = hear(&mut reader) else {
        return;
    };
    // What it answers is decided before a test hears of the request.
    let says = says.lock().unwrap().clone();
    let _ = tell.send(got);
    let text = match says {
        Says::Text(text) if text == SILENCE => loop {
            std::thread::park();
        },
        Says::Text(text) => text,
        Says::Held(answer) => answer.lock().unwrap().recv().unwrap_or_default(),
    };
    let _ = reader.get_mut().write_all(text.as_bytes());
}

/// Makes a webhook, and answers it with its secret.
pub fn webhook(server: &Server, receiver: &Receiver, more: Value) -> (String, String) {
    let mut body = json!({ "url": receiver.url });
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    let made = server.client.post("/webhooks/", &body).expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

/// Asks until something is so.
#[track_caller]
pub fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::yield_now();
    }
}

pub fn deliveries(client: &Client, id: &str) -> Vec<Value> {
    let page = client
        .get(&format!("/webhooks/{id}/deliveries/"))
        .expect(200);
    page["items"].as_array().unwrap().clone()
}

/// Waits until every attempt on the newest delivery is over, and answers it.
#[track_caller]
pub fn settled(server: &Server, id: &str, attempts: i64) -> Value {
    let newest = || deliveries(&server.client, id).first().cloned();
    let is = || {
        newest().is_some_and(|newest| {
            newest["attempt_count"] == attempts
                && (newest["state"] != "waiting" || !newest["error"].is_null())
        })
    };
    until("an attempt is over", is);
    let newest = newest().unwrap();
    attempted(server, id, newest["id"].as_str().unwrap(), attempts)
}

/// Waits until so many attempts on a delivery are over, and answers it.
#[track_caller]
pub fn attempted(server: &Server, id: &str, delivery: &str, attempts: i64) -> Value {
    let path = format!("/webhooks/{id}/deliveries/{delivery}/");
    let whole = || server.client.get(&path).expect(200);
    until("an attempt is written", || {
        whole()["attempts"].as_array().unwrap().len() >= usize::try_from(attempts).unwrap()
    });
    whole()
}
