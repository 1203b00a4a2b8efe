//! Webhooks: who is told what, in which form, and what becomes of receivers that do not take it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::data::Data;
use crate::pages::person;
use crate::process::{PROGRAM, Process};
use crate::receiver::{Got, OK, Receiver, SILENCE, deliveries, settled, until, webhook};
use crate::support::{Client, Server, build, deployment};

fn hmac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

/// The signature of Standard Webhooks, as this secret makes it.
fn signature(secret: &str, got: &Got) -> String {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let (id, at) = (
        &got.headers["webhook-id"],
        &got.headers["webhook-timestamp"],
    );
    let mac = hmac(&key, &[id, ".", at, ".", &got.text]);
    format!("v1,{}", STANDARD.encode(mac))
}

#[test]
fn a_deployment_is_told_with_both_signatures_and_its_place() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, secret) = webhook(&server, &receiver, json!({ "name": "ours" }));
    server
        .client
        .deploy("1.0", "production", "started")
        .expect(200);
    let started = receiver.next();
    assert_eq!(
        (started.event(), started.path.as_str()),
        ("deployment.started", "/hook")
    );
    assert_eq!(
        started.headers["webhook-signature"],
        signature(&secret, &started)
    );
    let hex: String = hmac(secret.as_bytes(), &[&started.text])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        started.headers["x-versioner-signature"],
        format!("sha256={hex}")
    );
    assert_eq!(started.headers["content-type"], "application/json");
    let told = started.json();
    assert_eq!(told["type"], "deployment.started");
    let data = &told["data"];
    assert_eq!(data["deployment"]["status"], "started");
    assert_eq!(
        (
            &data["product_name"],
            &data["environment_name"],
            &data["version"]
        ),
        (&json!("api"), &json!("production"), &json!("1.0"))
    );
    let url = data["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://versioner.example.com/manage/deployments?view="),
        "{url}"
    );

    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    let completed = receiver.next();
    let (before, after) = (&data["cell"], &completed.json()["data"]["cell"]);
    assert_eq!(before["environment_id"], after["environment_id"]);
    assert!(
        before["number"].as_i64() < after["number"].as_i64(),
        "{before} {after}"
    );
    let delivery = settled(&server, &id, 1);
    assert_eq!(delivery["state"], "done");
    assert_eq!(delivery["attempts"][0]["status"], 200);
    assert_eq!(
        delivery["attempts"][0]["answer"],
        Value::Null,
        "of a private network"
    );
    assert_eq!(delivery["body"], completed.text);
}

#[test]
fn who_wants_to_hear_of_something_hears_of_nothing_else() {
    let server = Server::that_calls();
    let (all, few) = (Receiver::start(), Receiver::start());
    let wanted = json!({
        "events": ["deployment"], "products": ["API"], "environments": ["production"],
        "statuses": ["failed"],
    });
    webhook(&server, &all, json!({}));
    webhook(&server, &few, wanted);
    server
        .client
        .post("/build-events/", &build("1.0", "completed"))
        .expect(200);
    server.client.deploy("1.0", "staging", "failed").expect(200);
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    server
        .client
        .deploy("1.1", "production", "failed")
        .expect(200);
    let told: Vec<String> = (0..4).map(|_| all.next().event().to_owned()).collect();
    for event in [
        "build.completed",
        "deployment.failed",
        "deployment.completed",
    ] {
        assert!(told.iter().any(|told| told == event), "{event} {told:?}");
    }
    let only = few.next();
    assert_eq!(only.json()["data"]["version"], "1.1");
    assert!(few.all().is_empty());
}

#[test]
fn each_form_has_its_members() {
    let server = Server::that_calls();
    let (flat, cdevents) = (Receiver::start(), Receiver::start());
    webhook(&server, &flat, json!({ "format": "versioner" }));
    webhook(&server, &cdevents, json!({ "format": "cdevents" }));
    let mut event = deployment("1.0", "production", "completed");
    event["scm_sha"] = json!("0123456789abcdef0123456789abcdef01234567");
    event["deployed_by"] = json!("ada");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let told = loop {
        let got = flat.next();
        if got.event() == "deployment.completed" {
            break got.json();
        }
    };
    assert_eq!(told["event_type"], "deployment.completed");
    assert_eq!(told["environment"], "production");
    assert_eq!(told["is_successful"], true);
    assert_eq!(told["deployer"], "ada");
    assert_eq!(told["commit_sha"], event["scm_sha"]);
    let got = cdevents.next();
    let told = got.json();
    assert_eq!(
        got.headers["ce-type"],
        "dev.cdevents.service.deployed.0.3.0"
    );
    assert_eq!(
        got.headers["ce-id"],
        told["context"]["id"].as_str().unwrap()
    );
    assert_eq!(told["context"]["specversion"], "0.5.1");
    assert_eq!(
        told["subject"]["content"]["environment"]["id"],
        "production"
    );
    assert_eq!(
        told["subject"]["content"]["artifactId"],
        "pkg:generic/api@1.0"
    );
    assert_eq!(told["customData"]["product_name"], "api");
}

