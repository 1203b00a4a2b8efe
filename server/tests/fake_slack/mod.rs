//! A Slack to test against: the part of its Web API that the server calls, and Socket Mode. It keeps what
//! it is told, and does what a test says: clicks, types, goes away, takes no more.

#![allow(dead_code, reason = "a program and the tests use it, each a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

pub const TEAM: &str = "T0FAKE";
pub const APP: &str = "A0FAKE";
pub const BOT_TOKEN: &str = "xoxb-fake-bot-token";
pub const APP_TOKEN: &str = "xapp-1-A0FAKE-1-fake-app-token";
pub const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a socket is told to do.
enum Order {
    Send(String),
    Drop,
}

/// Everything that the fake knows.
#[derive(Default)]
pub struct Known {
    /// Every call: the method, and what was sent.
    pub calls: Vec<(String, Value)>,
    /// The messages by channel and ts, as they are shown now.
    pub messages: BTreeMap<(String, String), Value>,
    /// What was said to one user where Slack takes answers.
    pub answers: Vec<Value>,
    /// What was acknowledged over a socket, by envelope.
    pub acknowledged: BTreeMap<String, Value>,
    /// The sockets that are open, by their number.
    sockets: BTreeMap<u64, UnboundedSender<Order>>,
    /// How many sockets were ever opened.
    pub opened: u64,
    /// Methods that are answered with an error until somebody says otherwise.
    refused: BTreeMap<String, String>,
    /// How many calls are answered 429, and after how many seconds another may come.
    limited: (u32, u64),
    /// Whether nothing is answered at all.
    away: bool,
    /// How many posts are done, but answered as if they were not.
    lost: u32,
    /// Whether posts are done, but not answered until they are released, and those that wait for that.
    holding: bool,
    held: Vec<oneshot::Sender<Option<String>>>,
    /// What is answered in place of JSON.
    garbled: Option<(u16, String)>,
    shared: BTreeSet<String>,
    users: BTreeMap<String, Value>,
    next: u64,
}

struct Inner {
    known: Mutex<Known>,
    changed: Condvar,
    http: String,
    sockets: String,
}

/// A running fake.
#[derive(Clone)]
pub struct FakeSlack(Arc<Inner>);

