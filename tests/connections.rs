//! What a connection does to a call: kept, closed too early, answered oddly; and what is logged.

mod support;

use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use support::{KEY, RawServer, options, take_request, track};
use versioner::{BuildEvent, Client, DeploymentEvent, Kind, Level, Logger, Options};

const RECORDED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 14\r\n\r\n{\"id\":\"evt-1\"}";

fn build() -> BuildEvent {
    BuildEvent {
        product: "api".into(),
        version: "1".into(),
        ..BuildEvent::default()
    }
}

/// Answers one request of each connection and closes as the next one arrives.
fn closing_late(requests: Arc<Mutex<Vec<String>>>) -> RawServer {
    RawServer::start(move |mut stream| {
        for is_answered in [true, false] {
            let Some(request) = take_request(&stream) else {
                return;
            };
            let key = request.header("idempotency-key").expect("a key").to_owned();
            requests.lock().expect("no panic").push(key);
            if !is_answered || stream.write_all(RECORDED.as_bytes()).is_err() {
                return;
            }
        }
    })
}

#[test]
fn a_kept_connection_that_closes_as_the_request_arrives_costs_no_event_and_no_attempt() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let server = closing_late(keys.clone());
    let client = Client::new(options(&server.url, &[])).expect("a client");
    for _ in 0..5 {
        let outcome = client.track_build(&build()).expect("recorded");
        assert_eq!(outcome.attempts, 1);
    }
    let keys = keys.lock().expect("no panic");
    let mut distinct = keys.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 5, "{keys:?}");
    assert!(keys.len() > 5, "no request met a closing connection");
}

#[test]
fn a_new_connection_that_closes_is_not_tried_again_unasked() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let server = RawServer::start(move |stream| {
        take_request(&stream);
        counter.fetch_add(1, Ordering::Relaxed);
        let _ = stream.shutdown(Shutdown::Both);
    });
    let outcome = track(options(&server.url, &[]));
    assert_eq!(outcome.kind, Kind::Network);
    assert_eq!((outcome.attempts, count.load(Ordering::Relaxed)), (1, 1));
    assert!(
        outcome.message.contains("closed the connection") && !outcome.message.contains("reach"),
        "{}",
        outcome.message
    );
}

#[test]
fn what_is_not_http_shows_no_part_of_the_key() {
    let server = RawServer::start(|mut stream| {
        take_request(&stream);
        let _ = write!(stream, "220 mail ready for Bearer {KEY}\r\n");
    });
    let outcome = track(options(&server.url, &[]));
    assert!(outcome.message.contains("220 mail"), "{}", outcome.message);
    assert!(!outcome.message.contains(&KEY[..8]), "{}", outcome.message);
}

#[test]
fn what_is_not_http_has_its_own_words() {
    let server = RawServer::start(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        take_request(&stream);
    });
    let outcome = track(options(&server.url, &[]));
    assert_eq!(outcome.kind, Kind::Network);
    for word in ["not HTTP", "SSH-2.0-OpenSSH_9.2"] {
        assert!(outcome.message.contains(word), "{}", outcome.message);
    }
    assert!(!outcome.message.contains("reach"), "{}", outcome.message);
}

#[test]
fn a_compressed_answer_that_nobody_asked_for_is_called_so() {
    let server = RawServer::answering(
        "HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1f}xyz",
    );
    let outcome = track(options(&server.url, &[]));
    assert_eq!(outcome.kind, Kind::Authorization);
    assert!(
        outcome.message.contains("compressed (gzip)"),
        "{}",
        outcome.message
    );
}

#[test]
fn a_surface_that_no_header_can_carry_is_a_config_error_and_sends_nothing() {
    let options = Options {
        surface: "my tool\n".into(),
        max_retries: Some(3),
        ..options("http://127.0.0.1:1", &[])
    };
    let outcome = track(options);
    assert_eq!((outcome.kind, outcome.attempts), (Kind::Config, 0));
    assert_eq!(outcome.argument, "surface");
}

#[test]
fn requests_and_answers_are_logged_without_the_key() {
    let server = RawServer::answering(
        "HTTP/1.1 428 No\r\nX-Trace: abc\r\nContent-Length: 75\r\n\r\n\
         {\"detail\":{\"code\":\"FLOW_VIOLATION\",\"message\":\"s\\u006b_test_k1_secretsecret\"}}",
    );
    let logged = Arc::new(Mutex::new(String::new()));
    let log = logged.clone();
    let logger = Logger::new(move |level, message| {
        if level == Level::Debug {
            let mut log = log.lock().expect("no panic");
            log.push_str(message);
            log.push('\n');
        }
    });
    let proxy = format!("http://user:hunter2@{}", server.authority());
    let client = Client::new(Options {
        logger,
        ..options("http://service.example", &[("http_proxy", &proxy)])
    });
    let event = DeploymentEvent {
        product: "api".into(),
        environment: "production".into(),
        version: "1".into(),
        ..DeploymentEvent::default()
    };
    let client = client.expect("a client");
    client.track_deployment(&event).expect_err("rejected");
    let logged = logged.lock().expect("no panic");
    for part in [
        "> POST http://service.example/deployment-events/",
        "> Authorization: Bearer [API key]",
        "> Idempotency-Key: ",
        "\"environment_name\":\"production\"",
        "< HTTP 428 after ",
        "< X-Trace: abc",
        "FLOW_VIOLATION",
    ] {
        assert!(logged.contains(part), "{part:?} is missing in {logged}");
    }
    for secret in [KEY, "secretsecret", "hunter2", "Basic"] {
        assert!(!logged.contains(secret), "{secret:?} stands in {logged}");
    }
}
