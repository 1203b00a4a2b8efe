//! Sources: what others send becomes events, once, in whatever order it comes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use crate::pages::on_the_machine;
use crate::process::PROGRAM;
use crate::support::{Client, Reply, Server};

/// A source, as its sender knows it.
pub struct Sender<'s> {
    pub server: &'s Server,
    pub id: String,
    pub path: String,
    pub secret: String,
}

impl<'s> Sender<'s> {
    pub fn new(server: &'s Server, kind: &str, settings: Value) -> Sender<'s> {
        let body = json!({ "name": kind, "kind": kind, "settings": settings });
        Sender::made(server, &body)
    }

    /// The sender of a source that is made so.
    pub fn made(server: &'s Server, body: &Value) -> Sender<'s> {
        let made = server.client.post("/sources/", body).expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Sender {
            server,
            id: text("id"),
            path: text("url").replace("https://versioner.example.com", ""),
            secret: text("secret"),
        }
    }

    pub fn send(&self, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        // Without a key: a sender has none.
        let client = Client::new(&self.server.client.url, "");
        client.send("POST", &self.path, headers, body)
    }

    /// Sends as GitHub does.
    pub fn github(&self, event: &str, delivery: &str, body: &Value) -> Reply {
        let body = body.to_string();
        let signature = format!(
            "sha256={}",
            mac(hmac::HMAC_SHA256, &self.secret, body.as_bytes())
        );
        let headers = [
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", event),
            ("X-GitHub-Delivery", delivery),
            ("X-Hub-Signature-256", &signature),
        ];
        self.send(&headers, body.as_bytes())
    }

    /// What became of a delivery.
    pub fn became(&self, reply: &Reply) -> Value {
        let id = reply.expect(202)["id"].as_str().unwrap().to_owned();
        over(self.server, &id)
    }
}

/// The row of the queue once it is over. The worker is woken as it is written.
pub fn over(server: &Server, id: &str) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let row = server.client.get(&format!("/queue/{id}/")).expect(200);
        if row["state"] != "waiting" {
            return row;
        }
        assert!(std::time::Instant::now() < deadline, "{row}");
    }
}

pub fn mac(algorithm: hmac::Algorithm, secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A deployment's status, with the members that GitHub sends and we read.
pub fn status(state: &str, environment: &str, run: Value, at: &str) -> Value {
    json!({
        "action": "created",
        "deployment_status": {
            "id": 7, "state": state, "environment": environment, "created_at": at,
            "target_url": "https://github.com/acme/shop/actions/runs/42",
        },
        "deployment": {
            "id": 5, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "ref": "v1.4.2",
            "environment": environment, "creator": { "login": "octocat" }, "payload": {},
            "created_at": "2025-11-19T11:00:00Z",
        },
        "workflow_run": run,
        "repository": { "name": "shop", "full_name": "acme/shop" },
        "sender": { "login": "octocat" },
    })
}

pub fn run() -> Value {
    json!({ "id": 42, "run_attempt": 1, "run_number": 3, "actor": { "login": "ada" } })
}

/// That a run is over, as GitHub tells it.
pub fn run_over(attempt: u32, conclusion: &str) -> Value {
    json!({
        "action": "completed",
        "workflow_run": {
            "id": 42, "run_attempt": attempt, "conclusion": conclusion, "name": "deploy",
            "path": ".github/workflows/deploy.yml", "head_sha": "f95f852",
        },
        "repository": { "name": "shop", "full_name": "acme/shop" },
    })
}

fn deployments(server: &Server, environment: &str) -> Vec<Value> {
    let path = format!("/deployments/?environment={environment}");
    let items = server.client.get(&path).expect(200)["items"].clone();
    items.as_array().unwrap().clone()
}

#[test]
fn a_signed_delivery_becomes_one_deployment_however_often_it_comes() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    assert!(github.id.starts_with("local_") && github.id.len() == "local_".len() + 43);
    let body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    let first = github.github("deployment_status", "d1", &body);
    let row = github.became(&first);
    assert_eq!(
        (&row["state"], &row["attempts"]),
        (&json!("done"), &json!(1))
    );
    assert_eq!(
        github.github("deployment_status", "d1", &body).text,
        first.text
    );

    let [deployment] = &deployments(&server, "production")[..] else {
        panic!("one deployment");
    };
    assert_eq!(deployment["id"], row["result"]);
    for (name, value) in [
        ("product_name", "shop"),
        ("version", "v1.4.2"),
        ("status", "completed"),
        ("gate", "told"),
        ("deployed_by", "ada"),
        ("deployed_at", "2025-11-19T11:30:00Z"),
    ] {
        assert_eq!(deployment[name], value, "{name} of {deployment}");
    }
    let log = server.client.get("/audit/?kind=deployment").expect(200);
    let actor = log["items"][0]["actor"].as_str().unwrap().to_owned();
    assert_eq!(actor, format!("source:{}", github.id));
    // The same thing told anew, as after a new mapping, is the same deployment.
    let path = format!("/queue/{}/replay/", row["id"].as_str().unwrap());
    let replayed = server.client.post(&path, &json!({})).expect(200);
    assert_eq!(replayed["count"], 1);
    assert_eq!(over(&server, row["id"].as_str().unwrap())["state"], "done");
    assert_eq!(deployments(&server, "production").len(), 1);
}

