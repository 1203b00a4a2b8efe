//! What strangers and the machine may do to a server: it stays up, keeps what it answered, and the
//! others are served as before.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use serde_json::{Value, json};
use tempfile::TempDir;
use versioner_server::{Directory, NewKey, Scopes};

use crate::pages::person_at;
use crate::process::{PROGRAM, Process};
use crate::support::{Client, Server, build, deployment, until};

/// What somebody else may have to wait for at the most: far more than it takes.
const SOON: Duration = Duration::from_secs(20);
const MIB: u64 = 1024 * 1024;

/// The server with other arguments and limits of the shell's `ulimit`.
fn start_limited(data: &Path, limit: &str, arguments: &str) -> Process {
    let line =
        format!("ulimit {limit}; exec {PROGRAM} --listen 127.0.0.1:0 {arguments} --data \"$0\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg(data);
    Process::spawn(command)
}

/// How much memory a server has now, in bytes.
fn memory(server: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

fn connect(server: &Process) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap()
}

/// Lets this process have so many files open; the test cannot be done otherwise.
fn allow_files(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let raised = Rlimit {
            current: Some(count),
            ..limit
        };
        setrlimit(Resource::Nofile, raised)
            .unwrap_or_else(|error| panic!("this test needs {count} open files: {error}"));
    }
}

/// Does what somebody else does meanwhile, none of which may take long.
fn others_are_served(client: &Client, round: usize) {
    for n in 0..20 {
        let began = Instant::now();
        let version = format!("{round}.{n}");
        client
            .post("/build-events/", &build(&version, "completed"))
            .expect(200);
        client.get("/state/").expect(200);
        assert!(began.elapsed() < SOON, "somebody else waits");
    }
}

#[test]
fn two_thousand_idle_connections_cost_little_and_hold_nobody_up() {
    const IDLE: usize = 2000;
    allow_files(2 * IDLE as u64);
    let data = TempDir::new().unwrap();
    let server = start_limited(data.path(), "-n 4096", "--max-connections 2100");
    let client = Client::new(&server.url, &server.first_key.clone().unwrap());
    others_are_served(&client, 0);
    let before = memory(&server);
    let mut idle: Vec<TcpStream> = (0..IDLE).map(|_| connect(&server)).collect();
    // Every other one has begun to say something.
    for stream in idle.iter_mut().step_by(2) {
        stream.write_all(b"GET /state/ HTTP/1.1\r\nHo").unwrap();
    }
    others_are_served(&client, 1);
    let grown = memory(&server).saturating_sub(before);
    assert!(
        grown < 100 * MIB,
        "{} MiB for {IDLE} connections",
        grown / MIB
    );
    // None of them was let go for the sake of another, and each can go on.
    let last = idle.last_mut().unwrap();
    last.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut head = [0; 12];
    last.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
}

#[test]
fn a_hundred_clients_that_do_not_read_hold_nobody_up_and_little_memory() {
    const DEAF: usize = 100;
    let data = TempDir::new().unwrap();
    let server = Process::start(data.path());
    let client = Client::new(&server.url, &server.first_key.clone().unwrap());
    others_are_served(&client, 0);
    let before = memory(&server);
    // The longest answer that costs little to make; many more of them than the buffers between the two
    // hold.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut deaf: Vec<TcpStream> = (0..DEAF).map(|_| connect(&server)).collect();
    for stream in &mut deaf {
        stream.write_all(request.repeat(200).as_bytes()).unwrap();
    }
    others_are_served(&client, 1);
    let early = memory(&server).saturating_sub(before);
    others_are_served(&client, 2);
    let late = memory(&server).saturating_sub(before);
    // For each what is sent just now, and not all that it asked for.
    assert!(
        early.max(late) < 200 * MIB,
        "{} and {} MiB",
        early / MIB,
        late / MIB
    );
    drop(deaf);
    others_are_served(&client, 3);
}

/// How many sockets a server has open.
fn sockets(server: &Process) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap();
    let leads_to = |entry: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        Some(target.to_string_lossy().starts_with("socket:"))
    };
    open.filter_map(leads_to).filter(|is| *is).count()
}

