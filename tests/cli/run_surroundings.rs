//! `versioner run` in surroundings that make it hard to see how a command ends.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::command::{Ended, ended, versioner};
use crate::run::{DEPLOYMENT, end, id, kill, piped, ready, rest, says, script, statuses};
use crate::service::Service;
use crate::support::{KEY, RawServer, take_request};

/// The same command, started by a program with these arguments.
fn started_by(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut by = Command::new(program);
    by.args(arguments)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    piped(by)
}

fn started_by_shell(text: &str, command: &Command) -> Command {
    started_by(
        "sh",
        &["-c", &format!("{text}; exec \"$@\""), "sh"],
        command,
    )
}

#[test]
fn whoever_ignores_the_end_of_children_keeps_it_from_nobody() {
    let service = Service::start();
    for (text, code, status) in [("exit 0", 0, "completed"), ("exit 3", 3, "failed")] {
        let command = script(&service, &[], text);
        let ended = end(started_by("env", &["--ignore-signal=CHLD"], &command));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_eq!(statuses(&service)[0], status);
    }
}

#[test]
fn what_would_end_another_program_is_the_command_s_alone() {
    let service = Service::start();
    for signal in ["USR2", "ALRM", "ABRT", "VTALRM", "PROF", "IO", "XCPU"] {
        let text = format!("trap 'echo got' {signal}; echo ready; read x; exit 3");
        let mut process = ready(script(&service, &[], &text));
        kill(signal, &id(&process));
        says(&mut process, "got");
        assert_eq!(rest(process).code, Some(3), "{signal}");
        assert_eq!(statuses(&service)[0], "failed", "{signal}");
    }
}

/// Of Bash, because other shells know no names of real-time signals, and by number, because some
/// programs that send them do not.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_programs_agree_upon_are_the_command_s_alone() {
    let service = Service::start();
    for (signal, number) in [
        ("PWR", "30"),
        ("RTMIN+1", "35"),
        ("RTMIN+3", "37"),
        ("RTMAX", "64"),
    ] {
        let text = format!("trap 'echo got' {signal}; echo ready; read x; exit 3");
        let mut command = service.command(&DEPLOYMENT);
        command.args(["--", "bash", "-c", &text]);
        let mut process = ready(piped(command));
        kill(number, &id(&process));
        says(&mut process, "got");
        assert_eq!(rest(process).code, Some(3), "{signal}");
        assert_eq!(statuses(&service)[0], "failed", "{signal}");
    }
    let mut command = service.command(&DEPLOYMENT);
    command.args(["--", "bash", "-c", "echo ready; read x"]);
    let process = ready(piped(command));
    kill("36", &id(&process));
    assert_eq!(rest(process).code, Some(128 + 36), "by its default");
    assert_eq!(statuses(&service)[0], "aborted");
}

#[test]
fn what_came_before_the_command_does_not_end_it() {
    let (asking, asked) = channel();
    let (answer, answers) = channel::<()>();
    let answers = Mutex::new(answers);
    let server = RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            if request.body.contains("\"started\"") {
                asking.send(()).expect("a test");
                answers.lock().expect("no panic").recv().expect("a test");
            }
            let body = r#"{"id":"d-1"}"#;
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            if stream.write_all(head.as_bytes()).is_err() {
                return;
            }
        }
    });
    let mut command = versioner(&DEPLOYMENT);
    command
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", &server.url)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["--", "sh", "-c", "echo it ran"]);
    let process = piped(command).spawn().expect("a process");
    asked.recv().expect("an event");
    kill("USR1", &id(&process));
    answer.send(()).expect("a server");
    let ended = rest(process);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "it ran\n");
}

/// Namespaces of its own for one process, in which it is the first and sees nobody else; `None` if
/// the system makes none.
fn first_process(command: &Command) -> Option<Command> {
    let flags = ["-U", "-r", "-p", "-f", "-m", "--mount-proc", "--kill-child"];
    let tried = started_by("unshare", &flags, &Command::new("true")).status();
    match tried.is_ok_and(|status| status.success()) {
        true => Some(started_by("unshare", &flags, command)),
        false => {
            println!("not tested: this system makes no namespaces");
            None
        }
    }
}

