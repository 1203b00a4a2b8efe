//! Where a commit or a version runs, and two environments side by side.

use serde_json::json;

use crate::pages::{Browser, leads_to, person};
use crate::pages_read::{link, main_words, row, words};
use crate::support::{Server, build, deployment};

const SHA: &str = "4f1c2b7e9d3a5f6001234567890abcdef0123456";

fn deploy(server: &Server, product: &str, version: &str, environment: &str) {
    let mut event = deployment(version, environment, "completed");
    event["product_name"] = json!(product);
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
}

fn built(server: &Server, product: &str, version: &str) {
    let mut event = build(version, "completed");
    event["product_name"] = json!(product);
    event["scm_sha"] = json!(SHA);
    server.client.post("/build-events/", &event).expect(200);
    server.clock.advance(60);
}

fn viewer(server: &Server) -> Browser {
    person(server, "Vera", "viewer")
}

#[test]
fn one_hit_is_shown_at_once() {
    let server = Server::start();
    built(&server, "shop", "1.4.0");
    deploy(&server, "shop", "1.4.0", "staging");
    let mut browser = viewer(&server);
    for text in [&SHA[..7], SHA, "1.4.0", "SHO"] {
        let reply = browser.get(&format!("/manage/search?q={text}"));
        let page = leads_to(&reply).to_owned();
        let words = main_words(&browser.get(&page));
        assert!(words.contains("shop"), "{text}: {words}");
    }
}

#[test]
fn several_hits_say_where_each_runs() {
    let server = Server::start();
    built(&server, "shop", "1.4.0");
    built(&server, "web", "1.4.0");
    deploy(&server, "shop", "1.4.0", "staging");
    deploy(&server, "shop", "1.4.0", "production");
    let mut browser = viewer(&server);
    for text in [&SHA[..8], "1.4.0"] {
        let reply = browser.get(&format!("/manage/search?q={text}"));
        let shop = words(row(&reply, "shop 1.4.0"));
        assert!(
            shop.contains("staging for 0 s") && shop.contains("production for 0 s"),
            "{shop}"
        );
        assert!(words(row(&reply, "web 1.4.0")).contains("nowhere now"));
    }
}

#[test]
fn nothing_found_says_what_can_be_looked_for() {
    let server = Server::start();
    let mut browser = viewer(&server);
    for text in ["", "nothing", "deadbeef", "%3Cscript%3E"] {
        let reply = browser.get(&format!("/manage/search?q={text}"));
        assert_eq!(reply.status, 200);
        assert!(main_words(&reply).contains("at least its first 7 characters"));
        assert_eq!(reply.text.matches("<script").count(), 1);
    }
}

#[test]
fn a_comparison_has_the_longest_wait_first_and_folds_what_is_the_same() {
    let server = Server::start();
    for (product, version) in [("new", "1"), ("old", "1"), ("same", "1")] {
        built(&server, product, version);
        deploy(&server, product, version, "production");
    }
    built(&server, "old", "2");
    deploy(&server, "old", "2", "staging");
    server.clock.advance(8 * 24 * 60);
    built(&server, "new", "2");
    deploy(&server, "new", "2", "staging");
    deploy(&server, "same", "1", "staging");
    deploy(&server, "only", "1", "staging");
    let mut browser = viewer(&server);
    let reply = browser.get("/manage/compare");
    let text = main_words(&reply);
    assert!(
        text.contains("In staging , not yet in production"),
        "{text}"
    );
    assert!(
        text.contains("3 of 4 products differ; 1 change is stuck for longer than 7 days"),
        "{text}"
    );
    assert!(
        words(row(&reply, "old")).contains("1 behind stuck for 8 d"),
        "{}",
        words(row(&reply, "old"))
    );
    assert!(words(row(&reply, "only")).contains("only in staging"));
    assert!(text.find("old").unwrap() < text.find("new").unwrap());
    assert!(
        text.contains("1 product is the same in both same 1"),
        "{text}"
    );
    let stuck = browser.get("/manage/compare?days=7");
    row(&stuck, "old");
    assert!(
        !main_words(&stuck).contains("new 2"),
        "{}",
        main_words(&stuck)
    );
    let gate = browser.get(&link(&reply, "Can it go?"));
    assert!(
        main_words(&gate).contains("Can old 2 go to production ?"),
        "{}",
        main_words(&gate)
    );
    let other = main_words(&browser.get("/manage/compare?from=production&to=staging"));
    assert!(other.contains("1 ahead"), "{other}");
    let unknown = main_words(&browser.get("/manage/compare?from=nowhere&to=staging"));
    assert!(
        unknown.contains("One of these environments is not known."),
        "{unknown}"
    );
}

#[test]
fn with_one_environment_there_is_nothing_to_compare() {
    let server = Server::start();
    deploy(&server, "shop", "1", "production");
    let text = main_words(&viewer(&server).get("/manage/compare"));
    assert!(
        text.contains("There are not two environments yet."),
        "{text}"
    );
}
