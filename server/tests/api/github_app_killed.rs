//! Jobs at GitHub that wait, and a server that is killed at any step of it.

use ring::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake_github::{GitHub, KEY};
use crate::github_app::deployments;
use crate::process::Process;
use crate::receiver::SILENCE;
use crate::sources::mac;
use crate::support::{Client, until};

/// Sends what a job asks, as GitHub does.
fn send(client: &Client, source: &Value, body: &Value) {
    let (body, secret) = (body.to_string(), source["secret"].as_str().unwrap());
    let signature = mac(hmac::HMAC_SHA256, secret, body.as_bytes());
    let delivery = mac(hmac::HMAC_SHA256, "delivery", body.as_bytes());
    let headers = [
        ("X-GitHub-Event", "deployment_protection_rule"),
        ("X-GitHub-Delivery", delivery.as_str()),
        ("X-Hub-Signature-256", &format!("sha256={signature}")),
    ];
    let path = format!("/hooks/{}", source["id"].as_str().unwrap());
    let sender = Client::new(&client.url, "");
    sender
        .send("POST", &path, &headers, body.as_bytes())
        .expect(202);
}

#[test]
fn whenever_a_server_is_killed_each_job_has_one_verdict() {
    let (data, github) = (TempDir::new().unwrap(), GitHub::start());
    let start = || Process::start_with(data.path(), &["--webhook-allow-net", "127.0.0.1"]);
    let mut server = start();
    let key = server.first_key.clone().unwrap();
    let mut client = Client::new(&server.url, &key);
    let settings = json!({ "app_id": "12345", "api_url": github.url });
    let app = json!({
        "name": "App", "kind": "github-app", "private_key": KEY, "settings": settings,
    });
    let source = client.post("/sources/", &app).expect(201);
    for step in ["stored", "the run is asked for", "it is said"] {
        let environment = format!("after {step}");
        let body = github.asks(5, &environment);
        match step {
            "the run is asked for" => github.refuses_tokens(&[SILENCE.to_owned()]),
            "it is said" => github.says(&[SILENCE.to_owned()]),
            _ => {}
        }
        send(&client, &source, &body);
        match step {
            "the run is asked for" => until("it is asked for", || github.has_refused()),
            "it is said" => assert_eq!(github.hears()["state"], "approved"),
            _ => {}
        }
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        server = start();
        client = Client::new(&server.url, &key);
        // GitHub sends it again, because somebody there asks it to.
        send(&client, &source, &body);
        let heard = github.hears();
        assert_eq!(
            (&heard["state"], &heard["environment_name"]),
            (&json!("approved"), &json!(environment))
        );
        until("all is said", || {
            let rows = client.get("/queue/?state=waiting").expect(200);
            rows["items"] == json!([])
        });
        // What was on its way at the kill may be said twice.
        for again in github.all() {
            assert_eq!(again, heard);
        }
        let [deployment] = &deployments(&client, &environment.replace(' ', "%20"))[..] else {
            panic!("one deployment {environment}");
        };
        assert_eq!(deployment["status"], "started");
    }
}
