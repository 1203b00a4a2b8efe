//! What others tell per second, how long both doors take to answer at a load that stays the same, and what
//! is told to others per second: `cargo bench -p versioner-server --bench elsewhere`.

mod support;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ring::hmac;
use serde_json::{Value, json};

use support::{Server, percentile};

/// How many senders there are.
const SENDERS: usize = 8;
/// How long GitHub sends as fast as it can, and how long each door has its load.
const MEASURED: Duration = Duration::from_secs(4);
/// What a door has to take, in requests per second.
const STEADY_FOREIGN: usize = 200;
const STEADY_CLICKS: usize = 50;
const TEAM: &str = "T0BENCH";
const APP: &str = "A0BENCH";
const SIGNING_SECRET: &str = "8f742231b10e8888abcd99d5e7c785a5";

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let told = Arc::new(AtomicUsize::new(0));
    let receiver = answering(json!({}), Some(told.clone()));
    let slack = answering(
        json!({
            "ok": true, "ts": "1700000000.000100", "channel": { "is_shared": false },
            "user": {
                "team_id": TEAM, "is_email_confirmed": true,
                "profile": { "email": "ada@example.com" },
            },
        }),
        None,
    );
    let server = Server::start_with(
        &folder.path().join("data"),
        &[
            "--webhook-allow-net",
            "127.0.0.1",
            "--slack-api-url",
            &format!("{slack}/api/"),
        ],
    );
    let api = Api::of(&server);
    println!("Medians and worst of one run; a delivery of GitHub is signed, a click is decided.");

    let github = Github::new(&api);
    let begin = Instant::now();
    let sent = each(SENDERS, |sender| {
        let mut times = Vec::new();
        for number in 0.. {
            let sent = Instant::now();
            if sent.duration_since(begin) > MEASURED {
                break;
            }
            github.deliver(&api, sender, number);
            times.push(sent.elapsed());
        }
        times
    });
    let taken = sent.len() as f64 / begin.elapsed().as_secs_f64();
    api.wait_for_the_inbox();
    let recorded = sent.len() as f64 / begin.elapsed().as_secs_f64();
    println!("{:<28} {:>9} {:>9} {:>9}", "", "per s", "p50 ms", "p99 ms");
    row("foreign events in, most", taken, sent);
    row("the same, recorded", recorded, Vec::new());

    let steady = steady(STEADY_FOREIGN, |sender, number| {
        github.deliver(&api, SENDERS + sender, number);
    });
    row("/hooks/{id}, steady", STEADY_FOREIGN as f64, steady);
    api.wait_for_the_inbox();

    let clicks = Clicks::new(&api, MEASURED.as_secs() as usize * STEADY_CLICKS);
    let steady = self::steady(STEADY_CLICKS, |sender, number| {
        clicks.approve(&api, sender, number);
    });
    row("/slack/commands, steady", STEADY_CLICKS as f64, steady);

    // Everything that was recorded until here is old: a webhook hears of what comes after it.
    let webhook = json!({ "url": receiver, "events": ["deployment"] });
    api.post("/webhooks/", &webhook);
    let begin = Instant::now();
    let count: usize = each(SENDERS, |sender| {
        for number in 0..MEASURED.as_secs() as usize * 50 {
            github.deliver(&api, 2 * SENDERS + sender, number);
        }
        vec![Duration::ZERO; MEASURED.as_secs() as usize * 50]
    })
    .len();
    while told.load(Ordering::Relaxed) < count {
        std::thread::sleep(Duration::from_millis(5));
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    row("foreign events in and out", rate, Vec::new());
}

fn row(name: &str, rate: f64, mut times: Vec<Duration>) {
    times.sort_unstable();
    let shown = |percent| match times.is_empty() {
        true => String::new(),
        false => format!("{:.2}", percentile(&times, percent)),
    };
    println!("{name:<28} {rate:>9.0} {:>9} {:>9}", shown(50), shown(99));
}

/// Lets so many senders work at once, and collects how long what they did took.
fn each(senders: usize, work: impl Fn(usize) -> Vec<Duration> + Sync) -> Vec<Duration> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..senders)
            .map(|sender| scope.spawn(move || work(sender)))
            .collect();
        let times = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a sender"));
        times.collect()
    })
}

/// Asks so often a second, whether or not what was asked before is answered; how long each took from
/// when it was due.
fn steady(rate: usize, ask: impl Fn(usize, usize) + Sync) -> Vec<Duration> {
    let begin = Instant::now();
    each(SENDERS, |sender| {
        let count = MEASURED.as_secs() as usize * rate / SENDERS;
        let due = |number: usize| {
            begin + Duration::from_secs(1) * (number * SENDERS + sender) as u32 / rate as u32
        };
        let ask_at = |number| {
            std::thread::sleep(due(number).saturating_duration_since(Instant::now()));
            ask(sender, number);
            due(number).elapsed()
        };
        (0..count).map(ask_at).collect()
    })
}

/// The API, and how everybody reaches the server.
struct Api {
    url: String,
    key: String,
    agent: ureq::Agent,
}

impl Api {
    fn of(server: &Server) -> Api {
        Api {
            url: server.url.clone(),
            key: server.key.clone(),
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .new_agent(),
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_owned()).expect("a request");
        let mut answer = self.agent.run(request).expect("an answer");
        let text = answer.body_mut().read_to_string().expect("a body");
        let value = serde_json::from_str(&text).unwrap_or_default();
        (answer.status().as_u16(), value)
    }

