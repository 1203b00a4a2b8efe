//! Refusals, in the shapes of the hosted service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::json;

use crate::support::{Client, Server, build, deployment};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

#[test]
fn health_needs_no_key_and_everything_else_does() {
    let server = Server::start();
    let nobody = Client::new(&server.client.url, "");
    for path in ["/health", "/livez", "/readyz"] {
        assert_eq!(nobody.get(path).expect(200)["status"], "ok");
    }
    let reply = nobody.post("/build-events/", &build("1", "completed"));
    assert!(reply.detail(401).as_str().unwrap().contains("API key"));
    assert_eq!(reply.headers["www-authenticate"], "Bearer");
}

#[test]
fn a_wrong_key_is_refused_and_not_repeated() {
    let server = Server::in_folder();
    let wrong = "sk_local_k1_0000000000000000000000000000000000000000";
    for key in [
        wrong,
        "sk_other_k1_00",
        "sk_local_k9_00",
        "sk_../../x_k1_00",
        "nonsense",
    ] {
        let reply = Client::new(&server.client.url, key).post("/build-events/", &build("1", "x"));
        assert_eq!(reply.detail(401), "Invalid or revoked API key");
        assert!(!reply.text.contains(key));
    }
    assert!(!server.data.path().join("accounts/other.db").exists());
}

