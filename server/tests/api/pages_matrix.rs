//! The first page: what runs where, and what needs somebody.

use serde_json::{Value, json};

use crate::pages::{Browser, person};
use crate::pages_read::{cell, link, main_part, main_words, row, words};
use crate::support::Server;

fn event(product: &str, version: &str, environment: &str, status: &str) -> Value {
    json!({
        "product_name": product,
        "version": version,
        "environment_name": environment,
        "status": status,
        "deployed_by": "ci",
    })
}

fn tell(server: &Server, event: &Value) -> u16 {
    server.client.post("/deployment-events/", event).status
}

fn deploy(server: &Server, product: &str, version: &str, environment: &str) {
    let event = event(product, version, environment, "completed");
    assert_eq!(tell(server, &event), 200);
}

fn build(server: &Server, product: &str, version: &str) {
    let event = json!({ "product_name": product, "version": version, "status": "completed" });
    server.client.post("/build-events/", &event).expect(200);
    server.clock.advance(1);
}

fn viewer(server: &Server) -> Browser {
    person(server, "Vera", "viewer")
}

#[test]
fn with_nothing_recorded_it_says_how_to_begin() {
    let server = Server::start();
    let reply = viewer(&server).get("/manage/");
    let words = main_words(&reply);
    assert!(words.contains("Nothing has been deployed yet"), "{words}");
    assert!(
        words.contains("versioner track deployment --product hello --version 1.0.0"),
        "{words}"
    );
    let own = format!("export VERSIONER_API_URL={}", server.client.url);
    assert!(words.contains(&own), "{words}");
}

#[test]
fn a_cell_says_what_runs_for_how_long_and_by_whom() {
    let server = Server::start();
    deploy(&server, "shop", "1.4.0", "production");
    server.clock.advance(120);
    let mut browser = viewer(&server);
    let reply = browser.get("/manage/");
    assert_eq!(cell(&reply, "shop", "production"), "1.4.0 2 h ci");
    let story = browser.get(&link(&reply, "1.4.0"));
    assert!(main_words(&story).contains("shop 1.4.0 to production"));
    assert!(
        reply
            .text
            .contains("datetime=\"2025-11-19T12:00:00Z\" title=\"Wed 19 Nov 2025, 12:00 UTC\""),
        "{}",
        reply.text
    );
}

#[test]
fn drift_stands_there_in_words_and_leads_to_the_comparison() {
    let server = Server::start();
    for version in ["1", "2", "3"] {
        build(&server, "shop", version);
    }
    deploy(&server, "shop", "3", "staging");
    deploy(&server, "shop", "1", "production");
    let mut browser = viewer(&server);
    let reply = browser.get("/manage/");
    assert_eq!(cell(&reply, "shop", "staging"), "3 0 s ci");
    assert!(cell(&reply, "shop", "production").ends_with("2 behind staging"));
    let compare = browser.get(&link(&reply, "2 behind staging"));
    assert!(main_words(&compare).contains("In staging , not yet in production"));
    deploy(&server, "shop", "2", "staging");
    deploy(&server, "shop", "3", "production");
    let reply = browser.get("/manage/");
    assert!(cell(&reply, "shop", "production").ends_with("1 ahead of staging"));
    assert_eq!(
        cell(&reply, "shop", "staging"),
        "2 0 s ci rolled back from 3"
    );
}

#[test]
fn what_waits_for_more_than_a_week_is_stuck() {
    let server = Server::start();
    build(&server, "shop", "1");
    deploy(&server, "shop", "1", "production");
    build(&server, "shop", "2");
    deploy(&server, "shop", "2", "staging");
    let mut browser = viewer(&server);
    server.clock.advance(7 * 24 * 60 - 1);
    let reply = browser.get("/manage/");
    assert!(cell(&reply, "shop", "production").ends_with("1 behind staging"));
    server.clock.advance(24 * 60);
    let mut browser = person(&server, "Vito", "viewer");
    let reply = browser.get("/manage/");
    assert!(
        cell(&reply, "shop", "production").ends_with("1 behind staging for 7 d"),
        "{}",
        cell(&reply, "shop", "production")
    );
}

