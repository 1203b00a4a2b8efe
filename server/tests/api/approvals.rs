//! Who may say that a version goes, and whose word counts.

use serde_json::{Value, json};
use versioner_server::{NewKey, Scope, Scopes};

use crate::policy::{add, approve};
use crate::support::{Client, Server, deployment};

/// A key that approves; it may belong to a person.
fn approver(server: &Server, owner: Option<&Value>) -> Client {
    server.add_limited_key(&NewKey {
        owner: owner.and_then(Value::as_str).map(str::to_owned),
        ..NewKey::new(Scopes::of(&[Scope::Approve]))
    })
}

fn person(server: &Server, body: &Value) -> Value {
    server.client.post("/people/", body).expect(201)["id"].clone()
}

/// A version that was built, and the path of its approvals.
fn built(server: &Server, version: &str) -> String {
    let mut build = crate::support::build(version, "completed");
    build["scm_sha"] = json!("abcdef0123");
    let built = server.client.post("/build-events/", &build).expect(200);
    format!(
        "/versions/{}/approvals/",
        built["version_id"].as_str().unwrap()
    )
}

fn release(by: &str) -> Value {
    json!({ "type": "release", "environment": "production", "approved_by": by })
}

#[test]
fn people_are_added_changed_and_kept_apart() {
    let server = Server::start();
    let ada = json!({
        "name": "Ada Lovelace", "emails": ["ada@example.com"], "role": "admin",
        "logins": [{ "source_system": "github", "login": "ada" }],
    });
    let id = person(&server, &ada);
    let path = format!("/people/{}/", id.as_str().unwrap());
    let shown = server.client.get(&path).expect(200);
    assert_eq!(
        (&shown["emails"], &shown["active"]),
        (&ada["emails"], &json!(true))
    );
    let same = server.client.request("PATCH", &path, &shown).expect(200);
    assert_eq!(same, shown);
    let mut twice = json!({ "name": "Another", "emails": ["ADA@example.com"] });
    server.client.post("/people/", &twice).detail(409);
    twice["emails"] = json!([]);
    twice["logins"] = json!([{ "source_system": "GitHub", "host": "github.com", "login": "Ada" }]);
    server.client.post("/people/", &twice).detail(409);
    for (field, value) in [
        ("role", json!("boss")),
        ("emails", json!(["ada"])),
        ("approves", json!(["everything"])),
        ("logins", json!("ada")),
        ("nickname", json!("x")),
        ("name", json!(" ")),
    ] {
        let mut wrong = json!({ "name": "x" });
        wrong[field] = value;
        server.client.post("/people/", &wrong).detail(422);
    }
    let leaves = json!({ "active": false });
    let last = server.client.request("PATCH", &path, &leaves);
    assert!(last.detail(409).as_str().unwrap().contains("last admin"));
    let grace = person(&server, &json!({ "name": "Grace", "role": "admin" }));
    let own = server.add_limited_key(&NewKey {
        owner: id.as_str().map(str::to_owned),
        ..NewKey::new(Scopes::of(&[Scope::Admin]))
    });
    own.request("PATCH", &path, &leaves).detail(403);
    let renamed = json!({ "name": "Ada King" });
    own.request("PATCH", &path, &renamed).expect(200);
    server.client.request("PATCH", &path, &leaves).expect(200);
    let listed = server.client.get("/people/").expect(200);
    assert_eq!(listed["items"][0]["name"], "Ada King");
    assert_eq!(listed["items"][1]["id"], grace);
    approver(&server, None).get("/people/").detail(403);
}

#[test]
fn the_log_knows_who_was_changed_by_whom_and_no_names() {
    let server = Server::start();
    let id = person(
        &server,
        &json!({ "name": "Ada Lovelace", "emails": ["ada@example.com"] }),
    );
    let path = format!("/people/{}/", id.as_str().unwrap());
    let change = json!({ "role": "developer", "emails": ["lovelace@example.com"] });
    server.client.request("PATCH", &path, &change).expect(200);
    let log = server.client.get("/audit/?kind=person").expect(200);
    let change = &log["items"][0]["changes"][0];
    assert_eq!(
        (&change["before"]["role"], &change["person"]["role"]),
        (&json!("viewer"), &json!("developer"))
    );
    assert_eq!(change["renamed"], true);
    let text = log.to_string().to_lowercase();
    assert!(
        !text.contains("lovelace") && !text.contains("ada@"),
        "{text}"
    );
}