impl FakeSlack {
    /// Starts it, for as long as the process lives.
    pub fn start() -> FakeSlack {
        let (ready, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let fake = FakeSlack::bind(0).await;
                ready.send(fake.0.clone()).unwrap();
                fake.serve().await;
            });
        });
        FakeSlack(started.recv().expect("the fake starts"))
    }

    /// The same on a port, in the runtime of the caller, who then serves it.
    pub async fn listen(port: u16) -> (FakeSlack, impl Future<Output = ()>) {
        let running = FakeSlack::bind(port).await;
        (FakeSlack(running.0.clone()), running.serve())
    }

    async fn bind(port: u16) -> Running {
        let http = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let sockets = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner {
            known: Mutex::default(),
            changed: Condvar::new(),
            http: format!("http://{}", http.local_addr().unwrap()),
            sockets: format!(
                "ws://{}/link/?ticket=fake&app_id={APP}",
                sockets.local_addr().unwrap()
            ),
        });
        Running(inner, http, sockets)
    }

    /// Where its Web API is.
    pub fn api(&self) -> String {
        format!("{}/api/", self.0.http)
    }

    /// Where it takes answers to what a user did.
    pub fn response_url(&self) -> String {
        format!("{}/answers", self.0.http)
    }

    /// What it knows now.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap()
    }

    /// Every message, as it is shown now.
    pub fn shown(&self) -> Vec<Value> {
        self.known().messages.values().cloned().collect()
    }

    /// Changes what it does.
    pub fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known());
        self.0.changed.notify_all();
    }

    /// Waits until it knows something.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, mut look: impl FnMut(&Known) -> Option<T>) -> T {
        let mut known = self.known();
        loop {
            if let Some(found) = look(&known) {
                return found;
            }
            let (next, over) = self.0.changed.wait_timeout(known, PATIENCE).unwrap();
            known = next;
            if over.timed_out() {
                let messages: Vec<&Value> = known.messages.values().collect();
                panic!("{what} does not come; messages: {}", json!(messages));
            }
        }
    }

    /// Waits for a message in which this text stands.
    #[track_caller]
    pub fn message(&self, text: &str) -> Value {
        self.wait(text, |known| {
            let mut messages = known.messages.values();
            messages.find(|one| one.to_string().contains(text)).cloned()
        })
    }

    /// Waits for what somebody is told alone.
    #[track_caller]
    pub fn told(&self, text: &str) -> Value {
        self.wait(text, |known| {
            let mut answers = known.answers.iter();
            answers.find(|one| one.to_string().contains(text)).cloned()
        })
    }

    /// Takes no more calls of a method for this reason; none takes them again.
    pub fn refuse(&self, method: &str, error: Option<&str>) {
        self.change(|known| {
            match error {
                Some(error) => known.refused.insert(method.to_owned(), error.to_owned()),
                None => known.refused.remove(method),
            };
        });
    }

    /// Answers so many calls with 429.
    pub fn limit(&self, calls: u32, seconds: u64) {
        self.change(|known| known.limited = (calls, seconds));
    }

    /// Answers nothing any more, or again.
    pub fn go_away(&self, away: bool) {
        self.change(|known| known.away = away);
    }

    /// Does so many posts, and answers each as if it had not.
    pub fn lose(&self, posts: u32) {
        self.change(|known| known.lost = posts);
    }

    /// Does posts from now on, and does not answer.
    pub fn hold(&self) {
        self.change(|known| known.holding = true);
    }

    /// Answers the posts that were held, with an error if there is one, and holds no more.
    pub fn release(&self, error: Option<&str>) {
        self.change(|known| {
            known.holding = false;
            for held in known.held.drain(..) {
                // Whoever asked may be gone.
                let _ = held.send(error.map(str::to_owned));
            }
        });
    }

    /// Answers every call with this status and text, or as it should again.
    pub fn garble(&self, answer: Option<(u16, &str)>) {
        self.change(|known| known.garbled = answer.map(|(code, text)| (code, text.to_owned())));
    }

    /// Shares a channel with another team.
    pub fn share(&self, channel: &str) {
        self.change(|known| {
            known.shared.insert(channel.to_owned());
        });
    }

    /// What `users.info` says of a user.
    pub fn describe_user(&self, user: &str, about: Value) {
        self.change(|known| {
            known.users.insert(user.to_owned(), about);
        });
    }

    /// The payload of a click on a button of a message.
    pub fn click_on(&self, message: &Value, action: &str, user: &str) -> Value {
        let blocks = message["blocks"].as_array().unwrap();
        let buttons = blocks.iter().filter(|block| block["type"] == "actions");
        let mut buttons = buttons.flat_map(|block| block["elements"].as_array().unwrap());
        let button = buttons.find(|button| button["action_id"] == action);
        let button = button.unwrap_or_else(|| panic!("no button {action} in {message}"));
        let number = self.number();
        json!({
            "type": "block_actions",
            "api_app_id": APP,
            "trigger_id": format!("{number}.trigger"),
            "team": { "id": TEAM, "domain": "fake" },
            "user": { "id": user, "username": user.to_lowercase(), "team_id": TEAM },
            "channel": { "id": message["channel"], "name": "releases" },
            "container": {
                "type": "message", "message_ts": message["ts"], "channel_id": message["channel"],
                "is_ephemeral": false,
            },
            "message": message,
            "response_url": self.response_url(),
            "actions": [{
                "type": "button", "block_id": "b", "action_id": action, "value": button["value"],
                "action_ts": format!("{number}.000001"),
            }],
        })
    }

    /// The payload of a window that is sent.
    pub fn submit(&self, view: &Value, typed: &str, user: &str) -> Value {
        json!({
            "type": "view_submission",
            "api_app_id": APP,
            "trigger_id": format!("{}.trigger", self.number()),
            "team": { "id": TEAM, "domain": "fake" },
            "user": { "id": user, "username": user.to_lowercase(), "team_id": TEAM },
            "view": {
                "id": view["id"], "callback_id": view["callback_id"],
                "private_metadata": view["private_metadata"],
                "state": { "values": { "reason": { "reason": { "value": typed } } } },
            },
        })
    }

    /// The fields of a command.
    pub fn command(&self, text: &str, user: &str) -> Value {
        json!({
            "command": "/versioner", "text": text, "user_id": user,
            "user_name": user.to_lowercase(), "team_id": TEAM, "team_domain": "fake",
            "api_app_id": APP, "channel_id": "C0RELEASES", "channel_name": "releases",
            "response_url": self.response_url(),
            "trigger_id": format!("{}.trigger", self.number()),
        })
    }

    /// A number that was not there before.
    fn number(&self) -> u64 {
        let mut known = self.known();
        known.next += 1;
        known.next
    }

    /// Sends an envelope over the newest socket, and answers its name.
    pub fn send(&self, kind: &str, payload: &Value) -> String {
        let id = format!("envelope-{}", self.number());
        self.send_as(&id, kind, payload);
        id
    }

    /// The same under a name, which may have been sent before.
    pub fn send_as(&self, id: &str, kind: &str, payload: &Value) {
        let envelope = json!({
            "envelope_id": id, "type": kind, "payload": payload,
            "accepts_response_payload": kind == "slash_commands", "retry_attempt": 0,
        });
        self.order(|| Order::Send(envelope.to_string()));
    }

    /// Waits until an envelope is acknowledged, and answers with what.
    #[track_caller]
    pub fn acknowledged(&self, id: &str) -> Value {
        self.wait(id, |known| known.acknowledged.get(id).cloned())
    }

    /// Sends the same envelope over every open socket, and answers how many there are.
    pub fn send_everywhere(&self, id: &str, kind: &str, payload: &Value) -> usize {
        let envelope = json!({ "envelope_id": id, "type": kind, "payload": payload });
        let known = self.known();
        let sockets = known.sockets.values();
        let sent = sockets.filter(|one| one.send(Order::Send(envelope.to_string())).is_ok());
        sent.count()
    }

    /// Sends a text over the newest socket, whatever it is.
    pub fn send_text(&self, text: &str) {
        self.order(|| Order::Send(text.to_owned()));
    }

    /// Says that the newest socket is about to be closed.
    pub fn disconnect(&self, reason: &str) {
        let text = json!({ "type": "disconnect", "reason": reason, "debug_info": {} });
        self.send_text(&text.to_string());
    }

    /// Removes every message, as people can.
    pub fn remove_messages(&self) {
        self.change(|known| known.messages.clear());
    }

    /// Cuts every socket off, without a word.
    pub fn drop_sockets(&self) {
        for socket in self.known().sockets.values() {
            let _ = socket.send(Order::Drop);
        }
    }

    /// Waits until so many sockets were opened, and one of them is open.
    pub fn opened(&self, count: u64) {
        self.wait("a socket", |known| {
            (known.opened >= count && !known.sockets.is_empty()).then_some(())
        });
    }

    fn order(&self, order: impl Fn() -> Order) {
        self.wait("an open socket", |known| {
            let (_, newest) = known.sockets.last_key_value()?;
            newest.send(order()).ok()
        });
    }
}

