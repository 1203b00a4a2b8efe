//! Servers of two releases on one database: what only adds to the schema lets the older one go on, what
//! takes away lets it stop.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::data::{Data, run};
use crate::process::{PROGRAM, Process};
use crate::support::Client;

/// Runs statements where the servers' data is.
fn alter(data: &Data, statements: &str) {
    run(data.path().to_str().unwrap(), statements);
}

#[test]
fn a_schema_with_more_in_it_lets_a_server_go_on() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    let old = Process::start(data.path());
    let at_old = Client::new(&old.url, old.first_key.as_ref().unwrap());
    at_old.deploy("1", "production", "started").expect(200);
    // What the next release does when it starts beside this one.
    alter(
        &data,
        "ALTER TABLE account_local.deployments ADD COLUMN newer TEXT; \
         CREATE TABLE account_local.newer (id TEXT); \
         UPDATE account_local.schema_steps SET done = done + 1; \
         UPDATE versioner.schema_steps SET done = done + 1",
    );
    at_old.deploy("1", "production", "completed").expect(200);
    let beside = Process::start(data.path());
    let at_beside = Client::new(&beside.url, &at_old.key);
    at_beside.deploy("2", "production", "started").expect(200);
    assert_eq!(at_old.deploy("3", "production", "started").status, 409);
    at_old.get("/readyz").expect(200);
}

#[test]
fn a_schema_that_needs_a_newer_server_lets_an_older_one_drain_and_stop() {
    for schema in ["account_local", "versioner"] {
        let Some(data) = Data::on_postgres() else {
            return;
        };
        let mut old = Process::start(data.path());
        let client = Client::new(&old.url, old.first_key.as_ref().unwrap());
        client.deploy("1", "production", "started").expect(200);
        alter(
            &data,
            &format!("UPDATE {schema}.schema_steps SET needs = 1000, done = 1000"),
        );
        // Whatever it is asked next, it does not write to what it does not know.
        let asked = match schema {
            "versioner" => client.try_send("GET", "/readyz", &[], b""),
            _ => client.try_send(
                "POST",
                "/deployment-events/",
                &[("Content-Type", "application/json")],
                br#"{"product_name":"api","version":"2","environment_name":"staging","status":"started"}"#,
            ),
        };
        if let Ok(reply) = asked {
            assert_eq!(reply.status, 503, "{schema}: {}", reply.text);
        }
        let status = old.child.wait().unwrap();
        assert_eq!(status.code(), Some(1), "{schema}");
        let (code, text) = start(data.path());
        assert_eq!(code, Some(1), "{schema}: {text}");
        let reason = "run that one, or a newer one still";
        assert!(text.contains(schema) && text.contains(reason), "{text}");
        alter(
            &data,
            &format!("UPDATE {schema}.schema_steps SET needs = 0"),
        );
        let again = Process::start(data.path());
        let client = Client::new(&again.url, &client.key);
        let state = client.get("/state/").expect(200);
        let cells = state["products"][0]["environments"].as_array().unwrap();
        assert_eq!(cells.len(), 1, "{schema}: {state}");
        assert_eq!(cells[0]["in_progress"][0]["version"], "1");
    }
}

/// What a server says that does not start; it is ended if it does.
fn start(data: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(PROGRAM);
    command
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}
