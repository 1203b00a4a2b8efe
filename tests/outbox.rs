//! The outbox as a program uses it.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use support::{RawServer, Server, closed_port, options, take_request};
use tempfile::TempDir;
use versioner::{
    Client, Clock, DeploymentEvent, End, Interrupt, Kind, Level, Logger, Options, Outcome,
    WarningKind,
};

/// A directory that keeps what does not arrive.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Disk(TempDir::new().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("outbox")
    }

    fn options(&self, url: &str) -> Options {
        Options {
            outbox: self.path().to_str().expect("a text").to_owned(),
            fail_on_api_error: Some(false),
            ..options(url, &[])
        }
    }

    fn client(&self, url: &str) -> Client {
        Client::new(self.options(url)).expect("a client")
    }

    /// The events that wait.
    fn events(&self) -> Vec<PathBuf> {
        files(&self.path())
            .into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn event(version: &str) -> DeploymentEvent {
    DeploymentEvent {
        product: "api".into(),
        environment: "production".into(),
        version: version.into(),
        ..DeploymentEvent::default()
    }
}

/// A service that nobody is at.
fn nowhere() -> String {
    format!("http://127.0.0.1:{}", closed_port())
}

fn kinds(outcome: &Outcome) -> Vec<WarningKind> {
    outcome
        .warnings
        .iter()
        .map(|warning| warning.kind)
        .collect()
}

#[test]
fn an_event_that_is_kept_says_where() {
    let disk = Disk::new();
    let outcome = disk.client(&nowhere()).track_deployment(&event("1"));
    let outcome = outcome.expect("best effort");
    assert!(!outcome.recorded);
    assert_eq!(outcome.kind, Kind::Network);
    assert_eq!(outcome.status.as_str(), "queued");
    assert_eq!(kinds(&outcome), [WarningKind::Queued]);
    let file = disk.events().pop().expect("a file");
    assert!(
        outcome.warnings[0]
            .message
            .contains(&*file.to_string_lossy())
    );
    assert!(
        !std::fs::read_to_string(file)
            .expect("a text")
            .contains("secretsecret")
    );
}

#[test]
fn nothing_touches_the_disk_while_all_is_well() {
    let server = Server::start(None);
    let disk = Disk::new();
    let client = disk.client(&server.url("http", "127.0.0.1"));
    assert!(
        client
            .track_deployment(&event("1"))
            .expect("success")
            .recorded
    );
    assert!(!disk.path().exists());
}

#[test]
fn an_event_that_is_queued_again_under_its_key_is_one_event() {
    let disk = Disk::new();
    let client = disk.client(&nowhere());
    let event = DeploymentEvent {
        idempotency_key: "run-7".into(),
        ..event("1")
    };
    for _ in 0..2 {
        let outcome = client.track_deployment(&event).expect("best effort");
        assert_eq!(outcome.status.as_str(), "queued");
    }
    assert_eq!(disk.events().len(), 1);
}

#[test]
fn full_is_full_and_nothing_is_deleted_to_make_room() {
    let disk = Disk::new();
    std::fs::create_dir(disk.path()).expect("a folder");
    for number in 0..10_000 {
        let name = format!("{number:015}-{number:024x}.json");
        std::fs::write(disk.path().join(name), "").expect("a file");
    }
    let outcome = disk.client(&nowhere()).track_deployment(&event("1"));
    let outcome = outcome.expect("best effort");
    assert_eq!(outcome.status.as_str(), "not_recorded");
    assert_eq!(
        kinds(&outcome),
        [WarningKind::OutboxFull, WarningKind::NotRecorded]
    );
    assert_eq!(disk.events().len(), 10_000);
}

#[test]
fn a_damaged_file_is_moved_aside_and_stops_nothing() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    std::fs::create_dir(disk.path()).expect("a folder");
    let file = format!("{:015}-{:024x}.json", 1, 1);
    std::fs::write(disk.path().join(&file), "{\"v\":1,\"ki").expect("a file");
    let newer = format!("{:015}-{:024x}.json", 2, 2);
    std::fs::write(disk.path().join(&newer), "{\"v\":2}").expect("a file");
    let outcome = disk.client(&url).track_deployment(&event("2"));
    let outcome = outcome.expect("success");
    assert!(outcome.recorded);
    assert_eq!(kinds(&outcome), [WarningKind::Outbox, WarningKind::Outbox]);
    assert!(outcome.warnings[0].message.contains("damaged"));
    assert!(outcome.warnings[1].message.contains("newer"));
    assert_eq!(disk.events(), [disk.path().join(newer)]);
    assert!(disk.path().join("damaged").join(file).exists());
}

