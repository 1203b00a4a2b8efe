//! Deployment rules and approvals, through the starts they allow and block.

use serde_json::{Value, json};

use crate::policy::{add, approve, set_status};
use crate::support::{Server, deployment};

#[test]
fn flow_demands_the_environments_before() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging"] });
    add(
        &server,
        "flow",
        "Staging Required Before Production",
        config,
    );
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    assert_eq!(detail["error"], "Deployment Precondition Failed");
    assert_eq!(detail["code"], "FLOW_VIOLATION");
    assert_eq!(
        detail["message"],
        "Version must be deployed to staging first"
    );
    assert_eq!(
        detail["details"]["rule_name"],
        "Staging Required Before Production"
    );

    server.client.deploy("1", "staging", "started").expect(200);
    server.client.deploy("1", "staging", "failed").expect(200);
    server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    server
        .client
        .deploy("2", "production", "started")
        .detail(428);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
}

#[test]
fn soak_time_counts_an_uninterrupted_run() {
    let server = Server::start();
    let config = json!({ "environment": "staging", "soak_minutes": 24 * 60 });
    add(&server, "soak_time", "24hr Staging Soak", config);
    let start = || server.client.deploy("1", "production", "started");
    let detail = start().detail(428);
    assert_eq!(detail["code"], "INSUFFICIENT_SOAK_TIME");
    assert_eq!(
        detail["message"],
        "Version must soak in staging for at least 24 hours"
    );
    assert_eq!(detail["retry_after"], Value::Null);

    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    server.clock.advance(23 * 60);
    assert_eq!(start().detail(428)["retry_after"], "2025-11-20T12:00:00Z");
    server
        .client
        .deploy("2", "staging", "completed")
        .expect(200);
    server.clock.advance(120);
    start().detail(428);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    assert_eq!(start().detail(428)["retry_after"], "2025-11-21T13:00:00Z");
    server.clock.advance(24 * 60 - 1);
    start().detail(428);
    server.clock.advance(1);
    server
        .client
        .deploy("2", "staging", "completed")
        .expect(200);
    start().expect(200);
}

#[test]
fn quality_approvals_come_from_the_environments_before() {
    let server = Server::start();
    let config = json!({
        "required_environments": ["staging"], "required_approvals": 1,
        "keys": true, "exclude_deployer": false,
    });
    add(&server, "quality_approval", "QA Sign-Off", config);
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    assert_eq!(detail["code"], "QUALITY_APPROVAL_REQUIRED");
    let message = "Version requires 1 quality approval(s) from staging";
    assert_eq!(detail["message"], message);

    let version = server
        .client
        .deploy("1", "staging", "completed")
        .expect(200)["version_id"]
        .clone();
    server.client.deploy("1", "test", "completed").expect(200);
    assert_eq!(approve(&server, &version, "quality", "test", "ada"), 201);
    assert_eq!(approve(&server, &version, "release", "staging", "ada"), 201);
    server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    assert_eq!(approve(&server, &version, "quality", "staging", "ada"), 201);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
}

#[test]
fn release_approvals_are_counted() {
    let server = Server::start();
    let config = json!({ "required_approvals": 2, "keys": true, "exclude_deployer": false });
    add(
        &server,
        "release_approval",
        "Prod Needs 2 Approvals",
        config,
    );
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    assert_eq!(detail["code"], "APPROVAL_REQUIRED");
    let message = "production deployment requires 2 release approval(s)";
    assert_eq!(detail["message"], message);

    let version = server
        .client
        .deploy("1", "staging", "completed")
        .expect(200)["version_id"]
        .clone();
    let path = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let approval = json!({
        "type": "release", "environment": "production", "approved_by": "ada",
    });
    server.client.post(&path, &approval).expect(201);
    server.client.post(&path, &approval).expect(200);
    server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    let other = server.add_key("local", false);
    other.post(&path, &approval).expect(201);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);

    let listed = server.client.get(&path).expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        approve(&server, &json!("nothing"), "release", "production", "ada"),
        404
    );
    server
        .client
        .get("/versions/nothing/approvals/")
        .detail(404);
}

#[test]
fn report_only_violations_travel_with_the_answer_and_disabled_rules_do_not() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging"] });
    let id = add(&server, "flow", "Staging First", config);
    set_status(&server, &id, "report_only");
    let answer = server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let expected = json!([{
        "rule_name": "Staging First",
        "error_message": "Version must be deployed to staging first",
        "status": "report_only",
        "evaluation_result": "failed",
    }]);
    let evaluated = "/extra_metadata/preflight_status/rules_evaluated";
    assert_eq!(answer.pointer(evaluated), Some(&expected));
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    let listed = server.client.get("/deployments/").expect(200);
    let kept = listed["items"][0].pointer(evaluated);
    assert_eq!(
        kept,
        Some(&expected),
        "the record keeps what was found at the start"
    );

    set_status(&server, &id, "disabled");
    let answer = server
        .client
        .deploy("2", "production", "started")
        .expect(200);
    assert_eq!(answer.pointer(evaluated), Some(&json!([])));
}

