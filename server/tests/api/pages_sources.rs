//! The pages of sources: who else tells, what became of it, and what is to be done at a sender.

use serde_json::{Value, json};

use crate::fake_github::KEY;
use crate::pages::{Browser, leads_to, person};
use crate::pages_read::{field, link, main_part, main_words, words};
use crate::sources::{Sender, over, run, status};
use crate::support::{Reply, Server};

/// The secret that a page shows once, of a sender that asks for one.
#[track_caller]
pub fn shown_secret(reply: &Reply) -> String {
    let part = main_part(reply);
    let part = part.split_once("<dt class=\"small\">Secret</dt><dd><code>");
    let (_, rest) = part.unwrap_or_else(|| panic!("no secret: {}", reply.text));
    rest.split_once('<').unwrap().0.to_owned()
}

/// Makes a source on the page; its address there.
fn make(root: &mut Browser, fields: &[(&str, &str)]) -> (Reply, String) {
    let made = root.post("/manage/sources", fields);
    assert_eq!(made.status, 201, "{}", made.text);
    let path = made.text.split("action=\"/manage/sources/").nth(1).unwrap();
    let id = path.split(['"', '/']).next().unwrap();
    let page = format!("/manage/sources/{id}");
    (made, page)
}

fn sender<'s>(server: &'s Server, page: &str, secret: &str) -> Sender<'s> {
    let id = page.rsplit('/').next().unwrap().to_owned();
    Sender {
        server,
        path: format!("/hooks/{id}"),
        id,
        secret: secret.to_owned(),
    }
}

/// Saves the form of a source as it is shown, but for these fields.
fn save(browser: &mut Browser, page: &str, tag: &str, fields: &[(&str, &str)]) -> Reply {
    let shown = browser.get(page).text;
    let word = field(&shown, "sender");
    let mut all = vec![("sender", word.as_str()), ("tag", tag)];
    all.extend_from_slice(fields);
    browser.post(page, &all)
}

#[test]
fn an_admin_makes_a_source_and_sees_what_became_of_what_it_sends() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let empty = main_words(&root.get("/manage/sources"));
    let command = "versioner-server sources add github --account local --name GitHub";
    assert!(empty.contains(command), "{empty}");
    let (made, page) = make(
        &mut root,
        &[("sender", "github"), ("name", "GitHub <acme>")],
    );
    let secret = shown_secret(&made);
    let github = sender(&server, &page, &secret);
    let told = main_words(&made);
    let address = format!("Payload URL {}{}", server.client.url, github.path);
    assert!(told.contains(&address), "{told}");
    assert!(told.contains("Workflow runs"), "{told}");
    for path in ["/manage/sources", page.as_str(), "/manage/audit"] {
        assert!(!root.get(path).text.contains(&secret), "{path}");
    }

    let body = status("success", "production", run(), "2025-11-19T11:30:00Z");
    let sent = github.github("deployment_status", "d1", &body);
    let row = github.became(&sent);
    github.became(&github.github("ping", "d2", &json!({ "zen": "Mind your words." })));
    let shown = root.get(&page);
    let text = main_words(&shown);
    assert!(text.contains("ping ignored"), "{text}");
    let became = "shop v1.4.2 to production : completed";
    assert!(
        text.contains(&format!("deployment_status told {became}")),
        "{text}"
    );
    let deployment = shown
        .text
        .split("<a href=\"/manage/deployments?view=")
        .nth(1)
        .unwrap();
    let deployment = deployment.split('"').next().unwrap();
    assert_eq!(row["result"], deployment);
    assert_eq!(
        root.get(&format!("/manage/deployments?view={deployment}"))
            .status,
        200
    );

    let delivery = root.get(&format!("{page}/{}", row["id"].as_str().unwrap()));
    let text = main_words(&delivery);
    for part in [
        became,
        "x-github-delivery d1",
        "What it would become now A deployment",
        "\"full_name\": \"acme/shop\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let list = main_words(&root.get("/manage/sources"));
    assert!(
        list.contains("GitHub <acme> GitHub, Gitea or Forgejo on ping"),
        "{list}"
    );
    let other = root.get(&format!(
        "{page}/{}",
        "0192f0c1-7e70-7000-8000-000000000000"
    ));
    assert_eq!(other.status, 404);

    // What others may not even look at.
    for role in ["viewer", "developer"] {
        let mut other = person(&server, role, role);
        for path in [
            "/manage/sources".to_owned(),
            page.clone(),
            format!("{page}/x"),
        ] {
            assert_eq!(other.get(&path).status, 403, "{role} {path}");
        }
        for path in ["", "/switch", "/rotate", "/replay", "/drop", "/remove"] {
            let path = format!("{page}{path}");
            assert_eq!(
                other.post(&path, &[("name", "Mine")]).status,
                403,
                "{role} {path}"
            );
        }
    }
}

