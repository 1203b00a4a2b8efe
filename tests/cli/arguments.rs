//! What is given, and what is wrong with it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::command::{ended, run, versioner};
use crate::support::{self, KEY, Server};
use crate::{BUILD, track_build};

#[test]
fn a_flag_takes_its_value_after_a_blank_or_an_equals_sign() {
    for arguments in [
        &["--scm-branch", "main", "--status", "built"][..],
        &["--scm-branch=main", "--status=built"],
    ] {
        let server = Server::start(None);
        let ended = track_build(
            arguments,
            &[("VERSIONER_API_URL", &server.url("http", "127.0.0.1"))],
        );
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let body: Value = serde_json::from_str(&server.requests()[0].body).expect("JSON");
        assert_eq!(
            (&body["scm_branch"], &body["status"]),
            (&json!("main"), &json!("completed"))
        );
    }
}

#[test]
fn fail_on_api_error_is_true_alone_and_takes_every_spelling() {
    let nowhere = format!("http://127.0.0.1:{}", support::closed_port());
    let variables = [
        ("VERSIONER_API_URL", nowhere.as_str()),
        ("VERSIONER_MAX_RETRIES", "0"),
    ];
    for (arguments, code) in [
        (&["--fail-on-api-error"][..], 1),
        (&["--fail-on-api-error", "--scm-sha", "abc"], 1),
        (&["--fail-on-api-error=yes"], 1),
        (&["--fail-on-api-error", "off"], 0),
        (&["--fail-on-api-error=0"], 0),
        (&["--fail-on-api-error=maybe"], 1),
    ] {
        let ended = track_build(arguments, &variables);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    let ended = track_build(&["--fail-on-api-error=maybe"], &variables);
    assert!(ended.stderr.contains("--fail-on-api-error") && ended.stderr.contains("maybe"));
}

#[test]
fn usage_errors_exit_with_1_and_say_what_is_wrong() {
    for (arguments, word) in [
        (&[][..], "Usage"),
        (&["track"], "Usage"),
        (&["nonsense"], "nonsense"),
        (&["track", "nonsense"], "nonsense"),
        (&["track", "build", "stray"], "stray"),
        (&["track", "build", "--no-such-flag"], "--no-such-flag"),
        (&["track", "build", "--product"], "--product"),
        (&["track", "build", "--environment", "x"], "--environment"),
        (
            &["track", "build", "--product", "a", "--product", "b"],
            "--product",
        ),
        (&["completion", "nonsense"], "nonsense"),
        (&["version", "stray"], "stray"),
    ] {
        let ended = run(arguments, &[]);
        assert_eq!(ended.code, Some(1), "{arguments:?}");
        assert!(
            ended.stderr.contains(word),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[test]
fn a_command_that_stands_without_dashes_before_it_is_told_where_it_belongs() {
    let tip = "what is to be run comes after `--`";
    let run = |arguments: &[&str]| crate::command::run(arguments, &[("VERSIONER_API_KEY", KEY)]);
    let bare = run(&["run", "deployment", "--product=api", "echo", "hi"]);
    assert_eq!((bare.code, bare.stdout.as_str()), (Some(1), ""));
    assert!(bare.stderr.contains(tip), "{}", bare.stderr);
    for other in [
        &["run", "deployment", "--produkt=api", "--", "echo"][..],
        &["run", "deployment", "--produkt=api"],
        &["track", "build", "echo"],
    ] {
        let ended = run(other);
        assert_eq!(ended.code, Some(1));
        assert!(!ended.stderr.contains(tip), "{}", ended.stderr);
    }
}

#[test]
fn missing_arguments_are_named_as_flags() {
    for (arguments, flag) in [
        (&["track", "build", "--version", "1"][..], "--product"),
        (&["track", "build", "--product", "api"], "--version"),
        (
            &["track", "deployment", "--product", "api", "--version", "1"],
            "--environment",
        ),
    ] {
        let ended = run(arguments, &[("VERSIONER_API_KEY", KEY)]);
        assert_eq!(ended.code, Some(1));
        assert!(
            ended.stderr.contains(&format!("{flag} is required")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_value_is_blamed_where_it_was_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "\ncompleted_at: soon\n").expect("a file");
    let path = path.to_str().expect("UTF-8");
    for (arguments, variables, beginning) in [
        (
            &["--completed-at=soon"][..],
            &[][..],
            "error: --completed-at must",
        ),
        (
            &[],
            &[("VERSIONER_COMPLETED_AT", "soon")],
            "error: completed_at (VERSIONER_COMPLETED_AT) must",
        ),
        (
            &[],
            &[("VERSIONER_EXTRA_METADATA", "[")],
            "error: extra_metadata (VERSIONER_EXTRA_METADATA) must",
        ),
        (
            &["--config", path],
            &[],
            &format!("error: completed_at ({path}:2) must"),
        ),
    ] {
        let ended = track_build(arguments, variables);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.starts_with(beginning), "{}", ended.stderr);
    }
}

#[test]
fn a_missing_key_is_told_with_the_ways_to_give_one() {
    let ended = run(&BUILD, &[]);
    assert_eq!(ended.code, Some(1));
    for word in ["API key is required", "VERSIONER_API_KEY", "config.yaml"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

#[test]
fn too_large_metadata_is_told_with_both_sizes() {
    let metadata = format!(r#"{{"a":"{}"}}"#, "x".repeat(102_393));
    let ended = track_build(&["--extra-metadata", &metadata], &[]);
    assert_eq!(ended.code, Some(1));
    for word in ["--extra-metadata", "102401", "102400"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

#[test]
fn an_empty_variable_does_not_swallow_the_flag_after_it() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    for swallowed in ["--status=started", "--fail-on-api-error", "-v"] {
        let ended = track_build(
            &["--built-by", swallowed],
            &[("VERSIONER_API_URL", url.as_str())],
        );
        assert_eq!(ended.code, Some(1), "{swallowed}");
        assert!(ended.stderr.contains("--built-by"), "{}", ended.stderr);
    }
    assert!(server.requests().is_empty());
    for (arguments, expected) in [
        (&["--built-by=--x"][..], "--x"),
        (&["--built-by", "-5"], "-5"),
    ] {
        let ended = track_build(arguments, &[("VERSIONER_API_URL", url.as_str())]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let body: Value = serde_json::from_str(&server.requests()[0].body).expect("JSON");
        assert_eq!(body["built_by"], expected);
    }
}

#[test]
fn a_flag_that_is_given_and_blank_is_an_error() {
    for flag in ["--status=", "--status= ", "--product=", "--version="] {
        let variables = [
            ("VERSIONER_API_KEY", KEY),
            ("VERSIONER_PRODUCT", "api"),
            ("VERSIONER_VERSION", "1"),
        ];
        let ended = run(&["track", "build", flag], &variables);
        assert_eq!(ended.code, Some(1), "{flag}");
        let name = flag.split('=').next().expect("a flag");
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_text_are_refused() {
    let not_text = OsStr::from_bytes(b"\xff\xfe");
    let output = versioner(&["track", "build", "--product"])
        .arg(not_text)
        .output();
    let ended = ended(output.expect("a process"));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("--product is not valid UTF-8"),
        "{}",
        ended.stderr
    );

    let output = versioner(&BUILD)
        .arg(OsStr::from_bytes(b"--built-by=M\xfcller"))
        .output();
    let ended = self::ended(output.expect("a process"));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("--built-by is not valid UTF-8"),
        "{}",
        ended.stderr
    );

    let output = versioner(&BUILD)
        .env("VERSIONER_API_KEY", not_text)
        .output();
    let ended = self::ended(output.expect("a process"));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("VERSIONER_API_KEY"),
        "{}",
        ended.stderr
    );
}
