//! A form that is sent twice, as by a double click, does what it says once.

use serde_json::{Value, json};

use crate::fake_slack::FakeSlack;
use crate::pages::{Browser, leads_to, person};
use crate::pages_gate::GATE;
use crate::pages_people::id_of;
use crate::pages_read::{field, main_part, main_words};
use crate::pages_sources::shown_secret;
use crate::receiver::{Receiver, deliveries};
use crate::slack::{setting, started};
use crate::sources::Sender;
use crate::support::{Reply, Server, build, deployment};

/// Sends a form twice at the same time, with the token of the page that it is on.
fn twice(browser: &mut Browser, page: &str, path: &str, fields: &[(&str, &str)]) -> [Reply; 2] {
    let token = field(&browser.get(page).text, "once");
    let mut all = vec![("once", token.as_str())];
    all.extend_from_slice(fields);
    let mut other = browser.clone();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| other.post(path, &all));
        [browser.post(path, &all), second.join().unwrap()]
    })
}

fn count(server: &Server, path: &str) -> usize {
    let listed = server.client.get(path).expect(200);
    listed["items"].as_array().map_or(0, Vec::len)
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let rest = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from}: {text}"))
        .1;
    rest.split_once(to).unwrap().0
}

#[test]
fn a_double_click_makes_one_and_both_answers_show_its_secret() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let keys = count(&server, "/keys/");
    let form = [("name", "ci"), ("scopes", "read")];
    let replies = twice(&mut root, "/manage/keys", "/manage/keys", &form);
    let made = replies.map(|reply| {
        assert_eq!(reply.status, 201, "{}", reply.text);
        between(&reply.text, "id=\"key\">", "<").to_owned()
    });
    assert_eq!(made[0], made[1]);
    assert_eq!(count(&server, "/keys/"), keys + 1);
    let client = crate::support::Client::new(&server.client.url, &made[0]);
    client.get("/state/").expect(200);

    let form = [
        ("url", "https://hooks.example.com/a"),
        ("format", "standard"),
    ];
    let replies = twice(&mut root, "/manage/webhooks", "/manage/webhooks", &form);
    let made = replies.map(|reply| between(&reply.text, "id=\"secret\">", "<").to_owned());
    assert_eq!(made[0], made[1]);
    assert_eq!(count(&server, "/webhooks/"), 1);

    let form = [("sender", "github"), ("name", "GitHub")];
    let replies = twice(&mut root, "/manage/sources", "/manage/sources", &form);
    let made = replies.map(|reply| shown_secret(&reply));
    assert_eq!(made[0], made[1]);
    assert_eq!(count(&server, "/sources/"), 1);
    let source = server.client.get("/sources/").expect(200)["items"][0].clone();
    let github = Sender {
        server: &server,
        id: source["id"].as_str().unwrap().to_owned(),
        path: source["url"].as_str().unwrap().to_owned(),
        secret: made[0].clone(),
    };
    let ping = json!({ "zen": "Keep it logically awesome." });
    github.github("ping", "1", &ping).expect(202);

    // A new secret takes the place of the one before once: that stays valid.
    let page = format!("/manage/sources/{}", github.id);
    let rotate = format!("{page}/rotate");
    let replies = twice(&mut root, &page, &rotate, &[("overlap_hours", "24")]);
    let made = replies.map(|reply| shown_secret(&reply));
    assert_eq!(made[0], made[1]);
    github.github("ping", "2", &ping).expect(202);

    let form = [("name", "Ada"), ("role", "viewer")];
    let [first, second] = twice(&mut root, "/manage/people", "/manage/people", &form);
    assert_eq!(leads_to(&first), leads_to(&second));
    let people = server.client.get("/people/").expect(200);
    let named = |one: &&Value| one["name"] == "Ada";
    assert_eq!(
        people["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(named)
            .count(),
        1
    );
}

#[test]
fn a_start_is_let_through_once_by_a_double_click() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let rule = json!({
        "name": "Staging first", "type": "flow", "environments": ["production"], "create": true,
        "config": { "required_environments": ["staging"] },
    });
    let rule = server.client.post("/deployment-rules/", &rule).expect(201);
    let start = deployment("1", "production", "started");
    server
        .client
        .post("/deployment-events/", &start)
        .detail(428);
    let page = "/manage/gate?product=api&version=1&environment=production";
    let shown = root.get(page).text;
    let (commit, tag) = (field(&shown, "commit"), field(&shown, "tag"));
    let form = [
        ("commit", commit.as_str()),
        ("tag", tag.as_str()),
        ("product", "api"),
        ("version", "1"),
        ("environment", "production"),
        ("rule", rule["id"].as_str().unwrap()),
        ("hours", "4"),
        ("reason", "the card outage"),
    ];
    let [first, second] = twice(&mut root, page, "/manage/gate/let-through", &form);
    assert_eq!(leads_to(&first), leads_to(&second));
    assert_eq!(count(&server, "/deployment-exemptions/"), 1);
}

