//! Webhooks that lead to sources: what a webhook has caused itself does not go round for ever.

use serde_json::{Value, json};

use crate::receiver::{Receiver, deliveries, webhook};
use crate::support::Server;

/// Makes a source to which each delivery is another version, and answers where it is told, past the name
/// that people know the server by.
fn source(server: &Server) -> String {
    let mapping = json!({
        "product": "/data/product_name",
        "version": "/data/cell/number",
        "environment": "/data/environment_name",
        "status": "completed",
    });
    let body = json!({ "name": "loop", "kind": "json", "settings": { "mapping": mapping } });
    let made = server.client.post("/sources/", &body).expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    format!(
        "{}/hooks/{}/{}",
        server.client.url,
        text("id"),
        text("secret")
    )
}

fn leading_to(server: &Server, url: &str) -> String {
    let body = json!({ "url": url, "events": ["deployment"] });
    let made = server.client.post("/webhooks/", &body).expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn told(server: &Server, id: &str) -> Vec<Value> {
    let all = deliveries(&server.client, id);
    all.iter().map(|one| one["event"].clone()).collect()
}

#[test]
fn what_a_webhook_tells_its_own_server_is_not_told_to_it_again() {
    let server = Server::that_calls();
    let watches = Receiver::start();
    let (watch, _) = webhook(&server, &watches, json!({ "events": ["deployment"] }));
    let id = leading_to(&server, &source(&server));
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    assert_eq!(watches.next().headers["x-versioner-via"], watch);
    let again = watches.next();
    assert_ne!(again.json()["data"]["version"], "1.0");
    assert_eq!(
        again.headers["x-versioner-via"],
        format!("{id}, {watch}"),
        "told by the source"
    );
    // Whom it is told was decided for both at once.
    assert_eq!(told(&server, &id), ["deployment.completed"]);
}

#[test]
fn two_servers_that_tell_one_another_come_to_an_end() {
    let (a, b) = (Server::that_calls(), Server::that_calls());
    let watches = Receiver::start();
    let (watch, _) = webhook(&a, &watches, json!({ "events": ["deployment"] }));
    let to_b = leading_to(&a, &source(&b));
    let to_a = leading_to(&b, &source(&a));
    a.client
        .deploy("1.0", "production", "completed")
        .expect(200);
    watches.next();
    let again = watches.next();
    assert_eq!(
        again.headers["x-versioner-via"],
        format!("{to_b}, {to_a}, {watch}")
    );
    assert_eq!(told(&a, &to_b), ["deployment.completed"]);
    assert_eq!(told(&b, &to_a), ["deployment.completed"]);
}
