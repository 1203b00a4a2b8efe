//! Backup, restore and doctor, as somebody types them.

use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::data::Data;
use crate::errors::everything;
use crate::pages::{Browser, PASSWORD, person};
use crate::process::Process;
use crate::support::{Client, Server, build, deployment};

/// Runs the program; its exit code and everything it said.
pub fn run(arguments: &[&str], paths: &[(&str, &Path)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_versioner-server"));
    command.args(arguments);
    for (option, path) in paths {
        command.arg(option).arg(path);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

/// A server to which much has happened.
fn busy() -> Server {
    let server = Server::in_folder();
    let rule = json!({
        "name": "Two", "type": "release_approval", "environments": ["production"],
        "create": true, "config": { "required_approvals": 1, "keys": true, "exclude_deployer": false },
    });
    let rule = server.client.post("/deployment-rules/", &rule).expect(201)["id"].clone();
    let mut pinned = build("1", "started");
    pinned["invoke_id"] = json!("b-1");
    server.client.post("/build-events/", &pinned).expect(200);
    pinned["status"] = json!("completed");
    pinned["scm_sha"] = json!("4f1c2b7e9d3a5f60");
    let version = server.client.post("/build-events/", &pinned).expect(200)["version_id"].clone();
    server
        .client
        .deploy("1", "Production", "started")
        .expect(428);
    let approvals = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let approval = json!({
        "type": "release", "environment": "production", "approved_by": "ada@example.com",
    });
    server.client.post(&approvals, &approval).expect(201);
    let span = [("Versioner-Span", "span-1")];
    let start = deployment("1", "production", "started");
    let started = server.client.post_with(&span, &start).expect(200);
    let path = format!("/deployments/{}/", started["id"].as_str().unwrap());
    server
        .client
        .post(&format!("{path}renew/"), &json!({ "lease_seconds": 600 }))
        .expect(200);
    server.clock.advance(5);
    let abort = json!({ "reason": "the runner was lost" });
    server
        .client
        .post(&format!("{path}abort/"), &abort)
        .expect(200);
    for attempt in ["1", "2"] {
        let mut start = deployment("2", "staging", "started");
        start["source_system"] = json!("github");
        start["invoke_id"] = json!("run-7");
        start["extra_metadata"] = json!({ "vi_gh_job": "deploy", "vi_gh_run_attempt": attempt });
        server
            .client
            .post("/deployment-events/", &start)
            .expect(200);
    }
    let late = [("Versioner-Occurred-At", "2025-11-01T00:00:00Z")];
    server
        .client
        .post_with(&late, &deployment("0.9", "legacy", "completed"))
        .expect(200);
    let change = format!("/deployment-rules/{}/", rule.as_str().unwrap());
    server
        .client
        .request("PATCH", &change, &json!({ "status": "report_only" }))
        .expect(200);
    server
}

#[test]
fn the_log_makes_the_tables_as_they_are() {
    let server = busy();
    let doctor = || run(&["doctor", "--compare"], &[("--data", server.data.path())]);
    let (code, text) = doctor();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("which make the tables as they are"), "{text}");
    let database = Connection::open(server.data.path().join("accounts/local.db")).unwrap();
    database
        .execute(
            "UPDATE deployments SET status = 'completed' WHERE status = 'aborted'",
            [],
        )
        .unwrap();
    let (code, text) = doctor();
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("other tables than there are: deployments"),
        "{text}"
    );
}

#[test]
fn a_backup_is_looked_through_and_restored_with_everything_in_it() {
    let server = busy();
    let folder = TempDir::new().unwrap();
    let (copy, data) = (folder.path().join("copy"), folder.path().join("data"));
    let before = server.client.get("/deployments/").expect(200);
    run(
        &["keys", "add", "--account", "local"],
        &[("--data", server.data.path())],
    );
    let (code, text) = run(
        &["backup"],
        &[("--data", server.data.path()), ("--to", &copy)],
    );
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&["backup", "verify"], &[("--from", &copy)]);
    assert_eq!(
        (code, text.contains("2 databases")),
        (Some(0), true),
        "{text}"
    );
    let (code, text) = run(&["restore"], &[("--from", &copy), ("--data", &data)]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Lately changed: local key."), "{text}");
    // What is there already is never overwritten.
    let (code, text) = run(&["restore"], &[("--from", &copy), ("--data", &data)]);
    assert_eq!((code, text.contains("exists")), (Some(1), true), "{text}");

    let key = server.client.key.clone();
    let moved = TempDir::new().unwrap();
    std::fs::rename(&data, moved.path().join("d")).unwrap();
    let again = crate::process::Process::start(&moved.path().join("d"));
    let client = Client::new(&again.url, &key);
    assert_eq!(client.get("/deployments/").expect(200), before);
    let log = client.get("/audit/?kind=account").expect(200);
    assert_eq!(log["items"][0]["kind"], "account.restored");
    assert!(
        log["items"][0]["actor"]
            .as_str()
            .unwrap()
            .starts_with("cli:")
    );
}

#[test]
fn after_a_theft_no_key_of_a_backup_is_valid_any_more() {
    let server = busy();
    let folder = TempDir::new().unwrap();
    let (copy, data) = (folder.path().join("copy"), folder.path().join("data"));
    run(
        &["backup"],
        &[("--data", server.data.path()), ("--to", &copy)],
    );
    let (code, text) = run(
        &["restore", "--revoke-all-keys"],
        &[("--from", &copy), ("--data", &data)],
    );
    assert_eq!(
        (code, text.contains("Revoked 1 keys")),
        (Some(0), true),
        "{text}"
    );
    let again = crate::process::Process::start(&data);
    assert!(again.first_key.is_none());
    Client::new(&again.url, &server.client.key)
        .get("/state/")
        .detail(401);
}

#[test]
fn a_damaged_backup_is_neither_whole_nor_restored() {
    let server = busy();
    let folder = TempDir::new().unwrap();
    let (copy, data) = (folder.path().join("copy"), folder.path().join("data"));
    run(
        &["backup"],
        &[("--data", server.data.path()), ("--to", &copy)],
    );
    let account = copy.join("accounts/local.db");
    let mut bytes = std::fs::read(&account).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(&account, &bytes).unwrap();
    for arguments in [["backup", "verify"].as_slice(), &["restore"]] {
        let mut paths = vec![("--from", copy.as_path())];
        if arguments.len() == 1 {
            paths.push(("--data", &data));
        }
        let (code, text) = run(arguments, &paths);
        assert_eq!(code, Some(1), "{text}");
    }
    assert!(!data.exists());
    let (code, text) = run(&["backup", "verify"], &[("--from", folder.path())]);
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn a_copy_to_the_other_database_and_back_is_equal() {
    let Some(database) = Data::on_postgres() else {
        return;
    };
    let server = busy();
    person(&server, "Ada", "admin");
    let folder = TempDir::new().unwrap();
    let (from, url) = (server.data.path(), database.path());
    let (code, text) = run(&["copy"], &[("--from", from), ("--to", url)]);
    assert_eq!((code, text.as_str()), (Some(0), "Copied 1 accounts\n"));
    let (code, text) = run(&["copy"], &[("--from", from), ("--to", url)]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("account local is there already"), "{text}");

    let there = Process::start(url);
    let there = Client::new(&there.url, &server.client.key);
    for list in [
        "/deployments/",
        "/builds/",
        "/versions/",
        "/deployment-rules/",
        "/audit/",
    ] {
        let path = format!("{list}?limit=500").replace("/deployment-rules/?limit=500", list);
        assert_eq!(
            there.get(&path).expect(200),
            server.client.get(&path).expect(200),
            "{list}"
        );
    }
    let mut ada = Browser::new(&there.url);
    assert_eq!(ada.log_in("Ada", PASSWORD).status, 303);
    there.deploy("9.9", "somewhere", "completed").expect(200);
    there.deploy("9.8", "elsewhere", "completed").expect(200);

    let back = folder.path().join("back");
    let (code, text) = run(&["copy"], &[("--from", url), ("--to", &back)]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&["doctor"], &[("--data", &back)]);
    assert_eq!(code, Some(0), "{text}");
    let before = everything(from);
    let after = everything(&back);
    let missing: Vec<_> = before.iter().filter(|row| !after.contains(row)).collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert!(after.len() > before.len());
    // The log makes the tables of the copy as it makes those of the first.
    let compare = |data| run(&["doctor", "--compare"], &[("--data", data)]).1;
    assert!(compare(from).contains("which make the tables as they are"));
    let text = compare(&back);
    assert!(text.contains("which make the tables as they are"), "{text}");
}
