//! Events: what is recorded, and what is answered.

use std::sync::Barrier;

use serde_json::json;
use versioner::Status;

use crate::support::{Server, build, deployment};

#[test]
fn every_alias_of_a_status_is_answered_with_its_canonical_word() {
    let server = Server::start();
    for status in Status::ALL {
        for word in status.aliases().iter().chain([&status.as_str()]) {
            let event = build("1", &format!(" {} ", word.to_uppercase()));
            let answer = server.client.post("/build-events/", &event).expect(200);
            assert_eq!(answer["status"], status.as_str(), "{word}");
        }
    }
}

#[test]
fn a_build_has_an_id_and_its_later_events_belong_to_it() {
    let server = Server::start();
    let first = server
        .client
        .post("/build-events/", &build("1", "started"))
        .expect(200);
    let second = server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    let third = server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    assert_eq!(first["id"], second["id"]);
    assert_ne!(second["id"], third["id"], "a finished build stays as it is");
    assert_eq!(first["version_id"], third["version_id"]);
    assert_eq!(first["product_id"], third["product_id"]);
}

#[test]
fn a_version_is_immutable_once_it_was_built_from_a_commit() {
    let server = Server::start();
    let sha = |sha: &str| {
        let mut event = build("1.2.3", "completed");
        event["scm_sha"] = json!(sha);
        server.client.post("/build-events/", &event)
    };
    server
        .client
        .post("/build-events/", &build("1.2.3", "pending"))
        .expect(200);
    sha("aaaaaaaaaaaaaaaa").expect(200);
    sha("AAAAAAAAAAAAAAAA").expect(200);
    sha("aaaaaaaa").expect(200);
    let detail = sha("bbbbbbbbbbbbbbbb").detail(409);
    assert_eq!(detail, "Version 1.2.3 already exists with different SHA");
}

#[test]
fn only_a_completed_build_pins_the_commit_and_a_longer_name_of_it_fills_it_up() {
    let server = Server::start();
    let built = |sha: &str, status: &str| {
        let mut event = build("1.2.3", status);
        event["scm_sha"] = json!(sha);
        server.client.post("/build-events/", &event)
    };
    let known = || {
        let versions = server.client.get("/versions/").expect(200);
        versions["items"][0]["scm_sha"].clone()
    };
    built("bbbbbbbbbbbbbbbb", "failed").expect(200);
    built("abcdef1", "completed").expect(200);
    assert_eq!(known(), "abcdef1");
    built("abcdef1aaaaaaaaa", "completed").expect(200);
    assert_eq!(known(), "abcdef1aaaaaaaaa");
    let refused = built("abcdef1bbbbbbbbb", "completed").expect(409);
    let message = "Version 1.2.3 already exists with different SHA";
    assert_eq!(
        (&refused["detail"], &refused["message"]),
        (&json!(message), &json!(message))
    );
}

#[test]
fn a_build_that_is_over_stays_as_it_is() {
    let server = Server::start();
    let send = |status: &str| {
        let mut event = build("1", status);
        event["invoke_id"] = json!("7");
        server.client.post("/build-events/", &event).expect(200)
    };
    let first = send("started");
    assert_eq!(send("pending")["status"], "started");
    assert_eq!(send("completed")["id"], first["id"]);
    for late in ["pending", "started", "completed"] {
        let again = send(late);
        assert_eq!(
            (&again["id"], &again["status"]),
            (&first["id"], &json!("completed"))
        );
    }
}

#[test]
fn a_deployment_can_run_from_another_commit_than_its_version() {
    let server = Server::start();
    let mut built = build("1", "completed");
    built["scm_sha"] = json!("aaaaaaaaaaaaaaaa");
    server.client.post("/build-events/", &built).expect(200);
    let mut deployed = deployment("1", "prod", "completed");
    deployed["scm_sha"] = json!("bbbbbbbbbbbbbbbb");
    server
        .client
        .post("/deployment-events/", &deployed)
        .expect(200);
}

#[test]
fn a_completed_deployment_says_when() {
    let server = Server::start();
    let answer = server.client.deploy("1", "prod", "success").expect(200);
    assert_eq!(answer["deployed_at"], "2025-11-19T12:00:00Z");
    assert_eq!(answer["status"], "completed");
    for field in ["id", "product_id", "version_id", "environment_id"] {
        assert!(
            answer[field].as_str().is_some_and(|id| !id.is_empty()),
            "{field}"
        );
    }
    let mut early = deployment("1", "prod", "success");
    early["completed_at"] = json!("2025-11-19T12:30:00+01:00");
    let answer = server
        .client
        .post("/deployment-events/", &early)
        .expect(200);
    assert_eq!(answer["deployed_at"], "2025-11-19T11:30:00Z");
    let mut future = deployment("1", "prod", "success");
    future["completed_at"] = json!("2030-01-01T00:00:00Z");
    let answer = server
        .client
        .post("/deployment-events/", &future)
        .expect(200);
    assert_eq!(answer["deployed_at"], "2025-11-19T12:00:00Z");
}

