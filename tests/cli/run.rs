//! A command between the start and the end of a deployment, against a real server.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::command::{Ended, ended, versioner};
use crate::service::Service;
use crate::support::{KEY, RawServer, closed_port, take_request};

pub const DEPLOYMENT: [&str; 5] = [
    "run",
    "deployment",
    "--product=api",
    "--environment=production",
    "--version=1",
];

/// `versioner run deployment` of a shell script.
pub fn script(service: &Service, flags: &[&str], script: &str) -> Command {
    let mut command = service.command(&DEPLOYMENT);
    command.args(flags).args(["--", "sh", "-c", script]);
    piped(command)
}

pub fn piped(mut command: Command) -> Command {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn end(mut command: Command) -> Ended {
    rest(command.spawn().expect("a process"))
}

pub fn rest(process: Child) -> Ended {
    ended(process.wait_with_output().expect("an end"))
}

/// The status of each deployment, the newest first.
pub fn statuses(service: &Service) -> Vec<String> {
    let all = service.deployments().into_iter();
    all.map(|(_, status)| status).collect()
}

/// Starts a script that says `ready`.
pub fn ready(mut command: Command) -> Child {
    let mut process = command.spawn().expect("a process");
    says(&mut process, "ready");
    process
}

/// Reads the next line of its standard output.
pub fn says(process: &mut Child, word: &str) {
    let mut line = String::new();
    let mut stdout = BufReader::with_capacity(1, process.stdout.as_mut().expect("a stream"));
    stdout.read_line(&mut line).expect("text");
    assert_eq!(line.trim_end(), word);
}

pub fn kill(signal: &str, target: &str) {
    let kill = Command::new("kill")
        .args(["-s", signal, "--", target])
        .status();
    assert!(kill.expect("kill").success());
}

pub fn id(process: &Child) -> String {
    process.id().to_string()
}

#[test]
fn a_command_that_succeeds_is_completed_and_its_streams_are_its_own() {
    let service = Service::start();
    let mut process = script(&service, &[], "cat; echo error >&2")
        .spawn()
        .expect("a process");
    let mut input = process.stdin.take().expect("a stream");
    input.write_all(b"some input").expect("a reader");
    drop(input);
    let ended = rest(process);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "some input");
    assert!(ended.stderr.contains("\nerror\n"), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["completed"]);
}

#[test]
fn the_code_of_the_command_is_the_code_of_the_tool() {
    let service = Service::start();
    for (flags, text, code, status) in [
        (&[][..], "exit 3", 3, "failed"),
        (&["--success-codes=0,2"], "exit 2", 2, "completed"),
        (&["--success-codes=2"], "exit 0", 0, "failed"),
        (&[], "kill -KILL $$", 137, "aborted"),
        (&[], "kill -TERM $$", 143, "aborted"),
    ] {
        let ended = end(script(&service, flags, text));
        assert_eq!(ended.code, Some(code), "{text}: {}", ended.stderr);
        assert_eq!(statuses(&service)[0], status, "{text}");
    }
    let metadata = |index: usize| service.all()[index]["extra_metadata"].clone();
    assert_eq!(metadata(0)["vi_signal"], "TERM");
    assert_eq!(metadata(4)["vi_exit_code"], 3);
}

#[test]
fn a_command_that_cannot_run_records_nothing() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("plain");
    fs::write(&plain, "#!/bin/sh\n").expect("a file");
    let odd = folder.path().join("odd");
    fs::write(&odd, "#!/no/such/interpreter\n").expect("a file");
    fs::set_permissions(&odd, fs::Permissions::from_mode(0o755)).expect("a mode");
    let windows = folder.path().join("windows");
    fs::write(&windows, "#!/bin/sh\r\nexit 0\r\n").expect("a file");
    fs::set_permissions(&windows, fs::Permissions::from_mode(0o755)).expect("a mode");
    let pipe = crate::pipe(folder.path());
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o755)).expect("a mode");
    let elsewhere = folder.path().join("elsewhere");
    program_without_its_loader(&elsewhere);
    let result = folder.path().join("result");
    for (program, code) in [
        (OsStr::new("no-such-command"), 127),
        (OsStr::new("/no/such/command"), 127),
        (plain.as_os_str(), 126),
        (odd.as_os_str(), 126),
        (windows.as_os_str(), 126),
        (pipe.as_os_str(), 126),
        (elsewhere.as_os_str(), 126),
        (folder.path().as_os_str(), 126),
    ] {
        let mut command = service.command(&DEPLOYMENT);
        command
            .arg("--output-file")
            .arg(&result)
            .arg("--")
            .arg(program);
        let ended = end(piped(command));
        assert_eq!(ended.code, Some(code), "{program:?}: {}", ended.stderr);
        let told: Value =
            serde_json::from_slice(&fs::read(&result).expect("a file")).expect("JSON");
        let expected = json!({
            "ran": false, "exit_code": code, "signal": null, "started": null, "ended": null,
        });
        assert_eq!(told, expected);
    }
    assert_eq!(statuses(&service), [""; 0]);
}

