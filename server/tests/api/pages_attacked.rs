//! What somebody tries who wants to come in, or to break something, and what a tired person does.

use std::thread;

use serde_json::json;
use versioner_server::{PublicUrl, Reach};

use crate::pages::{Browser, PASSWORD, add_person, leads_to, person, token};
use crate::pages_more::Stream;
use crate::pages_people::id_of;
use crate::pages_read::{field, main_words, words};
use crate::support::{Server, build, deployment};

#[test]
fn a_form_for_others_is_refused_whoever_sends_it() {
    let server = Server::start();
    person(&server, "Root", "admin");
    let id = id_of(&server, "Root");
    let of_root = |action: &str| format!("/manage/people/{id}{action}");
    let for_admins = [
        "/manage/people".to_owned(),
        of_root(""),
        of_root("/link"),
        of_root("/end"),
        "/manage/gate/let-through".to_owned(),
        "/manage/gate/withdraw".to_owned(),
        "/manage/rules/status".to_owned(),
        "/manage/rules/edit".to_owned(),
        "/manage/rules/import".to_owned(),
    ];
    let for_developers = [
        "/manage/keys",
        "/manage/keys/k1/rotate",
        "/manage/keys/k1/revoke",
        "/manage/deployments/d1/abort",
    ];
    let mut vera = person(&server, "Vera", "viewer");
    let mut dora = person(&server, "Dora", "developer");
    let mut nobody = Browser::new(&server.client.url);
    for path in &for_admins {
        for (browser, status) in [(&mut vera, 403), (&mut dora, 403), (&mut nobody, 303)] {
            let reply = browser.post(path, &[("name", "Mine")]);
            assert_eq!(reply.status, status, "{path}: {}", reply.text);
        }
    }
    for path in for_developers {
        assert_eq!(vera.post(path, &[("name", "Mine")]).status, 403, "{path}");
        assert_eq!(nobody.post(path, &[("name", "Mine")]).status, 303, "{path}");
    }
    for page in ["/manage/people", "/manage/audit", "/manage/rules/import"] {
        assert_eq!(vera.get(page).status, 403, "{page}");
        assert_eq!(dora.get(page).status, 403, "{page}");
    }
}

#[test]
fn whoever_knows_a_name_keeps_nobody_from_their_own_browser() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "viewer");
    ada.post("/manage/logout", &[]);
    let mut other = Browser::new(&server.client.url);
    for _ in 0..5 {
        other.log_in("Ada", "a wrong password");
    }
    assert_eq!(other.log_in("Ada", PASSWORD).status, 429);
    assert_eq!(ada.log_in("Ada", "a wrong password").status, 422);
    assert_eq!(leads_to(&ada.log_in("Ada", PASSWORD)), "/manage/");
    let known = ada.cookies["versioner-known"].clone();
    // A mark opens nothing by itself, and is for one person.
    let mut thief = Browser::new(&server.client.url);
    thief
        .cookies
        .insert("versioner-known".to_owned(), known.clone());
    assert!(!thief.is_in());
    for _ in 0..5 {
        assert_eq!(thief.log_in("Ada", "a wrong password").status, 422);
    }
    assert_eq!(
        thief.log_in("Ada", PASSWORD).status,
        429,
        "five tries, as anybody"
    );
    person(&server, "Bob", "viewer");
    for _ in 0..5 {
        other.log_in("Bob", "a wrong password");
    }
    let mut thief = Browser::new(&server.client.url);
    thief
        .cookies
        .insert("versioner-known".to_owned(), known.clone());
    assert_eq!(thief.log_in("Bob", PASSWORD).status, 429);
    // Another password ends it.
    let fields = [("old", PASSWORD), ("new", "another password")];
    assert_eq!(ada.post("/manage/me/password", &fields).status, 303);
    let mut thief = Browser::new(&server.client.url);
    thief.cookies.insert("versioner-known".to_owned(), known);
    assert_eq!(thief.log_in("Ada", "another password").status, 429);
    ada.post("/manage/logout", &[]);
    assert_eq!(ada.log_in("Ada", "another password").status, 303);
}

