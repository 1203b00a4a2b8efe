//! What happens to a webhook while a delivery to it hangs.

use serde_json::{Value, json};

use crate::receiver::{OK, Receiver, SILENCE, attempted, deliveries, settled, until, webhook};
use crate::support::Server;

const GONE: &str = "HTTP/1.1 410 Gone\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 503 Service Unavailable\r\n\r\n";

fn deploy(server: &Server, version: &str) {
    server
        .client
        .deploy(version, "production", "completed")
        .expect(200);
}

fn shown(server: &Server, id: &str) -> Value {
    server.client.get(&format!("/webhooks/{id}/")).expect(200)
}

#[test]
fn what_went_well_while_another_hung_keeps_the_webhook_on() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says(BROKEN);
    deploy(&server, "1.0");
    let first = receiver.next();
    settled(&server, &id, 1);
    assert_eq!(shown(&server, &id)["failing_since"], "2025-11-19T12:00:00Z");

    let held = receiver.holds();
    server.clock.advance(5 * 24 * 60);
    let again = receiver.next();
    assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
    receiver.says(OK);
    deploy(&server, "1.1");
    receiver.next();
    until("another is delivered", || {
        deliveries(&server.client, &id)[0]["state"] == "done"
    });
    assert_eq!(shown(&server, &id)["failing_since"], Value::Null);

    held.send(BROKEN.to_owned()).unwrap();
    let delivery = attempted(&server, &id, &first.headers["webhook-id"], 2);
    assert_eq!(delivery["state"], "waiting", "{delivery}");
    let after = shown(&server, &id);
    assert_eq!(after["enabled"], true, "{after}");
    assert_eq!(after["failing_since"], "2025-11-24T12:00:00Z", "since then");
}

#[test]
fn what_a_receiver_says_of_before_a_change_does_not_switch_the_webhook_off() {
    type Change<'c> = &'c dyn Fn(&Server, &str);
    let other = Receiver::start();
    let path = |id: &str| format!("/webhooks/{id}/");
    let patch = |server: &Server, id: &str, change: Value| {
        server
            .client
            .request("PATCH", &path(id), &change)
            .expect(200);
    };
    let another_address =
        |server: &Server, id: &str| patch(server, id, json!({ "url": other.url }));
    let off_and_on = |server: &Server, id: &str| {
        patch(server, id, json!({ "enabled": false }));
        patch(server, id, json!({ "enabled": true }));
    };
    let another_secret = |server: &Server, id: &str| {
        let path = path(id) + "rotate/";
        server.client.post(&path, &json!({})).expect(200);
    };
    let changes: [Change; 3] = [&another_address, &off_and_on, &another_secret];
    for (number, change) in changes.into_iter().enumerate() {
        let server = Server::that_calls();
        let receiver = Receiver::start();
        let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
        let held = receiver.holds();
        deploy(&server, "1.0");
        let first = receiver.next();
        server.clock.advance(1);
        change(&server, &id);
        receiver.says(OK);
        held.send(GONE.to_owned()).unwrap();
        let delivery = settled(&server, &id, 1);
        assert_eq!(delivery["state"], "waiting", "{number}: {delivery}");
        let after = shown(&server, &id);
        assert_eq!(after["enabled"], true, "{number}: {after}");
        assert_eq!(
            after["failing_since"],
            Value::Null,
            "{number}: of another address"
        );
        server.clock.advance(1);
        let again = match number {
            0 => other.next(),
            _ => receiver.next(),
        };
        assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
        assert_eq!(settled(&server, &id, 2)["state"], "done");
    }
}

#[test]
fn one_that_is_removed_while_a_delivery_hangs_stays_removed() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    let held = receiver.holds();
    deploy(&server, "1.0");
    receiver.next();
    let path = format!("/webhooks/{id}/");
    server
        .client
        .request("DELETE", &path, &json!({}))
        .expect(200);
    held.send(GONE.to_owned()).unwrap();
    let (other, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says(OK);
    deploy(&server, "1.1");
    receiver.next();
    assert_eq!(settled(&server, &other, 1)["state"], "done");
    server.client.get(&path).expect(404);
    let log = server.client.get("/audit/?kind=webhook.disabled");
    assert_eq!(log.expect(200)["items"], json!([]));
}

#[test]
fn what_waits_for_one_that_hangs_holds_up_no_other() {
    let server = Server::that_calls();
    let (hangs, works) = (Receiver::start(), Receiver::start());
    let (id, _) = webhook(&server, &hangs, json!({ "environments": ["hangs"] }));
    webhook(&server, &works, json!({ "environments": ["works"] }));
    hangs.says(SILENCE);
    for version in 0..200 {
        let version = version.to_string();
        server
            .client
            .deploy(&version, "hangs", "completed")
            .expect(200);
    }
    until("all of it is to be told", || {
        let path = format!("/webhooks/{id}/deliveries/?limit=500");
        let page = server.client.get(&path).expect(200);
        page["items"].as_array().unwrap().len() == 200
    });
    hangs.next();
    server
        .client
        .deploy("1.0", "works", "completed")
        .expect(200);
    assert_eq!(works.next().json()["data"]["version"], "1.0");
    // Not one of those that wait was taken up for nothing.
    let path = format!("/webhooks/{id}/deliveries/?limit=500");
    let page = server.client.get(&path).expect(200);
    let all = page["items"].as_array().unwrap().iter();
    let is_taken_up = |one: &&Value| one["attempt_count"] != 0 && one["error"].is_null();
    let taken_up = all.filter(is_taken_up).count();
    assert!(taken_up <= 8, "{taken_up}");
}

#[test]
fn one_that_was_made_while_the_clock_was_wrong_hears_what_happens_now() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    server.clock.set("2026-11-19T12:00:00Z");
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says(BROKEN);
    deploy(&server, "1.0");
    receiver.next();
    settled(&server, &id, 1);
    assert_eq!(shown(&server, &id)["failing_since"], "2026-11-19T12:00:00Z");
    server.clock.set("2025-11-19T12:00:00Z");
    deploy(&server, "1.1");
    // The first may come again meanwhile.
    while receiver.next().json()["data"]["version"] != "1.1" {}
    settled(&server, &id, 1);
    assert_eq!(shown(&server, &id)["failing_since"], "2025-11-19T12:00:00Z");
}