    fn key(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let authorization = format!("Bearer {}", self.key);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.ask(method, path, &headers, &body.to_string())
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.key("POST", path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    fn wait_for_the_inbox(&self) {
        loop {
            let path = "/queue/?kind=inbox&state=waiting&limit=1";
            let (_, waiting) = self.key("GET", path, &Value::Null);
            if waiting["items"].as_array().is_some_and(Vec::is_empty) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What GitHub sends.
struct Github {
    path: String,
    key: hmac::Key,
}

impl Github {
    fn new(api: &Api) -> Github {
        let made = api.post("/sources/", &json!({ "name": "GitHub", "kind": "github" }));
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        Github {
            path: text("url"),
            key: hmac::Key::new(hmac::HMAC_SHA256, text("secret").as_bytes()),
        }
    }

    /// Every second delivery tells the end of what the one before it has begun.
    fn deliver(&self, api: &Api, sender: usize, number: usize) {
        let run = sender * 1_000_000 + number / 2;
        let state = ["in_progress", "success"][number % 2];
        let sha = format!("{run:040x}");
        let body = json!({
            "action": "created",
            "deployment_status": {
                "id": number, "state": state, "environment": "production",
                "created_at": format!("2025-11-19T11:00:{:02}Z", number % 2),
                "log_url": "https://github.com/acme/service/actions/runs/123456789/job/1",
            },
            "deployment": {
                "id": run, "sha": sha, "ref": "main", "environment": "production",
                "creator": { "login": "octocat" }, "payload": {},
                "created_at": "2025-11-19T11:00:00Z",
            },
            "workflow_run": { "id": run, "run_attempt": 1, "run_number": run, "actor": { "login": "ada" } },
            "repository": {
                "name": format!("service-{sender}"), "full_name": format!("acme/service-{sender}"),
            },
            "sender": { "login": "octocat" },
        })
        .to_string();
        let signature = format!("sha256={}", hex(&self.key, &body));
        let delivery = format!("{sender}-{number}");
        let headers = [
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", "deployment_status"),
            ("X-GitHub-Delivery", delivery.as_str()),
            ("X-Hub-Signature-256", signature.as_str()),
        ];
        let (status, answer) = api.ask("POST", &self.path, &headers, &body);
        assert_eq!(status, 202, "{answer}");
    }
}

fn hex(key: &hmac::Key, content: &str) -> String {
    let tag = hmac::sign(key, content.as_bytes());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Somebody who says yes in Slack to starts that wait.
struct Clicks(hmac::Key);

impl Clicks {
    /// Lets so many starts wait.
    fn new(api: &Api, count: usize) -> Clicks {
        let person = json!({
            "name": "Ada", "emails": ["ada@example.com"], "role": "developer", "approves": ["release"],
        });
        api.post("/people/", &person);
        let rule = json!({
            "name": "A yes", "type": "release_approval", "environments": ["guarded"],
            "config": { "required_approvals": 1 }, "create": true,
        });
        api.post("/deployment-rules/", &rule);
        let slack = json!({
            "team_id": TEAM, "app_id": APP, "bot_token": "xoxb-1234567890-bench", "by_address": true,
            "signing_secret": SIGNING_SECRET, "channels": [],
        });
        let (status, answer) = api.key("PUT", "/slack/", &slack);
        assert_eq!(status, 200, "{answer}");
        for number in 0..count {
            // Nobody can say yes to what was never built.
            let built = json!({
                "product_name": "guarded", "version": version(number), "status": "completed",
            });
            api.post("/build-events/", &built);
            let start = json!({
                "product_name": "guarded", "version": version(number), "environment_name": "guarded",
                "status": "started", "source_system": "github", "invoke_id": version(number),
            });
            let (status, answer) = api.key("POST", "/deployment-events/", &start);
            assert_eq!(status, 428, "{answer}");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
        Clicks(key)
    }

    fn approve(&self, api: &Api, sender: usize, number: usize) {
        let version = version(number * SENDERS + sender);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("team_id", TEAM)
            .append_pair("api_app_id", APP)
            .append_pair("user_id", "U0ADA")
            .append_pair("trigger_id", &version)
            .append_pair("text", &format!("approve guarded {version} guarded"))
            .finish();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.expect("a time after 1970").as_secs().to_string();
        let signature = format!("v0={}", hex(&self.0, &format!("v0:{seconds}:{form}")));
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Slack-Request-Timestamp", seconds.as_str()),
            ("X-Slack-Signature", signature.as_str()),
        ];
        let (status, answer) = api.ask("POST", "/slack/commands", &headers, &form);
        assert_eq!(status, 200, "{answer}");
        assert!(answer.to_string().contains("You have approved"), "{answer}");
    }
}

fn version(number: usize) -> String {
    format!("v{number}")
}

/// Answers everybody the same, for as long as the benchmark lives, and counts how often.
fn answering(body: Value, count: Option<Arc<AtomicUsize>>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("an address");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (answer, count) = (answer.clone(), count.clone());
            std::thread::spawn(move || {
                respond(client, &answer)?;
                if let Some(count) = count {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                std::io::Result::Ok(())
            });
        }
    });
    url
}

/// Reads a request to its end, and answers it.
fn respond(mut client: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        let length = client.read(&mut part)?;
        request.extend_from_slice(&part[..length]);
        if length == 0 || is_whole(&request) {
            return client.write_all(answer.as_bytes());
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    request.len() >= head.len() + 4 + length
}
