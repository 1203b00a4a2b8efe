//! Lists, the state matrix, and who can read what.

use serde_json::{Value, json};

use crate::support::{Client, Server, build, deployment};

/// All items of a list, page by page.
fn all(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("{path}{separator}limit={limit}{cursor}"))
            .expect(200);
        let found = page["items"].as_array().unwrap();
        assert!(found.len() <= limit);
        items.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn field(items: &[Value], name: &str) -> Vec<String> {
    items
        .iter()
        .map(|item| item[name].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_was_sent_is_read_back_with_its_numbers_as_written() {
    let server = Server::start();
    let mut event = deployment("1.2.3", "production", "success");
    let sent = json!({
        "source_system": "github", "build_number": "42", "scm_sha": "abc", "scm_branch": "main",
        "scm_repository": "acme/api", "build_url": "https://ci/1", "deploy_url": "https://ci/2",
        "invoke_id": "run-7", "deployed_by": "ada", "deployed_by_email": "ada@example.com",
        "deployed_by_name": "Ada 🚀",
    });
    for (name, value) in sent.as_object().unwrap() {
        event[name] = value.clone();
    }
    let text = event.to_string();
    let exact =
        r#"{"ratio":1.10000000000000000000001,"big":123456789012345678901234567890,"e":1e400}"#;
    let text = format!("{},\"extra_metadata\":{exact}}}", &text[..text.len() - 1]);
    let json = [("Content-Type", "application/json")];
    server
        .client
        .send("POST", "/deployment-events/", &json, text.as_bytes())
        .expect(200);

    let reply = server.client.get("/deployments/");
    let item = &reply.expect(200)["items"][0];
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&item[name], value, "{name}");
    }
    for number in [
        "1.10000000000000000000001",
        "123456789012345678901234567890",
    ] {
        assert!(reply.text.contains(number), "{}", reply.text);
    }
    assert_eq!(item["product_name"], "api");
    assert_eq!(item["environment_name"], "production");
    assert_eq!(item["created_at"], "2025-11-19T12:00:00Z");
}

#[test]
fn lists_have_filters_and_pages() {
    let server = Server::start();
    for n in 0..7 {
        let environment = if n % 2 == 0 { "staging" } else { "production" };
        server
            .client
            .deploy(&format!("v{n}"), environment, "completed")
            .expect(200);
        server
            .client
            .post("/build-events/", &build(&format!("v{n}"), "failed"))
            .expect(200);
        server.clock.advance(60);
    }
    let newest_first: Vec<_> = (0..7).rev().map(|n| format!("v{n}")).collect();
    for limit in [1, 3, 7, 100] {
        assert_eq!(
            field(&all(&server.client, "/deployments/", limit), "version"),
            newest_first
        );
    }
    assert_eq!(
        field(&all(&server.client, "/versions/?product=api", 4), "version"),
        newest_first
    );
    assert_eq!(
        field(&all(&server.client, "/products/", 4), "name"),
        ["api"]
    );
    assert_eq!(
        field(&all(&server.client, "/environments/", 4), "name"),
        ["production", "staging"]
    );

    let versions = |path: &str| field(&all(&server.client, path, 100), "version");
    assert_eq!(
        versions("/deployments/?environment=production"),
        ["v5", "v3", "v1"]
    );
    assert_eq!(
        versions("/deployments/?environment=staging&version=v2"),
        ["v2"]
    );
    assert_eq!(versions("/deployments/?status=started"), [""; 0]);
    assert_eq!(versions("/deployments/?product=other"), [""; 0]);
    assert_eq!(versions("/builds/?status=failure&version=v3"), ["v3"]);
    let since = "/deployments/?since=2025-11-19T14:00:00Z&until=2025-11-19T17:00:00%2B01:00";
    assert_eq!(versions(since), ["v3", "v2"]);
}

#[test]
fn a_page_of_large_items_ends_early_and_none_is_lost() {
    let server = Server::start();
    for n in 0..12 {
        let mut event = deployment(&n.to_string(), "prod", "completed");
        event["extra_metadata"] = json!({ "vi_log": "x".repeat(1_000_000) });
        server
            .client
            .post("/deployment-events/", &event)
            .expect(200);
    }
    let first = server.client.get("/deployments/?limit=12").expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    assert_eq!(all(&server.client, "/deployments/", 12).len(), 12);
}

#[test]
fn a_filter_that_does_not_exist_or_makes_no_sense_is_refused() {
    let server = Server::start();
    for (query, field) in [
        ("/deployments/?enviroment=prod", "enviroment"),
        ("/products/?status=started", "status"),
        ("/deployments/?status=done", "status"),
        ("/builds/?since=yesterday", "since"),
        ("/versions/?product=p&version=", "version"),
        ("/state/?product=", "product"),
        ("/deployments/?status=failed&status=started", "status"),
        ("/versions/?limit=0", "limit"),
        ("/versions/?limit=501", "limit"),
        ("/versions/?limit=many", "limit"),
        ("/deployments/?cursor=junk", "cursor"),
        ("/deployments/?cursor=1.x", "cursor"),
        ("/products/?cursor=junk", "cursor"),
        ("/state/?cursor=junk", "cursor"),
        ("/audit/?cursor=junk", "cursor"),
        ("/audit/?kind=", "kind"),
        ("/compare/?from=staging", "to"),
        ("/compare/?from=staging&to=nowhere", "from"),
        ("/metrics/dora?interval=hour", "interval"),
        (
            "/metrics/dora?since=2025-01-01T00:00:00Z&interval=day&until=2027-01-01T00:00:00Z",
            "interval",
        ),
        (
            "/metrics/dora?since=2025-01-02T00:00:00Z&until=2025-01-01T00:00:00Z",
            "since",
        ),
        ("/state/?since=2025-01-01T00:00:00Z", "since"),
    ] {
        let detail = server.client.get(query).detail(422);
        assert_eq!(detail[0]["loc"], json!(["query", field]), "{query}");
    }
}

