//! Rules and approvals as resources: how they are made, changed and removed, and what none may say.

use serde_json::{Value, json};

use crate::support::{Server, deployment};

/// Adds a rule for `production` and returns its identifier.
pub fn add(server: &Server, kind: &str, name: &str, config: Value) -> String {
    let rule = json!({
        "name": name, "type": kind, "environments": ["production"], "config": config,
        "create": true,
    });
    let added = server.client.post("/deployment-rules/", &rule).expect(201);
    added["id"].as_str().unwrap().to_owned()
}

pub fn set_status(server: &Server, id: &str, status: &str) {
    let change = json!({ "status": status });
    let path = format!("/deployment-rules/{id}/");
    server.client.request("PATCH", &path, &change).expect(200);
}

pub fn approve(
    server: &Server,
    version_id: &Value,
    kind: &str,
    environment: &str,
    by: &str,
) -> u16 {
    let approval = json!({
        "type": kind, "environment": environment, "approved_by": by, "create": true,
    });
    let path = format!("/versions/{}/approvals/", version_id.as_str().unwrap());
    server.client.post(&path, &approval).status
}

#[test]
fn rules_are_for_some_products_and_environments_or_for_all() {
    let server = Server::start();
    let rule = json!({
        "name": "All", "type": "release_approval", "products": ["other"],
        "config": { "required_approvals": 1 },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let mut event = deployment("1", "anywhere", "started");
    event["product_name"] = json!("other");
    server
        .client
        .post("/deployment-events/", &event)
        .detail(428);
}

#[test]
fn rules_can_be_made_read_changed_and_removed() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging", "staging"] });
    let id = add(&server, "flow", "First", config);
    let path = format!("/deployment-rules/{id}/");
    let rule = server.client.get(&path).expect(200);
    assert_eq!(rule["status"], "enabled");
    assert_eq!(
        rule["config"],
        json!({ "required_environments": ["staging"] })
    );
    server.clock.advance(1);
    let changes = json!({ "name": "Second", "products": ["api"] });
    let changed = server.client.request("PATCH", &path, &changes).expect(200);
    assert_eq!(
        (&changed["name"], &changed["type"]),
        (&json!("Second"), &json!("flow"))
    );
    assert_ne!(changed["updated_at"], changed["created_at"]);
    let listed = server.client.get("/deployment-rules/").expect(200);
    assert_eq!(listed["items"], json!([changed]));
    server
        .client
        .request("PATCH", &path, &json!({ "status": "off" }))
        .detail(422);
    assert_eq!(server.client.send("DELETE", &path, &[], b"").status, 204);
    server.client.get(&path).detail(404);
    server
        .client
        .request("PATCH", &path, &json!({}))
        .detail(404);
    server.client.send("DELETE", &path, &[], b"").detail(404);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
}

#[test]
fn a_rule_with_a_mistake_in_it_is_refused() {
    let server = Server::start();
    let mistakes = [
        (
            json!({ "type": "flow", "config": { "required_environments": ["a"] } }),
            "name",
        ),
        (json!({ "name": "x", "config": {} }), "type"),
        (json!({ "name": "x", "type": "freeze" }), "type"),
        (
            json!({ "name": "x", "type": "flow", "config": {} }),
            "required_environments",
        ),
        (
            json!({ "name": "x", "type": "flow", "config": { "required_environments": [1] } }),
            "required_environments",
        ),
        (
            json!({ "name": "x", "type": "soak_time", "config": { "environment": "a", "soak_minutes": 0 } }),
            "soak_minutes",
        ),
        (
            json!({ "name": "x", "type": "release_approval", "config": { "required_approvals": 1.5 } }),
            "required_approvals",
        ),
        (
            json!({ "name": "x", "type": "concurrency", "environment": ["production"] }),
            "environment",
        ),
        (
            json!({ "name": "x", "type": "concurrency", "status": "on" }),
            "status",
        ),
    ];
    for (rule, field) in mistakes {
        let detail = server.client.post("/deployment-rules/", &rule).detail(422);
        let fields: Vec<_> = detail
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["loc"].as_array().unwrap().last().unwrap().clone())
            .collect();
        assert!(fields.contains(&json!(field)), "{rule}: {detail}");
    }
}