#[test]
fn clients_that_do_not_read_large_pages_and_exports_cost_little_and_are_let_go() {
    const DEAF: usize = 20;
    let data = TempDir::new().unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .args(["--listen", "127.0.0.1:0", "--write-timeout", "1", "--data"])
        .arg(data.path())
        // What is free goes back to the system at once, so that what is measured is what is held.
        .env("MIMALLOC_PURGE_DELAY", "0");
    let server = Process::spawn(command);
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    for n in 0..60 {
        let mut event = deployment(&n.to_string(), "prod", "completed");
        event["extra_metadata"] = json!({ "log": "x".repeat(90_000) });
        for field in [
            "scm_branch",
            "scm_repository",
            "build_number",
            "deployed_by",
        ] {
            event[field] = json!("x".repeat(2000));
        }
        client.post("/deployment-events/", &event).expect(200);
    }
    let mut browser = person_at(&server.url, data.path(), "Ada", "admin");
    // However many rows somebody asks for, a page has an end; an export goes on as it is read.
    let of_key = ["/deployments/?limit=500", "/audit/?limit=500"];
    for path in of_key {
        let page = client.get(path);
        assert!(page.text.len() < 1024 * 1024, "{path}: {}", page.text.len());
        assert!(page.expect(200)["next_cursor"].is_string(), "{path}");
    }
    let of_person = [
        "/manage/history.json",
        "/manage/history.csv",
        "/manage/audit",
    ];
    let export = browser.get(of_person[0]).text.len();
    assert!(export > 60 * 90_000, "{export}");
    let host = server.url.strip_prefix("http://").unwrap();
    let asked = of_key.map(|path| (path, format!("Authorization: Bearer {key}")));
    let mut asked = asked.to_vec();
    asked.extend(of_person.map(|path| (path, format!("Cookie: {}", browser.cookie()))));
    let asked = asked.iter().map(|(path, proof)| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{proof}\r\n\r\n").repeat(60)
    });
    let asked: Vec<String> = asked.collect();

    others_are_served(&client, 0);
    let (before, open) = (memory(&server), sockets(&server));
    // For each a page as it is stored, and as it is sent; and no more for those that come after them.
    let mut most = before + DEAF as u64 * 4 * MIB;
    for round in 1..=2 {
        let mut deaf: Vec<TcpStream> = (0..DEAF).map(|_| connect(&server)).collect();
        for (stream, asked) in deaf.iter_mut().zip(asked.iter().cycle()) {
            stream.write_all(asked.as_bytes()).unwrap();
        }
        others_are_served(&client, round);
        let now = memory(&server);
        assert!(now < most, "{} MiB in round {round}", (now - before) / MIB);
        most = now + 100 * MIB;
        // They are still there, and the server does not wait for them.
        until("those who do not read are let go", || {
            sockets(&server) <= open + 2
        });
        drop(deaf);
    }
    others_are_served(&client, 3);
}

#[test]
fn five_hundred_accounts_are_served_with_1024_files() {
    const ACCOUNTS: usize = 500;
    let data = TempDir::new().unwrap();
    drop(Process::start(data.path()));
    let directory = Directory::open(data.path()).unwrap();
    let add = |name: &str| {
        let key = directory.add_key(name, &NewKey::new(Scopes::all()), "test", 0);
        key.unwrap().reveal().to_owned()
    };
    add("first");
    // Each is a copy of the first with a key of its own: how schemas are made is not tested here.
    let first = data.path().join("accounts/first.db");
    let keys: Vec<String> = (0..ACCOUNTS)
        .map(|n| {
            let name = format!("a{n}");
            let copy = data.path().join(format!("accounts/{name}.db"));
            std::fs::copy(&first, copy).unwrap();
            add(&name)
        })
        .collect();
    let server = start_limited(data.path(), "-n 1024", "");
    for key in &keys {
        let client = Client::new(&server.url, key);
        client.deploy("1", "prod", "completed").expect(200);
    }
    for key in keys.iter().step_by(5) {
        let listed = Client::new(&server.url, key)
            .get("/deployments/")
            .expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    }
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap();
    assert!(files.count() < 1024);
}