struct Running(Arc<Inner>, TcpListener, TcpListener);

impl Running {
    async fn serve(self) {
        let Running(inner, http, sockets) = self;
        let fake = FakeSlack(inner);
        let router = Router::new()
            .route("/api/{method}", post(call))
            .route("/answers", post(answer))
            .route("/fake/state", get(state))
            .route("/fake/command", post(type_command))
            .route("/fake/click", post(click))
            .route("/fake/envelope", post(envelope))
            .with_state(fake.clone());
        let accepting = async {
            loop {
                if let Ok((stream, _)) = sockets.accept().await {
                    tokio::spawn(socket(fake.clone(), stream));
                }
            }
        };
        tokio::select! {
            served = async { axum::serve(http, router).await } => served.unwrap(),
            () = accepting => {}
        }
    }
}

fn fields(headers: &HeaderMap, body: &[u8]) -> Value {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return serde_json::from_slice(body).unwrap();
    }
    let pairs = form_urlencoded::parse(body);
    pairs
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect()
}

async fn call(
    State(fake): State<FakeSlack>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (response, held) = respond(&fake, &method, &headers, fields(&headers, &body));
    fake.0.changed.notify_all();
    match held {
        Some(released) => match released.await {
            Ok(Some(word)) => Json(json!({ "ok": false, "error": word })).into_response(),
            _ => response,
        },
        None => response,
    }
}

