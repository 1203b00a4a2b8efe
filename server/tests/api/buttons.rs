//! Deployment buttons: where what deploys is, with the names of a version filled in.

use serde_json::{Value, json};

use crate::fake_slack::FakeSlack;
use crate::pages::{leads_to, on_the_machine, person};
use crate::pages_gate::GATE;
use crate::pages_read::{field, link, main_part, main_words};
use crate::slack::{interacts, setting, started};
use crate::support::{Reply, Server, build};

const SHA: &str = "1111111111111111111111111111111111111111";

/// A version that was built and ran in the test environment; the identifiers of the product and the version.
fn built(server: &Server) -> (String, String) {
    let mut event = build("1", "completed");
    event["scm_sha"] = json!(SHA);
    event["build_number"] = json!("77");
    server.client.post("/build-events/", &event).expect(200);
    for environment in ["test", "production"] {
        server
            .client
            .deploy("1", environment, "completed")
            .expect(200);
    }
    let version = server.client.get("/versions/").expect(200)["items"][0].clone();
    let id = |key: &str| version[key].as_str().unwrap().to_owned();
    (id("product_id"), id("id"))
}

fn path(product: &str) -> String {
    format!("/products/{product}/deployment-buttons/")
}

/// The log makes the tables as they are.
fn compared(server: &Server) {
    let told = on_the_machine(server.data.path(), &["doctor", "--compare"]);
    assert!(told.contains("which make the tables as they are"), "{told}");
}

fn change(server: &Server, path: &str, body: &Value) -> Reply {
    server.client.request("PATCH", path, body)
}

/// Where the buttons of a version lead to, or why they do not, by environment.
fn leads(server: &Server, version: &str) -> Vec<(String, String)> {
    let path = format!("/versions/{version}/deployment-buttons/");
    let found = server.client.get(&path).expect(200);
    let text = |one: &Value, key: &str| one[key].as_str().map(str::to_owned);
    let items = found["items"].as_array().unwrap().iter();
    items
        .map(|one| {
            let leads = text(one, "url").or(text(one, "error")).unwrap();
            (text(one, "environment").unwrap(), leads)
        })
        .collect()
}

