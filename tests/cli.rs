//! The command line, as a process.

#[path = "support/command.rs"]
mod command;
mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use command::{Ended, ended, run, versioner};
use scripted_server::{Event, Start};
use serde_json::{Map, Value, json};
use support::{KEY, Server};
use versioner::{BuildEvent, DeploymentEvent, Field};

const BUILD: [&str; 6] = ["track", "build", "--product", "api", "--version", "1"];

fn track_build(more: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut arguments = BUILD.to_vec();
    arguments.extend(more);
    let mut all = vec![("VERSIONER_API_KEY", KEY)];
    all.extend(variables);
    run(&arguments, &all)
}

/// The flag of a field or setting: `scm_sha` is `--scm-sha`.
fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// Settings that have no flag travel as variables.
fn perform(start: &Start) -> Value {
    const FLAGS: [&str; 5] = [
        "api_key",
        "api_url",
        "ui_url",
        "config",
        "fail_on_api_error",
    ];
    let mut arguments = vec!["track".to_owned()];
    arguments.push(match start.event {
        Event::Build => "build".to_owned(),
        Event::Deployment => "deployment".to_owned(),
    });
    let mut environment: BTreeMap<String, String> = start.environment.clone();
    let mut give = |values: &Map<String, Value>, is_flag: &dyn Fn(&str) -> bool| {
        for (name, value) in values {
            match value {
                // A flag that has no value.
                Value::Bool(is_set) if name == "allow_literal" => {
                    arguments.extend(is_set.then(|| flag(name)));
                }
                Value::String(text) if is_flag(name) => {
                    arguments.push(format!("{}={text}", flag(name)));
                }
                other if is_flag(name) => arguments.push(format!("{}={other}", flag(name))),
                other => {
                    let text = other
                        .as_str()
                        .map_or_else(|| other.to_string(), str::to_owned);
                    environment.insert(format!("VERSIONER_{}", name.to_uppercase()), text);
                }
            }
        }
    };
    give(&start.options, &|name| FLAGS.contains(&name));
    give(&start.fields, &|_| true);
    let bytes = start.environment_bytes.iter();
    let mut command = Command::new(env!("CARGO_BIN_EXE_versioner"));
    let output = command
        .args(&arguments)
        .env_clear()
        .envs(&environment)
        .envs(bytes.map(|(name, value)| (name, OsStr::from_bytes(value))))
        .output();
    let Ended {
        code,
        stdout,
        stderr,
    } = ended(output.expect("a process"));
    json!({"exit_code": code, "stdout": stdout, "stderr": stderr})
}

#[test]
fn the_command_line_does_what_every_surface_does() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let server = scripted_server::start(&vectors).expect("usable cases");
    match server.run_all("cli", perform) {
        Ok(count) => println!("{count} cases"),
        Err(differences) => panic!("{differences}"),
    }
}

#[test]
fn every_field_and_flag_of_the_contract_is_in_the_help() {
    const COMMON: [&str; 7] = [
        "--config",
        "--verbose",
        "-v,",
        "--debug",
        "--api-url",
        "--api-key",
        "--ui-url",
    ];
    let fields = |fields: &[Field]| fields.iter().map(|field| flag(field.name)).collect();
    let commands: [(&str, Vec<String>, &[&str]); 2] = [
        (
            "build",
            fields(BuildEvent::FIELDS),
            &["--fail-on-api-error", "--allow-literal", "--dry-run"],
        ),
        (
            "deployment",
            fields(DeploymentEvent::FIELDS),
            &[
                "--fail-on-api-error",
                "--allow-literal",
                "--dry-run",
                "--skip-preflight-checks",
                "--skip-reason",
            ],
        ),
    ];
    for (name, fields, flags) in commands {
        let help = run(&["track", name, "--help"], &[]);
        assert_eq!(help.code, Some(0));
        let demanded = fields
            .iter()
            .map(String::as_str)
            .chain(COMMON)
            .chain(flags.iter().copied());
        for flag in demanded {
            assert!(
                help.stdout.contains(flag),
                "{name}: {flag} is missing in {}",
                help.stdout
            );
        }
        assert!(help.stdout.contains("Examples:") && help.stdout.contains("Exit codes:"));
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in [
        &["--help"][..],
        &["track", "--help"],
        &["track", "build", "--help"],
        &["track", "deployment", "--help"],
        &["version", "--help"],
        &["completion", "--help"],
    ] {
        let help = run(command, &[]);
        assert_eq!(help.code, Some(0), "{command:?}");
        assert!(
            help.stdout.contains("Example"),
            "{command:?}: {}",
            help.stdout
        );
    }
}

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
    assert!(
        verbose.stderr.contains("detected scm_branch = main"),
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
fn version_and_completions_are_printed() {
    let version = run(&["version"], &[]);
    assert_eq!(
        version.stdout,
        format!("versioner {}\n", versioner::VERSION)
    );
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completion", shell], &[]);
        assert_eq!(script.code, Some(0), "{shell}");
        assert!(
            script.stdout.contains("scm-sha"),
            "{shell}: {}",
            script.stdout
        );
    }
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let server = Server::start(None);
    let mut process = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", server.url("http", "127.0.0.1"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    drop((process.stdout.take(), process.stderr.take()));
    assert_eq!(process.wait().expect("an exit").code(), Some(0));
    assert_eq!(server.requests().len(), 1);
}

/// Answers one request with these bytes.
fn answer_once(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let request = connection.read(&mut [0; 16 * 1024]);
        assert!(request.expect("a request") > 0);
        connection.write_all(answer.as_bytes()).expect("an answer");
    });
    url
}

const RECORDED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"id\": \"e-1\"}";
const LOCKED: &str = "HTTP/1.1 423 Locked\r\nContent-Length: 6\r\n\r\nfrozen";

