//! What keys may do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use versioner_server::{NewKey, Scope, Scopes};

use crate::support::{Client, Server, build, deployment};

fn with(server: &Server, scopes: &[Scope]) -> Client {
    server.add_limited_key(&NewKey::new(Scopes::of(scopes)))
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
        ..NewKey::new(Scopes::of(&[Scope::Events]))
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
        ..NewKey::new(Scopes::of(&[Scope::Read]))
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

/// The items of the log about keys, newest first: who did what.
fn log_of_keys(server: &Server) -> Vec<Value> {
    let log = server.client.get("/audit/?kind=key").expect(200);
    log["items"].as_array().unwrap().clone()
}

#[test]
fn keys_are_made_changed_and_revoked_over_the_api_and_the_log_has_no_secret() {
    let server = Server::start();
    let made = server
        .client
        .post(
            "/keys/",
            &json!({ "name": "CI of the shop", "products": ["api"], "expires_in_days": 90 }),
        )
        .expect(201);
    assert_eq!(made["scopes"], json!(["events", "read"]));
    assert_eq!(made["expires_at"], "2026-02-17T12:00:00Z");
    let key = made["key"].as_str().unwrap();
    let ci = Client::new(&server.client.url, key);
    ci.deploy("1", "staging", "completed").expect(200);
    ci.get("/keys/").detail(403);
    let path = format!("/keys/{}/", made["id"].as_str().unwrap());
    let changed = server
        .client
        .request(
            "PATCH",
            &path,
            &json!({ "scopes": ["events"], "name": null }),
        )
        .expect(200);
    assert_eq!(
        (&changed["scopes"], &changed["name"], &changed["products"]),
        (&json!(["events"]), &Value::Null, &json!(["api"]))
    );
    ci.get("/products/").detail(403);
    for wrong in [
        json!({ "scopes": [] }),
        json!({ "scopes": ["everything"] }),
        json!({ "scopes": null }),
        json!({ "expires_in_days": 0 }),
        json!({ "secret": "x" }),
    ] {
        server.client.request("PATCH", &path, &wrong).detail(422);
    }
    let listed = server.client.get("/keys/").expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    server.client.send("DELETE", &path, &[], b"").expect(200);
    ci.deploy("2", "staging", "completed").detail(401);
    server.client.send("DELETE", &path, &[], b"").detail(404);
    server
        .client
        .request("PATCH", &path, &json!({}))
        .detail(404);
    let log = log_of_keys(&server);
    let kinds: Vec<_> = log
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["key.revoked", "key.changed", "key.added", "key.added"]
    );
    let change = &log[1]["changes"][0];
    assert_eq!(
        (&change["before"]["scopes"], &change["key"]["scopes"]),
        (&json!("events read"), &json!("events"))
    );
    let secret = key.rsplit('_').next().unwrap();
    let text = server.client.get("/audit/").text;
    assert!(
        !text.contains(secret) && !text.contains("hash\":["),
        "{text}"
    );
}

#[test]
fn a_key_gives_at_most_what_it_has() {
    let server = Server::start();
    let admin = server.add_limited_key(&NewKey {
        products: vec!["api".to_owned()],
        ..NewKey::new(Scopes::of(&[Scope::Admin, Scope::Events]))
    });
    let give = |scopes: &[&str], products: &[&str]| {
        admin
            .post("/keys/", &json!({ "scopes": scopes, "products": products }))
            .status
    };
    assert_eq!(give(&["events"], &["API"]), 201);
    assert_eq!(give(&["events"], &[]), 403);
    assert_eq!(give(&["events"], &["api", "web"]), 403);
    assert_eq!(give(&["override"], &["api"]), 403);
    let all = json!({ "overlap_hours": 0 });
    admin.post("/keys/k1/rotate/", &all).detail(403);
    admin
        .request(
            "PATCH",
            "/keys/k3/",
            &json!({ "scopes": ["events", "rules"] }),
        )
        .detail(403);
    admin
        .request("PATCH", "/keys/k1/", &json!({ "name": "x" }))
        .detail(403);
}

