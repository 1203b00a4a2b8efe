//! HTTPS against a real TLS server with certificates of a private authority.

mod support;

use std::path::Path;

use rcgen::date_time_ymd;
use support::authority::Authority;
use support::{Server, options, track};
use versioner::{Kind, Options, Outcome};

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
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
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
    assert_eq!(outcome.kind, Kind::Tls, "{}", outcome.message);
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