#[test]
fn the_same_words_in_another_form_are_another_thing() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let keys = count(&server, "/keys/");
    for _ in 0..2 {
        // Each page is another form.
        let token = field(&root.get("/manage/keys").text, "once");
        let form = [("once", token.as_str()), ("name", "ci"), ("scopes", "read")];
        assert_eq!(root.post("/manage/keys", &form).status, 201);
    }
    // Somebody goes back, types something else, and sends it again.
    let token = field(&root.get("/manage/keys").text, "once");
    for name in ["one", "two"] {
        let form = [("once", token.as_str()), ("name", name), ("scopes", "read")];
        assert_eq!(root.post("/manage/keys", &form).status, 201);
    }
    assert_eq!(count(&server, "/keys/"), keys + 4);
    // What was wrong is mended in the same form.
    let token = field(&root.get("/manage/keys").text, "once");
    let wrong = root.post(
        "/manage/keys",
        &[("once", token.as_str()), ("scopes", "all")],
    );
    assert_eq!(wrong.status, 422);
    assert_ne!(field(main_part(&wrong), "once"), "");
    let right = [("once", token.as_str()), ("scopes", "read")];
    assert_eq!(root.post("/manage/keys", &right).status, 201);
}

#[test]
fn a_test_and_a_link_come_once() {
    let server = Server::that_calls();
    let receiver = Receiver::start();
    let mut root = person(&server, "Root", "admin");
    let hook = json!({ "url": receiver.url, "events": ["rule"] });
    let hook = server.client.post("/webhooks/", &hook).expect(201);
    let id = hook["id"].as_str().unwrap();
    let page = format!("/manage/webhooks/{id}");
    let [first, second] = twice(&mut root, &page, &format!("{page}/test"), &[]);
    assert_eq!(leads_to(&first), leads_to(&second));
    assert_eq!(receiver.next().event(), "webhook.test");
    assert_eq!(deliveries(&server.client, id).len(), 1);
    // Whoever opens the page again means another one.
    let token = field(&root.get(&page).text, "once");
    leads_to(&root.post(&format!("{page}/test"), &[("once", &token)]));
    assert_eq!(receiver.next().event(), "webhook.test");
    assert_eq!(deliveries(&server.client, id).len(), 2);

    person(&server, "Ada", "viewer");
    let page = format!("/manage/people/{}", id_of(&server, "Ada"));
    let links = twice(&mut root, &page, &format!("{page}/link"), &[]).map(|reply| {
        assert_eq!(reply.status, 200, "{}", reply.text);
        between(&reply.text, "id=\"link\">", "<").to_owned()
    });
    assert_eq!(links[0], links[1]);
    let made = server.client.get("/audit/?kind=link.made").expect(200);
    let made = made["items"].as_array().unwrap().iter();
    let by_root = made.filter(|row| row["actor"] == format!("person:{}", id_of(&server, "Root")));
    assert_eq!(by_root.count(), 1);
    let mut ada = Browser::new(&server.client.url);
    let token = crate::pages::token(&links[1]);
    let fields = [("token", token), ("password", "correct horse battery")];
    leads_to(&ada.post("/manage/login/link", &fields));
}

/// What a double click on something that ends is led to, one click after the other as well.
fn ends(browser: &mut Browser, page: &str, path: &str, fields: &[(&str, &str)], to: &str) {
    let token = field(main_part(&browser.get(page)), "once");
    let mut all = vec![("once", token.as_str())];
    all.extend_from_slice(fields);
    let mut other = browser.clone();
    let at_once = std::thread::scope(|scope| {
        let second = scope.spawn(|| other.post(path, &all));
        [browser.post(path, &all), second.join().unwrap()]
    });
    let later = browser.post(path, &all);
    for reply in at_once.iter().chain([&later]) {
        assert_eq!(leads_to(reply), to, "{}", reply.text);
    }
}

