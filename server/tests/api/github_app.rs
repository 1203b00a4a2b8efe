//! Environments at GitHub that wait for a verdict from here.

use serde_json::{Value, json};

use crate::data::Data;
use crate::fake_github::{GitHub, KEY, run};
use crate::policy::{add, approve};
use crate::sources::{Sender, over, run_over, status};
use crate::support::{Client, Server, until};

const RULE: &str = "deployment_protection_rule";

/// The deployments of an environment, the newest first.
pub fn deployments(client: &Client, environment: &str) -> Vec<Value> {
    let path = format!("/deployments/?environment={environment}");
    let items = client.get(&path).expect(200)["items"].clone();
    items.as_array().unwrap().clone()
}

/// Sends what a job asks, and waits until it is asked for.
#[track_caller]
pub fn ask(app: &Sender<'_>, delivery: &str, body: &Value) {
    let row = app.became(&app.github(RULE, delivery, body));
    assert_eq!(row["state"], "done", "{row}");
}

/// A deployment's status, as GitHub tells it of a deployment of run 42.
pub fn told(state: &str, environment: &str, deployment: i64, attempt: i64) -> Value {
    let run =
        json!({ "id": 42, "run_attempt": attempt, "run_number": 3, "actor": { "login": "ada" } });
    let mut body = status(state, environment, run, "2025-11-19T12:00:00Z");
    body["deployment"]["id"] = deployment.into();
    body
}

/// The rows of the queue of a kind, the newest first.
pub fn rows(server: &Server, kind: &str) -> Vec<Value> {
    let page = server
        .client
        .get(&format!("/queue/?kind={kind}"))
        .expect(200);
    page["items"].as_array().unwrap().clone()
}

/// Waits until the server knows that what it said was heard: its claim of it ends by the clock.
fn is_said(server: &Server) {
    until("it is said", || {
        rows(server, "answer")
            .iter()
            .all(|row| row["state"] != "waiting")
    });
}

/// Builds the version that the jobs deploy; its identifier.
fn built(server: &Server) -> Value {
    let build = json!({ "product_name": "shop", "version": "v1.4.2", "status": "completed" });
    server.client.post("/build-events/", &build).expect(200)["version_id"].clone()
}

/// A rule that somebody has to say yes.
fn needs_approval(server: &Server) {
    let config = json!({ "required_approvals": 1, "keys": true, "exclude_deployer": false });
    add(server, "release_approval", "Release @acme/all", config);
}

#[test]
fn a_job_goes_on_under_the_identity_of_its_run_and_its_status_ends_it() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    // Told before it is asked for, as GitHub may.
    let body = told("waiting", "production", 5, 1);
    app.became(&app.github("deployment_status", "d0", &body));
    ask(&app, "d1", &github.asks(5, "production"));
    let heard = github.hears();
    assert_eq!(heard["state"], "approved");
    assert_eq!(heard["environment_name"], "production");
    let [deployment] = &deployments(&server.client, "production")[..] else {
        panic!("one deployment");
    };
    for (name, value) in [
        ("product_name", "shop"),
        ("version", "v1.4.2"),
        ("status", "started"),
        ("gate", "allowed"),
        ("deployed_by", "ada"),
        ("invoke_id", "42"),
    ] {
        assert_eq!(deployment[name], value, "{name} of {deployment}");
    }
    let link = format!(
        "/manage/deployments?view={}",
        deployment["id"].as_str().unwrap()
    );
    assert!(
        heard["comment"].as_str().unwrap().contains(&link),
        "{heard}"
    );
    // Another run has to wait for it.
    let other = json!({
        "product_name": "shop", "version": "2", "environment_name": "production", "status": "started",
    });
    server
        .client
        .post("/deployment-events/", &other)
        .expect(409);
    for (number, state) in ["in_progress", "success"].iter().enumerate() {
        let body = told(state, "production", 5, 1);
        app.became(&app.github("deployment_status", &format!("s{number}"), &body));
    }
    let [deployment] = &deployments(&server.client, "production")[1..] else {
        panic!("one deployment, and the one that was refused");
    };
    assert_eq!(deployment["status"], "completed");
    let log = server
        .client
        .get("/audit/?kind=deployment")
        .expect(200)
        .to_string();
    assert!(log.contains(&format!("source:{}", app.id)), "{log}");
    assert!(github.all().is_empty());
}