/// A program such as one for glibc is on Alpine: what it names as its loader is not there.
fn program_without_its_loader(file: &Path) {
    changed_program(file, |program| {
        let loader = b"/ld-linux";
        let at = program
            .windows(loader.len())
            .position(|part| part == loader);
        program[at.expect("a loader") + 1..][..2].copy_from_slice(b"no");
    });
}

fn changed_program(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut program = fs::read("/bin/sh").expect("a program");
    change(&mut program);
    fs::write(file, program).expect("a file");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn a_program_for_another_processor_is_no_script() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("deploy");
    // The bytes of the header that say which processor it is for.
    changed_program(&file, |program| program[18..20].fill(0xfe));
    let mut command = service.command(&DEPLOYMENT);
    command.arg("--").arg(&file);
    let ended = end(piped(command));
    assert_eq!(ended.code, Some(126), "{}", ended.stderr);
    let said = "deploy: cannot be executed: Exec format error";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["failed"]);
}

#[test]
fn a_script_without_a_first_line_is_one_of_the_shell() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("deploy");
    fs::write(&file, "echo \"$1\"\nexit 4\n").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut command = service.command(&DEPLOYMENT);
    command
        .arg("--")
        .arg(&file)
        .arg(OsStr::from_bytes(b"caf\xe9"));
    let output = piped(command).output().expect("a process");
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(output.stdout, b"caf\xe9\n");
    assert_eq!(statuses(&service), ["failed"]);
}

#[test]
fn what_policy_rejects_does_not_run() {
    let service = Service::start();
    let started = [
        "--environment=production",
        "--version=0",
        "--status=started",
    ];
    let other = [&["track", "deployment", "--product=api"], &started[..]].concat();
    assert_eq!(service.run(&other).code, Some(0));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("result");
    let flag = format!("--output-file={}", file.display());
    for (flags, code) in [(&[][..], 5), (&["--exit-rejected=75", &flag], 75)] {
        let ended = end(script(&service, flags, "echo it ran"));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert!(
            ended.stderr.contains("Deployment Conflict"),
            "{}",
            ended.stderr
        );
        let last = ended.stderr.lines().last();
        assert_eq!(last, Some("rejected, the command did not run"));
    }
    let told: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(
        (&told["ran"], &told["exit_code"]),
        (&json!(false), &json!(75))
    );
    assert_eq!(told["started"]["kind"], "deployment_conflict");
    assert_eq!(told["ended"], Value::Null);
}

#[test]
fn a_signal_to_the_tool_alone_reaches_the_command() {
    let service = Service::start();
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)] {
        let process = ready(script(&service, &[], "echo ready; exec cat"));
        kill(signal, &id(&process));
        // Its input stays open until it has ended.
        let mut process = process;
        let input = process.stdin.take();
        let ended = rest(process);
        drop(input);
        assert_eq!(ended.code, Some(code), "{signal}: {}", ended.stderr);
        assert_eq!(statuses(&service)[0], "aborted", "{signal}");
    }
}

#[test]
fn a_command_that_ends_in_good_order_after_a_signal_decides_itself() {
    let service = Service::start();
    for (text, code, status) in [
        ("trap 'exit 0' TERM; echo ready; read x", 0, "completed"),
        ("trap 'exit 7' TERM; echo ready; read x", 7, "aborted"),
    ] {
        let mut process = ready(script(&service, &[], text));
        let input = process.stdin.take();
        kill("TERM", &id(&process));
        let ended = rest(process);
        drop(input);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_eq!(statuses(&service)[0], status);
    }
}

