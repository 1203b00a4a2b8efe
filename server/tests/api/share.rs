//! Badges and feeds, which show a little to whoever has their address.

use serde_json::json;
use versioner_server::{NewKey, Scope, Scopes};

use crate::pages::Browser;
use crate::support::{Client, Reply, Server, deployment};

/// A key for sharing, limited to these.
fn shared(server: &Server, products: &[&str], environments: &[&str]) -> String {
    let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    let new = NewKey {
        products: names(products),
        environments: names(environments),
        ..NewKey::new(Scopes::shared())
    };
    server.add_limited_key(&new).key
}

/// What anybody gets who has an address.
pub fn get(url: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let nobody = Client::new(url, "");
    nobody.try_send("GET", path, headers, b"").unwrap()
}

pub fn badge(server: &Server, place: &str, token: &str) -> Reply {
    let path = format!("/badge/{place}.svg?token={token}");
    get(&server.client.url, &path, &[])
}

/// What a badge says, by its title.
pub fn says(reply: &Reply) -> &str {
    assert_eq!(
        reply.headers["content-type"],
        "image/svg+xml; charset=utf-8"
    );
    let (_, after) = reply.text.split_once("<title>").unwrap();
    after.split_once("</title>").unwrap().0
}

pub fn feed(server: &Server, rest: &str, token: &str) -> Reply {
    let mark = if rest.contains('?') { '&' } else { '?' };
    let path = format!("/feed/{rest}{mark}token={token}");
    get(&server.client.url, &path, &[])
}

/// The titles of a feed's entries.
fn titles(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.headers["content-type"],
        "application/atom+xml; charset=utf-8"
    );
    let entries = reply.text.split("<entry>").skip(1);
    entries
        .map(|entry| {
            let (_, title) = entry.split_once("<title>").unwrap();
            title.split_once("</title>").unwrap().0
        })
        .collect()
}

#[test]
fn a_badge_says_what_is_where_and_what_became_of_the_last_attempt() {
    let server = Server::start();
    let token = shared(&server, &[], &[]);
    server.client.deploy("1", "test", "completed").expect(200);
    let at = |place: &str| {
        let reply = badge(&server, place, &token);
        (reply.status, says(&reply).to_owned())
    };
    assert_eq!(at("api/test"), (200, "api in test: 1".to_owned()));
    assert_eq!(
        at("API/Test"),
        (200, "API in Test: 1".to_owned()),
        "the same names"
    );
    server.client.deploy("2", "test", "started").expect(200);
    assert_eq!(at("api/test").1, "api in test: 1, 2 in progress");
    server.client.deploy("2", "test", "failed").expect(200);
    assert_eq!(at("api/test").1, "api in test: 1, 2 failed");
    server.client.deploy("3", "test", "completed").expect(200);
    assert_eq!(at("api/test").1, "api in test: 3");
    let mut other = deployment("1", "production", "completed");
    other["product_name"] = json!("shop");
    server
        .client
        .post("/deployment-events/", &other)
        .expect(200);
    assert_eq!(
        at("api/production"),
        (200, "api in production: nothing deployed".to_owned())
    );
    for nowhere in ["none/test", "api/none", "%00/test", "api/%00"] {
        assert_eq!(
            at(nowhere),
            (404, "versioner in versioner: not found".to_owned())
        );
    }
    let picture = get(
        &server.client.url,
        &format!("/badge/api/test?token={token}"),
        &[],
    );
    assert_eq!(picture.status, 404, "no other form");
}

#[test]
fn a_copy_is_good_for_a_minute_and_asked_for_anew_by_its_tag() {
    let server = Server::start();
    let token = shared(&server, &[], &[]);
    server.client.deploy("1", "test", "completed").expect(200);
    let paths = [
        format!("/badge/api/test.svg?token={token}"),
        format!("/feed/deployments.atom?token={token}"),
        format!("/feed/approvals.atom?token={token}"),
    ];
    let tags: Vec<String> = paths
        .iter()
        .map(|path| {
            let reply = get(&server.client.url, path, &[]);
            assert_eq!(reply.headers["cache-control"], "private, max-age=60");
            assert_eq!(reply.headers["referrer-policy"], "no-referrer");
            assert_eq!(reply.headers["x-content-type-options"], "nosniff");
            assert_eq!(
                reply.headers["content-security-policy"],
                "default-src 'none'; sandbox"
            );
            assert!(!reply.text.contains(&token), "{}", reply.text);
            let tag = reply.headers["etag"].clone();
            let list = format!("\"x\", {tag}");
            for known in [tag.as_str(), list.as_str(), "*"] {
                let same = get(&server.client.url, path, &[("If-None-Match", known)]);
                assert_eq!(
                    (same.status, same.text.as_str()),
                    (304, ""),
                    "{path} {known}"
                );
                assert_eq!(same.headers["etag"], tag);
            }
            tag
        })
        .collect();
    server.client.deploy("2", "test", "completed").expect(200);
    for (path, tag) in paths.iter().zip(&tags).take(2) {
        let reply = get(&server.client.url, path, &[("If-None-Match", tag)]);
        assert_eq!(reply.status, 200, "{path}");
        assert_ne!(&reply.headers["etag"], tag);
    }
}

