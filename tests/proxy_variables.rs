//! What proxy variables may say, and HTTPS proxies, against servers that play the proxy.

mod support;

use std::ffi::OsString;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use support::authority::Authority;
use support::{RawServer, Server, closed_port, options, track};
use versioner::{Environment, Kind, Options, WarningKind};

fn plain(server: &Server) -> String {
    server.url("http", "127.0.0.1")
}

/// What the proxy is shown, for these credentials in its URL.
fn shown_to_the_proxy(credentials: &str) -> Option<String> {
    let proxy = Server::start(None);
    let url = format!("http://{credentials}127.0.0.1:{}", proxy.port);
    let outcome = track(options("http://service.example", &[("http_proxy", &url)]));
    assert!(outcome.recorded, "{}", outcome.message);
    let request = &proxy.requests()[0];
    request.header("proxy-authorization").map(str::to_owned)
}

#[test]
fn credentials_of_a_proxy_are_read_as_curl_reads_them() {
    let cases = [
        ("", None),
        ("@", None),
        ("user@", Some("user:")),
        ("user:@", Some("user:")),
        ("user:pass@", Some("user:pass")),
        ("CORP\\svc:pw@", Some("CORP\\svc:pw")),
        ("CORP%5Csvc:p%40ss%2F@", Some("CORP\\svc:p@ss/")),
        ("user:p@ss@", Some("user:p@ss")),
        ("user:100%@", Some("user:100%")),
        ("u\u{e4}:p{}|^@", Some("u\u{e4}:p{}|^")),
    ];
    for (credentials, expected) in cases {
        let expected = expected.map(|plain| format!("Basic {}", BASE64_STANDARD.encode(plain)));
        assert_eq!(shown_to_the_proxy(credentials), expected, "{credentials}");
    }
}

#[test]
fn credentials_that_could_be_a_path_are_to_be_encoded() {
    for url in [
        "http://user:pa/ss@proxy.example:1",
        "http://user:pa#ss@proxy.example:1",
    ] {
        let outcome = track(options("http://service.example", &[("http_proxy", url)]));
        assert_eq!(outcome.kind, Kind::Config, "{url}");
        assert!(
            outcome.message.contains("percent-encode"),
            "{}",
            outcome.message
        );
        assert!(!outcome.message.contains("ss@"), "{}", outcome.message);
    }
}

#[test]
fn plain_http_through_an_https_proxy_is_forwarded() {
    let authority = Authority::new();
    let proxy = authority.server(|_| {});
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        ..options(
            "http://service.example/base",
            &[("http_proxy", &proxy.url("https", "user@localhost"))],
        )
    });
    assert!(outcome.recorded, "{}", outcome.message);
    let request = &proxy.requests()[0];
    let line = "POST http://service.example:80/base/build-events/ HTTP/1.1";
    assert_eq!(request.line, line);
    assert_eq!(request.header("host"), Some("service.example"));
    assert_eq!(
        request.header("proxy-authorization"),
        Some("Basic dXNlcjo=")
    );
}

#[test]
fn https_through_an_https_proxy_is_tunnelled() {
    let authority = Authority::new();
    let proxy = authority.server_behind_https_proxy();
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        ..options(
            "https://localhost:8443",
            &[("https_proxy", &proxy.url("https", "user:pass@localhost"))],
        )
    });
    assert!(outcome.recorded, "{}", outcome.message);
    let requests = proxy.requests();
    assert_eq!(requests[0].line, "CONNECT localhost:8443 HTTP/1.1");
    let credentials = "Basic dXNlcjpwYXNz";
    assert_eq!(requests[0].header("proxy-authorization"), Some(credentials));
    assert_eq!(requests[1].line, "POST /build-events/ HTTP/1.1");
    assert!(requests[1].header("proxy-authorization").is_none());
}

#[test]
fn an_https_proxy_that_is_not_trusted_is_told_by_its_own_name() {
    let proxy = Authority::new().server(|_| {});
    for (target, variable) in [
        ("http://service.example", "http_proxy"),
        ("https://service.example", "https_proxy"),
    ] {
        let outcome = track(options(
            target,
            &[(variable, &proxy.url("https", "localhost"))],
        ));
        assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
        let name = format!("localhost:{}", proxy.port);
        assert!(outcome.message.contains(&name), "{}", outcome.message);
    }
    assert!(proxy.requests().is_empty());
}

#[test]
fn addresses_of_ipv6_are_written_with_brackets() {
    let proxy = RawServer::answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let outcome = track(options(
        "https://[2001:db8::7]",
        &[("https_proxy", &proxy.url)],
    ));
    assert_eq!(outcome.kind, Kind::Network, "{}", outcome.message);
    for part in ["[2001:db8::7]:443", "502", proxy.authority()] {
        assert!(outcome.message.contains(part), "{}", outcome.message);
    }
    let unreachable = format!("http://[::1]:{}", closed_port());
    let outcome = track(options(
        "http://service.example",
        &[("http_proxy", &unreachable)],
    ));
    assert_eq!(outcome.kind, Kind::Network, "{}", outcome.message);
    let address = unreachable.trim_start_matches("http://");
    assert!(outcome.message.contains(address), "{}", outcome.message);
}

#[test]
fn a_server_that_is_no_proxy_is_not_asked_again() {
    let server = RawServer::answering("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    let outcome = track(Options {
        max_retries: Some(3),
        ..options("https://service.example", &[("https_proxy", &server.url)])
    });
    assert_eq!((outcome.kind, outcome.attempts), (Kind::Config, 1));
    assert!(outcome.message.contains("405"), "{}", outcome.message);
}

#[test]
fn entries_of_no_proxy_may_stand_on_lines_of_their_own() {
    let server = Server::start(None);
    let nowhere = format!("http://127.0.0.1:{}", closed_port());
    let list = "localhost\r\n127.0.0.0/8\n\t10.0.0.0/8";
    let outcome = track(options(
        &plain(&server),
        &[("http_proxy", &nowhere), ("NO_PROXY", list)],
    ));
    assert!(outcome.recorded, "{}", outcome.message);
}

#[cfg(unix)]
#[test]
fn a_proxy_variable_that_is_not_utf_8_is_an_error_and_no_direct_connection() {
    use std::os::unix::ffi::OsStringExt;
    let server = Server::start(None);
    for name in ["http_proxy", "ALL_PROXY"] {
        let value = OsString::from_vec(b"http://us\xe4r:p@127.0.0.1:1".to_vec());
        let outcome = track(Options {
            environment: Some(Environment::from_os([(name.into(), value)])),
            ..options(&plain(&server), &[])
        });
        assert_eq!(outcome.kind, Kind::Config, "{}", outcome.message);
        assert!(outcome.message.contains(name), "{}", outcome.message);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_proxy_that_carries_a_loopback_address_in_clear_is_warned_of() {
    let proxy = Server::start(None);
    let target = "http://127.0.0.1:9";
    let outcome = track(options(target, &[("http_proxy", &plain(&proxy))]));
    let kinds = outcome.warnings.iter().map(|warning| warning.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [WarningKind::InsecureUrl]);
    let server = Server::start(None);
    assert!(track(options(&plain(&server), &[])).warnings.is_empty());
}