#[test]
fn a_blocked_start_is_history_and_no_deployment_in_progress() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging"] });
    let id = add(&server, "flow", "Staging First", config);
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    let listed = server
        .client
        .get("/deployments/?status=preflight_failed")
        .expect(200);
    let item = &listed["items"][0];
    assert_eq!(item["id"], detail["details"]["deployment_id"]);
    assert_eq!(
        item["extra_metadata"]["preflight_status"]["result"],
        "failed"
    );

    set_status(&server, &id, "disabled");
    let started = server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    assert_ne!(started["id"], item["id"]);
}

#[test]
fn a_start_can_skip_the_checks_and_is_recorded_as_skipped() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging"] });
    add(&server, "flow", "Staging First", config);
    let mut event = deployment("1", "production", "started");
    event["skip_preflight_checks"] = json!(true);
    event["extra_metadata"] = json!({ "preflight_status": "forged", "note": "incident 7" });
    let answer = server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    assert_eq!(
        answer["extra_metadata"]["preflight_status"]["result"],
        "skipped"
    );
    let listed = server.client.get("/deployments/").expect(200);
    let metadata = &listed["items"][0]["extra_metadata"];
    assert_eq!(metadata["preflight_status"]["result"], "skipped");
    assert_eq!(metadata["note"], "incident 7");
    server
        .client
        .deploy("2", "production", "started")
        .detail(409);
}

#[test]
fn a_rule_can_switch_the_concurrency_check_off_where_it_applies() {
    let server = Server::start();
    let id = add(&server, "concurrency", "Parallel Production", json!({}));
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let detail = server
        .client
        .deploy("2", "production", "started")
        .detail(409);
    assert_eq!(detail["details"]["rule_name"], "Parallel Production");
    set_status(&server, &id, "report_only");
    let answer = server
        .client
        .deploy("2", "production", "started")
        .expect(200);
    let found = answer.pointer("/extra_metadata/preflight_status/rules_evaluated/0/error_message");
    let message = "Another deployment to production is already in progress";
    assert_eq!(found, Some(&json!(message)));
    set_status(&server, &id, "disabled");
    server
        .client
        .deploy("3", "production", "started")
        .expect(200);
    server.client.deploy("1", "staging", "started").expect(200);
    server.client.deploy("2", "staging", "started").detail(409);
}

#[test]
fn several_blocking_rules_are_all_told_and_the_latest_time_counts() {
    let server = Server::start();
    let window = |ends_at: &str| json!({ "recurrence": "once", "starts_at": "2025-11-01T00:00:00Z", "ends_at": ends_at });
    add(
        &server,
        "no_deploy_window",
        "Short",
        window("2025-11-20T00:00:00Z"),
    );
    add(
        &server,
        "no_deploy_window",
        "Long",
        window("2025-12-20T00:00:00Z"),
    );
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(423);
    assert_eq!(detail["details"]["rule_name"], "Short");
    assert_eq!(detail["retry_after"], "2025-12-20T00:00:00+00:00");
    let blocking = detail["details"]["blocking"].as_array().unwrap();
    assert_eq!(blocking.len(), 2);

    add(
        &server,
        "release_approval",
        "Approval",
        json!({ "required_approvals": 1 }),
    );
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(423);
    assert_eq!(
        detail["retry_after"],
        Value::Null,
        "an approval has no time"
    );
}

#[test]
fn a_time_to_try_again_is_never_too_early_and_none_is_told_that_does_not_come() {
    let server = Server::start();
    let config = json!({
        "recurrence": "once", "starts_at": "2025-11-01T00:00:00Z",
        "ends_at": "2025-11-20T00:00:00.25Z",
    });
    let id = add(&server, "no_deploy_window", "Fraction", config);
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(423);
    assert_eq!(detail["retry_after"], "2025-11-20T00:00:01+00:00");
    set_status(&server, &id, "disabled");
    let always = json!({
        "recurrence": "weekly", "start_time": "00:00", "end_time": "00:00",
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    });
    add(&server, "no_deploy_window", "Always", always);
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(423);
    assert_eq!(detail["retry_after"], Value::Null);
}

#[test]
fn an_end_that_nothing_preceded_is_recorded_with_what_the_rules_would_have_said() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging"] });
    add(&server, "flow", "Staging First", config);
    let answer = server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    let found = answer
        .pointer("/extra_metadata/preflight_status/rules_evaluated/0")
        .unwrap();
    assert_eq!(found["rule_name"], "Staging First");
    assert_eq!(
        (&found["status"], &found["evaluation_result"]),
        (&json!("report_only"), &json!("failed"))
    );
    let listed = server.client.get("/deployments/").expect(200);
    assert_eq!(listed["items"][0]["gate"], "not_asked");
}

