//! Scoped deployments as a program uses them.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::{RawServer, Server, options, take_request};
use versioner::{
    BuildEvent, Client, DeploymentEvent, End, Interrupt, Kind, Level, Logger, Options, ScopeError,
};

fn event() -> DeploymentEvent {
    DeploymentEvent {
        product: "api".into(),
        environment: "production".into(),
        version: "1.2.3".into(),
        ..DeploymentEvent::default()
    }
}

fn client(server: &Server) -> Client {
    Client::new(options(&server.url("http", "127.0.0.1"), &[])).expect("a client")
}

/// The status of each event that arrived, and the class of error that goes with it.
fn told(server: &Server) -> Vec<(String, String)> {
    let requests = server.requests().into_iter();
    requests
        .map(|request| {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let class = &body["extra_metadata"]["vi_error_class"];
            (text(&body["status"]), text(class))
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(status, class)| ((*status).to_owned(), (*class).to_owned()))
        .collect()
}

#[test]
fn a_body_that_returns_is_completed() {
    let server = Server::start(None);
    let done = client(&server).deployment(&event(), |span| Ok::<_, ()>(span.id().len()));
    let done = done.expect("a success");
    assert_eq!(done.value, 36);
    assert!(done.ended.expect("a recorded end").recorded);
    assert_eq!(told(&server), pairs(&[("started", ""), ("completed", "")]));
}

#[test]
fn a_build_has_a_body_too() {
    let server = Server::start(None);
    let event = BuildEvent {
        product: "api".into(),
        version: "1.2.3".into(),
        ..BuildEvent::default()
    };
    let done = client(&server).build(&event, |_| Ok::<_, ()>(()));
    assert!(done.expect("a success").ended.is_ok());
    assert_eq!(told(&server), pairs(&[("started", ""), ("completed", "")]));
}

#[test]
fn a_body_that_fails_is_failed_and_its_words_are_not_told() {
    let server = Server::start(None);
    let failed = client(&server)
        .deployment(&event(), |_| "x".parse::<u8>())
        .expect_err("a failure");
    assert!(matches!(failed, ScopeError::Body { ended: Ok(_), .. }));
    let class = "core::num::error::ParseIntError";
    assert_eq!(told(&server), pairs(&[("started", ""), ("failed", class)]));
}

#[test]
fn a_body_that_panics_is_failed_and_goes_on_panicking() {
    let server = Server::start(None);
    let client = client(&server);
    let body = || client.deployment(&event(), |_| -> Result<(), ()> { panic!("provoked") });
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("a panic");
    assert_eq!(panic.downcast_ref(), Some(&"provoked"));
    assert_eq!(
        told(&server),
        pairs(&[("started", ""), ("failed", "panic")])
    );
}

#[test]
fn a_body_that_fails_after_an_interruption_is_aborted() {
    let server = Server::start(None);
    let client = client(&server);
    let raised = Arc::new(AtomicBool::new(false));
    let flag = raised.clone();
    let interrupt = Interrupt::new(move || flag.load(Ordering::Relaxed));
    let body = |_: &_| {
        raised.store(true, Ordering::Relaxed);
        Err::<(), _>(())
    };
    assert!(client.deployment_with(&event(), &interrupt, body).is_err());
    let cancelled = client.deployment(&event(), |_| {
        client.cancel();
        Err::<(), _>(())
    });
    assert!(cancelled.is_err());
    let statuses = told(&server).into_iter().map(|(status, _)| status);
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        ["started", "aborted", "started", "aborted"]
    );
}

#[test]
fn what_succeeds_although_it_was_interrupted_has_succeeded() {
    let server = Server::start(None);
    let client = client(&server);
    let done = client.deployment(&event(), |_| {
        client.cancel();
        Ok::<_, ()>(())
    });
    assert!(done.expect("a success").ended.is_ok());
    assert_eq!(told(&server), pairs(&[("started", ""), ("completed", "")]));
}