#[test]
fn the_library_of_cdevents_reads_what_it_is_sent() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    webhook(&server, &receiver, json!({ "format": "cdevents" }));
    for status in ["pending", "started", "completed"] {
        server
            .client
            .post("/build-events/", &build("1.0 \u{fc}", status))
            .expect(200);
    }
    server
        .client
        .deploy("1.0 \u{fc}", "production", "completed")
        .expect(200);
    let mut types: Vec<String> = (0..4)
        .map(|_| {
            let got = receiver.next();
            let read: cdevents_sdk::CDEvent = serde_json::from_str(&got.text).unwrap();
            assert_eq!(read.ty(), got.headers["ce-type"]);
            let mut again = serde_json::to_value(&read).unwrap();
            again["context"]["timestamp"] = got.json()["context"]["timestamp"].clone();
            assert_eq!(again, got.json(), "nothing of it is left out");
            read.ty().to_owned()
        })
        .collect();
    types.sort_unstable();
    assert_eq!(
        types,
        [
            "dev.cdevents.build.finished.0.3.0",
            "dev.cdevents.build.queued.0.3.0",
            "dev.cdevents.build.started.0.3.0",
            "dev.cdevents.service.deployed.0.3.0",
        ]
    );
}

#[test]
fn approvals_rules_and_stops_are_told() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    webhook(
        &server,
        &receiver,
        json!({ "format": "versioner", "events": ["approval", "stop"] }),
    );
    let built = server
        .client
        .post("/build-events/", &build("1.0", "completed"))
        .expect(200);
    let version = built["version_id"].as_str().unwrap();
    let body = json!({
        "type": "release", "environment": "production", "approved_by": "ada", "create": true,
        "comment": "fine",
    });
    server
        .client
        .post(&format!("/versions/{version}/approvals/"), &body)
        .expect(201);
    let got = receiver.next();
    assert_eq!(got.event(), "version.approved");
    let told = got.json();
    assert_eq!(
        (&told["version"], &told["approval_type"], &told["comments"]),
        (&json!("1.0"), &json!("release"), &json!("fine"))
    );
    let stop = json!({ "message": "fire drill", "until": "2025-11-19T13:00:00Z" });
    server
        .client
        .request("PUT", "/all-stop/", &stop)
        .expect(200);
    assert_eq!(receiver.next().event(), "stop.set");
}

#[test]
fn whoever_fails_is_asked_again_after_the_pauses_and_not_for_ever() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says("HTTP/1.1 500 Internal Server Error\r\n\r\nbroken");
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    let first = receiver.next();
    // In minutes, with the tenth that each may be longer.
    let pauses = [1, 6, 34, 133, 331, 661, 925, 1322, 1586];
    for (attempts, minutes) in (1..).zip(pauses) {
        let delivery = settled(&server, &id, attempts);
        assert_eq!(delivery["state"], "waiting", "{delivery}");
        assert!(
            delivery["error"].as_str().unwrap().contains("500"),
            "{delivery}"
        );
        server.clock.advance(minutes);
        let again = receiver.next();
        assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
        assert_ne!(
            again.headers["webhook-timestamp"],
            first.headers["webhook-timestamp"]
        );
        assert_eq!(again.text, first.text);
    }
    assert_eq!(settled(&server, &id, 10)["state"], "dead");
    let shown = server.client.get(&format!("/webhooks/{id}/")).expect(200);
    assert_eq!(shown["failing_since"], "2025-11-19T12:00:00Z");

    // Somebody has repaired it.
    receiver.says(OK);
    let since = json!({ "since": "2025-11-19T00:00:00Z" });
    let again = server
        .client
        .post(&format!("/webhooks/{id}/resend/"), &since)
        .expect(200);
    assert_eq!(again["count"], 1);
    assert_eq!(receiver.next().text, first.text);
    until("it works", || {
        let shown = server.client.get(&format!("/webhooks/{id}/")).expect(200);
        shown["failing_since"].is_null()
    });
}