#[test]
fn what_is_not_signed_is_not_stored() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let body = status("success", "production", run(), "2025-11-19T11:30:00Z").to_string();
    let good = format!(
        "sha256={}",
        mac(hmac::HMAC_SHA256, &github.secret, body.as_bytes())
    );
    let other = format!(
        "sha256={}",
        mac(hmac::HMAC_SHA256, "other", body.as_bytes())
    );
    for signature in [&other, "sha256=", &good[..20], ""] {
        let headers = [
            ("X-GitHub-Event", "deployment_status"),
            ("X-Hub-Signature-256", signature),
        ];
        let refused = github.send(&headers, body.as_bytes()).detail(401);
        assert!(
            refused.as_str().unwrap().contains("not signed"),
            "{refused}"
        );
    }
    // A body that was cut on its way is not what was signed.
    let headers = [
        ("X-GitHub-Event", "deployment_status"),
        ("X-Hub-Signature-256", good.as_str()),
    ];
    github.send(&headers, &body.as_bytes()[..100]).detail(401);
    let encoded = [headers[0], headers[1], ("Content-Encoding", "gzip")];
    github.send(&encoded, body.as_bytes()).detail(415);
    github
        .send(&headers, &vec![b' '; 6 * 1024 * 1024])
        .detail(413);
    let unknown = server
        .client
        .send("POST", "/hooks/local_nothing", &headers, b"{}");
    unknown.detail(404);
    server
        .client
        .send("POST", "/hooks/nobody_x", &headers, b"{}")
        .detail(404);
    assert_eq!(server.client.get("/queue/").expect(200)["items"], json!([]));
    github.send(&headers, body.as_bytes()).expect(202);
}

#[test]
fn what_is_not_about_deployments_is_ignored_and_what_cannot_be_read_says_why() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let became = |event: &str, body: &Value| {
        let row = github.became(&github.github(event, &format!("{event}{body}"), body));
        let text = row["error"].as_str().unwrap_or_default().to_owned();
        (row["state"].as_str().unwrap().to_owned(), text)
    };
    let (state, why) = became("ping", &json!({ "zen": "Keep it logically awesome." }));
    assert!(state == "ignored" && why.contains("ping"), "{why}");
    let (state, why) = became("push", &json!({ "ref": "refs/heads/main" }));
    assert!(state == "ignored" && why.contains("push"), "{why}");
    let mut body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    body["deployment"]["sha"].take();
    let (state, why) = became("deployment_status", &body);
    assert!(
        state == "dead" && why.contains("deployment.sha is missing"),
        "{why}"
    );
    body["deployment"]["sha"] = "f95f852".into();
    body["deployment"]["ref"] = "main".into();
    body["deployment_status"]["environment"] = "e".repeat(300).into();
    let (state, why) = became("deployment_status", &body);
    assert!(state == "dead" && why.contains("environment_name"), "{why}");
    assert_eq!(deployments(&server, "production").len(), 0);
}