#[test]
fn a_job_that_is_held_hears_of_it_once_and_goes_on_when_a_person_approves() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({ "environments": { "prod": "production" } }));
    needs_approval(&server);
    ask(&app, "d1", &github.asks(5, "prod"));
    let heard = github.hears();
    assert_eq!(heard.get("state"), None, "it is only a comment: {heard}");
    assert_eq!(heard["environment_name"], "prod");
    let said = heard["comment"].as_str().unwrap();
    assert!(said.contains("requires 1 release approval"), "{said}");
    let refused = deployments(&server.client, "production")[0].clone();
    assert_eq!(refused["status"], "preflight_failed");
    // What does not concern it changes nothing of what is said.
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    assert_eq!(
        approve(&server, &built(&server), "release", "production", "ada"),
        201
    );
    let heard = github.hears();
    assert_eq!(heard["state"], "approved", "{heard}");
    let [deployment] = &deployments(&server.client, "production")[..] else {
        panic!("one deployment");
    };
    assert_eq!(
        (&deployment["id"], &deployment["status"]),
        (&refused["id"], &json!("started"))
    );
}

#[test]
fn a_job_fails_when_a_person_refuses_or_nobody_can_let_it_go_on() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    needs_approval(&server);
    ask(&app, "d1", &github.asks(5, "production"));
    github.hears();
    let refusal = json!({
        "type": "release", "environment": "production", "approved_by": "ada", "verdict": "refuse",
        "comment": "it loses @orders",
    });
    let version = built(&server);
    let path = format!("/versions/{}/approvals/", version.as_str().unwrap());
    server.client.post(&path, &refusal).expect(201);
    let heard = github.hears();
    assert_eq!(heard["state"], "rejected");
    let said = heard["comment"].as_str().unwrap();
    assert!(said.contains("it loses @\u{200b}orders"), "{said}");

    let closed = json!({ "new_environments": "closed" });
    server
        .client
        .request("PATCH", "/settings/", &closed)
        .expect(200);
    ask(&app, "d2", &github.asks(6, "prodution"));
    let heard = github.hears();
    assert_eq!(heard["state"], "rejected");
    assert!(
        heard["comment"].as_str().unwrap().contains("prodution"),
        "{heard}"
    );
    assert!(deployments(&server.client, "prodution").is_empty());
    until("nothing waits any more", || {
        rows(&server, "gate")
            .iter()
            .all(|row| row["state"] != "waiting")
    });
}

#[test]
fn two_environments_of_a_run_go_one_after_the_other() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    server
        .client
        .deploy("0", "staging", "completed")
        .expect(200);
    add(
        &server,
        "flow",
        "Staging first",
        json!({ "required_environments": ["staging"] }),
    );
    ask(&app, "d1", &github.asks(5, "production"));
    assert!(
        github.hears()["comment"]
            .as_str()
            .unwrap()
            .contains("staging first")
    );
    ask(&app, "d2", &github.asks(6, "staging"));
    let heard = github.hears();
    assert_eq!(
        (&heard["state"], &heard["environment_name"]),
        (&json!("approved"), &json!("staging"))
    );
    let body = told("success", "staging", 6, 1);
    app.became(&app.github("deployment_status", "s1", &body));
    let heard = github.hears();
    assert_eq!(
        (&heard["state"], &heard["environment_name"]),
        (&json!("approved"), &json!("production"))
    );
}

