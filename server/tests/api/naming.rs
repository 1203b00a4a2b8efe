//! Products and environments by other names, and names that nobody meant.

use rusqlite::Connection;
use serde_json::{Value, json};
use versioner_server::{NewKey, Scope, Scopes};

use crate::policy::add;
use crate::support::{Reply, Server, deployment};

fn id_of(server: &Server, list: &str, name: &str) -> String {
    let listed = server.client.get(list).expect(200);
    let items = listed["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {listed}"))["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn change(server: &Server, list: &str, name: &str, body: &Value) -> Reply {
    let path = format!("{list}{}/", id_of(server, list, name));
    server.client.request("PATCH", &path, body)
}

#[test]
fn a_renamed_environment_keeps_its_rules_and_its_old_name() {
    let server = Server::start();
    let config = json!({ "required_environments": ["staging"] });
    let rule = add(&server, "flow", "Staging First", config);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    change(
        &server,
        "/environments/",
        "production",
        &json!({ "name": "live" }),
    )
    .expect(200);
    change(
        &server,
        "/environments/",
        "staging",
        &json!({ "name": "pre" }),
    )
    .expect(200);
    for name in ["live", "Production"] {
        let detail = server.client.deploy("2", name, "started").detail(428);
        assert_eq!(detail["message"], "Version must be deployed to pre first");
    }
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let listed = server
        .client
        .get("/deployments/?environment=production&status=started")
        .expect(200);
    assert_eq!(listed["items"][0]["environment_name"], "live");
    let path = format!("/deployment-rules/{rule}/");
    let shown = server.client.get(&path).expect(200);
    assert_eq!(shown["environments"], json!(["live"]));
    let taken = change(&server, "/environments/", "live", &json!({ "name": "PRE" }));
    assert!(taken.detail(409).as_str().unwrap().contains("alias_of"));
    change(
        &server,
        "/environments/",
        "live",
        &json!({ "name": "production" }),
    )
    .expect(200);
    server.client.deploy("1", "live", "completed").expect(200);
    server.client.deploy("2", "live", "started").detail(428);
    let log = server
        .client
        .get("/audit/?kind=environment.changed")
        .expect(200);
    let newest = &log["items"][0]["changes"];
    assert_eq!(
        (&newest[0]["before"]["name"], &newest[0]["named"]["name"]),
        (&json!("live"), &json!("production"))
    );
    assert_eq!(newest[1]["change"], "rule");
}

#[test]
fn two_environments_that_were_one_all_along_become_one() {
    let server = Server::start();
    server.client.deploy("1", "prod", "started").expect(200);
    server.client.deploy("1", "prod", "completed").expect(200);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    server
        .client
        .deploy("3", "production", "started")
        .expect(200);
    add(
        &server,
        "release_approval",
        "Approval",
        json!({ "required_approvals": 1 }),
    );
    let merge = json!({ "alias_of": "Production" });
    for (body, field) in [
        (json!({ "alias_of": "prdouction" }), "alias_of"),
        (json!({ "alias_of": "prod" }), "alias_of"),
        (json!({ "alias_of": "production", "name": "x" }), "alias_of"),
        (json!({ "type": "live" }), "type"),
        (json!({ "archived": null }), "archived"),
        (json!({ "nickname": "x" }), "nickname"),
    ] {
        let detail = change(&server, "/environments/", "prod", &body).detail(422);
        assert_eq!(detail[0]["loc"], json!(["body", field]), "{body}");
    }
    let mut other = deployment("1", "prod", "started");
    other["product_name"] = json!("web");
    server
        .client
        .post("/deployment-events/", &other)
        .expect(200);
    change(&server, "/environments/", "prod", &merge).expect(200);
    let state = server.client.get("/state/?product=api").expect(200);
    let cells = state["products"][0]["environments"].as_array().unwrap();
    assert_eq!(cells.len(), 1);
    assert_eq!(
        (
            &cells[0]["current"]["version"],
            &cells[0]["latest"]["version"]
        ),
        (&json!("2"), &json!("3"))
    );
    let all = server
        .client
        .get("/deployments/?environment=prod&product=api")
        .expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 4, "nothing is lost");
    let detail = server.client.deploy("4", "prod", "started").detail(409);
    assert_eq!(detail["details"]["in_progress"]["version"], "3");
    server.client.deploy("3", "prod", "completed").expect(200);
    server.client.deploy("4", "PROD", "started").detail(428);
    server.client.deploy("1", "prod", "started").expect(200);
    let again = change(&server, "/environments/", "prod", &json!({ "owner": "x" }));
    again.detail(422);
}