#[test]
fn as_the_first_process_it_takes_care_of_what_others_leave_behind() {
    let service = Service::start();
    let is_dead = "grep -qs ') Z ' /proc/[0-9]*/stat";
    // Orphans, and looking until they are gone, not for ever.
    let text = format!(
        "for i in 1 2 3; do sh -c 'true & true &'; done; n=0; \
         while {is_dead} && [ $n -lt 1000 ]; do n=$((n+1)); done; ! {is_dead} && exit 4"
    );
    let Some(command) = first_process(&script(&service, &[], &text)) else {
        return;
    };
    let ended = end(command);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["failed"]);
}

#[test]
fn as_the_first_process_it_hands_signals_on() {
    let service = Service::start();
    let text = "echo ready; kill -TERM 1; read x";
    let mut command = script(&service, &[], text);
    // Where a whole group would get them otherwise.
    command.env("JENKINS_URL", "https://jenkins.example/");
    let Some(command) = first_process(&command) else {
        return;
    };
    let mut process = ready(command);
    let input = process.stdin.take();
    let ended = rest(process);
    drop(input);
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["aborted"]);
}

/// A user who is neither root nor whoever tests.
const NOBODY: u32 = 65_534;

/// A folder in which that user may run these programs; `setpriv` makes them root's again.
fn programs_of_root(folder: &tempfile::TempDir) -> Option<(PathBuf, PathBuf)> {
    let copy = |from: &str, mode| {
        let to = folder.path().join(PathBuf::from(from).file_name()?);
        fs::copy(from, &to).ok()?;
        fs::set_permissions(&to, fs::Permissions::from_mode(mode)).ok()?;
        Some(to)
    };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).ok()?;
    let versioner = copy(env!("CARGO_BIN_EXE_versioner"), 0o755)?;
    let setpriv = copy("/usr/bin/setpriv", 0o4755)?;
    let mut tried = Command::new(&setpriv);
    tried.args(["--reuid=0", "--clear-groups", "true"]);
    let is_root = tried.uid(NOBODY).gid(NOBODY).stderr(Stdio::null()).status();
    is_root
        .is_ok_and(|status| status.success())
        .then_some((versioner, setpriv))
}

#[test]
fn a_command_that_runs_as_somebody_else_is_not_reached_which_is_said() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let Some((versioner, setpriv)) = programs_of_root(&folder) else {
        println!("not tested: only root can make a program that runs as root");
        return;
    };
    let asking = script(&service, &[], "");
    let mut command = Command::new(versioner);
    command
        .args(DEPLOYMENT)
        .arg("--")
        .arg(setpriv)
        .args([
            "--reuid=0",
            "--clear-groups",
            "sh",
            "-c",
            "echo ready; read x",
        ])
        .current_dir(folder.path())
        .env_clear()
        .envs(
            asking
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    command.uid(NOBODY).gid(NOBODY);
    let mut process = ready(piped(command));
    kill("TERM", &id(&process));
    let warned = until(&mut process, "did not get");
    assert!(warned.contains("warning: "), "{warned}");
    assert!(warned.contains("the signal TERM"), "{warned}");
    let mut input = process.stdin.take().expect("a stream");
    input.write_all(b"done\n").expect("a reader");
    let ended = rest(process);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(statuses(&service), ["completed"]);
}

/// Reads standard error up to a line with these words.
fn until(process: &mut std::process::Child, words: &str) -> String {
    use std::io::{BufRead, BufReader};
    let mut stderr = BufReader::with_capacity(1, process.stderr.as_mut().expect("a stream"));
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(
            stderr.read_line(&mut line).expect("text") > 0,
            "no {words:?}"
        );
    }
    line
}

#[test]
fn a_disk_without_room_changes_no_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start();
    let outbox = format!("--outbox={}", folder.path().join("outbox").display());
    let file = format!("--output-file={}", folder.path().join("result").display());
    let mut command = script(&service, &[&outbox, &file], "read x; exit 3");
    command.env("VERSIONER_MAX_RETRIES", "0");
    command.env("VERSIONER_ATTEMPT_TIMEOUT", "1");
    let mut process = started_by_shell("ulimit -f 0", &command)
        .spawn()
        .expect("a process");
    told(&mut process, "started");
    service.hold();
    process.stdin.take();
    let ended: Ended = ended(process.wait_with_output().expect("an end"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("too large"), "{}", ended.stderr);
}

fn told(process: &mut std::process::Child, word: &str) {
    let line = until(process, "versioner: ");
    assert!(line.trim_end().ends_with(word), "{line}");
}
