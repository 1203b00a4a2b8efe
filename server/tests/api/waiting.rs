//! Asking about a start until the verdict is another one.

use std::io::Write;
use std::net::TcpStream;
use std::thread::{JoinHandle, yield_now};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, Reply, Server, deployment};

/// Long before the longest wait is over.
const SOON: Duration = Duration::from_secs(20);

const FREEZE: &str = "2025-11-19T12:00:01";

fn ask(client: &Client, version: &str) -> Reply {
    let body = deployment(version, "production", "started");
    client.post("/preflight/?wait=25", &body)
}

/// Somebody who waits for another verdict.
pub struct Waiting {
    began: Instant,
    thread: JoinHandle<Reply>,
}

impl Waiting {
    /// Asks, and comes back once the server has looked.
    pub fn begin(server: &Server, version: &'static str) -> Waiting {
        let before = server.waiting();
        let client = server.client.clone();
        let began = Instant::now();
        let thread = std::thread::spawn(move || ask(&client, version));
        while server.waiting() == before {
            assert!(began.elapsed() < SOON, "nobody waits");
            yield_now();
        }
        Waiting { began, thread }
    }

    /// The answer, which comes before the wait is over.
    #[track_caller]
    pub fn answer(self) -> Value {
        let reply = self.thread.join().unwrap();
        assert!(self.began.elapsed() < SOON, "only the end of the wait");
        reply.expect(200)
    }
}

fn add_rule(server: &Server, kind: &str, config: Value) -> String {
    let rule = json!({
        "name": kind, "type": kind, "environments": ["production"], "create": true,
        "config": config,
    });
    let added = server.client.post("/deployment-rules/", &rule).expect(201);
    added["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_allowed_is_answered_at_once() {
    let server = Server::start();
    let began = Instant::now();
    assert_eq!(ask(&server.client, "1").expect(200)["allowed"], true);
    assert!(began.elapsed() < SOON);
    assert_eq!(server.waiting(), 0);
}

#[test]
fn the_end_of_the_deployment_in_the_way_ends_the_wait() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let waiting = Waiting::begin(&server, "2");
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    assert_eq!(waiting.answer()["allowed"], true);
    let recorded = server.client.get("/deployments/").expect(200);
    assert_eq!(recorded["items"].as_array().unwrap().len(), 1);
}

#[test]
fn another_deployment_in_the_way_is_another_verdict() {
    let server = Server::start();
    add_rule(
        &server,
        "release_approval",
        json!({ "required_approvals": 1 }),
    );
    let waiting = Waiting::begin(&server, "2");
    let mut hotfix = deployment("3", "production", "started");
    hotfix["skip_preflight_checks"] = json!(true);
    server
        .client
        .post("/deployment-events/", &hotfix)
        .expect(200);
    let answer = waiting.answer();
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["latest"]["version"], "3");
}

#[test]
fn a_rule_that_is_lifted_and_an_approval_end_the_wait() {
    let server = Server::start();
    let rule = add_rule(
        &server,
        "release_approval",
        json!({ "required_approvals": 2, "keys": true, "exclude_deployer": false }),
    );
    let built = json!({ "product_name": "api", "version": "2", "status": "completed" });
    let built = server.client.post("/build-events/", &built).expect(200);
    let approvals = format!(
        "/versions/{}/approvals/",
        built["version_id"].as_str().unwrap()
    );
    let waiting = Waiting::begin(&server, "2");
    let approval = json!({
        "type": "release", "environment": "production", "approved_by": "ada@example.com",
    });
    server.client.post(&approvals, &approval).expect(201);
    let answer = waiting.answer();
    assert_eq!(answer["rules_evaluated"][0]["details"]["approvals"], 1);

    let waiting = Waiting::begin(&server, "2");
    let path = format!("/deployment-rules/{rule}/");
    let lifted = json!({ "status": "report_only" });
    server.client.request("PATCH", &path, &lifted).expect(200);
    assert_eq!(waiting.answer()["allowed"], true);
}

#[test]
fn what_another_environment_of_the_product_brings_ends_the_wait() {
    let server = Server::start();
    server
        .client
        .deploy("0", "staging", "completed")
        .expect(200);
    add_rule(
        &server,
        "flow",
        json!({ "required_environments": ["staging"] }),
    );
    let waiting = Waiting::begin(&server, "2");
    server
        .client
        .deploy("2", "staging", "completed")
        .expect(200);
    assert_eq!(waiting.answer()["allowed"], true);
}

#[test]
fn a_window_that_ends_by_itself_ends_the_wait() {
    let server = Server::start();
    add_rule(
        &server,
        "no_deploy_window",
        json!({
            "recurrence": "once", "starts_at": "2025-11-19T00:00:00", "ends_at": FREEZE,
        }),
    );
    let waiting = Waiting::begin(&server, "2");
    server.clock.set("2025-11-19T12:00:01Z");
    assert_eq!(waiting.answer()["allowed"], true);
}

