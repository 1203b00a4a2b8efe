//! Coming in by a link and by a password, and how a session ends.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::data::Data;
use crate::pages::{
    Browser, PASSWORD, add_person, leads_to, on_the_machine, path_of, person, token,
};
use crate::pages_people::id_of;
use crate::process::Process;
use crate::support::{Client, Server};
use versioner_server::{PublicUrl, Reach};

#[test]
fn the_first_admin_comes_by_the_set_up_link_and_nobody_after() {
    let data = Data::new();
    let server = Process::start(data.path());
    let path = path_of(server.set_up.as_ref().unwrap());
    let mut browser = Browser::new(&server.url);
    assert_eq!(browser.get(&path).status, 200);
    let fields = |name: &str, password: &str| {
        [
            ("token", token(&path)),
            ("name", name),
            ("email", "ada@"),
            ("password", password),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let sent = fields("", "short");
    let sent: Vec<_> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let reply = browser.post("/manage/setup", &sent);
    assert_eq!(reply.status, 422);
    assert_eq!(
        reply.text.matches("class=\"err\"").count(),
        3,
        "{}",
        reply.text
    );
    assert!(
        reply.text.contains("value=\"ada@\""),
        "what was typed stays"
    );
    assert!(!reply.text.contains("short\""), "but no password");
    let url = &server.url;
    let together = Barrier::new(4);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let path = &path;
        let together = &together;
        let threads: Vec<_> = (0..4)
            .map(|number| {
                scope.spawn(move || {
                    let name = format!("Admin {number}");
                    let fields = [
                        ("token", token(path)),
                        ("name", name.as_str()),
                        ("email", ""),
                        ("password", PASSWORD),
                    ];
                    together.wait();
                    Browser::new(url).post("/manage/setup", &fields).status
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 303).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(browser.get(&path).status, 410);
    let key = server.first_key.as_ref().unwrap();
    let people = Client::new(url, key).get("/people/").json();
    assert_eq!(people["items"].as_array().unwrap().len(), 1);
    assert_eq!(people["items"][0]["role"], "admin");
}

#[test]
fn a_link_lets_in_once_and_only_by_its_button() {
    let server = Server::start();
    let path = add_person(&server, "Ada", "viewer");
    let mut browser = Browser::new(&server.client.url);
    for _ in 0..3 {
        let page = browser.get(&path);
        assert_eq!(page.status, 200);
        assert!(
            page.text.contains("Welcome, <bdi>Ada</bdi>"),
            "{}",
            page.text
        );
    }
    let fields = [("token", token(&path))];
    assert_eq!(
        leads_to(&browser.post("/manage/login/link", &fields)),
        "/manage/"
    );
    assert!(browser.is_in());
    let reply = Browser::new(&server.client.url).post("/manage/login/link", &fields);
    assert_eq!(reply.status, 410, "a second time");
    let late = path_of(&on_the_machine(
        server.data.path(),
        &["people", "link", "--account", "local", "ada@example.com"],
    ));
    server.clock.set("2100-01-01T00:00:00Z");
    assert_eq!(
        Browser::new(&server.client.url).get(&late).status,
        410,
        "a day later"
    );
    for wrong in ["", "local", "local.x.y", "nobody.x.y", "../../etc.x.y"] {
        let path = format!("/manage/login/link?token={wrong}");
        assert_eq!(browser.get(&path).status, 410, "{wrong:?}");
    }
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "viewer");
    let mut browser = Browser::new(&server.client.url);
    let texts = ["Ada", "Nobody"].map(|name| {
        let reply = browser.log_in(name, "a wrong password");
        assert_eq!(reply.status, 422);
        reply.text.replace(name, "NAME")
    });
    assert_eq!(texts[0], texts[1]);
    assert!(
        texts[0].contains("do not match. 4 tries left"),
        "{}",
        texts[0]
    );
    assert!(
        !texts[0].contains("a wrong password"),
        "a password is not shown again"
    );
    for _ in 0..4 {
        browser.log_in("Ada", "a wrong password");
    }
    let reply = browser.log_in("ada", PASSWORD);
    assert_eq!(reply.status, 429, "too many tries, whatever the case");
    assert_eq!(reply.headers["retry-after"], "60");
    assert!(ada.is_in(), "who is in stays in");
    server.clock.advance(1);
    assert_eq!(leads_to(&browser.log_in("Ada", PASSWORD)), "/manage/");
}

/// Waits until the use of another session of the same person is noted, which nobody waits for.
fn noted(browser: &mut Browser, age: &str) {
    let since = Instant::now();
    let mut other = Browser::new(&browser.client.url);
    assert_eq!(leads_to(&other.log_in("Ada", PASSWORD)), "/manage/");
    let cell = format!("{age}</time></td>");
    while !other.get("/manage/me").text.contains(&cell) {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "the use of a session is not noted"
        );
    }
    other.post("/manage/logout", &[]);
}

#[test]
fn a_session_ends_unused_and_when_it_is_told_to() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "viewer");
    let before = ada.cookies.clone();
    let mut again = ada.clone();
    assert_eq!(leads_to(&again.log_in("Ada", PASSWORD)), "/manage/");
    assert_ne!(again.cookies, before, "another one at each login");
    assert!(!ada.is_in(), "in place of the one before");
    let mut other = Browser::new(&server.client.url);
    other.log_in("Ada", PASSWORD);
    let page = again.get("/manage/me").text;
    assert_eq!(
        page.matches("action=\"/manage/me/end\"").count(),
        3,
        "two, and all of them"
    );
    let reply = again.post("/manage/logout", &[]);
    assert_eq!(leads_to(&reply), "/manage/login?out=1");
    assert!(!again.cookies.contains_key("versioner"));
    assert!(other.is_in());
    server.clock.advance(7 * 24 * 60 - 1);
    assert!(other.is_in());
    noted(&mut other, "0\u{a0}s");
    server.clock.advance(7 * 24 * 60 - 1);
    assert!(other.is_in(), "it was used");
    let mut copy = other.clone();
    assert_eq!(
        leads_to(&other.post("/manage/me/end", &[])),
        "/manage/me?said=ended"
    );
    assert!(!copy.is_in(), "all of them");
    let mut old = Browser::new(&server.client.url);
    old.log_in("Ada", PASSWORD);
    server.clock.advance(7 * 24 * 60);
    assert!(!old.is_in(), "a week unused");
}

#[test]
fn another_role_another_password_and_a_goodbye_end_every_session() {
    let server = Server::start();
    person(&server, "Root", "admin");
    let mut ada = person(&server, "Ada", "viewer");
    let people = server.client.get("/people/").json();
    let id = people["items"].as_array().unwrap().iter();
    let id = id.clone().find(|one| one["name"] == "Ada").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let change = |changes: serde_json::Value| {
        server
            .client
            .request("PATCH", &format!("/people/{id}/"), &changes)
            .expect(200);
    };
    change(json!({ "name": "Ada L." }));
    assert!(ada.is_in(), "a name changes nothing");
    for changes in [
        json!({ "role": "developer" }),
        json!({ "approves": ["release"] }),
        json!({ "active": false }),
    ] {
        let pending = path_of(&on_the_machine(
            server.data.path(),
            &["people", "link", "--account", "local", &id],
        ));
        change(changes.clone());
        assert!(!ada.is_in(), "{changes}");
        assert_eq!(ada.get(&pending).status, 410, "{changes}");
        let reply = ada.log_in("ada@example.com", PASSWORD);
        assert_eq!(reply.status == 303, changes["active"] != false, "{changes}");
    }
    change(json!({ "active": true }));
    server.clock.advance(2);
    let mut other = Browser::new(&server.client.url);
    for browser in [&mut ada, &mut other] {
        assert_eq!(
            leads_to(&browser.log_in("ada@example.com", PASSWORD)),
            "/manage/"
        );
    }
    let wrong = [("old", "not this one, sorry"), ("new", "another password")];
    assert_eq!(ada.post("/manage/me/password", &wrong).status, 422);
    let right = [("old", PASSWORD), ("new", "another password")];
    assert_eq!(
        leads_to(&ada.post("/manage/me/password", &right)),
        "/manage/me?said=password"
    );
    assert!(ada.is_in() && !other.is_in());
    assert_eq!(other.log_in("ada@example.com", PASSWORD).status, 422);
    assert_eq!(
        other.log_in("ada@example.com", "another password").status,
        303
    );
}

#[test]
fn the_log_says_who_came_in_and_has_no_secret() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    ada.log_in("Ada", PASSWORD);
    let audit = server.client.get("/audit/?limit=200");
    let text = &audit.text;
    for kind in [
        "link.made",
        "session.begun",
        "session.ended",
        "person.added",
    ] {
        assert!(text.contains(kind), "{kind}: {text}");
    }
    let cookie = &ada.cookies["versioner"];
    let secret = cookie.rsplit('.').next().unwrap();
    for hidden in [secret, "argon2", "127.0.0.1", "Ada", "ada@"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let exported = on_the_machine(server.data.path(), &["accounts", "export", "local"]);
    for row in exported.lines() {
        let of_log = row.contains("\"table\":\"log\"");
        assert!(of_log || !row.contains("\"hash\""), "{row}");
        assert!(!row.contains(secret) && !row.contains("argon2"), "{row}");
    }
}

#[test]
fn with_several_accounts_the_login_asks_for_one() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    server.add_key("acme", true);
    let page = Browser::new(&server.client.url).get("/manage/login").text;
    assert!(page.contains("name=\"account\""), "{page}");
    assert!(!page.contains("acme") && !page.contains("local<"), "{page}");
    let mut browser = Browser::new(&server.client.url);
    for (account, status) in [
        ("acme", 422),
        ("nobody", 422),
        ("../local", 422),
        ("local", 303),
    ] {
        let fields = [
            ("account", account),
            ("name", "Ada"),
            ("password", PASSWORD),
        ];
        assert_eq!(
            browser.post("/manage/login", &fields).status,
            status,
            "{account}"
        );
    }
    let arguments = ["people", "add", "--account", "acme", "--name", "Ada"];
    let path = path_of(&on_the_machine(server.data.path(), &arguments));
    let mut there = Browser::new(&server.client.url);
    there.post("/manage/login/link", &[("token", token(&path))]);
    assert!(
        there
            .get("/manage/me")
            .text
            .contains("viewer in <bdi>acme</bdi>")
    );
    // What is another account's is not there.
    let id = id_of(&server, "Ada");
    assert_eq!(ada.get(&format!("/manage/people/{id}")).status, 200);
    let mut root = Browser::new(&server.client.url);
    let arguments = [
        "people",
        "add",
        "--account",
        "acme",
        "--name",
        "Root",
        "--role",
        "admin",
    ];
    let path = path_of(&on_the_machine(server.data.path(), &arguments));
    root.post("/manage/login/link", &[("token", token(&path))]);
    assert_eq!(root.get(&format!("/manage/people/{id}")).status, 404);
    for action in ["", "/link", "/end"] {
        let reply = root.post(&format!("/manage/people/{id}{action}"), &[("name", "Mine")]);
        assert_eq!(reply.status, 404, "{action}");
    }
}

