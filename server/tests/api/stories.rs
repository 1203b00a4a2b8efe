//! Whole pipelines, with the bodies that real clients send.

use serde_json::{Value, json};

use crate::support::{Reply, Server};

/// An event as the clients in GitHub Actions send it.
fn github(run: &str, attempt: u32, status: &str) -> Value {
    json!({
        "product_name": "shop", "version": "4f1c2b7e", "environment_name": "production",
        "status": status, "source_system": "github", "build_number": "88",
        "scm_sha": "4f1c2b7e9d3a5f60718293a4b5c6d7e8f9012345", "scm_branch": "main",
        "scm_repository": "acme/shop", "invoke_id": run, "deployed_by": "ada",
        "deploy_url": format!("https://github.com/acme/shop/actions/runs/{run}"),
        "extra_metadata": {
            "vi_gh_workflow": "Deploy", "vi_gh_job": "deploy", "vi_gh_event_name": "push",
            "vi_gh_run_attempt": attempt.to_string(), "vi_gh_ref": "refs/heads/main",
        },
    })
}

/// An event as the clients in GitLab CI send it.
fn gitlab(pipeline: u32, job: u32, status: &str) -> Value {
    json!({
        "product_name": "shop", "version": "4f1c2b7e", "environment_name": "production",
        "status": status, "source_system": "gitlab", "scm_repository": "acme/shop",
        "invoke_id": pipeline.to_string(), "deployed_by": "ada",
        "extra_metadata": {
            "vi_gl_pipeline_id": pipeline.to_string(),
            "vi_gl_pipeline_url": format!("https://gitlab.com/acme/shop/-/pipelines/{pipeline}"),
            "vi_gl_job_id": job.to_string(), "vi_gl_job_name": "deploy:production",
        },
    })
}

fn jenkins(build: u32, version: &str, status: &str) -> Value {
    json!({
        "product_name": "shop", "version": version, "environment_name": "production",
        "status": status, "source_system": "jenkins", "invoke_id": build.to_string(),
        "extra_metadata": { "vi_jenkins_job_name": "shop/deploy" },
    })
}

fn part(mut event: Value, name: &str) -> Value {
    event["extra_metadata"]["vi_part"] = json!(name);
    event
}

fn send(server: &Server, span: &str, event: &Value) -> Reply {
    server.client.post_with(&[("Versioner-Span", span)], event)
}

fn plain(server: &Server, event: &Value) -> Reply {
    server.client.post_with(&[], event)
}

fn listed(server: &Server) -> Vec<Value> {
    server.client.get("/deployments/").expect(200)["items"]
        .as_array()
        .unwrap()
        .clone()
}

fn add_freeze(server: &Server) -> String {
    let rule = json!({
        "name": "Freeze", "type": "no_deploy_window",
        "config": { "recurrence": "once", "starts_at": "2025-11-19T00:00:00Z", "ends_at": "2025-11-20T00:00:00Z" },
    });
    let id = server.client.post("/deployment-rules/", &rule).expect(201)["id"].clone();
    id.as_str().unwrap().to_owned()
}

fn lift(server: &Server, rule: &str) {
    let change = json!({ "status": "disabled" });
    server
        .client
        .request("PATCH", &format!("/deployment-rules/{rule}/"), &change)
        .expect(200);
}

#[test]
fn a_matrix_of_three_regions_is_one_deployment_that_ends_as_the_worst_of_them() {
    let server = Server::start();
    let regions = ["eu", "us", "ap"];
    let mut ids = Vec::new();
    for region in regions {
        let start = part(github("7001", 1, "started"), region);
        ids.push(send(&server, &format!("span-{region}"), &start).expect(200)["id"].clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
    let end = |region: &str, status: &str| {
        let event = part(github("7001", 1, status), region);
        send(&server, &format!("span-{region}"), &event).expect(200)
    };
    assert_eq!(end("eu", "completed")["status"], "started");
    assert_eq!(end("us", "failed")["status"], "started");
    assert_eq!(
        end("us", "failed")["status"],
        "started",
        "the same end again"
    );
    assert_eq!(end("ap", "completed")["status"], "failed");
    let rows = listed(&server);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0]["parts"],
        json!({ "ap": "completed", "eu": "completed", "us": "failed" })
    );
}

