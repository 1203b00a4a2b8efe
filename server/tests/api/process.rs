//! The program itself: its output, its signals, and what it keeps when it is killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use versioner_server::{Directory, NewKey, Scopes};

use crate::support::{Client, build, deployment};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_versioner-server");

/// The program, running; killed when it is dropped.
pub struct Process {
    pub child: Child,
    pub url: String,
    pub first_key: Option<String>,
    pub metrics: Option<String>,
    /// The link by which the first admin comes in.
    pub set_up: Option<String>,
}

impl Process {
    pub fn start(data: &Path) -> Process {
        Process::start_with(data, &[])
    }

    pub fn start_with(data: &Path, arguments: &[&str]) -> Process {
        let mut command = Command::new(PROGRAM);
        command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments);
        Process::spawn(command)
    }

    pub fn spawn(command: Command) -> Process {
        Process::spawn_with(command, Stdio::null())
    }

    pub fn spawn_with(mut command: Command, log: Stdio) -> Process {
        let child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut server = Process {
            child,
            url: String::new(),
            first_key: None,
            metrics: None,
            set_up: None,
        };
        let output = server.child.stdout.take().unwrap();
        for line in BufReader::new(output).lines() {
            let line = line.unwrap();
            if let Some(key) = line.strip_prefix("API key (shown once): ") {
                server.first_key = Some(key.to_owned());
            }
            if let Some(link) = line.strip_prefix("Set up the pages within an hour: ") {
                server.set_up = Some(link.to_owned());
            }
            if let Some(url) = line.strip_prefix("Metrics on ") {
                server.metrics = Some(url.to_owned());
            }
            if let Some(url) = line.strip_prefix("Listening on ") {
                server.url = url.to_owned();
                return server;
            }
        }
        panic!("the server ended before it listened");
    }

    pub fn signal(&mut self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("install `kill` (package procps)");
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_start_prints_a_key_once_and_a_signal_ends_it_well() {
    let data = TempDir::new().unwrap();
    for (signal, first) in [("TERM", true), ("INT", false)] {
        let mut server = Process::start(data.path());
        assert_eq!(server.first_key.is_some(), first);
        if let Some(key) = &server.first_key {
            assert!(key.starts_with("sk_local_k1_"), "unexpected form of key");
            let client = Client::new(&server.url, key);
            client
                .post("/build-events/", &build("1", "completed"))
                .expect(200);
        }
        server.signal(signal);
        assert!(server.child.wait().unwrap().success(), "SIG{signal}");
    }
}

#[test]
fn settings_come_from_variables_too_and_the_log_can_be_json() {
    let data = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new(PROGRAM);
    command
        .env("VERSIONER_SERVER_LISTEN", "127.0.0.1:0")
        .env("VERSIONER_SERVER_DATA", data.path())
        .env("VERSIONER_SERVER_LOG_FORMAT", "json")
        .env("VERSIONER_SERVER_LOG", "debug");
    let file = std::fs::File::create(&log).unwrap();
    let mut server = Process::spawn_with(command, file.into());
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    client.send("GET", "/state/", &[("X-Request-Id", "build-7")], b"");
    client.get(&format!("/commits/{key}/"));
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains(&key), "the key is in the log");
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let told = lines.iter().find(|line| line["span"]["id"] == "build-7");
    let told = told.unwrap_or_else(|| panic!("{log}"));
    assert_eq!(
        (&told["path"], &told["status"]),
        (&"/state/".into(), &200.into())
    );
}

#[test]
fn a_server_that_only_reads_records_nothing() {
    let data = TempDir::new().unwrap();
    let server = Process::start(data.path());
    let key = server.first_key.clone().unwrap();
    let event = deployment("1", "staging", "started");
    let client = Client::new(&server.url, &key);
    client.post("/deployment-events/", &event).expect(200);
    drop(server);
    let server = Process::start_with(data.path(), &["--read-only"]);
    let client = Client::new(&server.url, &key);
    let mut end = event.clone();
    end["status"] = "completed".into();
    let refused = client.post("/deployment-events/", &end);
    assert!(refused.headers.contains_key("retry-after"));
    refused.detail(503);
    client
        .post("/preflight/", &deployment("2", "staging", "started"))
        .expect(200);
    let items = client.get("/deployments/").expect(200)["items"].clone();
    assert_eq!(
        (items.as_array().unwrap().len(), &items[0]["status"]),
        (1, &"started".into())
    );
}