#[test]
fn a_server_that_only_reads_lets_in_whoever_is_in() {
    let data = Data::new();
    let first = Process::start(data.path());
    let path = path_of(first.set_up.as_ref().unwrap());
    let mut root = Browser::new(&first.url);
    let fields = [
        ("token", token(&path)),
        ("name", "Root"),
        ("password", PASSWORD),
    ];
    assert_eq!(root.post("/manage/setup", &fields).status, 303);
    drop(first);
    let second = Process::start_with(data.path(), &["--read-only"]);
    root.move_to(&second.url);
    assert!(root.is_in());
    let reply = root.post("/manage/people", &[("name", "Ada")]);
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert_eq!(reply.headers["retry-after"], "5");
    let reply = Browser::new(&second.url).log_in("Root", PASSWORD);
    assert_eq!(reply.status, 503);
}

#[test]
fn a_backup_that_is_restored_lets_nobody_in_by_a_session_of_before() {
    let folder = tempfile::TempDir::new().unwrap();
    let (data, copy, restored) = (
        folder.path().join("data"),
        folder.path().join("copy"),
        folder.path().join("restored"),
    );
    let first = Process::start(&data);
    let path = path_of(first.set_up.as_ref().unwrap());
    let mut root = Browser::new(&first.url);
    let fields = [
        ("token", token(&path)),
        ("name", "Root"),
        ("password", PASSWORD),
    ];
    assert_eq!(root.post("/manage/setup", &fields).status, 303);
    let arguments = ["people", "add", "--account", "local", "--name", "Ada"];
    let pending = path_of(&on_the_machine(&data, &arguments));
    on_the_machine(&data, &["backup", "--to", copy.to_str().unwrap()]);
    drop(first);
    on_the_machine(&restored, &["restore", "--from", copy.to_str().unwrap()]);
    let second = Process::start(&restored);
    root.move_to(&second.url);
    assert!(!root.is_in());
    assert_eq!(root.get(&pending).status, 410);
    assert_eq!(
        root.log_in("Root", PASSWORD).status,
        303,
        "the password is the same"
    );
}