#[test]
fn what_is_in_progress_in_both_keeps_them_apart() {
    let server = Server::start();
    server.client.deploy("1", "prod", "started").expect(200);
    server
        .client
        .deploy("2", "production", "started")
        .expect(200);
    let merge = json!({ "alias_of": "production" });
    change(&server, "/environments/", "prod", &merge).detail(409);
    server.client.deploy("1", "prod", "failed").expect(200);
    change(&server, "/environments/", "prod", &merge).expect(200);
    server.client.deploy("1", "prod", "started").detail(409);
}

#[test]
fn two_products_become_one_with_their_versions() {
    let server = Server::start();
    let mut event = deployment("1", "staging", "completed");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    event["product_name"] = json!("api-service");
    let old = server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    event["version"] = json!("2");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let target = json!({ "alias_of": id_of(&server, "/products/", "api") });
    change(&server, "/products/", "api-service", &target).expect(200);
    let versions = server.client.get("/versions/?product=api").expect(200);
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    let one = format!("/deployments/{}/", old["id"].as_str().unwrap());
    let shown = server.client.get(&one).expect(200);
    assert_eq!(
        (&shown["product_name"], &shown["version"]),
        (&json!("api"), &json!("1"))
    );
    event["version"] = json!("3");
    let next = server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    assert_eq!(next["product_name"], "api");
    let state = server.client.get("/state/").expect(200);
    assert_eq!(state["products"].as_array().unwrap().len(), 1);
}

#[test]
fn an_environment_has_a_type_and_rules_can_be_for_all_of_one_type() {
    let server = Server::start();
    server
        .client
        .deploy("1", "prod-eu", "completed")
        .expect(200);
    server
        .client
        .deploy("1", "pre-prod", "completed")
        .expect(200);
    server
        .client
        .deploy("1", "frankfurt", "completed")
        .expect(200);
    let shown = |name: &str| {
        let path = format!("/environments/{}/", id_of(&server, "/environments/", name));
        server.client.get(&path).expect(200)
    };
    let eu = shown("prod-eu");
    assert_eq!(
        (&eu["type"], &eu["order"]),
        (&json!("production"), &json!(40))
    );
    assert_eq!(shown("pre-prod")["type"], "staging");
    assert_eq!(shown("frankfurt")["type"], Value::Null);
    let mut rule = json!({
        "name": "Approval", "type": "release_approval", "environments": ["type:production"],
        "config": { "required_approvals": 1 },
    });
    let made = server.client.post("/deployment-rules/", &rule).expect(201);
    assert!(
        made["warnings"][0]
            .as_str()
            .unwrap()
            .contains("\"keys\": true")
    );
    rule["environments"] = json!(["type:live"]);
    server.client.post("/deployment-rules/", &rule).detail(422);
    let start = |name: &str| server.client.deploy("2", name, "started").status;
    assert_eq!((start("prod-eu"), start("pre-prod")), (428, 200));
    assert_eq!(start("frankfurt"), 200);
    server.client.deploy("2", "frankfurt", "failed").expect(200);
    change(
        &server,
        "/environments/",
        "frankfurt",
        &json!({ "type": "production" }),
    )
    .expect(200);
    assert_eq!(start("frankfurt"), 428);
    let reader = server.add_limited_key(&NewKey::new(Scopes::of(&[Scope::Rules])));
    let path = format!(
        "/environments/{}/",
        id_of(&server, "/environments/", "frankfurt")
    );
    reader
        .request("PATCH", &path, &json!({ "type": "dev" }))
        .detail(403);
}

#[test]
fn an_environment_that_nobody_meant_is_told_or_closed() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    let answer = server
        .client
        .deploy("1", "prodution", "started")
        .expect(200);
    assert_eq!(answer["environment_created"], true);
    let found = &answer["extra_metadata"]["preflight_status"]["rules_evaluated"][0];
    assert_eq!(
        (&found["status"], &found["error_message"]),
        (
            &json!("report_only"),
            &json!("Environment prodution was not known until now; did you mean production?")
        )
    );
    server.client.deploy("1", "prodution", "failed").expect(200);
    let again = server
        .client
        .deploy("1", "prodution", "started")
        .expect(200);
    let found = &again["extra_metadata"]["preflight_status"]["rules_evaluated"];
    assert_eq!(found, &json!([]));

    let closed = json!({ "new_environments": "closed" });
    server
        .client
        .request("PATCH", "/settings/", &closed)
        .expect(200);
    let settings = server.client.get("/settings/").expect(200);
    assert_eq!(settings["new_environments"], "closed");
    let detail = server
        .client
        .deploy("2", "productionn", "started")
        .detail(422);
    assert_eq!(detail[0]["type"], "unknown_environment");
    assert!(detail[0]["msg"].as_str().unwrap().contains("production"));
    assert_eq!(
        server.client.get("/environments/").expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    server
        .client
        .deploy("2", "elsewhere", "completed")
        .expect(200);
    let wrong = json!({ "new_environments": "shut" });
    server
        .client
        .request("PATCH", "/settings/", &wrong)
        .detail(422);
}