#[test]
fn a_key_shows_only_what_it_is_limited_to_and_nothing_of_what_else_there_is() {
    let server = Server::start();
    for (product, environment) in [("api", "test"), ("api", "production"), ("shop", "test")] {
        let mut event = deployment("1", environment, "completed");
        event["product_name"] = json!(product);
        server
            .client
            .post("/deployment-events/", &event)
            .expect(200);
    }
    let token = shared(&server, &["API"], &["test"]);
    let seen = badge(&server, "api/test", &token);
    assert_eq!(says(&seen), "api in test: 1");
    let none = badge(&server, "none/none", &token);
    assert_eq!(none.status, 404);
    for beyond in ["shop/test", "api/production", "shop/none", "none/test"] {
        let reply = badge(&server, beyond, &token);
        assert_eq!((reply.status, &reply.text), (404, &none.text), "{beyond}");
    }
    let all = feed(&server, "deployments.atom", &token);
    assert_eq!(titles(&all), ["api 1 in test: completed"]);
    assert!(!all.text.contains("shop") && !all.text.contains("production"));
    let unknown = feed(&server, "deployments.atom?product=none", &token);
    for rest in [
        "deployments.atom?product=shop",
        "approvals.atom?environment=production",
    ] {
        let reply = feed(&server, rest, &token);
        assert_eq!((reply.status, &reply.text), (404, &unknown.text), "{rest}");
    }
    // A product keeps its badge under its new name, and under the old one.
    let id = server.client.get("/products/").json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "api")
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let renamed = json!({ "name": "backend" });
    server
        .client
        .request("PATCH", &format!("/products/{id}/"), &renamed)
        .expect(200);
    for place in ["api/test", "backend/test"] {
        assert_eq!(badge(&server, place, &token).status, 200, "{place}");
    }
    assert_eq!(
        titles(&feed(&server, "deployments.atom", &token)),
        ["backend 1 in test: completed"]
    );
}

#[test]
fn a_key_in_an_address_opens_nothing_else_and_no_other_key_opens_this() {
    let server = Server::start();
    server.client.deploy("1", "test", "completed").expect(200);
    let token = shared(&server, &[], &[]);
    let client = Client::new(&server.client.url, &token);
    for path in ["/deployments/", "/state/", "/keys/", "/audit/"] {
        let detail = client.get(path).detail(403);
        assert!(
            detail.as_str().unwrap().contains("it has share"),
            "{detail}"
        );
    }
    client.deploy("2", "test", "completed").detail(403);
    let mut browser = Browser::new(&server.client.url);
    let page = browser.get(&format!("/manage/?token={token}"));
    assert_eq!(page.status, 303, "to the login");
    let admin = server.client.key.clone();
    let reader = server
        .add_limited_key(&NewKey::new(Scopes::of(&[Scope::Read])))
        .key;
    for other in [admin, reader] {
        let reply = badge(&server, "api/test", &other);
        let said = "versioner in versioner: key may do more than share";
        assert_eq!((reply.status, says(&reply)), (403, said));
        assert_eq!(feed(&server, "deployments.atom", &other).status, 403);
    }
    for none in ["", "sk_local_k9_abc", "sk_none_k1_abc", "x"] {
        let reply = badge(&server, "api/test", none);
        let said = "versioner in versioner: key is not valid";
        assert_eq!((reply.status, says(&reply)), (401, said), "{none}");
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_eq!(feed(&server, "approvals.atom", none).status, 401);
    }
    let both = json!({ "scopes": ["read", "share"] });
    let refused = server.client.post("/keys/", &both).detail(422);
    assert!(refused.to_string().contains("stands alone"), "{refused}");
    let alone = json!({ "scopes": ["share"] });
    let made = server.client.post("/keys/", &alone).expect(201);
    let path = format!("/keys/{}/", made["id"].as_str().unwrap());
    let more = json!({ "scopes": ["share", "admin"] });
    server.client.request("PATCH", &path, &more).detail(422);
}