#[test]
fn a_command_that_ignores_a_signal_goes_on() {
    let service = Service::start();
    let text = "trap '' TERM; echo ready; read x; echo \"$x\"";
    let mut process = ready(script(&service, &[], text));
    kill("TERM", &id(&process));
    kill("TERM", &id(&process));
    let mut input = process.stdin.take().expect("a stream");
    input.write_all(b"done\n").expect("a reader");
    let ended = rest(process);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "done\n");
    assert_eq!(statuses(&service), ["completed"]);
}

#[test]
fn a_group_that_is_signalled_has_it_once() {
    let service = Service::start();
    // A second signal would be a second word.
    let text = "trap 'echo got' TERM; echo ready; read x; read x; exit 5";
    for flags in [&["--signals=group"][..], &[]] {
        let mut command = script(&service, flags, text);
        command.process_group(0);
        if flags.is_empty() {
            command.env("JENKINS_URL", "https://jenkins.example/");
        }
        let mut process = ready(command);
        kill("TERM", &format!("-{}", process.id()));
        says(&mut process, "got");
        let ended = rest(process);
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert_eq!(statuses(&service)[0], "aborted");
    }
}

#[test]
fn what_is_ignored_at_the_start_stays_ignored_for_both() {
    let service = Service::start();
    let mut command = service.command(&[]);
    let program = command.get_program().to_owned();
    let text = format!(
        "trap '' HUP; exec {} {} -- sh -c 'echo ready; kill -HUP $$; read x; exit 4'",
        program.display(),
        DEPLOYMENT.join(" ")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &text]).env_clear();
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command = piped(shell);
    let process = ready(command);
    kill("HUP", &id(&process));
    let ended = rest(process);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["failed"]);
}

#[test]
fn what_means_something_to_the_command_alone_is_passed_on() {
    let service = Service::start();
    let text = "trap 'echo got' USR1; echo ready; read x; exit 3";
    let mut process = ready(script(&service, &["--signals=group"], text));
    kill("USR1", &id(&process));
    says(&mut process, "got");
    let ended = rest(process);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["failed"]);
}

#[test]
fn a_signal_while_it_is_asked_starts_nothing() {
    let service = Service::start();
    service.hold();
    let process = script(&service, &[], "echo it ran")
        .spawn()
        .expect("a process");
    service.wait_for_held();
    service.release();
    kill("HUP", &id(&process));
    let ended = rest(process);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let last = ended.stderr.lines().last();
    assert_eq!(last, Some("interrupted, the command did not run"));
    assert_eq!(statuses(&service), ["aborted"]);
}

/// Reads standard error until it says that the command goes on.
fn tells_that_it_goes_on(process: &mut Child) {
    let mut stderr = BufReader::new(process.stderr.take().expect("a stream"));
    let mut told = String::new();
    while !told.contains("aborted is told from the outbox") {
        assert!(stderr.read_line(&mut told).expect("text") > 0, "{told}");
    }
}

#[test]
fn what_is_killed_after_it_was_asked_to_end_is_told_from_the_outbox() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let outbox = format!("--outbox={}", folder.path().join("outbox").display());
    let text = "trap '' TERM; echo ready; read x; echo done";
    let mut process = ready(script(&service, &[&outbox], text));
    kill("TERM", &id(&process));
    tells_that_it_goes_on(&mut process);
    assert_eq!(statuses(&service), ["started"], "the slot is not freed");
    process.kill().expect("a living process");
    process.wait().expect("an end");
    assert_eq!(service.run(&["outbox", "send", &outbox]).code, Some(0));
    assert_eq!(statuses(&service), ["aborted"]);
}

#[test]
fn what_goes_on_after_it_was_asked_to_end_ends_as_it_ends() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let outbox = format!("--outbox={}", folder.path().join("outbox").display());
    let text = "trap '' TERM; echo ready; read x; echo \"$x\"";
    let mut process = ready(script(&service, &[&outbox], text));
    kill("TERM", &id(&process));
    tells_that_it_goes_on(&mut process);
    let mut input = process.stdin.take().expect("a stream");
    input.write_all(b"done\n").expect("a reader");
    assert_eq!(rest(process).code, Some(0));
    assert_eq!(service.run(&["outbox", "send", &outbox]).code, Some(0));
    assert_eq!(statuses(&service), ["completed"]);
}

