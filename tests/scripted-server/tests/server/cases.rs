//! Which case files are accepted, and which cases a surface is given.

use std::path::Path;

use scripted_server::{LoadError, load};
use serde_json::{Value, json};

use crate::support;

fn refusal(cases: &Value) -> String {
    match load(support::folder(cases).path()) {
        Err(error @ LoadError::Invalid { .. }) => error.to_string(),
        Err(error) => panic!("refused for another reason: {error}"),
        Ok(_) => panic!("accepted {cases}"),
    }
}

#[test]
fn every_shared_case_file_is_accepted() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let cases = load(&vectors).unwrap_or_else(|error| panic!("{error}"));
    assert!(!cases.is_empty());
}

#[test]
fn two_cases_of_one_name_are_refused() {
    let case = json!({"name": "twice", "event": "build", "expect": {"code": 0}});
    assert!(refusal(&json!([case, case])).contains("two cases are called own/twice"));
}

#[test]
fn what_the_schema_does_not_know_is_refused() {
    for (member, value) in [
        ("expected", json!({})),
        ("event", json!("release")),
        ("fields", json!({"produkt": "api"})),
        ("fields", json!({"environment": "production"})),
        ("options", json!({"retries": 3})),
        ("replies", json!([{"json": {}, "body": ""}])),
        ("replies", json!([{"hang": true, "status": 200}])),
        ("replies", json!([{"raw": "", "status": 200}])),
        ("replies", json!([{"endless": true, "cut": 1}])),
        ("replies", json!([{"after": "lunch"}])),
        ("environment_bytes", json!({"A=B": "/w=="})),
        ("expect", json!({"kind": "ok"})),
        ("expect", json!({"code": 0, "requests": [{"bodies": {}}]})),
        ("not_on", json!(["perl"])),
    ] {
        let mut case = json!({"name": "odd", "event": "build", "expect": {"code": 0}});
        case[member] = value;
        refusal(&json!([case]));
    }
}

#[test]
fn a_surface_gets_the_cases_that_it_can_express() {
    let cases = support::folder(&json!([
        {"name": "everywhere", "event": "build", "expect": {"code": 0}},
        {"name": "not-on-go", "event": "build", "not_on": ["go"], "expect": {"code": 0}},
        {"name": "odd", "event": "build", "environment_bytes": {"A": "/w=="}, "expect": {"code": 0}},
        {"name": "waits", "event": "build", "clock": "simulated", "expect": {"code": 0}},
    ]));
    let server = scripted_server::start(cases.path()).unwrap_or_else(|error| panic!("{error}"));
    let names = |surface| {
        server
            .cases(surface)
            .unwrap_or_else(|error| panic!("{error}"))
    };
    assert_eq!(names("java"), ["own/everywhere", "own/not-on-go"]);
    assert_eq!(names("go"), ["own/everywhere", "own/odd"]);
    assert_eq!(
        names("rust"),
        ["own/everywhere", "own/not-on-go", "own/odd", "own/waits"]
    );
    assert!(server.cases("perl").is_err());
}

#[test]
fn the_start_of_a_run_is_filled_in() {
    let server = support::server(&json!({
        "fields": {"product": "${repeat:ab:3}", "version": "1"},
        "options": {"api_key": null, "config": "${home}/a/config.yaml"},
        "environment": {"VERSIONER_API_URL": "${server}/"},
        "environment_bytes": {"ODD": "Qf9C"},
        "files": {"a/config.yaml": "api_url: ${server}\n", "b": {"directory": true}},
    }));
    let start = support::start(&server, "rust");
    let base = format!("{}/run/{}", server.url(), start.run);
    assert_eq!(start.fields["product"], "ababab");
    assert!(!start.options.contains_key("api_key"));
    assert_eq!(start.options["api_url"], base);
    assert_eq!(start.environment["VERSIONER_API_URL"], format!("{base}/"));
    assert_eq!(start.environment["VERSIONER_RETRY_PAUSE"], "0.001");
    assert_eq!(start.environment_bytes["ODD"], b"A\xffB");
    assert_eq!(json!(start)["environment_bytes"], json!({"ODD": "Qf9C"}));
    let config = start.options["config"].as_str().expect("a path");
    let text = std::fs::read_to_string(config).expect("the file is there");
    assert_eq!(text, format!("api_url: {base}\n"));
    let home = Path::new(config)
        .parent()
        .and_then(Path::parent)
        .expect("a folder");
    assert!(home.join("b").is_dir());
    support::differences(&server, &start, &json!({}));
    assert!(!home.exists());
}

#[test]
fn the_schema_and_the_server_know_the_same_surfaces() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/schema.json");
    let text = std::fs::read_to_string(schema).expect("schema.json is there");
    let schema: Value = serde_json::from_str(&text).expect("schema.json is JSON");
    let server = support::server(&json!({}));
    let surfaces = schema["$defs"]["surface"]["enum"]
        .as_array()
        .expect("a list");
    for surface in surfaces.iter().filter_map(Value::as_str) {
        assert!(server.cases(surface).is_ok(), "{surface}");
    }
}
