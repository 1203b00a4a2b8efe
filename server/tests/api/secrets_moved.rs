//! Secrets go along with a backup and a copy, and open with the same key file alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::HMAC_SHA256;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::data::Data;
use crate::fake_slack::{APP, BOT_TOKEN, FakeSlack, SIGNING_SECRET, TEAM};
use crate::process::{PROGRAM, Process};
use crate::slack::form;
use crate::sources::mac;
use crate::support::{Client, Reply};

const WEBHOOK: &str = "https://hooks.example.com/a-path-that-is-secret";

/// A file with a key, as `openssl rand -base64 32` makes one.
fn key_file(folder: &TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    let bytes = [name.as_bytes()[0]; 32];
    std::fs::write(&path, STANDARD.encode(bytes)).unwrap();
    path
}

/// A server whose secrets are kept with the key in a file. Its log goes beside that.
fn serve(data: &Path, key_file: &Path, fake: &FakeSlack) -> Process {
    let log = File::create(key_file.with_extension("log")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--slack-api-url", &fake.api()]);
    command.arg("--data").arg(data);
    command.arg("--secrets-key-file").arg(key_file);
    Process::spawn_with(command, Stdio::from(log))
}

#[track_caller]
fn done(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// What was set up on the first server, and how it is used on another.
struct SetUp {
    key: String,
    source: String,
    secret: String,
    webhook: String,
    fake: FakeSlack,
}

impl SetUp {
    fn on(process: &Process, fake: FakeSlack) -> SetUp {
        let key = process.first_key.clone().unwrap();
        let client = Client::new(&process.url, &key);
        let body = json!({ "name": "GitHub", "kind": "github" });
        let source = client.post("/sources/", &body).expect(201);
        let webhook = client
            .post("/webhooks/", &json!({ "url": WEBHOOK }))
            .expect(201);
        let slack = json!({
            "team_id": TEAM, "app_id": APP, "bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET,
        });
        client.request("PUT", "/slack/", &slack).expect(200);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        SetUp {
            key,
            source: text(&source["id"]),
            secret: text(&source["secret"]),
            webhook: text(&webhook["id"]),
            fake,
        }
    }

    /// A delivery that GitHub has signed.
    fn ping(&self, process: &Process, delivery: &str) -> Reply {
        let body = b"{\"zen\": \"Keep it logically awesome.\"}";
        let signature = format!("sha256={}", mac(HMAC_SHA256, &self.secret, body));
        let headers = [
            ("X-GitHub-Event", "ping"),
            ("X-GitHub-Delivery", delivery),
            ("X-Hub-Signature-256", &signature),
        ];
        let nobody = Client::new(&process.url, "");
        nobody.send("POST", &format!("/hooks/{}", self.source), &headers, body)
    }

    /// A command that Slack has signed.
    fn command(&self, process: &Process) -> Reply {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let time = now.as_secs().to_string();
        let body = form(&self.fake.command("help", "U0ADA"));
        let signed = format!("v0:{time}:{body}");
        let signature = format!("v0={}", mac(HMAC_SHA256, SIGNING_SECRET, signed.as_bytes()));
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Slack-Request-Timestamp", time.as_str()),
            ("X-Slack-Signature", &signature),
        ];
        let nobody = Client::new(&process.url, "");
        nobody.send("POST", "/slack/commands", &headers, body.as_bytes())
    }

    /// Where the webhook leads to, if the server can read that.
    fn address(&self, process: &Process) -> Value {
        let client = Client::new(&process.url, &self.key);
        let path = format!("/webhooks/{}/", self.webhook);
        client.get(&path).expect(200)["url"].clone()
    }

    #[track_caller]
    fn works(&self, process: &Process, delivery: &str) {
        self.ping(process, delivery).expect(202);
        let answer = self.command(process).expect(200);
        assert!(answer["blocks"].is_array(), "{answer}");
        assert_eq!(self.address(process), WEBHOOK);
    }

    #[track_caller]
    fn says_that_the_key_is_another(&self, process: &Process, key_file: &Path) {
        let refused = self.ping(process, "of another key");
        // Whoever sends hears that it is no fault of theirs, and the log names both keys.
        let detail = refused.detail(503).to_string();
        assert!(detail.contains("cannot be read"), "{detail}");
        let log = std::fs::read_to_string(key_file.with_extension("log")).unwrap();
        for part in ["encrypted with the key", "bring that file"] {
            assert!(log.contains(part), "{log}");
        }
        for secret in [self.secret.as_str(), SIGNING_SECRET, WEBHOOK] {
            assert!(!log.contains(secret) && !detail.contains(secret), "{log}");
        }
        assert_eq!(self.address(process), Value::Null);
        assert_ne!(self.command(process).status, 200);
    }
}

#[test]
fn a_backup_has_them_for_who_has_the_key_file() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (key, other) = (key_file(&folder, "a.key"), key_file(&folder, "b.key"));
    let first = serve(&at("data"), &key, &FakeSlack::start());
    let set_up = SetUp::on(&first, FakeSlack::start());
    set_up.works(&first, "1");
    let [data, copy, restored] = ["data", "copy", "restored"].map(at);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    done(&["backup", "--data", &text(&data), "--to", &text(&copy)]);
    drop(first);
    done(&[
        "restore",
        "--from",
        &text(&copy),
        "--data",
        &text(&restored),
    ]);
    let again = serve(&restored, &key, &set_up.fake);
    set_up.works(&again, "2");
    drop(again);
    let wrong = serve(&restored, &other, &set_up.fake);
    set_up.says_that_the_key_is_another(&wrong, &other);
    drop(wrong);
    // Nothing of it was lost by that.
    set_up.works(&serve(&restored, &key, &set_up.fake), "3");
}

#[test]
fn an_export_has_none_of_them() {
    let folder = TempDir::new().unwrap();
    let (data, key) = (folder.path().join("data"), key_file(&folder, "a.key"));
    let server = serve(&data, &key, &FakeSlack::start());
    let set_up = SetUp::on(&server, FakeSlack::start());
    set_up.ping(&server, "1").expect(202);
    let said = done(&[
        "accounts",
        "export",
        "local",
        "--data",
        data.to_str().unwrap(),
    ]);
    let tables = ["sources", "webhooks", "slack", "secrets", "queue"];
    for table in tables {
        assert!(said.contains(&format!("\"table\":\"{table}\"")), "{table}");
    }
    let rows = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    for row in rows.filter(|row| row["table"] == "secrets") {
        assert_eq!(
            row["row"].as_object().unwrap().len(),
            1,
            "its name alone: {row}"
        );
    }
    for secret in [set_up.secret.as_str(), WEBHOOK, BOT_TOKEN, SIGNING_SECRET] {
        assert!(!said.contains(secret), "{secret}");
    }
    assert!(!said.contains("\"sealed\""), "not in the log either");
}

#[test]
fn a_copy_to_the_other_database_has_them_for_who_has_the_key_file() {
    let Some(database) = Data::on_postgres() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let from = folder.path().join("data");
    let (key, other) = (key_file(&folder, "a.key"), key_file(&folder, "b.key"));
    let first = serve(&from, &key, &FakeSlack::start());
    let set_up = SetUp::on(&first, FakeSlack::start());
    set_up.works(&first, "1");
    drop(first);
    let to = database.path().to_str().unwrap();
    done(&["copy", "--from", from.to_str().unwrap(), "--to", to]);
    let there = serve(database.path(), &key, &set_up.fake);
    set_up.works(&there, "2");
    drop(there);
    let wrong = serve(database.path(), &other, &set_up.fake);
    set_up.says_that_the_key_is_another(&wrong, &other);
}
