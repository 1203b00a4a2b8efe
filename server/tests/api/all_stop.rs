//! All stop: one switch that refuses every start.

use std::process::Command;

use serde_json::{Value, json};
use versioner_server::{NewKey, Scopes};

use crate::process::PROGRAM;
use crate::support::{Server, build, deployment};
use crate::waiting::Waiting;

const MESSAGE: &str = "The database is being moved";
const UNTIL: &str = "2025-11-19T13:00:00Z";

fn stop(server: &Server) -> Value {
    let body = json!({ "message": MESSAGE, "until": UNTIL });
    server
        .client
        .request("PUT", "/all-stop/", &body)
        .expect(200)
}

/// Runs a command on the machine; whether it went well, and what it said.
fn on_the_machine(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .args(["--account", "local", "--data"])
        .arg(server.data.path())
        .env("USER", "ada")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn it_refuses_every_start_and_says_why_and_until_when() {
    let server = Server::start();
    let none = json!({
        "active": false, "message": null, "until": null, "since": null, "by": null,
    });
    assert_eq!(server.client.get("/all-stop/").expect(200), none);
    let shown = stop(&server);
    assert_eq!(shown["active"], true);
    assert_eq!(shown["by"], "key:k1");
    assert_eq!(server.client.get("/all-stop/").expect(200), shown);

    let refused = server.client.deploy("1", "production", "started");
    let detail = refused.detail(423);
    assert_eq!(detail["code"], "ALL_STOP");
    assert_eq!(detail["message"], MESSAGE);
    assert_eq!(detail["retry_after"], UNTIL);
    assert_eq!(detail["details"]["rule_name"], "All Stop");
    assert_eq!(detail["details"]["by"], "key:k1");

    let body = deployment("1", "production", "started");
    let asked = server.client.post("/preflight/", &body).expect(200);
    assert_eq!(asked["allowed"], false);
    assert_eq!(asked["rules_evaluated"][0]["type"], "all_stop");
    assert_eq!(asked["rules_evaluated"][0]["error_message"], MESSAGE);
}

#[test]
fn nothing_lets_a_start_past_it() {
    let server = Server::start();
    let client = &server.client;
    // A version that was current here, and an exemption from everything.
    client.deploy("1", "production", "completed").expect(200);
    client.deploy("2", "production", "completed").expect(200);
    let exemption = json!({
        "all": true, "product": "api", "environment": "production",
        "until": "2025-11-19T14:00:00Z", "reason": "incident 7",
    });
    let exemption = client
        .post("/deployment-exemptions/", &exemption)
        .expect(201);
    stop(&server);
    client.deploy("1", "production", "started").detail(423);
    let mut skipping = deployment("3", "production", "started");
    skipping["skip_preflight_checks"] = json!(true);
    skipping["extra_metadata"] = json!({ "vi_skip_reason": "incident 7" });
    let refused = client.post("/deployment-events/", &skipping).detail(423);
    assert_eq!(refused["code"], "ALL_STOP");
    let path = format!(
        "/deployment-exemptions/{}/",
        exemption["id"].as_str().unwrap()
    );
    assert_eq!(client.get(&path).expect(200)["used"], 0);
}

#[test]
fn what_is_in_progress_goes_on_and_ends_and_builds_are_recorded() {
    let server = Server::start();
    let client = &server.client;
    let span = [("Versioner-Span", "span-1")];
    let start = deployment("1", "production", "started");
    let began = client.post_with(&span, &start).expect(200);
    stop(&server);
    let again = client.post_with(&span, &start).expect(200);
    assert_eq!(again["id"], began["id"]);
    client
        .post("/build-events/", &build("2", "completed"))
        .expect(200);
    let ended = client
        .post_with(&span, &deployment("1", "production", "completed"))
        .expect(200);
    assert_eq!(ended["status"], "completed");
    // One that nobody asked for is recorded too, and told what a start would have been told.
    let told = client.deploy("2", "production", "failed").expect(200);
    let evaluated = &told["extra_metadata"]["preflight_status"]["rules_evaluated"][0];
    assert_eq!(evaluated["error_message"], MESSAGE);
    assert_eq!(evaluated["status"], "report_only");
    let late = [("Versioner-Occurred-At", "2025-11-19T11:00:00Z")];
    client
        .post_with(&late, &deployment("3", "production", "started"))
        .expect(200);
}

#[test]
fn it_ends_by_the_clock_alone() {
    let server = Server::start();
    stop(&server);
    server.clock.set("2025-11-19T12:59:59Z");
    server
        .client
        .deploy("1", "production", "started")
        .detail(423);
    server.clock.set(UNTIL);
    assert_eq!(server.client.get("/all-stop/").expect(200)["active"], false);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let lifted = server.client.send("DELETE", "/all-stop/", &[], b"");
    assert_eq!(lifted.status, 409, "{}", lifted.text);
}

#[test]
fn whoever_waits_is_told_of_it_and_of_its_end() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let waiting = Waiting::begin(&server, "2");
    stop(&server);
    assert_eq!(waiting.answer()["rules_evaluated"][0]["code"], "ALL_STOP");
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);

    let waiting = Waiting::begin(&server, "2");
    server
        .client
        .send("DELETE", "/all-stop/?reason=moved", &[], b"")
        .expect(200);
    assert_eq!(waiting.answer()["allowed"], true);
}