#[test]
fn the_matrix_shows_what_runs_where_and_marks_drift() {
    let server = Server::start();
    assert_eq!(
        server.client.get("/state/").expect(200),
        json!({ "products": [], "next_cursor": null })
    );
    for version in ["1", "2"] {
        server
            .client
            .deploy(version, "staging", "completed")
            .expect(200);
    }
    let mut event = deployment("1", "production", "completed");
    event["deployed_by"] = json!("ada");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    server.clock.advance(5);
    server
        .client
        .deploy("2", "production", "started")
        .expect(200);
    server.client.deploy("2", "test", "failed").expect(200);

    let state = server.client.get("/state/?product=api").expect(200);
    let product = &state["products"][0];
    assert_eq!(product["drift"], true);
    let cells = product["environments"].as_array().unwrap();
    let [staging, production, test] = cells.as_slice() else {
        panic!("{cells:?}")
    };
    assert_eq!(
        (&staging["current"]["version"], &staging["drift"]),
        (&json!("2"), &json!(false))
    );
    assert_eq!(production["drift"], true);
    assert_eq!(production["current"]["version"], "1");
    assert_eq!(production["current"]["deployed_by"], "ada");
    assert_eq!(production["current"]["deployed_at"], "2025-11-19T12:00:00Z");
    assert_eq!(production["latest"]["version"], "2");
    assert_eq!(production["latest"]["status"], "started");
    assert_eq!(test["current"], Value::Null);
    assert_eq!(
        (&test["latest"]["status"], &test["drift"]),
        (&json!("failed"), &json!(false))
    );

    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    let state = server.client.get("/state/").expect(200);
    assert_eq!(state["products"][0]["drift"], false);
    let none = server.client.get("/state/?product=other").expect(200);
    assert_eq!(none, json!({ "products": [], "next_cursor": null }));
}

#[test]
fn a_deployment_that_is_told_late_does_not_displace_a_newer_one() {
    let server = Server::start();
    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    let late = deployment("1", "production", "completed").to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("Versioner-Occurred-At", "2025-11-01T00:00:00Z"),
    ];
    let told = server
        .client
        .send("POST", "/deployment-events/", &headers, late.as_bytes());
    let told = told.expect(200);
    assert_eq!(
        (&told["told"], &told["gated"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(told["deployed_at"], "2025-11-01T00:00:00Z");
    let state = server.client.get("/state/").expect(200);
    let cell = &state["products"][0]["environments"][0];
    assert_eq!(cell["current"]["version"], "2");
}

#[test]
fn an_account_sees_and_touches_nothing_of_another() {
    let server = Server::start();
    let other = server.add_key("acme", false);
    let version = server.client.deploy("1", "prod", "started").expect(200)["version_id"].clone();
    let rule = json!({ "name": "x", "type": "concurrency" });
    let rule = server.client.post("/deployment-rules/", &rule).expect(201)["id"].clone();
    let rule = format!("/deployment-rules/{}/", rule.as_str().unwrap());
    let event = deployment("1", "prod", "started");
    server.client.post_once(
        "/deployment-events/",
        "shared",
        &deployment("1", "b", "started"),
    );

    for list in [
        "products",
        "environments",
        "versions",
        "builds",
        "deployments",
        "deployment-rules",
    ] {
        let listed = other.get(&format!("/{list}/")).expect(200);
        assert_eq!(listed["items"], json!([]), "{list}");
    }
    assert_eq!(
        other.get("/state/").expect(200),
        json!({ "products": [], "next_cursor": null })
    );
    other.get(&rule).detail(404);
    other
        .request("PATCH", &rule, &json!({ "status": "disabled" }))
        .detail(404);
    other.send("DELETE", &rule, &[], b"").detail(404);
    let approvals = format!("/versions/{}/approvals/", version.as_str().unwrap());
    other.get(&approvals).detail(404);
    let approval = json!({ "type": "release", "environment": "prod", "approved_by": "eve" });
    other.post(&approvals, &approval).detail(404);
    let own = other
        .post_once("/deployment-events/", "shared", &event)
        .expect(200);
    assert_ne!(
        own["version_id"], version,
        "neither a conflict nor the other's answer"
    );
}

#[test]
fn everything_is_read_by_its_identifier_and_every_answer_names_the_features() {
    let server = Server::start();
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    let reply = server.client.deploy("1", "prod", "completed");
    assert_eq!(
        reply.headers["versioner-features"],
        "idempotency, history, preflight, wait, span, renew"
    );
    for list in [
        "products",
        "environments",
        "versions",
        "builds",
        "deployments",
    ] {
        let items = server.client.get(&format!("/{list}/")).expect(200)["items"].clone();
        let id = items[0]["id"].as_str().unwrap();
        let mut one = server.client.get(&format!("/{list}/{id}/")).expect(200);
        if list == "deployments" {
            let one = one.as_object_mut().unwrap();
            assert!(one.remove("story").is_some() && one.remove("approvals").is_some());
        }
        assert_eq!(one, items[0]);
        let missing = server.client.get(&format!("/{list}/nothing/"));
        missing.detail(404);
        assert!(missing.headers.contains_key("versioner-features"));
    }
}
