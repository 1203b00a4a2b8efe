//! What goes past a rule: exemptions, overrides, rollbacks, and what never does.

use rusqlite::Connection;
use serde_json::{Value, json};
use versioner_server::{NewKey, Scope, Scopes};

use crate::policy::add;
use crate::support::{Server, deployment};

/// A window that is always open.
fn freeze() -> Value {
    json!({
        "recurrence": "weekly", "start_time": "00:00", "end_time": "00:00",
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    })
}

fn exemption(version: &str) -> Value {
    json!({
        "all": true, "product": "API", "environment": "Production", "version": version,
        "until": "2025-11-20T00:00:00Z", "reason": "incident 7",
    })
}

fn deploy(server: &Server, version: &str) {
    server
        .client
        .deploy(version, "production", "started")
        .expect(200);
    server
        .client
        .deploy(version, "production", "completed")
        .expect(200);
}

#[test]
fn one_hotfix_goes_through_a_freeze_and_nobody_else_who_waits() {
    let server = Server::start();
    server
        .client
        .deploy("0", "staging", "completed")
        .expect(200);
    add(&server, "no_deploy_window", "Freeze", freeze());
    let start = |version: &str| server.client.deploy(version, "production", "started");
    start("1").detail(423);
    let path = "/deployment-exemptions/";
    let made = server.client.post(path, &exemption("2")).expect(201);
    assert_eq!(
        (&made["uses"], &made["used"], &made["live"], &made["by"]),
        (&json!(1), &json!(0), &json!(true), &json!("key:k1"))
    );
    assert_eq!(made["product"], "api", "as it was first written");
    start("1").detail(423);
    let asked = server
        .client
        .post("/preflight/", &deployment("2", "production", "started"))
        .expect(200);
    assert_eq!(asked["allowed"], true);
    let started = start("2").expect(200);
    let evaluated = &started["extra_metadata"]["preflight_status"]["rules_evaluated"][0];
    let by = format!("exemption {}", made["id"].as_str().unwrap());
    assert_eq!(
        (
            &evaluated["evaluation_result"],
            &evaluated["let_through_by"]
        ),
        (&json!("skipped"), &json!(by))
    );
    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    start("2").detail(423);
    let one = format!("{path}{}/", made["id"].as_str().unwrap());
    let spent = server.client.get(&one).expect(200);
    assert_eq!((&spent["used"], &spent["live"]), (&json!(1), &json!(false)));
    server.client.send("DELETE", &one, &[], b"").detail(409);
    let log = server
        .client
        .get("/audit/?kind=deployment.started")
        .expect(200);
    let changes = log["items"][0]["changes"].as_array().unwrap();
    let change = changes
        .iter()
        .find(|change| change["change"] == "exemption")
        .expect("the log says what was used");
    assert_eq!(
        (&change["before"]["used"], &change["exemption"]["used"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn an_exemption_is_not_used_up_by_a_start_that_does_not_go_on() {
    let server = Server::start();
    let window = add(&server, "no_deploy_window", "Freeze", freeze());
    let config = json!({ "required_environments": ["staging"] });
    add(&server, "flow", "Staging First", config);
    server
        .client
        .deploy("9", "production", "failed")
        .expect(200);
    let mut only = exemption("1");
    only["rule_ids"] = json!([window]);
    only["all"] = json!(false);
    let made = server
        .client
        .post("/deployment-exemptions/", &only)
        .expect(201);
    let start = || server.client.deploy("1", "production", "started");
    assert_eq!(start().detail(428)["code"], "FLOW_VIOLATION");
    assert_eq!(start().detail(428)["code"], "FLOW_VIOLATION");
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    start().expect(200);
    let listed = server.client.get("/deployment-exemptions/").expect(200);
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["used"]),
        (&made["id"], &json!(1))
    );
}

#[test]
fn an_exemption_ends_and_can_be_withdrawn_and_never_lets_two_go_on() {
    let server = Server::start();
    server
        .client
        .deploy("0", "production", "failed")
        .expect(200);
    add(&server, "no_deploy_window", "Freeze", freeze());
    let concurrency = add(&server, "concurrency", "One", json!({}));
    let path = "/deployment-exemptions/";
    let mut several = exemption("1");
    several["uses"] = json!(9);
    several.as_object_mut().unwrap().remove("version");
    let made = server.client.post(path, &several).expect(201);
    deploy(&server, "1");
    let start = |version: &str| server.client.deploy(version, "production", "started");
    start("2").expect(200);
    assert_eq!(start("3").detail(409)["code"], "DEPLOYMENT_IN_PROGRESS");
    let mut past = exemption("3");
    past["rule_ids"] = json!([concurrency]);
    past.as_object_mut().unwrap().remove("all");
    server.client.post(path, &past).detail(422);
    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    let one = format!("{path}{}/?reason=over", made["id"].as_str().unwrap());
    let withdrawn = server.client.send("DELETE", &one, &[], b"").expect(200);
    assert_eq!(
        (&withdrawn["used"], &withdrawn["live"]),
        (&json!(2), &json!(false))
    );
    start("3").detail(423);
    server.client.post(path, &exemption("3")).expect(201);
    server.clock.set("2025-11-20T00:00:00Z");
    start("3").detail(423);
}

#[test]
fn an_exemption_with_a_mistake_in_it_is_refused() {
    let server = Server::start();
    server
        .client
        .deploy("0", "production", "failed")
        .expect(200);
    let refuse = |change: &dyn Fn(&mut Value), field: &str| {
        let mut body = exemption("1");
        change(&mut body);
        let detail = server
            .client
            .post("/deployment-exemptions/", &body)
            .detail(422);
        assert_eq!(detail[0]["loc"], json!(["body", field]), "{body}: {detail}");
    };
    refuse(&|body| body["all"] = json!(false), "rule_ids");
    refuse(&|body| body["rule_ids"] = json!(["x"]), "rule_ids");
    refuse(
        &|body| {
            body["all"] = Value::Null;
            body["rule_ids"] = json!(["x"]);
        },
        "rule_ids",
    );
    refuse(&|body| body["reason"] = json!("  "), "reason");
    refuse(&|body| body["version"] = json!(""), "version");
    refuse(&|body| body["product"] = json!("apj"), "product");
    refuse(
        &|body| body["environment"] = json!("prodution"),
        "environment",
    );
    refuse(&|body| body["uses"] = json!(0), "uses");
    refuse(
        &|body| body["until"] = json!("2025-11-19T12:00:00Z"),
        "until",
    );
    refuse(
        &|body| body["until"] = json!("2025-11-26T12:00:01Z"),
        "until",
    );
    refuse(&|body| body["until"] = json!("tomorrow"), "until");
    refuse(&|body| body["enviroment"] = json!("x"), "enviroment");
    let pipeline = server.add_limited_key(&NewKey::new(Scopes::of(&[Scope::Events, Scope::Rules])));
    pipeline
        .post("/deployment-exemptions/", &exemption("1"))
        .detail(403);
    let limited = server.add_limited_key(&NewKey {
        environments: vec!["staging".to_owned()],
        ..NewKey::new(Scopes::of(&[Scope::Override]))
    });
    limited
        .post("/deployment-exemptions/", &exemption("1"))
        .detail(403);
}

#[test]
fn an_override_ends_by_itself_and_nothing_else_of_the_rule_changes() {
    let server = Server::start();
    let id = add(&server, "no_deploy_window", "Freeze", freeze());
    let path = format!("/deployment-rules/{id}/");
    let patch = |body: &Value| server.client.request("PATCH", &path, body);
    let until = |until: &str| {
        json!({ "override": {
            "status": "report_only", "until": until, "reason": "incident 7",
        } })
    };
    patch(&until("2025-11-26T12:00:01Z")).detail(422);
    patch(&until("2025-11-19T11:00:00Z")).detail(422);
    patch(&json!({ "override": { "status": "disabled", "until": "2025-11-19T13:00:00Z" } }))
        .detail(422);
    patch(&json!({ "override": true })).detail(422);
    server
        .client
        .deploy("1", "production", "started")
        .detail(423);
    let changed = patch(&until("2025-11-19T13:00:00Z")).expect(200);
    assert_eq!(
        (&changed["status"], &changed["effective_status"]),
        (&json!("enabled"), &json!("report_only"))
    );
    assert_eq!(changed["override"]["by"], "key:k1");
    let other = server.add_key("local", false);
    let same = other.request("PATCH", &path, &changed).expect(200);
    assert_eq!(
        same["override"], changed["override"],
        "it stays whose it was"
    );
    let started = server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let found = &started["extra_metadata"]["preflight_status"]["rules_evaluated"][0];
    assert_eq!(found["status"], "report_only");
    server.clock.advance(59);
    server
        .client
        .deploy("1", "production", "failed")
        .expect(200);
    server.clock.advance(1);
    server
        .client
        .deploy("2", "production", "started")
        .detail(423);
    let over = server.client.get(&path).expect(200);
    assert_eq!(
        (&over["override"], &over["effective_status"]),
        (&Value::Null, &json!("enabled"))
    );
    patch(&until("2025-11-19T18:00:00Z")).expect(200);
    patch(&json!({ "override": null })).expect(200);
    server
        .client
        .deploy("2", "production", "started")
        .detail(423);
    let log = server.client.get("/audit/?kind=rule.changed").expect(200);
    let newest = &log["items"][0]["changes"][0];
    assert_eq!(newest["before"]["override"]["reason"], "incident 7");
    assert_eq!(newest["definition"].get("override"), None);
}

#[test]
fn a_version_that_ran_here_goes_back_without_asking_anybody_again() {
    let server = Server::start();
    deploy(&server, "1");
    deploy(&server, "2");
    let config = json!({ "required_environments": ["staging"] });
    let flow = add(&server, "flow", "Staging First", config);
    add(
        &server,
        "release_approval",
        "Approval",
        json!({ "required_approvals": 1 }),
    );
    server.clock.advance(89 * 24 * 60);
    let start = |version: &str| server.client.deploy(version, "production", "started");
    start("3").detail(428);
    let back = start("1").expect(200);
    let evaluated = &back["extra_metadata"]["preflight_status"]["rules_evaluated"];
    for rule in evaluated.as_array().unwrap() {
        assert_eq!(
            (&rule["evaluation_result"], &rule["let_through_by"]),
            (&json!("passed"), &json!("rollback"))
        );
    }
    assert_eq!(evaluated.as_array().unwrap().len(), 2);
    assert_eq!(
        start("2").detail(409)["code"],
        "DEPLOYMENT_IN_PROGRESS",
        "what is in progress holds a rollback"
    );
    server
        .client
        .deploy("1", "production", "failed")
        .expect(200);

    let gated = json!({ "rollbacks": "gated" });
    let path = format!("/deployment-rules/{flow}/");
    server.client.request("PATCH", &path, &gated).expect(200);
    assert_eq!(start("1").detail(428)["code"], "FLOW_VIOLATION");
    let pass = json!({ "rollbacks": "pass" });
    server.client.request("PATCH", &path, &pass).expect(200);
    server.clock.advance(2 * 24 * 60);
    start("1").detail(428);
    start("2").expect(200);
}

#[test]
fn windows_hold_a_rollback_unless_they_say_otherwise() {
    let server = Server::start();
    deploy(&server, "1");
    deploy(&server, "2");
    let id = add(&server, "no_deploy_window", "Freeze", freeze());
    let start = || server.client.deploy("1", "production", "started");
    start().detail(423);
    let path = format!("/deployment-rules/{id}/");
    let pass = json!({ "rollbacks": "pass" });
    server.client.request("PATCH", &path, &pass).expect(200);
    start().expect(200);
    let rule = json!({ "name": "x", "type": "concurrency", "rollbacks": "pass" });
    server.client.post("/deployment-rules/", &rule).detail(422);
}

#[test]
fn only_an_allowed_start_makes_a_version_one_to_go_back_to() {
    let server = Server::start();
    server
        .client
        .deploy("told-only-its-end", "production", "completed")
        .expect(200);
    let mut skipped = deployment("skipped", "production", "started");
    skipped["skip_preflight_checks"] = json!(true);
    server
        .client
        .post("/deployment-events/", &skipped)
        .expect(200);
    server
        .client
        .deploy("skipped", "production", "completed")
        .expect(200);
    deploy(&server, "2");
    add(
        &server,
        "release_approval",
        "Approval",
        json!({ "required_approvals": 1 }),
    );
    for version in ["told-only-its-end", "skipped"] {
        server
            .client
            .deploy(version, "production", "started")
            .detail(428);
    }
}

#[test]
fn skipped_checks_are_marked_with_their_reason_or_without() {
    let server = Server::start();
    let mut event = deployment("1", "production", "started");
    event["skip_preflight_checks"] = json!(true);
    event["extra_metadata"] = json!({ "vi_skip_reason": "incident 7" });
    let answer = server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let status = &answer["extra_metadata"]["preflight_status"];
    assert_eq!(status["skip_reason"], "incident 7");
    assert_eq!(answer.get("warnings"), None);
    event["environment_name"] = json!("staging");
    event["extra_metadata"] = json!({ "vi_skip_reason": "  " });
    let answer = server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let status = &answer["extra_metadata"]["preflight_status"];
    assert_eq!(status["skip_reason"], Value::Null);
    assert!(
        answer["warnings"][0]
            .as_str()
            .unwrap()
            .contains("vi_skip_reason")
    );
    let log = server
        .client
        .get("/audit/?kind=deployment.started")
        .expect(200);
    let told = |index: usize| {
        let changes = log["items"][index]["changes"].as_array().unwrap();
        changes
            .iter()
            .any(|change| change["notice"] == "skipped_without_reason")
    };
    assert!(told(0) && !told(1));
}

#[test]
fn a_rule_that_cannot_be_read_any_more_keeps_its_gate_closed() {
    let server = Server::in_folder();
    let config = json!({ "required_environments": ["staging"] });
    let id = add(&server, "flow", "Staging First", config);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let server = server.restart_after(|data| {
        let database = Connection::open(data.join("accounts/local.db")).unwrap();
        let damage = "UPDATE rules SET definition = replace(definition, 'required_env', 'wanted')";
        assert_eq!(database.execute(damage, []).unwrap(), 1);
    });
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    assert_eq!(
        (&detail["code"], &detail["details"]["rule_name"]),
        (&json!("RULE_DAMAGED"), &json!("Staging First"))
    );
    server.client.deploy("2", "staging", "started").expect(200);
    let path = format!("/deployment-rules/{id}/");
    let shown = server.client.get(&path).expect(200);
    assert!(
        shown["damaged"]
            .as_str()
            .unwrap()
            .contains("required_environments")
    );
    let mended = json!({ "config": { "required_environments": ["staging"] } });
    let rule = server.client.request("PATCH", &path, &mended).expect(200);
    assert_eq!(rule.get("damaged"), None);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let server = server.restart_after(|data| {
        let database = Connection::open(data.join("accounts/local.db")).unwrap();
        database
            .execute("UPDATE rules SET definition = 'no JSON'", [])
            .unwrap();
    });
    server.client.deploy("3", "qa", "started").detail(428);
    server.client.send("DELETE", &path, &[], b"");
    server.client.deploy("3", "qa", "started").expect(200);
}