#[test]
fn a_span_that_is_lost_is_aborted_later() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    let logged = Arc::new(Mutex::new(Vec::new()));
    let log = logged.clone();
    let client = Client::new(Options {
        logger: Logger::new(move |level, message| {
            if level == Level::Warning {
                log.lock().expect("no panic").push(message.to_owned());
            }
        }),
        ..disk.options(&url)
    })
    .expect("a client");
    let span = client.begin(&event("1")).expect("permission");
    let id = span.id().to_owned();
    drop(span);
    assert_eq!(server.requests().len(), 1, "a finaliser sends nothing");
    let logged = logged.lock().expect("no panic").join("\n");
    assert!(
        logged.contains("lost") && logged.contains("is kept in"),
        "{logged}"
    );
    let file = disk.events().pop().expect("a file");
    let text = std::fs::read_to_string(file).expect("a text");
    assert!(text.contains("aborted") && text.contains(&id), "{text}");
    assert!(
        client
            .track_deployment(&event("2"))
            .expect("success")
            .recorded
    );
    assert_eq!(disk.events().len(), 0);
}

#[test]
fn only_the_command_line_chooses_a_directory() {
    let library = Options {
        outbox: "auto".into(),
        ..options(&nowhere(), &[])
    };
    let error = Client::new(library).expect_err("a word of the command line");
    assert_eq!(error.outcome().argument, "outbox");
}

/// Time that passes only in pauses, which end at once.
#[derive(Default)]
struct Pauses(Mutex<Duration>);

impl Clock for Pauses {
    fn now(&self) -> Duration {
        *self.0.lock().expect("no panic")
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration, _: &Interrupt) {
        *self.0.lock().expect("no panic") += duration;
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

#[test]
fn a_start_waits_two_seconds_for_another_process_that_delivers_and_others_go_behind() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    let clock = Arc::new(Pauses::default());
    let client = |variables: &[(&str, &str)]| {
        let environment = variables.iter().copied().collect();
        Client::new(Options {
            clock: Some(clock.clone()),
            environment: Some(environment),
            ..disk.options(&url)
        })
        .expect("a client")
    };
    let away = client(&[("http_proxy", nowhere().as_str())]);
    away.track_deployment(&event("1")).expect("best effort");
    let lock = std::fs::File::create(disk.path().join(".lock")).expect("a file");
    lock.lock().expect("a lock");
    let start = DeploymentEvent {
        status: "started".into(),
        ..event("2")
    };
    let client = client(&[]);
    let started = client.track_deployment(&start).expect("permission");
    assert!(started.recorded);
    assert_eq!(kinds(&started), [WarningKind::Outbox]);
    assert_eq!(clock.now(), Duration::from_secs(2));
    let ended = client.track_deployment(&event("2")).expect("best effort");
    assert_eq!(ended.status.as_str(), "queued");
    assert_eq!(server.requests().len(), 1);
    drop(lock);
    assert!(
        client
            .track_deployment(&event("3"))
            .expect("success")
            .recorded
    );
    assert_eq!(disk.events().len(), 0);
}

/// What needs an answer now, and is no start, gives whoever delivers half a minute.
#[test]
fn an_event_that_cannot_wait_goes_out_after_what_another_process_delivers_if_it_can() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    queue(&disk, &url, &event("1"));
    let lock = std::fs::File::create(disk.path().join(".lock")).expect("a file");
    lock.lock().expect("a lock");
    let clock = Arc::new(Pauses::default());
    let strict = Client::new(Options {
        clock: Some(clock.clone()),
        fail_on_api_error: Some(true),
        ..disk.options(&url)
    });
    let outcome = strict.expect("a client").track_deployment(&event("2"));
    assert_eq!(kinds(&outcome.expect("success")), [WarningKind::Outbox]);
    assert_eq!(clock.now(), Duration::from_secs(30));
}