#[test]
fn an_end_whose_answer_is_lost_is_kept_and_told_later() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let outbox = format!("--outbox={}", folder.path().join("outbox").display());
    let mut command = script(&service, &[&outbox], "echo ready; read x");
    command
        .env("VERSIONER_MAX_RETRIES", "0")
        .env("VERSIONER_ATTEMPT_TIMEOUT", "2");
    let mut process = ready(command);
    service.hold();
    process.stdin.take();
    let ended = rest(process);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("failed, which is told later"),
        "{}",
        ended.stderr
    );
    service.release();
    assert_eq!(service.run(&["outbox", "send", &outbox]).code, Some(0));
    assert_eq!(statuses(&service), ["failed"]);
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let service = Service::start();
    let mut process = ready(script(&service, &["--timeout=1s"], "echo ready; exec cat"));
    let input = process.stdin.take();
    let ended = rest(process);
    drop(input);
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["aborted"]);
    assert_eq!(
        service.all()[0]["extra_metadata"]["vi_error_class"],
        "timeout"
    );
}

/// Answers the first event with success, and every further one with these bytes.
fn starts_then(answer: &'static str) -> RawServer {
    RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            let body = r#"{"id":"d-1","status":"started"}"#;
            let started = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = match request.body.contains("\"started\"") {
                true => &started,
                false => answer,
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn against(url: &str, flags: &[&str], script: &str) -> Ended {
    let mut command = versioner(&DEPLOYMENT);
    command
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", url)
        .env("VERSIONER_MAX_RETRIES", "0")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(flags)
        .args(["--", "sh", "-c", script]);
    end(piped(command))
}

const BROKEN: &str = "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n";

#[test]
fn an_end_that_is_not_recorded_is_no_verdict_on_the_command() {
    let server = starts_then(BROKEN);
    for code in [0, 3] {
        let ended = against(&server.url, &[], &format!("exit {code}"));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        let warnings = ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("warning: "));
        assert_eq!(warnings.count(), 3, "{}", ended.stderr);
        assert!(ended.stderr.contains("is not recorded"), "{}", ended.stderr);
    }
    let strict = against(&server.url, &["--fail-on-api-error"], "exit 0");
    assert_eq!(strict.code, Some(4), "{}", strict.stderr);
    let last = "error: The command succeeded; do not run it again for this.";
    assert_eq!(strict.stderr.lines().last(), Some(last));
    let failed = against(&server.url, &["--fail-on-api-error"], "exit 3");
    assert_eq!(failed.code, Some(3), "{}", failed.stderr);
}

#[test]
fn an_end_that_is_rejected_took_place() {
    let server = starts_then("HTTP/1.1 423 Locked\r\nContent-Length: 6\r\n\r\nfrozen");
    let ended = against(&server.url, &["--fail-on-api-error"], "exit 0");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("took place"), "{}", ended.stderr);
}

#[test]
fn without_a_network_best_effort_runs_and_nothing_else_does() {
    let url = format!("http://127.0.0.1:{}", closed_port());
    let strict = against(&url, &[], "echo it ran");
    assert_eq!((strict.code, strict.stdout.as_str()), (Some(1), ""));
    let last = strict.stderr.lines().last();
    assert_eq!(last, Some("failed, the command did not run"));
    let loose = against(&url, &["--fail-on-api-error=false"], "echo it ran; exit 3");
    assert_eq!(
        (loose.code, loose.stdout.as_str()),
        (Some(3), "it ran\n"),
        "{}",
        loose.stderr
    );
    assert!(
        loose.stderr.contains("Its start is not recorded either"),
        "{}",
        loose.stderr
    );
}

#[test]
fn the_command_knows_what_it_is_part_of() {
    let service = Service::start();
    let text = "env | grep -E '^VERSIONER_(RUN_|API_KEY)' | sort";
    let shown = end(script(&service, &["--without-api-key"], text));
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let id = service.all()[0]["id"].as_str().expect("a text").to_owned();
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert!(lines[4].starts_with("VERSIONER_RUN_SPAN="), "{lines:?}");
    assert_eq!(
        [lines[0], lines[1], lines[2], lines[3], lines[5]],
        [
            "VERSIONER_RUN_ENVIRONMENT=production",
            "VERSIONER_RUN_EVENT=deployment",
            &format!("VERSIONER_RUN_ID={id}"),
            "VERSIONER_RUN_PRODUCT=api",
            "VERSIONER_RUN_VERSION=1",
        ]
    );
    assert_eq!(lines.len(), 6);
    let kept = end(script(&service, &[], text));
    assert!(kept.stdout.contains(&service.key), "{}", kept.stdout);
}