#[test]
fn a_receiver_that_asks_to_wait_is_given_the_time() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\n\r\n");
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    receiver.next();
    let delivery = settled(&server, &id, 1);
    assert_eq!(delivery["next_attempt_at"], "2025-11-19T13:00:00Z");
    receiver.says(OK);
    server.clock.advance(60);
    receiver.next();
    assert_eq!(settled(&server, &id, 2)["state"], "done");
}

#[test]
fn a_redirect_is_not_followed() {
    let server = Server::that_calls();
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says(&format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\n\r\n",
        other.url
    ));
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    receiver.next();
    let delivery = settled(&server, &id, 1);
    assert!(
        delivery["error"]
            .as_str()
            .unwrap()
            .contains("redirects are not followed")
    );
    assert!(other.all().is_empty());
}

#[test]
fn whoever_is_gone_is_told_nothing_any_more_and_the_admins_hear_of_it() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says("HTTP/1.1 410 Gone\r\n\r\n");
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    receiver.next();
    assert_eq!(settled(&server, &id, 1)["state"], "dead");
    let shown = server.client.get(&format!("/webhooks/{id}/")).expect(200);
    assert_eq!(shown["enabled"], false);
    assert_eq!(shown["disabled_reason"], "it answered 410 Gone");
    let log = server
        .client
        .get("/audit/?kind=webhook.disabled")
        .expect(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    server
        .client
        .deploy("1.1", "production", "completed")
        .expect(200);

    server.clock.advance(1);

    // A test goes there all the same, and it can be switched on again.
    receiver.says(OK);
    server
        .client
        .post(&format!("/webhooks/{id}/test/"), &json!({}))
        .expect(202);
    assert_eq!(receiver.next().event(), "webhook.test");
    let on = json!({ "enabled": true });
    let shown = server
        .client
        .request("PATCH", &format!("/webhooks/{id}/"), &on)
        .expect(200);
    assert_eq!(
        (&shown["enabled"], &shown["disabled_reason"]),
        (&json!(true), &Value::Null)
    );
    server
        .client
        .deploy("1.2", "production", "completed")
        .expect(200);
    assert_eq!(receiver.next().json()["data"]["version"], "1.2");
}

#[test]
fn five_days_of_failures_switch_it_off() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    receiver.next();
    settled(&server, &id, 1);
    server.clock.advance(5 * 24 * 60);
    receiver.next();
    assert_eq!(settled(&server, &id, 2)["state"], "dead");
    let shown = server.client.get(&format!("/webhooks/{id}/")).expect(200);
    let reason = shown["disabled_reason"].as_str().unwrap();
    assert!(
        reason.contains("five days") && reason.contains("503"),
        "{reason}"
    );
}

#[test]
fn a_secret_is_rotated_with_an_overlap() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, old) = webhook(&server, &receiver, json!({ "events": ["webhook"] }));
    let rotated = server
        .client
        .post(
            &format!("/webhooks/{id}/rotate/"),
            &json!({ "overlap_hours": 1 }),
        )
        .expect(200);
    let new = rotated["secret"].as_str().unwrap();
    assert_eq!(rotated["old_secret_until"], "2025-11-19T13:00:00Z");
    let test = || {
        server
            .client
            .post(&format!("/webhooks/{id}/test/"), &json!({}))
            .expect(202);
        receiver.next()
    };
    let got = test();
    let both = format!("{} {}", signature(new, &got), signature(&old, &got));
    assert_eq!(got.headers["webhook-signature"], both);
    server.clock.advance(60);
    let got = test();
    assert_eq!(got.headers["webhook-signature"], signature(new, &got));
}

#[test]
fn one_that_is_removed_is_told_nothing_of_what_waits() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says("HTTP/1.1 500 Internal Server Error\r\n\r\n");
    server
        .client
        .deploy("1.0", "production", "completed")
        .expect(200);
    receiver.next();
    settled(&server, &id, 1);
    server
        .client
        .request("DELETE", &format!("/webhooks/{id}/"), &json!({}))
        .expect(200);
    server.client.get(&format!("/webhooks/{id}/")).expect(404);
    let (other, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    receiver.says(OK);
    server.clock.advance(60);
    server
        .client
        .deploy("1.1", "production", "completed")
        .expect(200);
    assert_eq!(receiver.next().json()["data"]["version"], "1.1");
    settled(&server, &other, 1);
    assert!(receiver.all().is_empty());
}