#[test]
fn every_order_of_the_events_of_a_run_ends_in_the_same_state() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let events = [
        ("queued", "2025-11-19T11:00:00Z"),
        ("in_progress", "2025-11-19T11:10:00Z"),
        ("failure", "2025-11-19T11:20:00Z"),
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let mut seen = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        let environment = format!("e{number}");
        for event in order {
            let (state, at) = events[*event];
            let body = status(state, &environment, run(), at);
            let delivery = format!("{number}-{event}");
            let row = github.became(&github.github("deployment_status", &delivery, &body));
            assert_eq!(row["state"], "done", "{row}");
        }
        let [deployment] = &deployments(&server, &environment)[..] else {
            panic!("one deployment in {environment}");
        };
        let id = deployment["id"].as_str().unwrap();
        let story = server
            .client
            .get(&format!("/deployments/{id}/"))
            .expect(200);
        let shown = |name: &str| story[name].clone();
        seen.push([shown("status"), shown("started_at"), shown("version")]);
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(seen[0][0], "failed");
}

#[test]
fn a_run_that_tells_of_itself_is_told_once_and_leaves_nothing_in_progress() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    // As our Action sends it: under a version of its own.
    let own = json!({
        "product_name": "shop", "version": "1.4.2", "environment_name": "production",
        "status": "started", "source_system": "github", "invoke_id": "42",
        "scm_repository": "acme/shop", "extra_metadata": { "vi_gh_run_attempt": "1" },
    });
    let started = server.client.post("/deployment-events/", &own).expect(200);
    let body = status("in_progress", "production", run(), "2025-11-19T12:00:00Z");
    let row = github.became(&github.github("deployment_status", "d1", &body));
    assert_eq!(row["result"], started["id"]);
    let [deployment] = &deployments(&server, "production")[..] else {
        panic!("it is told twice");
    };
    assert_eq!(
        (&deployment["status"], &deployment["gate"]),
        (&json!("started"), &json!("allowed"))
    );
    let versions = server.client.get("/versions/").expect(200)["items"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 1, "{versions}");

    // The run is cancelled, and its client with it.
    let cancelled = run_over(1, "cancelled");
    let row = github.became(&github.github("workflow_run", "d2", &cancelled));
    assert_eq!(row["state"], "done");
    let waits = server.client.get("/queue/?state=waiting").expect(200)["items"].clone();
    let waits = waits[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(deployments(&server, "production")[0]["status"], "started");
    server.clock.advance(3);
    assert_eq!(over(&server, &waits)["state"], "done");
    let deployment = deployments(&server, "production")[0].clone();
    assert_eq!(deployment["status"], "aborted");
    assert_eq!(deployment["ended_by"], "run_ended");
    // Its own end, should it come yet, replaces that.
    let mut end = own.clone();
    end["status"] = "completed".into();
    server.client.post("/deployment-events/", &end).expect(200);
    assert_eq!(deployments(&server, "production")[0]["status"], "completed");
}