#[test]
fn a_key_counts_once_and_only_for_rules_that_count_keys() {
    let server = Server::start();
    let id = add(
        &server,
        "release_approval",
        "Two",
        json!({ "required_approvals": 2 }),
    );
    let path = built(&server, "1");
    let (one, other) = (approver(&server, None), approver(&server, None));
    one.post(&path, &release("ada")).expect(201);
    one.post(&path, &release("grace")).expect(201);
    other.post(&path, &release("linus")).expect(201);
    let start = || server.client.deploy("1", "production", "started");
    let detail = start().detail(428);
    assert_eq!(detail["details"]["approvals"], 0);
    let why = &detail["details"]["not_counted"][0];
    assert_eq!(why["by"], "ada (key:k2)");
    assert!(why["why"].as_str().unwrap().contains("API key"));
    let rule = format!("/deployment-rules/{id}/");
    let with_keys = |required: i64| {
        let change = json!({ "config": { "required_approvals": required, "keys": true } });
        server.client.request("PATCH", &rule, &change).expect(200);
    };
    with_keys(3);
    let detail = start().detail(428);
    assert_eq!(detail["details"]["approvals"], 2, "{detail}");
    with_keys(2);
    start().expect(200);
}

#[test]
fn nobody_approves_what_they_deploy() {
    let server = Server::start();
    let rule = json!({ "required_approvals": 1, "keys": true });
    add(&server, "release_approval", "One", rule);
    let ada = person(
        &server,
        &json!({ "name": "Ada", "emails": ["ada@example.com"] }),
    );
    let path = built(&server, "1");
    server.client.post(&path, &release("maria")).expect(201);
    approver(&server, None)
        .post(&path, &release("ada@example.com"))
        .expect(201);
    approver(&server, Some(&ada))
        .post(&path, &release("Ada"))
        .expect(201);
    let mut event = deployment("1", "production", "started");
    event["deployed_by_email"] = json!("Ada@Example.com");
    let detail = server
        .client
        .post("/deployment-events/", &event)
        .detail(428);
    let left_out = detail["details"]["not_counted"].as_array().unwrap();
    let why: Vec<_> = left_out
        .iter()
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    assert_eq!(why, ["they deploy"; 3]);
    approver(&server, None)
        .post(&path, &release("grace"))
        .expect(201);
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
}

#[test]
fn whoever_deploys_must_be_known_if_the_rule_says_so() {
    let server = Server::start();
    let rule = json!({ "required_approvals": 1, "keys": true });
    let id = add(&server, "release_approval", "One", rule);
    person(
        &server,
        &json!({ "name": "Ada", "logins": [{ "source_system": "github", "login": "ada" }] }),
    );
    let path = built(&server, "1");
    approver(&server, None)
        .post(&path, &release("grace"))
        .expect(201);
    let mut event = deployment("1", "production", "started");
    event["deployed_by"] = json!("adda");
    event["source_system"] = json!("github");
    let ask = |event: &Value| server.client.post("/preflight/", event).expect(200);
    let found = ask(&event);
    assert_eq!(found["allowed"], true);
    assert_eq!(
        (
            &found["rules_evaluated"][0]["code"],
            &found["rules_evaluated"][0]["status"]
        ),
        (&json!("UNKNOWN_DEPLOYER"), &json!("report_only"))
    );
    let block = json!({ "config": {
        "required_approvals": 1, "keys": true, "unknown_deployer": "block",
    } });
    let rule = format!("/deployment-rules/{id}/");
    server.client.request("PATCH", &rule, &block).expect(200);
    let found = ask(&event);
    assert_eq!(found["allowed"], false);
    assert_eq!(
        found["rules_evaluated"][0]["details"]["deployer"],
        "unknown"
    );
    event["deployed_by"] = json!("Ada");
    assert_eq!(ask(&event)["allowed"], true);
}