#[test]
fn a_wait_is_no_longer_than_it_may_be() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let body = deployment("2", "production", "started");
    let answer = server.client.post("/preflight/?wait=1", &body).expect(200);
    assert_eq!(answer["allowed"], false);
    for wait in ["26", "-1", "", "soon", "1&wait=2"] {
        let reply = server
            .client
            .post(&format!("/preflight/?wait={wait}"), &body);
        assert_eq!(
            reply.detail(422)[0]["loc"],
            json!(["query", "wait"]),
            "{wait}"
        );
    }
    let reply = server.client.post("/preflight/?pause=5", &body);
    assert_eq!(reply.detail(422)[0]["loc"], json!(["query", "pause"]));
}

#[test]
fn half_of_the_connections_may_wait_and_nobody_else_is_held_up() {
    let server = Server::with_connections(4);
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let waiting = [Waiting::begin(&server, "2"), Waiting::begin(&server, "3")];
    let refused = ask(&server.client, "4");
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.headers.contains_key("retry-after"));
    server
        .client
        .deploy("1", "production", "failed")
        .expect(200);
    for waiting in waiting {
        assert_eq!(waiting.answer()["allowed"], true);
    }
}

#[test]
fn the_server_stops_although_somebody_waits() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let waiting = Waiting::begin(&server, "2");
    drop(server);
    assert_eq!(waiting.answer()["allowed"], false);
}

#[test]
fn who_goes_away_leaves_the_place_to_others() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let address = server.client.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let body = deployment("2", "production", "started").to_string();
    let head = format!(
        "POST /preflight/?wait=25 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {}\r\n\r\n",
        server.client.key,
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let began = Instant::now();
    while server.waiting() == 0 {
        yield_now();
    }
    drop(stream);
    while server.waiting() > 0 {
        assert!(began.elapsed() < SOON, "the place is not free");
        yield_now();
    }
}

#[test]
fn many_events_beside_those_who_wait_are_not_held_up() {
    let server = Server::start();
    server
        .client
        .deploy("1", "production", "started")
        .expect(200);
    let waiting: Vec<_> = (0..20).map(|_| Waiting::begin(&server, "2")).collect();
    for n in 0..100 {
        server
            .client
            .deploy(&n.to_string(), "staging", "completed")
            .expect(200);
    }
    server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    for waiting in waiting {
        assert_eq!(waiting.answer()["allowed"], true);
    }
}

#[test]
fn whom_an_override_would_let_go_is_counted() {
    let server = Server::start();
    let client = &server.client;
    let freeze = json!({
        "recurrence": "once", "starts_at": "2025-11-19T00:00:00", "ends_at": "2025-11-20T00:00:00",
    });
    let freeze = add_rule(&server, "no_deploy_window", freeze);
    let path = format!("/deployment-rules/{freeze}/waiting/");
    let none = json!({ "items": [], "released": 0 });
    assert_eq!(client.get(&path).expect(200), none);
    let waiting = [Waiting::begin(&server, "2"), Waiting::begin(&server, "3")];
    // One of another product is held by an approval too.
    let approval = json!({
        "name": "Two", "type": "release_approval", "products": ["shop"],
        "config": { "required_approvals": 1 },
    });
    let approval = client.post("/deployment-rules/", &approval).expect(201)["id"].clone();
    let shop = client.clone();
    let before = server.waiting();
    let mut event = deployment("1", "production", "started");
    event["product_name"] = json!("shop");
    let third = std::thread::spawn(move || shop.post("/preflight/?wait=25", &event));
    let began = Instant::now();
    while server.waiting() == before {
        assert!(began.elapsed() < SOON, "nobody waits");
        yield_now();
    }
    let shown = client.get(&path).expect(200);
    assert_eq!(shown["released"], 2, "{shown}");
    let items = shown["items"].as_array().unwrap();
    let of = |version: &str| {
        items
            .iter()
            .find(|item| item["version"] == version)
            .unwrap()
    };
    assert_eq!(of("2")["held_by_this_alone"], true);
    assert_eq!(of("1")["held_by_this_alone"], false);
    assert_eq!(of("1")["product"], "shop");
    let of_approval = format!("/deployment-rules/{}/waiting/", approval.as_str().unwrap());
    assert_eq!(client.get(&of_approval).expect(200)["released"], 0);
    client.get("/deployment-rules/nobody/waiting/").detail(404);

    let lifted = json!({ "override": {
        "status": "report_only", "until": "2025-11-19T18:00:00Z", "reason": "incident 7",
    }});
    let rule = format!("/deployment-rules/{freeze}/");
    client.request("PATCH", &rule, &lifted).expect(200);
    for waiting in waiting {
        assert_eq!(waiting.answer()["allowed"], true);
    }
    // The third has got another verdict as well.
    assert_eq!(third.join().unwrap().expect(200)["allowed"], false);
    assert_eq!(client.get(&path).expect(200), none);
}