#[test]
fn spelling_makes_no_way_around_a_rule() {
    let server = Server::start();
    add(
        &server,
        "release_approval",
        "Approval",
        json!({ "required_approvals": 1 }),
    );
    for name in [
        "production",
        "Production",
        " PRODUCTION ",
        "ｐｒｏｄｕｃｔｉｏｎ",
        "\u{feff}production",
    ] {
        let detail = server.client.deploy("1", name, "started").detail(428);
        assert_eq!(
            detail["message"],
            "production deployment requires 1 release approval(s)"
        );
    }
    for name in [
        "production\u{200b}",
        "prod\u{ad}uction",
        "\"production\"",
        "produc\u{202e}tion",
    ] {
        let detail = server.client.deploy("1", name, "started").detail(422);
        assert_eq!(detail[0]["loc"], json!(["body", "environment_name"]));
    }
    let environments = server.client.get("/environments/").expect(200);
    assert_eq!(environments["items"].as_array().unwrap().len(), 1);
    let listed = server
        .client
        .get("/deployments/?environment=PRODUCTION&product=Api")
        .expect(200);
    assert!(!listed["items"].as_array().unwrap().is_empty());
}

#[test]
fn a_rule_or_approval_for_an_environment_that_does_not_exist_names_the_nearest() {
    let server = Server::start();
    let version = server
        .client
        .deploy("1", "production", "completed")
        .expect(200)["version_id"]
        .clone();
    let mut rule = json!({
        "name": "x", "type": "concurrency", "environments": ["prodution"],
    });
    let detail = server.client.post("/deployment-rules/", &rule).detail(422);
    assert_eq!(detail[0]["type"], "unknown_environment");
    assert!(
        detail[0]["msg"]
            .as_str()
            .unwrap()
            .contains("did you mean production?"),
        "{detail}"
    );
    let path = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let approval = json!({ "type": "release", "environment": "prodution", "approved_by": "ada" });
    server.client.post(&path, &approval).detail(422);
    let environments = || {
        server.client.get("/environments/").expect(200)["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(environments(), 1);
    rule["create"] = json!(true);
    let added = server.client.post("/deployment-rules/", &rule).expect(201);
    assert_eq!(environments(), 2);
    let path = format!("/deployment-rules/{}/", added["id"].as_str().unwrap());
    let change = json!({ "environments": ["prdouction"] });
    server.client.request("PATCH", &path, &change).detail(422);
}

#[test]
fn one_person_in_several_spellings_approves_once() {
    let server = Server::start();
    add(
        &server,
        "release_approval",
        "Two",
        json!({ "required_approvals": 2 }),
    );
    let version = server
        .client
        .deploy("1", "staging", "completed")
        .expect(200)["version_id"]
        .clone();
    assert_eq!(
        approve(&server, &version, "release", "production", "jos\u{e9}"),
        201
    );
    assert_eq!(
        approve(&server, &version, "release", "production", "JOSE\u{301}"),
        200
    );
    assert_eq!(
        approve(
            &server,
            &version,
            "release",
            "production",
            "jos\u{e9}\u{200b}"
        ),
        422
    );
    server
        .client
        .deploy("1", "production", "started")
        .detail(428);
}

#[test]
fn what_get_shows_can_be_sent_back_and_nothing_is_no_value() {
    let server = Server::start();
    let id = add(
        &server,
        "flow",
        "First",
        json!({ "required_environments": ["staging"] }),
    );
    let path = format!("/deployment-rules/{id}/");
    set_status(&server, &id, "disabled");
    let mut shown = server.client.get(&path).expect(200);
    server.client.request("PATCH", &path, &shown).expect(200);
    for member in ["status", "environments", "config", "name"] {
        let change = json!({ member: null });
        let detail = server.client.request("PATCH", &path, &change).detail(422);
        assert_eq!(detail[0]["loc"], json!(["body", member]));
    }
    let again = server.client.get(&path).expect(200);
    shown["updated_at"] = again["updated_at"].clone();
    assert_eq!(again, shown);
}

#[test]
fn rules_that_cannot_mean_what_they_say_are_refused() {
    let server = Server::start();
    for (kind, config) in [
        (
            "quality_approval",
            json!({ "required_environments": ["Production"], "required_approvals": 1 }),
        ),
        (
            "soak_time",
            json!({ "environment": "production", "soak_minutes": 5 }),
        ),
        ("flow", json!({ "required_environments": ["production"] })),
    ] {
        let rule = json!({
            "name": "x", "type": kind, "environments": ["production"], "config": config, "create": true,
        });
        server.client.post("/deployment-rules/", &rule).detail(422);
    }
    let flow = |from: &str, to: &str| {
        let rule = json!({
            "name": "x", "type": "flow", "environments": [from], "create": true,
            "config": { "required_environments": [to] },
        });
        server.client.post("/deployment-rules/", &rule).status
    };
    assert_eq!((flow("c", "b"), flow("b", "a")), (201, 201));
    assert_eq!(flow("a", "C"), 422);
    assert_eq!(flow("a", "z"), 201);
}
