//! What is shown, and what never is.

use crate::command::run;
use crate::support::{self, KEY, Server};
use crate::{BUILD, LOCKED, answer_once, track_build};

#[test]
fn verbose_shows_what_was_detected_and_every_identifier() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let variables = [
        ("VERSIONER_API_URL", url.as_str()),
        ("TRAVIS", "true"),
        ("TRAVIS_BRANCH", "main"),
    ];
    let quiet = track_build(&[], &variables);
    assert_eq!((quiet.stderr.as_str(), quiet.code), ("", Some(0)));
    let verbose = track_build(&["--verbose"], &variables);
    let told = verbose.stderr.matches("main").count();
    assert!(
        told == 1
            && verbose
                .stderr
                .contains("scm_branch main (travis: TRAVIS_BRANCH)\n"),
        "{}",
        verbose.stderr
    );
    assert!(
        verbose.stdout.contains("Status: completed"),
        "{}",
        verbose.stdout
    );
}

#[test]
fn what_was_detected_begins_no_command() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let ended = track_build(
        &["--verbose"],
        &[
            ("VERSIONER_API_URL", &url),
            ("TRAVIS", "true"),
            (
                "TRAVIS_BRANCH",
                "main\n::add-mask::x\u{1b}[2J ##vso[task.prependpath]/evil",
            ),
        ],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("add-mask"), "{}", ended.stderr);
    for command in ["\n::", "##vso[", "\u{1b}"] {
        assert!(!ended.stderr.contains(command), "{}", ended.stderr);
    }
}

#[test]
fn debug_output_shows_requests_and_answers() {
    let url = answer_once(LOCKED);
    let ended = track_build(&["--debug"], &[("VERSIONER_API_URL", &url)]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    for shown in [
        &format!("POST {url}/build-events/"),
        "Authorization: Bearer [API key]",
        "Idempotency-Key: ",
        r#""product_name":"api""#,
        "HTTP 423",
        "Content-Length: 6",
        "frozen",
        " ms",
    ] {
        assert!(ended.stderr.contains(shown), "{shown}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn debug_output_does_not_show_the_key() {
    let nowhere = format!("http://127.0.0.1:{}", support::closed_port());
    let variables = [
        ("VERSIONER_API_URL", nowhere.as_str()),
        ("VERSIONER_RETRY_PAUSE", "0.001"),
        ("VERSIONER_SCM_BRANCH", KEY),
    ];
    let ended = track_build(&["--debug"], &variables);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("again in"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
}

#[test]
fn a_key_on_the_command_line_is_warned_of() {
    let server = Server::start(None);
    let mut arguments = BUILD.to_vec();
    arguments.extend(["--api-key", KEY]);
    let url = server.url("http", "127.0.0.1");
    let ended = run(&arguments, &[("VERSIONER_API_URL", &url)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("VERSIONER_API_KEY"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
}

#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    for arguments in [
        &["--api-key=", KEY][..],
        &["--fail-on-api-error", KEY],
        &["--fail-on-api-error=sk_other_k2_anothersecret"],
        &["--scm-sha", "a", "sk_other_k2_anothersecret"],
        &["--completed-at", KEY],
        &["--api-url", KEY],
    ] {
        let ended = track_build(arguments, &[]);
        assert_eq!(ended.code, Some(1), "{arguments:?}");
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
        assert_ne!(ended.stderr, "", "{arguments:?}");
    }
}