#[test]
fn what_somebody_else_has_ended_is_said_to_have_ended_so() {
    let service = Service::start();
    let tool = env!("CARGO_BIN_EXE_versioner");
    let text = format!("{tool} abort \"$VERSIONER_RUN_ID\" --reason 'by mistake'");
    let ended = end(script(&service, &[], &text));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["aborted"]);
    let said = "completed, but the service has it as aborted";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[test]
fn a_run_inside_a_run_of_the_same_is_refused() {
    let service = Service::start();
    let program = env!("CARGO_BIN_EXE_versioner");
    let inner = |environment: &str| {
        format!(
            "{program} run deployment --product api --version 1 --environment {environment} -- echo inner"
        )
    };
    for environment in ["production", "Production"] {
        let same = end(script(&service, &[], &inner(environment)));
        assert_eq!((same.code, same.stdout.as_str()), (Some(1), ""));
        let said = "inside another `versioner run`";
        assert!(same.stderr.contains(said), "{}", same.stderr);
    }
    let other = end(script(&service, &[], &inner("staging")));
    assert_eq!(
        (other.code, other.stdout.as_str()),
        (Some(0), "inner\n"),
        "{}",
        other.stderr
    );
}

#[test]
fn the_result_is_a_file() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("result.json");
    fs::write(&file, "x".repeat(100_000)).expect("a file");
    let flag = format!("--output-file={}", file.display());
    let ended = end(script(&service, &[&flag], "exit 3"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let told: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(
        (&told["ran"], &told["exit_code"]),
        (&json!(true), &json!(3))
    );
    assert_eq!(told["started"]["status"], "started");
    assert_eq!(told["ended"]["status"], "failed");
    let json = end(script(&service, &["--output=json"], "echo it ran"));
    assert_eq!(json.code, Some(1));
    assert!(json.stdout.contains("--output-file"), "{}", json.stdout);
    let nowhere = end(script(
        &service,
        &["--output-file=/no/such/folder/file"],
        "echo it ran",
    ));
    assert_eq!((nowhere.code, nowhere.stdout.as_str()), (Some(1), ""));
    assert!(
        nowhere.stderr.contains("--output-file"),
        "{}",
        nowhere.stderr
    );
    assert_eq!(statuses(&service).len(), 1);
}

#[test]
fn a_build_has_a_command_too() {
    let service = Service::start();
    let flags = ["run", "build", "--product=api", "--version=7", "--", "true"];
    let ended = service.run(&flags);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("versioner: api 7: completed"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_would_be_sent_is_shown_and_nothing_runs() {
    let service = Service::start();
    let shown = end(script(&service, &["--dry-run"], "echo it ran"));
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(
        shown.stdout.contains("\"status\": \"started\""),
        "{}",
        shown.stdout
    );
    let from = "status started (versioner run)";
    assert!(shown.stdout.contains(from), "{}", shown.stdout);
    assert!(!shown.stdout.contains("it ran"), "{}", shown.stdout);
    assert_eq!(statuses(&service), [""; 0]);
}

#[test]
fn a_key_that_sudo_drops_is_named() {
    let mut command = versioner(&DEPLOYMENT);
    command.args(["--", "true"]).env("SUDO_USER", "maria");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let ended = end(piped(command));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("--preserve-env=VERSIONER_API_KEY"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_command_needs_two_hyphens_before_it() {
    let mut command = versioner(&DEPLOYMENT);
    command.arg("true");
    assert_eq!(end(piped(command)).code, Some(1));
    assert_eq!(end(piped(versioner(&DEPLOYMENT))).code, Some(1));
}

#[test]
fn no_time_at_all_is_no_time_to_run_a_command() {
    let mut command = versioner(&DEPLOYMENT);
    command.args(["--timeout=0", "--", "true"]);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let ended = end(piped(command));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--timeout is 0"), "{}", ended.stderr);
}