#[test]
fn a_refusal_blocks_until_it_is_withdrawn_or_exempted() {
    let server = Server::start();
    let rule = json!({ "required_approvals": 1, "keys": true });
    let id = add(&server, "release_approval", "One", rule);
    let path = built(&server, "1");
    let (qa, lead) = (approver(&server, None), approver(&server, None));
    let mut refusal = release("qa");
    refusal["verdict"] = json!("refuse");
    qa.post(&path, &refusal).detail(422);
    refusal["comment"] = json!("it loses orders");
    let refused = qa.post(&path, &refusal).expect(201);
    lead.post(&path, &release("lead")).expect(201);
    let start = || server.client.deploy("1", "production", "started");
    let detail = start().detail(428);
    assert_eq!(detail["message"], "Refused by qa (key:k2): it loses orders");
    assert_eq!(detail["code"], "APPROVAL_REQUIRED");
    let own = format!("{path}{}/", refused["id"].as_str().unwrap());
    lead.send("DELETE", &own, &[], b"").detail(403);
    let exemption = json!({
        "rule_ids": [id], "product": "api", "environment": "production",
        "until": "2025-11-20T00:00:00Z", "reason": "incident 7",
    });
    server
        .client
        .post("/deployment-exemptions/", &exemption)
        .expect(201);
    start().expect(200);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    assert_eq!(
        start().detail(428)["details"]["approvals"],
        1,
        "a refusal holds what ran here before, too"
    );
    assert_eq!(qa.send("DELETE", &own, &[], b"").status, 204);
    qa.send("DELETE", &own, &[], b"").detail(409);
    start().expect(200);
    let log = server.client.get("/audit/?kind=approval").expect(200);
    let items = log["items"].as_array().unwrap().iter();
    let kinds: Vec<_> = items.map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["approval.withdrawn", "approval.given", "approval.refused"]
    );
}

#[test]
fn an_approval_is_for_one_commit_and_for_a_time() {
    let server = Server::start();
    let rule = json!({ "required_approvals": 1, "keys": true, "valid_for_days": 2 });
    add(&server, "release_approval", "One", rule);
    let mut build = crate::support::build("1", "failed");
    build["scm_sha"] = json!("1111111");
    let version = server.client.post("/build-events/", &build).expect(200)["version_id"].clone();
    let path = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let maria = approver(&server, None);
    let early = maria.post(&path, &release("maria")).detail(409);
    assert!(early.as_str().unwrap().contains("neither built"), "{early}");
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let given = maria.post(&path, &release("maria")).expect(201);
    assert_eq!(given["scm_sha"], "1111111");
    assert_eq!(
        maria.post(&path, &release("Maria")).expect(200)["id"],
        given["id"]
    );
    build["scm_sha"] = json!("2222222");
    build["status"] = json!("completed");
    server.client.post("/build-events/", &build).expect(200);
    let start = || server.client.deploy("1", "production", "started");
    let why = start().detail(428)["details"]["not_counted"][0]["why"].clone();
    assert!(why.as_str().unwrap().contains("1111111"), "{why}");
    maria.post(&path, &release("maria")).expect(201);
    server.clock.advance(2 * 24 * 60);
    let why = start().detail(428)["details"]["not_counted"][0]["why"].clone();
    assert!(why.as_str().unwrap().contains("2 days"), "{why}");
    maria.post(&path, &release("maria")).expect(201);
    start().expect(200);
}

#[test]
fn quality_is_approved_where_the_version_was() {
    let server = Server::start();
    server
        .client
        .deploy("0", "staging", "completed")
        .expect(200);
    let version = server.client.deploy("1", "test", "completed").expect(200)["version_id"].clone();
    assert_eq!(approve(&server, &version, "quality", "staging", "ada"), 409);
    assert_eq!(approve(&server, &version, "quality", "test", "ada"), 201);
    server.client.deploy("1", "test", "failed").expect(200);
    assert_eq!(approve(&server, &version, "quality", "test", "grace"), 409);
}

#[test]
fn what_a_program_has_looked_at_is_what_it_approves() {
    let server = Server::start();
    let built_from = |commit: &str, status: &str| {
        let mut build = crate::support::build("1", status);
        build["scm_sha"] = json!(commit);
        server.client.post("/build-events/", &build).expect(200)
    };
    let built = built_from("1111111111", "started");
    let path = format!(
        "/versions/{}/approvals/",
        built["version_id"].as_str().unwrap()
    );
    server.client.deploy("1", "test", "completed").expect(200);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    built_from("2222222222", "completed");
    for verdict in ["approve", "refuse"] {
        let mut body = release("ada");
        (body["verdict"], body["comment"]) = (json!(verdict), json!("as I read it"));
        body["scm_sha"] = json!("1111111111");
        let refused = server.client.post(&path, &body).detail(409);
        assert!(
            refused
                .as_str()
                .unwrap()
                .contains("comes from commit 2222222222 by now"),
            "{refused}"
        );
    }
    let empty = server.client.get(&path).expect(200);
    assert_eq!(empty["items"], json!([]));
    // The same in another spelling, as people read it.
    let mut body = release("ada");
    body["scm_sha"] = json!("2222222");
    let given = server.client.post(&path, &body).expect(201);
    assert_eq!(given["scm_sha"], "2222222222");
    for wrong in [json!(""), json!(7), json!("1".repeat(300))] {
        body["scm_sha"] = wrong;
        server.client.post(&path, &body).detail(422);
    }
}
