//! What GitHub answers when something is wrong, and what becomes of jobs that wait then.

use serde_json::{Value, json};

use crate::fake_github::{GitHub, LOGIN_PAGE, answer, run};
use crate::github_app::{ask, deployments, rows, told};
use crate::receiver::SILENCE;
use crate::sources::Sender;
use crate::support::{Server, until};

fn refusal(status: u16, message: &str) -> String {
    answer(status, "", &json!({ "message": message }))
}

/// Waits until the newest row of a kind is so, and answers it.
#[track_caller]
fn row(server: &Server, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
    let newest = || rows(server, kind).first().cloned().unwrap_or_default();
    until("the row", || is(&newest()));
    newest()
}

fn is_state(state: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["state"] == state
}

/// A server, a GitHub with an app, and a job whose approval is answered so.
fn approved(answers: &[String]) -> (Server, GitHub) {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    github.says(answers);
    ask(&app, "d1", &github.asks(5, "production"));
    assert_eq!(github.hears()["state"], "approved");
    (server, github)
}

fn state(server: &Server) -> Value {
    deployments(&server.client, "production")[0]["status"].clone()
}

#[test]
fn a_callback_elsewhere_is_never_called() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    let other = GitHub::start();
    let mut body = github.asks(5, "production");
    body["deployment_callback_url"] =
        other.asks(5, "production")["deployment_callback_url"].clone();
    let row = app.became(&app.github("deployment_protection_rule", "d1", &body));
    assert_eq!(row["state"], "dead");
    let why = row["error"].as_str().unwrap();
    assert!(why.contains("is not of the API of this source"), "{why}");
    assert!(rows(&server, "gate").is_empty());
    let mut unknown = github.asks(5, "production");
    unknown
        .as_object_mut()
        .unwrap()
        .shift_remove("installation");
    let row = app.became(&app.github("deployment_protection_rule", "d2", &unknown));
    assert!(
        row["error"].as_str().unwrap().contains("installation.id"),
        "{row}"
    );
    let mut odd = github.asks(5, "production");
    odd["installation"]["id"] = json!("1/../../user");
    let row = app.became(&app.github("deployment_protection_rule", "d4", &odd));
    assert!(
        row["error"].as_str().unwrap().contains("is no number"),
        "{row}"
    );
    let plain = Sender::new(&server, "github", json!({}));
    let body = github.asks(5, "production");
    let row = plain.became(&plain.github("deployment_protection_rule", "d3", &body));
    assert!(
        row["error"].as_str().unwrap().contains("github-app"),
        "{row}"
    );
}

#[test]
fn what_passes_is_tried_again_and_taken() {
    let limited = answer(
        429,
        "Retry-After: 30\r\n",
        &json!({ "message": "slow down" }),
    );
    let passing = [
        LOGIN_PAGE.to_owned(),
        refusal(500, "oops"),
        refusal(401, "Bad credentials"),
        refusal(403, "Resource not accessible by integration"),
        limited,
        "HTTP/1.1 200 O".to_owned(),
    ];
    let (server, github) = approved(&passing);
    for number in 1..=passing.len() {
        let tried = |row: &Value| row["attempts"] == number && !row["error"].is_null();
        let row = row(&server, "answer", tried);
        assert_eq!(row["state"], "waiting", "{row}");
        assert_eq!(state(&server), "started", "the slot is kept");
        server.clock.advance(5);
        assert_eq!(github.hears()["state"], "approved");
    }
    row(&server, "answer", is_state("done"));
    assert_eq!(state(&server), "started");
}

#[test]
fn an_approval_that_stands_already_keeps_the_slot_and_one_of_a_run_that_is_over_does_not() {
    let already = refusal(422, "The deployment protection rule was already reviewed");
    let (server, github) = approved(std::slice::from_ref(&already));
    let told = row(&server, "answer", is_state("ignored"));
    let why = told["error"].as_str().unwrap();
    // What is said in a private network is kept to itself.
    assert!(why.contains("422") && !why.contains("reviewed"), "{told}");
    assert_eq!(state(&server), "started");
    drop(github);

    // It is cancelled after GitHub was asked for the run.
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    github.says(&[already]);
    github.then_runs(200, run(1, "completed"));
    ask(&app, "d1", &github.asks(5, "production"));
    github.hears();
    row(&server, "answer", is_state("dead"));
    assert_eq!(state(&server), "aborted");
}

#[test]
fn a_run_that_is_gone_gives_the_slot_back_and_is_not_asked_for_again() {
    let (server, github) = approved(&[refusal(404, "Not Found")]);
    row(&server, "answer", is_state("dead"));
    let ended = deployments(&server.client, "production")[0].clone();
    assert_eq!(ended["status"], "aborted");
    let story = server
        .client
        .get(&format!("/deployments/{}/", ended["id"].as_str().unwrap()));
    assert!(
        story.text.contains("GitHub could not be told"),
        "{}",
        story.text
    );
    assert_eq!(rows(&server, "gate").len(), 1);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    assert!(github.all().is_empty());
}

