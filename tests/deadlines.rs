//! A call ends at its limit, whatever the other side does meanwhile. No test measures time: a
//! call that outlives its limit ends otherwise than it should, because the server gives up.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use support::{RawServer, drip, options, take_request, track, wait_for_the_end};
use versioner::{BuildEvent, Client, Interrupt, Kind, Options, Outcome};

fn build() -> BuildEvent {
    BuildEvent {
        product: "api".into(),
        version: "1".into(),
        ..BuildEvent::default()
    }
}

fn short(url: &str, variables: &[(&str, &str)]) -> Options {
    Options {
        attempt_timeout: Some(Duration::from_millis(150)),
        ..options(url, variables)
    }
}

type Serve = fn(&mut TcpStream);

/// Ways to keep a client waiting although bytes come all the time.
const SLOW: &[(&str, Serve)] = &[
    ("a head", |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        drip(stream, b"X");
    }),
    ("a body", |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n");
        drip(stream, b"x");
    }),
    ("chunks", |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        drip(stream, b"1\r\nx\r\n");
    }),
    ("the length of a chunk", |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        drip(stream, b"0");
    }),
    ("interim answers", |stream| {
        drip(stream, b"HTTP/1.1 100 Continue\r\n\r\n");
    }),
];

fn slow(serve: Serve) -> RawServer {
    RawServer::start(move |mut stream| {
        take_request(&stream);
        serve(&mut stream);
    })
}

fn assert_timeout(outcome: &Outcome, what: &str) {
    assert_eq!(outcome.kind, Kind::Timeout, "{what}: {}", outcome.message);
}

#[test]
fn bytes_that_trickle_do_not_extend_a_limit() {
    for (what, serve) in SLOW {
        let server = slow(*serve);
        let outcome = track(short(&server.url, &[]));
        assert_timeout(&outcome, what);
        let words = ["0.15 s", "VERSIONER_ATTEMPT_TIMEOUT"];
        assert!(
            words.iter().all(|word| outcome.message.contains(word)),
            "{}",
            outcome.message
        );
        let total = Options {
            attempt_timeout: None,
            total_timeout: Some(Duration::from_millis(150)),
            ..options(&server.url, &[])
        };
        let outcome = track(total);
        assert_timeout(&outcome, what);
        assert!(
            outcome.message.contains("VERSIONER_TOTAL_TIMEOUT"),
            "{}",
            outcome.message
        );
    }
}

#[test]
fn an_interrupt_and_a_cancellation_are_heard_while_bytes_trickle() {
    for (what, serve) in SLOW {
        let (began, begun) = channel();
        let server = RawServer::start(move |mut stream| {
            take_request(&stream);
            // The test may be over already.
            let _ = began.send(());
            serve(&mut stream);
        });
        let client = Client::new(options(&server.url, &[])).expect("a client");
        let flag = Arc::new(AtomicBool::new(false));
        let raised = flag.clone();
        let interrupt = Interrupt::new(move || raised.load(Ordering::Relaxed));
        let ends: [&dyn Fn(); 2] = [&|| flag.store(true, Ordering::Relaxed), &|| client.cancel()];
        for end in ends {
            flag.store(false, Ordering::Relaxed);
            thread::scope(|scope| {
                let call = scope.spawn(|| client.track_build_with(&build(), &interrupt));
                begun.recv().expect("a request");
                end();
                let error = call.join().expect("no panic").expect_err("ended");
                assert_eq!(error.kind(), Kind::Interrupted, "{what}: {error}");
            });
        }
    }
}

#[test]
fn a_large_event_that_nobody_reads_does_not_extend_a_limit() {
    let server = RawServer::start(|stream| {
        let (_hold, held) = channel::<()>();
        let _ = held.recv_timeout(Duration::from_secs(20));
        drop(stream);
    });
    let event = BuildEvent {
        scm_branch: "x".repeat(16 * 1024 * 1024),
        ..build()
    };
    let client = Client::new(short(&server.url, &[])).expect("a client");
    let error = client.track_build(&event).expect_err("nobody reads");
    assert_timeout(error.outcome(), "a large event");
}

#[test]
fn a_verdict_counts_although_the_event_was_not_read() {
    let server = RawServer::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 428 No\r\nContent-Length: 0\r\n\r\n");
        let (_hold, held) = channel::<()>();
        let _ = held.recv_timeout(Duration::from_secs(20));
    });
    let event = BuildEvent {
        scm_branch: "x".repeat(16 * 1024 * 1024),
        ..build()
    };
    let client = Client::new(options(&server.url, &[])).expect("a client");
    let error = client.track_build(&event).expect_err("rejected");
    assert_eq!(error.outcome().http_status, 428, "{error}");
}

#[test]
fn an_interrupt_does_not_take_a_verdict_back() {
    let (began, begun) = channel();
    let server = RawServer::start(move |mut stream| {
        take_request(&stream);
        let _ = stream.write_all(b"HTTP/1.1 428 No\r\nContent-Length: 999999\r\n\r\n");
        let _ = began.send(());
        drip(&mut stream, b"x");
    });
    let client = Client::new(options(&server.url, &[])).expect("a client");
    thread::scope(|scope| {
        let call = scope.spawn(|| client.track_build(&build()));
        begun.recv().expect("a verdict");
        client.cancel();
        let error = call.join().expect("no panic").expect_err("ended");
        // Which of the two came first is open; a verdict that was read stands.
        assert!(
            error.kind() == Kind::Interrupted || error.outcome().http_status == 428,
            "{error}"
        );
    });
}

#[test]
fn handshakes_that_never_end_do_not_extend_a_limit() {
    let silent = RawServer::start(|stream| wait_for_the_end(&stream));
    let dripping = RawServer::start(|mut stream| drip(&mut stream, b"\x16\x03\x03\x40\x00\x02"));
    for server in [&silent, &dripping] {
        let https = format!("https://localhost:{}", port(server));
        let outcome = track(short(&https, &[]));
        assert!(
            matches!(outcome.kind, Kind::Timeout | Kind::Tls),
            "{}",
            outcome.message
        );
        for proxy in [
            server.url.clone(),
            format!("https://{}", server.authority()),
        ] {
            let outcome = track(short("https://service.example", &[("https_proxy", &proxy)]));
            assert!(
                matches!(outcome.kind, Kind::Timeout | Kind::Tls | Kind::Network),
                "{proxy}: {}",
                outcome.message
            );
        }
    }
    let outcome = track(short(&format!("https://localhost:{}", port(&silent)), &[]));
    assert_timeout(&outcome, "TLS");
    let outcome = track(short(
        "https://service.example",
        &[("https_proxy", &silent.url)],
    ));
    assert_timeout(&outcome, "CONNECT");
}

fn port(server: &RawServer) -> &str {
    server.authority().rsplit(':').next().unwrap_or_default()
}
