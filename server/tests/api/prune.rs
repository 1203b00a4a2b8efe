//! `prune`: what nobody asks for any more is taken out, and nothing that anybody could ask for.

use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::process::PROGRAM;
use crate::support::{Reply, Server, build, deployment};

/// A server whose clock is so many days ago by the real time, which the program goes by.
fn days_ago(days: i64) -> Server {
    let server = Server::start();
    let then = Timestamp::now() - SignedDuration::from_hours(24 * days);
    server.clock.set(&then.to_string());
    server
}

fn now(server: &Server) {
    server.clock.set(&Timestamp::now().to_string());
}

fn run(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .arg("--data")
        .arg(server.data.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[track_caller]
fn prune(server: &Server, options: &[&str]) -> String {
    let arguments = [&["prune"], options].concat();
    let (ok, said) = run(server, &arguments);
    assert!(ok, "{said}");
    said
}

/// Whether the log still makes the tables as they are, and is whole.
#[track_caller]
fn compares(server: &Server) {
    let (ok, said) = run(server, &["doctor", "--compare"]);
    assert!(
        ok && said.contains("which make the tables as they are"),
        "{said}"
    );
    let (ok, said) = run(server, &["audit", "verify", "--account", "local"]);
    assert!(ok, "{said}");
}

fn deploy(server: &Server, version: &str, environment: &str) -> Value {
    server.clock.advance(1);
    let start = server
        .client
        .deploy(version, environment, "started")
        .expect(200);
    server.clock.advance(1);
    server
        .client
        .deploy(version, environment, "completed")
        .expect(200);
    start["id"].clone()
}

fn versions(server: &Server, environment: &str) -> Vec<String> {
    let path = format!("/deployments/?environment={environment}&limit=100");
    let items = server.client.get(&path).expect(200)["items"].clone();
    let items = items.as_array().unwrap().clone();
    items
        .iter()
        .map(|item| item["version"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_last_ten_of_a_place_stay_and_what_is_taken_stays_in_the_log() {
    let server = days_ago(400);
    for n in 1..=15 {
        server
            .client
            .post("/build-events/", &build(&n.to_string(), "completed"))
            .expect(200);
        deploy(&server, &n.to_string(), "staging");
    }
    now(&server);
    let all = versions(&server, "staging");
    let said = prune(&server, &["--check"]);
    assert_eq!(
        said,
        "local: would take 5 deployments, 5 builds and 0 answers to an Idempotency-Key\n"
    );
    assert_eq!(versions(&server, "staging"), all);
    assert_eq!(
        server.client.get("/audit/?kind=pruned").expect(200)["items"],
        json!([])
    );

    let took = prune(&server, &["--account", "local"]);
    assert_eq!(took, said.replace("would take", "took"));
    assert_eq!(versions(&server, "staging"), all[..10]);
    let builds = server.client.get("/builds/?limit=100").expect(200)["items"].clone();
    assert_eq!(builds.as_array().unwrap().len(), 10);
    let rows = server.client.get("/audit/?kind=pruned").expect(200)["items"].clone();
    let taken = |at: usize, kind: &str| rows[at]["changes"][0][kind].as_array().unwrap().len();
    assert_eq!((taken(0, "builds"), taken(1, "deployments")), (5, 5));
    assert!(
        rows[0]["actor"].as_str().unwrap().starts_with("cli:"),
        "{rows}"
    );
    // What they were is in the log still, and versions keep their commits.
    let id = rows[1]["changes"][0]["deployments"][0].as_str().unwrap();
    let told = server
        .client
        .get(&format!("/audit/?subject={id}"))
        .expect(200);
    assert_eq!(told["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        server.client.get(&format!("/deployments/{id}/")).status,
        404
    );
    compares(&server);
    assert!(prune(&server, &[]).contains("took 0 deployments, 0 builds"));
    // Life goes on, with what was pruned too.
    let client = &server.client;
    client.deploy("1", "staging", "started").expect(200);
    client.deploy("1", "staging", "completed").expect(200);
    compares(&server);
}

#[test]
fn what_is_younger_stays_and_nothing_younger_than_90_days_can_be_taken() {
    let server = days_ago(100);
    for n in 1..=12 {
        deploy(&server, &n.to_string(), "staging");
    }
    now(&server);
    assert!(prune(&server, &[]).contains("took 0 deployments"));
    for days in ["89", "0", "-1", "soon"] {
        let days = format!("--older-than={days}");
        let (ok, said) = run(&server, &["prune", &days]);
        assert!(!ok, "{said}");
    }
    assert!(prune(&server, &["--older-than", "99"]).contains("took 2 deployments"));
    let (ok, said) = run(&server, &["prune", "--account", "nobody"]);
    assert!(!ok && said.contains("nobody"), "{said}");
}

#[test]
fn what_is_in_progress_and_all_of_what_is_current_or_was_before_stays() {
    let server = days_ago(400);
    // In production for long; how it came there is old in staging.
    deploy(&server, "1", "staging");
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    deploy(&server, "2", "staging");
    deploy(&server, "1", "production");
    deploy(&server, "2", "production");
    for n in 3..=20 {
        server
            .client
            .post("/build-events/", &build(&n.to_string(), "completed"))
            .expect(200);
        deploy(&server, &n.to_string(), "staging");
    }
    now(&server);
    server
        .client
        .deploy("3", "elsewhere", "started")
        .expect(200);
    prune(&server, &[]);
    let left = versions(&server, "staging");
    // The last ten; 1 and 2, which are current or were before; 3 is on its way, and 4 ended its run.
    let expected: Vec<String> = (11..=20)
        .rev()
        .chain([4, 3, 2, 1])
        .map(|n: i32| n.to_string())
        .collect();
    assert_eq!(left, expected);
    assert_eq!(versions(&server, "production"), ["2", "1"]);
    let builds = server.client.get("/builds/?version=1").expect(200)["items"].clone();
    assert_eq!(builds.as_array().unwrap().len(), 1);
    compares(&server);
}

#[test]
fn what_ended_a_run_stays_as_long_as_somebody_could_ask_how_long_it_was() {
    let server = days_ago(400);
    deploy(&server, "1", "staging");
    deploy(&server, "2", "staging");
    deploy(&server, "1", "production");
    for n in 3..=20 {
        deploy(&server, &n.to_string(), "staging");
    }
    now(&server);
    prune(&server, &[]);
    // It was two minutes; without 2 it would have been twenty.
    let soak = json!({
        "name": "Soak", "type": "soak_time", "environments": ["live"], "create": true,
        "config": { "environment": "staging", "soak_minutes": 10 },
    });
    server.client.post("/deployment-rules/", &soak).expect(201);
    let refused = server.client.deploy("1", "live", "started").detail(428);
    assert_eq!(refused["code"], "INSUFFICIENT_SOAK_TIME");
    compares(&server);
}

#[test]
fn a_version_that_may_go_back_still_may() {
    let server = days_ago(200);
    deploy(&server, "1", "production");
    // It was replaced lately, and much came after it.
    let lately = Timestamp::now() - SignedDuration::from_hours(24 * 60);
    server.clock.set(&lately.to_string());
    for n in 2..=13 {
        deploy(&server, &n.to_string(), "production");
    }
    now(&server);
    prune(&server, &["--older-than", "90"]);
    let rule = json!({
        "name": "Two", "type": "release_approval", "environments": ["production"],
        "config": { "required_approvals": 1 },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    compares(&server);
}

#[test]
fn answers_are_given_for_35_days_and_that_of_a_start_while_it_goes_on() {
    let server = days_ago(40);
    let client = &server.client;
    let send =
        |key: &str, event: &Value| -> Reply { client.post_once("/deployment-events/", key, event) };
    let ended = deployment("1", "staging", "completed");
    let started = deployment("1", "production", "started");
    send("old-end", &ended).expect(200);
    let first = send("old-start", &started).expect(200);
    let lease = format!("/deployments/{}/renew/", first["id"].as_str().unwrap());
    // Somebody gives a sign of life each day.
    for _ in 0..40 {
        server.clock.advance(24 * 60 - 1);
        client.post(&lease, &json!({})).expect(200);
    }
    now(&server);
    send("new-end", &deployment("2", "staging", "completed")).expect(200);
    let said = prune(&server, &[]);
    assert!(
        said.contains("took 0 deployments, 0 builds and 1 answers"),
        "{said}"
    );
    for (key, event) in [
        ("new-end", deployment("2", "staging", "completed")),
        ("old-start", started),
    ] {
        let again = send(key, &event);
        assert_eq!(again.status, 200, "{key}: {}", again.text);
        assert_eq!(
            again
                .headers
                .get("idempotency-replayed")
                .map(String::as_str),
            Some("true"),
            "{key}"
        );
    }
    let other = send("old-end", &deployment("3", "staging", "completed"));
    assert_eq!(other.status, 200, "{}", other.text);
    compares(&server);
}
