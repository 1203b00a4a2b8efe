//! Proxies, against a real one (tinyproxy).

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use support::authority::Authority;
use support::{Request, Server, closed_port, options, track};
use tempfile::TempDir;
use versioner::{BuildEvent, Client, Kind, Options};

/// A tinyproxy of this test's own.
struct Proxy {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Proxy {
    /// tinyproxy takes no port 0, so a free one is chosen; where somebody else takes it in that
    /// moment, the next is tried.
    fn start(settings: &str) -> Self {
        (0..20)
            .find_map(|_| Self::try_start(settings))
            .expect("a tinyproxy that listens")
    }

    fn try_start(settings: &str) -> Option<Self> {
        let port = closed_port();
        let folder = TempDir::new().expect("a folder");
        let config = folder.path().join("tinyproxy.conf");
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nLogLevel Info\nMaxClients 20\n{settings}\n"
        );
        std::fs::write(&config, text).expect("a written file");
        let mut process = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .expect("tinyproxy: install the Debian package of this name");
        let log = BufReader::new(process.stdout.take().expect("a log"));
        let mut lines = log.lines().map_while(Result::ok);
        let is_ready = lines.any(|line| line.contains("Accepting connections"));
        std::thread::spawn(move || lines.for_each(drop));
        if !is_ready {
            process.wait().expect("an ended process");
            return None;
        }
        Some(Proxy {
            process,
            port,
            _folder: folder,
        })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Nothing is left to do where it ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn came_through_the_proxy(request: &Request) -> bool {
    request
        .header("via")
        .is_some_and(|via| via.contains("tinyproxy"))
}

fn plain(server: &Server) -> String {
    server.url("http", "127.0.0.1")
}

#[test]
fn plain_http_goes_through_http_proxy_as_a_whole_request() {
    let (server, proxy) = (Server::start(None), Proxy::start(""));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let outcome = track(options(&plain(&server), &[(name, &proxy.url())]));
        assert!(outcome.recorded, "{name}: {}", outcome.message);
        let requests = server.requests();
        assert!(
            requests.iter().all(came_through_the_proxy),
            "{name}: {requests:?}"
        );
        assert_eq!(requests.len(), 1, "{name}");
    }
}

#[test]
fn many_events_go_through_a_proxy_that_closes_after_each() {
    let (server, proxy) = (Server::start(None), Proxy::start(""));
    let client = Client::new(options(&plain(&server), &[("http_proxy", &proxy.url())]));
    let client = client.expect("a client");
    let event = BuildEvent {
        product: "api".into(),
        version: "1".into(),
        ..BuildEvent::default()
    };
    for _ in 0..5 {
        assert!(client.track_build(&event).expect("recorded").recorded);
    }
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn the_proxy_s_password_is_sent_to_the_proxy_and_not_beyond() {
    let (server, proxy) = (Server::start(None), Proxy::start("BasicAuth user pass"));
    let url = format!("http://user:p%61ss@127.0.0.1:{}", proxy.port);
    let outcome = track(options(&plain(&server), &[("http_proxy", &url)]));
    assert!(outcome.recorded, "{}", outcome.message);
    assert!(server.requests()[0].header("proxy-authorization").is_none());
}

#[test]
fn a_wrong_proxy_password_ends_the_call_without_a_direct_connection() {
    let (server, proxy) = (Server::start(None), Proxy::start("BasicAuth user right"));
    let wrong = format!("http://user:wrong@127.0.0.1:{}", proxy.port);
    let without = proxy.url();
    for url in [&wrong, &without] {
        let target = server.url("https", "localhost");
        let outcome = track(Options {
            max_retries: Some(3),
            ..options(&target, &[("https_proxy", url)])
        });
        assert_eq!(
            (outcome.kind, outcome.attempts),
            (Kind::Config, 1),
            "{}",
            outcome.message
        );
        assert!(!outcome.message.contains("wrong"), "{}", outcome.message);
    }
    let outcome = track(options(&plain(&server), &[("http_proxy", &without)]));
    assert_eq!(outcome.kind, Kind::Config, "{}", outcome.message);
    // tinyproxy answers 401, as the service would.
    let outcome = track(options(&plain(&server), &[("http_proxy", &wrong)]));
    assert_eq!(outcome.kind, Kind::Authentication, "{}", outcome.message);
    assert!(server.requests().is_empty());
}

#[test]
fn https_is_tunnelled() {
    let (authority, proxy) = (Authority::new(), Proxy::start(""));
    let server = authority.server(|_| {});
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        ..options(
            &server.url("https", "localhost"),
            &[("https_proxy", &proxy.url())],
        )
    });
    assert!(outcome.recorded, "{}", outcome.message);
    assert!(
        !came_through_the_proxy(&server.requests()[0]),
        "a tunnel changes nothing"
    );
}

#[test]
fn certificates_are_verified_through_a_tunnel() {
    let (server, proxy) = (Authority::new().server(|_| {}), Proxy::start(""));
    let target = server.url("https", "localhost");
    let outcome = track(options(&target, &[("https_proxy", &proxy.url())]));
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
    assert!(server.requests().is_empty());
}

#[test]
fn a_proxy_that_forbids_the_address_is_a_config_error() {
    let (server, proxy) = (Server::start(None), Proxy::start("ConnectPort 1"));
    let target = server.url("https", "localhost");
    let outcome = track(options(&target, &[("https_proxy", &proxy.url())]));
    assert_eq!(outcome.kind, Kind::Config, "{}", outcome.message);
    assert!(outcome.message.contains("proxy"), "{}", outcome.message);
}

#[test]
fn no_proxy_connects_directly() {
    let (server, proxy) = (Server::start(None), Proxy::start(""));
    let variables = [
        ("http_proxy", proxy.url()),
        ("no_proxy", "127.0.0.0/8".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let outcome = track(options(&plain(&server), &variables));
    assert!(outcome.recorded, "{}", outcome.message);
    assert!(!came_through_the_proxy(&server.requests()[0]));
}

#[test]
fn a_proxy_of_the_other_scheme_does_not_count() {
    let server = Server::start(None);
    let nowhere = format!("http://127.0.0.1:{}", closed_port());
    let outcome = track(options(&plain(&server), &[("https_proxy", &nowhere)]));
    assert!(outcome.recorded, "{}", outcome.message);
}

#[test]
fn an_unreachable_proxy_is_a_network_error_that_names_it() {
    let server = Server::start(None);
    let port = closed_port();
    let nowhere = format!("http://127.0.0.1:{port}");
    for (target, name) in [
        (plain(&server), "http_proxy"),
        (server.url("https", "localhost"), "https_proxy"),
    ] {
        let outcome = track(options(&target, &[(name, &nowhere)]));
        assert_eq!(outcome.kind, Kind::Network, "{}", outcome.message);
        assert!(
            outcome.message.contains(&format!("proxy 127.0.0.1:{port}")),
            "{}",
            outcome.message
        );
        assert!(server.requests().is_empty());
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_a_config_error_that_hides_its_password() {
    let server = Server::start(None);
    for url in [
        "socks5://user:secret@localhost:1080",
        "http://user:secret@",
        "ftp://user:secret@h:1",
    ] {
        let outcome = track(options(&plain(&server), &[("ALL_PROXY", url)]));
        assert_eq!(outcome.kind, Kind::Config, "{url}: {}", outcome.message);
        assert!(outcome.message.contains("ALL_PROXY"), "{}", outcome.message);
        assert!(!outcome.message.contains("secret"), "{}", outcome.message);
        assert!(server.requests().is_empty());
    }
}