#[test]
fn as_many_new_names_as_may_be_come_within_an_hour_but_an_end_is_recorded() {
    let server = Server::start();
    let client = &server.client;
    let settings = json!({ "new_names_per_hour": 10 });
    let set = client.request("PATCH", "/settings/", &settings).expect(200);
    assert_eq!(set["new_names_per_hour"], 10);
    assert_eq!(set["new_environments"], "open");
    let named = |product: &str, status: &str| {
        let mut event = deployment("1", "production", status);
        event["product_name"] = json!(product);
        client.post("/deployment-events/", &event)
    };
    // The environment is one of them.
    for n in 0..9 {
        named(&format!("p{n}"), "completed").expect(200);
        server.clock.advance(1);
    }
    let refused = named("one-more", "started");
    assert!(
        refused
            .detail(429)
            .as_str()
            .unwrap()
            .contains("new_names_per_hour")
    );
    // The first two names came 9 minutes ago.
    assert_eq!(refused.headers["retry-after"], (51 * 60).to_string());
    let mut build = crate::support::build("1", "started");
    build["product_name"] = json!("one-more");
    assert_eq!(client.post("/build-events/", &build).status, 429);
    let products = client.get("/products/").expect(200)["items"].clone();
    assert_eq!(products.as_array().unwrap().len(), 9);
    // What is known goes on, and so do new versions.
    let mut again = deployment("2", "production", "started");
    again["product_name"] = json!("p0");
    client.post("/deployment-events/", &again).expect(200);
    named("over", "failed").expect(200);
    build["status"] = json!("completed");
    client.post("/build-events/", &build).expect(200);

    let refused = named("again", "started");
    let wait: i64 = refused.headers["retry-after"].parse().unwrap();
    server.clock.advance(wait / 60);
    named("again", "started").expect(200);
    for wrong in [
        json!(9),
        json!(1_000_001),
        json!("many"),
        json!(null),
        json!(10.5),
    ] {
        let settings = json!({ "new_names_per_hour": wrong });
        client.request("PATCH", "/settings/", &settings).detail(422);
    }
    assert_eq!(
        client.request("PATCH", "/settings/", &json!({})).status,
        422
    );
}

#[test]
fn a_deployment_from_another_commit_is_marked() {
    let server = Server::start();
    let mut build = crate::support::build("1", "completed");
    build["scm_sha"] = json!("abcdef0123456789");
    server.client.post("/build-events/", &build).expect(200);
    let mut event = deployment("1", "staging", "started");
    event["scm_sha"] = json!("ABCDEF0");
    let ask = |event: &Value| {
        let asked = server.client.post("/preflight/", event).expect(200);
        asked["rules_evaluated"].clone()
    };
    server
        .client
        .deploy("0", "staging", "completed")
        .expect(200);
    assert_eq!(ask(&event), json!([]));
    event["scm_sha"] = json!("1234567");
    let found = ask(&event);
    assert_eq!(
        (&found[0]["code"], &found[0]["status"]),
        (&json!("SHA_DIFFERS"), &json!("report_only"))
    );
    let answer = server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let found = &answer["extra_metadata"]["preflight_status"]["rules_evaluated"][0];
    assert_eq!(
        found["error_message"],
        "Version 1 is commit abcdef0123456789, and this deployment runs from 1234567"
    );
}

#[test]
fn names_that_fall_together_were_merged_by_the_migration() {
    let server = Server::on_data(crate::migration::before_the_log());
    server.clock.set("2026-11-25T14:00:00Z");
    let client = crate::support::Client::new(&server.client.url, crate::migration::KEY);
    let listed = client.get("/environments/").expect(200);
    let production = listed["items"].as_array().unwrap().iter();
    let production: Vec<_> = production
        .filter(|item| {
            item["name"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case("production")
        })
        .collect();
    assert_eq!(production.len(), 2);
    let (alias, first) = (production[0], production[1]);
    assert_eq!(
        (&alias["alias_of"], &first["alias_of"]),
        (&first["id"], &Value::Null)
    );
    assert_eq!(
        (&first["type"], &first["order"]),
        (&json!("production"), &json!(40))
    );
    let of_it = client
        .get("/deployments/?environment=Production&product=api")
        .expect(200);
    let items = of_it["items"].as_array().unwrap().iter();
    let ids: Vec<_> = items.map(|item| &item["environment_id"]).collect();
    assert_eq!(ids, [&first["id"]; 4]);
    let database = Connection::open(server.data.path().join("accounts/local.db")).unwrap();
    let broken: i64 = database
        .query_row("SELECT COUNT(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(broken, 0);
    let log = server.client.get("/audit/?kind=migrated").expect(200);
    assert_eq!(log["items"][0]["changes"][0]["change"], "merged");
}