#[test]
fn what_is_removed_by_a_double_click_is_removed() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut root = person(&server, "Root", "admin");
    let mut other = person(&server, "Other", "admin");
    let rule = |name: &str, kind: &str, config: Value| {
        let rule = json!({
            "name": name, "type": kind, "environments": ["production"], "create": true,
            "config": config,
        });
        let made = server.client.post("/deployment-rules/", &rule).expect(201);
        made["id"].as_str().unwrap().to_owned()
    };
    let removed = |browser: &mut Browser, id: &str| {
        let edit = format!("/manage/rules/edit?rule={id}");
        let page = browser.get(&edit);
        let tag = field(main_part(&page), "etag");
        let fields = [
            ("rule", id),
            ("etag", &tag),
            ("do", "remove"),
            ("reason", "done"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        (edit, fields)
    };
    let flow = json!({ "required_environments": ["staging"] });
    let id = rule("Staging first", "flow", flow.clone());
    let (edit, fields) = removed(&mut root, &id);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    ends(
        &mut root,
        &edit,
        "/manage/rules/edit",
        &fields,
        "/manage/rules?said=removed",
    );
    let said = root.get("/manage/rules?said=removed");
    assert!(main_words(&said).contains("The rule is gone."));
    assert_eq!(count(&server, "/audit/?kind=rule.removed"), 1);
    // So is one that somebody else has removed since the page was opened.
    let id = rule("Again", "flow", flow.clone());
    let (_, fields) = removed(&mut root, &id);
    let gone = format!("/deployment-rules/{id}/");
    assert_eq!(server.client.send("DELETE", &gone, &[], b"").status, 204);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let reply = other.post("/manage/rules/edit", &fields);
    assert_eq!(leads_to(&reply), "/manage/rules?said=removed");
    // One that somebody has changed is another thing.
    let id = rule("Changed", "flow", flow);
    let (_, fields) = removed(&mut root, &id);
    let change = json!({ "name": "Changed since" });
    let path = format!("/deployment-rules/{id}/");
    server.client.request("PATCH", &path, &change).expect(200);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(root.post("/manage/rules/edit", &fields).status, 412);
    let tag = field(main_part(&root.get("/manage/rules")), "etag");
    let status = [
        ("rule", id.as_str()),
        ("etag", &tag),
        ("status", "disabled"),
        ("reason", "calm"),
    ];
    ends(
        &mut root,
        "/manage/rules",
        "/manage/rules/status",
        &status,
        "/manage/rules?said=changed",
    );

    let hook = json!({ "url": "https://hooks.example.com/a" });
    let hook = server.client.post("/webhooks/", &hook).expect(201);
    let page = format!("/manage/webhooks/{}", hook["id"].as_str().unwrap());
    let path = format!("{page}/remove");
    ends(
        &mut root,
        &page,
        &path,
        &[],
        "/manage/webhooks?said=removed",
    );
    assert_eq!(
        leads_to(&other.post(&path, &[])),
        "/manage/webhooks?said=removed"
    );
    assert_eq!(other.post("/manage/webhooks/none/remove", &[]).status, 404);

    let key = server
        .client
        .post("/keys/", &json!({ "name": "ci" }))
        .expect(201);
    let path = format!("/manage/keys/{}/revoke", key["id"].as_str().unwrap());
    ends(
        &mut root,
        "/manage/keys",
        &path,
        &[],
        "/manage/keys?said=revoked",
    );
    assert_eq!(
        leads_to(&other.post(&path, &[])),
        "/manage/keys?said=revoked"
    );
    assert_eq!(other.post("/manage/keys/k999/revoke", &[]).status, 404);
    assert_eq!(count(&server, "/audit/?kind=key.revoked"), 1);

    let source = json!({ "kind": "github", "name": "GitHub" });
    let source = server.client.post("/sources/", &source).expect(201);
    let page = format!("/manage/sources/{}", source["id"].as_str().unwrap());
    ends(
        &mut root,
        &page,
        &format!("{page}/remove"),
        &[],
        "/manage/sources?said=removed",
    );

    ends(
        &mut root,
        "/manage/slack",
        "/manage/slack/remove",
        &[],
        "/manage/slack?said=removed",
    );
    assert_eq!(
        leads_to(&other.post("/manage/slack/remove", &[])),
        "/manage/slack?said=removed"
    );
}

#[test]
fn what_is_taken_back_by_a_double_click_is_taken_back() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let rule = json!({
        "name": "A yes", "type": "release_approval", "environments": ["production"], "create": true,
        "config": { "required_approvals": 1 },
    });
    let rule = server.client.post("/deployment-rules/", &rule).expect(201);
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    let start = deployment("1", "production", "started");
    server
        .client
        .post("/deployment-events/", &start)
        .detail(428);
    let exemption = json!({
        "rule_ids": [rule["id"]], "product": "api", "version": "1", "environment": "production",
        "until": "2025-11-19T14:00:00Z", "reason": "the card outage",
    });
    server
        .client
        .post("/deployment-exemptions/", &exemption)
        .expect(201);
    let page = root.get(GATE);
    let id = field(main_part(&page), "exemption");
    let fields = [
        ("product", "api"),
        ("version", "1"),
        ("environment", "production"),
        ("exemption", id.as_str()),
    ];
    let to = format!("{GATE}&said=withdrawn");
    ends(&mut root, GATE, "/manage/gate/withdraw", &fields, &to);

    let asked = root.get("/manage/approvals");
    let fields = crate::pages_gate::form(&asked);
    let fields = crate::pages_gate::with(&fields, &[("verdict", "approve"), ("comment", "")]);
    leads_to(&root.post("/manage/approvals", &fields));
    let given = root.get("/manage/approvals");
    let (version, approval) = (
        field(main_part(&given), "version"),
        field(main_part(&given), "approval"),
    );
    let fields = [
        ("version", version.as_str()),
        ("approval", approval.as_str()),
    ];
    let to = "/manage/approvals?said=withdrawn";
    ends(
        &mut root,
        "/manage/approvals",
        "/manage/approvals/withdraw",
        &fields,
        to,
    );
    assert_eq!(count(&server, "/audit/?kind=approval.withdrawn"), 1);
}
