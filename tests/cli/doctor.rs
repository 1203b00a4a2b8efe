//! `versioner doctor`.

use crate::command::run;
use crate::service::Service;
use crate::support::{self, KEY, Server};

#[test]
fn a_service_that_answers_is_well_and_the_key_is_not_shown() {
    let server = Server::start(None);
    let url = server.url("http", "localhost");
    let ended = run(
        &["doctor"],
        &[("VERSIONER_API_KEY", KEY), ("VERSIONER_API_URL", &url)],
    );
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for part in [
        "✓ API key: is set",
        "(VERSIONER_API_URL)",
        "✓ proxy: none",
        "✓ name: localhost is ",
        "✓ connection: to localhost:",
        "✓ answer: HTTP 200",
        "✓ service: is well",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY));
    assert!(server.requests()[0].line.starts_with("GET /health "));
}

#[test]
fn a_key_that_the_service_does_not_accept_is_a_line_too() {
    let service = Service::start();
    let doctor = |key: &str| {
        let variables = [
            ("VERSIONER_API_KEY", key),
            ("VERSIONER_API_URL", service.url.as_str()),
        ];
        run(&["doctor"], &variables)
    };
    for (key, line) in [
        (
            service.key.clone(),
            "✓ key: the service accepts it, and it may read",
        ),
        (
            service.add_key("ci", "events"),
            "✓ key: the service accepts it, but it may not read",
        ),
    ] {
        let ended = doctor(&key);
        assert_eq!(ended.code, Some(0), "{}", ended.stdout);
        assert!(ended.stdout.contains(line), "{}", ended.stdout);
    }
    let wrong = doctor("sk_local_k1_mistyped");
    assert_eq!(wrong.code, Some(1), "{}", wrong.stdout);
    assert!(
        wrong
            .stdout
            .contains("✗ key: the API key was not accepted (HTTP 401)"),
        "{}",
        wrong.stdout
    );
    assert!(!wrong.stdout.contains("k1_mistyped"), "{}", wrong.stdout);
}

#[test]
fn the_first_step_that_fails_says_what_to_do() {
    let url = format!("http://127.0.0.1:{}", support::closed_port());
    let variables = [
        ("VERSIONER_API_KEY", KEY),
        ("VERSIONER_API_URL", url.as_str()),
    ];
    let ended = run(&["doctor"], &variables);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("✗ connection: cannot reach"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("answer:"), "{}", ended.stdout);
}

#[test]
fn settings_that_cannot_be_used_are_a_line_too() {
    let ended = run(&["doctor"], &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("API key is required"),
        "{}",
        ended.stdout
    );
}