#[test]
fn the_last_attempt_in_the_environment_before_must_be_a_success() {
    let server = Server::start();
    add(
        &server,
        "flow",
        "First",
        json!({ "required_environments": ["staging"] }),
    );
    add(
        &server,
        "soak_time",
        "Soak",
        json!({ "environment": "staging", "soak_minutes": 60 }),
    );
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    server.clock.advance(61);
    server.client.deploy("1", "staging", "failed").expect(200);
    let detail = server
        .client
        .deploy("1", "production", "started")
        .detail(428);
    assert_eq!(detail["details"]["blocking"].as_array().unwrap().len(), 2);
}

#[test]
fn soak_time_counts_from_arrival_whatever_the_client_says() {
    let server = Server::start();
    add(
        &server,
        "soak_time",
        "Soak",
        json!({ "environment": "staging", "soak_minutes": 60 }),
    );
    let mut event = deployment("1", "staging", "completed");
    event["completed_at"] = json!("2020-01-01T00:00:00Z");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    server
        .client
        .deploy("1", "production", "started")
        .detail(428);
}

#[test]
fn a_start_can_be_asked_about_without_a_trace() {
    let server = Server::start();
    add(
        &server,
        "flow",
        "Staging First",
        json!({ "required_environments": ["staging"] }),
    );
    add(
        &server,
        "no_deploy_window",
        "Freeze",
        json!({
            "recurrence": "once", "starts_at": "2025-12-24T00:00", "ends_at": "2025-12-25T00:00",
        }),
    );
    let ask = |version: &str| {
        let event = deployment(version, "production", "completed");
        server.client.post("/preflight/", &event).expect(200)
    };
    let answer = ask("1");
    assert_eq!(
        (&answer["allowed"], &answer["latest"]),
        (&json!(false), &Value::Null)
    );
    let verdicts = answer["rules_evaluated"].as_array().unwrap();
    let told: Vec<_> = verdicts
        .iter()
        .map(|rule| (rule["type"].as_str(), rule["evaluation_result"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("flow"), Some("failed")),
            (Some("no_deploy_window"), Some("passed"))
        ]
    );
    assert_eq!(verdicts[0]["code"], "FLOW_VIOLATION");
    assert_eq!(
        server.client.get("/deployments/").expect(200)["items"],
        json!([])
    );
    assert_eq!(
        server.client.get("/products/").expect(200)["items"],
        json!([])
    );

    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    assert_eq!(ask("1")["allowed"], true);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let answer = ask("1");
    assert_eq!(answer["allowed"], false);
    assert_eq!(
        (&answer["latest"]["version"], &answer["latest"]["status"]),
        (&json!("1"), &json!("started"))
    );
    assert_eq!(
        answer["rules_evaluated"][0]["code"],
        "DEPLOYMENT_IN_PROGRESS"
    );
    server
        .client
        .post("/preflight/", &json!({ "version": "1" }))
        .detail(422);
}

#[test]
fn a_rule_can_keep_an_environment_to_one_deployment_of_several_products() {
    let server = Server::start();
    let rule = json!({
        "name": "One at a time", "type": "concurrency", "environments": ["production"],
        "products": ["api", "web"], "config": { "per": "environment" }, "create": true,
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    let start = |product: &str, environment: &str| {
        let mut event = deployment("1", environment, "started");
        event["product_name"] = json!(product);
        server.client.post("/deployment-events/", &event)
    };
    start("other", "production").expect(200);
    start("web", "production").expect(200);
    let detail = start("api", "production").detail(409);
    assert_eq!(
        (&detail["code"], &detail["details"]["product"]),
        (&json!("DEPLOYMENT_IN_PROGRESS"), &json!("web"))
    );
    start("api", "staging").expect(200);
    start("third", "production").expect(200);
    server.clock.advance(12 * 60);
    let detail = start("api", "production").detail(409);
    assert_eq!(detail["details"]["no_word_for"], "12 h");
    server.clock.advance(12 * 60);
    start("api", "production").expect(200);
    start("web", "production").detail(409);
}

#[test]
fn a_rule_says_how_long_a_deployment_may_go_on_without_a_word() {
    let server = Server::start();
    let rule = json!({
        "name": "Short", "type": "concurrency", "environments": ["production"], "create": true,
        "config": { "expires_after_minutes": 60 },
    });
    let made = server.client.post("/deployment-rules/", &rule).expect(201);
    assert_eq!(
        made["config"],
        json!({ "per": "product", "expires_after_minutes": 60 })
    );
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    server.clock.advance(30);
    let detail = server
        .client
        .deploy("2", "production", "started")
        .detail(409);
    assert_eq!(
        (
            &detail["details"]["expires_at"],
            &detail["details"]["no_word_for"]
        ),
        (&json!("2025-11-19T13:00:00Z"), &json!("30 min"))
    );
    server.clock.advance(30);
    server
        .client
        .deploy("2", "production", "started")
        .expect(200);
    server.client.deploy("1", "staging", "started").expect(200);
    let listed = server
        .client
        .get("/deployments/?environment=staging")
        .expect(200);
    assert_eq!(listed["items"][0]["expires_at"], "2025-11-20T13:00:00Z");
}