#[test]
fn what_was_recorded_before_a_stop_is_told_after_it_once() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "events": ["deployment"] }));
    for version in 0..20 {
        let version = format!("1.{version}");
        server
            .client
            .deploy(&version, "production", "completed")
            .expect(200);
    }
    // Whatever is told by now.
    let data = server.data.clone();
    drop(server);
    let server = Server::that_calls_on(data);
    // What the first had taken up is let go of by then, where others could be at it.
    server.clock.advance(2);
    until("all of it is told", || {
        let told = deliveries(&server.client, &id);
        told.len() == 20 && told.iter().all(|one| one["state"] == "done")
    });
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for got in receiver.all() {
        let version = got.json()["data"]["version"].as_str().unwrap().to_owned();
        let id = ids
            .entry(version)
            .or_insert_with(|| got.headers["webhook-id"].clone());
        assert_eq!(
            *id, got.headers["webhook-id"],
            "a delivery keeps its identifier"
        );
    }
    assert_eq!(ids.len(), 20);
}

#[test]
fn a_server_that_is_killed_in_a_delivery_sends_it_again_under_the_same_name() {
    let data = Data::in_folder();
    let allow = ["--webhook-allow-net", "127.0.0.1"];
    let mut process = Process::start_with(data.path(), &allow);
    let client = Client::new(&process.url, process.first_key.as_ref().unwrap());
    let receiver = Receiver::start();
    receiver.says(SILENCE);
    let body = json!({ "url": receiver.url, "events": ["deployment"] });
    let made = client.post("/webhooks/", &body).expect(201);
    client.deploy("1.0", "production", "completed").expect(200);
    let first = receiver.next();
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    receiver.says(OK);
    let process = Process::start_with(data.path(), &allow);
    let again = receiver.next();
    assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
    assert_eq!(again.text, first.text);
    let client = Client::new(&process.url, &client.key);
    let id = made["id"].as_str().unwrap();
    until("it is delivered", || {
        deliveries(&client, id)[0]["state"] == "done"
    });
}

#[test]
fn two_servers_tell_each_thing_once() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    let data = Arc::new(data);
    let (a, b) = (
        Server::that_calls_on(data.clone()),
        Server::that_calls_on(data),
    );
    let receiver = Receiver::start();
    let (id, _) = webhook(&a, &receiver, json!({ "events": ["deployment"] }));
    std::thread::scope(|scope| {
        for (server, name) in [(&a, "a"), (&b, "b")] {
            scope.spawn(move || {
                for number in 0..10 {
                    let version = format!("{name}{number}");
                    server
                        .client
                        .deploy(&version, name, "completed")
                        .expect(200);
                }
            });
        }
    });
    until("all of it is told", || {
        let told = deliveries(&a.client, &id);
        told.len() == 20 && told.iter().all(|one| one["state"] == "done")
    });
    let mut told: Vec<String> = receiver
        .all()
        .iter()
        .map(|got| got.json()["data"]["version"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told.len(), 20, "nobody died, so nothing is sent twice");
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 20);
}

#[test]
fn what_is_wrong_is_refused_with_its_reason_and_no_secret_shows() {
    let server = Server::that_calls();
    for (body, field, reason) in [
        (json!({}), "url", "required"),
        (
            json!({ "url": "hooks.example.com" }),
            "url",
            "write https://",
        ),
        (
            json!({ "url": "ftp://example.com/" }),
            "url",
            "neither https://",
        ),
        (
            json!({ "url": "https://a:s3cret-word@example.com/" }),
            "url",
            "a name or a password",
        ),
        (
            json!({ "url": "https://versioner.example.com/hooks/x" }),
            "url",
            "own address",
        ),
        (
            json!({ "url": "https://e.com/", "secret": "s3cret-word" }),
            "secret",
            "16 to 200",
        ),
        (
            json!({ "url": "https://e.com/", "events": ["deploy"] }),
            "events",
            "deployment.started",
        ),
        (
            json!({ "url": "https://e.com/", "format": "xml" }),
            "format",
            "cdevents",
        ),
        (json!({ "url": "https://e.com/", "uri": "x" }), "uri", ""),
    ] {
        let reply = server.client.post("/webhooks/", &body);
        let detail = reply.detail(422);
        let found = &detail[0];
        assert_eq!(found["loc"][1], field, "{detail}");
        let msg = found["msg"].as_str().unwrap();
        assert!(msg.contains(reason), "{msg}");
        assert!(!reply.text.contains("s3cret"), "{}", reply.text);
    }
    let receiver = Receiver::start();
    let secret = "s3cret-word-of-mine";
    let url = format!("{}/s3cret-path", receiver.url);
    let (id, shown) = webhook(&server, &receiver, json!({ "url": url, "secret": secret }));
    assert_eq!(shown, secret);
    let path = format!("/webhooks/{id}/");
    for place in ["/webhooks/", path.as_str(), "/audit/"] {
        let text = server.client.get(place).text;
        assert!(!text.contains("s3cret-word"), "{place}: {text}");
    }
    assert!(!server.client.get("/audit/").text.contains("s3cret"));
    assert_eq!(server.client.get(&path).json()["url"], url);
    let reader = server.add_key("local", true);
    reader.get("/webhooks/").expect(403);
}