#[test]
fn a_second_start_is_a_conflict_until_the_first_ends() {
    for end in ["completed", "failed", "aborted"] {
        let server = Server::start();
        let first = server
            .client
            .deploy("1", "production", "started")
            .expect(200);
        let detail = server
            .client
            .deploy("2", "production", "started")
            .detail(409);
        assert_eq!(detail["code"], "DEPLOYMENT_IN_PROGRESS");
        let message = "Another deployment to production is already in progress";
        assert_eq!(detail["message"], message);
        assert_eq!(
            detail["details"]["in_progress"]["deployment_id"],
            first["id"]
        );
        server.client.deploy("2", "staging", "started").expect(200);
        let ended = server.client.deploy("1", "production", end).expect(200);
        assert_eq!(ended["id"], first["id"]);
        server
            .client
            .deploy("2", "production", "started")
            .expect(200);
    }
}

#[test]
fn of_many_starts_at_the_same_instant_exactly_one_wins() {
    const CLIENTS: usize = 24;
    let server = Server::start();
    for round in 0..5 {
        let environment = format!("prod-{round}");
        let barrier = Barrier::new(CLIENTS);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS)
                .map(|n| {
                    let client =
                        crate::support::Client::new(&server.client.url, &server.client.key);
                    let (barrier, environment) = (&barrier, &environment);
                    scope.spawn(move || {
                        barrier.wait();
                        client
                            .deploy(&format!("v{n}"), environment, "started")
                            .status
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let won = statuses.iter().filter(|status| **status == 200).count();
        let lost = statuses.iter().filter(|status| **status == 409).count();
        assert_eq!((won, lost), (1, CLIENTS - 1));
    }
}

#[test]
fn an_idempotency_key_gets_its_first_answer_again_also_after_a_restart() {
    let server = Server::start();
    let path = "/deployment-events/";
    let started = deployment("1", "prod", "started");
    let other = deployment("2", "prod", "started");
    let ended = deployment("9", "test", "completed");
    let first = server.client.post_once(path, "key-1", &started);
    first.expect(200);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let refused = server.client.post_once(path, "key-2", &other);
    refused.expect(409);
    let end = server.client.post_once(path, "key-3", &ended);
    end.expect(200);

    let same = |server: &Server| {
        for (key, event, before) in [
            ("key-1", &started, &first),
            ("key-2", &other, &refused),
            ("key-3", &ended, &end),
        ] {
            let again = server.client.post_once(path, key, event);
            assert_eq!((again.status, &again.text), (before.status, &before.text));
            assert_eq!(again.headers["idempotency-replayed"], "true");
        }
        let reused = server.client.post_once(path, "key-1", &other).detail(422);
        assert_eq!(reused[0]["loc"], json!(["header", "Idempotency-Key"]));
    };
    same(&server);
    let server = server.restart();
    same(&server);

    // Another order of the members is the same event; another endpoint or key has its own keys.
    let headers = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "key-3"),
    ];
    let reordered = br#"{"status":"completed", "environment_name":"test", "version":"9", "product_name":"api"}"#;
    let again = server.client.send("POST", path, &headers, reordered);
    assert_eq!(again.text, end.text);
    server
        .client
        .post_once("/build-events/", "key-3", &build("9", "completed"))
        .expect(200);
    let own = server
        .add_key("local", false)
        .post_once(path, "key-3", &ended);
    assert_ne!(own.expect(200)["id"], end.json()["id"]);
}

#[test]
fn a_rejection_is_remembered_for_ten_minutes_and_a_start_until_its_end() {
    let server = Server::start();
    let path = "/deployment-events/";
    let started = deployment("1", "prod", "started");
    let other = deployment("2", "prod", "started");
    let first = server
        .client
        .post_once(path, "run-7-start", &started)
        .expect(200);
    let refused = server
        .client
        .post_once(path, "run-8-start", &other)
        .expect(409);
    server.clock.advance(9);
    server.client.deploy("1", "prod", "completed").expect(200);
    let again = server
        .client
        .post_once(path, "run-8-start", &other)
        .expect(409);
    assert_eq!(again, refused);
    let detail = server
        .client
        .post_once(path, "run-7-start", &started)
        .detail(422);
    assert_eq!(detail[0]["type"], "idempotency_key_ended");
    server.clock.advance(2);
    let allowed = server
        .client
        .post_once(path, "run-8-start", &other)
        .expect(200);
    assert_ne!(allowed["id"], first["id"]);
}

#[test]
fn a_deciding_header_that_is_blank_or_doubled_is_refused() {
    let server = Server::start();
    let body = deployment("1", "prod", "completed").to_string();
    for headers in [
        vec![("Idempotency-Key", ""), ("Idempotency-Key", "real")],
        vec![("Idempotency-Key", " ")],
        vec![("Versioner-Span", "a"), ("Versioner-Span", "a")],
        vec![("Versioner-Occurred-At", "yesterday")],
        vec![("Versioner-Occurred-At", "20261125T110000Z")],
    ] {
        let detail = server
            .client
            .send("POST", "/deployment-events/", &headers, body.as_bytes());
        assert_eq!(
            detail.detail(422)[0]["loc"],
            json!(["header", headers[0].0])
        );
    }
    let listed = server.client.get("/deployments/").expect(200);
    assert_eq!(listed["items"], json!([]));
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let server = Server::start();
    let mut event = build("1.0", "started");
    event["invoke_id"] = json!("7");
    event["extra_metadata"] = json!({ "vi_a": "x".repeat(600_000) });
    server.client.post("/build-events/", &event).expect(200);
    event["extra_metadata"] = json!({ "vi_b": "x".repeat(600_000) });
    event["scm_sha"] = json!("aaaaaaaaaaaaaaaa");
    event["status"] = json!("completed");
    server.client.post("/build-events/", &event).detail(422);
    let versions = server.client.get("/versions/").expect(200);
    assert_eq!(versions["items"][0]["scm_sha"], json!(null));
    event["extra_metadata"] = json!({});
    event["scm_sha"] = json!("bbbbbbbbbbbbbbbb");
    server.client.post("/build-events/", &event).expect(200);

    let mut start = deployment("1.0", "nowhere-yet", "started");
    start["extra_metadata"] = json!({ "a": 1 });
    let span = [
        ("Content-Type", "application/json"),
        ("Versioner-Span", "s-1"),
    ];
    let send = |event: &serde_json::Value| {
        server.client.send(
            "POST",
            "/deployment-events/",
            &span,
            event.to_string().as_bytes(),
        )
    };
    start["environment_name"] = json!("here");
    send(&start).expect(200);
    start["environment_name"] = json!("elsewhere");
    assert_eq!(send(&start).detail(422)[0]["type"], "span_elsewhere");
    let environments = server.client.get("/environments/").expect(200);
    let names: Vec<_> = environments["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["here"]);
}

#[test]
fn keys_that_mean_something_to_the_parser_are_refused() {
    let server = Server::start();
    let send = |metadata: &str| {
        let body = format!(
            "{{\"product_name\":\"a\",\"version\":\"1\",\"environment_name\":\"e\",\
             \"status\":\"started\",\"extra_metadata\":{metadata}}}"
        );
        let json = [("Content-Type", "application/json")];
        server
            .client
            .send("POST", "/deployment-events/", &json, body.as_bytes())
    };
    let pill = |inner: &str| format!(r#"{{"x":{{"$serde_json::private::RawValue":"{inner}"}}}}"#);
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    for metadata in [
        pill(&deep),
        pill("[1,2]"),
        r#"{"$serde_json::private::Number":"7"}"#.to_owned(),
    ] {
        assert_eq!(send(&metadata).detail(422)[0]["type"], "key");
    }
    let doubled = send(r#"{"a":{"b":1,"b":2}}"#).detail(422);
    assert_eq!(
        doubled[0]["loc"],
        json!(["body", "extra_metadata", "a", "b"])
    );
    send("{}").expect(200);
    server.client.get("/deployments/").expect(200);
}

#[test]
fn the_same_idempotency_key_at_the_same_instant_is_recorded_once() {
    const CLIENTS: usize = 16;
    let server = Server::start();
    let barrier = Barrier::new(CLIENTS);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let client = crate::support::Client::new(&server.client.url, &server.client.key);
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let event = deployment("1", "prod", "started");
                    client.post_once("/deployment-events/", "one", &event).text
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(texts[0].contains("\"id\""), "{}", texts[0]);
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}
