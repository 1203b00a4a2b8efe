//! Slack at two servers that share one PostgreSQL. `make test-postgres` runs these; without the database that
//! it starts there is nothing to test here.

use std::sync::Arc;

use crate::data::Data;
use crate::fake_slack::FakeSlack;
use crate::pages::person;
use crate::slack::{interacts, link, setting, waits_for_nothing};
use crate::slack_decide::{refused_start, two_say_yes};
use crate::support::Server;

/// The first, which tells Slack, and the second, which would if the first were gone. Their clocks stand still.
fn two(fake: &FakeSlack) -> Option<(Server, Server)> {
    let data = Arc::new(Data::on_postgres()?);
    let first = Server::with_slack_on(data.clone(), &fake.api());
    first
        .client
        .request("PUT", "/slack/", &setting())
        .expect(200);
    first
        .client
        .deploy("0.0.1", "staging", "completed")
        .expect(200);
    fake.message("Completed: api 0.0.1 to staging");
    waits_for_nothing(&first);
    let mut second = Server::with_slack_on(data, &fake.api());
    second.client.key = first.client.key.clone();
    Some((first, second))
}

#[test]
fn each_deployment_has_one_message_and_one_approval_counts_once() {
    let fake = FakeSlack::start();
    let Some((first, second)) = two(&fake) else {
        return;
    };
    for (server, version) in [(&first, "1.0.0"), (&second, "2.0.0")] {
        server
            .client
            .deploy(version, "staging", "started")
            .expect(200);
        server
            .client
            .deploy(version, "staging", "completed")
            .expect(200);
        fake.message(&format!("Completed: api {version} to staging"));
    }
    two_say_yes(&first);
    let mut ada = person(&first, "Ada", "admin");
    link(&first, &fake, &mut ada, "U0ADA");
    refused_start(&second, "3.0.0");
    let message = fake.message("waits for approval");
    // Twice at once, and each of these at both servers: of one person it is one yes.
    let clicks = [(); 2].map(|()| fake.click_on(&message, "approve_release", "U0ADA"));
    std::thread::scope(|scope| {
        for click in &clicks {
            for server in [&first, &second] {
                scope.spawn(move || assert_eq!(interacts(server, click).status, 200));
            }
        }
    });
    fake.message("1 of 2 approvals");
    waits_for_nothing(&second);
    assert_eq!(fake.shown().len(), 4);
}

#[test]
fn another_server_takes_over_from_one_that_is_gone_and_finds_what_that_has_told() {
    let fake = FakeSlack::start();
    let Some((first, second)) = two(&fake) else {
        return;
    };
    fake.hold();
    second
        .client
        .deploy("1.0.0", "production", "started")
        .expect(200);
    fake.message("In progress: api 1.0.0 to production");
    drop(first);
    fake.release(None);
    second
        .client
        .deploy("1.0.0", "production", "completed")
        .expect(200);
    second.clock.advance(1);
    fake.message("Completed: api 1.0.0 to production");
    waits_for_nothing(&second);
    assert_eq!(fake.shown().len(), 2);
}

#[test]
fn a_server_whose_turn_is_over_writes_nothing_over_what_the_next_one_has_noted() {
    let fake = FakeSlack::start();
    let Some((first, second)) = two(&fake) else {
        return;
    };
    fake.hold();
    second
        .client
        .deploy("1.0.0", "production", "completed")
        .expect(200);
    fake.message("Completed: api 1.0.0 to production");
    // The first waits for its answer for so long that the second tells what is left to tell.
    second.clock.advance(1);
    waits_for_nothing(&second);
    drop(second);
    fake.release(Some("channel_not_found"));
    // It is its turn again: what it tells now, it tells after it has noted that answer.
    first.clock.advance(10);
    first
        .client
        .deploy("2.0.0", "production", "completed")
        .expect(200);
    fake.message("Completed: api 2.0.0 to production");
    waits_for_nothing(&first);
    let shown = first.client.get("/slack/").expect(200);
    assert!(shown["problem"].is_null(), "{shown}");
    assert_eq!(fake.shown().len(), 3);
}
