//! What only a program can say to the library, or only one surface.

mod support;

use serde_json::{Value, json};
use support::authority::Authority;
use support::{KEY, Server, options};
use versioner::{BuildEvent, Client, DeploymentEvent, Kind, Options, WarningKind};

fn deployment() -> DeploymentEvent {
    DeploymentEvent {
        product: "api".into(),
        version: "1.2.3".into(),
        environment: "production".into(),
        ..DeploymentEvent::default()
    }
}

/// The body that a deployment is sent with, and the kinds of its warnings.
fn sent(event: &DeploymentEvent, variables: &[(&str, &str)]) -> (Value, Vec<WarningKind>) {
    let server = Server::start(None);
    let client = Client::new(options(&server.url("http", "127.0.0.1"), variables));
    let outcome = client.expect("a client").track_deployment(event);
    let warnings = outcome.expect("recorded").warnings;
    let body = serde_json::from_str(&server.requests()[0].body).expect("JSON");
    (body, warnings.iter().map(|warning| warning.kind).collect())
}

#[test]
fn a_literal_that_looks_like_a_placeholder_is_sent_if_it_is_allowed() {
    let mut event = deployment();
    event.version = "$(Version)".into();
    event.allow_literal = true;
    let (body, warnings) = sent(&event, &[]);
    assert_eq!(body["version"], "$(Version)");
    assert_eq!(warnings, [WarningKind::Placeholder]);
}

#[test]
fn the_reason_to_skip_the_checks_travels_in_the_metadata() {
    let mut event = deployment();
    event.skip_preflight_checks = Some(true);
    event.skip_reason = " the site is down ".into();
    let (body, warnings) = sent(&event, &[("VERSIONER_SKIP_REASON", "another")]);
    assert_eq!(
        body["extra_metadata"],
        json!({"vi_skip_reason": "the site is down"})
    );
    let expected = [WarningKind::IgnoredSetting, WarningKind::SkipPreflight];
    assert_eq!(warnings, expected);
}

#[test]
fn the_version_of_this_library_in_the_variable_is_warned_of() {
    let mut event = deployment();
    event.version = String::new();
    let variables = [("VERSIONER_VERSION", versioner::VERSION)];
    let (_, warnings) = sent(&event, &variables);
    assert_eq!(warnings, [WarningKind::OwnVersion]);
}

#[test]
fn a_text_that_was_given_and_is_empty_is_not_unset() {
    let variables = [("VERSIONER_PRODUCT", "api"), ("VERSIONER_VERSION", "1")];
    let client = Client::new(options("http://127.0.0.1:1", &variables)).expect("a client");
    client
        .validate_build(&BuildEvent::default())
        .expect("what is unset comes from the variables");
    for name in ["product", "version", "status"] {
        let mut event = BuildEvent::default();
        assert!(event.set_given(name, ""));
        let error = client.validate_build(&event).expect_err("it is blank");
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert_eq!(error.outcome().argument, name);
    }
    let mut event = BuildEvent::default();
    assert!(event.set_given("scm_sha", ""));
    client.validate_build(&event).expect("no policy reads it");
    assert!(!event.set_given("no_such_field", ""));
}

#[test]
fn the_name_of_a_sender_is_a_word() {
    for surface in ["my tool", "tool\n", "größe"] {
        let options = Options {
            api_key: KEY.into(),
            surface: surface.into(),
            ..options("http://127.0.0.1:1", &[])
        };
        let error = Client::new(options).expect_err("it goes into a header");
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(error.outcome().argument, "surface");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_into_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    let path = path.to_str().expect("text");
    let authority = Authority::new();
    authority.write("client.pem", &authority.issue(|_| {}).certificate.pem());
    let certificate = authority.path("client.pem");
    for variables in [
        &[("VERSIONER_CONFIG", path)][..],
        &[("VERSIONER_CA_FILE", path)],
        &[("SSL_CERT_FILE", path)],
        &[("VERSIONER_CLIENT_CERT", path)],
        &[
            ("VERSIONER_CLIENT_CERT", &certificate),
            ("VERSIONER_CLIENT_KEY", path),
        ],
    ] {
        let error = Client::new(options("https://127.0.0.1:1", variables));
        let shown = error.expect_err("nobody writes into it").to_string();
        let told = format!("{path}: it is a pipe that nobody writes into");
        assert!(shown.contains(&told), "{shown}");
    }
}

/// As a shell has it that puts a command in place of a file.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_somebody_writes_into_is_read() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let written = std::thread::spawn(move || {
        std::thread::yield_now();
        writer
            .write_all(b"product: api\nversion: 1.2.3\n")
            .expect("a reader");
    });
    let server = Server::start(None);
    let options = Options {
        config: path,
        ..options(&server.url("http", "127.0.0.1"), &[])
    };
    let client = Client::new(options).expect("a client");
    written.join().expect("no panic");
    client
        .track_build(&BuildEvent::default())
        .expect("recorded");
}

#[test]
fn a_placeholder_in_place_of_the_key_is_shown() {
    let options = Options {
        api_key: " ${{ secrets.VERSIONER_KEY }}".into(),
        ..options("http://127.0.0.1:1", &[])
    };
    let error = Client::new(options).expect_err("it is no key");
    let shown = error.to_string();
    assert!(shown.contains("${{ secrets.VERSIONER_KEY }}"), "{shown}");
}

#[cfg(unix)]
#[test]
fn what_is_not_text_is_passed_over_unless_it_is_used() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;
    use versioner::Environment;

    let bad = |name: &str| {
        let bytes = OsStr::from_bytes(b"M\xfcller").to_owned();
        Some(Environment::from_os([(OsString::from(name), bytes)]))
    };
    for (name, is_used) in [
        ("AUTHOR", false),
        ("GITHUB_REF_NAME", false),
        ("HOME", false),
        ("http_proxy", true),
        ("VERSIONER_CONFIG", true),
        ("VERSIONER_TOTAL_TIMEOUT", true),
        ("VERSIONER_ENVIRONMENTS", true),
    ] {
        let options = Options {
            environment: bad(name),
            ..options("http://127.0.0.1:1", &[])
        };
        match Client::new(options) {
            Ok(_) => assert!(!is_used, "{name}"),
            Err(error) => {
                assert!(is_used && error.to_string().contains(name), "{error}");
            }
        }
    }
}
