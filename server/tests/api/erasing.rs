//! `people erase`: names go from wherever somebody is named, what was done stays, and the log shows that it
//! was rewritten and how.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::admin::run;
use crate::data::Data;
use crate::support::{Server, build, deployment};

const EMAIL: &str = "ada@example.com";

fn people(data: &Path, arguments: &[&str]) -> (bool, String) {
    let arguments = [&["people"], arguments, &["--account", "local"]].concat();
    let (code, said) = run(&arguments, &[("--data", data)]);
    (code == Some(0), said)
}

#[track_caller]
fn add(server: &Server, name: &str, more: &[&str]) -> String {
    let arguments = [&["add", "--name", name], more].concat();
    let (done, said) = people(server.data.path(), &arguments);
    assert!(done, "{said}");
    let id = said.lines().find_map(|line| line.strip_prefix("Added "));
    id.unwrap().to_owned()
}

#[track_caller]
fn erase(server: &Server, who: &str) -> String {
    let (done, said) = people(server.data.path(), &["erase", who]);
    assert!(done, "{said}");
    said
}

/// The log is whole, and makes the tables as they are.
#[track_caller]
fn is_whole(data: &Path) {
    let (code, said) = run(
        &["audit", "verify", "--account", "local"],
        &[("--data", data)],
    );
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&["doctor", "--compare"], &[("--data", data)]);
    assert!(code == Some(0), "{said}");
    assert!(said.contains("which make the tables as they are"), "{said}");
}

fn exported(data: &Path) -> String {
    let arguments = ["accounts", "export", "local"];
    let (code, said) = run(&arguments, &[("--data", data)]);
    assert_eq!(code, Some(0), "{said}");
    said
}

/// Ada deploys, is in somebody's way, is refused, builds, approves by a key, overrides and stops.
fn ada_works(server: &Server) -> String {
    let client = &server.client;
    let mut start = deployment("1", "staging", "started");
    start["deployed_by"] = json!("Ada-L");
    start["source_system"] = json!("github");
    start["deployed_by_email"] = json!("ADA@example.com");
    start["deployed_by_name"] = json!("Ada Lovelace");
    start["extra_metadata"] = json!({ "told_to": EMAIL, "deployed_by": "ada-l" });
    let first = client
        .post_once("/deployment-events/", "once", &start)
        .expect(200);
    // Somebody who finds her there is told so.
    let other = client.deploy("2", "staging", "started").detail(409);
    assert_eq!(other["details"]["in_progress"]["deployed_by"], "Ada-L");
    start["status"] = json!("completed");
    client.post("/deployment-events/", &start).expect(200);
    let mut built = build("1", "completed");
    built["built_by_email"] = json!(EMAIL);
    let version = client.post("/build-events/", &built).expect(200)["version_id"].clone();
    let approvals = format!("/versions/{}/approvals/", version.as_str().unwrap());
    let refusal = json!({
        "type": "release", "environment": "live", "approved_by": EMAIL, "verdict": "refuse",
        "comment": "not today", "create": true,
    });
    client.post(&approvals, &refusal).expect(201);
    let rule = json!({
        "name": "One", "type": "release_approval", "environments": ["live"],
        "config": { "required_approvals": 1, "keys": true },
    });
    client.post("/deployment-rules/", &rule).expect(201);
    let refused = client.deploy("1", "live", "started").detail(428);
    assert!(
        refused["message"].as_str().unwrap().contains(EMAIL),
        "{refused}"
    );
    let owned = client.get("/products/").expect(200)["items"][0]["id"].clone();
    let path = format!("/products/{}/", owned.as_str().unwrap());
    client
        .request("PATCH", &path, &json!({ "owner": "Ada Lovelace" }))
        .expect(200);
    first["id"].as_str().unwrap().to_owned()
}