/// A product for each way in which a last attempt can need somebody.
fn unquiet(server: &Server) {
    for product in ["fails", "held", "asks", "goes", "stops", "queues", "quiet"] {
        deploy(server, product, "1", "production");
    }
    let rule = |name: &str, kind: &str, product: &str, config: Value| {
        let rule = json!({
            "name": name, "type": kind, "products": [product], "config": config,
        });
        server.client.post("/deployment-rules/", &rule).expect(201);
    };
    let flow = json!({ "required_environments": ["production"] });
    rule("Prod first, always", "flow", "held", flow);
    let terms = json!({ "required_approvals": 1 });
    rule("Two, please", "release_approval", "asks", terms);
    let starts = |product: &str, environment: &str| {
        tell(server, &event(product, "2", environment, "started"))
    };
    assert_eq!(starts("held", "staging"), 428);
    assert_eq!(starts("asks", "production"), 428);
    assert_eq!(starts("goes", "production"), 200);
    for (product, status) in [
        ("fails", "failed"),
        ("stops", "aborted"),
        ("queues", "pending"),
    ] {
        assert_eq!(
            tell(server, &event(product, "2", "production", status)),
            200
        );
    }
    server.clock.advance(3);
}

#[test]
fn badges_say_why_a_cell_needs_somebody_count_and_filter() {
    let server = Server::start();
    unquiet(&server);
    let mut browser = viewer(&server);
    let reply = browser.get("/manage/");
    for (product, environment, expected) in [
        ("fails", "production", "1 3 min ci 2 failed 3 min ago"),
        ("held", "staging", "2 blocked: Prod first, always"),
        ("asks", "production", "1 3 min ci 2 waits for approval"),
        ("goes", "production", "1 3 min ci 2 in progress, 3 min"),
        ("stops", "production", "1 3 min ci 2 aborted, 3 min ago"),
        ("queues", "production", "1 3 min ci 2 queued, 3 min"),
        ("quiet", "production", "1 3 min ci"),
        ("quiet", "staging", "never deployed"),
    ] {
        assert_eq!(cell(&reply, product, environment), expected, "{product}");
    }
    let summary = words(main_part(&reply).split("</ul>").next().unwrap());
    assert_eq!(
        summary,
        "What runs where 1 failed 1 blocked 1 waits for approval 1 in progress 1 queued 1 aborted"
    );
    for (badge, product) in [
        ("1 failed", "fails"),
        ("1 blocked", "held"),
        ("1 waits for approval", "asks"),
        ("1 in progress", "goes"),
        ("1 queued", "queues"),
        ("1 aborted", "stops"),
    ] {
        let filtered = browser.get(&link(&reply, badge));
        row(&filtered, product);
        let words = main_words(&filtered);
        assert!(words.contains("1 of 7 products"), "{badge}: {words}");
        // It counts what there is, whatever is shown.
        assert!(words.contains("1 failed 1 blocked"), "{words}");
        assert_eq!(link(&filtered, badge), "/manage/", "once more shows all");
    }
}

#[test]
fn filters_stand_in_the_address() {
    let server = Server::start();
    for (product, version) in [("shop-api", "1"), ("shop-web", "1"), ("zoo", "1")] {
        deploy(&server, product, version, "staging");
        deploy(&server, product, version, "production");
    }
    deploy(&server, "zoo", "2", "staging");
    let mut browser = viewer(&server);
    let reply = browser.get("/manage/?product=SHOP");
    row(&reply, "shop-api");
    row(&reply, "shop-web");
    assert!(!main_words(&reply).contains("zoo"));
    assert!(reply.text.contains("name=\"product\" value=\"SHOP\""));
    let reply = browser.get("/manage/?differs=1");
    row(&reply, "zoo");
    assert!(main_words(&reply).contains("1 of 3 products, 2 environments"));
    let text = main_words(&browser.get("/manage/?environment=nope"));
    assert!(text.contains("There is no such environment."), "{text}");
    let reply = browser.get("/manage/?environment=production&product=");
    assert!(
        main_words(&reply).contains("1 environment."),
        "{}",
        main_words(&reply)
    );
    assert!(!row(&reply, "zoo").contains("staging\""));
    let reply = browser.get("/manage/?product=nothing-like-it&state=failed");
    assert!(main_words(&reply).contains("No product matches. Clear all"));
}