#[test]
fn a_matrix_of_a_client_that_knows_no_parts_has_one_winner_and_loses_no_end() {
    let server = Server::start();
    // The vendor's Action sends completed_at with a start too: that lifts no gate.
    let mut start = github("7001", 1, "in_progress");
    start["completed_at"] = json!("2025-11-19T11:59:59Z");
    let first = plain(&server, &start).expect(200);
    start["extra_metadata"]["matrix"] = json!("us");
    let detail = plain(&server, &start).detail(409);
    assert_eq!(detail["details"]["conflicting_deployment_id"], first["id"]);
    assert_eq!(detail["details"]["same_version"], true);
    let ended = plain(&server, &github("7001", 1, "success")).expect(200);
    assert_eq!(ended["id"], first["id"]);
    let again = plain(&server, &github("7001", 1, "success")).expect(200);
    assert_eq!(
        again["id"], first["id"],
        "the other leg's end is the same run's"
    );
    // The leg that was refused fails because it was: that is no failure of the first one.
    let failed = plain(&server, &github("7001", 1, "failure")).expect(200);
    assert_eq!(failed["id"], detail["details"]["deployment_id"]);
    let rows = listed(&server);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["status"], "completed");
}

#[test]
fn a_client_without_idempotency_keys_may_repeat_its_start() {
    let server = Server::start();
    let start = github("7001", 1, "started");
    let first = plain(&server, &start).expect(200);
    server.clock.advance(2);
    assert_eq!(plain(&server, &start).expect(200)["id"], first["id"]);
    server.clock.advance(3);
    plain(&server, &start).detail(409);
}

#[test]
fn failed_jobs_that_are_run_again_take_the_slot_over_and_are_judged() {
    let server = Server::start();
    let first = plain(&server, &github("7001", 1, "started")).expect(200);
    // The runner was lost; its job is run again, under the same run.
    let second = plain(&server, &github("7001", 2, "started")).expect(200);
    assert_ne!(second["id"], first["id"]);
    let rows = listed(&server);
    assert_eq!(
        (&rows[1]["status"], &rows[1]["ended_by"]),
        (&json!("aborted"), &json!("newer_attempt"))
    );
    // The word of the first attempt comes after all: it is told of the first attempt.
    let late = plain(&server, &github("7001", 1, "failed")).expect(200);
    assert_eq!(
        (&late["id"], &late["status"]),
        (&first["id"], &json!("failed"))
    );
    let rule = add_freeze(&server);
    plain(&server, &github("7001", 3, "started")).detail(423);
    lift(&server, &rule);
    let ended = plain(&server, &github("7001", 2, "completed")).expect(200);
    assert_ne!(ended["id"], first["id"]);
}

#[test]
fn a_refused_run_that_fails_is_no_failed_change_and_asks_again_in_its_row() {
    let server = Server::start();
    let rule = add_freeze(&server);
    let refused = plain(&server, &github("7001", 1, "started")).detail(423);
    let id = refused["details"]["deployment_id"].clone();
    let again = plain(&server, &github("7001", 2, "started")).detail(423);
    assert_eq!(
        (
            &again["details"]["deployment_id"],
            &again["details"]["attempt"]
        ),
        (&id, &json!(2))
    );
    lift(&server, &rule);
    let allowed = plain(&server, &github("7001", 3, "started")).expect(200);
    assert_eq!(allowed["id"], id);
    plain(&server, &github("7001", 3, "completed")).expect(200);

    let rule = add_freeze(&server);
    let other = plain(&server, &github("7002", 1, "started")).detail(423);
    let failed = plain(&server, &github("7002", 1, "failure")).expect(200);
    assert_eq!(failed["id"], other["details"]["deployment_id"]);
    let row = listed(&server)[0].clone();
    assert_eq!(
        (&row["gate"], &row["status"]),
        (&json!("refused"), &json!("failed"))
    );
    lift(&server, &rule);
}

#[test]
fn a_run_that_deploys_although_it_was_refused_is_marked() {
    let server = Server::start();
    add_freeze(&server);
    plain(&server, &github("7001", 1, "started")).detail(423);
    plain(&server, &github("7001", 1, "completed")).expect(200);
    let row = listed(&server)[0].clone();
    assert_eq!(
        (&row["gate"], &row["refused_by"]),
        (&json!("refused"), &json!("Freeze"))
    );
    assert_eq!(row["status"], "completed");
}

