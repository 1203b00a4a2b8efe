//! Accounts, managed on the machine; and what the log of an account tells of the machine.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::data::Data;
use crate::process::{PROGRAM, Process};
use crate::support::{Client, Server, deployment};

/// Runs the program with what somebody types; whether it went well, and what it said.
fn run(arguments: &[&str], data: &Path, typed: &str) -> (bool, String) {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env("USER", "ada")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // The program may have ended before it read anything.
    let _ = input.write_all(typed.as_bytes());
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[track_caller]
fn done(arguments: &[&str], data: &Path, typed: &str) -> String {
    let (ok, said) = run(arguments, data, typed);
    assert!(ok, "{said}");
    said
}

/// Makes an account beside the server, and a client for it.
fn add(server: &Server, name: &str) -> Client {
    let said = done(&["accounts", "add", name], server.data.path(), "");
    let key = said.trim().strip_prefix("API key (shown once): ").unwrap();
    Client::new(&server.client.url, key)
}

#[test]
fn an_account_is_made_listed_and_removed_beside_a_server() {
    let server = Server::start();
    let data = server.data.path();
    let acme = add(&server, "acme");
    acme.deploy("1", "production", "completed").expect(200);
    let (ok, said) = run(&["accounts", "add", "acme"], data, "");
    assert!(!ok && said.contains("acme is there already"), "{said}");
    let (ok, said) = run(&["accounts", "add", "No Name"], data, "");
    assert!(!ok, "{said}");
    let list = done(&["accounts", "list"], data, "");
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["acme", "local"], "{list}");
    assert!(
        list.lines().all(|line| line.ends_with("valid keys: 1")),
        "{list}"
    );

    for typed in ["", "\n", "acm\n", "local\n", "yes\n"] {
        let (ok, said) = run(&["accounts", "remove", "acme"], data, typed);
        assert!(
            !ok && said.contains("nothing was removed"),
            "{typed:?}: {said}"
        );
    }
    acme.deploy("2", "production", "completed").expect(200);
    let said = done(&["accounts", "remove", "acme"], data, "acme\n");
    assert!(
        said.contains("Type its name") && said.contains("Removed acme\n"),
        "{said}"
    );
    refused(&acme);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    let (ok, said) = run(&["accounts", "remove", "acme"], data, "acme\n");
    assert!(!ok && said.contains("there is no account acme"), "{said}");
    if data.is_dir() {
        let files = std::fs::read_dir(data.join("accounts")).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        let left = names
            .iter()
            .any(|name| name.to_string_lossy().starts_with("acme"));
        assert!(!left, "{names:?}");
    }

    // Another of the same name is another one, for a server that knew the first too.
    let again = add(&server, "acme");
    let none = again.get("/deployments/").expect(200);
    assert_eq!(none["items"], serde_json::json!([]));
    again.deploy("3", "production", "completed").expect(200);
    refused(&acme);
}

/// Waits until the key is refused, which takes a second.
fn refused(client: &Client) {
    let began = std::time::Instant::now();
    while client.get("/deployments/").status != 401 {
        assert!(
            began.elapsed() < std::time::Duration::from_secs(20),
            "the key is valid still"
        );
        std::thread::yield_now();
    }
}

#[test]
fn everything_in_an_account_is_exported_but_no_secret() {
    let server = Server::start();
    let client = &server.client;
    client.deploy("1", "production", "completed").expect(200);
    let mut other = deployment("2", "production", "started");
    other["extra_metadata"] = serde_json::json!({ "vi_note": "quote \" and\nline" });
    client
        .post_once("/deployment-events/", "key-1", &other)
        .expect(200);
    add(&server, "acme")
        .deploy("secret-of-acme", "production", "completed")
        .expect(200);
    let said = done(&["accounts", "export", "local"], server.data.path(), "");
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["account"], "local");
    assert_eq!(lines[0]["format"], 1);
    let of = |table: &str| -> Vec<&Value> {
        let rows = lines.iter().filter(|line| line["table"] == table);
        rows.map(|line| &line["row"]).collect()
    };
    assert_eq!(of("deployments").len(), 2);
    assert_eq!(
        of("deployments")[1]["extra_metadata"]["vi_note"],
        "quote \" and\nline"
    );
    assert_eq!(of("products")[0]["name"], "api");
    assert_eq!(of("requests").len(), 1);
    let log = of("log");
    assert_eq!(log.last().unwrap()["kind"], "account.exported");
    let started = log
        .iter()
        .find(|row| row["kind"] == "deployment.started")
        .unwrap();
    assert_eq!(started["changes"][0]["change"], "version", "{started}");
    let secret = client.key.rsplit('_').next().unwrap();
    assert!(!said.contains(secret) && !said.contains("secret-of-acme"));
    for key in of("keys") {
        assert_eq!(key.get("hash").or(key.get("old_hash")), None, "{key}");
    }
    let (ok, said) = run(&["accounts", "export", "nobody"], server.data.path(), "");
    assert!(!ok && said.contains("there is no account nobody"), "{said}");
}

/// The rows of the log about the machine, the newest first.
fn told(client: &Client) -> Vec<(String, String)> {
    let rows = client.get("/audit/?kind=account").expect(200)["items"].clone();
    let rows = rows.as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| {
            assert!(
                row["actor"].as_str().unwrap().starts_with("cli:ada@"),
                "{row}"
            );
            (text(&row["kind"]), text(&row["changes"][0]["message"]))
        })
        .collect()
}

#[test]
fn the_log_tells_of_backups_and_of_bringing_up_to_date() {
    let server = Server::in_folder();
    let data = server.data.path();
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy");
    done(&["rules", "export", "--account", "local"], data, "");
    assert_eq!(told(&server.client)[0].0, "account.rules_exported");
    done(&["backup", "--to", copy.to_str().unwrap()], data, "");
    assert_eq!(
        told(&server.client)[0],
        (
            "account.backed_up".to_owned(),
            format!("A backup to {} was begun", copy.display())
        )
    );
    // The backup itself has that row.
    let there = Process::start(&copy);
    assert_eq!(told(&Client::new(&there.url, &server.client.key)).len(), 2);
    drop(there);
    let (key, stopped) = (server.client.key.clone(), stop(server));
    done(&["migrate", "--check"], stopped.path(), "");
    done(&["migrate"], stopped.path(), "");
    let there = Process::start(stopped.path());
    let told = told(&Client::new(&there.url, &key));
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "account.migrated",
            "account.backed_up",
            "account.rules_exported"
        ]
    );
}

/// Stops the server; its data stays.
fn stop(server: Server) -> std::sync::Arc<Data> {
    server.data.clone()
}

#[test]
fn the_log_tells_of_a_copy_and_never_of_a_password() {
    let Some(database) = Data::on_postgres() else {
        return;
    };
    let server = Server::in_folder();
    let url = database.path().to_str().unwrap();
    let (ok, said) = run_copy(server.data.path(), url);
    assert!(ok, "{said}");
    let expected = "A copy to a database of PostgreSQL was begun";
    assert_eq!(
        told(&server.client),
        [("account.copied".to_owned(), expected.to_owned())]
    );
}

fn run_copy(from: &Path, to: &str) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .args(["copy", "--to", to, "--from"])
        .arg(from)
        .env("USER", "ada")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}