#[test]
fn every_wrong_field_is_named() {
    let server = Server::start();
    let event = json!({
        "product_name": " ", "version": 3, "status": "exploded", "scm_sha": "a\u{0}b",
        "started_at": "yesterday", "completed_at": "2025-01-01T00:00:00", "extra_metadata": [],
        "built_by": "x".repeat(3000),
    });
    let detail = server.client.post("/build-events/", &event).detail(422);
    let mut found: Vec<_> = detail
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            assert_eq!(error["loc"][0], "body");
            assert!(error["msg"].as_str().is_some_and(|msg| !msg.is_empty()));
            (
                error["loc"][1].as_str().unwrap(),
                error["type"].as_str().unwrap(),
            )
        })
        .collect();
    found.sort_unstable();
    let expected = [
        ("built_by", "string_too_long"),
        ("completed_at", "datetime_parsing"),
        ("extra_metadata", "dict_type"),
        ("product_name", "missing"),
        ("scm_sha", "string_pattern_mismatch"),
        ("started_at", "datetime_parsing"),
        ("status", "enum"),
        ("version", "string_type"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_json_object_is_refused() {
    let server = Server::start();
    let send = |body: &[u8]| {
        server
            .client
            .send("POST", "/build-events/", &JSON, body)
            .status
    };
    assert_eq!(send(b""), 400);
    assert_eq!(send(b"{\"product_name\": \"a\""), 400);
    assert_eq!(send(b"{\"product_name\": \"\xff\"}"), 400);
    assert_eq!(send("[".repeat(100_000).as_bytes()), 400);
    let deep = format!(
        "{{\"extra_metadata\":{}1{}}}",
        "{\"a\":".repeat(500),
        "}".repeat(500)
    );
    assert_eq!(send(deep.as_bytes()), 400);
    assert_eq!(send(b"[]"), 422);
    assert_eq!(send(b"null"), 422);
}

#[test]
fn a_body_beyond_a_mebibyte_is_refused_and_the_connection_lives_on() {
    let server = Server::start();
    let mut event = build("1", "completed");
    event["extra_metadata"] = json!({ "note": "x".repeat(1024 * 1024) });
    server.client.post("/build-events/", &event).detail(413);
    event["extra_metadata"] = json!({ "vi_note": "x".repeat(1000 * 1000) });
    server.client.post("/build-events/", &event).expect(200);
}

#[test]
fn metadata_beyond_its_bound_is_refused_and_only_left_out_of_an_end() {
    let server = Server::start();
    let with = |bytes: usize, status: &str| {
        let mut event = deployment("1", "production", status);
        let text = "x".repeat(bytes - r#"{"note":""}"#.len());
        event["extra_metadata"] = json!({ "note": text, "vi_detected": "x".repeat(5000) });
        server.client.post("/deployment-events/", &event)
    };
    let refused = with(102_401, "started");
    assert_eq!(
        refused.detail(422)[0]["msg"],
        "It has 102401 bytes; at most 102400 are taken"
    );
    with(102_400, "started").expect(200);
    let ended = with(102_401, "completed").expect(200);
    assert_eq!(
        ended["warnings"][0],
        "extra_metadata was left out: It has 102401 bytes; at most 102400 are taken"
    );
}

#[test]
fn another_content_type_route_or_method_is_refused_as_json() {
    let server = Server::start();
    let event = build("1", "completed").to_string();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let send = |headers: &[(&str, &str)]| {
        server
            .client
            .send("POST", "/build-events/", headers, event.as_bytes())
    };
    send(&form).detail(415);
    send(&[("Content-Type", "application/vnd.api+json; charset=utf-8")]).expect(200);
    send(&[("Content-Type", "application/json; charset=latin1")]).detail(415);
    send(&[("Content-Encoding", "gzip")]).detail(415);
    server.client.get("/nowhere").detail(404);
    server.client.get("/build-events/").detail(405);
}

#[test]
fn a_read_only_key_cannot_write() {
    let server = Server::start();
    let reader = server.add_key("local", true);
    let detail = reader
        .post("/build-events/", &build("1", "completed"))
        .detail(403);
    assert_eq!(detail, "This API key lacks the scope events; it has read");
}

#[test]
fn a_key_beyond_its_budget_waits_as_long_as_it_is_told_to() {
    let server = Server::with_rate_limit(3);
    let send = || {
        server
            .client
            .post("/build-events/", &build("1", "completed"))
    };
    for _ in 0..3 {
        send().expect(200);
    }
    let reply = send();
    reply.detail(429);
    assert_eq!(reply.headers["retry-after"], "20");
    server
        .add_key("local", false)
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    server.clock.advance(1);
    send().expect(200);
}

#[test]
fn an_end_is_recorded_whatever_the_budget_of_its_key() {
    let server = Server::with_rate_limit(2);
    let send = |version: &str, status: &str| {
        let event = deployment(version, "production", status);
        server.client.post("/deployment-events/", &event)
    };
    send("1", "started").expect(200);
    send("2", "started").expect(409);
    send("3", "started").expect(429);
    send("1", "nonsense").expect(429);
    send("1", "completed").expect(200);
    send("1", "failed").expect(200);
}

#[test]
fn an_address_that_tries_keys_is_slowed_down_and_valid_keys_there_are_not() {
    let server = Server::start();
    let stranger = Client::new(&server.client.url, "sk_local_k7_00");
    let tries: Vec<u16> = (0..61).map(|_| stranger.get("/state/").status).collect();
    assert!(tries[..60].iter().all(|status| *status == 401), "{tries:?}");
    let reply = stranger.get("/state/");
    let detail = reply.detail(429);
    assert_eq!(
        detail,
        "rate limit of 60 requests with an invalid API key per minute exceeded"
    );
    assert_eq!(reply.headers["retry-after"], "1");
    server.client.get("/state/").expect(200);
    server.clock.advance(1);
    assert_eq!(stranger.get("/state/").status, 401);
}

#[test]
fn a_clock_that_steps_back_takes_no_budget_away() {
    let server = Server::with_rate_limit(3);
    let send = || {
        server
            .client
            .post("/build-events/", &build("1", "completed"))
            .status
    };
    assert_eq!((send(), send(), send(), send()), (200, 200, 200, 429));
    server.clock.set("2025-11-19T11:00:00Z");
    server.clock.advance(1);
    assert_eq!(send(), 200);
}

#[test]
fn an_early_refusal_arrives_although_the_body_is_still_being_sent() {
    let server = Server::start();
    let stranger = Client::new(&server.client.url, "sk_local_k7_00");
    let body = vec![b' '; 4 * 1024 * 1024];
    for _ in 0..20 {
        assert_eq!(
            stranger.send("POST", "/build-events/", &JSON, &body).status,
            401
        );
        assert_eq!(stranger.send("POST", "/nowhere", &JSON, &body).status, 404);
        assert_eq!(
            server
                .client
                .send("POST", "/build-events/", &JSON, &body)
                .status,
            413
        );
    }
}

/// Every row of every table of an account, but for when keys were used.
pub fn everything(data: &Path) -> Vec<String> {
    let path = data.join("accounts/local.db");
    let database = rusqlite::Connection::open(path).unwrap();
    let mut names = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'key_uses'")
        .unwrap();
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut rows = Vec::new();
    for name in names {
        let mut select = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = select.column_count();
        let mut found = select.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values = (0..columns).map(|index| format!("{:?}", row.get_ref(index).unwrap()));
            rows.push(format!("{name} {}", values.collect::<Vec<_>>().join(" ")));
        }
    }
    rows
}

#[test]
fn what_is_refused_leaves_every_table_as_it_was() {
    let server = Server::in_folder();
    let mut pinned = build("1", "completed");
    pinned["scm_sha"] = json!("aaaaaaaaaaaaaaaa");
    server.client.post("/build-events/", &pinned).expect(200);
    let version = server.client.deploy("1", "prod", "completed").expect(200)["version_id"].clone();
    let rule = json!({ "name": "x", "type": "concurrency" });
    let rule = server.client.post("/deployment-rules/", &rule).expect(201)["id"].clone();
    let rule = format!("/deployment-rules/{}/", rule.as_str().unwrap());
    let approvals = format!("/versions/{}/approvals/", version.as_str().unwrap());
    server
        .client
        .post_with(
            &[("Versioner-Span", "s")],
            &crate::support::deployment("1", "prod", "started"),
        )
        .expect(200);
    let reader = server.add_key("local", true);
    let before = everything(server.data.path());
    assert!(before.len() > 10);

    let other_commit = json!({
        "product_name": "api", "version": "1", "status": "completed", "scm_sha": "bbbbbbbbbbbbbbbb",
        "extra_metadata": { "note": "x" },
    });
    let elsewhere = crate::support::deployment("1", "new-place", "started");
    let approval = json!({ "type": "release", "environment": "nowhere", "approved_by": "ada" });
    let unknown = json!({
        "name": "y", "type": "flow", "environments": ["nowhere"],
        "config": { "required_environments": ["prod"] },
    });
    let new_product = json!({ "product_name": "new", "version": "1", "environment_name": "new" });
    let refused = [
        server
            .client
            .post_once("/build-events/", "k", &other_commit),
        server
            .client
            .post_with(&[("Versioner-Span", "s")], &elsewhere),
        server.client.post(&approvals, &approval),
        server.client.post("/deployment-rules/", &unknown),
        server
            .client
            .request("PATCH", &rule, &json!({ "environments": ["nowhere"] })),
        server
            .client
            .send("DELETE", &rule, &[("If-Match", "\"other\"")], b""),
        server
            .client
            .post("/deployments/nothing/abort/", &json!({ "reason": "x" })),
        server
            .client
            .post("/deployments/nothing/renew/", &json!({})),
        server.client.post("/deployment-events/", &new_product),
        reader.post("/build-events/", &build("2", "completed")),
    ];
    let statuses: Vec<u16> = refused.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [409, 422, 422, 422, 422, 412, 404, 404, 422, 403]);
    server.client.post("/preflight/", &new_product).expect(200);
    assert_eq!(everything(server.data.path()), before);
}

/// What the server answers to bytes that are no request.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let address = server.client.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    // The server may close while bytes are still on their way.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn what_is_no_http_is_refused_in_the_same_shape() {
    let server = Server::start();
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let many = format!("GET /health HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    for (bytes, status) in [("no request\r\n\r\n", "400"), (many.as_str(), "431")] {
        let answer = raw(&server, bytes.as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(head.contains("application/json"), "{answer}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["detail"].is_string(), "{answer}");
    }
    server.client.get("/health").expect(200);
}

#[test]
fn every_request_has_a_name_in_its_answer_and_in_the_record() {
    let server = Server::start();
    let event = crate::support::deployment("1", "prod", "started");
    let named = [("X-Request-Id", "build-7.retry-2")];
    let reply = server.client.post_with(&named, &event);
    assert_eq!(reply.headers["x-request-id"], "build-7.retry-2");
    let path = format!(
        "/deployments/{}/",
        reply.expect(200)["id"].as_str().unwrap()
    );
    let story = server.client.get(&path).expect(200)["story"]["items"].clone();
    assert_eq!(story[0]["request_id"], "build-7.retry-2");
    let key = server.client.key.clone();
    for name in ["a b", key.as_str()] {
        let reply = server
            .client
            .send("GET", "/nothing", &[("X-Request-Id", name)], b"");
        assert_ne!(reply.headers["x-request-id"], name);
        assert!(!reply.headers["x-request-id"].is_empty());
    }
}
