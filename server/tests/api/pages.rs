//! The web pages, as a browser without JavaScript uses them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::data::Data;
use crate::process::{PROGRAM, Process};
use crate::support::{Client, Reply, Server};

const PASSWORD: &str = "correct horse battery";

/// A browser: it keeps cookies, and says where a form comes from.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(url: &str) -> Browser {
        let mut client = Client::new(url, "");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        client.agent = config.into();
        Browser {
            client,
            cookies: BTreeMap::new(),
        }
    }

    /// Goes on at another server, with the same cookies.
    pub fn move_to(&mut self, url: &str) {
        url.clone_into(&mut self.client.url);
    }

    /// Sends something, with headers besides those of a browser.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut all = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("Cookie", &cookies));
        }
        let reply = self.client.try_send(method, path, &all, body.as_bytes());
        let reply = reply.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let cookies = reply.headers.get("set-cookie").map_or("", String::as_str);
        for cookie in cookies.lines() {
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match rest.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, &[("Sec-Fetch-Mode", "navigate")], "")
    }

    /// Sends a form of one of the pages.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name, value);
        }
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "navigate"),
        ];
        self.send("POST", path, &headers, &form.finish())
    }

    pub fn log_in(&mut self, name: &str, password: &str) -> Reply {
        self.post("/manage/login", &[("name", name), ("password", password)])
    }

    pub fn is_in(&mut self) -> bool {
        let reply = self.get("/manage/");
        assert!([200, 303].contains(&reply.status), "{}", reply.text);
        reply.status == 200
    }
}

/// The page that an answer leads to.
#[track_caller]
pub fn leads_to(reply: &Reply) -> &str {
    assert_eq!(reply.status, 303, "{}", reply.text);
    &reply.headers["location"]
}

/// Runs a command on the machine, beside the server.
pub fn on_the_machine(data: &Path, arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env_remove("VERSIONER_SERVER_PUBLIC_URL")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// Adds a person, and answers the path of the link that lets them in.
pub fn add_person(server: &Server, name: &str, role: &str) -> String {
    let email = format!("{}@example.com", name.to_lowercase());
    let arguments = [
        "people",
        "add",
        "--account",
        "local",
        "--name",
        name,
        "--email",
        &email,
        "--role",
        role,
    ];
    path_of(&on_the_machine(server.data.path(), &arguments))
}

/// The path of the link in what a command prints.
pub fn path_of(text: &str) -> String {
    let at = text
        .find("/manage/")
        .unwrap_or_else(|| panic!("no link: {text}"));
    text[at..].split_whitespace().next().unwrap().to_owned()
}

pub fn token(path: &str) -> &str {
    path.split_once("token=").unwrap().1
}

/// A person who is in, with a password.
pub fn person(server: &Server, name: &str, role: &str) -> Browser {
    let path = add_person(server, name, role);
    let mut browser = Browser::new(&server.client.url);
    let fields = [("token", token(&path)), ("password", PASSWORD)];
    assert_eq!(
        leads_to(&browser.post("/manage/login/link", &fields)),
        "/manage/"
    );
    browser
}

#[test]
fn whoever_is_not_in_is_led_to_the_login_and_back() {
    let server = Server::start();
    person(&server, "Ada", "viewer");
    let mut browser = Browser::new(&server.client.url);
    let reply = browser.get("/manage/people?a=1&b=%2F");
    let login = leads_to(&reply).to_owned();
    assert_eq!(
        login,
        "/manage/login?next=%2Fmanage%2Fpeople%3Fa%3D1%26b%3D%252F"
    );
    let page = browser.get(&login);
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("value=\"/manage/people?a=1&#38;b=%2F\""),
        "{}",
        page.text
    );
    let fields = [
        ("name", "ADA@example.com"),
        ("password", PASSWORD),
        ("next", "/manage/people?a=1&b=%2F"),
    ];
    let reply = browser.post("/manage/login", &fields);
    assert_eq!(leads_to(&reply), "/manage/people?a=1&b=%2F");
    let cookie = &reply.headers["set-cookie"];
    assert!(cookie.starts_with("versioner=local."), "{cookie}");
    for part in [
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=34560000",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(browser.get("/manage/people").status, 403, "for admins");
    let script = browser.clone().send("GET", "/manage/nothing", &[], "");
    assert_eq!(script.status, 404);
    browser.cookies.clear();
    let script = browser.send("GET", "/manage/", &[("Sec-Fetch-Mode", "cors")], "");
    assert_eq!(script.status, 401, "a script is not led to the login");
}

#[test]
fn every_page_is_protected_and_its_files_are_kept() {
    let server = Server::start();
    let mut browser = person(&server, "Ada", "admin");
    for path in [
        "/manage/",
        "/manage/me",
        "/manage/people",
        "/manage/none",
        "/manage/login/link",
    ] {
        let reply = browser.get(path);
        let policy = &reply.headers["content-security-policy"];
        assert!(policy.contains("script-src 'self';"), "{path}: {policy}");
        assert!(
            policy.contains("require-trusted-types-for 'script'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert!(!reply.text.contains(" style="), "{path}");
        assert!(reply.text.starts_with("<!doctype html>"), "{path}");
    }
    let page = browser.get("/manage/").text;
    for kind in ["text/css", "text/javascript"] {
        let at = page.find("/manage/assets/").unwrap();
        let path = page[at..].split('"').next().unwrap().to_owned();
        let page = &page[at + path.len()..];
        let reply = Browser::new(&server.client.url).get(&path);
        let found = [&reply.headers["content-type"], kind];
        assert!(
            reply.status == 200 && (found[0].starts_with("text/")),
            "{path}"
        );
        assert!(
            reply.headers["cache-control"].contains("immutable"),
            "{path}"
        );
        let old = path.replace("assets/", "assets/0");
        let reply = Browser::new(&server.client.url).get(&old);
        assert_eq!(reply.headers["cache-control"], "no-cache", "{old}");
        assert!(page.contains("/manage/assets/") || kind == "text/css");
    }
}

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
    assert!(again.cookies.is_empty());
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
fn no_other_site_and_no_program_sends_forms() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "viewer");
    let url = server.client.url.clone();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", url.as_str())],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[],
    ] {
        let mut all = headers.to_vec();
        all.push(form);
        let reply = ada.send("POST", "/manage/logout", &all, "");
        assert_eq!(reply.status, 403, "{headers:?}");
    }
    assert!(ada.is_in());
    let reply = ada.send("POST", "/manage/logout", &[form, ("Origin", &url)], "");
    assert_eq!(reply.status, 303, "an old browser");
}

