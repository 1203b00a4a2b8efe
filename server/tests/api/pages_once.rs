//! A form that is sent twice, as by a double click, does what it says once.

use serde_json::{Value, json};

use crate::pages::{Browser, leads_to, person};
use crate::pages_read::{field, main_part};
use crate::pages_sources::shown_secret;
use crate::sources::Sender;
use crate::support::{Reply, Server, deployment};

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