type Held = Option<oneshot::Receiver<Option<String>>>;

/// What a call is answered, and what that waits for.
fn respond(fake: &FakeSlack, method: &str, headers: &HeaderMap, sent: Value) -> (Response, Held) {
    let mut known = fake.known();
    let response = {
        let error = |word: &str| Json(json!({ "ok": false, "error": word })).into_response();
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let needed = match method {
            "apps.connections.open" => APP_TOKEN,
            _ => BOT_TOKEN,
        };
        if let Some((code, text)) = known.garbled.clone() {
            let code = StatusCode::from_u16(code).unwrap();
            known.calls.push(("garbled".to_owned(), json!(method)));
            (code, text).into_response()
        } else if known.away {
            StatusCode::BAD_GATEWAY.into_response()
        } else if known.limited.0 > 0 {
            known.limited.0 -= 1;
            known.calls.push(("429".to_owned(), json!(method)));
            let after = [(header::RETRY_AFTER, known.limited.1.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, after).into_response()
        } else if let Some(word) = known.refused.get(method) {
            error(word)
        } else if token != Some(&format!("Bearer {needed}")) {
            error("invalid_auth")
        } else {
            known.calls.push((method.to_owned(), sent.clone()));
            let answer = answer_of(fake, &mut known, method, sent);
            match method == "chat.postMessage" && known.lost > 0 {
                true => {
                    known.lost -= 1;
                    StatusCode::BAD_GATEWAY.into_response()
                }
                false => Json(answer).into_response(),
            }
        }
    };
    let held = (known.holding && method == "chat.postMessage").then(|| {
        let (release, released) = oneshot::channel();
        known.held.push(release);
        released
    });
    (response, held)
}

fn answer_of(fake: &FakeSlack, known: &mut Known, method: &str, mut sent: Value) -> Value {
    let channel = sent["channel"].as_str().unwrap_or_default().to_owned();
    if channel.starts_with("C0GONE") {
        return json!({ "ok": false, "error": "channel_not_found" });
    }
    match method {
        "auth.test" => json!({
            "ok": true, "url": "https://fake.slack.com/", "team": "Fake", "user": "versioner",
            "team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT",
        }),
        "apps.connections.open" => json!({ "ok": true, "url": fake.0.sockets }),
        "chat.postMessage" => {
            known.next += 1;
            let ts = format!("{}.000100", 1_700_000_000 + known.next);
            sent["ts"] = json!(ts);
            known
                .messages
                .insert((channel.clone(), ts.clone()), sent.clone());
            json!({ "ok": true, "channel": channel, "ts": ts, "message": sent })
        }
        "chat.update" => {
            let ts = sent["ts"].as_str().unwrap_or_default().to_owned();
            match known.messages.get_mut(&(channel.clone(), ts.clone())) {
                Some(message) => {
                    message["text"] = sent["text"].clone();
                    message["blocks"] = sent["blocks"].clone();
                    json!({ "ok": true, "channel": channel, "ts": ts, "text": sent["text"] })
                }
                None => json!({ "ok": false, "error": "message_not_found" }),
            }
        }
        "conversations.history" => json!({
            "ok": true, "has_more": false, "response_metadata": { "next_cursor": "" },
            "messages": shown(known, &channel, |one| {
                one["thread_ts"].is_null() || one["reply_broadcast"] == true
            }),
        }),
        "conversations.replies" => {
            let ts = &sent["ts"];
            let of = |one: &Value| one["ts"] == *ts || one["thread_ts"] == *ts;
            json!({ "ok": true, "has_more": false, "messages": shown(known, &channel, of) })
        }
        "views.open" => {
            known.next += 1;
            let mut view = sent["view"].clone();
            view["id"] = json!(format!("V{}", known.next));
            if let Some((_, opened)) = known.calls.last_mut() {
                *opened = view.clone();
            }
            json!({ "ok": true, "view": view })
        }
        "users.info" => {
            let user = sent["user"].as_str().unwrap_or_default();
            match known.users.get(user) {
                Some(about) => json!({ "ok": true, "user": about }),
                None => json!({ "ok": false, "error": "user_not_found" }),
            }
        }
        "conversations.info" => json!({
            "ok": true,
            "channel": { "id": channel, "is_shared": known.shared.contains(&channel) },
        }),
        _ => json!({ "ok": false, "error": "unknown_method" }),
    }
}

/// The messages of a channel, the newest first.
fn shown(known: &Known, channel: &str, which: impl Fn(&Value) -> bool) -> Vec<Value> {
    let all = known.messages.iter().rev();
    let all = all.filter(|((of, _), message)| of == channel && which(message));
    all.map(|(_, message)| message.clone()).collect()
}

async fn answer(State(fake): State<FakeSlack>, body: Bytes) -> &'static str {
    let said = serde_json::from_slice(&body).unwrap();
    fake.change(|known| known.answers.push(said));
    "ok"
}