#[test]
fn whoever_is_called_like_an_address_is_not_its_owner() {
    let server = Server::start();
    person(&server, "Ada", "viewer");
    let eve = json!({ "name": "ada@example.com", "emails": ["eve@example.com"] });
    server.client.post("/people/", &eve).expect(201);
    let mut browser = Browser::new(&server.client.url);
    let reply = browser.log_in("ada@example.com", PASSWORD);
    assert_eq!(leads_to(&reply), "/manage/");
    assert_eq!(
        words(&browser.get("/manage/me").text)
            .matches("ada@example.com")
            .count(),
        0
    );
    assert!(main_words(&browser.get("/manage/me")).starts_with("Ada viewer"));
}

#[test]
fn a_host_that_is_for_the_server_alone_is_for_tls_alone() {
    let header = |url: Option<&str>, host: &str| {
        let server = Server::with_reach(Reach {
            public_url: url.map(|url| PublicUrl::parse(url).unwrap()),
            ..Reach::default()
        });
        let mut browser = Browser::new(&server.client.url);
        let reply = browser.send("GET", "/manage/none", &[("Host", host)], "");
        reply.headers.get("strict-transport-security").cloned()
    };
    let year = Some("max-age=31536000".to_owned());
    assert_eq!(header(Some("https://v.example.com"), "10.0.0.7"), year);
    // Beside it on the same host may be something without TLS.
    assert_eq!(
        header(Some("https://v.example.com:8420"), "v.example.com"),
        None
    );
    assert_eq!(header(Some("http://v.example.com"), "v.example.com"), None);
    assert_eq!(header(None, "v.example.com"), None);
}

#[test]
fn a_proxy_on_the_same_machine_makes_nobody_local() {
    let server = Server::start();
    let mut browser = Browser::new(&server.client.url);
    assert_eq!(browser.get("/manage/login").status, 200);
    for header in ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"] {
        let reply = browser.send("GET", "/manage/login", &[(header, "192.0.2.1")], "");
        assert_eq!(reply.status, 403, "{header}");
    }
}