#[test]
fn jobs_of_one_run_in_one_place_are_parts_of_one_deployment() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    for deployment in [5, 6] {
        ask(
            &app,
            &format!("d{deployment}"),
            &github.asks(deployment, "production"),
        );
        assert_eq!(github.hears()["state"], "approved");
    }
    let ends = |deployment: i64| {
        let body = told("success", "production", deployment, 1);
        app.became(&app.github("deployment_status", &format!("s{deployment}"), &body));
        deployments(&server.client, "production")[0]["status"].clone()
    };
    assert_eq!(ends(7), "started", "of a job that never asked");
    assert_eq!(ends(6), "started");
    assert_eq!(ends(5), "completed");
    assert_eq!(deployments(&server.client, "production").len(), 1);
}

#[test]
fn a_run_that_tells_of_itself_too_has_one_deployment() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    let own = |version: &str, status: &str| {
        let event = json!({
            "product_name": "shop", "version": version, "environment_name": "production",
            "status": status, "source_system": "github", "invoke_id": "42",
            "scm_repository": "acme/shop",
            "extra_metadata": { "vi_gh_run_attempt": "1", "vi_gh_job": "deploy" },
        });
        let span = [("Versioner-Span", "of-the-client")];
        server.client.post_with(&span, &event).expect(200)["id"].clone()
    };
    ask(&app, "d1", &github.asks(5, "production"));
    github.hears();
    let gated = deployments(&server.client, "production")[0]["id"].clone();
    assert_eq!(own("v1.4.2", "started"), gated);
    assert_eq!(own("v1.4.2", "completed"), gated);
    let body = told("success", "production", 5, 1);
    app.became(&app.github("deployment_status", "s1", &body));
    let [deployment] = &deployments(&server.client, "production")[..] else {
        panic!("one deployment");
    };
    assert_eq!(deployment["status"], "completed");

    // It deploys another version than the tag says: that one is judged, and stands.
    ask(&app, "d2", &github.asks(6, "production"));
    github.hears();
    let span = [("Versioner-Span", "another")];
    let event = json!({
        "product_name": "shop", "version": "9", "environment_name": "production", "status": "started",
        "source_system": "github", "invoke_id": "42", "scm_repository": "acme/shop",
    });
    server.client.post_with(&span, &event).expect(200);
    let shown = deployments(&server.client, "production");
    assert_eq!(
        (&shown[0]["version"], &shown[0]["status"]),
        (&json!("9"), &json!("started"))
    );
    assert_eq!(shown[1]["status"], "aborted");
}

#[test]
fn what_comes_twice_or_at_once_is_asked_once() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    let body = github.asks(5, "production");
    std::thread::scope(|scope| {
        for delivery in ["d1", "d1", "d2", "d3"] {
            let (app, body) = (&app, &body);
            scope.spawn(move || ask(app, delivery, body));
        }
    });
    assert_eq!(github.hears()["state"], "approved");
    ask(&app, "d4", &body);
    assert_eq!(rows(&server, "gate").len(), 1);
    assert_eq!(rows(&server, "answer").len(), 1);
    assert_eq!(deployments(&server.client, "production").len(), 1);
    // Read again, it is still the same.
    let row = rows(&server, "gate")[0]["id"].as_str().unwrap().to_owned();
    server
        .client
        .post(&format!("/queue/{row}/replay/"), &json!({}))
        .expect(200);
    assert_eq!(over(&server, &row)["state"], "done");
    assert!(github.all().is_empty());
}

