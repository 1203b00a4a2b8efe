//! The log: who did what, and that nobody rewrote it.

use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn every_change_is_in_the_log_with_who_made_it() {
    let server = Server::start();
    let other = server.add_key("local", false);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    server
        .client
        .deploy("2", "production", "started")
        .expect(409);
    other.deploy("1", "production", "completed").expect(200);
    other
        .post(
            "/deployment-rules/",
            &json!({ "name": "x", "type": "flow" }),
        )
        .expect(422);
    let log = server.client.get("/audit/?limit=3").expect(200);
    let items = log["items"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> = items
        .iter()
        .map(|item| (&item["kind"], &item["actor"]))
        .collect();
    let expected = [
        ("deployment.completed", "key:k2"),
        ("deployment.refused", "key:k1"),
        ("deployment.started", "key:k1"),
    ];
    assert_eq!(
        told,
        expected
            .map(|(kind, actor)| (json!(kind), json!(actor)))
            .each_ref()
            .map(|(a, b)| (a, b))
    );
    let rest = format!("/audit/?cursor={}", log["next_cursor"].as_str().unwrap());
    assert_eq!(
        server.client.get(&rest).expect(200)["items"][0]["kind"],
        "key.added"
    );
    let mine = server.client.get("/audit/?actor=key:k2").expect(200);
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
    let about = format!("/audit/?subject={}", items[2]["subject"].as_str().unwrap());
    assert_eq!(
        server.client.get(&about).expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_log_that_somebody_rewrote_does_not_verify() {
    let server = Server::in_folder();
    for version in ["1", "2", "3"] {
        server
            .client
            .deploy(version, "production", "completed")
            .expect(200);
    }
    let verify = || {
        let output = Command::new(env!("CARGO_BIN_EXE_versioner-server"))
            .args(["audit", "verify", "--account", "local", "--data"])
            .arg(server.data.path())
            .output()
            .unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = verify();
    assert_eq!((code, text.contains("5 rows")), (Some(0), true), "{text}");
    let database = Connection::open(server.data.path().join("accounts/local.db")).unwrap();
    database
        .execute("UPDATE log SET actor = 'key:k9' WHERE position = 3", [])
        .unwrap();
    let (code, text) = verify();
    assert_eq!((code, text.contains("row 3")), (Some(1), true), "{text}");
}
