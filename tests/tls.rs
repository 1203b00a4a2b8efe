//! HTTPS against a real TLS server with certificates of a private authority.

mod support;

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use rcgen::date_time_ymd;
use rustls::{ServerConnection, StreamOwned};
use support::authority::Authority;
use support::{RawServer, Server, options, track, wait_for_the_end};
use versioner::{BuildEvent, Client, Kind, Options, Outcome};

fn text(path: &Path) -> String {
    path.to_str().expect("a readable path").to_owned()
}

fn assert_config_error(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.kind, Kind::Config, "{}", outcome.message);
    for word in words {
        assert!(
            outcome.message.contains(word),
            "{word:?} is missing in {:?}",
            outcome.message
        );
    }
}

/// Of one reason, and with advice about `ca_file` only if that helps.
fn assert_tls_error(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
    for word in words {
        assert!(outcome.message.contains(word), "{}", outcome.message);
    }
    assert!(!outcome.message.contains("ca_file"), "{}", outcome.message);
}

#[test]
fn trusts_the_authority_of_the_ca_file() {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let ca_file = authority.path("ca.pem");
    let outcome = track(Options {
        ca_file,
        ..options(&server.url("https", "localhost"), &[])
    });
    assert!(outcome.recorded, "{}", outcome.message);
    assert_eq!(outcome.event_id, "evt-1");
}

#[test]
fn trusts_the_authority_of_ssl_cert_file() {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let variables = [("SSL_CERT_FILE", authority.path("ca.pem"))];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let outcome = track(options(&server.url("https", "localhost"), &variables));
    assert!(outcome.recorded, "{}", outcome.message);
}

#[test]
fn refuses_an_unknown_authority_without_a_second_attempt_and_sends_nothing() {
    let server = Authority::new().server(|_| {});
    let stranger = Authority::new();
    let options = Options {
        ca_file: stranger.path("ca.pem"),
        max_retries: Some(3),
        ..options(&server.url("https", "localhost"), &[])
    };
    let outcome = track(options);
    assert_eq!(
        (outcome.kind, outcome.attempts),
        (Kind::Tls, 1),
        "{}",
        outcome.message
    );
    assert!(outcome.message.contains("ca_file"), "{}", outcome.message);
    assert!(server.requests().is_empty());
}

#[test]
fn refuses_an_authority_that_the_system_does_not_know() {
    let server = Authority::new().server(|_| {});
    let outcome = track(options(&server.url("https", "localhost"), &[]));
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
}

#[test]
fn refuses_a_certificate_for_another_host() {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let ca_file = authority.path("ca.pem");
    let outcome = track(Options {
        ca_file,
        ..options(&server.url("https", "127.0.0.1"), &[])
    });
    assert_tls_error(
        &outcome,
        &["another name", "127.0.0.1", "it names localhost"],
    );
}

#[test]
fn refuses_an_expired_certificate() {
    let authority = Authority::new();
    let server = authority.server(|params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let ca_file = authority.path("ca.pem");
    let outcome = track(Options {
        ca_file,
        ..options(&server.url("https", "localhost"), &[])
    });
    assert_tls_error(
        &outcome,
        &["expired on Tue, 01 Jan 2002", "this machine's clock"],
    );
}

#[test]
fn refuses_a_certificate_that_is_not_valid_yet() {
    let authority = Authority::new();
    let server = authority.server(|params| {
        params.not_before = date_time_ymd(2999, 1, 1);
        params.not_after = date_time_ymd(3000, 1, 1);
    });
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        ..options(&server.url("https", "localhost"), &[])
    });
    assert_tls_error(
        &outcome,
        &["not valid before Tue, 01 Jan 2999", "this machine's clock"],
    );
}

#[test]
fn refuses_the_certificate_of_an_authority_as_a_server_s() {
    let authority = Authority::new();
    let server = authority.server_of_the_authority();
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        ..options(&server.url("https", "localhost"), &[])
    });
    assert_tls_error(&outcome, &["CA:TRUE"]);
}

#[test]
fn a_server_that_speaks_plain_http_is_called_so() {
    let server = RawServer::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        wait_for_the_end(&stream);
    });
    let url = server.url.replace("http://", "https://");
    let outcome = track(options(&url, &[]));
    assert_tls_error(&outcome, &["not TLS", "http://"]);
}

#[test]
fn a_server_without_tls_is_a_tls_error() {
    let authority = Authority::new();
    let server = Server::start(None);
    let ca_file = authority.path("ca.pem");
    let outcome = track(Options {
        ca_file,
        ..options(&server.url("https", "localhost"), &[])
    });
    assert!(
        matches!(outcome.kind, Kind::Tls | Kind::Network),
        "{}",
        outcome.message
    );
    assert!(server.requests().is_empty());
}

#[test]
fn best_effort_goes_on_without_a_secure_connection_but_sends_nothing() {
    let server = Authority::new().server(|_| {});
    let options = Options {
        fail_on_api_error: Some(false),
        ..options(&server.url("https", "localhost"), &[])
    };
    let outcome = track(options);
    assert_eq!((outcome.code as i32, outcome.recorded), (0, false));
    assert_eq!(outcome.kind, Kind::Tls);
    assert!(server.requests().is_empty());
}

