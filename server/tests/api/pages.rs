//! The web pages, as a browser without JavaScript uses them: what all of them have in common.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::process::PROGRAM;
use crate::support::{Client, Reply, Server};

pub const PASSWORD: &str = "correct horse battery";

/// A browser: it keeps cookies, and says where a form comes from.
#[derive(Clone)]
pub struct Browser {
    pub client: Client,
    pub cookies: BTreeMap<String, String>,
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
        let cookies = self.cookie();
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

    /// The cookies as a header has them.
    pub fn cookie(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
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
    add_person_to(server.data.path(), name, role)
}

fn add_person_to(data: &Path, name: &str, role: &str) -> String {
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
    path_of(&on_the_machine(data, &arguments))
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
    person_at(&server.client.url, server.data.path(), name, role)
}

/// The same at a server of its own.
pub fn person_at(url: &str, data: &Path, name: &str, role: &str) -> Browser {
    let path = add_person_to(data, name, role);
    let mut browser = Browser::new(url);
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
    // A form is not shown again by logging in: whoever sent it is told that nothing is kept.
    let mut late = Browser::new(&server.client.url);
    let asked = leads_to(&late.post("/manage/approvals", &[("verdict", "approve")])).to_owned();
    let page = late.get(&asked).text;
    assert!(
        page.contains("nothing of what you sent is recorded"),
        "{page}"
    );
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
