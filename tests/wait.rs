//! Starts that wait, as a program meets them. What every surface does is in `tests/vectors`.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use support::{RawServer, options, take_request};
use versioner::{
    Client, Clock, DeploymentEvent, Interrupt, Kind, Level, Logger, Options, Progress, SystemClock,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn event() -> DeploymentEvent {
    DeploymentEvent {
        product: "api".into(),
        environment: "production".into(),
        version: "1.2.3".into(),
        status: "started".into(),
        wait: Some(HOUR),
        ..DeploymentEvent::default()
    }
}

fn answer(mut stream: &TcpStream, head: &str, body: &str) {
    let length = body.len();
    // The client may have gone.
    let _ = write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}

const REFUSED: &str =
    r#"{"detail":{"code":"APPROVAL_REQUIRED","details":{"rule_name":"Two People"}}}"#;

/// Refuses every event and never answers a question; counts both.
fn closed(raised: &Arc<AtomicBool>) -> (RawServer, Arc<AtomicUsize>) {
    let (raised, requests) = (raised.clone(), Arc::new(AtomicUsize::new(0)));
    let count = requests.clone();
    let server = RawServer::start(move |stream| {
        while let Some(request) = take_request(&stream) {
            count.fetch_add(1, Ordering::Relaxed);
            if request.line.contains("/preflight/") {
                raised.store(true, Ordering::Relaxed);
                support::wait_for_the_end(&stream);
                return;
            }
            let head = "428 Refused\r\nVersioner-Features: preflight, wait";
            answer(&stream, head, REFUSED);
        }
    });
    (server, requests)
}

fn interrupt(raised: &Arc<AtomicBool>) -> Interrupt {
    let raised = raised.clone();
    Interrupt::new(move || raised.load(Ordering::Relaxed))
}

#[test]
fn a_wait_is_interrupted_while_the_service_holds_its_answer_back() {
    let raised = Arc::new(AtomicBool::new(false));
    let (server, requests) = closed(&raised);
    let client = Client::new(options(&server.url, &[])).expect("a client");
    let error = client
        .track_deployment_with(&event(), &interrupt(&raised))
        .expect_err("an interruption");
    assert_eq!(error.kind(), Kind::Interrupted);
    let message = error.to_string();
    assert!(
        message.contains("APPROVAL_REQUIRED (Two People)"),
        "{message}"
    );
    assert!(message.contains("nothing was started"), "{message}");
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}

#[test]
fn a_span_that_is_interrupted_while_it_waits_tells_nothing_more() {
    let raised = Arc::new(AtomicBool::new(false));
    let (server, requests) = closed(&raised);
    let client = Client::new(options(&server.url, &[])).expect("a client");
    let span = client.prepare(&event()).expect("a span");
    let error = span.ask(&interrupt(&raised)).expect_err("an interruption");
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    let ended = span.end(&versioner::End::new("completed"));
    assert!(ended.is_err(), "it never began");
}

/// A clock whose first long pause raises an interrupt, and in which no time passes.
struct Pausing {
    raised: Arc<AtomicBool>,
    real: SystemClock,
}

impl Clock for Pausing {
    fn now(&self) -> Duration {
        self.real.now()
    }

    fn date(&self) -> SystemTime {
        self.real.date()
    }

    fn sleep(&self, _: Duration, interrupt: &Interrupt) {
        self.raised.store(true, Ordering::Relaxed);
        assert!(interrupt.is_raised(), "a pause that nothing could end");
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

#[test]
fn a_wait_is_interrupted_in_a_pause() {
    let raised = Arc::new(AtomicBool::new(false));
    let server = RawServer::start(|stream| {
        while take_request(&stream).is_some() {
            answer(&stream, "423 Locked", REFUSED);
        }
    });
    let client = Client::new(Options {
        clock: Some(Arc::new(Pausing {
            raised: raised.clone(),
            real: SystemClock::default(),
        })),
        ..options(&server.url, &[])
    });
    let client = client.expect("a client");
    let cancelled = client.track_deployment_with(&event(), &interrupt(&raised));
    assert_eq!(cancelled.expect_err("an end").kind(), Kind::Interrupted);
}

#[test]
fn what_it_has_come_to_is_told_once_for_each_change_and_hides_the_key() {
    let answers = Arc::new(AtomicUsize::new(0));
    let server = RawServer::start(move |stream| {
        while let Some(request) = take_request(&stream) {
            let is_question = request.line.contains("/preflight/");
            let number = answers.fetch_add(1, Ordering::Relaxed);
            match (is_question, number) {
                (true, _) => answer(&stream, "200 OK", r#"{"allowed":true}"#),
                (false, 0) => {
                    let body = REFUSED.replace("Two People", support::KEY);
                    answer(
                        &stream,
                        "428 R\r\nVersioner-Features: preflight, wait",
                        &body,
                    );
                }
                _ => answer(&stream, "200 OK", r#"{"id":"d","status":"started"}"#),
            }
        }
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let logged = Arc::new(Mutex::new(Vec::new()));
    let (telling, logging) = (told.clone(), logged.clone());
    let with_progress = Options {
        progress: Progress::new(move |line, is_change| {
            telling
                .lock()
                .expect("no panic")
                .push((line.to_owned(), is_change));
        }),
        ..options(&server.url, &[])
    };
    let client = Client::new(with_progress).expect("a client");
    client.track_deployment(&event()).expect("an open gate");
    let told = told.lock().expect("no panic");
    let line = "waiting: APPROVAL_REQUIRED ([API key]), 0 min of 60".to_owned();
    assert_eq!(*told, [(line.clone(), true)]);
    drop(client);
    // Without a listener it is logged.
    let raised = Arc::new(AtomicBool::new(false));
    let (server, _) = closed(&raised);
    let client = Client::new(Options {
        logger: Logger::new(move |level, message| {
            if level == Level::Info {
                logging.lock().expect("no panic").push(message.to_owned());
            }
        }),
        ..options(&server.url, &[])
    });
    let client = client.expect("a client");
    assert!(
        client
            .track_deployment_with(&event(), &interrupt(&raised))
            .is_err()
    );
    let logged = logged.lock().expect("no panic");
    assert_eq!(
        *logged,
        ["waiting: APPROVAL_REQUIRED (Two People), 0 min of 60"]
    );
}

/// Refuses the first event, takes ends, and never comes to an end of any other answer.
fn refuses_once(features: &'static str) -> (RawServer, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let all = told.clone();
    let server = RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            let is_end = request.body.contains("\"aborted\"");
            let is_first = {
                let mut all = all.lock().expect("no panic");
                all.push(request.body);
                all.len() == 1
            };
            match (is_first, is_end) {
                (true, _) => answer(&stream, &format!("428 Refused\r\n{features}"), REFUSED),
                (_, true) => answer(&stream, "200 OK", r#"{"id":"d"}"#),
                _ => return support::drip(&mut stream, b"HTTP/1.1 100 Continue\r\n\r\n"),
            }
        }
    });
    (server, told)
}

/// What is asked in the last moment of a wait does not make it longer by all that an event may take,
/// and that it went unanswered is not the last that is known of the gate.
#[test]
fn a_wait_ends_soon_after_its_time_although_nobody_answers() {
    for (features, has_aborted) in [
        ("Versioner-Features: idempotency, preflight, wait", false),
        ("Versioner-Features: idempotency", true),
    ] {
        let (server, told) = refuses_once(features);
        let client = Client::new(options(&server.url, &[])).expect("a client");
        let mut event = event();
        event.wait = Some(Duration::from_millis(200));
        let error = client.begin(&event).expect_err("a closed gate");
        assert_eq!(error.kind(), Kind::ApprovalRequired, "{error}");
        let told = told.lock().expect("no panic");
        let last = told.last().expect("an event");
        assert_eq!(last.contains("\"aborted\""), has_aborted, "{told:?}");
    }
}