async fn socket(fake: FakeSlack, stream: TcpStream) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let hello = json!({
        "type": "hello", "num_connections": 1, "connection_info": { "app_id": APP },
        "debug_info": { "host": "fake", "build_number": 1, "approximate_connection_time": 18060 },
    });
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    let (order, mut orders) = unbounded_channel();
    let mut number = 0;
    fake.change(|known| {
        known.opened += 1;
        number = known.opened;
        known.sockets.insert(number, order);
    });
    loop {
        tokio::select! {
            ordered = orders.recv() => match ordered {
                Some(Order::Send(text)) => {
                    if socket.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
                Some(Order::Drop) | None => break,
            },
            came = socket.next() => match came {
                Some(Ok(Message::Text(text))) => {
                    let said: Value = serde_json::from_str(&text).unwrap_or_default();
                    if let Some(id) = said["envelope_id"].as_str() {
                        let payload = said["payload"].clone();
                        fake.change(|known| {
                            known.acknowledged.insert(id.to_owned(), payload);
                        });
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    fake.change(|known| {
        known.sockets.remove(&number);
    });
}

/// What another program asks the fake for, over HTTP.
async fn state(State(fake): State<FakeSlack>) -> Json<Value> {
    let known = fake.known();
    let messages: Vec<&Value> = known.messages.values().collect();
    Json(json!({
        "messages": messages, "answers": known.answers, "acknowledged": known.acknowledged,
        "calls": known.calls, "opened": known.opened,
    }))
}

async fn type_command(State(fake): State<FakeSlack>, Json(asked): Json<Value>) -> Json<Value> {
    let text = asked["text"].as_str().unwrap_or_default();
    let payload = fake.command(text, asked["user"].as_str().unwrap_or("U0ADA"));
    Json(json!({ "envelope_id": try_send(&fake, "slash_commands", &payload) }))
}

async fn click(State(fake): State<FakeSlack>, Json(asked): Json<Value>) -> Response {
    let action = asked["action"].as_str().unwrap_or_default();
    let found = {
        let known = fake.known();
        let has = |message: &&Value| message["blocks"].to_string().contains(action);
        known.messages.values().rev().find(has).cloned()
    };
    let Some(message) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let payload = fake.click_on(&message, action, asked["user"].as_str().unwrap_or("U0ADA"));
    Json(json!({ "envelope_id": try_send(&fake, "interactive", &payload) })).into_response()
}

async fn envelope(State(fake): State<FakeSlack>, Json(asked): Json<Value>) -> Json<Value> {
    let kind = asked["type"].as_str().unwrap_or_default();
    Json(json!({ "envelope_id": try_send(&fake, kind, &asked["payload"]) }))
}

/// Sends without waiting for a socket.
fn try_send(fake: &FakeSlack, kind: &str, payload: &Value) -> Option<String> {
    let id = format!("envelope-{}", fake.number());
    let envelope = json!({
        "envelope_id": id, "type": kind, "payload": payload,
        "accepts_response_payload": kind == "slash_commands",
    });
    let known = fake.known();
    let (_, newest) = known.sockets.last_key_value()?;
    newest.send(Order::Send(envelope.to_string())).ok()?;
    Some(id)
}