fn health(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .arg("health")
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn health_tells_whether_a_server_is_ready() {
    let data = TempDir::new().unwrap();
    let server = Process::start(data.path());
    let address = server.url.trim_start_matches("http://").to_owned();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("server.toml");
    std::fs::write(&file, format!("listen = '{address}'\n")).unwrap();
    let ready = (true, "ready\n".to_owned());
    assert_eq!(health(&["--listen", &address]), ready);
    assert_eq!(health(&["--config", file.to_str().unwrap()]), ready);
    drop(server);
    let (ok, said) = health(&["--listen", &address]);
    assert!(
        !ok && said.contains(&format!("http://{address}/readyz: ")),
        "{said}"
    );
    let (ok, said) = health(&["--listen", "127.0.0.1:0"]);
    assert!(
        !ok && said.contains("name that one with --listen"),
        "{said}"
    );
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let data = TempDir::new().unwrap();
    let _first = Process::start(data.path());
    let second = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(
        error.contains("another versioner-server is running on"),
        "{error}"
    );
}

#[test]
fn keys_are_managed_while_the_server_runs() {
    let data = TempDir::new().unwrap();
    let server = Process::start(data.path());
    let keys = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .arg("keys")
            .args(arguments)
            .arg("--data")
            .arg(data.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text)
    };
    let (_, added) = keys(&["add", "--account", "acme", "--read-only"]);
    let key = added.trim().strip_prefix("API key (shown once): ").unwrap();
    let client = Client::new(&server.url, key);
    client.get("/products/").expect(200);
    client
        .post("/build-events/", &build("1", "completed"))
        .detail(403);

    let (_, listed) = keys(&["list"]);
    assert!(
        listed.contains("acme") && listed.contains("local"),
        "{listed}"
    );
    let secret = key.rsplit('_').next().unwrap();
    assert!(!listed.contains(secret));

    assert!(keys(&["revoke", "--account", "acme", "k1"]).0);
    assert!(!keys(&["revoke", "--account", "acme", "k1"]).0);
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.get("/products/").status != 401 {
        assert!(Instant::now() < deadline, "a revoked key still works");
    }
    assert!(keys(&["list", "--account", "acme"]).1.contains("revoked"));
    assert!(!keys(&["add", "--account", "../up"]).0);
}

#[test]
fn a_backup_of_a_running_server_is_a_data_directory() {
    let data = TempDir::new().unwrap();
    let server = Process::start(data.path());
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    client.deploy("1", "prod", "completed").expect(200);
    let copy = data.path().join("copy");
    let backup = || {
        let mut command = Command::new(PROGRAM);
        command
            .args(["backup", "--data"])
            .arg(data.path())
            .arg("--to")
            .arg(&copy);
        command.output().unwrap().status.success()
    };
    assert!(backup());
    assert!(!backup(), "a copy is not written over");
    let restored = Process::start(&copy);
    let listed = Client::new(&restored.url, &key)
        .get("/deployments/")
        .expect(200);
    assert_eq!(listed["items"][0]["version"], "1");
}