#[test]
fn a_filter_that_is_nonsense_finds_nothing_and_breaks_nothing() {
    let server = Server::start();
    for environment in ["staging", "production"] {
        server
            .client
            .deploy("1", environment, "completed")
            .expect(200);
    }
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    let mut vera = person(&server, "Vera", "admin");
    let long = "x".repeat(5000);
    for value in [
        long.as_str(),
        "%00",
        "a%00b",
        "..%2F..",
        "%27--",
        "%ff%fe",
        "%E2%80%AE",
    ] {
        for path in [
            "/manage/history?product=",
            "/manage/history?version=",
            "/manage/?product=",
        ] {
            let text = main_words(&vera.get(&format!("{path}{value}")));
            assert!(text.contains("matches"), "{path}{value:.20}: {text}");
        }
        for path in [
            "/manage/history?environment=",
            "/manage/history?kind=builds&product=",
            "/manage/history.csv?product=",
            "/manage/history.json?product=",
            "/manage/state.csv?product=",
            "/manage/history?cursor=",
            "/manage/?after=",
            "/manage/?environment=",
            "/manage/search?q=",
            "/manage/deployments?view=",
            "/manage/versions?view=",
            "/manage/catalog?view=",
            "/manage/products?product=",
            "/manage/products?view=",
            "/manage/environments?view=",
            "/manage/versions?product=api&version=",
            "/manage/gate?product=api&version=",
            "/manage/gate?product=",
            "/manage/gate?product=api&version=1&environment=",
            "/manage/compare?from=",
            "/manage/compare?from=staging&to=production&after=",
            "/manage/compare?from=staging&to=production&product=",
            "/manage/approvals?product=",
            "/manage/figures?product=",
            "/manage/figures?environment=",
            "/manage/wall?product=",
            "/manage/audit?actor=",
            "/manage/audit?subject=",
            "/manage/audit?kind=",
            "/manage/people/",
            "/manage/rules/edit?rule=",
            "/manage/login?next=",
            "/manage/login/link?token=",
        ] {
            let reply = vera.get(&format!("{path}{value}"));
            assert!(reply.status < 500, "{path}{value:.20}: {}", reply.text);
        }
        for path in [
            "/manage/keys/X/revoke",
            "/manage/keys/X/rotate",
            "/manage/people/X",
            "/manage/people/X/link",
        ] {
            let reply = vera.post(&path.replace('X', value), &[("name", "x")]);
            assert_eq!(reply.status, 404, "{path} {value:.20}: {}", reply.text);
        }
    }
    for (field, path) in [
        ("session", "/manage/me/end"),
        ("exemption", "/manage/gate/withdraw"),
        ("approval", "/manage/approvals/withdraw"),
        ("version", "/manage/approvals"),
    ] {
        let fields = [
            (field, "a\0b"),
            ("kind", "release"),
            ("environment", "production"),
            ("verdict", "approve"),
        ];
        let reply = vera.post(path, &fields);
        assert_eq!(reply.status, 404, "{path}: {}", reply.text);
    }
    for (path, what) in [
        ("/manage/?state=foo", "“foo” is no state."),
        ("/manage/history?cursor=foo", "names no place"),
        (
            "/manage/history?since=2026-02-30",
            "“2026-02-30” is no day.",
        ),
        ("/manage/history?until=9999-99-99", "is no day."),
        ("/manage/history?until=9999-12-31", "is no day."),
        (
            "/manage/compare?days=9223372036854775807",
            "products differ",
        ),
        (
            "/manage/compare?days=-9223372036854775808",
            "products differ",
        ),
        ("/manage/audit?before=-1", "Nothing"),
        (
            "/manage/deployments?view=x&cursor=99999999999999999999",
            "no such deployment",
        ),
    ] {
        let reply = vera.get(path);
        let text = main_words(&reply);
        assert!(
            text.contains(what) || what == "products differ" && reply.status == 200,
            "{path}: {text}"
        );
    }
    for export in ["state.csv", "state.json"] {
        let reply = vera.get(&format!("/manage/{export}?state=foo"));
        assert_eq!(reply.status, 422, "{export}: {}", reply.text);
    }
    let export = vera.get("/manage/history.csv?cursor=foo");
    assert_eq!(export.status, 422, "no export of something else");
}

#[test]
fn open_pages_leave_connections_for_whoever_deploys() {
    let server = Server::with_connections(12);
    let vera = person(&server, "Vera", "viewer");
    let mut streams: Vec<Stream> = (0..3)
        .map(|_| {
            let mut stream = Stream::open(&server, &vera);
            stream.event("here");
            stream
        })
        .collect();
    let mut more = Stream::open(&server, &vera);
    let head = more.line("HTTP/1.1").unwrap();
    assert!(head.contains("503"), "{head}");
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let mut first = streams.remove(0);
    assert!(first.line("event: ").is_some());
    drop(first);
    drop(more);
    // The place is free once the server has seen that it is.
    let is_open = |_| {
        server
            .client
            .deploy("1", "staging", "completed")
            .expect(200);
        thread::yield_now();
        let mut again = Stream::open(&server, &vera);
        again.line("HTTP/1.1").unwrap().contains("200")
    };
    assert!((0..1000).any(is_open));
}

