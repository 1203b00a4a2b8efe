//! What changed after a page was opened is not decided on it.

use serde_json::{Value, json};

use crate::pages::{leads_to, person};
use crate::pages_gate::{GATE, form, rule, start, with};
use crate::pages_read::{field, main_part, main_words};
use crate::support::{Reply, Server, build};

const FIRST: &str = "1111111111111111111111111111111111111111";
const SECOND: &str = "2222222222222222222222222222222222222222";

/// Tells of a build of version 1 from a commit.
fn built_from(server: &Server, commit: &str, status: &str) {
    let mut event = build("1", status);
    event["scm_sha"] = json!(commit);
    server.client.post("/build-events/", &event).expect(200);
}

/// A start that a rule holds, of a version that is built from the first commit.
fn held(server: &Server) -> String {
    let id = rule(
        server,
        "Two eyes",
        "release_approval",
        json!({ "required_approvals": 1 }),
    );
    server.client.deploy("1", "test", "completed").expect(200);
    built_from(server, FIRST, "started");
    start(server, 428);
    id
}

/// The version goes on to be built from another commit: a start of a build is no promise.
fn moves_on(server: &Server) {
    built_from(server, SECOND, "completed");
}

fn approvals(server: &Server) -> Value {
    let versions = server.client.get("/versions/").json();
    let id = versions["items"][0]["id"].as_str().unwrap().to_owned();
    let given = server
        .client
        .get(&format!("/versions/{id}/approvals/"))
        .json();
    given["items"].clone()
}

#[test]
fn an_approval_is_of_the_commit_that_was_shown() {
    let server = Server::start();
    held(&server);
    let mut ada = person(&server, "Ada", "admin");
    let opened = ada.get("/manage/approvals");
    assert!(
        main_words(&opened).contains(&format!("Commit {FIRST}")),
        "{}",
        main_words(&opened)
    );
    moves_on(&server);
    for verdict in ["approve", "refuse"] {
        let fields = form(&opened);
        let fields = with(&fields, &[("verdict", verdict), ("comment", "as I saw it")]);
        let reply = ada.post("/manage/approvals", &fields);
        assert_eq!(reply.status, 409, "{}", reply.text);
        let text = main_words(&reply);
        let words =
            format!("1 comes from commit {SECOND} by now; when you looked it was commit {FIRST}.");
        assert!(text.contains(&words), "{text}");
        assert!(text.contains("as I saw it"), "what was typed stays: {text}");
        assert_eq!(approvals(&server), json!([]));
        // The page that says so shows what there is now, and can be answered.
        assert_eq!(field(main_part(&reply), "commit"), SECOND);
    }
    let again = ada.get("/manage/approvals");
    let fields = form(&again);
    let yes = with(&fields, &[("verdict", "approve"), ("comment", "")]);
    leads_to(&ada.post("/manage/approvals", &yes));
    assert_eq!(approvals(&server)[0]["scm_sha"], SECOND);
}

#[test]
fn a_page_without_a_commit_is_no_answer_for_one_with_a_commit() {
    let server = Server::start();
    rule(
        &server,
        "Two eyes",
        "release_approval",
        json!({ "required_approvals": 1 }),
    );
    server.client.deploy("1", "test", "completed").expect(200);
    start(&server, 428);
    let mut ada = person(&server, "Ada", "admin");
    let opened = ada.get("/manage/approvals");
    moves_on(&server);
    let fields = form(&opened);
    let yes = with(&fields, &[("verdict", "approve"), ("comment", "")]);
    let reply = ada.post("/manage/approvals", &yes);
    assert_eq!(reply.status, 409);
    let text = main_words(&reply);
    assert!(text.contains("it was no known commit"), "{text}");
}

/// The fields of the form that lets a start through.
fn letting(page: &Reply, rule: &str) -> Vec<(String, String)> {
    let html = main_part(page);
    let mut fields: Vec<(String, String)> = [
        ("product", "api"),
        ("version", "1"),
        ("environment", "production"),
        ("rule", rule),
        ("hours", "4"),
        ("reason", "incident 7"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    fields.extend(["commit", "tag"].map(|name| (name.to_owned(), field(html, name))));
    fields
}

#[test]
fn what_is_let_through_is_what_was_shown() {
    let server = Server::start();
    let id = held(&server);
    let mut ada = person(&server, "Ada", "admin");
    let exemptions = || server.client.get("/deployment-exemptions/").json()["items"].clone();
    let opened = letting(&ada.get(GATE), &id);
    moves_on(&server);
    let reply = ada.post("/manage/gate/let-through", &with(&opened, &[]));
    assert_eq!(reply.status, 409, "{}", reply.text);
    let text = main_words(&reply);
    assert!(
        text.contains(&format!("1 comes from commit {SECOND} by now")),
        "{text}"
    );
    assert_eq!(
        field(&reply.text, "reason"),
        "incident 7",
        "what was typed stays"
    );
    assert_eq!(exemptions(), json!([]));

    let opened = letting(&reply, &id);
    let harder = json!({ "config": { "required_approvals": 2 } });
    let path = format!("/deployment-rules/{id}/");
    server.client.request("PATCH", &path, &harder).expect(200);
    let reply = ada.post("/manage/gate/let-through", &with(&opened, &[]));
    assert_eq!(reply.status, 409);
    let text = main_words(&reply);
    assert!(
        text.contains("The rule Two eyes was changed after you opened the page."),
        "{text}"
    );
    assert_eq!(exemptions(), json!([]));

    let opened = letting(&reply, &id);
    leads_to(&ada.post("/manage/gate/let-through", &with(&opened, &[])));
    assert_eq!(exemptions()[0]["reason"], "incident 7");
}