#[test]
fn an_address_is_filled_in_and_what_nobody_says_is_named() {
    let server = Server::start();
    let (product, version) = built(&server);
    assert_eq!(leads(&server, &version), []);
    let of_product = path(&product);
    let body = json!({
        "variables": { "job": "deploy/api" },
        "environments": {
            "production": "https://ci.example.com/job/{job}/build?V={vi_version}&n={vi_build_number}&s={vi_sha}",
            "test": "https://ci.example.com/{team}?e={vi_environment_name}&p={vi_product_name}",
        },
    });
    let kept = change(&server, &of_product, &body).expect(200);
    assert_eq!(kept["environments"], body["environments"]);
    let tag = server.client.get(&of_product).headers["etag"].clone();
    let production = format!("https://ci.example.com/job/deploy%2Fapi/build?V=1&n=77&s={SHA}");
    assert_eq!(
        leads(&server, &version),
        [
            ("test".to_owned(), "Missing variable: team".to_owned()),
            ("production".to_owned(), production),
        ]
    );
    // What every product has, until the product has its own.
    let common = json!({ "variables": { "team": "all", "job": "other" } });
    change(&server, "/deployment-buttons/", &common).expect(200);
    let test = |team: &str| format!("https://ci.example.com/{team}?e=test&p=api");
    assert_eq!(leads(&server, &version)[0].1, test("all"));
    assert!(leads(&server, &version)[1].1.contains("/job/deploy%2Fapi/"));
    let own = json!({ "variables": { "team": ".. /?" } });
    change(&server, &of_product, &own).expect(200);
    assert_eq!(leads(&server, &version)[0].1, test("..%20%2F%3F"));
    let own = json!({ "variables": { "team": ".." } });
    let headers = [
        ("Content-Type", "application/json"),
        ("If-Match", tag.as_str()),
    ];
    let late = server
        .client
        .send("PATCH", &of_product, &headers, own.to_string().as_bytes());
    assert_eq!(late.status, 412, "{}", late.text);
    let tag = server.client.get(&of_product).headers["etag"].clone();
    let headers = [
        ("Content-Type", "application/json"),
        ("If-Match", tag.as_str()),
    ];
    let done = server
        .client
        .send("PATCH", &of_product, &headers, own.to_string().as_bytes());
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(
        leads(&server, &version)[0]
            .1
            .contains("which leads elsewhere")
    );
    // Nothing else of it was changed, and null takes one away.
    let kept = server.client.get(&of_product).expect(200);
    assert_eq!(
        kept["variables"],
        json!({ "job": "deploy/api", "team": ".." })
    );
    let away = json!({ "variables": { "team": null }, "environments": { "production": null } });
    change(&server, &of_product, &away).expect(200);
    assert_eq!(leads(&server, &version), [("test".to_owned(), test("all"))]);
    let all = server.client.get("/deployment-buttons/").expect(200);
    assert_eq!(all["variables"], common["variables"]);
    assert_eq!(all["items"][0]["product"], "api");
    let audit = server
        .client
        .get("/audit/?kind=buttons.changed")
        .expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 5, "{audit}");
    compared(&server);
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let server = Server::start();
    let (product, _) = built(&server);
    let of_product = path(&product);
    for (body, says) in [
        (
            json!({ "environments": { "production": "javascript:alert(1)" } }),
            "begins with https://",
        ),
        (
            json!({ "environments": { "production": "https://{host}/" } }),
            "without a variable",
        ),
        (
            json!({ "environments": { "production": "https://h/{vi_key}" } }),
            "There is no {vi_key}",
        ),
        (
            json!({ "environments": { "prodution": "https://h/" } }),
            "did you mean production?",
        ),
        (
            json!({ "variables": { "vi_version": "2" } }),
            "the server's own",
        ),
        (json!({ "variables": { "Team": "x" } }), "a to z"),
        (json!({ "variables": { "team": "" } }), "1 to 500"),
        (json!({ "urls": {} }), "Extra inputs"),
    ] {
        let refused = change(&server, &of_product, &body);
        assert_eq!(refused.status, 422, "{body}: {}", refused.text);
        assert!(refused.text.contains(says), "{body}: {}", refused.text);
    }
    let on_all = json!({ "environments": { "production": "https://h/" } });
    change(&server, "/deployment-buttons/", &on_all).detail(422);
    change(&server, &path("none"), &json!({})).detail(404);
    let many: serde_json::Map<String, Value> = (0..101)
        .map(|number| (format!("v{number}"), json!("x")))
        .collect();
    change(&server, &of_product, &json!({ "variables": many })).detail(422);
    let kept = server.client.get(&of_product).expect(200);
    assert_eq!(
        (&kept["variables"], &kept["environments"]),
        (&json!({}), &json!({}))
    );
}