/// Who delivers just now holds the lock, and must see all the same what went out before it.
#[test]
fn what_another_process_is_about_to_deliver_is_overtaken_too() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    queue(&disk, &url, &event("1"));
    let lock = std::fs::File::create(disk.path().join(".lock")).expect("a file");
    lock.lock().expect("a lock");
    let client = Client::new(Options {
        clock: Some(Arc::new(Pauses::default())),
        ..disk.options(&url)
    });
    let start = DeploymentEvent {
        status: "started".into(),
        ..event("2")
    };
    let started = client.expect("a client").track_deployment(&start);
    assert!(started.expect("permission").recorded);
    drop(lock);
    // This service goes by the order of arrival.
    let next = disk.client(&url).track_deployment(&event("2"));
    assert!(next.expect("success").recorded);
    let told = server.requests();
    let is_old = |body: &str| body.contains(r#""version":"1""#);
    assert!(!told.iter().any(|request| is_old(&request.body)));
    assert!(!files(&disk.path().join("refused")).is_empty());
}

/// Queues an event, as if nobody were at the service.
fn queue(disk: &Disk, url: &str, event: &DeploymentEvent) {
    let away = Client::new(Options {
        environment: Some([("http_proxy", nowhere().as_str())].into_iter().collect()),
        ..disk.options(url)
    });
    let away = away.expect("a client");
    let outcome = away.track_deployment(event).expect("best effort");
    assert_eq!(outcome.status.as_str(), "queued");
}

