//! The pages by which admins look after people, keys and the log.

use std::sync::Barrier;

use serde_json::json;

use crate::pages::{Browser, PASSWORD, leads_to, path_of, person, token};
use crate::pages_read::{field, main_words};
use crate::support::{Client, Reply, Server};

/// Sends the form of a person, as it was when it was opened a moment ago.
fn change(browser: &mut Browser, page: &str, fields: &[(&str, &str)]) -> Reply {
    let shown = browser.get(page).text;
    let tag = field(&shown, "tag");
    let mut all = vec![("tag", tag.as_str())];
    all.extend_from_slice(fields);
    browser.post(page, &all)
}

/// The identifier of a person.
pub fn id_of(server: &Server, name: &str) -> String {
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
    let tag = field(&opened, "tag");
    let mut late = vec![("tag", tag.as_str())];
    late.extend(fields("admin"));
    let reply = root.post(&page, &late);
    assert_eq!(reply.status, 412);
    let text = main_words(&reply);
    assert!(
        text.contains("Somebody else has changed this person since you opened the page. By now it says role: developer."),
        "{text}"
    );
    assert!(
        reply.text.contains("<option selected>admin"),
        "what was typed stays"
    );
    let known = server.client.get("/people/").json();
    let known = known["items"].as_array().unwrap().iter();
    let mut known = known.filter(|one| one["name"] == "Ada");
    assert_eq!(known.next().unwrap()["role"], "developer");
}

#[test]
fn of_two_admins_who_save_one_person_at_once_one_is_told() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let other = person(&server, "Other", "admin");
    person(&server, "Ada", "viewer");
    let page = format!("/manage/people/{}", id_of(&server, "Ada"));
    for round in 0..5 {
        let tag = field(&root.get(&page).text, "tag");
        let together = Barrier::new(2);
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads =
                [("One", root.clone()), ("Two", other.clone())].map(|(name, mut browser)| {
                    let (tag, page, together) = (&tag, &page, &together);
                    scope.spawn(move || {
                        let name = format!("{name} {round}");
                        let fields = [("tag", tag.as_str()), ("name", &name), ("active", "1")];
                        together.wait();
                        let mut fields = fields.to_vec();
                        fields.push(("role", "viewer"));
                        browser.post(page, &fields).status
                    })
                });
            threads.map(|thread| thread.join().unwrap()).to_vec()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 412], "round {round}");
    }
}