#[test]
fn a_secret_is_rotated_with_an_overlap_and_shown_once() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let path = format!("/sources/{}/", github.id);
    let rotated = server
        .client
        .post(&format!("{path}rotate/"), &json!({ "overlap_hours": 1 }))
        .expect(200);
    let new = Sender {
        secret: rotated["secret"].as_str().unwrap().to_owned(),
        id: github.id.clone(),
        path: github.path.clone(),
        server: &server,
    };
    assert_ne!(new.secret, github.secret);
    let ping = json!({ "zen": "Design for failure." });
    new.github("ping", "1", &ping).expect(202);
    github.github("ping", "2", &ping).expect(202);
    for path in [path.as_str(), "/sources/", "/audit/"] {
        let text = server.client.get(path).text;
        assert!(
            !text.contains(&github.secret) && !text.contains(&new.secret),
            "{text}"
        );
    }
    let off = server
        .client
        .request("PATCH", &path, &json!({ "enabled": false }));
    assert_eq!(off.expect(200)["enabled"], false);
    new.github("ping", "3", &ping).detail(404);
    let on = json!({ "enabled": true, "settings": { "product": "store" } });
    server.client.request("PATCH", &path, &on).expect(200);
    let body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    new.became(&new.github("deployment_status", "4", &body));
    assert_eq!(
        deployments(&server, "production")[0]["product_name"],
        "store"
    );
    server
        .client
        .request("DELETE", &path, &json!({}))
        .expect(200);
    new.github("ping", "5", &ping).detail(404);
    assert_eq!(
        server.client.get("/sources/").expect(200)["items"],
        json!([])
    );
}

#[test]
fn what_is_too_much_is_to_be_sent_again() {
    let server = Server::with_queue_bounds(10, 100);
    let github = Sender::new(&server, "github", json!({}));
    let body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    let full = github.github("deployment_status", "1", &body);
    full.detail(503);
    assert_eq!(full.headers["retry-after"], "30");
    github.github("ping", "2", &json!({})).expect(202);
}

