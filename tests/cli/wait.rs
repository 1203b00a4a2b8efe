//! Starts that wait for their gate, against a real server.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::command::{Ended, ended};
use crate::service::Service;

const APPROVAL: &str = "Production Needs An Approval";

fn approval_is_needed(service: &Service) {
    let rule = json!({
        "name": APPROVAL, "type": "release_approval", "environments": ["production"],
        "config": {"required_approvals": 1, "keys": true}, "create": true,
    });
    service.post("/deployment-rules/", &rule);
}

/// Another person's word, with a key of their own, on a version that was built.
fn approve(service: &Service, version: &str) {
    let version_flag = format!("--version={version}");
    let built = service.run(&["track", "build", "--product=api", &version_flag]);
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    let key = service.add_key("Maria", "approve");
    let id = service.version_id(version);
    let approval = json!({"type": "release", "environment": "production", "approved_by": "maria"});
    service.post_as(&key, &format!("/versions/{id}/approvals/"), &approval);
}

fn start(service: &Service, words: &[&str], version: &str) -> Command {
    let mut command = service.command(words);
    command
        .args(["--product=api", "--environment=production"])
        .arg(format!("--version={version}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

const TRACK: [&str; 3] = ["track", "deployment", "--status=started"];

/// Reads standard error until a line holds these words; gives back the rest.
fn read_until(process: &mut Child, words: &str) -> impl FnOnce(Child) -> Ended + use<> {
    let mut stderr = BufReader::new(process.stderr.take().expect("a stream"));
    let mut read = String::new();
    while !read.contains(words) {
        let length = stderr.read_line(&mut read).expect("text");
        assert!(length > 0, "it ended without {words:?}: {read}");
    }
    move |process| {
        stderr.read_to_string(&mut read).expect("text");
        let mut ended = ended(process.wait_with_output().expect("an end"));
        ended.stderr = read;
        ended
    }
}

#[test]
fn a_start_waits_until_another_person_approves() {
    let service = Service::start();
    approval_is_needed(&service);
    let mut process = start(&service, &TRACK, "1")
        .arg("--wait=5m")
        .spawn()
        .expect("a process");
    let rest = read_until(&mut process, "waiting: ");
    approve(&service, "1");
    let ended = rest(process);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = format!("waiting: APPROVAL_REQUIRED ({APPROVAL}), 0 min of 5");
    assert!(ended.stderr.contains(&line), "{}", ended.stderr);
    assert_eq!(
        ended.stderr.matches("waiting: ").count(),
        1,
        "{}",
        ended.stderr
    );
    assert_eq!(
        service.deployments(),
        [("1".to_owned(), "started".to_owned())]
    );
}

#[test]
fn a_variable_makes_starts_wait_and_ends_not() {
    let service = Service::start();
    let end = start(&service, &["track", "deployment"], "1")
        .env("VERSIONER_WAIT", "5m")
        .output();
    let end = ended(end.expect("a process"));
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(!end.stderr.contains("VERSIONER_WAIT"), "{}", end.stderr);
    approval_is_needed(&service);
    let mut process = start(&service, &TRACK, "2");
    let mut process = process
        .env("VERSIONER_WAIT", "5m")
        .spawn()
        .expect("a process");
    let rest = read_until(&mut process, "waiting: ");
    approve(&service, "2");
    assert_eq!(rest(process).code, Some(0));
    let wrong = start(&service, &TRACK, "3")
        .env("VERSIONER_WAIT", "soon")
        .output();
    let wrong = ended(wrong.expect("a process"));
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("VERSIONER_WAIT must be a duration"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_start_that_is_interrupted_while_it_waits_starts_nothing() {
    let service = Service::start();
    approval_is_needed(&service);
    let mut process = start(&service, &TRACK, "1")
        .arg("--wait=5m")
        .spawn()
        .expect("a process");
    let rest = read_until(&mut process, "waiting: ");
    let id = process.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "TERM", &id])
            .status()
            .expect("kill")
            .success()
    );
    let ended = rest(process);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nothing was started"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        service.deployments(),
        [("1".to_owned(), "preflight_failed".to_owned())]
    );
}

#[test]
fn a_begin_that_is_killed_while_it_waits_waits_anew_when_it_is_repeated() {
    let service = Service::start();
    approval_is_needed(&service);
    let folder = tempfile::tempdir().expect("a folder");
    let state = format!("--state={}", folder.path().join("span").display());
    let words = ["span", "begin", "--wait=5m", &state];
    let mut process = start(&service, &words, "1").spawn().expect("a process");
    let _ = read_until(&mut process, "waiting: ");
    process.kill().expect("a living process");
    process.wait().expect("an end");
    let mut again = start(&service, &words, "1").spawn().expect("a process");
    let rest = read_until(&mut again, "waiting: ");
    approve(&service, "1");
    let begun = rest(again);
    assert_eq!(begun.code, Some(0), "{}", begun.stderr);
    assert_eq!(
        service.run(&["span", "end", "completed", &state]).code,
        Some(0)
    );
    assert_eq!(
        service.deployments(),
        [("1".to_owned(), "completed".to_owned())]
    );
}

#[test]
fn a_start_waits_for_its_turn() {
    let service = Service::start();
    let first = ["--product=api", "--environment=production", "--version=1"];
    let track = |words: &[&str]| service.run(&[words, &first].concat()).code;
    assert_eq!(track(&TRACK), Some(0));
    let mut next = start(&service, &TRACK, "2")
        .arg("--wait=5m")
        .spawn()
        .expect("a process");
    let rest = read_until(&mut next, "waiting: DEPLOYMENT_IN_PROGRESS");
    assert_eq!(track(&["track", "deployment"]), Some(0));
    let next = rest(next);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    let statuses = [
        ("2".to_owned(), "started".to_owned()),
        ("1".to_owned(), "completed".to_owned()),
    ];
    assert_eq!(service.deployments(), statuses);
}