#[test]
fn whoever_is_erased_is_named_nowhere_and_what_they_did_stays() {
    let server = Server::start();
    let client = &server.client;
    add(&server, "Grace", &["--role", "admin"]);
    let id = add(
        &server,
        "Ada Lovelace",
        &["--email", EMAIL, "--login", "github:ada-l"],
    );
    let deployed = ada_works(&server);
    let before = client.get("/audit/?limit=100").expect(200)["items"].clone();
    is_whole(server.data.path());

    let said = erase(&server, "ada-l");
    assert!(
        said.starts_with(&format!("person:{id} stands where")),
        "{said}"
    );
    // What others have sent as metadata stays, and is said.
    assert!(
        said.contains(&format!("{EMAIL:?} still stands in 1 deployments")),
        "{said}"
    );
    is_whole(server.data.path());

    let person = format!("person:{id}");
    let story = client.get(&format!("/deployments/{deployed}/")).expect(200);
    assert_eq!(story["deployed_by"], person.as_str());
    assert_eq!(story["deployed_by_email"], person.as_str());
    assert_eq!(story["extra_metadata"]["told_to"], EMAIL);
    let after = client.get("/audit/?limit=100").expect(200)["items"].clone();
    let (before, after) = (before.as_array().unwrap(), after.as_array().unwrap());
    // The erasure came on top; the others are in their places, with the hashes that they had.
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(after[0]["kind"], "person.erased");
    for (was, is) in before.iter().zip(&after[1..]) {
        for member in ["position", "at", "kind", "subject", "hash"] {
            assert_eq!(was[member], is[member]);
        }
        // What was answered is rewritten as well, and does not show.
        let same = was["changes"] == is["changes"];
        assert!(same || is["erased"] == true, "{was} {is}");
    }
    for path in [
        "/audit/?limit=100",
        "/deployments/",
        "/builds/",
        "/products/",
        "/state/",
        &format!("/deployments/{deployed}/"),
    ] {
        let text = client.get(path).text.to_lowercase();
        let mut text = text.replace(
            &json!({ "told_to": EMAIL, "deployed_by": "ada-l" }).to_string(),
            "",
        );
        text = text.replace(r#""told_to":"ada@example.com","deployed_by":"ada-l""#, "");
        for name in [EMAIL, "ada-l", "ada lovelace"] {
            assert!(!text.contains(name), "{path}: {name} in {text}");
        }
    }
    // The same request is answered as it was, without the name.
    let mut start = deployment("9", "staging", "completed");
    start["deployed_by"] = json!("bob");
    client.post("/deployment-events/", &start).expect(200);
    let refused = client.deploy("1", "live", "started").detail(428);
    assert!(
        refused["message"].as_str().unwrap().contains(&person),
        "{refused}"
    );

    // Another erasure covers what the first has rewritten, and what is told afterwards stays.
    start["deployed_by"] = json!("ada-l");
    client.post("/deployment-events/", &start).expect(200);
    erase(&server, "bob");
    is_whole(server.data.path());
    let newest = client.get("/deployments/?version=9").expect(200)["items"][0].clone();
    assert_eq!(newest["deployed_by"], "ada-l");
    // Once more: there is somebody of that name, and no person.
    erase(&server, "Ada-L");
    is_whole(server.data.path());
}

#[test]
fn a_name_that_nobody_has_is_no_erasure_and_a_shared_one_stays() {
    let server = Server::start();
    let first = add(&server, "Ada", &["--email", EMAIL, "--role", "admin"]);
    add(
        &server,
        "ada",
        &["--email", "other@example.com", "--role", "admin"],
    );
    let mut event = deployment("1", "staging", "completed");
    event["deployed_by"] = json!(EMAIL);
    event["deployed_by_name"] = json!("Ada");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let rows = || server.client.get("/audit/?limit=100").expect(200)["items"].clone();
    let before = rows();
    for who in ["", " ", "adam", "staging", "api", "completed"] {
        let (done, said) = people(server.data.path(), &["erase", who]);
        assert!(!done, "{who:?}: {said}");
    }
    let (done, said) = people(server.data.path(), &["erase", "ada"]);
    assert!(!done && said.contains("several people"), "{said}");
    assert_eq!(rows(), before);

    let said = erase(&server, &first);
    assert!(said.contains("\"Ada\" still stands in"), "{said}");
    let shown = server.client.get("/deployments/").expect(200)["items"][0].clone();
    assert_eq!(shown["deployed_by"], format!("person:{first}"));
    assert_eq!(shown["deployed_by_name"], "Ada");
    is_whole(server.data.path());
}

#[test]
fn a_machine_is_erased_from_what_was_done_on_it() {
    let server = Server::start();
    let stop = [
        "all-stop",
        "set",
        "--account",
        "local",
        "--for",
        "2h",
        "--message",
        "Moving",
    ];
    let (code, said) = run(&stop, &[("--data", server.data.path())]);
    assert_eq!(code, Some(0), "{said}");
    let rows = server.client.get("/audit/?kind=stop.set").expect(200)["items"].clone();
    let actor = rows[0]["actor"].as_str().unwrap();
    let (user, host) = actor
        .strip_prefix("cli:")
        .unwrap()
        .rsplit_once('@')
        .unwrap();
    let said = erase(&server, host);
    let rows = server.client.get("/audit/?kind=stop.set").expect(200)["items"].clone();
    let actor = rows[0]["actor"].as_str().unwrap();
    assert!(actor.starts_with(&format!("cli:{user}@erased:")), "{actor}");
    let shown = server.client.get("/all-stop/").expect(200);
    assert_eq!(shown["by"], actor, "{said}");
    server.client.deploy("1", "staging", "started").expect(423);
    is_whole(server.data.path());
}

#[test]
fn whoever_rewrites_a_row_without_saying_so_is_found_after_an_erasure_too() {
    let server = Server::in_folder();
    for (version, who) in [("1", "ada-l"), ("2", "bob")] {
        let mut event = deployment(version, "staging", "completed");
        event["deployed_by"] = json!(who);
        server
            .client
            .post("/deployment-events/", &event)
            .expect(200);
    }
    erase(&server, "ada-l");
    is_whole(server.data.path());
    let path = server.data.path().join("accounts/local.db");
    let database = Connection::open(path).unwrap();
    let verify = || {
        let arguments = ["audit", "verify", "--account", "local"];
        run(&arguments, &[("--data", server.data.path())])
    };
    for (change, undo) in [
        // A row that was rewritten says something else.
        (
            "UPDATE log SET changes = replace(changes, 'erased:', 'forged:') WHERE erased = 1",
            "UPDATE log SET changes = replace(changes, 'forged:', 'erased:') WHERE erased = 1",
        ),
        // A row that nobody rewrote passes for one.
        (
            "UPDATE log SET changes = replace(changes, 'bob', 'zoe'), erased = 1 \
             WHERE changes LIKE '%bob%'",
            "UPDATE log SET changes = replace(changes, 'zoe', 'bob'), erased = NULL \
             WHERE changes LIKE '%zoe%'",
        ),
        // What the erasure says is changed with it.
        (
            "UPDATE log SET changes = replace(changes, 'digest\":\"', 'digest\":\"0') \
             WHERE kind = 'name.erased'",
            "UPDATE log SET changes = replace(changes, 'digest\":\"0', 'digest\":\"') \
             WHERE kind = 'name.erased'",
        ),
    ] {
        assert!(database.execute(change, []).unwrap() > 0, "{change}");
        let (code, said) = verify();
        assert!(
            code == Some(1) && said.contains("does not go on"),
            "{change}: {said}"
        );
        database.execute(undo, []).unwrap();
        assert_eq!(verify().0, Some(0), "{undo}");
    }
}

#[test]
fn what_is_told_while_somebody_is_erased_is_whole() {
    let server = Server::start();
    add(&server, "Grace", &["--role", "admin"]);
    let id = add(&server, "Ada", &["--email", EMAIL]);
    let over = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let tellers: Vec<_> = (0..3)
            .map(|teller| {
                let (client, over) = (server.client.clone(), &over);
                scope.spawn(move || {
                    let mut told = 0;
                    while !over.load(Ordering::Relaxed) {
                        let mut event = deployment("1", &format!("e{teller}"), "completed");
                        event["deployed_by"] = json!(EMAIL);
                        client.post("/deployment-events/", &event).expect(200);
                        told += 1;
                    }
                    told
                })
            })
            .collect();
        erase(&server, EMAIL);
        over.store(true, Ordering::Relaxed);
        let told = tellers.into_iter().map(|teller| teller.join().unwrap());
        told.sum::<usize>()
    });
    is_whole(server.data.path());
    let mut seen = 0;
    let mut path = "/audit/?kind=deployment&limit=100".to_owned();
    loop {
        let page = server.client.get(&path).expect(200);
        let items = page["items"].as_array().unwrap();
        seen += items.len();
        for item in items {
            let by = &item["changes"]
                .as_array()
                .unwrap()
                .iter()
                .find_map(|change| {
                    let by = &change["row"]["deployed_by"];
                    by.as_str().map(str::to_owned)
                });
            let by = by.as_deref().unwrap_or_default();
            assert!(by == EMAIL || by == format!("person:{id}"), "{item}");
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/audit/?kind=deployment&limit=100&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, told);
}

