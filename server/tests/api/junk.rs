//! Whatever is sent, the answer is a refusal or a success, never a failure of the server.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

use crate::support::{Client, Server};

const PATHS: [&str; 9] = [
    "/build-events/",
    "/deployment-events/",
    "/deployment-exemptions/",
    "/deployment-rules/",
    "/deployment-rules/x/",
    "/versions/x/approvals/",
    "/deployments/",
    "/state/",
    "/nowhere",
];

const FIELDS: [&str; 24] = [
    "product_name",
    "version",
    "environment_name",
    "status",
    "scm_sha",
    "invoke_id",
    "completed_at",
    "started_at",
    "skip_preflight_checks",
    "extra_metadata",
    "deployed_by",
    "name",
    "type",
    "products",
    "environments",
    "config",
    "recurrence",
    "timezone",
    "starts_at",
    "ends_at",
    "days",
    "start_time",
    "end_time",
    "soak_minutes",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "started",
            "completed",
            "flow",
            "soak_time",
            "no_deploy_window",
            "release_approval",
            "weekly",
            "once",
            "friday",
            "10:00",
            "UTC",
            "Europe/Berlin",
            "9999-12-31T23:59:59Z",
            "-009999-01-01T00:00:00Z",
            "2025-01-01T00:00:00Z",
            "a",
            "'; DROP TABLE events; --",
            "\u{202e}\u{feff}",
            "enabled",
            "\u{0}",
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((field(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Bodies that are nearly right get further than bytes do.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop::collection::vec((field(), value()), 0..12);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        value().prop_map(|value| value.to_string().into_bytes()),
        fields.prop_map(|pairs| {
            let mut object = Map::from_iter([
                ("product_name".to_owned(), json!("p")),
                ("version".to_owned(), json!("1")),
                ("environment_name".to_owned(), json!("e")),
                ("status".to_owned(), json!("started")),
            ]);
            object.extend(pairs);
            Value::Object(object).to_string().into_bytes()
        }),
    ]
}

fn query() -> impl Strategy<Value = String> {
    "(\\?([a-z]{1,9}=[%+a-z0-9:-]{0,12}&?){0,3})?"
}

#[test]
fn no_input_makes_the_server_fail() {
    let server = Server::start();
    let methods = prop::sample::select(vec!["POST", "PATCH", "GET", "DELETE", "PUT"]);
    let keys = prop_oneof![
        3 => Just(server.client.key.clone()),
        1 => "[!-~]{1,60}",
    ];
    let request = (
        methods,
        prop::sample::select(PATHS.to_vec()),
        query(),
        keys,
        "[ -~]{0,40}",
        body(),
    );
    let config = ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    };
    proptest!(config, |((method, path, query, key, idempotency_key, body) in request)| {
        let client = Client { key, ..server.client.clone() };
        let mut headers = vec![("Idempotency-Key", idempotency_key.as_str())];
        let with_body = matches!(method, "POST" | "PATCH" | "PUT");
        if with_body {
            headers.push(("Content-Type", "application/json"));
        }
        let body = if with_body { body.as_slice() } else { b"" };
        let reply = client.send(method, &format!("{path}{query}"), &headers, body);
        prop_assert!(reply.status < 500, "{} {}", reply.status, reply.text);
        if reply.status >= 400 {
            prop_assert!(!reply.json()["detail"].is_null(), "{}", reply.text);
        }
    });
    server.client.get("/state/").expect(200);
}