#[test]
fn a_rotated_key_has_two_secrets_for_a_time() {
    let server = Server::start();
    let old = server.add_limited_key(&NewKey::new(Scopes::of(&[Scope::Read])));
    let rotated = server
        .client
        .post("/keys/k2/rotate/", &json!({ "overlap_hours": 24 }))
        .expect(200);
    let new = Client::new(&server.client.url, rotated["key"].as_str().unwrap());
    new.get("/products/").expect(200);
    old.get("/products/").expect(200);
    assert_eq!(rotated["old_secret_until"], "2025-11-20T12:00:00Z");
    server.clock.advance(24 * 60);
    old.get("/products/").detail(401);
    new.get("/products/").expect(200);
    let again = server
        .client
        .post("/keys/k2/rotate/", &json!({ "overlap_hours": 0 }))
        .expect(200);
    new.get("/products/").detail(401);
    let newest = Client::new(&server.client.url, again["key"].as_str().unwrap());
    newest.get("/products/").expect(200);
    let log = log_of_keys(&server);
    assert_eq!(log[0]["kind"], "key.rotated");
    let fingerprint = |index: usize| log[index]["changes"][0]["secret"].clone();
    assert_ne!(fingerprint(0), fingerprint(1));
}

/// Waits until the use of a key is noted, which nobody waits for.
fn noted(server: &Server, id: &str) -> Value {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        let key = server.client.get(&format!("/keys/{id}/")).expect(200);
        if !key["last_used_at"].is_null() {
            return key;
        }
        std::thread::yield_now();
    }
    panic!("the use of {id} is not noted");
}

#[test]
fn a_key_is_narrowed_to_what_it_has_used() {
    let server = Server::start();
    let key = server.add_limited_key(&NewKey::new(Scopes::all()));
    server
        .client
        .post("/keys/k2/narrow/", &json!({}))
        .detail(409);
    key.get("/products/").expect(200);
    assert_eq!(noted(&server, "k2")["last_used_at"], "2025-11-19T12:00:00Z");
    let narrowed = server
        .client
        .post("/keys/k2/narrow/", &json!({}))
        .expect(200);
    assert_eq!(narrowed["scopes"], json!(["read"]));
    key.deploy("1", "staging", "completed").detail(403);
    server.clock.advance(31 * 24 * 60);
    server
        .client
        .post("/keys/k2/narrow/", &json!({}))
        .detail(409);
}

#[test]
fn the_end_of_a_key_in_use_is_told_once_two_weeks_before() {
    let server = Server::start();
    let at = "2025-12-03T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let key = server.add_limited_key(&NewKey {
        expires_at: Some(at.as_microsecond()),
        ..NewKey::new(Scopes::of(&[Scope::Read]))
    });
    key.get("/products/").expect(200);
    noted(&server, "k2");
    let told = || {
        let log = log_of_keys(&server);
        let told = log.iter().filter(|item| item["kind"] == "key.expires");
        told.map(|item| item["changes"][1]["message"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told().len(), 1, "14 days are left");
    assert!(told()[0].as_str().unwrap().contains("2025-12-03T12:00:00Z"));
}

#[test]
fn commands_on_the_machine_are_rows_of_the_log() {
    let server = Server::in_folder();
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_versioner-server"))
            .env("USER", "ada")
            .args(arguments)
            .arg("--data")
            .arg(server.data.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text)
    };
    let (_, added) = run(&[
        "keys",
        "add",
        "--account",
        "local",
        "--scopes",
        "events,read",
    ]);
    let key = added.trim().strip_prefix("API key (shown once): ").unwrap();
    let client = Client::new(&server.client.url, key);
    client.deploy("1", "staging", "started").expect(200);
    let (_, rotated) = run(&[
        "keys",
        "rotate",
        "--account",
        "local",
        "k2",
        "--overlap",
        "0",
    ]);
    let key = rotated
        .trim()
        .strip_prefix("API key (shown once): ")
        .unwrap();
    Client::new(&server.client.url, key)
        .deploy("1", "staging", "completed")
        .expect(200);
    assert!(run(&["keys", "revoke", "--account", "local", "k2"]).0);
    assert!(!run(&["keys", "revoke", "--account", "local", "k2"]).0);
    let actors: Vec<_> = log_of_keys(&server)
        .iter()
        .map(|item| item["actor"].as_str().unwrap().to_owned())
        .collect();
    assert!(actors[0].starts_with("cli:ada@"), "{actors:?}");
    assert_eq!(actors.len(), 4);
    // The log is whole, though two processes have written it.
    let (whole, text) = run(&["audit", "verify", "--account", "local"]);
    assert!(whole, "{text}");
}