/// A service that takes every event but that of version 1, of which `answer` makes what it likes.
fn service(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> RawServer {
    RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            if request.body.contains(r#""version":"1""#) {
                return answer(stream);
            }
            let body = r#"{"id":"evt-1"}"#;
            let length = body.len();
            let features = "Versioner-Features: idempotency, history";
            let answer =
                format!("HTTP/1.1 200 OK\r\n{features}\r\nContent-Length: {length}\r\n\r\n{body}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

/// It cannot be queued, and it must not be lost for that: the service is there.
#[test]
fn what_cannot_be_kept_behind_others_goes_out_past_them() {
    let server = service(|mut stream| {
        let answer = "HTTP/1.1 503 Broken\r\nContent-Length: 0\r\n\r\n";
        // The client may have gone.
        let _ = stream.write_all(answer.as_bytes());
    });
    let disk = Disk::new();
    queue(&disk, &server.url, &event("1"));
    for number in 1..10_000 {
        let name = format!("{:015}-{number:024x}.json", 9_000_000_000_000_u64 + number);
        std::fs::write(disk.path().join(name), "").expect("a file");
    }
    let client = disk.client(&server.url);
    let outcome = client.track_deployment(&event("2")).expect("success");
    assert!(outcome.recorded, "{}", outcome.message);
    assert_eq!(kinds(&outcome)[0], WarningKind::OutboxFull);
    let span = client.begin(&event("3")).expect("permission");
    let ended = span.end(&End::new("completed")).expect("an end");
    assert!(ended.recorded, "{}", ended.message);
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_used_keeps_no_event_from_the_service() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    queue(&disk, &url, &event("1"));
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(disk.path(), open).expect("a mode");
    let client = disk.client(&url);
    let outcome = client.track_deployment(&event("2")).expect("success");
    assert!(outcome.recorded, "{}", outcome.message);
    assert!(
        outcome.warnings[0].message.contains("everybody"),
        "{:?}",
        outcome.warnings
    );
    let span = client.begin(&event("3")).expect("permission");
    let ended = span.end(&End::new("completed")).expect("an end");
    assert!(ended.recorded, "{}", ended.message);
    assert_eq!(disk.events().len(), 1);
}

/// Whoever has a limit of their own has it for everything that is done on the way.
#[test]
fn what_waits_takes_half_of_the_time_that_an_end_has_and_no_more() {
    let server = service(|mut stream| support::drip(&mut stream, b"HTTP/1.1 100 Continue\r\n\r\n"));
    let disk = Disk::new();
    let client = disk.client(&server.url);
    let span = client.begin(&event("2")).expect("permission");
    queue(&disk, &server.url, &event("1"));
    let end = End {
        timeout: Some(Duration::from_secs(1)),
        ..End::new("completed")
    };
    let ended = span.end(&end).expect("an end that is kept");
    assert!(
        ended.warnings[0].message.contains("did not answer"),
        "{:?}",
        ended.warnings
    );
    assert_eq!(
        (ended.status.as_str(), ended.kind),
        ("queued", Kind::Timeout)
    );
}

#[test]
fn what_waits_takes_half_of_the_time_that_every_event_has_and_no_more() {
    let server = service(|mut stream| support::drip(&mut stream, b"HTTP/1.1 100 Continue\r\n\r\n"));
    let disk = Disk::new();
    queue(&disk, &server.url, &event("1"));
    let client = Client::new(Options {
        total_timeout: Some(Duration::from_secs(1)),
        ..disk.options(&server.url)
    });
    let outcome = client.expect("a client").track_deployment(&event("2"));
    let outcome = outcome.expect("best effort");
    assert_eq!(outcome.status.as_str(), "queued");
    assert_eq!(outcome.kind, Kind::Timeout);
}

#[test]
fn an_event_under_the_key_of_another_one_is_not_called_queued() {
    let disk = Disk::new();
    let client = disk.client(&nowhere());
    let under_one_key = |status: &str| DeploymentEvent {
        idempotency_key: "run-7".into(),
        status: status.into(),
        ..event("1")
    };
    let started = client.track_deployment(&under_one_key("started"));
    assert_eq!(started.expect("best effort").status.as_str(), "queued");
    let ended = client.track_deployment(&under_one_key("completed"));
    is_refused(&ended.expect("best effort"), "the same idempotency key");
    // What nobody can read is no event, and keeps none from its place.
    std::fs::write(disk.events().pop().expect("a file"), "{").expect("a file");
    let again = client.track_deployment(&under_one_key("completed"));
    assert_eq!(again.expect("best effort").status.as_str(), "queued");
}

#[test]
fn no_file_holds_the_key_whatever_the_event_says() {
    let disk = Disk::new();
    let client = disk.client(&nowhere());
    let with_key = DeploymentEvent {
        deploy_url: format!("https://deploy.example/?token={}", support::KEY),
        ..event("1")
    };
    let outcome = client.track_deployment(&with_key).expect("best effort");
    is_refused(&outcome, "holds the API key");
    assert_eq!(disk.events().len(), 0);
    let span = client.prepare(&with_key).expect("a span");
    let error = span.save().expect_err("a text without the key");
    assert!(!error.to_string().contains(support::KEY), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_of_this_user_is_put_aside_unread() {
    let server = Server::start(None);
    let disk = Disk::new();
    std::fs::create_dir(disk.path()).expect("a folder");
    let path = |number: u32| disk.path().join(format!("{number:015}-{number:024x}.json"));
    std::fs::create_dir(path(1)).expect("a folder");
    let elsewhere = disk.0.path().join("elsewhere");
    std::fs::write(&elsewhere, "").expect("a file");
    std::os::unix::fs::symlink(&elsewhere, path(2)).expect("a link");
    std::os::unix::fs::symlink("/dev/zero", path(3)).expect("a link");
    let pipe = std::process::Command::new("mkfifo").arg(path(4)).status();
    assert!(pipe.expect("mkfifo").success());
    let client = disk.client(&server.url("http", "127.0.0.1"));
    let outcome = client.track_deployment(&event("2")).expect("success");
    assert!(outcome.recorded);
    assert_eq!(outcome.warnings.len(), 4, "{:?}", outcome.warnings);
    assert_eq!(disk.events().len(), 0);
    assert_eq!(files(&disk.path().join("damaged")).len(), 4);
    // Nobody waits for whoever writes into this either.
    std::fs::remove_file(disk.path().join(".lock")).expect("a file");
    let pipe = std::process::Command::new("mkfifo")
        .arg(disk.path().join(".lock"))
        .status();
    assert!(pipe.expect("mkfifo").success());
    std::fs::write(path(5), "").expect("a file");
    let outcome = client.track_deployment(&event("3")).expect("success");
    assert!(outcome.recorded);
}

/// Nothing is promised, and the caller goes on.
fn is_refused(outcome: &Outcome, why: &str) {
    assert_eq!(outcome.status.as_str(), "not_recorded");
    assert_eq!(
        kinds(outcome),
        [WarningKind::Outbox, WarningKind::NotRecorded]
    );
    let message = &outcome.warnings[0].message;
    assert!(message.contains(why), "{message}");
}

#[cfg(unix)]
#[test]
fn a_directory_of_another_user_is_refused() {
    let disk = Disk::new();
    std::fs::create_dir(disk.path()).expect("a folder");
    let given_away = std::os::unix::fs::chown(disk.path(), Some(65_534), None).is_ok();
    let mut options = disk.options(&nowhere());
    if !given_away {
        // Only root can give a directory away; this one is root's.
        options.outbox = "/usr".into();
    }
    let client = Client::new(options).expect("a client");
    let outcome = client.track_deployment(&event("1"));
    is_refused(&outcome.expect("best effort"), "another user");
}

/// Who is not root is kept from it by the system.
#[cfg(unix)]
#[test]
fn nobody_makes_a_directory_in_somebody_else_s_home() {
    let disk = Disk::new();
    let is_root = std::os::unix::fs::chown(disk.0.path(), Some(65_534), None).is_ok();
    let mut options = disk.options(&nowhere());
    if !is_root {
        options.outbox = "/root/versioner/outbox".into();
    }
    let client = Client::new(options).expect("a client");
    let outcome = client.track_deployment(&event("1"));
    let why = if is_root { "root makes no" } else { "denied" };
    is_refused(&outcome.expect("best effort"), why);
    assert!(!disk.path().exists());
}

#[test]
fn events_of_two_products_do_not_wait_for_each_other() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let disk = Disk::new();
    let client = Client::new(Options {
        environment: Some([("http_proxy", nowhere().as_str())].into_iter().collect()),
        ..disk.options(&url)
    });
    let away = client.expect("a client");
    let other = DeploymentEvent {
        product: "web".into(),
        ..event("1")
    };
    for event in [&event("1"), &other, &event("2")] {
        away.track_deployment(event).expect("best effort");
    }
    assert_eq!(disk.events().len(), 3);
    let web = DeploymentEvent {
        version: "2".into(),
        ..other
    };
    assert!(
        disk.client(&url)
            .track_deployment(&web)
            .expect("success")
            .recorded
    );
    let told: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|request| request.line.starts_with("POST"))
        .map(|request| {
            let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
            format!("{} {}", body["product_name"], body["version"]).replace('"', "")
        })
        .collect();
    assert_eq!(told, ["web 1", "web 2", "api 1", "api 2"]);
}