#[test]
fn a_gitlab_job_is_retried_and_its_redeploy_button_is_pressed_a_month_later() {
    let server = Server::start();
    let first = plain(&server, &gitlab(500, 11, "started")).expect(200);
    let retried = plain(&server, &gitlab(500, 12, "started")).expect(200);
    assert_ne!(retried["id"], first["id"]);
    plain(&server, &gitlab(500, 12, "success")).expect(200);
    server.clock.advance(30 * 24 * 60);
    // The same pipeline and version; only the job is new. The client tells the end alone.
    let pressed = plain(&server, &gitlab(500, 13, "success")).expect(200);
    assert_ne!(pressed["id"], retried["id"]);
    let rows = listed(&server);
    assert_eq!((rows.len(), &rows[0]["gate"]), (3, &json!("not_asked")));
}

#[test]
fn a_jenkins_rebuild_after_a_dead_run_waits_until_somebody_says_that_it_is_dead() {
    let server = Server::start();
    let dead = plain(&server, &jenkins(42, "1.0", "started")).expect(200);
    let detail = plain(&server, &jenkins(43, "1.1", "started")).detail(409);
    let details = &detail["details"];
    assert_eq!(details["conflicting_deployment_id"], dead["id"]);
    assert_eq!(details["conflicting_deployment_status"], "started");
    assert_eq!(
        details["conflicting_deployment_started"],
        "2025-11-19T12:00:00Z"
    );
    assert_eq!(details["expires_at"], "2025-11-20T12:00:00Z");
    assert_eq!(details["in_progress"]["invoke_id"], "42");
    assert_eq!(detail["retry_after"], Value::Null);
    // The end of build 43, which was told without a start, is not the end of build 42.
    let other = plain(&server, &jenkins(43, "1.0", "completed")).expect(200);
    assert_ne!(other["id"], dead["id"]);
    let warnings = other["warnings"].to_string();
    assert!(warnings.contains("still in progress"), "{warnings}");

    let path = format!("/deployments/{}/abort/", dead["id"].as_str().unwrap());
    server.client.post(&path, &json!({})).detail(422);
    let aborted = server
        .client
        .post(&path, &json!({ "reason": "agent lost" }))
        .expect(200);
    assert_eq!(aborted["status"], "aborted");
    server
        .client
        .post(&path, &json!({ "reason": "again" }))
        .detail(409);
    let started = plain(&server, &jenkins(44, "1.1", "started")).expect(200);
    assert_eq!(started["status"], "started");
    let rows = listed(&server);
    let dead = rows.iter().find(|row| row["id"] == dead["id"]).unwrap();
    assert_eq!(
        dead["ended_by"]["request"],
        json!({ "actor": "key:k1", "reason": "agent lost" })
    );
}

#[test]
fn a_pipeline_that_is_cancelled_while_it_asks_leaves_nothing_behind() {
    let server = Server::start();
    // The abort overtakes its start.
    let remembered = send(&server, "span-1", &github("7001", 1, "aborted")).expect(200);
    assert_eq!(remembered["status"], "aborted");
    assert!(listed(&server).is_empty());
    let late = send(&server, "span-1", &github("7001", 1, "started")).expect(409);
    assert_eq!(late["code"], "DEPLOYMENT_ABORTED");
    let next = send(&server, "span-2", &github("7002", 1, "started")).expect(200);
    assert_eq!(next["status"], "started");
    // The start was recorded, but its answer lost: the abort ends this span and no other.
    send(&server, "span-2", &github("7002", 1, "aborted")).expect(200);
    send(&server, "span-3", &github("7003", 1, "started")).expect(200);
    send(&server, "span-2", &github("7002", 1, "aborted")).expect(200);
    assert_eq!(listed(&server)[0]["status"], "started");
}

#[test]
fn a_span_is_one_deployment_and_its_idempotency_key_names_it_too() {
    let server = Server::start();
    let event = github("7001", 1, "started");
    let headers = [("Idempotency-Key", "uuid-1")];
    let started = server.client.post_with(&headers, &event).expect(200);
    let again = send(&server, "uuid-1", &event).expect(200);
    assert_eq!(again["id"], started["id"]);
    let ended = send(&server, "uuid-1", &github("9999", 1, "completed")).expect(200);
    assert_eq!(ended["id"], started["id"]);
    let detail = send(&server, "uuid-1", &event).detail(422);
    assert_eq!(detail[0]["type"], "span_ended");
}

