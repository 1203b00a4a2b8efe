//! What a program that embeds the client relies on: threads, cancellation, logs, secrecy.

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use support::{KEY, Server, options};
use versioner::{
    BuildEvent, Client, Code, DeploymentEvent, Interrupt, Kind, Level, Logger, Options, Source,
    Warning, WarningKind,
};

fn build() -> BuildEvent {
    BuildEvent {
        product: "api".into(),
        version: "1".into(),
        ..BuildEvent::default()
    }
}

fn client(options: Options) -> Client {
    Client::new(options).expect("a client")
}

/// A service that reads requests, tells of each, and never answers.
struct SilentServer {
    url: String,
    arrivals: Receiver<()>,
}

impl SilentServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, arrivals) = channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                if stream.read(&mut [0; 16]).is_ok_and(|amount| amount > 0) {
                    open.push(stream);
                    // The test may be over already.
                    let _ = sender.send(());
                }
            }
        });
        SilentServer { url, arrivals }
    }
}

#[test]
fn an_interrupt_ends_a_call_that_waits_for_an_answer() {
    let server = SilentServer::start();
    let client = client(options(&server.url, &[]));
    let raised = Arc::new(AtomicBool::new(false));
    let flag = raised.clone();
    let interrupt = Interrupt::new(move || flag.load(Ordering::Relaxed));
    thread::scope(|scope| {
        let call = scope.spawn(|| client.track_build_with(&build(), &interrupt));
        server.arrivals.recv().expect("a request");
        raised.store(true, Ordering::Relaxed);
        let error = call.join().expect("no panic").expect_err("interrupted");
        assert_eq!(
            (error.kind(), error.code()),
            (Kind::Interrupted, Code::Error)
        );
        assert_eq!(error.outcome().attempts, 1);
    });
}

#[test]
fn best_effort_does_not_hide_an_interrupt() {
    let options = Options {
        fail_on_api_error: Some(false),
        ..options("http://127.0.0.1:1", &[])
    };
    let interrupt = Interrupt::new(|| true);
    let error = client(options)
        .track_build_with(&build(), &interrupt)
        .expect_err("interrupted");
    assert_eq!(
        (error.kind(), error.outcome().attempts),
        (Kind::Interrupted, 0)
    );
    // Nobody has to look whether it is recorded.
    assert!(error.to_string().contains("before anything was sent"));
}

#[test]
fn cancel_ends_the_calls_in_progress_and_no_later_one() {
    let silent = SilentServer::start();
    let client = client(options(&silent.url, &[]));
    thread::scope(|scope| {
        let first = scope.spawn(|| client.track_build(&build()));
        silent.arrivals.recv().expect("a request");
        client.cancel();
        let error = first.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error.kind(), Kind::Interrupted);

        let second = scope.spawn(|| client.track_build(&build()));
        silent
            .arrivals
            .recv()
            .expect("a later call sends its request");
        client.cancel();
        second.join().expect("no panic").expect_err("cancelled");
    });
}

#[test]
fn an_interrupt_ends_the_pause_before_a_retry() {
    let nobody = format!("http://127.0.0.1:{}", support::closed_port());
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let logger = Logger::new(move |level, message| {
        if level == Level::Debug && message.contains("again in") {
            // The test may be over already.
            let _ = sender.lock().map(|sender| sender.send(()));
        }
    });
    let hour = std::time::Duration::from_secs(3600);
    let client = client(Options {
        logger,
        max_retries: Some(1),
        retry_pause: Some(hour),
        total_timeout: Some(hour * 24),
        ..options(&nobody, &[])
    });
    thread::scope(|scope| {
        let call = scope.spawn(|| client.track_build(&build()));
        receiver.recv().expect("a pause that begins");
        client.cancel();
        let error = call.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error.kind(), Kind::Interrupted);
    });
}

#[test]
fn one_client_serves_many_threads_over_few_connections() {
    const THREADS: usize = 32;
    let server = Server::start(None);
    let client = client(options(&server.url("http", "127.0.0.1"), &[]));
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..10 {
                    assert!(client.track_build(&build()).expect("recorded").recorded);
                }
            });
        }
    });
    let requests = server.requests();
    assert_eq!(requests.len(), THREADS * 10);
    let keys = requests
        .iter()
        .filter_map(|request| request.header("idempotency-key"));
    let distinct: BTreeMap<&str, ()> = keys.map(|key| (key, ())).collect();
    assert_eq!(
        distinct.len(),
        THREADS * 10,
        "every event has its own idempotency key"
    );
    assert!(
        server.connections() <= THREADS,
        "{} connections",
        server.connections()
    );
}

#[test]
fn an_event_is_validated_without_being_sent() {
    let server = Server::start(None);
    let client = client(options(&server.url("http", "127.0.0.1"), &[]));
    client.validate_build(&build()).expect("valid");
    let error = client
        .validate_deployment(&DeploymentEvent::default())
        .expect_err("no product");
    assert_eq!(
        (error.kind(), error.outcome().argument),
        (Kind::InvalidArgument, "product")
    );
    assert!(server.requests().is_empty());
}

#[test]
fn names_itself_to_the_service() {
    let server = Server::start(None);
    let options = Options {
        surface: "deploy-tool".into(),
        ..options(&server.url("http", "127.0.0.1"), &[])
    };
    client(options).track_build(&build()).expect("recorded");
    let requests = server.requests();
    let expected = format!("versioner/{} (deploy-tool)", versioner::VERSION);
    assert_eq!(requests[0].header("user-agent"), Some(expected.as_str()));
}