#[test]
fn a_source_is_switched_off_and_on_and_removed() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let (made, page) = make(&mut root, &[("sender", "github"), ("name", "GitHub")]);
    let github = sender(&server, &page, &shown_secret(&made));
    let ping = json!({ "zen": "Design for failure." });
    let off = root.post(&format!("{page}/switch"), &[("to", "off")]);
    assert!(main_words(&root.get(leads_to(&off))).contains("It is switched off"));
    github.github("ping", "1", &ping).detail(404);
    root.post(&format!("{page}/switch"), &[("to", "on")]);
    github.github("ping", "2", &ping).expect(202);

    // A sender that makes its own secret gives it; the one before ends as it is said.
    let short = root.post(
        &format!("{page}/rotate"),
        &[("secret", "short"), ("overlap_hours", "x")],
    );
    assert_eq!(short.status, 422);
    for field in ["secret-error", "overlap_hours-error"] {
        assert!(short.text.contains(field), "{field}: {}", short.text);
    }
    let given = "made-by-the-sender-itself";
    let fields = [("secret", given), ("overlap_hours", "0")];
    let rotated = root.post(&format!("{page}/rotate"), &fields);
    assert_eq!(shown_secret(&rotated), given);
    github.github("ping", "3", &ping).detail(401);
    sender(&server, &page, given)
        .github("ping", "4", &ping)
        .expect(202);

    let removed = root.post(&format!("{page}/remove"), &[]);
    let list = root.get(leads_to(&removed));
    assert!(main_words(&list).contains("The source is removed"));
    assert_eq!(root.get(&page).status, 404);
    sender(&server, &page, given)
        .github("ping", "5", &ping)
        .detail(404);
}

#[test]
fn what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let wrong = [
        ("sender", "json"),
        ("name", ""),
        ("environments", "prod"),
        ("mapping", "{\"version\": \"/v\"}"),
        ("other", "{\"colour\": \"<b>red</b>\"}"),
    ];
    let reply = root.post("/manage/sources", &wrong);
    assert_eq!(reply.status, 422);
    for name in ["name", "environments", "mapping", "other"] {
        assert!(
            reply.text.contains(&format!("id=\"{name}-error\"")),
            "{name}: {}",
            reply.text
        );
    }
    let text = words(&reply.text);
    assert!(text.contains("{\"version\": \"/v\"}"), "{text}");
    assert!(text.contains("<b>red</b>") && !reply.text.contains("<b>red</b>"));
    assert!(
        reply.text.contains("<option value=\"json\" selected>"),
        "{}",
        reply.text
    );
    let none = [("sender", "svn"), ("name", "a")];
    let reply = root.post("/manage/sources", &none);
    assert!(reply.text.contains("id=\"sender-error\""), "{}", reply.text);
    assert_eq!(
        server.client.get("/sources/").expect(200)["items"],
        json!([])
    );
}

#[test]
fn an_app_is_made_of_its_key_which_is_never_shown() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let gate = [
        ("sender", "github-app"),
        ("name", "Gate"),
        ("private_key", ""),
    ];
    let reply = root.post("/manage/sources", &gate);
    assert_eq!(reply.status, 422);
    assert!(reply.text.contains("id=\"app_id-error\""), "{}", reply.text);
    let with = |key: &'static str| {
        [
            ("sender", "github-app"),
            ("name", "Gate"),
            ("app_id", "12345"),
            ("private_key", key),
        ]
    };
    for (key, why) in [("", "needs its private key"), ("s3cret", "no private key")] {
        let reply = root.post("/manage/sources", &with(key));
        assert_eq!(reply.status, 422);
        assert!(
            reply.text.contains("id=\"private_key-error\""),
            "{}",
            reply.text
        );
        assert!(
            reply.text.contains(why) && !reply.text.contains("s3cret"),
            "{}",
            reply.text
        );
    }
    let (made, page) = make(&mut root, &with(KEY));
    let told = main_words(&made);
    assert!(
        told.contains("Webhook URL") && told.contains("Deployment protection rule"),
        "{told}"
    );
    let tag = field(&made.text, "tag");
    let fields = [("name", "Gate 2"), ("app_id", "12345"), ("strip_v", "1")];
    let saved = save(&mut root, &page, &tag, &fields);
    assert_eq!(leads_to(&saved), format!("{page}?said=changed"));
    let rotate = format!("{page}/rotate");
    let wrong = root.post(
        &rotate,
        &[("private_key", "ssh-rsa AAAA"), ("overlap_hours", "1")],
    );
    assert_eq!(wrong.status, 422);
    let again = root.post(&rotate, &[("private_key", KEY)]);
    assert_eq!(leads_to(&again), format!("{page}?said=rekeyed"));
    let line = KEY.lines().nth(2).unwrap();
    for path in ["/manage/sources", page.as_str(), "/manage/audit"] {
        assert!(!root.get(path).text.contains(line), "{path}");
    }
}