#[test]
fn products_come_by_the_hundred_and_rows_by_25() {
    let server = Server::start();
    for number in 0..130 {
        deploy(&server, &format!("product-{number:03}"), "1", "production");
    }
    let mut browser = viewer(&server);
    let first = browser.get("/manage/");
    assert_eq!(first.text.matches("<tbody").count(), 4);
    row(&first, "product-099");
    assert!(!first.text.contains("product-100"));
    let second = browser.get(&link(&first, "More products"));
    row(&second, "product-100");
    row(&second, "product-129");
    assert!(!second.text.contains("More products"));
    let again = browser.get(&link(&second, "First products"));
    row(&again, "product-000");
}

#[test]
fn an_environment_says_when_it_closes() {
    let server = Server::start();
    deploy(&server, "shop", "1", "production");
    let freeze = json!({
        "name": "Friday", "type": "no_deploy_window", "environments": ["type:production"],
        "config": {
            "recurrence": "weekly", "timezone": "UTC", "days": ["friday"],
            "start_time": "15:00", "end_time": "08:00", "end_day": "monday",
        },
    });
    server
        .client
        .post("/deployment-rules/", &freeze)
        .expect(201);
    let mut browser = viewer(&server);
    let words_of = |browser: &mut Browser| main_words(&browser.get("/manage/"));
    let words = words_of(&mut browser);
    assert!(
        words.contains("production closes Fri 15:00 until Mon 08:00"),
        "{words}"
    );
    server.clock.set("2025-11-22T12:00:00Z");
    let words = words_of(&mut browser);
    assert!(
        words.contains("production closed until Mon 08:00"),
        "{words}"
    );
}

#[test]
fn hostile_names_are_shown_and_never_obeyed() {
    let server = Server::start();
    let product = "\"><script>alert(1)</script>";
    deploy(&server, product, "1<b>\u{5d0}", "production & more");
    let reply = viewer(&server).get("/manage/");
    assert_eq!(reply.text.matches("<script").count(), 1, "the module alone");
    assert!(!reply.text.contains("<b>"), "{}", reply.text);
    assert!(main_words(&reply).contains(product));
}

#[test]
fn an_archived_product_is_gone_from_the_page_and_from_its_counts() {
    let server = Server::start();
    deploy(&server, "shop", "1", "production");
    let old = event("old", "1", "production", "failed");
    let id = server.client.post("/deployment-events/", &old).expect(200)["product_id"].clone();
    let mut browser = viewer(&server);
    assert!(main_words(&browser.get("/manage/")).contains("1 failed"));
    let path = format!("/products/{}/", id.as_str().unwrap());
    let archived = json!({ "archived": true });
    server.client.request("PATCH", &path, &archived).expect(200);
    let words = main_words(&browser.get("/manage/"));
    assert!(
        !words.contains("old") && !words.contains("failed"),
        "{words}"
    );
}

#[test]
fn the_page_is_compressed_and_loads_two_files_more() {
    let server = Server::start();
    for number in 0..100 {
        for environment in ["dev", "test", "staging", "production"] {
            deploy(
                &server,
                &format!("product-{number:03}"),
                "1.4.0",
                environment,
            );
        }
    }
    let mut browser = viewer(&server);
    let reply = browser.get("/manage/");
    row(&reply, "product-099");
    let linked = ["<link rel=\"stylesheet\"", "<script", "<img", "url("];
    let count: usize = linked
        .iter()
        .map(|one| reply.text.matches(one).count())
        .sum();
    assert_eq!(count, 2, "a style sheet and a module");
    let headers = [("Sec-Fetch-Mode", "navigate"), ("Accept-Encoding", "gzip")];
    let sent = browser.send("GET", "/manage/", &headers, "");
    assert_eq!(sent.headers["content-encoding"], "gzip");
}
