//! A data directory of a version before this one opens, with everything in it.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::data::Data;
use crate::support::{Client, Server, deployment};

/// The key of the directory, which the version before made.
pub const KEY: &str = "sk_local_k1_6b2e4dc5082c7594ddb98ad7efc6b2566a9ee413";

pub fn before_the_log() -> Data {
    let data = Data::in_folder();
    std::fs::create_dir(data.path().join("accounts")).unwrap();
    for (name, sql) in [
        (
            "accounts.db",
            include_str!("../data/before-the-log/accounts.sql"),
        ),
        (
            "accounts/local.db",
            include_str!("../data/before-the-log/local.sql"),
        ),
    ] {
        let database = Connection::open(data.path().join(name)).unwrap();
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database.execute_batch(sql).unwrap();
    }
    data
}

fn items(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).expect(200)["items"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn everything_of_the_version_before_is_there() {
    let server = Server::on_data(before_the_log());
    server.clock.set("2026-11-25T14:00:00Z");
    let client = Client::new(&server.client.url, KEY);
    assert_eq!(items(&client, "/products/").len(), 2);
    assert_eq!(items(&client, "/builds/").len(), 2);
    assert_eq!(items(&client, "/deployment-rules/").len(), 3);
    let deployments = items(&client, "/deployments/");
    assert_eq!(deployments.len(), 9);
    let oldest = &deployments[8];
    assert_eq!(oldest["extra_metadata"]["ratio"], json!(1.5));
    assert_eq!(
        (&oldest["gate"], &oldest["status"]),
        (&json!("allowed"), &json!("completed"))
    );

    let state = client.get("/state/?product=api").expect(200);
    let cells = state["products"][0]["environments"].as_array().unwrap();
    let production = cells
        .iter()
        .find(|cell| cell["environment_name"] == "production")
        .unwrap();
    assert_eq!(
        production["current"]["version"], "1.0.0",
        "told before 0.9.0, and later in time"
    );
    assert_eq!(production["latest"]["status"], "preflight_failed");
    let version = production["current"]["version_id"].as_str().unwrap();
    assert_eq!(
        items(&client, &format!("/versions/{version}/approvals/")).len(),
        1
    );
}

#[test]
fn of_several_in_progress_the_newest_stays() {
    let server = Server::on_data(before_the_log());
    server.clock.set("2026-11-25T14:00:00Z");
    let client = Client::new(&server.client.url, KEY);
    let of_web = items(&client, "/deployments/?product=web&status=started");
    assert_eq!(of_web.len(), 1);
    assert_eq!(of_web[0]["invoke_id"], "run-4");
    let mut start = deployment("9", "prod", "started");
    start["product_name"] = json!("web");
    let refused = client.post("/deployment-events/", &start).detail(409);
    assert_eq!(
        refused["details"]["conflicting_deployment_id"],
        of_web[0]["id"]
    );
    server.clock.advance(24 * 60);
    client.post("/deployment-events/", &start).expect(200);
}

#[test]
fn an_event_that_was_answered_before_the_change_is_not_recorded_twice() {
    let server = Server::on_data(before_the_log());
    server.clock.set("2026-11-26T00:00:00Z");
    let client = Client::new(&server.client.url, KEY);
    let body = r#"{"product_name": "api", "version": "1.0.0", "environment_name": "staging", "status": "completed", "invoke_id": "100", "source_system": "github", "extra_metadata": {"ratio": 1.5, "note": "first"}}"#;
    let headers = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "old-end"),
    ];
    // The answer is the old one, which said less than is described now.
    let again = client
        .try_send("POST", "/deployment-events/", &headers, body.as_bytes())
        .unwrap();
    let oldest = items(&client, "/deployments/")[8]["id"].clone();
    assert_eq!(again.expect(200)["id"], oldest);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(items(&client, "/deployments/").len(), 9);
}

#[test]
fn what_the_migration_changes_is_told_before_and_nothing_is_written() {
    let data = before_the_log();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_versioner-server"))
            .arg("migrate")
            .args(arguments)
            .arg("--data")
            .arg(data.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let told = run(&["--check"]);
    for line in [
        "local: environment Production is merged into production",
        "local: 1 deployments in progress are aborted",
        "local: 1 rules that require approvals",
        "1 keys of before there were scopes",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert_eq!(run(&["--check"]), told);
    assert!(run(&[]).contains("is up to date"));
    assert!(run(&["--check"]).contains("Nothing would be"));
}