#[test]
fn names_from_outside_are_no_markup() {
    let server = Server::start();
    let token = shared(&server, &[], &[]);
    let hostile = "</title><script>\"'&amp;]]>\u{ffff}";
    let event = json!({
        "product_name": hostile, "version": hostile, "environment_name": hostile,
        "status": "completed", "deployed_by": hostile,
    });
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let name: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
    let name = name.replace('+', "%20");
    let drawn = badge(&server, &format!("{name}/{name}"), &token);
    assert_eq!(drawn.status, 200, "{}", drawn.text);
    let told = feed(&server, "deployments.atom", &token);
    assert_eq!(titles(&told).len(), 1);
    for text in [&drawn.text, &told.text] {
        assert!(
            !text.contains("<script") && !text.contains('\u{ffff}'),
            "{text}"
        );
        assert!(text.contains("&lt;script&gt;"), "{text}");
        assert!(text.contains("&amp;amp;]]&gt;U+FFFF"), "{text}");
    }
}

#[test]
fn feeds_tell_what_was_deployed_and_what_waits() {
    let server = Server::start();
    let token = shared(&server, &[], &[]);
    let empty = feed(&server, "deployments.atom", &token);
    assert!(titles(&empty).is_empty());
    assert!(empty.text.contains("<updated>"), "{}", empty.text);
    let rule = json!({
        "name": "Two eyes", "type": "release_approval", "environments": ["production"],
        "create": true, "config": { "required_approvals": 1, "keys": true },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    let first = server.client.deploy("1", "test", "completed").expect(200);
    server.clock.advance(1);
    let mut start = deployment("1", "production", "started");
    start["deployed_by"] = json!("lena");
    server
        .client
        .post("/deployment-events/", &start)
        .detail(428);
    let told = feed(&server, "deployments.atom", &token);
    assert_eq!(
        titles(&told),
        [
            "api 1 in production: held by Two eyes",
            "api 1 in test: completed"
        ]
    );
    let id = first["id"].as_str().unwrap();
    for part in [
        format!("<id>urn:uuid:{id}</id>"),
        format!(
            "href=\"{}/manage/deployments?view={id}\"",
            server.client.url
        ),
        format!("<id>{}/feed/deployments.atom</id>", server.client.url),
        "<author><name>lena</name></author>".to_owned(),
        "<updated>2025-11-19T12:01:00Z</updated>".to_owned(),
    ] {
        assert!(told.text.contains(&part), "{part}: {}", told.text);
    }
    let test = feed(&server, "deployments.atom?environment=test", &token);
    assert_eq!(titles(&test), ["api 1 in test: completed"]);
    let waits = feed(&server, "approvals.atom", &token);
    assert_eq!(titles(&waits), ["api 1 waits for approval to production"]);
    assert!(waits.text.contains("<summary>Two eyes: "), "{}", waits.text);
    assert!(titles(&feed(&server, "approvals.atom?environment=test", &token)).is_empty());
    let version = first["version_id"].as_str().unwrap();
    let approval = json!({ "type": "release", "environment": "production", "approved_by": "ada" });
    server
        .client
        .post(&format!("/versions/{version}/approvals/"), &approval)
        .expect(201);
    assert!(
        titles(&feed(&server, "approvals.atom", &token)).is_empty(),
        "it may go"
    );
}

#[test]
fn a_key_for_too_many_places_asks_which_is_meant() {
    let server = Server::start();
    server.client.deploy("1", "test", "completed").expect(200);
    let products: Vec<String> = (0..65).map(|number| format!("p{number}")).collect();
    let mut names: Vec<&str> = products.iter().map(String::as_str).collect();
    names.push("api");
    let token = shared(&server, &names, &[]);
    let reply = feed(&server, "deployments.atom", &token);
    assert_eq!(reply.status, 422);
    assert!(reply.text.contains("?product="), "{}", reply.text);
    let one = feed(&server, "deployments.atom?product=api", &token);
    assert_eq!(titles(&one), ["api 1 in test: completed"]);
}