/// Kills the server in the middle of writing, again and again: every event that was answered is
/// there afterwards, exactly once, and the server starts.
#[test]
fn what_was_answered_survives_a_kill() {
    const ROUNDS: usize = 15;
    const CLIENTS: usize = 8;
    let data = TempDir::new().unwrap();
    let mut key = None;
    let mut answered = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut server = Process::start(data.path());
        let key = key.get_or_insert_with(|| server.first_key.clone().unwrap());
        let (url, count) = (server.url.clone(), AtomicUsize::new(0));
        let ids = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS)
                .map(|n| {
                    let client = Client::new(&url, key);
                    let count = &count;
                    scope.spawn(move || {
                        let mut ids = Vec::new();
                        for event in 0.. {
                            let version = format!("{round}.{n}.{event}");
                            let headers = [("Idempotency-Key", version.as_str())];
                            let body = deployment(&version, &version, "started").to_string();
                            let sent = client.try_send(
                                "POST",
                                "/deployment-events/",
                                &headers,
                                body.as_bytes(),
                            );
                            let Ok(reply) = sent else { break };
                            ids.push(reply.expect(200)["id"].as_str().unwrap().to_owned());
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        ids
                    })
                })
                .collect();
            while count.load(Ordering::Relaxed) < 20 + round * 5 {
                std::thread::yield_now();
            }
            server.child.kill().unwrap();
            let ids = threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap());
            ids.collect::<Vec<_>>()
        });
        answered.extend(ids);
    }
    let server = Process::start(data.path());
    let client = Client::new(&server.url, &key.unwrap());
    let mut stored = BTreeSet::new();
    let mut versions = BTreeSet::new();
    let mut path = "/deployments/?limit=500".to_owned();
    loop {
        let page = client.get(&path).expect(200);
        for item in page["items"].as_array().unwrap() {
            let version = item["version"].as_str().unwrap().to_owned();
            assert!(versions.insert(version), "recorded twice: {item}");
            stored.insert(item["id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/deployments/?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    assert!(answered.len() > ROUNDS * 20);
    let lost: Vec<_> = answered.difference(&stored).collect();
    assert!(lost.is_empty(), "{} of {} lost", lost.len(), answered.len());
}

#[test]
fn one_connection_too_many_is_turned_away_and_the_others_go_on() {
    let data = TempDir::new().unwrap();
    let server = Process::start_with(data.path(), &["--max-connections", "3"]);
    let address = server.url.strip_prefix("http://").unwrap();
    let ask = |stream: &mut TcpStream| {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        String::from_utf8(head.to_vec()).unwrap()
    };
    let mut open: Vec<TcpStream> = (0..3)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for stream in &mut open {
        assert_eq!(ask(stream), "HTTP/1.1 200");
    }
    let mut answer = String::new();
    TcpStream::connect(address)
        .unwrap()
        .read_to_string(&mut answer)
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"),
        "{answer}"
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("Content-Length: {}", body.len())),
        "{answer}"
    );
    drop(open.pop());
    let deadline = Instant::now() + Duration::from_secs(10);
    while Client::new(&server.url, "")
        .try_send("GET", "/health", &[], b"")
        .is_ok_and(|reply| reply.status == 503)
    {
        assert!(Instant::now() < deadline, "the place is not free again");
    }
}

#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let data = TempDir::new().unwrap();
    let server = Process::start_with(data.path(), &["--write-timeout", "1"]);
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    let mut event = deployment("1", "prod", "completed");
    event["extra_metadata"] = serde_json::json!({ "vi_log": "x".repeat(1_000_000) });
    client.post("/deployment-events/", &event).expect(200);
    let mut deaf = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let request =
        format!("GET /deployments/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
    // More answers than any buffer between the two holds.
    deaf.write_all(request.repeat(40).as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while deaf.write_all(b"\r\n").is_ok() {
        assert!(Instant::now() < deadline, "the server still waits");
        std::thread::sleep(Duration::from_millis(20));
    }
    client.get("/deployments/").expect(200);
}

#[test]
fn the_first_key_can_go_to_a_file_and_is_made_again_if_it_cannot() {
    use std::os::unix::fs::PermissionsExt;
    let data = TempDir::new().unwrap();
    let (root, file) = (data.path().join("data"), data.path().join("key"));
    std::fs::write(&file, "in the way").unwrap();
    let set_up = data.path().join("set-up");
    let arguments = [
        "--first-key-file",
        file.to_str().unwrap(),
        "--setup-file",
        set_up.to_str().unwrap(),
    ];
    let refused = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(&root)
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    std::fs::remove_file(&file).unwrap();
    let server = Process::start_with(&root, &arguments);
    assert_eq!((&server.first_key, &server.set_up), (&None, &None));
    let link = std::fs::read_to_string(&set_up).unwrap();
    let page = format!("{}/manage/setup?token=local.", server.url);
    assert!(link.starts_with(&page), "{link}");
    let key = std::fs::read_to_string(&file).unwrap();
    Client::new(&server.url, key.trim())
        .get("/products/")
        .expect(200);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&set_up)), (0o600, 0o600));
    assert_eq!((mode(&root), mode(&root.join("accounts"))), (0o700, 0o700));
    for name in ["accounts.db", "accounts/local.db", "accounts/local.db-wal"] {
        assert_eq!(mode(&root.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_command_touches_no_directory_that_is_none_of_a_server() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for arguments in [
        vec!["keys", "list"],
        vec!["keys", "add", "--account", "acme"],
    ] {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg("--data")
            .arg(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("name it with --data"), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let mode = std::fs::metadata(folder.path())
        .unwrap()
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o755);
}

#[test]
fn a_backup_that_fails_leaves_nothing_and_can_be_made_again() {
    use std::os::unix::fs::PermissionsExt;
    let data = TempDir::new().unwrap();
    let (root, copy) = (data.path().join("data"), data.path().join("copy"));
    let server = Process::start(&root);
    let client = Client::new(&server.url, &server.first_key.clone().unwrap());
    client.deploy("1", "prod", "completed").expect(200);
    let backup = || {
        let mut command = Command::new(PROGRAM);
        command
            .args(["backup", "--data"])
            .arg(&root)
            .arg("--to")
            .arg(&copy);
        command.output().unwrap().status.code()
    };
    std::fs::write(
        root.join("accounts/broken.db"),
        "no database at all, but long enough",
    )
    .unwrap();
    assert_eq!(backup(), Some(1));
    let left: Vec<_> = std::fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["data"]);
    std::fs::remove_file(root.join("accounts/broken.db")).unwrap();
    assert_eq!(backup(), Some(0));
    let mode = std::fs::metadata(copy.join("accounts/local.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_account_that_cannot_be_opened_keeps_no_other_from_being_served() {
    let data = TempDir::new().unwrap();
    let server = Process::start(data.path());
    let key = server.first_key.clone().unwrap();
    let directory = Directory::open(data.path()).unwrap();
    let other = directory
        .add_key("acme", &NewKey::new(Scopes::all()), "test", 0)
        .unwrap();
    let acme = |server: &Process| Client::new(&server.url, other.reveal());
    acme(&server).deploy("1", "prod", "completed").expect(200);
    drop(server);
    let newer = rusqlite::Connection::open(data.path().join("accounts/acme.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let server = Process::start(data.path());
    let refused = acme(&server).get("/deployments/");
    refused.detail(503);
    assert_eq!(refused.headers["retry-after"], "5");
    Client::new(&server.url, &key)
        .deploy("1", "prod", "completed")
        .expect(200);
}

/// The log goes to a pipe that nobody reads any more, as when the log's disk is full.
#[test]
fn a_log_that_cannot_be_written_harms_nothing() {
    let data = TempDir::new().unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .env("VERSIONER_SERVER_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let (mut key, mut url) = (String::new(), String::new());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while url.is_empty() {
        let line = lines.next().unwrap().unwrap();
        if let Some(found) = line.strip_prefix("API key (shown once): ") {
            key = found.to_owned();
        }
        if let Some(found) = line.strip_prefix("Listening on ") {
            url = found.to_owned();
        }
    }
    let mut server = Process {
        child,
        url,
        first_key: None,
        metrics: None,
        set_up: None,
    };
    let client = Client::new(&server.url, &key);
    // A damaged database makes the server want to say something.
    std::fs::write(data.path().join("accounts/local.db"), "damaged").unwrap();
    client.get("/products/").detail(503);
    Client::new(&server.url, "").get("/health").expect(200);
    server.signal("HUP");
    Client::new(&server.url, "").get("/health").expect(200);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
