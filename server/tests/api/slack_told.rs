//! What is told in Slack: once, in place, and only the last of it.

use std::sync::Arc;

use serde_json::{Value, json};
use versioner_server::Clock;

use crate::data::Data;
use crate::fake_slack::{FakeSlack, Known};
use crate::process::Process;
use crate::slack::{setting, started};
use crate::slack_decide::{guard, refused_start};
use crate::support::{Client, Server, until};

#[test]
fn a_deployment_has_one_message_that_changes_in_place() {
    let fake = FakeSlack::start();
    let mut set = setting();
    set["channels"] = json!([
        { "channel": "C0RELEASES", "environments": ["production"] },
        { "channel": "C0FAILED", "statuses": ["failed"] },
    ]);
    let server = started(&fake, &set);
    server
        .client
        .deploy("1.0.0", "staging", "completed")
        .expect(200);
    server
        .client
        .deploy("1.0.0", "production", "started")
        .expect(200);
    fake.message("In progress: api 1.0.0 to production");
    server
        .client
        .deploy("1.0.0", "production", "failed")
        .expect(200);
    fake.wait("a reply below", |known| {
        known
            .messages
            .values()
            .find(|one| one["reply_broadcast"] == true)
            .map(drop)
    });
    fake.wait("the other channel", |known| {
        known
            .messages
            .values()
            .find(|one| one["channel"] == "C0FAILED")
            .map(drop)
    });
    let known = fake.known();
    let messages: Vec<&Value> = known.messages.values().collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
    let first = messages
        .iter()
        .find(|one| one["channel"] == "C0RELEASES")
        .unwrap();
    assert!(
        first["text"].as_str().unwrap().starts_with("Failed"),
        "{first}"
    );
    assert!(
        !messages
            .iter()
            .any(|one| one.to_string().contains("staging"))
    );
}

#[test]
fn slack_that_was_away_hears_the_last_state_alone() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    fake.go_away(true);
    for version in ["1.0.0", "1.1.0"] {
        server
            .client
            .deploy(version, "production", "started")
            .expect(200);
        server
            .client
            .deploy(version, "production", "completed")
            .expect(200);
    }
    let waits = || server.client.get("/slack/").expect(200);
    until("they wait", || {
        waits()["waiting"] == 2 && !waits()["problem"].is_null()
    });
    fake.go_away(false);
    for version in ["1.0.0", "1.1.0"] {
        fake.message(&format!("Completed: api {version}"));
    }
    until("nothing waits", || {
        waits()["waiting"] == 0 && waits()["problem"].is_null()
    });
    let known = fake.known();
    let posted = known
        .calls
        .iter()
        .filter(|(method, _)| method.starts_with("chat."));
    assert_eq!(posted.count(), 2);
}

#[test]
fn too_much_waits_a_gone_channel_is_given_up_and_a_shared_one_is_asked_nothing() {
    let fake = FakeSlack::start();
    let mut set = setting();
    set["channels"] = json!([
        { "channel": "C0GONE", "approvals": false }, { "channel": "C0RELEASES", "approvals": false },
        { "channel": "C0SHARED", "statuses": [] },
    ]);
    fake.share("C0SHARED");
    fake.limit(1, 1);
    let server = started(&fake, &set);
    guard(&server);
    refused_start(&server, "1.0.0");
    server
        .client
        .deploy("1.0.0", "staging", "completed")
        .expect(200);
    fake.message("Completed: api 1.0.0 to staging");
    assert!(fake.known().calls.iter().any(|(method, _)| method == "429"));
    let problem = || server.client.get("/slack/").expect(200)["problem"].clone();
    until("a problem", || !problem().is_null());
    let known = fake.known();
    assert!(
        !known
            .messages
            .values()
            .any(|one| one["channel"] == "C0SHARED")
    );
}

#[test]
fn a_server_that_has_its_data_alone_goes_on_at_once_after_one_that_was_cut_off() {
    let fake = FakeSlack::start();
    let data = Arc::new(Data::in_folder());
    let first = Server::with_slack_on(data.clone(), &fake.api());
    let reached = first.client.request("PUT", "/slack/", &setting());
    reached.expect(200);
    let deploy = |server: &Server, status| {
        let told = server.client.deploy("1.0.0", "production", status);
        told.expect(200);
    };
    deploy(&first, "started");
    fake.message("In progress: api 1.0.0 to production");
    let now = first.clock.now();
    drop(first);
    let second = Server::with_slack_on(data, &fake.api());
    assert_eq!(
        second.clock.now(),
        now,
        "what the first one held is not over"
    );
    deploy(&second, "failed");
    fake.message("Failed: api 1.0.0 to production");
}

/// How often a method was called.
fn count(known: &Known, method: &str) -> usize {
    known.calls.iter().filter(|(of, _)| of == method).count()
}

fn is_well(server: &Server) {
    until("Slack is well", || {
        let shown = server.client.get("/slack/").expect(200);
        shown["waiting"] == 0 && shown["problem"].is_null()
    });
}

#[test]
fn a_message_whose_answer_was_lost_is_found_and_not_told_again() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    fake.lose(1);
    server
        .client
        .deploy("1.0.0", "production", "started")
        .expect(200);
    fake.message("In progress: api 1.0.0");
    is_well(&server);
    // The same for what is said below it.
    fake.lose(1);
    server
        .client
        .deploy("1.0.0", "production", "failed")
        .expect(200);
    fake.message("reply_broadcast");
    is_well(&server);
    let known = fake.known();
    assert_eq!(known.messages.len(), 2, "{:?}", known.messages);
    assert_eq!(count(&known, "chat.postMessage"), 2);
}

#[test]
fn where_slack_does_not_say_what_has_arrived_a_lost_message_is_told_twice_and_no_more() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    fake.refuse("conversations.history", Some("missing_scope"));
    fake.lose(1);
    server
        .client
        .deploy("1.0.0", "production", "started")
        .expect(200);
    fake.wait("the second", |known| {
        (known.messages.len() == 2).then_some(())
    });
    is_well(&server);
    server
        .client
        .deploy("1.0.0", "production", "completed")
        .expect(200);
    fake.message("Completed: api 1.0.0");
    is_well(&server);
    assert_eq!(fake.shown().len(), 2);
}

#[test]
fn a_server_that_is_killed_before_it_hears_of_its_message_does_not_tell_it_again() {
    let fake = FakeSlack::start();
    let data = Data::in_folder();
    let api = fake.api();
    let begin = || Process::start_with(data.path(), &["--slack-api-url", &api]);
    let server = begin();
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    client.request("PUT", "/slack/", &setting()).expect(200);
    fake.hold();
    client.deploy("1.0.0", "production", "started").expect(200);
    fake.message("In progress: api 1.0.0");
    // SIGKILL.
    drop(server);
    fake.release(None);
    let server = begin();
    let client = Client::new(&server.url, &key);
    client
        .deploy("1.0.0", "production", "completed")
        .expect(200);
    fake.message("Completed: api 1.0.0");
    until("nothing waits", || {
        client.get("/slack/").expect(200)["waiting"] == 0
    });
    let known = fake.known();
    assert_eq!(known.messages.len(), 1, "{:?}", known.messages);
    assert_eq!(count(&known, "chat.postMessage"), 1);
}
