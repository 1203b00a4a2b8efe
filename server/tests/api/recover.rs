//! `sources recover`: what GitHub could not deliver is taken in as if it had come.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fake_github::{GitHub, KEY, LOGIN_PAGE, TOKEN, answer};
use crate::github_app::deployments;
use crate::process::PROGRAM;
use crate::sources::{Sender, run, status};
use crate::support::{Server, until};

const HOOK: &str = "/repos/acme/shop/hooks/7/deliveries";

/// Runs the command; what it says, or what is wrong.
fn recover(server: &Server, source: &str, more: &[&str]) -> Result<String, String> {
    let output = Command::new(PROGRAM)
        .args(["sources", "recover", source, "--account", "local"])
        .args(["--webhook-allow-net", "127.0.0.1", "--data"])
        .arg(server.data.path())
        .args(more)
        .env("GITHUB_TOKEN", TOKEN)
        .env_remove("VERSIONER_SERVER_PUBLIC_URL")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (said, wrong) = (text(output.stdout), text(output.stderr));
    assert!(
        !said.contains(TOKEN) && !wrong.contains(TOKEN),
        "{said}{wrong}"
    );
    match output.status.success() {
        true => Ok(said),
        false => Err(wrong),
    }
}

/// An attempt as GitHub lists it, so many hours ago.
fn attempt(id: i64, guid: &str, event: &str, code: i64, hours: i64) -> Value {
    let at = Timestamp::now() - SignedDuration::from_hours(hours);
    json!({
        "id": id, "guid": guid, "delivered_at": at.to_string(), "redelivery": false,
        "duration": 0.5, "status": "said", "status_code": code, "event": event, "action": null,
    })
}

/// An attempt in full.
fn whole(guid: &str, event: &str, payload: Value) -> String {
    let headers = json!({
        "X-GitHub-Event": event, "X-GitHub-Delivery": guid, "X-GitHub-Hook-ID": "7",
        "Content-Type": "application/x-www-form-urlencoded", "X-Hub-Signature-256": "sha256=00",
    });
    let whole = json!({ "guid": guid, "request": { "headers": headers, "payload": payload } });
    answer(200, "", &whole)
}

fn lists(github: &GitHub, base: &str, more: &str, page: &Value, next: Option<&str>) {
    let link = next.map(|next| {
        let first = format!("<{}{base}?per_page=100>; rel=\"first\"", github.url);
        format!(
            "Link: {first}, <{}{base}?{next}>; rel=\"next\"\r\n",
            github.url
        )
    });
    github.has(
        &format!("{base}?{more}"),
        answer(200, &link.unwrap_or_default(), page),
    );
}

#[test]
fn what_failed_is_taken_once_and_what_came_otherwise_is_known() {
    let (server, github) = (Server::start(), GitHub::start());
    let source = Sender::new(&server, "github", json!({}));
    let hooks = json!([
        { "id": 6, "config": { "url": "https://example.com/hooks/other" } },
        { "id": 7, "config": { "url": format!("https://v.example.com/hooks/{}", source.id) } },
    ]);
    github.has(
        "/repos/acme/shop/hooks?per_page=100&page=1",
        answer(200, "", &hooks),
    );
    let pages = [
        json!([
            attempt(12, "g-twice", "deployment_status", 200, 1),
            attempt(11, "g-new", "deployment_status", 502, 2),
        ]),
        json!([
            attempt(10, "g-twice", "deployment_status", 0, 3),
            attempt(9, "g-known", "ping", 504, 4),
            attempt(8, "g-gone", "push", 500, 5),
            attempt(4, "g-old", "ping", 500, 90),
        ]),
    ];
    lists(
        &github,
        HOOK,
        "per_page=100",
        &pages[0],
        Some("cursor=v1_10"),
    );
    // What comes after it is older than what is asked for, and nobody looks there.
    lists(
        &github,
        HOOK,
        "cursor=v1_10",
        &pages[1],
        Some("cursor=v1_4"),
    );
    let body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    github.has(
        &format!("{HOOK}/11"),
        whole("g-new", "deployment_status", body),
    );
    github.has(
        &format!("{HOOK}/9"),
        whole("g-known", "ping", json!({ "zen": "x" })),
    );
    source.became(&source.github("ping", "g-known", &json!({ "zen": "x" })));

    let place = ["--repository", "acme/shop", "--api-url", &github.url];
    let said = recover(&server, "github", &place).unwrap();
    let count = "Failed in the last 72 hours: 3; taken 1, known already 1, not to be had 1";
    assert!(said.contains(count), "{said}");
    assert!(said.contains("Not to be had: g-gone (push, "), "{said}");
    // The command goes by the machine's clock.
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    server.clock.set(&later.to_string());
    until("it has become a deployment", || {
        deployments(&server.client, "production").len() == 1
    });
    let again = recover(&server, &source.id, &place).unwrap();
    assert!(again.contains("taken 0, known already 2"), "{again}");
    // Delivered by hand at GitHub after all, it is the same.
    let body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    source.became(&source.github("deployment_status", "g-new", &body));
    assert_eq!(deployments(&server.client, "production").len(), 1);

    let less = [place.as_slice(), &["--hours", "1"]].concat();
    let none = recover(&server, "github", &less).unwrap();
    assert!(none.contains("Failed in the last 1 hours: 0;"), "{none}");
}