#[test]
fn what_was_pasted_is_tried_and_nothing_is_recorded() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let mapping = json!({
        "product": "/service", "version": "/tag", "environment": "/cluster", "status": "/phase",
        "statuses": { "ok": "completed" },
    })
    .to_string();
    let body = json!({ "service": "shop", "tag": "1.4", "cluster": "prod", "phase": "ok" });
    let body = body.to_string();
    let form = [
        ("do", "try"),
        ("sender", "json"),
        ("environments", "prod = production"),
        ("mapping", mapping.as_str()),
        ("body", body.as_str()),
    ];
    let tried = root.post("/manage/sources", &form);
    assert_eq!(tried.status, 200, "{}", tried.text);
    let text = main_words(&tried);
    for part in [
        "A deployment",
        "product_name shop",
        "environment_name production",
        "status completed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&body), "what was typed stays: {text}");
    let missing = [
        ("do", "try"),
        ("sender", "json"),
        ("mapping", &mapping),
        ("body", "{}"),
    ];
    let text = main_words(&root.post("/manage/sources", &missing));
    assert!(
        text.contains("It could not be read: status is missing"),
        "{text}"
    );
    let github = [
        ("do", "try"),
        ("sender", "github"),
        ("headers", "X-GitHub-Event: ping"),
        ("body", "{}"),
    ];
    let text = main_words(&root.post("/manage/sources", &github));
    assert!(text.contains("It would be ignored"), "{text}");
    assert_eq!(
        server.client.get("/sources/").expect(200)["items"],
        json!([])
    );
    assert_eq!(server.client.get("/queue/").expect(200)["items"], json!([]));
    assert_eq!(
        server.client.get("/deployments/").expect(200)["items"],
        json!([])
    );
}

#[test]
fn what_could_not_be_read_is_read_again_by_other_settings_or_given_up() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let mapping = |at: &str| {
        json!({ "product": at, "version": "/tag", "environment": "/at", "status": "/phase" })
            .to_string()
    };
    let wrong = mapping("/produkt");
    let form = [
        ("sender", "json"),
        ("name", "Ours"),
        ("mapping", wrong.as_str()),
    ];
    let (made, page) = make(&mut root, &form);
    let secret = main_words(&made);
    let secret = secret.split("Authorization: Bearer ").nth(1).unwrap();
    let secret = secret.split(' ').next().unwrap().to_owned();
    let ours = sender(&server, &page, &secret);
    let send = |tag: &str| -> Value {
        let bearer = format!("Bearer {secret}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
        ];
        let body =
            json!({ "product": "shop", "tag": tag, "at": "production", "phase": "completed" });
        ours.became(&ours.send(&headers, body.to_string().as_bytes()))
    };
    let dead = ["1", "2", "3"].map(send);
    let text = main_words(&root.get(&page));
    assert!(
        text.contains("not read product is missing: nothing stands at /produkt"),
        "{text}"
    );
    let list = main_words(&root.get("/manage/sources"));
    assert!(
        list.contains("at /produkt 0 3"),
        "none waits, three are dead: {list}"
    );

    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let given_up = root.post(&format!("{page}/drop"), &[("delivery", &id(&dead[0]))]);
    leads_to(&given_up);
    assert_eq!(over(&server, &id(&dead[0]))["state"], "dropped");
    let tag = field(&root.get(&page).text, "tag");
    let right = mapping("/product");
    let fields = [("name", "Ours"), ("mapping", right.as_str())];
    let changed = save(&mut root, &page, &tag, &fields);
    assert_eq!(leads_to(&changed), format!("{page}?said=changed"));
    let text = main_words(&root.get(&format!("{page}/{}", id(&dead[1]))));
    assert!(
        text.contains("product_name shop"),
        "what it would become: {text}"
    );
    let once = field(main_part(&root.get(&page)), "once");
    let fields = [("once", once.as_str()), ("delivery", &id(&dead[1]))];
    for _ in 0..2 {
        let read = root.post(&format!("{page}/replay"), &fields);
        assert_eq!(leads_to(&read), format!("{page}?said=replayed"));
        assert_eq!(over(&server, &id(&dead[1]))["state"], "done");
    }
    assert_eq!(over(&server, &id(&dead[2]))["state"], "dead");
    root.post(&format!("{page}/replay"), &[]);
    assert_eq!(over(&server, &id(&dead[2]))["state"], "done");
    assert_eq!(
        over(&server, &id(&dead[0]))["state"],
        "dropped",
        "only what is dead"
    );

    // What belongs to another source is not touched by the form of this one.
    let (_, other) = make(&mut root, &[("sender", "gitlab"), ("name", "GitLab")]);
    root.post(&format!("{other}/replay"), &[("delivery", &id(&dead[0]))]);
    assert_eq!(over(&server, &id(&dead[0]))["state"], "dropped");
    assert_eq!(root.get(&format!("{other}/{}", id(&dead[0]))).status, 404);
}