#[test]
fn behind_a_proxy_with_tls_the_cookie_is_for_this_host_alone() {
    let server = Server::with_reach(Reach {
        public_url: Some(PublicUrl::parse("https://v.example.com").unwrap()),
        ..Reach::default()
    });
    person(&server, "Root", "admin");
    let mut ada = person(&server, "Ada", "admin");
    let names: Vec<&String> = ada.cookies.keys().collect();
    assert_eq!(names, ["__Host-versioner", "__Host-versioner-known"]);
    let host = ("Host", "v.example.com");
    let reply = ada.send("GET", "/manage/me", &[host], "");
    assert_eq!(reply.status, 200);
    let cookie = ada.cookies["__Host-versioner"].clone();
    let plain = format!("versioner={cookie}");
    let mut other = Browser::new(&server.client.url);
    let headers = [host, ("Cookie", plain.as_str())];
    let reply = other.send("GET", "/manage/me", &headers, "");
    assert_eq!(reply.status, 303, "a name that another host could have set");
    // An old browser says where a form comes from in `Origin` alone.
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let body = format!("name=Ada&password={}", PASSWORD.replace(' ', "+"));
    for (origin, status) in [
        ("https://v.example.com", 303),
        ("https://v.example.com.evil.example", 403),
        ("https://evil.example", 403),
    ] {
        let headers = [("Host", "10.0.0.7:8420"), ("Origin", origin), form];
        let reply = other.send("POST", "/manage/login", &headers, &body);
        assert_eq!(reply.status, status, "{origin}");
        if status == 303 {
            let cookie = &reply.headers["set-cookie"];
            assert!(cookie.ends_with("; Secure"), "{cookie}");
        }
    }
    let page = format!("/manage/people/{}/link", id_of(&server, "Root"));
    let made = ada.post(&page, &[]);
    let begins = "https://v.example.com/manage/login/link?token=local.";
    assert!(made.text.contains(begins), "{}", made.text);
}

#[test]
fn who_trusts_the_network_may_log_in_over_it() {
    let server = Server::with_reach(Reach {
        allow_http_login: true,
        ..Reach::default()
    });
    person(&server, "Ada", "viewer");
    let headers = [("Host", "versioner.example.com")];
    let reply = Browser::new(&server.client.url).send("GET", "/manage/login", &headers, "");
    assert_eq!(reply.status, 200);
    assert!(reply.text.contains("not encrypted"), "{}", reply.text);
}