#[test]
fn the_navigation_says_how_many_wait_for_whoever_looks() {
    let server = Server::start();
    let rule = json!({
        "name": "Two eyes", "type": "release_approval", "environments": ["production"], "create": true,
        "config": { "required_approvals": 1 },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    let start = deployment("1", "production", "started");
    server
        .client
        .post("/deployment-events/", &start)
        .expect(428);
    let mut ada = person(&server, "Ada", "admin");
    let mut vera = person(&server, "Vera", "viewer");
    let beside = "Approvals 1 wait for you";
    assert!(words(&ada.get("/manage/history").text).contains(beside));
    assert!(!words(&vera.get("/manage/history").text).contains("wait for you"));
    let page = ada.get("/manage/approvals");
    assert!(
        main_words(&page).starts_with("1 waits for you"),
        "{}",
        main_words(&page)
    );
    let fields = [
        ("version", field(&page.text, "version")),
        ("kind", "release".to_owned()),
        ("environment", "production".to_owned()),
        ("verdict", "approve".to_owned()),
    ];
    let fields: Vec<_> = fields
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    for _ in 0..2 {
        let reply = ada.post("/manage/approvals", &fields);
        assert_eq!(
            leads_to(&reply),
            "/manage/approvals?said=approved",
            "a second click too"
        );
    }
    assert!(!words(&ada.get("/manage/history").text).contains("wait for you"));
}

#[test]
fn a_preview_counts_approvals_as_the_rule_would() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    server
        .client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let version = server.client.get("/versions/?product=api").json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // By a key, which the rule does not count.
    let approval = json!({ "type": "release", "environment": "production", "create": true });
    server
        .client
        .post(&format!("/versions/{version}/approvals/"), &approval)
        .expect(201);
    server.clock.advance(1);
    let mut event = deployment("1", "production", "completed");
    event["deployed_by"] = json!("lena");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let look = |ada: &mut Browser, keys: &str| {
        let fields = [
            ("kind", "release_approval"),
            ("name", "Two eyes"),
            ("environments", "production"),
            ("required_approvals", "1"),
            ("keys", keys),
            ("exclude_deployer", "true"),
            ("unknown_deployer", "warn"),
            ("do", "preview"),
        ];
        main_words(&ada.post("/manage/rules/edit", &fields))
    };
    let text = look(&mut ada, "false");
    assert!(
        text.contains("Would have blocked 1 of the last 1 deployment."),
        "{text}"
    );
    let text = look(&mut ada, "true");
    assert!(
        text.contains("Would have blocked 0 of the last 1 deployment."),
        "{text}"
    );
}

#[test]
fn a_rule_that_is_gone_meanwhile_is_not_lost_for_whoever_types() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    let rule = json!({ "name": "One", "type": "concurrency", "config": { "per": "product" } });
    let made = server.client.post("/deployment-rules/", &rule).expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let page = ada.get(&format!("/manage/rules/edit?rule={id}"));
    let etag = field(&page.text, "etag");
    let fields = |etag: &'static str| {
        [
            ("rule", ""),
            ("etag", etag),
            ("kind", "concurrency"),
            ("name", "Mine"),
            ("per", "product"),
            ("reason", "because"),
            ("do", "save"),
        ]
    };
    let mut bare = fields("");
    bare[0].1 = &id;
    assert_eq!(
        ada.post("/manage/rules/edit", &bare).status,
        412,
        "without a tag"
    );
    let headers = [("Content-Type", "application/json")];
    let removed = server
        .client
        .send("DELETE", &format!("/deployment-rules/{id}/"), &headers, b"");
    assert_eq!(removed.status, 204);
    bare[1].1 = &etag;
    let reply = ada.post("/manage/rules/edit", &bare);
    assert_eq!(reply.status, 412);
    assert!(
        main_words(&reply).contains("Somebody has removed this rule"),
        "{}",
        main_words(&reply)
    );
    assert_eq!(field(&reply.text, "name"), "Mine");
    let mut anew = fields("");
    anew[0].1 = "";
    leads_to(&ada.post("/manage/rules/edit", &anew));
}

#[test]
fn a_link_that_a_mail_scanner_opened_works_and_of_two_who_follow_it_one_is_in() {
    let server = Server::start();
    let path = add_person(&server, "Ada", "viewer");
    let mut scanner = Browser::new(&server.client.url);
    for method in ["GET", "HEAD", "OPTIONS"] {
        scanner.send(method, &path, &[], "");
    }
    assert!(scanner.cookies.is_empty());
    let url = server.client.url.as_str();
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let token = token(&path);
                scope.spawn(move || {
                    Browser::new(url)
                        .post("/manage/login/link", &[("token", token)])
                        .status
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses[0], 303, "{statuses:?}");
    assert!(
        statuses[1..]
            .iter()
            .all(|status| [409, 410].contains(status)),
        "{statuses:?}"
    );
}