#[test]
fn a_full_disk_loses_nothing_that_was_answered_and_room_is_used_again() {
    let data = TempDir::new().unwrap();
    let mut server = Process::start(data.path());
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    client.deploy("0", "production", "completed").expect(200);
    // From now on no file may become larger than the database's log is: the disk is full.
    let pid = Pid::from_raw(i32::try_from(server.child.id()).unwrap());
    let full = |size: Option<u64>| {
        let limit = Rlimit {
            current: size,
            maximum: None,
        };
        prlimit(pid, Resource::Fsize, limit).unwrap();
    };
    let log = data.path().join("accounts/local.db-wal");
    full(Some(std::fs::metadata(&log).unwrap().len() + 512 * 1024));
    let mut answered = vec!["0".to_owned()];
    let refused = loop {
        let version = answered.len().to_string();
        let reply = client.deploy(&version, "production", "completed");
        if reply.status != 200 {
            break reply;
        }
        answered.push(version);
        assert!(answered.len() < 1000, "the disk is not full");
    };
    assert!(answered.len() > 1, "nothing was recorded");
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.headers.contains_key("retry-after"));
    // What is there can be read, and one who asks again is refused again.
    let shown = client.get("/state/").expect(200);
    assert_eq!(current(&shown), answered.last().unwrap());
    assert_eq!(client.deploy("x", "production", "completed").status, 503);
    assert_eq!(client.get("/health").status, 200);

    full(None);
    client.deploy("room", "production", "completed").expect(200);
    answered.push("room".to_owned());
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let again = Process::start(data.path());
    let client = Client::new(&again.url, &key);
    let listed = client.get("/deployments/?limit=500").expect(200);
    let items = listed["items"].as_array().unwrap();
    let mut versions: Vec<_> = items
        .iter()
        .map(|item| item["version"].as_str().unwrap())
        .collect();
    versions.reverse();
    assert_eq!(versions, answered);
    let doctor = Command::new(PROGRAM)
        .args(["doctor", "--compare", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(
        doctor.status.success(),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
}

fn current(state: &Value) -> &str {
    let cell = &state["products"][0]["environments"][0];
    cell["current"]["version"]
        .as_str()
        .unwrap_or_else(|| panic!("{state}"))
}

#[test]
fn a_clock_that_steps_back_an_hour_turns_nothing_around() {
    let server = Server::start();
    let client = &server.client;
    let start = |version: &str, key: &str| {
        let event = deployment(version, "production", "started");
        client.post_once("/deployment-events/", key, &event)
    };
    client.deploy("1", "production", "completed").expect(200);
    client.deploy("2", "production", "completed").expect(200);
    start("3", "start-3").expect(200);
    start("4", "start-4").detail(409);
    let first = client.get("/deployments/?limit=1").expect(200);
    server.clock.set("2025-11-19T11:00:00Z");

    // The deployment in progress is so still, its retry is the same, and it ends.
    let again = start("3", "start-3");
    assert_eq!(
        again
            .headers
            .get("idempotency-replayed")
            .map(String::as_str),
        Some("true")
    );
    client.deploy("5", "production", "started").detail(409);
    client.deploy("3", "production", "completed").expect(200);
    // What was refused is not refused for an hour more.
    start("4", "start-4").expect(200);
    client.deploy("4", "production", "completed").expect(200);
    let state = client.get("/state/").expect(200);
    assert_eq!(current(&state), "4");
    assert_eq!(
        state["products"][0]["environments"][0]["previous"]["version"],
        "3"
    );

    // A reader that began before the step sees everything that was there, once.
    let mut seen = vec![first["items"][0]["id"].clone()];
    let mut cursor = first["next_cursor"].clone();
    while let Some(next) = cursor.as_str() {
        let path = format!("/deployments/?limit=1&cursor={next}");
        let page = client.get(&path).expect(200);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].clone()),
        );
        cursor = page["next_cursor"].clone();
        assert!(seen.len() < 20, "{seen:?}");
    }
    let listed = client.get("/deployments/?limit=100").expect(200);
    let mut all: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    all.sort_by_key(Value::to_string);
    let mut once = seen.clone();
    once.sort_by_key(Value::to_string);
    once.dedup();
    assert_eq!(once.len(), seen.len(), "{seen:?}");
    assert!(once.iter().all(|id| all.contains(id)));

    // The log goes on in its order, and nothing has lasted for less than nothing.
    let rows = client.get("/audit/?limit=100").expect(200)["items"].clone();
    let positions: Vec<i64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["position"].as_i64().unwrap())
        .collect();
    assert!(positions.is_sorted_by(|a, b| a > b), "{positions:?}");
    let figures = client
        .get("/metrics/dora?since=2025-11-01T00:00:00Z")
        .expect(200);
    assert!(!figures.to_string().contains("\":-"), "{figures}");
}

#[test]
fn json_that_is_deep_or_speaks_the_parsers_own_language_is_refused_everywhere() {
    let server = Server::start();
    let client = &server.client;
    client.deploy("1", "production", "completed").expect(200);
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let private = |name: &str| format!(r#"{{"$serde_json::private::{name}":"1"}}"#);
    let poisons = [
        (deep(5000), 400),
        (format!(r#"{{"a":{}}}"#, deep(5000)), 400),
        (private("Number"), 422),
        (private("RawValue"), 422),
        (format!("[{}]", private("RawValue")), 422),
        (format!(r#"{{"a":[{{"b":{}}}]}}"#, private("Number")), 422),
        (
            r#"{"\u0024serde_json::private::RawValue":"{"}"#.to_owned(),
            422,
        ),
    ];
    let member = |name: &str, poison: &str| {
        format!(
            r#"{{"product_name":"api","version":"1","environment_name":"production",
            "status":"completed","{name}":{poison}}}"#
        )
    };
    let mut sent = 0;
    let openapi = client.get("/openapi.json").expect(200);
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for method in ["post", "patch", "put"] {
            let body = &methods[method]["requestBody"];
            // What others send is kept as it is, if they may send it.
            if path.starts_with("/hooks/") {
                continue;
            }
            if body["content"].get("application/json").is_none() {
                continue;
            }
            for (poison, status) in &poisons {
                for body in [
                    poison.clone(),
                    member("extra_metadata", poison),
                    member("any", poison),
                ] {
                    let path = path.replace("{id}", "x").replace("{approval}", "x");
                    let headers = [("Content-Type", "application/json")];
                    let reply = client
                        .try_send(&method.to_uppercase(), &path, &headers, body.as_bytes())
                        .unwrap();
                    assert_eq!(
                        reply.status, *status,
                        "{method} {path} {body:.200}: {}",
                        reply.text
                    );
                    sent += 1;
                }
            }
        }
    }
    assert!(sent > 200, "{sent}");
    let listed = client.get("/deployments/").expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}