#[test]
fn names_change_and_things_become_one_and_the_buttons_follow() {
    let server = Server::start();
    let (product, version) = built(&server);
    let environments = server.client.get("/environments/").expect(200);
    let id_of = |name: &str| {
        let mut all = environments["items"].as_array().unwrap().iter();
        all.find(|one| one["name"] == name).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let body = json!({ "environments": {
        "production": "https://h/{vi_environment_name}", "test": "https://t/{vi_product_name}" } });
    change(&server, &path(&product), &body).expect(200);
    let live = format!("/environments/{}/", id_of("production"));
    change(&server, &live, &json!({ "name": "live" })).expect(200);
    assert_eq!(
        leads(&server, &version)[1],
        ("live".to_owned(), "https://h/live".to_owned())
    );
    // The old name is still one of it.
    let body = json!({ "environments": { "production": "https://new/{vi_environment_name}" } });
    change(&server, &path(&product), &body).expect(200);
    assert_eq!(leads(&server, &version)[1].1, "https://new/live");
    let test = format!("/environments/{}/", id_of("test"));
    change(&server, &test, &json!({ "alias_of": "live" })).expect(200);
    assert_eq!(
        leads(&server, &version),
        [("live".to_owned(), "https://new/live".to_owned())]
    );

    let mut other = build("9", "completed");
    other["product_name"] = json!("api-2");
    let other = server.client.post("/build-events/", &other).expect(200);
    let other = other["product_id"].as_str().unwrap();
    let body = json!({ "variables": { "a": "b" }, "environments": { "live": "https://other/" } });
    change(&server, &path(other), &body).expect(200);
    change(
        &server,
        &format!("/products/{other}/"),
        &json!({ "alias_of": "api" }),
    )
    .expect(200);
    let kept = server.client.get(&path(&product)).expect(200);
    assert_eq!(kept["variables"], json!({ "a": "b" }));
    assert_eq!(
        leads(&server, &version)[0].1,
        "https://new/live",
        "its own stays"
    );
    compared(&server);
}

#[test]
fn admins_write_them_on_the_pages_and_everybody_finds_them() {
    let server = Server::start();
    let (product, version) = built(&server);
    let mut root = person(&server, "Root", "admin");
    let mut vera = person(&server, "Vera", "viewer");
    assert_eq!(vera.get("/manage/buttons").status, 403);
    let page = root.get("/manage/buttons?product=api");
    let (token, tag) = (
        field(main_part(&page), "once"),
        field(main_part(&page), "tag"),
    );
    let environments = server.client.get("/environments/").expect(200);
    let address = |name: &str| {
        let mut all = environments["items"].as_array().unwrap().iter();
        let found = all.find(|one| one["name"] == name).unwrap();
        format!("address-{}", found["id"].as_str().unwrap())
    };
    let (test, production) = (address("test"), address("production"));
    let fields = |does: &'static str, variables: &'static str, url: &'static str| {
        [
            ("once", token.as_str()),
            ("tag", tag.as_str()),
            ("product", "api"),
            ("variables", variables),
            (production.as_str(), url),
            ("do", does),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let send = |browser: &mut crate::pages::Browser, fields: &[(String, String)]| {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        browser.post("/manage/buttons", &fields)
    };
    let url = "https://ci.example.com/{job}?v={vi_version}";
    // A typing error keeps what was typed.
    for (variables, url, says) in [
        ("job", url, "name=value"),
        ("JOB=x", url, "a to z"),
        ("job=x", "ci.example.com", "begins with https://"),
    ] {
        let wrong = send(&mut root, &fields("save", variables, url));
        assert_eq!(wrong.status, 422);
        assert!(main_words(&wrong).contains(says), "{}", main_words(&wrong));
        assert_eq!(field(&wrong.text, &production), url);
    }
    let preview = send(&mut root, &fields("preview", "", url));
    assert!(main_words(&preview).contains("Missing variable: job"));
    let preview = send(&mut root, &fields("preview", "job=a b", url));
    assert!(
        preview
            .text
            .contains("href=\"https://ci.example.com/a%20b?v=1\""),
        "{}",
        preview.text
    );
    assert!(main_words(&preview).contains("Test URL"));
    assert_eq!(
        server.client.get("/deployment-buttons/").expect(200)["items"],
        json!([])
    );
    let filled = fields("save", "job=deploy", url);
    let to = "/manage/buttons?product=api&said=saved";
    assert_eq!(leads_to(&send(&mut root, &filled)), to);
    assert_eq!(leads_to(&send(&mut root, &filled)), to, "a double click");
    // Who had the page open before is told so.
    let late = send(&mut root, &fields("save", "job=other", url));
    assert_eq!(late.status, 412);
    assert!(main_words(&late).contains("Somebody else has changed this"));

    let of_version = format!("/manage/versions?view={version}");
    let there = "https://ci.example.com/deploy?v=1";
    for page in [
        of_version.as_str(),
        GATE,
        "/manage/gate?product=api&version=1",
    ] {
        assert_eq!(
            link(&vera.get(page), "Deploy to production"),
            there,
            "{page}"
        );
    }
    let gate = vera.get("/manage/gate?product=api&version=1&environment=test");
    assert!(!main_words(&gate).contains("Deploy to"));
    // Of several one is chosen, and one that leads nowhere says why.
    let body = json!({ "environments": { "test": "https://ci.example.com/{team}" } });
    change(&server, &path(&product), &body).expect(200);
    let shown = vera.get(&of_version);
    let words = main_words(&shown);
    assert!(words.contains("Deploy to …"), "{words}");
    assert!(words.contains("Missing variable: team"), "{words}");
    assert_eq!(link(&shown, "Deploy to production"), there);
    let page = root.get("/manage/buttons?product=api");
    assert_eq!(field(&page.text, &test), "https://ci.example.com/{team}");
    assert!(main_words(&root.get("/manage/buttons")).contains("api 2 buttons"));
    assert_eq!(root.get("/manage/buttons?product=none").status, 404);
}

#[test]
fn what_has_arrived_goes_on_from_slack() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let (product, _) = built(&server);
    let body = json!({ "environments": {
        "production": "https://ci.example.com/p?v={vi_version}", "test": "https://ci.example.com/t?v={vi_version}" } });
    change(&server, &path(&product), &body).expect(200);
    server.client.deploy("2", "test", "completed").expect(200);
    let message = fake.message("Completed: api 2 to test");
    let text = message.to_string();
    assert!(text.contains("https://ci.example.com/p?v=2"), "{text}");
    assert!(
        !text.contains("https://ci.example.com/t"),
        "it is there already: {text}"
    );
    // A button that opens a page says nothing to the server.
    let click = fake.click_on(&message, "deploy_0", "U0ADA");
    assert_eq!(interacts(&server, &click).status, 200);
    let body = json!({ "environments": { "production": "https://ci.example.com/{team}" } });
    change(&server, &path(&product), &body).expect(200);
    server.client.deploy("3", "test", "completed").expect(200);
    let message = fake.message("Completed: api 3 to test");
    let text = message.to_string();
    assert!(
        text.contains("No button for production: Missing variable: team"),
        "{text}"
    );
}

#[test]
fn commands_on_the_machine_do_the_same() {
    let server = Server::start();
    let (_, version) = built(&server);
    let run = |arguments: &[&str]| {
        let mut all = vec!["buttons"];
        all.extend_from_slice(arguments);
        all.extend(["--account", "local"]);
        on_the_machine(server.data.path(), &all)
    };
    run(&["set", "--variable", "job=deploy", "--variable", "team=shop"]);
    run(&[
        "set",
        "--product",
        "api",
        "--url",
        "production=https://ci.example.com/{job}?v={vi_version}",
        "--variable",
        "team=own=x",
    ]);
    assert_eq!(
        run(&["list"]),
        "variable  job=deploy\nvariable  team=shop\napi  variable  team=own=x\n\
         api  production=https://ci.example.com/{job}?v={vi_version}\n"
    );
    assert_eq!(
        leads(&server, &version)[0].1,
        "https://ci.example.com/deploy?v=1"
    );
    run(&[
        "set",
        "--product",
        "api",
        "--url",
        "production=",
        "--variable",
        "team=",
    ]);
    assert_eq!(
        run(&["list"]),
        "variable  job=deploy\nvariable  team=shop\n"
    );
    assert_eq!(leads(&server, &version), []);
}

#[test]
fn only_admins_change_them() {
    use versioner_server::{NewKey, Scope, Scopes};
    let server = Server::start();
    let (product, version) = built(&server);
    let reader = server.add_limited_key(&NewKey::new(Scopes::of(&[Scope::Read, Scope::Rules])));
    reader.get("/deployment-buttons/").expect(200);
    reader.get(&path(&product)).expect(200);
    reader
        .get(&format!("/versions/{version}/deployment-buttons/"))
        .expect(200);
    for path in [path(&product), "/deployment-buttons/".to_owned()] {
        reader
            .request("PATCH", &path, &json!({ "variables": {} }))
            .detail(403);
    }
    let limited = NewKey {
        products: vec!["api".to_owned()],
        ..NewKey::new(Scopes::of(&[Scope::Admin]))
    };
    let limited = server.add_limited_key(&limited);
    limited
        .request("PATCH", &path(&product), &json!({ "variables": {} }))
        .detail(403);
}