#[test]
fn settings_that_are_wrong_are_refused() {
    let server = Server::start();
    let refused = |body: Value| {
        server
            .client
            .post("/sources/", &body)
            .expect(422)
            .to_string()
    };
    for (settings, said) in [
        (json!({ "produkt": "a" }), "produkt"),
        (json!({ "ready": "argo" }), "argocd"),
        (
            json!({ "mapping": { "status": "/s", "version": "/v", "statuses": { "ok": "good" } } }),
            "good",
        ),
        (
            json!({ "mapping": { "product": "/p" } }),
            "status and version",
        ),
        (
            json!({ "signature": { "header": "x", "algorithm": "md5" } }),
            "sha1",
        ),
    ] {
        let text = refused(json!({ "name": "a", "kind": "json", "settings": settings }));
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(refused(json!({ "name": "a", "kind": "svn" })).contains("github"));
    assert!(refused(json!({ "name": "a", "kind": "json", "secret": "short" })).contains("16"));
}

/// What a delivery became: the state of its row, and the deployment.
fn told(sender: &Sender<'_>, headers: &[(&str, &str)], body: &Value) -> Value {
    let row = sender.became(&sender.send(headers, body.to_string().as_bytes()));
    assert_eq!(row["state"], "done", "{row}");
    let id = row["result"].as_str().unwrap();
    let id = id.split(',').next().unwrap();
    sender
        .server
        .client
        .get(&format!("/deployments/{id}/"))
        .expect(200)
}

#[track_caller]
fn is(deployment: &Value, product: &str, version: &str, environment: &str, status: &str) {
    let shown =
        ["product_name", "version", "environment_name", "status"].map(|name| &deployment[name]);
    assert_eq!(
        shown,
        [product, version, environment, status],
        "{deployment}"
    );
}

#[test]
fn ready_mappings_read_what_their_senders_send() {
    let server = Server::start();
    let json_headers = [("Content-Type", "application/json")];
    let ready = |name: &str| Sender::new(&server, "json", json!({ "ready": name }));

    let plain = ready("plain");
    assert!(
        plain.path.ends_with(&plain.secret),
        "who cannot sign has the secret in the address"
    );
    let body = json!({ "product_name": "api", "version": "1", "environment_name": "test", "status": "success" });
    is(
        &told(&plain, &json_headers, &body),
        "api",
        "1",
        "test",
        "completed",
    );
    let without = plain
        .path
        .trim_end_matches(&plain.secret)
        .trim_end_matches('/');
    server
        .client
        .send("POST", without, &json_headers, b"{}")
        .detail(401);
    server
        .client
        .send("POST", &format!("{without}/wrong"), &json_headers, b"{}")
        .detail(401);

    let body = json!({
        "app": "guestbook", "image": "registry.example.com/guestbook:1.9.0", "revision": "0f3a",
        "environment": "staging", "status": "Succeeded", "finished_at": "2025-11-19T11:00:00Z",
    });
    is(
        &told(&ready("argocd"), &json_headers, &body),
        "guestbook",
        "1.9.0",
        "staging",
        "completed",
    );

    let jenkins = ready("jenkins");
    let phase = |phase: &str, status: Value| {
        json!({
            "name": "shop", "url": "job/shop/", "build": {
                "full_url": "https://ci.example.com/job/shop/42/", "number": 42, "phase": phase,
                "status": status, "parameters": { "VERSION": "2.0", "ENVIRONMENT": "production" },
                "scm": { "commit": "f95f852", "branch": "origin/main" },
            },
        })
    };
    is(
        &told(&jenkins, &json_headers, &phase("STARTED", Value::Null)),
        "shop",
        "2.0",
        "production",
        "started",
    );
    let body = phase("COMPLETED", json!("SUCCESS")).to_string();
    assert_eq!(
        jenkins.became(&jenkins.send(&json_headers, body.as_bytes()))["state"],
        "ignored"
    );
    is(
        &told(
            &jenkins,
            &json_headers,
            &phase("FINALIZED", json!("FAILURE")),
        ),
        "shop",
        "2.0",
        "production",
        "failed",
    );

    let vercel = ready("vercel");
    let body = json!({
        "id": "hook_1", "type": "deployment.succeeded", "createdAt": 1_763_550_000_000_i64, "payload": {
            "deployment": { "id": "dpl_1", "name": "web", "meta": { "githubCommitSha": "abc123" } },
            "target": "production",
        },
    });
    let signature = mac(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        &vercel.secret,
        body.to_string().as_bytes(),
    );
    let headers = [
        ("Content-Type", "application/json"),
        ("x-vercel-signature", signature.as_str()),
    ];
    is(
        &told(&vercel, &headers, &body),
        "web",
        "abc123",
        "production",
        "completed",
    );

    let flux = ready("flux");
    let body = json!({
        "involvedObject": { "kind": "Kustomization", "name": "webapp", "namespace": "apps" },
        "severity": "error", "reason": "HealthCheckFailed", "timestamp": "2025-11-19T11:00:00Z",
        "metadata": { "kustomize.toolkit.fluxcd.io/revision": "main@sha1:0647aea7" },
    });
    let signature = format!(
        "sha256={}",
        mac(hmac::HMAC_SHA256, &flux.secret, body.to_string().as_bytes())
    );
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Signature", signature.as_str()),
    ];
    is(
        &told(&flux, &headers, &body),
        "webapp",
        "0647aea7",
        "apps",
        "failed",
    );
}

#[test]
fn gitlab_is_read_with_its_odd_times() {
    let server = Server::start();
    let gitlab = Sender::new(
        &server,
        "gitlab",
        json!({ "environments": { "prod": "production" } }),
    );
    let body = json!({
        "object_kind": "deployment", "status": "success",
        "status_changed_at": "2025-11-19 12:30:00 +0200", "deployment_id": 15, "deployable_id": 796,
        "deployable_url": "http://gitlab.example.com/jobs/796", "environment": "prod",
        "project": { "name": "Shop", "path_with_namespace": "acme/shop" },
        "short_sha": "279484c0",
        "commit_url": "http://gitlab.example.com/acme/shop/-/commit/279484c09fbe69ededfced8c1bb6e6d24616b468",
        "user": { "username": "root", "name": "Administrator" },
    });
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Gitlab-Event", "Deployment Hook"),
        ("Idempotency-Key", "1"),
        ("X-Gitlab-Token", gitlab.secret.as_str()),
    ];
    let deployment = told(&gitlab, &headers, &body);
    is(
        &deployment,
        "shop",
        "279484c09fbe69ededfced8c1bb6e6d24616b468",
        "production",
        "completed",
    );
    assert_eq!(deployment["deployed_at"], "2025-11-19T10:30:00Z");
    let wrong = [headers[0], ("X-Gitlab-Token", "wrong")];
    gitlab.send(&wrong, body.to_string().as_bytes()).detail(401);
}