#[test]
fn a_roll_out_longer_than_the_expiry_keeps_its_end() {
    let server = Server::start();
    let long = plain(&server, &jenkins(1, "1.0", "started")).expect(200);
    let path = format!("/deployments/{}/renew/", long["id"].as_str().unwrap());
    server.clock.advance(23 * 60);
    let renewed = server.client.post(&path, &json!({})).expect(200);
    assert_eq!(renewed["expires_at"], "2025-11-21T11:00:00Z");
    server.clock.advance(23 * 60);
    plain(&server, &jenkins(2, "2.0", "started")).detail(409);
    server.clock.advance(60);
    let other = plain(&server, &jenkins(3, "2.0", "started")).expect(200);
    server.client.post(&path, &json!({})).detail(409);
    let ended = plain(&server, &jenkins(1, "1.0", "completed")).expect(200);
    assert_eq!(
        (&ended["id"], &ended["status"]),
        (&long["id"], &json!("completed"))
    );
    let rows = listed(&server);
    let overlapped =
        |id: &Value| rows.iter().find(|row| row["id"] == *id).unwrap()["overlapped"].clone();
    assert_eq!(
        (overlapped(&long["id"]), overlapped(&other["id"])),
        (json!(true), json!(true))
    );
    assert_eq!(
        rows.iter().filter(|row| row["status"] == "started").count(),
        1
    );

    let renew = format!("/deployments/{}/renew/", other["id"].as_str().unwrap());
    let leased = server
        .client
        .post(&renew, &json!({ "lease_seconds": 60 }))
        .expect(200);
    assert_eq!(leased["expires_at"], "2025-11-21T11:01:00Z");
    server
        .client
        .post(&renew, &json!({ "lease_seconds": 86401 }))
        .detail(422);
    server.clock.advance(1);
    plain(&server, &jenkins(4, "3.0", "started")).expect(200);
}

#[test]
fn a_late_pending_takes_nothing_back() {
    let server = Server::start();
    let mut queued = jenkins(1, "1", "pending");
    let waiting = plain(&server, &queued).expect(200);
    let started = plain(&server, &jenkins(1, "1", "started")).expect(200);
    assert_eq!(started["id"], waiting["id"]);
    assert_eq!(plain(&server, &queued).expect(200)["status"], "started");
    queued["invoke_id"] = Value::Null;
    assert_eq!(plain(&server, &queued).expect(200)["status"], "started");
    plain(&server, &jenkins(2, "2", "started")).detail(409);
}

#[test]
fn an_end_is_recorded_whatever_else_is_wrong_with_it() {
    let server = Server::start();
    let started = plain(&server, &jenkins(1, "1", "started")).expect(200);
    let mut end = jenkins(1, "1", "completed");
    end["completed_at"] = json!("half past nine");
    end["deploy_url"] = json!("x".repeat(5000));
    let ended = plain(&server, &end).expect(200);
    assert_eq!(
        (&ended["id"], &ended["status"]),
        (&started["id"], &json!("completed"))
    );
    let warnings = ended["warnings"].to_string();
    assert!(
        warnings.contains("completed_at") && warnings.contains("deploy_url"),
        "{warnings}"
    );
    end["version"] = json!("");
    plain(&server, &end).detail(422);
}

#[test]
fn history_that_is_told_late_stands_at_its_time_and_holds_nobody_up() {
    let server = Server::start();
    let tell = |event: &Value, at: &str| {
        let headers = [
            ("Versioner-Occurred-At", at),
            ("Versioner-Sent-At", "2025-11-19T13:00:00Z"),
        ];
        server.client.post_with(&headers, event).expect(200)
    };
    // The sender's clock is an hour ahead.
    let told = tell(&jenkins(1, "1", "started"), "2025-11-19T10:00:00Z");
    assert_eq!(
        (&told["told"], &told["gated"]),
        (&json!(true), &json!(false))
    );
    plain(&server, &jenkins(2, "2", "started")).expect(200);
    plain(&server, &jenkins(2, "2", "completed")).expect(200);
    let ended = tell(&jenkins(1, "1", "completed"), "2025-11-19T10:30:00Z");
    assert_eq!(
        (&ended["id"], &ended["deployed_at"]),
        (&told["id"], &json!("2025-11-19T09:30:00Z"))
    );
    let state = server.client.get("/state/").expect(200);
    let cell = &state["products"][0]["environments"][0];
    assert_eq!(cell["current"]["version"], "2");
}