#[test]
fn at_two_servers_a_job_has_one_verdict() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    let data = std::sync::Arc::new(data);
    let github = GitHub::start();
    let first = Server::that_calls_on(data.clone());
    let mut second = Server::that_calls_on(data);
    second.client.key = first.client.key.clone();
    let app = github.app(&first, json!({}));
    let there = Sender {
        server: &second,
        id: app.id.clone(),
        path: app.path.clone(),
        secret: app.secret.clone(),
    };
    needs_approval(&first);
    let body = github.asks(5, "production");
    std::thread::scope(|scope| {
        for (app, delivery) in [(&app, "d1"), (&there, "d2"), (&there, "d1")] {
            let body = &body;
            scope.spawn(move || ask(app, delivery, body));
        }
    });
    assert_eq!(github.hears().get("state"), None);
    assert_eq!(
        approve(&second, &built(&second), "release", "production", "ada"),
        201
    );
    assert_eq!(github.hears()["state"], "approved");
    until("nothing waits", || {
        let all = [rows(&first, "gate"), rows(&first, "answer")].concat();
        all.iter().all(|row| row["state"] != "waiting")
    });
    assert!(github.all().is_empty());
    assert_eq!(deployments(&first.client, "production").len(), 1);
}

#[test]
fn an_approval_that_was_decided_is_sent_after_a_death() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    github.says(&[crate::receiver::SILENCE.to_owned()]);
    ask(&app, "d1", &github.asks(5, "production"));
    assert_eq!(github.hears()["state"], "approved");
    let (data, key) = (server.data.clone(), server.client.key.clone());
    drop(server);
    let mut server = Server::that_calls_on(data);
    server.client.key = key;
    // Where several servers share a database, what the dead one was at is theirs after a minute.
    server.clock.advance(2);
    server.client.get("/queue/").expect(200);
    assert_eq!(github.hears()["state"], "approved", "it is sent again");
    until("it is taken", || {
        rows(&server, "answer")[0]["state"] == "done"
    });
    assert_eq!(
        deployments(&server.client, "production")[0]["status"],
        "started"
    );
}

#[test]
fn a_run_that_is_cancelled_waits_no_longer() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    needs_approval(&server);
    ask(&app, "d1", &github.asks(5, "production"));
    github.hears();
    is_said(&server);
    let cancelled = run_over(1, "cancelled");
    app.became(&app.github("workflow_run", "w1", &cancelled));
    server.clock.advance(3);
    until("it waits no longer", || {
        rows(&server, "gate")[0]["state"] == "ignored"
    });
    assert_eq!(
        deployments(&server.client, "production")[0]["status"],
        "aborted"
    );

    // Nobody has told of the end: GitHub is asked before a slot is taken.
    ask(&app, "d2", &github.asks(6, "production"));
    github.hears();
    github.runs(200, run(1, "completed"));
    assert_eq!(
        approve(&server, &built(&server), "release", "production", "ada"),
        201
    );
    until("it waits no longer", || {
        rows(&server, "gate")[0]["state"] == "ignored"
    });
    let row = rows(&server, "gate")[0].clone();
    assert_eq!(row["error"], "its run is over (cancelled)");
    assert_eq!(
        deployments(&server.client, "production")[0]["status"],
        "preflight_failed"
    );
    assert!(github.all().is_empty());
}

#[test]
fn a_run_that_is_started_again_asks_anew() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    ask(&app, "d1", &github.asks(5, "production"));
    assert_eq!(github.hears()["state"], "approved");
    let body = told("failure", "production", 5, 1);
    app.became(&app.github("deployment_status", "s1", &body));
    github.runs(200, run(2, "waiting"));
    ask(&app, "d2", &github.asks(6, "production"));
    assert_eq!(github.hears()["state"], "approved");
    let shown = deployments(&server.client, "production");
    let states: Vec<_> = shown.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(states, ["started", "failed"]);
    // The end of the first attempt, which is told late, ends nothing of the second.
    let failed = run_over(1, "failure");
    app.became(&app.github("workflow_run", "w1", &failed));
    is_said(&server);
    server.clock.advance(3);
    let waits = |row: &Value| row["state"] == "waiting";
    until("the end is looked at", || {
        !rows(&server, "inbox").iter().any(waits)
    });
    assert_eq!(
        deployments(&server.client, "production")[0]["status"],
        "started"
    );
}