#[test]
fn standard_webhooks_and_cloudevents_are_read() {
    let server = Server::start();
    let standard = Sender::new(&server, "standard", json!({}));
    let body = json!({
        "type": "deployment.completed", "timestamp": "2025-11-19T11:00:00Z",
        "data": { "product": "api", "version": "3", "environment": "test" },
    });
    let key = STANDARD
        .decode(standard.secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let sign = |seconds: i64| {
        let content = format!("msg_1.{seconds}.{body}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
        (seconds.to_string(), format!("v1,{}", STANDARD.encode(tag)))
    };
    let now = jiff::Timestamp::from_second(1_763_553_600).unwrap();
    assert_eq!(
        now.to_string(),
        "2025-11-19T12:00:00Z",
        "as the clock stands"
    );
    let (at, signature) = sign(now.as_second() - 301);
    let headers = |at: &str, signature: &str| {
        [
            ("Content-Type", "application/json".to_owned()),
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", at.to_owned()),
            ("webhook-signature", signature.to_owned()),
        ]
    };
    let late = headers(&at, &signature);
    let late = late.each_ref().map(|(name, value)| (*name, value.as_str()));
    standard
        .send(&late, body.to_string().as_bytes())
        .detail(401);
    let (at, signature) = sign(now.as_second());
    let good = headers(&at, &signature);
    let good = good.each_ref().map(|(name, value)| (*name, value.as_str()));
    is(
        &told(&standard, &good, &body),
        "api",
        "3",
        "test",
        "completed",
    );

    let events = Sender::new(&server, "cloudevents", json!({}));
    let bearer = format!("Bearer {}", events.secret);
    let cdevent = |id: &str| {
        json!({
            "context": {
                "specversion": "0.5.1", "id": id, "source": "/argo", "timestamp": "2025-11-19T11:00:00Z",
                "type": "dev.cdevents.service.deployed.0.3.0",
            },
            "subject": { "id": "mySvc/api", "content": {
                "environment": { "id": "production" },
                "artifactId": "pkg:oci/api@sha256%3A0b31b1c?tag=4.0",
            } },
        })
    };
    let binary = [
        ("Content-Type", "application/json"),
        ("Authorization", bearer.as_str()),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/argo"),
        ("ce-type", "dev.cdevents.service.deployed.0.3.0"),
    ];
    is(
        &told(&events, &binary, &cdevent("1")),
        "api",
        "4.0",
        "production",
        "completed",
    );
    let envelope = |id: &str| {
        json!({
            "specversion": "1.0", "id": id, "source": "/argo",
            "type": "dev.cdevents.service.deployed.0.3.0", "data": cdevent(id),
        })
    };
    let structured = [
        (
            "Content-Type",
            "application/cloudevents+json; charset=utf-8",
        ),
        binary[1],
    ];
    is(
        &told(&events, &structured, &envelope("2")),
        "api",
        "4.0",
        "production",
        "completed",
    );
    let batch = [
        ("Content-Type", "application/cloudevents-batch+json"),
        binary[1],
    ];
    is(
        &told(&events, &batch, &json!([envelope("3"), envelope("4")])),
        "api",
        "4.0",
        "production",
        "completed",
    );
    assert_eq!(
        deployments(&server, "production").len(),
        4,
        "each event is a deployment"
    );
    let open = [("Content-Type", "application/cloudevents+json")];
    events
        .send(&open, envelope("5").to_string().as_bytes())
        .detail(401);
}

#[test]
fn a_change_is_for_the_source_that_was_read() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let path = format!("/sources/{}/", github.id);
    let tag = server.client.get(&path).headers["etag"].clone();
    let change = |tag: &str, name: &str| {
        let headers = [("If-Match", tag), ("Content-Type", "application/json")];
        let body = json!({ "name": name }).to_string();
        server
            .client
            .send("PATCH", &path, &headers, body.as_bytes())
    };
    assert_eq!(change(&tag, "One").expect(200)["name"], "One");
    change(&tag, "Two").detail(412);
    assert_eq!(change("*", "Three").expect(200)["name"], "Three");
}

#[test]
fn a_sender_that_makes_its_own_secret_gives_it() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let path = format!("/sources/{}/rotate/", github.id);
    let short = server.client.post(&path, &json!({ "secret": "short" }));
    assert!(short.expect(422).to_string().contains("16"));
    let given = "made by the sender itself";
    let body = json!({ "secret": given, "overlap_hours": 0 });
    let rotated = server.client.post(&path, &body).expect(200);
    assert_eq!(rotated["secret"], given);
    let ping = json!({ "zen": "Design for failure." });
    github.github("ping", "1", &ping).detail(401);
    let own = Sender {
        secret: given.to_owned(),
        id: github.id.clone(),
        path: github.path.clone(),
        server: &server,
    };
    own.github("ping", "2", &ping).expect(202);
}