#[test]
fn two_who_change_a_source_see_each_other() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let (_, page) = make(&mut root, &[("sender", "github"), ("name", "GitHub")]);
    let tag = field(&root.get(&page).text, "tag");
    let first = save(
        &mut root,
        &page,
        &tag,
        &[("name", "GitHub"), ("product", "shop")],
    );
    leads_to(&first);
    let second = save(
        &mut root,
        &page,
        &tag,
        &[("name", "Theirs"), ("product", "store")],
    );
    assert_eq!(second.status, 412);
    let text = main_words(&second);
    assert!(
        text.contains("By now it says name: GitHub; product: shop."),
        "{text}"
    );
    assert!(
        second.text.contains("value=\"store\""),
        "what was typed stays"
    );
    let tag = field(&second.text, "tag");
    let again = save(
        &mut root,
        &page,
        &tag,
        &[("name", "Theirs"), ("product", "store")],
    );
    leads_to(&again);
    let source = &server.client.get("/sources/").expect(200)["items"][0];
    assert_eq!(source["settings"], json!({ "product": "store" }));
}

#[test]
fn names_and_bodies_from_outside_are_shown_and_never_obeyed() {
    let server = Server::start();
    let mut root = person(&server, "Root", "admin");
    let hostile = "<script>a</script>\u{202e}";
    let github = Sender::new(&server, "github", json!({ "product": hostile }));
    let path = format!("/sources/{}/", github.id);
    let named = json!({ "name": hostile });
    server.client.request("PATCH", &path, &named).expect(200);
    let row = github.became(&github.github(hostile_event(), "1", &json!({ "a": hostile })));
    let page = format!("/manage/sources/{}", github.id);
    let delivery = format!("{page}/{}", row["id"].as_str().unwrap());
    for path in ["/manage/sources", page.as_str(), &delivery] {
        let reply = root.get(path);
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains("<script>a"), "{path}");
        assert!(!reply.text.contains("<b>"), "{path}");
        assert!(!reply.text.contains('\u{202e}') || path == page, "{path}");
    }
    // A body that is no text, and an identifier that no database can hold.
    let headers = [("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "2")];
    let body = [0xff, 0xfe, 0x00, b'<'];
    let tag = crate::sources::mac(ring::hmac::HMAC_SHA256, &github.secret, &body);
    let signature = format!("sha256={tag}");
    let headers = [headers[0], headers[1], ("X-Hub-Signature-256", &signature)];
    let row = github.became(&github.send(&headers, &body));
    let shown = root.get(&format!("{page}/{}", row["id"].as_str().unwrap()));
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(root.get("/manage/sources/%00").status, 404);
    assert_eq!(root.get(&format!("{page}/%00")).status, 404);
    assert_eq!(root.get("/manage/webhooks/%00").status, 404);
    let _ = link(&root.get("/manage/me"), "Sources");
}

fn hostile_event() -> &'static str {
    "<b>push</b>"
}