#[cfg(target_os = "linux")]
#[test]
fn streams_that_cannot_be_written_change_no_exit_code() {
    for (answer, code) in [(RECORDED, 0), (LOCKED, 5)] {
        for (stdout, stderr) in [(true, true), (true, false), (false, true)] {
            let full = |is_full| match is_full {
                true => Stdio::from(File::create("/dev/full").expect("a full disk")),
                false => Stdio::piped(),
            };
            let output = versioner(&BUILD)
                .arg("--debug")
                .env("VERSIONER_API_KEY", KEY)
                .env("VERSIONER_API_URL", answer_once(answer))
                .env("GITHUB_ACTIONS", "true")
                .env("GITHUB_STEP_SUMMARY", "/dev/full")
                .env("GITHUB_OUTPUT", "/dev/full")
                .stdout(full(stdout))
                .stderr(full(stderr))
                .output();
            assert_eq!(output.expect("a process").status.code(), Some(code));
        }
    }
}

#[cfg(unix)]
#[test]
fn streams_that_are_closed_change_no_exit_code() {
    for (answer, code) in [(RECORDED, 0), (LOCKED, 5)] {
        let script = format!(
            "exec {} {} --debug >&- 2>&-",
            env!("CARGO_BIN_EXE_versioner"),
            BUILD.join(" ")
        );
        let status = Command::new("sh")
            .args(["-c", &script])
            .env("VERSIONER_API_KEY", KEY)
            .env("VERSIONER_API_URL", answer_once(answer))
            .status();
        assert_eq!(status.expect("a process").code(), Some(code));
    }
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

#[cfg(unix)]
#[test]
fn a_signal_ends_a_call_that_waits() {
    for signal in ["INT", "TERM"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let process = versioner(&BUILD)
            .env("VERSIONER_API_KEY", KEY)
            .env("VERSIONER_API_URL", url)
            .env("VERSIONER_FAIL_ON_API_ERROR", "false")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let (mut connection, _) = listener.accept().expect("a connection");
        assert!(connection.read(&mut [0; 16]).expect("a request") > 0);
        self::signal(&process, signal);
        let ended = ended(process.wait_with_output().expect("an exit"));
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[cfg(unix)]
fn signal(process: &Child, name: &str) {
    let id = process.id().to_string();
    let kill = Command::new("kill").args(["-s", name, &id]).status();
    assert!(kill.expect("kill").success());
}

/// A file whose opening waits for the other side.
#[cfg(unix)]
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    path
}

#[cfg(unix)]
#[test]
fn files_of_github_that_are_pipes_without_a_reader_do_not_hold_up_the_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = pipe(folder.path());
    let output = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", answer_once(RECORDED))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &pipe)
        .env("GITHUB_OUTPUT", &pipe)
        .output();
    let ended = ended(output.expect("a process"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for variable in ["(GITHUB_STEP_SUMMARY)", "(GITHUB_OUTPUT)"] {
        assert!(ended.stderr.contains(variable), "{}", ended.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_name_of_a_file_of_github_need_not_be_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(OsStr::from_bytes(b"outputs-\xff"));
    let output = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", answer_once(RECORDED))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &path)
        .output();
    assert_eq!(output.expect("a process").status.code(), Some(0));
    let outputs = std::fs::read_to_string(path).expect("outputs");
    assert!(outputs.contains("build_id="), "{outputs}");
}

/// For opening a pipe without waiting for the other side.
#[cfg(target_os = "linux")]
const NONBLOCK: i32 = 0o4000;

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_the_process_at_once() {
    use std::os::unix::fs::OpenOptionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let path = pipe(folder.path());
    let mut both = File::options();
    both.read(true).write(true).custom_flags(NONBLOCK);
    let mut full = both.open(&path).expect("a pipe");
    while full.write(&[b'x'; 4096]).is_ok() {}
    while full.write(b"x").is_ok() {}
    let mut process = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", url)
        // Where it waits until somebody reads, which nobody does.
        .stderr(File::options().write(true).open(&path).expect("a pipe"))
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let (mut connection, _) = listener.accept().expect("a connection");
    assert!(connection.read(&mut [0; 16]).expect("a request") > 0);
    signal(&process, "INT");
    // The first signal ends the call, and with it the connection.
    let _ = connection.read_to_end(&mut Vec::new());
    signal(&process, "INT");
    assert_eq!(process.wait().expect("an exit").code(), Some(130));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_process_while_it_reads_its_files() {
    use std::os::unix::fs::OpenOptionsExt;
    use std::os::unix::process::ExitStatusExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = pipe(folder.path());
    let mut process = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_CA_FILE", &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    // The pipe can be opened for writing once the process reads it.
    let mut options = File::options();
    options.write(true).custom_flags(NONBLOCK);
    let writer = loop {
        if let Ok(writer) = options.open(&path) {
            break writer;
        }
        let ended = process.try_wait().expect("a process");
        assert_eq!(ended, None, "the file is not read");
        std::thread::yield_now();
    };
    signal(&process, "TERM");
    assert_eq!(process.wait().expect("an exit").signal(), Some(15));
    drop(writer);
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

#[test]
fn help_is_for_people_and_tells_the_real_defaults() {
    let help = run(&["track", "deployment", "--help"], &[]).stdout;
    assert!(!help.contains('`'), "{help}");
    for told in [
        "https://api.versioner.io",
        "https://app.versioner.io",
        "attempts after the first [default: 3]",
        "first retry [default: 1]",
        "one attempt [default: 30]",
        "attempts and pauses [default: 120]",
        "--skip-reason",
        "--allow-literal",
    ] {
        assert!(help.contains(told), "{told} is missing in {help}");
    }
}
