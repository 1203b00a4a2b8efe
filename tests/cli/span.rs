//! What begins in one command and ends in another, against a real server.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use tempfile::TempDir;

use crate::command::{Ended, ended, versioner};
use crate::service::Service;
use crate::support::{KEY, RawServer, take_request};

struct Deployment {
    service: Service,
    folder: TempDir,
}

impl Deployment {
    fn new() -> Self {
        Deployment {
            service: Service::start(),
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("span")
    }

    fn state(&self) -> String {
        fs::read_to_string(self.file()).expect("a state file")
    }

    fn begin(&self, version: &str) -> Command {
        let file = self.file();
        let arguments = ["span", "begin", "--product=api", "--environment=production"];
        let mut command = self.service.command(&arguments);
        command.arg(format!("--version={version}"));
        command.arg("--state").arg(file);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn end(&self, status: &str) -> Command {
        let mut command = self.service.command(&["span", "end", status, "--state"]);
        command.arg(self.file());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn statuses(&self) -> Vec<(String, String)> {
        self.service.deployments()
    }
}

fn run(mut command: Command) -> Ended {
    ended(command.output().expect("a process"))
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(version, status)| ((*version).to_owned(), (*status).to_owned()))
        .collect()
}

#[test]
fn two_commands_are_one_deployment_and_its_file_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let deployment = Deployment::new();
    let begun = run(deployment.begin("1"));
    assert_eq!(begun.code, Some(0), "{}", begun.stderr);
    assert_eq!(deployment.statuses(), pairs(&[("1", "started")]));
    let mode = fs::metadata(deployment.file())
        .expect("a file")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert!(!deployment.state().contains(&deployment.service.key));
    let ended = run(deployment.end("success"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
    let again = run(deployment.end("failed"));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    // Nobody is to think that it is failed now.
    assert_eq!(again.stdout, "it had ended before, as completed\n");
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
    let next = run(deployment.begin("2"));
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    let left: Vec<_> = fs::read_dir(deployment.folder.path())
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn an_end_that_does_not_count_says_which_one_does() {
    let deployment = Deployment::new();
    assert_eq!(run(deployment.begin("1")).code, Some(0));
    let all = deployment.service.all();
    let id = all[0]["id"].as_str().expect("a text");
    let abort = ["abort", id, "--reason=by mistake"];
    assert_eq!(deployment.service.run(&abort).code, Some(0));
    let ended = run(deployment.end("success"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let said = "warning: the service has it as aborted";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(deployment.statuses(), pairs(&[("1", "aborted")]));
}

#[test]
fn of_two_that_have_the_state_the_first_one_ends_it() {
    let deployment = Deployment::new();
    assert_eq!(run(deployment.begin("1")).code, Some(0));
    let open = deployment.state();
    assert_eq!(run(deployment.end("success")).code, Some(0));
    fs::write(deployment.file(), open).expect("a file");
    let ended = run(deployment.end("failed"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("it had ended before"),
        "{}",
        ended.stdout
    );
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
}

#[test]
fn a_begin_that_is_killed_while_it_asks_is_the_same_deployment_when_it_is_repeated() {
    let deployment = Deployment::new();
    deployment.service.hold();
    let mut process = deployment.begin("1").spawn().expect("a process");
    deployment.service.wait_for_held();
    process.kill().expect("a living process");
    process.wait().expect("an end");
    assert!(deployment.state().contains(r#""state":"asking""#));
    deployment.service.release();
    let begun = run(deployment.begin("1"));
    assert_eq!(begun.code, Some(0), "{}", begun.stderr);
    assert_eq!(run(deployment.end("completed")).code, Some(0));
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
}

#[test]
fn a_begin_that_is_killed_while_it_asks_can_be_ended_at_once() {
    let deployment = Deployment::new();
    deployment.service.hold();
    let mut process = deployment.begin("1").spawn().expect("a process");
    deployment.service.wait_for_held();
    process.kill().expect("a living process");
    process.wait().expect("an end");
    deployment.service.release();
    let other = run(deployment.begin("2"));
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("has not ended"), "{}", other.stderr);
    assert_eq!(run(deployment.end("aborted")).code, Some(0));
    assert_eq!(deployment.statuses(), pairs(&[("1", "aborted")]));
    assert_eq!(run(deployment.begin("2")).code, Some(0));
}

#[test]
fn an_end_that_is_killed_while_it_is_told_is_the_same_end_when_it_is_repeated() {
    let deployment = Deployment::new();
    assert_eq!(run(deployment.begin("1")).code, Some(0));
    deployment.service.hold();
    let mut process = deployment.end("completed").spawn().expect("a process");
    deployment.service.wait_for_held();
    process.kill().expect("a living process");
    process.wait().expect("an end");
    deployment.service.release();
    let repeated = run(deployment.end("failed"));
    assert_eq!(repeated.code, Some(0), "{}", repeated.stderr);
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
    assert!(deployment.state().contains(r#""told":true"#));
}

#[test]
fn a_begin_that_is_interrupted_leaves_nothing_in_progress() {
    let deployment = Deployment::new();
    for (version, signal) in [("1", "INT"), ("2", "TERM"), ("3", "HUP"), ("4", "QUIT")] {
        deployment.service.hold();
        let process = deployment.begin(version).spawn().expect("a process");
        deployment.service.wait_for_held();
        deployment.service.release();
        crate::run::kill(signal, &process.id().to_string());
        let ended = ended(process.wait_with_output().expect("an end"));
        assert_eq!(ended.code, Some(1), "{signal}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("aborted was told"),
            "{}",
            ended.stderr
        );
        let newest = deployment.statuses().swap_remove(0);
        assert_eq!(newest, (version.to_owned(), "aborted".to_owned()));
    }
    assert_eq!(run(deployment.begin("5")).code, Some(0));
}

#[test]
fn what_was_not_allowed_to_begin_has_nothing_to_end() {
    let deployment = Deployment::new();
    let arguments = [
        "track",
        "deployment",
        "--product=api",
        "--environment=production",
        "--version=1",
        "--status=started",
    ];
    assert_eq!(deployment.service.run(&arguments).code, Some(0));
    assert_eq!(run(deployment.begin("2")).code, Some(5));
    let trap = run(deployment.end("failed"));
    assert_eq!(trap.code, Some(0), "{}", trap.stderr);
    assert!(trap.stdout.contains("nothing to end"), "{}", trap.stdout);
    let claim = run(deployment.end("completed"));
    assert_eq!(claim.code, Some(1));
    assert!(claim.stderr.contains("was not allowed"), "{}", claim.stderr);
    assert_eq!(deployment.statuses().len(), 2);
}

#[test]
fn a_file_that_cannot_be_used_stops_before_anything_is_asked() {
    let deployment = Deployment::new();
    assert_eq!(run(deployment.end("completed")).code, Some(1));
    fs::write(deployment.file(), "not a span").expect("a file");
    let begun = run(deployment.begin("1"));
    assert_eq!(begun.code, Some(1));
    assert!(begun.stderr.contains("--state"), "{}", begun.stderr);
    fs::remove_file(deployment.file()).expect("a file");
    fs::create_dir(deployment.file()).expect("a folder");
    assert_eq!(run(deployment.begin("1")).code, Some(1));
    assert_eq!(deployment.statuses(), pairs(&[]));
}

#[test]
fn a_file_that_mktemp_has_made_is_none_yet() {
    let deployment = Deployment::new();
    fs::write(deployment.file(), "").expect("a file");
    assert_eq!(run(deployment.end("completed")).code, Some(1));
    assert_eq!(run(deployment.begin("1")).code, Some(0));
    assert_eq!(run(deployment.end("completed")).code, Some(0));
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
}

#[test]
fn an_end_that_could_not_be_told_is_told_before_another_one_begins() {
    let deployment = Deployment::new();
    assert_eq!(run(deployment.begin("1")).code, Some(0));
    let mut cut = deployment.end("completed");
    cut.env("http_proxy", "http://127.0.0.1:1");
    cut.env("VERSIONER_MAX_RETRIES", "0");
    assert_eq!(run(cut).code, Some(1));
    let begun = run(deployment.begin("2"));
    assert_eq!(begun.code, Some(0), "{}", begun.stderr);
    let expected = pairs(&[("2", "started"), ("1", "completed")]);
    assert_eq!(deployment.statuses(), expected);
}

/// Takes every event, does something to the disk on a start, and tells of each event.
fn interfering(act: impl Fn() + Send + Sync + 'static) -> (RawServer, Receiver<String>) {
    let (sender, told) = channel();
    let sender = Mutex::new(sender);
    let server = RawServer::start(move |mut stream| {
        while let Some(request) = take_request(&stream) {
            if request.body.contains("\"started\"") {
                act();
            }
            let body = r#"{"id":"d-1"}"#;
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            let told = sender.lock().expect("no panic").send(request.body);
            if told.is_err() || stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (server, told)
}

fn begin_against(server: &RawServer, file: &Path) -> Command {
    let arguments = ["span", "begin", "--product=api", "--environment=production"];
    let mut command = versioner(&arguments);
    command
        .args(["--version=1", "--state"])
        .arg(file)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", &server.url)
        .env("VERSIONER_GIT", "false")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn what_nobody_could_end_for_want_of_its_file_is_aborted() {
    let folder = TempDir::new().expect("a folder");
    let (inner, away) = (folder.path().join("a"), folder.path().join("b"));
    fs::create_dir(&inner).expect("a folder");
    let file = inner.join("span");
    let (server, told) = interfering(move || fs::rename(&inner, &away).expect("a folder"));
    let begun = run(begin_against(&server, &file));
    assert_eq!(begun.code, Some(1), "{}", begun.stderr);
    assert!(begun.stderr.contains("is aborted"), "{}", begun.stderr);
    let told: Vec<String> = told.try_iter().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("\"aborted\""), "{told:?}");
}

#[test]
fn a_file_from_before_the_asking_is_enough_to_end_it() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("span");
    let (number, numbers) = channel::<u32>();
    let numbers = Mutex::new(numbers);
    let beside = folder.path().to_owned();
    let (server, told) = interfering(move || {
        let number = numbers.lock().expect("no panic").recv().expect("a number");
        // In the place of what is written before it takes that of the file.
        fs::create_dir(beside.join(format!("span.{number}"))).expect("a folder");
    });
    let process = begin_against(&server, &file).spawn().expect("a process");
    number.send(process.id()).expect("a server");
    let begun = ended(process.wait_with_output().expect("an end"));
    assert_eq!(begun.code, Some(0), "{}", begun.stderr);
    assert!(
        begun.stderr.contains("warning: state: cannot write"),
        "{}",
        begun.stderr
    );
    let mut end = versioner(&["span", "end", "completed", "--state"]);
    end.arg(&file)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", &server.url);
    assert_eq!(run(end).code, Some(0));
    assert_eq!(told.try_iter().count(), 2);
}

#[test]
fn a_disk_without_room_keeps_no_end_from_the_service() {
    let deployment = Deployment::new();
    assert_eq!(run(deployment.begin("1")).code, Some(0));
    let end = deployment.end("completed");
    let mut full = Command::new("sh");
    full.args(["-c", "ulimit -f 0; exec \"$@\"", "sh"])
        .arg(end.get_program())
        .args(end.get_args())
        .env_clear()
        .envs(
            end.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let told = run(full);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    assert!(
        told.stderr.contains("warning: state: cannot write"),
        "{}",
        told.stderr
    );
    // The file does not know; the service does, and the first end counts.
    run(deployment.end("failed"));
    assert_eq!(deployment.statuses(), pairs(&[("1", "completed")]));
}