#[test]
fn a_copy_and_an_export_are_as_whole_as_what_they_come_from() {
    let Some(target) = Data::on_postgres() else {
        return;
    };
    let server = Server::in_folder();
    add(&server, "Grace", &["--role", "admin"]);
    add(
        &server,
        "Ada Lovelace",
        &["--email", EMAIL, "--login", "github:ada-l"],
    );
    ada_works(&server);
    erase(&server, EMAIL);
    let rows = |data: &Path| -> Vec<Value> {
        let text = exported(data);
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        // Whoever copies or exports an account is told of in its log.
        let of_before = |row: &Value| {
            let kind = row["row"]["kind"].as_str().unwrap_or_default();
            row["table"] == "log" && !kind.starts_with("account.")
        };
        lines.filter(of_before).collect()
    };
    let folder = server.data.path();
    assert!(
        !exported(folder)
            .to_lowercase()
            .replace("told_to\":\"ada@example.com", "")
            .contains(EMAIL)
    );
    let (code, said) = run(&["copy"], &[("--from", folder), ("--to", target.path())]);
    assert_eq!(code, Some(0), "{said}");
    is_whole(target.path());
    assert_eq!(rows(target.path()), rows(folder));
    // There it is erased once more, and comes back.
    let (done, said) = people(target.path(), &["erase", "Grace"]);
    assert!(!done, "{said}");
    let back = TempDir::new().unwrap();
    let back = back.path().join("back");
    let (code, said) = run(&["copy"], &[("--from", target.path()), ("--to", &back)]);
    assert_eq!(code, Some(0), "{said}");
    is_whole(&back);
    assert_eq!(rows(&back), rows(folder));
}