#[test]
fn an_approval_that_is_never_taken_gives_the_slot_back_and_is_asked_for_later() {
    let (server, github) = approved(&vec![refusal(503, "down"); 12]);
    for number in 1..12 {
        let tried = |row: &Value| row["attempts"] == number && !row["error"].is_null();
        row(&server, "answer", tried);
        server.clock.advance(61);
        github.hears();
    }
    row(&server, "answer", is_state("dead"));
    assert_eq!(state(&server), "aborted");
    let waits = row(&server, "gate", is_state("waiting"));
    assert_ne!(waits["id"], Value::Null);
    server.clock.advance(61);
    assert_eq!(github.hears()["state"], "approved", "GitHub is there again");
    row(&server, "answer", is_state("done"));
    let shown = deployments(&server.client, "production");
    assert_eq!((&shown[0]["status"], shown.len()), (&json!("started"), 2));
}

#[test]
fn what_runs_is_not_given_back_though_github_never_said_that_it_took_the_approval() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    github.says(&[refusal(502, "lost"), refusal(404, "Not Found")]);
    ask(&app, "d1", &github.asks(5, "production"));
    github.hears();
    row(&server, "answer", |row| !row["error"].is_null());
    // Before it is tried again.
    server.clock.set("2025-11-19T12:00:01Z");
    let body = told("in_progress", "production", 5, 1);
    let read = app.became(&app.github("deployment_status", "s1", &body));
    assert_eq!(read["state"], "done");
    server.clock.advance(1);
    let dead = row(&server, "answer", is_state("dead"));
    assert!(dead["error"].as_str().unwrap().contains("404"), "{dead}");
    assert_eq!(state(&server), "started");
}

#[test]
fn an_app_that_is_not_installed_any_more_takes_no_slot() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    github.refuses_tokens(&[refusal(404, "Not Found")]);
    ask(&app, "d1", &github.asks(5, "production"));
    let dead = row(&server, "gate", is_state("dead"));
    let why = dead["error"].as_str().unwrap();
    assert!(why.contains("not installed there any more"), "{why}");
    assert!(deployments(&server.client, "production").is_empty());
}

#[test]
fn githubs_clock_is_gone_by_if_ours_is_wrong() {
    for ahead in [-3600, 3600, 0] {
        let (server, github) = (Server::that_calls(), GitHub::start());
        let app = github.app(&server, json!({}));
        github.is_ahead(ahead);
        ask(&app, "d1", &github.asks(5, "production"));
        assert_eq!(github.hears()["state"], "approved", "{ahead} seconds");
        assert_eq!(github.given(), 2, "one to ask for the run, one to say it");
    }
}

#[test]
fn a_key_that_github_does_not_know_is_said_and_the_job_waits() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    let date = "Date: Wed, 19 Nov 2025 12:00:00 GMT\r\n";
    let message = json!({ "message": "A JSON web token could not be decoded" });
    github.refuses_tokens(&[answer(401, date, &message)]);
    ask(&app, "d1", &github.asks(5, "production"));
    let waits = row(&server, "gate", |row| !row["error"].is_null());
    let why = waits["error"].as_str().unwrap();
    assert!(why.contains("401") && why.contains("private key"), "{why}");
    assert!(deployments(&server.client, "production").is_empty());
    server.clock.advance(2);
    assert_eq!(github.hears()["state"], "approved");
}

#[test]
fn an_app_that_may_not_know_runs_is_answered_all_the_same() {
    let (server, github) = (Server::that_calls(), GitHub::start());
    let app = github.app(&server, json!({}));
    github.runs(
        403,
        json!({ "message": "Resource not accessible by integration" }),
    );
    ask(&app, "d1", &github.asks(5, "production"));
    assert_eq!(github.hears()["state"], "approved");
    let deployment = deployments(&server.client, "production")[0].clone();
    assert_eq!(deployment["deployed_by"], "grace", "whoever sent it");
}

#[test]
fn a_github_that_hangs_is_asked_again() {
    let (server, github) = approved(&[SILENCE.to_owned()]);
    let waits = row(&server, "answer", |row| !row["error"].is_null());
    let why = waits["error"].as_str().unwrap();
    assert!(why.contains("did not answer within"), "{why}");
    server.clock.advance(1);
    assert_eq!(github.hears()["state"], "approved");
    row(&server, "answer", is_state("done"));
}

#[test]
fn a_private_network_is_called_only_if_whoever_runs_the_server_allows_it() {
    let (server, github) = (Server::start(), GitHub::start());
    let app = github.app(&server, json!({}));
    ask(&app, "d1", &github.asks(5, "production"));
    let waits = row(&server, "gate", |row| !row["error"].is_null());
    assert!(
        waits["error"]
            .as_str()
            .unwrap()
            .contains("--webhook-allow-net"),
        "{waits}"
    );
    assert!(github.all().is_empty());
}
