//! What keys may do.

use serde_json::{Value, json};
use versioner_server::{NewKey, Scope, Scopes};

use crate::support::{Client, Server, build, deployment};

fn with(server: &Server, scopes: &[Scope]) -> Client {
    server.add_limited_key(&NewKey::new("local", Scopes::of(scopes)))
}

#[test]
fn each_scope_allows_its_own_and_nothing_else() {
    let server = Server::start();
    let version = server
        .client
        .deploy("1", "production", "completed")
        .expect(200)["version_id"]
        .clone();
    let approvals = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let approval = json!({ "type": "release", "environment": "production", "approved_by": "ada" });
    let rule = json!({ "name": "x", "type": "concurrency" });
    let allowed = |client: &Client| {
        let event = deployment("2", "staging", "completed");
        let all = [
            ("events", client.post("/deployment-events/", &event)),
            (
                "events",
                client.post("/build-events/", &build("2", "completed")),
            ),
            ("read", client.get("/deployments/")),
            ("approve", client.post(&approvals, &approval)),
            ("rules", client.post("/deployment-rules/", &rule)),
            ("admin", client.get("/audit/")),
        ];
        let mut may = Vec::new();
        for (scope, reply) in all {
            if reply.status == 403 {
                let detail = reply.detail(403);
                assert!(
                    detail
                        .as_str()
                        .unwrap()
                        .contains(&format!("lacks the scope {scope};"))
                );
            } else {
                assert!(reply.status < 300, "{}", reply.text);
                may.push(scope);
            }
        }
        may.dedup();
        may
    };
    for scope in [
        Scope::Events,
        Scope::Read,
        Scope::Approve,
        Scope::Rules,
        Scope::Admin,
    ] {
        assert_eq!(allowed(&with(&server, &[scope])), [scope.as_str()]);
    }
    assert!(allowed(&with(&server, &[Scope::History, Scope::Override])).is_empty());
}

#[test]
fn without_override_the_checks_are_not_skipped_and_the_answer_says_so() {
    let server = Server::start();
    let rule = json!({
        "name": "Staging First", "type": "flow", "environments": ["production"], "create": true,
        "config": { "required_environments": ["staging"] },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    let pipeline = with(&server, &[Scope::Events]);
    let mut event = deployment("1", "production", "started");
    event["skip_preflight_checks"] = json!(true);
    let detail = pipeline.post("/deployment-events/", &event).detail(428);
    assert!(
        detail["details"]["warnings"][0]
            .as_str()
            .unwrap()
            .contains("ignored")
    );
    event["environment_name"] = json!("staging");
    let started = pipeline.post("/deployment-events/", &event).expect(200);
    assert!(started["warnings"][0].as_str().unwrap().contains("ignored"));
    event["environment_name"] = json!("production");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
}

#[test]
fn a_key_ends_what_it_has_started_and_others_only_with_override() {
    let server = Server::start();
    let (one, other) = (
        with(&server, &[Scope::Events]),
        with(&server, &[Scope::Events]),
    );
    let id = one.deploy("1", "production", "started").expect(200)["id"].clone();
    let path = format!("/deployments/{}/abort/", id.as_str().unwrap());
    let reason = json!({ "reason": "lost" });
    other.post(&path, &reason).detail(403);
    one.post(&path, &reason).expect(200);
    let id = one.deploy("2", "production", "started").expect(200)["id"].clone();
    let path = format!("/deployments/{}/abort/", id.as_str().unwrap());
    with(&server, &[Scope::Events, Scope::Override])
        .post(&path, &reason)
        .expect(200);
}

#[test]
fn a_key_tells_only_of_what_it_is_limited_to() {
    let server = Server::start();
    let limited = server.add_limited_key(&NewKey {
        products: vec!["API".to_owned()],
        environments: vec!["staging".to_owned()],
        ..NewKey::new("local", Scopes::of(&[Scope::Events]))
    });
    limited.deploy("1", "Staging", "completed").expect(200);
    limited.deploy("1", "production", "completed").detail(403);
    let mut other = build("1", "completed");
    limited.post("/build-events/", &other).expect(200);
    other["product_name"] = json!("web");
    limited.post("/build-events/", &other).detail(403);
}

#[test]
fn an_expired_key_is_refused_and_only_history_tells_of_long_ago() {
    let server = Server::start();
    let expiring = server.add_limited_key(&NewKey {
        expires_at: Some(
            "2025-11-19T12:30:00Z"
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_microsecond(),
        ),
        ..NewKey::new("local", Scopes::of(&[Scope::Read]))
    });
    expiring.get("/products/").expect(200);
    server.clock.advance(30);
    assert_eq!(
        expiring.get("/products/").detail(401),
        "This API key has expired"
    );

    let tell = |client: &Client| {
        let headers = [("Versioner-Occurred-At", "2025-01-01T00:00:00Z")];
        client
            .post_with(&headers, &deployment("1", "production", "completed"))
            .expect(200)
    };
    let pipeline = with(&server, &[Scope::Events]);
    assert_eq!(tell(&pipeline)["deployed_at"], "2025-10-20T12:30:00Z");
    let historian = with(&server, &[Scope::Events, Scope::History]);
    assert_eq!(tell(&historian)["deployed_at"], "2025-01-01T00:00:00Z");
}

#[test]
fn a_rule_is_changed_only_as_it_was_read_and_made_once_for_its_key() {
    let server = Server::start();
    let rule = json!({ "name": "x", "type": "concurrency" });
    let first = server.client.post_once("/deployment-rules/", "once", &rule);
    let again = server.client.post_once("/deployment-rules/", "once", &rule);
    assert_eq!(first.expect(201)["id"], again.expect(201)["id"]);
    let path = format!(
        "/deployment-rules/{}/",
        first.json()["id"].as_str().unwrap()
    );
    let tag = server.client.get(&path).headers["etag"].clone();
    assert_eq!(first.headers["etag"], tag);
    server.clock.advance(1);
    let change = |tag: &str, status: &str| {
        let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
        let body = json!({ "status": status, "reason": "incident 7" }).to_string();
        server
            .client
            .send("PATCH", &path, &headers, body.as_bytes())
    };
    let changed = change(&tag, "disabled");
    changed.expect(200);
    change(&tag, "enabled").detail(412);
    let stale = [("If-Match", tag.as_str())];
    assert_eq!(server.client.send("DELETE", &path, &stale, b"").status, 412);
    let current = [("If-Match", changed.headers["etag"].as_str())];
    let gone = format!("{path}?reason=not%20needed");
    assert_eq!(
        server.client.send("DELETE", &gone, &current, b"").status,
        204
    );
    let log = server.client.get("/audit/?kind=rule").expect(200);
    let kinds: Vec<&Value> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(kinds, ["rule.removed", "rule.changed", "rule.added"]);
    let reasons: Vec<&Value> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["changes"][0]["reason"])
        .collect();
    assert_eq!(
        reasons,
        [&json!("not needed"), &json!("incident 7"), &Value::Null]
    );
}
