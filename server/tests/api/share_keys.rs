//! Keys of badges and feeds: how they are made, how they end, and where they never stand.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::pages::{on_the_machine, person};
use crate::process::{PROGRAM, Process};
use crate::share::{badge, feed, get, says};
use crate::support::{Client, Server, until};

#[test]
fn a_revoked_key_shows_nothing_from_then_on() {
    let server = Server::start();
    server.client.deploy("1", "test", "completed").expect(200);
    let made = server
        .client
        .post("/keys/", &json!({ "scopes": ["share"] }))
        .expect(201);
    let token = made["key"].as_str().unwrap();
    assert_eq!(badge(&server, "api/test", token).status, 200);
    let tag = badge(&server, "api/test", token).headers["etag"].clone();
    let path = format!("/keys/{}/", made["id"].as_str().unwrap());
    server
        .client
        .request("DELETE", &path, &json!({}))
        .expect(200);
    let address = format!("/badge/api/test.svg?token={token}");
    let reply = get(&server.client.url, &address, &[("If-None-Match", &tag)]);
    assert_eq!(reply.status, 401, "not even that nothing has changed");
    assert_eq!(feed(&server, "deployments.atom", token).status, 401);
    let short = json!({ "scopes": ["share"], "expires_in_days": 1 });
    let made = server.client.post("/keys/", &short).expect(201);
    let token = made["key"].as_str().unwrap();
    assert_eq!(badge(&server, "api/test", token).status, 200);
    server.clock.advance(24 * 60);
    assert_eq!(badge(&server, "api/test", token).status, 401);
}

#[test]
fn whoever_makes_such_a_key_is_shown_where_it_goes() {
    let server = Server::start();
    server.client.deploy("1", "test", "completed").expect(200);
    let mut ada = person(&server, "Ada", "developer");
    let fields = [
        ("name", "README"),
        ("scopes", "share"),
        ("products", "api"),
        ("environments", "test"),
    ];
    let page = ada.post("/manage/keys", &fields);
    assert_eq!(page.status, 201, "{}", page.text);
    let links: Vec<&str> = page
        .text
        .split("<pre tabindex=\"0\" aria-label=\"")
        .skip(1)
        .map(|part| part.split_once('>').unwrap().1.split_once('<').unwrap().0)
        .collect();
    assert_eq!(links.len(), 3, "{}", page.text);
    let badge = links[0]
        .split_once("](")
        .unwrap()
        .1
        .split_once(")]")
        .unwrap()
        .0;
    let seen = get("", badge, &[]);
    assert_eq!(says(&seen), "api in test: 1");
    for link in &links[1..] {
        assert_eq!(get("", link, &[]).status, 200, "{link}");
    }
    let fields = [("name", "both"), ("scopes", "share"), ("scopes", "read")];
    let page = ada.post("/manage/keys", &fields);
    assert_eq!(page.status, 422);
    assert!(page.text.contains("share stands alone"), "{}", page.text);
    let fields = [("name", "reader"), ("scopes", "read")];
    let page = ada.post("/manage/keys", &fields).text;
    assert!(!page.contains("Badge in Markdown"), "{page}");
    let printed = on_the_machine(
        server.data.path(),
        &[
            "keys",
            "add",
            "--account",
            "local",
            "--scopes",
            "share",
            "--product",
            "api",
            "--environment",
            "test",
            "--public-url",
            &server.client.url,
        ],
    );
    let line = |what: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(what));
        line.unwrap_or_else(|| panic!("{what}: {printed}"))
            .to_owned()
    };
    let markdown = line("Badge in Markdown: ");
    let badge = markdown
        .split_once("](")
        .unwrap()
        .1
        .split_once(")]")
        .unwrap()
        .0;
    assert_eq!(says(&get("", badge, &[])), "api in test: 1");
    assert_eq!(get("", &line("Feed of deployments: "), &[]).status, 200);
    assert_eq!(
        get("", &line("Feed of approvals that wait: "), &[]).status,
        200
    );
}

#[test]
fn the_key_of_an_address_stands_in_no_log_and_in_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new(PROGRAM);
    command
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .env("VERSIONER_SERVER_LOG", "trace");
    let server = Process::spawn_with(command, Stdio::from(File::create(&log).unwrap()));
    let client = Client::new(&server.url, server.first_key.as_ref().unwrap());
    client.deploy("1", "test", "completed").expect(200);
    let made = client
        .post("/keys/", &json!({ "scopes": ["share"] }))
        .expect(201);
    let token = made["key"].as_str().unwrap();
    let secret = token.rsplit('_').next().unwrap();
    for path in [
        "/badge/api/test.svg",
        "/feed/deployments.atom",
        "/feed/approvals.atom",
        "/badge/x",
    ] {
        get(&server.url, &format!("{path}?token={token}"), &[]);
        get(&server.url, &format!("{path}?token={token}0"), &[]);
    }
    let used = || -> Value { client.get("/keys/").json()["items"][1]["last_used_at"].clone() };
    until("the use is noted", || !used().is_null());
    let read = || std::fs::read_to_string(&log).unwrap();
    until("the log has the request", || {
        read().contains("/feed/approvals.atom")
    });
    assert!(!read().contains(secret), "the log has the key");
    let record = client.get("/audit/?limit=100").text;
    assert!(!record.contains(secret), "the record has the key");
}