#[test]
fn on_the_machine_it_is_put_on_and_lifted_and_whoever_waits_is_told() {
    let server = Server::start();
    // The program goes by the real time.
    server.clock.set(&jiff::Timestamp::now().to_string());
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let waiting = Waiting::begin(&server, "2");
    let arguments = ["all-stop", "set", "--message", MESSAGE, "--for", "12h"];
    let (ok, said) = on_the_machine(&server, &arguments);
    assert!(ok && said.contains(MESSAGE), "{said}");
    assert_eq!(waiting.answer()["rules_evaluated"][0]["code"], "ALL_STOP");
    let (ok, said) = on_the_machine(&server, &["all-stop", "show"]);
    assert!(ok && said.contains(MESSAGE), "{said}");

    let (ok, said) = on_the_machine(&server, &["all-stop", "lift", "--reason", "moved"]);
    assert!(ok && said.contains("can start"), "{said}");
    let (ok, said) = on_the_machine(&server, &["all-stop", "lift"]);
    assert!(!ok && said.contains("no stop is in force"), "{said}");
    let rows = server.client.get("/audit/?kind=stop").expect(200)["items"].clone();
    let kinds: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["kind"])
        .collect();
    assert_eq!(kinds, ["stop.lifted", "stop.set"]);
    assert!(
        rows[0]["actor"].as_str().unwrap().starts_with("cli:ada@"),
        "{rows}"
    );
    let value = rows[0]["changes"][0]["value"].as_str().unwrap();
    assert!(value.contains("\"reason\":\"moved\""), "{value}");
    let before = rows[0]["changes"][0]["before"].as_str().unwrap();
    assert!(before.contains(MESSAGE), "{before}");
}

#[test]
fn a_stop_that_cannot_be_meant_is_refused() {
    let server = Server::start();
    for (body, field) in [
        (json!({ "until": UNTIL }), "message"),
        (json!({ "message": " ", "until": UNTIL }), "message"),
        (json!({ "message": MESSAGE }), "until"),
        (
            json!({ "message": MESSAGE, "until": "2025-11-19T12:00:00Z" }),
            "until",
        ),
        (
            json!({ "message": MESSAGE, "until": "2025-11-26T12:00:01Z" }),
            "until",
        ),
        (json!({ "message": MESSAGE, "until": "18:00" }), "until"),
        (
            json!({ "message": MESSAGE, "until": UNTIL, "for": 5 }),
            "for",
        ),
    ] {
        let reply = server.client.request("PUT", "/all-stop/", &body);
        assert_eq!(reply.detail(422)[0]["loc"][1], field, "{body}");
    }
    for time in ["0m", "-1h", "soon", "2", "169h"] {
        let duration = format!("--for={time}");
        let arguments = ["all-stop", "set", "--message", MESSAGE, &duration];
        let (ok, said) = on_the_machine(&server, &arguments);
        assert!(!ok, "{time}: {said}");
    }
    let limited = server.add_limited_key(&NewKey {
        products: vec!["shop".to_owned()],
        ..NewKey::new(Scopes::all())
    });
    let body = json!({ "message": MESSAGE, "until": UNTIL });
    assert_eq!(limited.request("PUT", "/all-stop/", &body).status, 403);
    assert_eq!(limited.send("DELETE", "/all-stop/", &[], b"").status, 403);
    let reader = server.add_key("local", true);
    assert_eq!(reader.request("PUT", "/all-stop/", &body).status, 403);
    assert_eq!(reader.get("/all-stop/").expect(200)["active"], false);
}
