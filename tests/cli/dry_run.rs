//! `--dry-run`, and the same table with `--verbose`, as a process.

use std::path::Path;

use crate::command::{Ended, run};
use crate::support::{KEY, Server};

/// `versioner track` with these variables and no others.
fn track(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    run(&[&["track"], arguments].concat(), variables)
}

const BUILD: [&str; 5] = ["build", "--product=api", "--version=1", "--dry-run", "-v"];

#[track_caller]
fn has_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found == *line), "{line}: {text}");
    }
}

fn config(home: &Path, text: &str) {
    std::fs::create_dir(home.join(".versioner")).expect("a folder");
    std::fs::write(home.join(".versioner/config.yaml"), text).expect("a file");
}

#[test]
fn every_value_is_told_with_its_source_and_nothing_is_sent() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let home = tempfile::tempdir().expect("a folder");
    config(home.path(), "\n\nproduct: api\nmax_retries: 1\n");
    let ended = track(
        &[
            "deployment",
            "--environment=production",
            "--status=unstable",
            "--extra-metadata={\"n\": 1.50, \"vi_gh_job\": \"own\"}",
            "--skip-preflight-checks",
            "--skip-reason=urgent",
            "--fail-on-api-error=false",
            "--dry-run",
        ],
        &[
            ("HOME", home.path().to_str().expect("UTF-8")),
            ("VERSIONER_API_KEY", KEY),
            ("VERSIONER_API_URL", &url),
            ("VERSIONER_VERSION", "1.2.3"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", "4f1c22"),
            ("GITHUB_JOB", "detected"),
            ("GITHUB_WORKFLOW", "release"),
        ],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    has_lines(
        &ended.stdout,
        &[
            &format!("POST {url}/deployment-events/"),
            "Authorization: Bearer [API key]",
            "Content-Type: application/json",
            "  \"product_name\": \"api\",",
            "    \"n\": 1.50,",
            "product api (~/.versioner/config.yaml:3)",
            "version 1.2.3 (VERSIONER_VERSION)",
            "environment production (--environment)",
            "status completed (--status)",
            "scm_sha 4f1c22 (github: GITHUB_SHA)",
            "skip_preflight_checks true (--skip-preflight-checks)",
            "extra_metadata.n 1.50 (--extra-metadata)",
            "extra_metadata.vi_gh_job \"own\" (--extra-metadata)",
            "extra_metadata.vi_gh_workflow \"release\" (github)",
            "extra_metadata.vi_status \"unstable\" (--status)",
            "extra_metadata.vi_skip_reason \"urgent\" (--skip-reason)",
            &format!("api_url {url} (VERSIONER_API_URL)"),
            "fail_on_api_error false (--fail-on-api-error)",
            "max_retries 1 (~/.versioner/config.yaml:4)",
            "total_timeout 120 (default)",
        ],
    );
    assert!(ended.stderr.contains("deprecated"), "{}", ended.stderr);
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_body_is_the_one_that_is_sent() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let variables = [("VERSIONER_API_KEY", KEY), ("VERSIONER_API_URL", &url)];
    let mut arguments = BUILD.to_vec();
    arguments.push("--extra-metadata={\"a\": {\"b\": [1e400]}}");
    let dry = track(&arguments, &variables);
    arguments.retain(|argument| *argument != "--dry-run");
    assert_eq!(track(&arguments, &variables).code, Some(0));
    let sent = &server.requests()[0].body;
    let body = dry.stdout.split("\n\n").nth(1).expect("a body");
    let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(without_blanks(body), without_blanks(sent));
}

#[test]
fn nothing_is_written_for_github() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, summary) = (folder.path().join("output"), folder.path().join("summary"));
    for version in ["--version=1", "--version= "] {
        let ended = track(
            &["build", "--product=api", version, "--dry-run"],
            &[
                ("VERSIONER_API_KEY", KEY),
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_OUTPUT", output.to_str().expect("UTF-8")),
                ("GITHUB_STEP_SUMMARY", summary.to_str().expect("UTF-8")),
            ],
        );
        assert!(!ended.stdout.contains("::"), "{}", ended.stdout);
        assert!(!output.exists() && !summary.exists());
    }
}

#[test]
fn bad_input_is_the_error_that_sending_gives() {
    for (arguments, variables) in [
        (&["build", "--product=api"][..], &[][..]),
        (&["build", "--product=api", "--version=$(V)"], &[]),
        (&BUILD, &[("VERSIONER_API_URL", "here")]),
        (&BUILD, &[("VERSIONER_EXTRA_METADATA", "[")]),
        (&BUILD, &[("VERSIONER_API_KEY", "sk_broken key")]),
        (
            &["build", "--product=api", "--version=1", "--status="],
            &[("VERSIONER_API_KEY", "")],
        ),
    ] {
        let mut all = vec![("VERSIONER_API_KEY", KEY)];
        all.extend(variables);
        let sending: Vec<&str> = arguments
            .iter()
            .copied()
            .filter(|argument| !["--dry-run", "-v"].contains(argument))
            .collect();
        let mut dry = sending.clone();
        dry.push("--dry-run");
        let (sending, dry) = (track(&sending, &all), track(&dry, &all));
        assert_eq!(sending.code, Some(1));
        assert_eq!((dry.code, dry.stderr), (Some(1), sending.stderr));
    }
}

#[test]
fn a_missing_key_is_an_error_after_the_table() {
    let ended = track(&BUILD, &[]);
    assert_eq!(ended.code, Some(1));
    has_lines(&ended.stdout, &["product api (--product)"]);
    let sending = track(&["build", "--product=api", "--version=1"], &[]);
    assert!(sending.stderr.contains("API key is required"));
    assert_eq!(ended.stderr, sending.stderr);
}

#[test]
fn the_key_is_not_shown_and_no_line_begins_a_command() {
    let branch = format!("--scm-branch={KEY}\n::add-mask::x ##vso[x]\u{1b}[2J");
    for key in [KEY, "sk_broken key"] {
        let run = format!("--invoke-id={key}");
        let mut arguments = BUILD.to_vec();
        arguments.extend([branch.as_str(), run.as_str(), "--build-number=\n::x"]);
        let ended = track(&arguments, &[("VERSIONER_API_KEY", key)]);
        let all = format!("{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("scm_branch"), "{all}");
        assert!(!all.contains(key), "{all}");
        for command in ["\n::", "##vso[", "\u{1b}"] {
            assert!(!all.contains(command), "{all}");
        }
    }
    let mut arguments = BUILD.to_vec();
    let metadata = format!("--extra-metadata={{\"{KEY}\": \"{KEY}\"}}");
    arguments.push(&metadata);
    let ended = track(&arguments, &[("VERSIONER_API_KEY", KEY)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stdout.contains(KEY), "{}", ended.stdout);
}

#[test]
fn verbose_shows_the_table_on_standard_error_before_it_sends() {
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    let variables = [("VERSIONER_API_KEY", KEY), ("VERSIONER_API_URL", &url)];
    let ended = track(
        &["build", "--product=api", "--version=1", "--verbose"],
        &variables,
    );
    assert_eq!(ended.code, Some(0));
    has_lines(
        &ended.stderr,
        &["product api (--product)", "status completed (default)"],
    );
    assert!(!ended.stdout.contains("--product"), "{}", ended.stdout);
    assert_eq!(server.requests().len(), 1);
}