#[test]
fn a_job_is_asked_for_29_days_at_most() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    needs_approval(&server);
    ask(&app, "d1", &github.asks(5, "production"));
    github.hears();
    is_said(&server);
    server.clock.advance(28 * 24 * 60);
    // Whatever wakes it, it waits.
    server.client.post("/deployment-events/", &json!({
        "product_name": "shop", "version": "1", "environment_name": "test", "status": "completed",
    })).expect(200);
    assert_eq!(
        deployments(&server.client, "production")[0]["status"],
        "preflight_failed"
    );
    server.clock.advance(25 * 60);
    let heard = github.hears();
    assert_eq!(heard["state"], "rejected");
    assert!(
        heard["comment"].as_str().unwrap().contains("29 days"),
        "{heard}"
    );
}

#[test]
fn a_source_of_an_app_says_what_is_wrong_and_never_shows_its_key() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let made = |key: Value, settings: Value| {
        let body = json!({
            "name": "App", "kind": "github-app", "private_key": key, "settings": settings,
        });
        let detail = server
            .client
            .post("/sources/", &body)
            .detail(422)
            .to_string();
        assert!(!detail.contains("MII"), "{detail}");
        detail
    };
    let good = json!({ "app_id": "12345" });
    assert!(made(Value::Null, good.clone()).contains("needs its private key"));
    assert!(made(json!("s3cret"), good.clone()).contains("no private key"));
    assert!(made(json!(&KEY[..400]), good.clone()).contains("cut off"));
    assert!(made(json!(KEY), json!({})).contains("app_id is missing"));
    assert!(made(json!(KEY), json!({ "app_id": "my app" })).contains("App ID"));
    for url in ["github.com", "ftp://x", "https://me:s@x", "https://x/?y"] {
        let detail = made(json!(KEY), json!({ "app_id": 1, "api_url": url }));
        assert!(detail.contains("api_url"), "{detail}");
    }
    let other = json!({ "name": "x", "kind": "github", "private_key": KEY });
    server.client.post("/sources/", &other).detail(422);
    let other = json!({ "name": "x", "kind": "github", "settings": { "app_id": 1 } });
    server.client.post("/sources/", &other).detail(422);

    let app = github.app(&server, json!({}));
    let path = format!("/sources/{}/", app.id);
    // The key stays with the place that it was given for.
    let elsewhere = json!({ "settings": { "app_id": "12345", "api_url": "https://example.com" } });
    server
        .client
        .request("PATCH", &path, &elsewhere)
        .detail(422);
    let same = json!({ "settings": { "app_id": 12345, "api_url": github.url, "strip_v": true } });
    server.client.request("PATCH", &path, &same).expect(200);
    let rotate = format!("{path}rotate/");
    server
        .client
        .post(&rotate, &json!({ "private_key": "none" }))
        .detail(422);
    let both = json!({ "private_key": KEY, "secret": "It's a Secret to Everybody" });
    server.client.post(&rotate, &both).detail(422);
    let rekeyed = server
        .client
        .post(&rotate, &json!({ "private_key": KEY }))
        .expect(200);
    assert_eq!(rekeyed.get("secret"), None, "it stays as it is");
    ask(&app, "d1", &github.asks(5, "production"));
    assert_eq!(github.hears()["state"], "approved");
    let line = KEY.lines().nth(3).unwrap();
    for path in [path.as_str(), "/sources/", "/audit/", "/queue/"] {
        let text = server.client.get(path).text;
        assert!(
            !text.contains(line) && !text.contains("ghs_"),
            "{path}: {text}"
        );
    }
    server
        .client
        .request("DELETE", &path, &json!({}))
        .expect(200);
    let log = server.client.get("/audit/").text;
    assert!(
        log.contains("source.rotated") && log.contains("source.removed"),
        "{log}"
    );
}