#[test]
fn what_cannot_be_recovered_says_why() {
    let (server, github) = (Server::start(), GitHub::start());
    let source = Sender::new(&server, "github", json!({}));
    Sender::new(&server, "gitlab", json!({}));
    let api = ["--api-url", github.url.as_str()];
    let wrong =
        |source: &str, more: &[&str]| recover(&server, source, &[&api, more].concat()).unwrap_err();
    assert!(wrong("nobody", &[]).contains("there is no source nobody"));
    assert!(wrong("gitlab", &[]).contains("only GitHub keeps a list"));
    assert!(wrong("github", &[]).contains("--repository OWNER/NAME"));
    assert!(wrong("github", &["--repository", "acme"]).contains("write OWNER/NAME"));
    assert!(wrong("github", &["--repository", "acme/../x"]).contains("write OWNER/NAME"));
    let shop = ["--repository", "acme/shop"];
    assert!(wrong("github", &shop).contains("admin:repo_hook"));
    let hooks = json!([{ "id": 7, "config": { "url": "https://v.example.com/hooks/other" } }]);
    github.has(
        "/orgs/acme/hooks?per_page=100&page=1",
        answer(200, "", &hooks),
    );
    let none = wrong("github", &["--organization", "acme"]);
    assert!(none.contains(&format!("/hooks/{}", source.id)), "{none}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let with = |more: &[&str]| wrong("github", &[&shop, more].concat());
    assert!(with(&["--token-file", &path]).contains("no token"));
    std::fs::write(&path, "ghp_revoked\n").unwrap();
    let revoked = with(&["--token-file", &path]);
    assert!(
        revoked.contains("401") && !revoked.contains("ghp_"),
        "{revoked}"
    );
    Sender::new(&server, "github", json!({}));
    assert!(wrong("github", &shop).contains("several sources"));
}

#[test]
fn an_app_needs_no_token_to_recover_what_failed() {
    let (server, github) = (Server::in_folder(), GitHub::start());
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("app.pem");
    std::fs::write(&key, KEY).unwrap();
    let secrets = folder
        .path()
        .join("secrets.key")
        .to_str()
        .unwrap()
        .to_owned();
    std::fs::write(&secrets, STANDARD.encode([7; 32])).unwrap();
    let with_key = ["--secrets-key-file", secrets.as_str()];
    let add = [
        "sources",
        "add",
        "github-app",
        "--account",
        "local",
        "--name",
        "Gate",
    ];
    let of_app = [
        "--app-id",
        "12345",
        "--api-url",
        &github.url,
        "--private-key-file",
    ];
    let pem = [key.to_str().unwrap()];
    let arguments = [&add[..], &of_app, &pem, &with_key].concat();
    let told = crate::pages::on_the_machine(server.data.path(), &arguments);
    assert!(told.contains("Webhook URL: http"), "{told}");
    let page = json!([attempt(1, "g-1", "ping", 502, 1)]);
    lists(&github, "/app/hook/deliveries", "per_page=100", &page, None);
    github.has(
        "/app/hook/deliveries/1",
        whole("g-1", "ping", json!({ "zen": "x" })),
    );
    let said = recover(&server, "Gate", &with_key).unwrap();
    assert!(said.contains("taken 1,"), "{said}");

    // A key that is none is refused before anything is made.
    std::fs::write(&key, "ssh-rsa AAAA").unwrap();
    let output = Command::new(PROGRAM)
        .args(&arguments)
        .arg("--data")
        .arg(server.data.path())
        .output()
        .unwrap();
    let wrong = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && wrong.contains("no private key"),
        "{wrong}"
    );
}

#[test]
fn what_is_not_of_github_is_no_empty_list() {
    let (server, github) = (Server::start(), GitHub::start());
    let source = Sender::new(&server, "github", json!({}));
    let hooks = "/repos/acme/shop/hooks?per_page=100&page=1";
    let there = ["--api-url", &github.url, "--repository", "acme/shop"];
    let all = json!([
        { "id": 7, "config": { "url": format!("https://v.example.com/hooks/{}", source.id) } },
    ]);
    github.has(hooks, answer(200, "", &all));
    let page = format!("{HOOK}?per_page=100");
    for (other, why) in [
        (LOGIN_PAGE.to_owned(), "something else than GitHub"),
        (
            answer(200, "", &json!({ "message": "hello" })),
            "is no list",
        ),
        (answer(204, "", &Value::Null), "is empty"),
    ] {
        github.has(&page, other);
        let wrong = recover(&server, &source.id, &there).unwrap_err();
        assert!(wrong.contains(why), "{wrong}");
    }
}
