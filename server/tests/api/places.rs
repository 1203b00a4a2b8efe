//! What happened to one deployment, where a commit runs, two environments side by side, and figures.

use serde_json::{Value, json};

use crate::support::{Server, build, deployment};

const SHA: &str = "4f1c2b7e9d3a5f6001234567890abcdef0123456";

fn build_from(server: &Server, version: &str, sha: &str) {
    let mut event = build(version, "completed");
    event["scm_sha"] = json!(sha);
    server.client.post("/build-events/", &event).expect(200);
}

fn story(server: &Server, id: &Value) -> Vec<Value> {
    let path = format!("/deployments/{}/", id.as_str().unwrap());
    let deployment = server.client.get(&path).expect(200);
    deployment["story"]["items"].as_array().unwrap().clone()
}

fn words(items: &[Value], name: &str) -> Vec<String> {
    let text = |item: &Value| item[name].as_str().unwrap_or("-").to_owned();
    items.iter().map(text).collect()
}

#[test]
fn a_deployment_has_its_whole_story() {
    let server = Server::start();
    let rule = json!({
        "name": "Two", "type": "release_approval", "environments": ["production"],
        "create": true,
        "config": { "required_approvals": 1, "keys": true, "exclude_deployer": false },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    let built = build("1", "completed");
    server.client.post("/build-events/", &built).expect(200);
    let mut start = deployment("1", "production", "started");
    start["invoke_id"] = json!("run-7");
    start["extra_metadata"] = json!({ "region": "eu" });
    let refused = server.client.post("/deployment-events/", &start);
    let refused = refused.expect(428);
    let id = &refused["details"]["deployment_id"];
    let read = format!("/deployments/{}/", id.as_str().unwrap());
    let version = server.client.get(&read).expect(200)["version_id"].clone();
    let approvals = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let approval = json!({
        "type": "release", "environment": "Production", "approved_by": "ada@example.com",
    });
    server.client.post(&approvals, &approval).expect(201);
    server.clock.advance(5);
    server
        .client
        .post("/deployment-events/", &start)
        .expect(200);
    let renew = format!("{read}renew/");
    server.client.post(&renew, &json!({})).expect(200);
    let mut end = start.clone();
    end["status"] = json!("failed");
    server.client.post("/deployment-events/", &end).expect(200);

    let deployment = server.client.get(&read).expect(200);
    assert_eq!(deployment["status"], "failed");
    assert_eq!(deployment["approvals"][0]["approved_by"], "ada@example.com");
    let items = story(&server, id);
    let kinds = [
        "deployment.refused",
        "deployment.started",
        "deployment.renewed",
        "deployment.failed",
    ];
    assert_eq!(words(&items, "kind"), kinds);
    let states = ["preflight_failed", "started", "started", "failed"];
    assert_eq!(words(&items, "status"), states);
    assert_eq!(items[0]["answered"], 428);
    assert_eq!(items[0]["actor"], "key:k1");
    assert_eq!(items[0]["refused_by"], "Two");
    assert_eq!(items[0]["checks"]["result"], "failed");
    assert_eq!(items[0]["extra_metadata"]["region"], "eu");
    assert_eq!(items[1]["checks"]["result"], "passed");
    assert_eq!(items[1]["at"], "2025-11-19T12:05:00Z");
}

#[test]
fn what_another_deployment_did_to_it_is_in_the_story_too() {
    let server = Server::start();
    let attempt = |number: &str| {
        let mut start = deployment("1", "production", "started");
        start["source_system"] = json!("github");
        start["invoke_id"] = json!("run-7");
        start["extra_metadata"] = json!({ "vi_gh_job": "deploy", "vi_gh_run_attempt": number });
        start
    };
    let first = server.client.post("/deployment-events/", &attempt("1"));
    let first = first.expect(200)["id"].clone();
    let second = server.client.post("/deployment-events/", &attempt("2"));
    let second = second.expect(200)["id"].clone();
    let items = story(&server, &first);
    assert_eq!(words(&items, "status"), ["started", "aborted"]);
    assert_eq!(items[1]["ended_by"], "newer_attempt");
    assert_eq!(items[1]["of_deployment"], second);
    assert_eq!(story(&server, &second).len(), 1);
}

#[test]
fn a_long_story_is_told_in_parts() {
    let server = Server::start();
    let started = server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let path = format!("/deployments/{}/", started["id"].as_str().unwrap());
    for _ in 0..510 {
        server
            .client
            .post(&format!("{path}renew/"), &json!({}))
            .expect(200);
    }
    let mut parts = Vec::new();
    let mut next = path.clone();
    loop {
        let part = server.client.get(&next).expect(200);
        parts.push(part["story"]["items"].as_array().unwrap().len());
        let Some(cursor) = part["story"]["next_cursor"].as_str() else {
            break;
        };
        next = format!("{path}?cursor={cursor}");
    }
    assert!(parts.len() > 1, "{parts:?}");
    assert_eq!(parts.iter().sum::<usize>(), 511, "{parts:?}");
}

#[test]
fn a_commit_is_found_by_any_length_of_its_name() {
    let server = Server::start();
    build_from(&server, "1", SHA);
    build_from(&server, "2", &SHA[..12]);
    build_from(&server, "3", "aaaaaaaaaaaaaaaaaaaa");
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    server
        .client
        .deploy("2", "staging", "completed")
        .expect(200);
    for asked in [
        SHA.to_owned(),
        SHA[..12].to_owned(),
        SHA[..7].to_uppercase(),
    ] {
        let commit = server.client.get(&format!("/commits/{asked}/")).expect(200);
        let versions = commit["versions"].as_array().unwrap();
        assert_eq!(words(versions, "version"), ["2", "1"], "{asked}");
        let places = |index: usize| {
            words(
                versions[index]["environments"].as_array().unwrap(),
                "environment_name",
            )
        };
        assert_eq!(places(0), ["staging"]);
        assert_eq!(places(1), ["production"]);
    }
    let none = server.client.get("/commits/bbbbbbbb/").expect(200);
    assert_eq!(none["versions"], json!([]));
    server.client.get("/commits/4f1c2b/").detail(422);
    server.client.get("/commits/4f1c2b%25_/").expect(200);
}

#[test]
fn two_environments_are_compared_by_the_order_in_which_versions_were_built() {
    let server = Server::start();
    for version in ["1", "2", "3", "4"] {
        server
            .client
            .post("/build-events/", &build(version, "completed"))
            .expect(200);
        server.clock.advance(60);
    }
    let deploy = |product: &str, version: &str, environment: &str| {
        let mut event = deployment(version, environment, "completed");
        event["product_name"] = json!(product);
        server
            .client
            .post("/deployment-events/", &event)
            .expect(200);
        server.clock.advance(1);
    };
    deploy("api", "1", "staging");
    deploy("api", "1", "production");
    deploy("api", "3", "staging");
    deploy("api", "4", "staging");
    deploy("shop", "7", "production");
    deploy("web", "5", "staging");
    deploy("zoo", "1", "staging");
    deploy("zoo", "1", "production");
    let compare = |query: &str| {
        let path = format!("/compare/?from=Staging&to=production{query}");
        server.client.get(&path).expect(200)
    };
    let answer = compare("");
    assert_eq!(
        (&answer["from"], &answer["to"]),
        (&json!("staging"), &json!("production"))
    );
    let products = answer["products"].as_array().unwrap();
    assert_eq!(
        words(products, "product_name"),
        ["api", "shop", "web", "zoo"]
    );
    let differences = ["behind", "only_in_to", "only_in_from", "same"];
    assert_eq!(words(products, "difference"), differences);
    assert_eq!(products[0]["versions_apart"], 3);
    // Version 3 came first of what production does not have.
    assert_eq!(products[0]["waiting_since"], "2025-11-19T16:02:00Z");
    assert_eq!(products[0]["from"]["version"], "4");
    assert_eq!(products[0]["to"]["version"], "1");
    deploy("api", "4", "production");
    deploy("api", "2", "staging");
    assert_eq!(
        compare("&product=API")["products"][0]["difference"],
        "ahead"
    );

    let first = compare("&limit=3");
    assert_eq!(first["products"].as_array().unwrap().len(), 3);
    let rest = compare(&format!(
        "&cursor={}",
        first["next_cursor"].as_str().unwrap()
    ));
    assert_eq!(
        words(rest["products"].as_array().unwrap(), "product_name"),
        ["zoo"]
    );
    let detail = server
        .client
        .get("/compare/?from=stagin&to=production")
        .detail(422);
    assert!(
        detail[0]["msg"].as_str().unwrap().contains("staging"),
        "{detail}"
    );
}

#[test]
fn the_matrix_has_pages_and_says_what_ran_before_and_of_what_no_word_came() {
    let server = Server::start();
    for (product, version) in [("a", "1"), ("b", "1"), ("c", "1"), ("a", "2")] {
        let mut event = deployment(version, "production", "completed");
        event["product_name"] = json!(product);
        server
            .client
            .post("/deployment-events/", &event)
            .expect(200);
    }
    let first = server.client.get("/state/?limit=2").expect(200);
    assert_eq!(
        words(first["products"].as_array().unwrap(), "product_name"),
        ["a", "b"]
    );
    assert_eq!(
        first["products"][0]["environments"][0]["previous"]["version"],
        "1"
    );
    let next = format!(
        "/state/?limit=2&cursor={}",
        first["next_cursor"].as_str().unwrap()
    );
    let next = server.client.get(&next).expect(200);
    assert_eq!(
        words(next["products"].as_array().unwrap(), "product_name"),
        ["c"]
    );
    assert_eq!(next["next_cursor"], Value::Null);

    server
        .client
        .deploy("3", "production", "started")
        .expect(200);
    let in_progress = || {
        let state = server.client.get("/state/?product=api").expect(200);
        state["products"][0]["environments"][0]["in_progress"][0].clone()
    };
    assert_eq!(in_progress()["no_word_since"], Value::Null);
    server.clock.advance(12 * 60);
    assert_eq!(in_progress()["no_word_since"], "2025-11-19T12:00:00Z");
    assert_eq!(in_progress()["version"], "3");
}

#[test]
fn drift_goes_by_the_order_of_builds_and_not_by_who_is_named_last() {
    let server = Server::start();
    for version in ["1", "2"] {
        server
            .client
            .post("/build-events/", &build(version, "completed"))
            .expect(200);
        server.clock.advance(1);
    }
    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let late = [("Versioner-Occurred-At", "2025-11-01T00:00:00Z")];
    let legacy = deployment("0.9", "legacy", "completed");
    server.client.post_with(&late, &legacy).expect(200);
    let state = server.client.get("/state/").expect(200);
    let cells = state["products"][0]["environments"].as_array().unwrap();
    let drift: Vec<(&str, bool)> = cells
        .iter()
        .map(|cell| {
            (
                cell["environment_name"].as_str().unwrap(),
                cell["drift"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        drift,
        [("production", false), ("staging", true), ("legacy", true)]
    );
}

#[test]
fn pages_lose_and_double_nothing_whatever_is_added_and_whatever_the_clock_does() {
    let server = Server::start();
    for n in 0..9 {
        server
            .client
            .deploy(&n.to_string(), "production", "completed")
            .expect(200);
        if n == 4 {
            server.clock.set("2025-11-19T11:00:00Z");
        }
        server.clock.advance(1);
    }
    let before: Vec<String> = words(
        server.client.get("/deployments/").expect(200)["items"]
            .as_array()
            .unwrap(),
        "id",
    );
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for n in 100.. {
        let page = server
            .client
            .get(&format!("/deployments/?limit=2{cursor}"))
            .expect(200);
        seen.extend(words(page["items"].as_array().unwrap(), "id"));
        // Meanwhile the clock steps back again, and others are recorded.
        server.clock.set("2025-11-19T10:00:00Z");
        server
            .client
            .deploy(&n.to_string(), "staging", "completed")
            .expect(200);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        if n > 120 {
            break;
        }
    }
    let old: Vec<&String> = seen.iter().filter(|id| before.contains(id)).collect();
    assert_eq!(old, before.iter().collect::<Vec<_>>());
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len());
}

#[test]
fn the_log_is_filtered_by_kind_actor_and_subject_together() {
    let server = Server::start();
    let other = server.add_key("local", false);
    for n in 0..3 {
        server
            .client
            .deploy(&n.to_string(), "production", "completed")
            .expect(200);
        other
            .deploy(&n.to_string(), "staging", "started")
            .expect(200);
        other
            .deploy(&n.to_string(), "staging", "completed")
            .expect(200);
    }
    let count = |query: &str| {
        let log = server.client.get(&format!("/audit/?{query}")).expect(200);
        log["items"].as_array().unwrap().len()
    };
    assert_eq!(count("kind=deployment"), 9);
    assert_eq!(count("kind=deploy"), 0);
    assert_eq!(count("kind=deployment.started"), 3);
    assert_eq!(count("kind=deployment&actor=key:k2"), 6);
    assert_eq!(count("kind=deployment.started&actor=key:k1"), 0);
    let mut positions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server
            .client
            .get(&format!("/audit/?kind=deployment&limit=2{cursor}"))
            .expect(200);
        let items = page["items"].as_array().unwrap();
        positions.extend(items.iter().map(|item| item["position"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(positions.len(), 9);
    assert!(positions.is_sorted_by(|a, b| a > b), "{positions:?}");
}

#[test]
fn the_four_figures() {
    let server = Server::start();
    server.clock.set("2025-11-03T00:00:00Z");
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    server.clock.advance(60);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    server.clock.advance(24 * 60);
    server
        .client
        .deploy("2", "production", "failed")
        .expect(200);
    server.clock.advance(30);
    server
        .client
        .deploy("2", "production", "completed")
        .expect(200);
    server
        .client
        .deploy("2", "staging", "completed")
        .expect(200);
    server.clock.advance(24 * 60);
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    let figures = server
        .client
        .get(
            "/metrics/dora?environment=production&since=2025-11-03T00:00:00Z\
             &until=2025-11-07T00:00:00Z&interval=day",
        )
        .expect(200);
    let total = &figures["total"];
    assert_eq!(
        (&total["deployments"], &total["failures"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(total["deployments_per_day"], json!(0.75));
    assert_eq!(total["change_failure_rate"], json!(0.5));
    assert_eq!(
        (&total["lead_time_seconds"], &total["lead_times"]),
        (&json!(3600), &json!(1))
    );
    assert_eq!(total["recovery_time_seconds"], 1800);
    let days = figures["intervals"].as_array().unwrap();
    let deployments: Vec<i64> = days
        .iter()
        .map(|day| day["deployments"].as_i64().unwrap())
        .collect();
    assert_eq!(deployments, [1, 1, 1, 0]);
    assert_eq!(days[3]["change_failure_rate"], Value::Null);
    let nothing = server.client.get("/metrics/dora?product=other").expect(200);
    assert_eq!(nothing["total"]["deployments"], 0);
    assert_eq!(nothing["intervals"].as_array().unwrap().len(), 12);
}