#[test]
fn a_person_is_erased_and_what_they_did_stays() {
    let server = Server::start();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_versioner-server"))
            .arg("people")
            .args(arguments)
            .args(["--account", "local", "--data"])
            .arg(server.data.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text)
    };
    let add = |arguments: &[&str]| run(&[&["add"], arguments].concat());
    assert!(
        add(&[
            "--name",
            "Ada Lovelace",
            "--email",
            "ada@example.com",
            "--role",
            "admin"
        ])
        .0
    );
    assert!(!add(&["--name", "Ada", "--email", "ada"]).0);
    assert!(!add(&["--name", "Ada", "--role", "boss"]).0);
    let mut event = deployment("1", "staging", "completed");
    event["deployed_by_email"] = json!("ada@example.com");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    assert!(!run(&["erase", "nobody"]).0);
    assert!(!run(&["erase", "ada@example.com"]).0, "the last admin");
    assert!(add(&["--name", "Grace", "--role", "admin"]).0);
    let (done, text) = run(&["erase", "Ada Lovelace"]);
    assert!(done && text.contains("1 deployments"), "{text}");
    let (_, listed) = run(&["list"]);
    assert!(
        !listed.contains("Ada") && listed.contains("not active"),
        "{listed}"
    );
    let people = server.client.get("/people/").expect(200);
    assert_eq!(people["items"].as_array().unwrap().len(), 2);
    assert_eq!(people["items"][0]["name"], Value::Null);
    let log = server.client.get("/audit/?kind=person.erased").expect(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}

#[test]
fn the_limits_of_a_key_follow_names() {
    let server = Server::start();
    let client = &server.client;
    client.deploy("1", "prod", "completed").expect(200);
    let mut other = deployment("1", "prod", "completed");
    other["product_name"] = json!("shop");
    client.post("/deployment-events/", &other).expect(200);
    let new = NewKey {
        products: vec!["API".to_owned()],
        environments: vec!["prod".to_owned()],
        ..NewKey::new(Scopes::of(&[Scope::Events, Scope::Read]))
    };
    let limited = server.add_limited_key(&new);
    limited.deploy("2", "prod", "completed").expect(200);
    let id_of = |list: &str, name: &str| {
        let items = client.get(list).expect(200)["items"].clone();
        let found = items
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["name"] == name)
            .cloned();
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let rename = |list: &str, name: &str, change: Value| {
        let path = format!("{list}{}/", id_of(list, name));
        client.request("PATCH", &path, &change).expect(200);
    };
    rename("/products/", "api", json!({ "name": "checkout" }));
    rename("/environments/", "prod", json!({ "name": "production" }));
    let event = |product: &str, environment: &str| {
        let mut event = deployment("3", environment, "completed");
        event["product_name"] = json!(product);
        limited.post("/deployment-events/", &event).status
    };
    for (product, environment, status) in [
        ("checkout", "production", 200),
        ("api", "prod", 200),
        ("API", "production", 200),
        ("shop", "production", 403),
        ("checkout", "staging", 403),
    ] {
        assert_eq!(
            event(product, environment),
            status,
            "{product} {environment}"
        );
    }
    let key = client.get("/keys/k2/").expect(200);
    assert_eq!(key["products"], json!(["checkout"]));
    assert_eq!(key["environments"], json!(["production"]));
    // What is merged into another is that.
    rename("/products/", "checkout", json!({ "alias_of": "shop" }));
    for product in ["shop", "checkout", "api"] {
        assert_eq!(event(product, "production"), 200, "{product}");
    }
    assert_eq!(
        client.get("/keys/k2/").expect(200)["products"],
        json!(["shop"])
    );
    // A key that is made with an old name is for the same.
    let old = server.add_limited_key(&NewKey {
        products: vec!["checkout".to_owned()],
        ..NewKey::new(Scopes::of(&[Scope::Events]))
    });
    assert_eq!(
        old.post(
            "/deployment-events/",
            &deployment("4", "production", "completed")
        )
        .status,
        200
    );
}

