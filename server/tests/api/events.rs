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
    let started = deployment("1", "prod", "started");
    let other = deployment("2", "prod", "started");
    let first = server
        .client
        .post_once("/deployment-events/", "key-1", &started);
    first.expect(200);
    let refused = server
        .client
        .post_once("/deployment-events/", "key-2", &other);
    refused.expect(409);
    server.client.deploy("1", "prod", "completed").expect(200);

    let same = |server: &Server| {
        let again = server
            .client
            .post_once("/deployment-events/", "key-1", &started);
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        let again = server
            .client
            .post_once("/deployment-events/", "key-2", &other);
        assert_eq!((again.status, &again.text), (refused.status, &refused.text));
        let reused = server
            .client
            .post_once("/deployment-events/", "key-1", &other)
            .detail(422);
        assert_eq!(reused[0]["loc"], json!(["header", "Idempotency-Key"]));
        let elsewhere = server.client.post_once("/build-events/", "key-1", &started);
        elsewhere.detail(422);
    };
    same(&server);
    same(&server.restart());
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