#[test]
fn cookies_open_no_api_and_keys_no_page() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    for path in ["/people/", "/deployments/", "/keys/"] {
        assert_eq!(ada.get(path).status, 401, "{path}");
    }
    let key = format!("Bearer {}", server.client.key);
    let mut program = Browser::new(&server.client.url);
    let reply = program.send("GET", "/manage/", &[("Authorization", &key)], "");
    assert_eq!(leads_to(&reply), "/manage/login?next=%2Fmanage%2F");
    let cookie = ada.cookies["versioner"].clone();
    let as_key = format!("Bearer {cookie}");
    assert_eq!(
        program
            .send("GET", "/people/", &[("Authorization", &as_key)], "")
            .status,
        401
    );
}

#[test]
fn nobody_logs_in_where_others_can_listen() {
    let server = Server::start();
    let path = add_person(&server, "Ada", "viewer");
    for page in ["/manage/login", &path, "/manage/setup"] {
        let mut browser = Browser::new(&server.client.url);
        let reply = browser.send("GET", page, &[("Host", "versioner.example.com")], "");
        assert_eq!(reply.status, 403, "{page}");
        assert!(reply.text.contains("--public-url"), "{}", reply.text);
    }
}

#[test]
fn names_from_outside_are_no_markup() {
    let server = Server::start();
    let mut ada = person(&server, "Root", "admin");
    let name = "<script>alert(1)</script>\"'>";
    server
        .client
        .post("/people/", &json!({ "name": name }))
        .expect(201);
    let page = ada.get("/manage/people").text;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;"),
        "{page}"
    );
    let agent = [
        ("User-Agent", "<img src=x>"),
        ("Sec-Fetch-Mode", "navigate"),
    ];
    let headers = [
        agent[0],
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let body = format!(
        "name=root%40example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    assert_eq!(
        ada.send("POST", "/manage/login", &headers, &body).status,
        303
    );
    let page = ada.get("/manage/me").text;
    assert!(
        page.contains("&lt;img src=x&gt;") && !page.contains("<img"),
        "{page}"
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
}

/// Sends the form of a person, as it was when it was opened a moment ago.
fn change(browser: &mut Browser, page: &str, fields: &[(&str, &str)]) -> Reply {
    let shown = browser.get(page).text;
    let tag = tag_of(&shown).to_owned();
    let mut all = vec![("tag", tag.as_str())];
    all.extend_from_slice(fields);
    browser.post(page, &all)
}

fn tag_of(page: &str) -> &str {
    let tag = page.split("name=\"tag\" value=\"").nth(1).unwrap();
    tag.split('"').next().unwrap()
}

/// The identifier of a person.
fn id_of(server: &Server, name: &str) -> String {
    let people = server.client.get("/people/").json();
    let found = people["items"].as_array().unwrap().iter();
    let mut found = found.filter(|one| one["name"] == name);
    found.next().unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_admin_lets_people_in_and_changes_what_they_may() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let wrong = [
        ("name", ""),
        ("emails", "ada@example.com\nnot an address"),
        ("logins", "ada"),
        ("role", "viewer"),
    ];
    let reply = root.post("/manage/people", &wrong);
    assert_eq!(reply.status, 422);
    for field in ["name", "emails", "logins"] {
        assert!(
            reply.text.contains(&format!("id=\"{field}-error\"")),
            "{field}: {}",
            reply.text
        );
        assert!(
            reply.text.contains(&format!("<a href=\"#{field}\">")),
            "{field}"
        );
    }
    assert!(
        reply.text.contains("not an address</textarea>"),
        "what was typed stays"
    );
    let right = [
        ("name", "Ada"),
        ("emails", "ada@example.com"),
        ("logins", "github:ada\ngitlab@git.example.com:8443:ada"),
        ("role", "developer"),
        ("approves", "release"),
    ];
    let reply = root.post("/manage/people", &right);
    let page = leads_to(&reply).split('?').next().unwrap().to_owned();
    assert_eq!(page, format!("/manage/people/{}", id_of(&server, "Ada")));
    let known = server.client.get(&page.replace("/manage", "")).status;
    assert_eq!(known, 404, "the API has a slash at the end");
    let shown = root.get(&page).text;
    assert!(
        shown.contains("gitlab@git.example.com:8443:ada</textarea>"),
        "{shown}"
    );
    let made = root.post(&format!("{page}/link"), &[]);
    let path = path_of(made.text.split("id=\"link\">").nth(1).unwrap());
    let path = path.split('<').next().unwrap();
    let mut ada = Browser::new(&server.client.url);
    ada.post(
        "/manage/login/link",
        &[("token", token(path)), ("password", PASSWORD)],
    );
    assert!(ada.is_in());
    assert_eq!(ada.get(&page).status, 403, "for admins");
    assert_eq!(ada.post(&page, &right).status, 403);
    let goodbye = [
        ("name", "Ada"),
        ("emails", "ada@example.com"),
        ("role", "viewer"),
    ];
    let reply = change(&mut root, &page, &goodbye);
    assert_eq!(leads_to(&reply), format!("{page}?said=changed"));
    assert!(!ada.is_in());
    let known = server.client.get("/people/").json();
    let known = known["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "Ada")
        .unwrap();
    assert_eq!(
        (&known["active"], &known["role"]),
        (&json!(false), &json!("viewer"))
    );
    assert_eq!(known["logins"], json!([]));
    let reply = root.post(&format!("{page}/link"), &[]);
    assert_eq!(reply.status, 422, "nobody who is not active is let in");
    assert_eq!(root.get("/manage/people/nobody").status, 404);
}

#[test]
fn nobody_changes_what_they_may_do_themselves_and_an_address_is_one_persons() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    person(&server, "Ada", "viewer");
    let own = format!("/manage/people/{}", id_of(&server, "Root"));
    assert!(!root.get(&own).text.contains("name=\"role\""));
    let fields = [
        ("name", "Root the First"),
        ("emails", "root@example.com"),
        ("role", "viewer"),
        ("active", ""),
    ];
    assert_eq!(change(&mut root, &own, &fields).status, 303);
    assert!(root.is_in());
    let known = server.client.get("/people/").json();
    assert_eq!(known["items"][0]["name"], "Root the First");
    assert_eq!(known["items"][0]["role"], "admin");
    let taken = [("name", "Root"), ("emails", "ADA@example.com")];
    let reply = change(&mut root, &own, &taken);
    assert_eq!(reply.status, 422);
    assert!(
        reply.text.contains("ADA@example.com is Ada already"),
        "{}",
        reply.text
    );
}

#[test]
fn a_developer_looks_after_keys_of_their_own_and_gives_no_more_than_they_have() {
    let server = Server::start();
    person(&server, "Root", "admin");
    let mut ada = person(&server, "Ada", "developer");
    let mut viewer = person(&server, "Eve", "viewer");
    assert_eq!(viewer.get("/manage/keys").status, 403);
    let reply = ada.post("/manage/keys", &[("name", "mine"), ("scopes", "admin")]);
    assert_eq!(reply.status, 422, "{}", reply.text);
    let wrong = [("scopes", "events"), ("days", "soon"), ("products", "a,b")];
    let reply = ada.post("/manage/keys", &wrong);
    assert_eq!(reply.status, 422);
    assert!(
        reply.text.contains("expires_in_days-error"),
        "{}",
        reply.text
    );
    assert!(reply.text.contains("value=\"a,b\""), "what was typed stays");
    let right = [
        ("name", "CI"),
        ("scopes", "events"),
        ("scopes", "read"),
        ("products", "api, web"),
        ("days", "30"),
    ];
    let reply = ada.post("/manage/keys", &right);
    assert_eq!(reply.status, 201);
    let key = reply.text.split("id=\"key\">").nth(1).unwrap();
    let key = key.split('<').next().unwrap().to_owned();
    let program = Client::new(&server.client.url, &key);
    program.get("/deployments/").expect(200);
    assert_eq!(program.get("/people/").status, 403);
    let page = ada.get("/manage/keys").text;
    assert!(!page.contains(&key), "once");
    assert!(!page.contains(">k1"), "only their own");
    let known = server.client.get("/keys/k2/").json();
    assert_eq!(known["owner"], json!(id_of(&server, "Ada")));
    assert_eq!(known["products"], json!(["api", "web"]));
    assert_eq!(ada.post("/manage/keys/k1/revoke", &[]).status, 404);
    assert_eq!(ada.post("/manage/keys/k1/rotate", &[]).status, 404);
    let reply = ada.post("/manage/keys/k2/rotate", &[]);
    let renewed = reply.text.split("id=\"key\">").nth(1).unwrap();
    let renewed = renewed.split('<').next().unwrap();
    assert_ne!(renewed, key);
    for key in [renewed, &key] {
        Client::new(&server.client.url, key)
            .get("/deployments/")
            .expect(200);
    }
    assert_eq!(
        leads_to(&ada.post("/manage/keys/k2/revoke", &[])),
        "/manage/keys?said=revoked"
    );
    assert_eq!(program.get("/deployments/").status, 401);
    server.client.get("/people/").expect(200);
}

#[test]
fn the_audit_page_says_who_changed_what_before_and_after() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let mut ada = person(&server, "Ada", "viewer");
    assert_eq!(ada.get("/manage/audit").status, 403);
    let id = id_of(&server, "Ada");
    let fields = [
        ("name", "Ada"),
        ("emails", "ada@example.com"),
        ("role", "developer"),
        ("active", "1"),
    ];
    assert_eq!(
        change(&mut root, &format!("/manage/people/{id}"), &fields).status,
        303
    );
    let page = root.get("/manage/audit?kind=person&actor=root").text;
    assert!(
        page.contains("role: <bdi>viewer</bdi> → <bdi>developer</bdi>"),
        "{page}"
    );
    assert!(page.contains("<bdi title=\"person:"), "{page}");
    assert!(!page.contains("session.begun"), "another kind");
    let none = root.get("/manage/audit?actor=key:k9").text;
    assert!(none.contains("Nothing matches"), "{none}");
    for version in 0..60 {
        server
            .client
            .deploy(&version.to_string(), "test", "completed")
            .expect(200);
    }
    let page = root.get("/manage/audit?kind=deployment").text;
    let older = page
        .split("href=\"")
        .find(|part| part.contains(">Older<"))
        .unwrap();
    let older = older.split('"').next().unwrap().replace("&#38;", "&");
    let page = root.get(&older).text;
    assert_eq!(page.matches("<td data-l=\"When\">").count(), 10, "{page}");
    assert!(page.contains(">Newest<") && !page.contains(">Older<"));
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
fn of_two_admins_who_change_one_person_the_second_is_told() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    person(&server, "Ada", "viewer");
    let page = format!("/manage/people/{}", id_of(&server, "Ada"));
    let opened = root.get(&page).text;
    let fields = |role: &'static str| {
        [
            ("name", "Ada"),
            ("emails", "ada@example.com"),
            ("role", role),
            ("active", "1"),
        ]
    };
    assert_eq!(change(&mut root, &page, &fields("developer")).status, 303);
    let mut late = vec![("tag", tag_of(&opened))];
    late.extend(fields("admin"));
    let reply = root.post(&page, &late);
    assert_eq!(reply.status, 409);
    assert!(
        reply.text.contains("Somebody else has changed"),
        "{}",
        reply.text
    );
    assert!(
        reply.text.contains("<option selected>developer"),
        "what is so now"
    );
    let known = server.client.get("/people/").json();
    let known = known["items"].as_array().unwrap().iter();
    let mut known = known.filter(|one| one["name"] == "Ada");
    assert_eq!(known.next().unwrap()["role"], "developer");
}