#[test]
fn shows_a_client_certificate() {
    let authority = Authority::new();
    let server = authority.strict_server();
    let identity = authority.issue(|_| {});
    authority.write("client.pem", &identity.certificate.pem());
    authority.write("client.key", &identity.key.serialize_pem());
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        client_cert: authority.path("client.pem"),
        client_key: authority.path("client.key"),
        ..options(&server.url("https", "localhost"), &[])
    });
    assert!(outcome.recorded, "{}", outcome.message);
}

#[test]
fn a_client_certificate_and_its_key_may_share_a_file() {
    let authority = Authority::new();
    let server = authority.strict_server();
    let identity = authority.issue(|_| {});
    let both = identity.certificate.pem() + &identity.key.serialize_pem();
    authority.write("both.pem", &both);
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        client_cert: authority.path("both.pem"),
        ..options(&server.url("https", "localhost"), &[])
    });
    assert!(outcome.recorded, "{}", outcome.message);
}

#[test]
fn a_server_that_asks_for_a_client_certificate_in_vain_is_a_tls_error() {
    let authority = Authority::new();
    let server = authority.strict_server();
    let ca_file = authority.path("ca.pem");
    let outcome = track(Options {
        ca_file,
        ..options(&server.url("https", "localhost"), &[])
    });
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_of_another_certificate_is_a_config_error() {
    let authority = Authority::new();
    authority.write("client.pem", &authority.issue(|_| {}).certificate.pem());
    authority.write("other.key", &authority.issue(|_| {}).key.serialize_pem());
    let outcome = track(Options {
        client_cert: authority.path("client.pem"),
        client_key: authority.path("other.key"),
        ..options("https://localhost", &[])
    });
    assert_config_error(&outcome, &["client_key", "other.key"]);
}

#[test]
fn unusable_files_are_config_errors_that_name_setting_and_file() {
    let authority = Authority::new();
    let garbage = text(&authority.write("garbage.pem", "not a certificate"));
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let broken = text(&authority.write("broken.pem", broken));
    let empty_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let empty_der = text(&authority.write("der.pem", empty_der));
    for path in [garbage, broken, empty_der, authority.path("missing.pem")] {
        let settings = || options("https://localhost", &[]);
        let outcome = track(Options {
            ca_file: path.clone(),
            ..settings()
        });
        assert_config_error(&outcome, &["ca_file", &path]);
        let outcome = track(Options {
            client_cert: path.clone(),
            ..settings()
        });
        assert_config_error(&outcome, &["client_cert", &path]);
        let outcome = track(options("https://localhost", &[("SSL_CERT_FILE", &path)]));
        assert_config_error(&outcome, &["SSL_CERT_FILE"]);
    }
    let client_key = authority.path("ca.pem");
    let outcome = track(Options {
        client_key,
        ..options("https://localhost", &[])
    });
    assert_config_error(&outcome, &["client_cert"]);
}

fn pem_of(authority: &Authority) -> String {
    std::fs::read_to_string(authority.path("ca.pem")).expect("a certificate")
}

#[test]
fn every_certificate_of_a_file_counts_however_the_file_was_put_together() {
    let (first, second) = (Authority::new(), Authority::new());
    let (one, two) = (pem_of(&first), pem_of(&second));
    let glued = one.trim_end().to_owned() + two.trim_end();
    let commented = format!("Caf\u{e9}\n{one}\n# and\r\n{}", two.replace('\n', "\r\n"));
    for text in [glued, commented] {
        let ca_file = text_of(&first, &text);
        for authority in [&first, &second] {
            let server = authority.server(|_| {});
            let url = server.url("https", "localhost");
            for named in [
                Options {
                    ca_file: ca_file.clone(),
                    ..options(&url, &[])
                },
                options(&url, &[("SSL_CERT_FILE", &ca_file)]),
            ] {
                let outcome = track(named);
                assert!(outcome.recorded, "{}", outcome.message);
            }
        }
    }
}

fn text_of(authority: &Authority, pem: &str) -> String {
    text(&authority.write("bundle.pem", pem))
}

#[test]
fn a_certificate_that_cannot_be_read_is_named_by_its_line() {
    let authority = Authority::new();
    let one = pem_of(&authority);
    let line = format!("line {}", one.lines().count() + 1);
    let trusted = one.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    for broken in [trusted, one.replace("-----END CERTIFICATE-----", "")] {
        let ca_file = text_of(&authority, &format!("{one}{broken}"));
        let outcome = track(Options {
            ca_file,
            ..options("https://localhost", &[])
        });
        assert_config_error(&outcome, &["ca_file", &line]);
    }
}

#[test]
fn ssl_cert_dir_names_folders() {
    let (first, second) = (Authority::new(), Authority::new());
    let folder = |authority: &Authority| {
        let path = authority.path("ca.pem");
        path.trim_end_matches("/ca.pem").to_owned()
    };
    let folders = format!("{}:/no/such/folder::{}", folder(&first), folder(&second));
    for authority in [&first, &second] {
        let server = authority.server(|_| {});
        let url = server.url("https", "localhost");
        let outcome = track(options(&url, &[("SSL_CERT_DIR", &folders)]));
        assert!(outcome.recorded, "{}", outcome.message);
    }
    let outcome = track(options(
        "https://localhost",
        &[("SSL_CERT_DIR", "/no/such/folder")],
    ));
    assert_config_error(&outcome, &["SSL_CERT_DIR"]);
}

#[test]
fn a_blank_ssl_cert_file_is_none() {
    let server = Authority::new().server(|_| {});
    let url = server.url("https", "localhost");
    let outcome = track(options(
        &url,
        &[("SSL_CERT_FILE", " "), ("SSL_CERT_DIR", "")],
    ));
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
}

/// Runs itself again in a process whose own variable names the authority.
#[test]
fn the_given_environment_counts_and_not_that_of_the_process() {
    const CHILD: &str = "VERSIONER_TEST_URL";
    const NAME: &str = "the_given_environment_counts_and_not_that_of_the_process";
    if let Ok(url) = std::env::var(CHILD) {
        let outcome = track(options(&url, &[]));
        assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
        return;
    }
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", NAME])
        .env(CHILD, server.url("https", "localhost"))
        .env("SSL_CERT_FILE", authority.path("ca.pem"))
        .output()
        .expect("a process");
    assert!(child.status.success(), "{child:?}");
    assert!(server.requests().is_empty());
}

#[test]
fn an_encrypted_key_is_called_so() {
    let authority = Authority::new();
    authority.write("client.pem", &authority.issue(|_| {}).certificate.pem());
    let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    authority.write("client.key", key);
    let outcome = track(Options {
        client_cert: authority.path("client.pem"),
        client_key: authority.path("client.key"),
        ..options("https://localhost", &[])
    });
    assert_config_error(&outcome, &["client_key", "encrypted"]);
}

#[test]
fn a_kept_secure_connection_serves_many_events() {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let client = Client::new(Options {
        ca_file: authority.path("ca.pem"),
        ..options(&server.url("https", "localhost"), &[])
    });
    let client = client.expect("a client");
    let event = BuildEvent {
        product: "api".into(),
        version: "1".into(),
        ..BuildEvent::default()
    };
    for _ in 0..5 {
        assert!(client.track_build(&event).expect("recorded").recorded);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_verdict_counts_although_a_secure_server_does_not_read_the_event() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    let server = RawServer::start(move |stream| {
        let connection = ServerConnection::new(config.clone()).expect("a server");
        let mut stream = StreamOwned::new(connection, stream);
        for part in ["HTTP/1.1 428 No\r\nContent-", "Length: 4\r\n\r\nno", "pe"] {
            if stream
                .write_all(part.as_bytes())
                .and_then(|()| stream.flush())
                .is_err()
            {
                return;
            }
        }
        let (_hold, held) = channel::<()>();
        let _ = held.recv_timeout(Duration::from_secs(20));
    });
    let port = server.authority().rsplit(':').next().unwrap_or_default();
    let client = Client::new(Options {
        ca_file: authority.path("ca.pem"),
        ..options(&format!("https://localhost:{port}"), &[])
    });
    let event = BuildEvent {
        product: "api".into(),
        version: "1".into(),
        scm_branch: "x".repeat(16 * 1024 * 1024),
        ..BuildEvent::default()
    };
    let error = client
        .expect("a client")
        .track_build(&event)
        .expect_err("rejected");
    assert_eq!(error.outcome().http_status, 428, "{error}");
    assert!(error.to_string().contains("nope"), "{error}");
}

#[test]
fn a_verdict_counts_although_what_follows_cannot_be_decrypted() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    let server = RawServer::start(move |stream| {
        let connection = ServerConnection::new(config.clone()).expect("a server");
        let mut stream = StreamOwned::new(connection, stream);
        if stream.read(&mut [0; 4096]).is_err() {
            return;
        }
        let answer = b"HTTP/1.1 428 No\r\nContent-Length: 9\r\n\r\nnope";
        let mut bytes = Vec::new();
        let mut writer = stream.conn.writer();
        writer.write_all(answer).expect("an answer");
        stream.conn.write_tls(&mut bytes).expect("a record");
        bytes.extend(b"\x17\x03\x03\x00\x20");
        bytes.extend([0; 32]);
        stream.sock.write_all(&bytes).expect("both at once");
        wait_for_the_end(&stream.sock);
    });
    let port = server.authority().rsplit(':').next().unwrap_or_default();
    let outcome = track(Options {
        ca_file: authority.path("ca.pem"),
        fail_on_api_error: Some(false),
        ..options(&format!("https://localhost:{port}"), &[])
    });
    assert_eq!(
        (outcome.http_status, outcome.code as i32),
        (428, 5),
        "{}",
        outcome.message
    );
    assert!(outcome.message.contains("nope"), "{}", outcome.message);
}