#[test]
fn a_deployment_that_succeeded_is_no_failure_because_nobody_could_be_told() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(options(&url, &[])).expect("a client");
    let span = client.begin(&event()).expect("permission");
    let text = span.save().expect("a text");
    assert!(!text.contains("secretsecret"), "{text}");
    drop(span);
    // The same service, as far as anybody can see, but it answers nothing any more.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let moved = Client::new(options(&gone, &[])).expect("a client");
    let resumed = moved
        .resume(&text.replace(&url, &gone))
        .expect("an open span");
    let error = resumed.end(&End::new("completed")).expect_err("nobody");
    assert_eq!(error.kind(), Kind::Network);
    let client = Client::new(options(&url, &[])).expect("a client");
    let text = resumed.save().expect("a text").replace(&gone, &url);
    let again = client.resume(&text).expect("a span");
    let ended = again.end(&End::new("failed")).expect("a recorded end");
    assert!(ended.recorded);
    assert_eq!(told(&server), pairs(&[("started", ""), ("completed", "")]));
}

/// Takes one request without an answer, then `raise`s; what comes next is answered.
#[test]
fn a_start_that_is_interrupted_is_aborted_whatever_interrupted_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let client = Client::new(options(&url, &[])).expect("a client");
    let cancelling = client.clone();
    let service = thread::spawn(move || {
        let (mut silent, _) = listener.accept().expect("a start");
        assert!(silent.read(&mut [0; 4096]).expect("a request") > 0);
        cancelling.cancel();
        let (mut next, _) = listener.accept().expect("an end");
        let mut request = [0; 4096];
        let length = next.read(&mut request).expect("a request");
        let body = r#"{"id":"dep-1","status":"aborted"}"#;
        let length_line = format!("Content-Length: {}", body.len());
        write!(next, "HTTP/1.1 200 OK\r\n{length_line}\r\n\r\n{body}").expect("a reader");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let error = client.begin(&event()).expect_err("an interruption");
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(error.to_string().contains("aborted was told"), "{error}");
    let end = service.join().expect("no panic");
    assert!(end.contains("Versioner-Span: "), "{end}");
    assert!(end.contains(r#""status":"aborted""#), "{end}");
}

#[test]
fn any_thread_may_end_a_span_and_one_end_is_told() {
    let server = Server::start(None);
    let client = client(&server);
    let span = client.begin(&event()).expect("permission");
    let statuses = ["completed", "failed", "aborted"];
    let results: Vec<String> = thread::scope(|scope| {
        let ends = statuses.map(|status| {
            let span = &span;
            scope.spawn(move || span.end(&End::new(status)).expect("an end"))
        });
        ends.map(|end| end.join().expect("no panic").event_id.to_string())
            .to_vec()
    });
    assert_eq!(results, ["evt-1"; 3]);
    assert_eq!(told(&server).len(), 2);
}

#[test]
fn a_span_keeps_its_client_alive() {
    let server = Server::start(None);
    let client = client(&server);
    let span = client.begin(&event()).expect("permission");
    drop(client);
    assert!(span.end(&End::new("completed")).is_ok());
}

#[test]
fn a_span_that_is_lost_says_so_and_sends_nothing() {
    let server = Server::start(None);
    let logged = Arc::new(Mutex::new(Vec::new()));
    let log = logged.clone();
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(Options {
        logger: Logger::new(move |level, message| {
            if level == Level::Warning {
                log.lock().expect("no panic").push(message.to_owned());
            }
        }),
        ..options(&url, &[])
    })
    .expect("a client");
    let lost = "a span was lost without an end";
    drop(client.begin(&event()).expect("permission"));
    assert_eq!(
        logged.lock().expect("no panic").pop().as_deref(),
        Some(lost)
    );
    let saved = client.begin(&event()).expect("permission");
    saved.save().expect("a text");
    drop(saved);
    assert_eq!(*logged.lock().expect("no panic"), Vec::<String>::new());
    assert_eq!(told(&server), pairs(&[("started", ""), ("started", "")]));
}

#[test]
fn a_text_that_is_no_span_or_another_s_is_refused() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(options(&url, &[])).expect("a client");
    let text = client.begin(&event()).expect("permission").save();
    let text = text.expect("a text");
    let id = text.split_once("\"id\":\"").expect("an id").1[..36].to_owned();
    for (broken, words) in [
        (String::new(), "not what a span was saved as"),
        (text[..text.len() / 2].to_owned(), "not what a span"),
        (text.replace("\"v\":1", "\"v\":2"), "form 2"),
        (text.replace(&id, "x\\r\\nEvil: yes"), "not what a span"),
        (
            text.replace(&url, "https://elsewhere.example/"),
            "elsewhere.example",
        ),
        (
            text.replace("\"account\":\"test\"", "\"account\":\"other\""),
            "another account",
        ),
    ] {
        let error = client.resume(&broken).expect_err("a refusal");
        assert_eq!(error.kind(), Kind::InvalidArgument, "{broken}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(client.resume(&text).is_ok());
}

/// Takes starts, and rejects every end; tells of each event.
fn rejecting() -> (RawServer, Receiver<String>) {
    let (sender, told) = channel();
    let sender = Mutex::new(sender);
    let server = RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            let (head, body) = match request.body.contains("\"started\"") {
                true => ("200 OK", r#"{"id":"d-1"}"#),
                false => ("423 Locked", r#"{"detail":"frozen"}"#),
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
            let told = sender.lock().expect("no panic").send(request.body);
            if told.is_err() || stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (server, told)
}

#[test]
fn an_end_that_is_rejected_is_asked_again_only_if_there_is_time() {
    let (server, told) = rejecting();
    let client = Client::new(options(&server.url, &[])).expect("a client");
    let span = client.begin(&event()).expect("permission");
    let end = End {
        timeout: Some(Duration::from_secs(3)),
        ..End::new("completed")
    };
    let rejected = span.end(&end).expect_err("a rejection");
    assert!(rejected.to_string().contains("took place"), "{rejected}");
    let told: Vec<String> = told.try_iter().collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn a_deployment_that_may_begin_does_not_wait_long_for_its_lease() {
    let server = RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            if request.line.contains("/renew/") {
                return support::drip(&mut stream, b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            let head = "HTTP/1.1 200 OK\r\nVersioner-Features: renew\r\nContent-Length: 12\r\n\r\n";
            let answer = format!("{head}{{\"id\":\"d-1\"}}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let logged = Arc::new(Mutex::new(Vec::new()));
    let log = logged.clone();
    let client = Client::new(Options {
        logger: Logger::new(move |level, message| {
            if level == Level::Warning {
                log.lock().expect("no panic").push(message.to_owned());
            }
        }),
        ..options(&server.url, &[])
    });
    let leased = DeploymentEvent {
        lease: Some(Duration::from_secs(60)),
        ..event()
    };
    let span = client.expect("a client").begin(&leased);
    span.expect("permission")
        .end(&End::new("completed"))
        .expect("an end");
    let logged = logged.lock().expect("no panic").join("\n");
    assert!(logged.contains("did not answer within 5 s"), "{logged}");
}

#[test]
fn a_sign_of_life_that_hangs_does_not_cost_the_lease() {
    let (sender, renewed) = channel();
    let sender = Mutex::new(sender);
    let server = RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            if request.line.contains("/renew/") {
                let taken = request.body.clone();
                if sender.lock().expect("no panic").send(taken).is_err() {
                    return;
                }
                return support::wait_for_the_end(&stream);
            }
            let head = "HTTP/1.1 200 OK\r\nVersioner-Features: renew\r\nContent-Length: 12\r\n\r\n";
            let answer = format!("{head}{{\"id\":\"d-1\"}}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let client = Client::new(Options {
        attempt_timeout: Some(Duration::from_secs(600)),
        total_timeout: Some(Duration::from_secs(600)),
        ..options(&server.url, &[])
    });
    let leased = DeploymentEvent {
        lease: Some(Duration::from_secs(1)),
        ..event()
    };
    let done = client.expect("a client").deployment(&leased, |_| {
        // Of the beginning, and two by the thread that renews; none of them is answered.
        let long = Duration::from_secs(60);
        (0..3).try_for_each(|_| renewed.recv_timeout(long).map(drop))
    });
    assert!(done.expect("three signs of life").ended.is_ok());
}