/// The service stands behind a name that no loopback has, reached through a proxy.
#[test]
fn a_key_that_travels_unencrypted_is_warned_of_once() {
    let proxy = Server::start(None);
    let proxy_url = proxy.url("http", "127.0.0.1");
    let client = client(options(
        "http://versioner.example.com",
        &[("http_proxy", &proxy_url)],
    ));
    let warned = || -> Vec<WarningKind> {
        let outcome = client.track_build(&build()).expect("recorded");
        outcome
            .warnings
            .iter()
            .map(|warning| warning.kind)
            .collect()
    };
    assert_eq!(warned(), [WarningKind::InsecureUrl]);
    assert_eq!(warned(), []);
    let line = &proxy.requests()[0].line;
    assert_eq!(
        line,
        "POST http://versioner.example.com:80/build-events/ HTTP/1.1"
    );
}

#[test]
fn an_explanation_is_data_with_sources_and_changes_nothing() {
    let proxy = Server::start(None);
    let proxy_url = proxy.url("http", "127.0.0.1");
    let variables = [
        ("http_proxy", proxy_url.as_str()),
        ("VERSIONER_API_KEY", KEY),
        ("VERSIONER_SCM_BRANCH", KEY),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", "4f1c22"),
    ];
    let client = client(options("http://versioner.example.com", &variables));
    let explanation = client.explain_build(&build()).expect("a good event");
    let source = |name: &str| {
        let mut all = explanation.values.iter().chain(&explanation.settings);
        let found = all.find(|explained| explained.field == name);
        found.map(|explained| (explained.value.as_str(), explained.source.clone()))
    };
    assert_eq!(source("product"), Some(("api", Source::Argument)));
    assert_eq!(source("status"), Some(("completed", Source::Default)));
    let detected = Source::Detected {
        system: "github".into(),
        variable: "GITHUB_SHA",
    };
    assert_eq!(source("scm_sha"), Some(("4f1c22", detected)));
    let variable = Source::Variable("VERSIONER_SCM_BRANCH".into());
    assert_eq!(source("scm_branch"), Some(("[API key]", variable)));
    assert_eq!(source("max_retries"), Some(("0", Source::Argument)));
    assert_eq!((source("api_key"), source("ca_file")), (None, None));
    assert!(!format!("{explanation:?}").contains(KEY));
    assert_eq!(proxy.connections(), 0);

    // The warning that comes once is still to come.
    let told = |warnings: &[Warning]| -> Vec<WarningKind> {
        warnings.iter().map(|warning| warning.kind).collect()
    };
    let insecure = [WarningKind::InsecureUrl];
    assert_eq!(told(&explanation.warnings), insecure);
    let outcome = client.track_build(&build()).expect("recorded");
    assert_eq!(told(&outcome.warnings), insecure);

    let error = client
        .explain_build(&BuildEvent {
            version: "$(Version)".into(),
            ..build()
        })
        .expect_err("a placeholder");
    assert_eq!(error.kind(), Kind::InvalidArgument);
}

#[test]
fn logs_tell_what_was_tried_but_never_the_key() {
    let logged = Arc::new(Mutex::new(Vec::new()));
    let log = logged.clone();
    let logger = Logger::new(move |level, message| {
        log.lock()
            .expect("no panic")
            .push((level, message.to_owned()));
    });
    let url = format!("http://127.0.0.1:{}/{KEY}", support::closed_port());
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "acme/api"),
        ("GITHUB_SHA", "0123456789abcdef"),
        ("GITHUB_ACTOR", KEY),
        ("VERSIONER_RETRY_PAUSE", "0.001"),
    ];
    let options = Options {
        logger,
        max_retries: Some(1),
        ..options(&url, &variables)
    };
    let error = client(options)
        .track_build(&BuildEvent::default())
        .expect_err("nobody is there");
    assert!(
        !error.to_string().contains(KEY) && !format!("{error:?}").contains(KEY),
        "{error:?}"
    );
    let logged = logged.lock().expect("no panic");
    let is_retry =
        |(level, message): &(Level, String)| *level == Level::Debug && message.contains("again in");
    assert!(logged.iter().any(is_retry), "{logged:?}");
    assert!(
        logged.iter().all(|(_, message)| !message.contains(KEY)),
        "{logged:?}"
    );
}

#[test]
fn debug_texts_do_not_show_the_key() {
    let variables = [("VERSIONER_API_KEY", KEY)];
    let options = options("http://127.0.0.1:1", &variables);
    assert!(!format!("{options:?}").contains(KEY));
    assert!(!format!("{:?}", options.environment).contains(KEY));
    assert!(!format!("{:?}", client(options)).contains(KEY));
}

#[test]
fn an_event_can_be_sent_to_a_name() {
    let server = Server::start(None);
    let client = client(options(&server.url("http", "localhost"), &[]));
    assert!(client.track_build(&build()).expect("recorded").recorded);
}

#[test]
fn a_name_that_does_not_exist_is_a_network_error_that_names_it() {
    let client = client(options("http://versioner.invalid", &[]));
    let error = client.track_build(&build()).expect_err("no such name");
    assert_eq!(error.kind(), Kind::Network, "{error}");
    assert!(error.to_string().contains("versioner.invalid"), "{error}");
}

#[test]
fn fields_are_reached_by_name_on_both_events() {
    let mut build = BuildEvent::default();
    for field in BuildEvent::FIELDS {
        *build.field_mut(field.name).expect(field.name) = field.wire.to_owned();
    }
    assert_eq!(
        (build.product.as_str(), build.scm_sha.as_str()),
        ("product_name", "scm_sha")
    );
    let mut deployment = DeploymentEvent::default();
    for field in DeploymentEvent::FIELDS {
        *deployment.field_mut(field.name).expect(field.name) = field.wire.to_owned();
    }
    assert_eq!(deployment.environment, "environment_name");
    assert!(deployment.field_mut("no_such_field").is_none());
}