#[test]
fn a_limited_key_ends_renews_and_approves_nothing_elsewhere() {
    let server = Server::start();
    let client = &server.client;
    let limited = server.add_limited_key(&NewKey {
        products: vec!["shop".to_owned()],
        environments: vec!["production".to_owned()],
        ..NewKey::new(Scopes::all())
    });
    let started = client.deploy("1", "production", "started").expect(200);
    let (id, version) = (
        started["id"].as_str().unwrap(),
        started["version_id"].as_str().unwrap(),
    );
    let abort = json!({ "reason": "the runner was lost" });
    let approval = json!({ "type": "release", "environment": "production", "approved_by": "ada" });
    for (path, body) in [
        (format!("/deployments/{id}/abort/"), &abort),
        (format!("/deployments/{id}/renew/"), &json!({})),
        (format!("/versions/{version}/approvals/"), &approval),
    ] {
        assert_eq!(limited.post(&path, body).status, 403, "{path}");
    }
    limited
        .post("/deployments/nobody/abort/", &abort)
        .detail(404);
    limited
        .post("/versions/nobody/approvals/", &approval)
        .detail(404);
    let mut own = deployment("1", "production", "started");
    own["product_name"] = json!("shop");
    let own = limited.post("/deployment-events/", &own).expect(200);
    let path = format!("/deployments/{}/", own["id"].as_str().unwrap());
    limited
        .post(&format!("{path}renew/"), &json!({}))
        .expect(200);
    limited.post(&format!("{path}abort/"), &abort).expect(200);
}

#[test]
fn a_key_belongs_to_somebody_who_is_known() {
    let server = Server::start();
    let ada = json!({ "name": "Ada Lovelace" });
    let ada = server.client.post("/people/", &ada).expect(201)["id"].clone();
    let refused = server
        .client
        .post("/keys/", &json!({ "owner": "Ada Lovelace" }));
    assert_eq!(refused.detail(422)[0]["type"], "unknown_person");
    let made = server
        .client
        .post("/keys/", &json!({ "owner": ada }))
        .expect(201);
    let path = format!("/keys/{}/", made["id"].as_str().unwrap());
    let refused = server
        .client
        .request("PATCH", &path, &json!({ "owner": "nobody" }));
    assert_eq!(refused.detail(422)[0]["type"], "unknown_person");
    assert_eq!(
        server
            .client
            .request("PATCH", &path, &json!({ "name": "ci" }))
            .expect(200)["owner"],
        ada
    );
}

#[test]
fn a_limited_key_is_no_key_to_what_is_about_the_whole_account() {
    let server = Server::start();
    let limited = server.add_limited_key(&NewKey {
        products: vec!["api".to_owned()],
        ..NewKey::new(Scopes::all())
    });
    let webhook = json!({ "url": "https://hooks.example.com/" });
    let source = json!({ "name": "ours", "kind": "github" });
    for reply in [
        limited.post("/webhooks/", &webhook),
        limited.get("/webhooks/"),
        limited.post("/sources/", &source),
        limited.get("/sources/"),
        limited.get("/queue/"),
        limited.get("/slack/"),
    ] {
        let detail = reply.detail(403);
        assert_eq!(detail, "This API key is limited to the products api");
    }
    server.client.post("/webhooks/", &webhook).expect(201);
}