#[test]
fn a_private_address_is_not_called_unless_the_machine_names_it() {
    let server = Server::start();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({}));
    server
        .client
        .post(&format!("/webhooks/{id}/test/"), &json!({}))
        .expect(202);
    let delivery = settled(&server, &id, 1);
    assert_eq!(delivery["state"], "dead", "a test is sent once");
    let error = delivery["error"].as_str().unwrap();
    assert!(error.contains("--webhook-allow-net"), "{error}");
    assert!(receiver.all().is_empty());
}

#[test]
fn admins_make_test_and_remove_one_on_the_pages() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let mut root = person(&server, "Root", "admin");
    let wrong = root.post(
        "/manage/webhooks",
        &[("url", "hooks"), ("format", "standard")],
    );
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("write https://HOST/PATH"),
        "{}",
        wrong.text
    );
    let form = [
        ("url", receiver.url.as_str()),
        ("format", "versioner"),
        ("events", "deployment"),
        ("name", "<b>ours"),
    ];
    let made = root.post("/manage/webhooks", &form);
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(
        made.text.contains("whsec_") && made.text.contains("&lt;b&gt;ours"),
        "{}",
        made.text
    );
    let list = server.client.get("/webhooks/").json();
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let page = format!("/manage/webhooks/{id}");
    assert!(!root.get(&page).text.contains("whsec_"), "shown once");
    assert_eq!(root.post(&format!("{page}/test"), &[]).status, 303);
    assert_eq!(receiver.next().event(), "webhook.test");
    let delivery = settled(&server, &id, 1);
    let delivery = delivery["id"].as_str().unwrap();
    let shown = root.get(&format!("{page}/{delivery}"));
    assert!(shown.text.contains("This is a test"), "{}", shown.text);
    assert_eq!(
        root.post(&format!("{page}/resend"), &[("delivery", delivery)])
            .status,
        303
    );
    assert_eq!(receiver.next().headers["webhook-id"], delivery);
    assert_eq!(
        root.post(&format!("{page}/switch"), &[("to", "off")])
            .status,
        303
    );
    assert!(root.get(&page).text.contains("It is switched off"));
    assert_eq!(root.post(&format!("{page}/remove"), &[]).status, 303);
    assert_eq!(root.get(&page).status, 404);

    let mut dev = person(&server, "Dev", "developer");
    assert_eq!(dev.get("/manage/webhooks").status, 403);
}

#[test]
fn commands_on_the_machine_do_the_same() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let (id, _) = webhook(&server, &receiver, json!({ "name": "ours" }));
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(PROGRAM)
            .arg("webhooks")
            .args(arguments)
            .args(["--account", "local", "--data"])
            .arg(server.data.path())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    };
    let (_, list) = run(&["list"]);
    assert!(
        list.contains(&format!("local {id}  (ours)  standard to 127.0.0.1  on")),
        "{list}"
    );
    assert!(run(&["off", &id]).1.ends_with("is off\n"));
    let path = format!("/webhooks/{id}/");
    assert_eq!(server.client.get(&path).json()["enabled"], false);
    assert!(run(&["on", &id]).0);
    assert_eq!(
        run(&["resend", &id]),
        (true, "0 are sent again\n".to_owned())
    );
    assert!(run(&["remove", &id]).0);
    server.client.get(&path).expect(404);
    let (went_well, said) = run(&["off", &id]);
    assert!(!went_well && said.contains("webhooks list"), "{said}");
}