/// As section 4 of the HTTP webhooks of CloudEvents has it.
#[test]
fn whoever_asks_before_sending_is_allowed_to() {
    let server = Server::start();
    let events = Sender::new(&server, "cloudevents", json!({}));
    let nobody = Client::new(&server.client.url, "");
    let ask = |path: &str, headers: &[(&str, &str)]| nobody.send("OPTIONS", path, headers, b"");
    let origin = [("WebHook-Request-Origin", "eventemitter.example.com")];
    for path in [events.path.clone(), format!("{}/a-secret", events.path)] {
        let reply = ask(&path, &origin);
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.headers["webhook-allowed-origin"], origin[0].1);
        assert_eq!(reply.headers["webhook-allowed-rate"], "*");
        assert!(reply.headers["allow"].contains("POST"));
        let plain = ask(&path, &[]);
        assert_eq!(plain.status, 200);
        assert!(!plain.headers.contains_key("webhook-allowed-origin"));
    }
    ask("/hooks/local_nothing", &origin).detail(404);
    let path = format!("/sources/{}/", events.id);
    let off = json!({ "enabled": false });
    server.client.request("PATCH", &path, &off).expect(200);
    ask(&events.path, &origin).detail(404);
}

#[test]
fn commands_on_the_machine_say_what_to_paste_at_each_sender() {
    let server = Server::in_folder();
    let data = server.data.path();
    let base = "https://versioner.example.com";
    for (word, paste) in [
        ("github", "Content type: application/json"),
        ("argocd", "service.webhook.versioner: |"),
        ("flux", "type: generic-hmac"),
        (
            "tekton",
            "\"sink\": \"https://versioner.example.com/hooks/local_",
        ),
        ("plain", "curl --fail"),
    ] {
        let said = on_the_machine(
            data,
            &[
                "sources",
                "add",
                word,
                "--account",
                "local",
                "--name",
                word,
                "--public-url",
                base,
            ],
        );
        assert!(said.contains(paste), "{said}");
        let id = said
            .lines()
            .next()
            .unwrap()
            .strip_prefix("Source ")
            .unwrap();
        assert!(said.contains(&format!("{base}/hooks/{id}")), "{said}");
    }
    let sources = server.client.get("/sources/").expect(200);
    assert_eq!(
        sources["items"][1]["settings"],
        json!({ "ready": "argocd" })
    );
    let mut guide = std::process::Command::new(PROGRAM);
    let guide = guide.args(["sources", "guide", "argocd"]).output().unwrap();
    let guide = String::from_utf8(guide.stdout).unwrap();
    assert!(guide.starts_with("## Argo CD\n"), "{guide}");
    assert!(!guide.contains("local_"), "{guide}");
}
