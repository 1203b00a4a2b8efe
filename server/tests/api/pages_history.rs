//! What was deployed and built, its filters, and its exports.

use serde_json::{Value, json};

use crate::pages::{Browser, person};
use crate::pages_read::{link, main_words, row, words};
use crate::support::{Server, build, deployment};

fn tell(server: &Server, event: &Value) {
    server.client.post("/deployment-events/", event);
    server.clock.advance(1);
}

fn some(server: &Server) -> Browser {
    for (version, environment, status) in [
        ("1", "staging", "completed"),
        ("1", "production", "completed"),
        ("2", "staging", "failed"),
        ("3", "staging", "started"),
    ] {
        tell(server, &deployment(version, environment, status));
    }
    let mut built = build("3", "completed");
    built["built_by"] = json!("ci");
    server.client.post("/build-events/", &built).expect(200);
    person(server, "Vera", "viewer")
}

#[test]
fn deployments_stand_there_newest_first_and_every_filter_works() {
    let server = Server::start();
    let mut browser = some(&server);
    let reply = browser.get("/manage/history");
    let all = main_words(&reply);
    let place = |text: &str| all.find(text).unwrap_or_else(|| panic!("{text}: {all}"));
    assert!(place("api 3") < place("api 2") && place("api 2") < place("api 1"));
    assert!(words(row(&reply, "api 3")).contains("staging in progress, 1 min"));
    for (query, there, not_there) in [
        ("environment=PRODUCTION", "api 1", "api 2"),
        ("status=failed", "api 2", "api 1"),
        ("version=3", "api 3", "api 2"),
        ("product=api&version=1", "api 1", "api 3"),
        ("since=2025-11-19T12:02:00Z", "api 2", "api 1"),
        ("until=2025-11-19T12:02:00Z", "api 1", "api 2"),
        ("since=2025-11-19&until=2025-11-19", "api 1", "nothing"),
        ("kind=builds", "api 3", "api 2"),
    ] {
        let words = main_words(&browser.get(&format!("/manage/history?{query}")));
        assert!(words.contains(there), "{query}: {words}");
        assert!(!words.contains(not_there), "{query}: {words}");
    }
    let nothing = main_words(&browser.get("/manage/history?product=other"));
    assert!(
        nothing.contains("No deployment matches. Clear all"),
        "{nothing}"
    );
}

#[test]
fn a_filter_that_is_none_is_told_beside_its_field_and_kept() {
    let server = Server::start();
    let mut browser = some(&server);
    let reply = browser.get("/manage/history?since=yesterday&product=api");
    let words = main_words(&reply);
    assert!(
        words.contains("“yesterday” is no day. Write it as 2026-11-23"),
        "{words}"
    );
    assert!(reply.text.contains("name=\"product\" value=\"api\""));
    assert!(reply.text.contains("aria-describedby=\"since-e\""));
}

#[test]
fn older_ones_stand_on_further_pages() {
    let server = Server::start();
    for number in 0..101 {
        tell(
            &server,
            &deployment(&format!("v{number}"), "dev", "completed"),
        );
    }
    let mut browser = person(&server, "Vera", "viewer");
    let first = browser.get("/manage/history?environment=dev");
    row(&first, "api v100");
    let older = browser.get(&link(&first, "Older"));
    row(&older, "api v0");
    assert_eq!(link(&older, "Newest"), "/manage/history?environment=dev");
}

#[test]
fn exports_hold_everything_and_no_formula() {
    let server = Server::start();
    for number in 0..1001 {
        let mut event = deployment(&format!("v{number}"), "dev", "completed");
        event["deployed_by"] = json!("=HYPERLINK(\"http://evil.example\")");
        event["build_number"] = json!("+1");
        tell(&server, &event);
    }
    let mut browser = person(&server, "Vera", "viewer");
    let csv = browser.get("/manage/history.csv");
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.headers["content-disposition"].contains("deployments.csv"));
    let lines: Vec<&str> = csv
        .text
        .split("\r\n")
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines.len(), 1002, "a line for each, and the head");
    assert!(lines[0].starts_with("id,product_name,version,environment_name,status"));
    assert!(lines[1].contains(",v1000,dev,completed,"), "{}", lines[1]);
    assert!(
        lines[1].contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\""),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains("\"'+1\""), "{}", lines[1]);
    let json = browser.get("/manage/history.json?version=v7").json();
    assert_eq!(json.as_array().unwrap().len(), 1);
    assert_eq!(json[0]["version"], "v7");
    let empty = browser.get("/manage/history.json?product=other").json();
    assert_eq!(empty, json!([]));
    let all = browser.get("/manage/history.json").json();
    assert_eq!(all.as_array().unwrap().len(), 1001);
    let builds = browser.get("/manage/history.csv?kind=builds");
    assert!(
        builds.text.starts_with("id,product_name,version,status"),
        "{}",
        builds.text
    );
    assert_eq!(browser.get("/manage/history.csv?since=never").status, 422);
    let out = Browser::new(&server.client.url).get("/manage/history.csv");
    assert_eq!(out.status, 303, "nobody reads it who is not logged in");
}
