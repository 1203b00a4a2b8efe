//! The rules as people change them.

use serde_json::{Value, json};

use crate::pages::{Browser, leads_to, person};
use crate::pages_read::{field, main_words, row, words};
use crate::support::{Reply, Server, deployment};

fn freeze(server: &Server) -> Value {
    let rule = json!({
        "name": "Friday", "type": "no_deploy_window", "environments": ["production"],
        "create": true,
        "config": {
            "recurrence": "weekly", "timezone": "UTC", "days": ["friday"],
            "start_time": "15:00", "end_time": "18:00",
        },
    });
    server.client.post("/deployment-rules/", &rule).expect(201)
}

#[test]
fn each_rule_says_where_it_is_and_what_it_held() {
    let server = Server::start();
    freeze(&server);
    server.clock.set("2025-11-21T16:00:00Z");
    let start = deployment("1", "production", "started");
    server
        .client
        .post("/deployment-events/", &start)
        .expect(423);
    let mut browser = person(&server, "Vera", "viewer");
    let reply = browser.get("/manage/rules");
    let rule = words(row(&reply, "Friday"));
    assert_eq!(
        rule,
        "Friday No-deploy window all products; production held 1 enabled"
    );
    assert!(main_words(&reply).contains("1 enabled, 0 report only, 0 disabled"));
    assert!(
        !reply.text.contains("/manage/rules/status"),
        "a viewer changes nothing"
    );
}

#[test]
fn a_status_is_changed_for_a_reason_for_good_or_for_a_time() {
    let server = Server::start();
    let rule = freeze(&server);
    let id = rule["id"].as_str().unwrap();
    let mut ada = person(&server, "Ada", "admin");
    let mut vera = person(&server, "Vera", "developer");
    let etag = |reply: &Reply| field(row(reply, "Friday"), "etag");
    let first = etag(&ada.get("/manage/rules"));
    let fields = |status: &'static str, reason: &'static str, until: &'static str, tag: &str| {
        vec![
            ("rule".to_owned(), id.to_owned()),
            ("etag".to_owned(), tag.to_owned()),
            ("status".to_owned(), status.to_owned()),
            ("reason".to_owned(), reason.to_owned()),
            ("until".to_owned(), until.to_owned()),
        ]
    };
    let send = |browser: &mut Browser, fields: &[(String, String)]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        browser.post("/manage/rules/status", &fields)
    };
    let good = fields("report_only", "audit week", "2025-11-19T14:00", &first);
    assert_eq!(send(&mut vera, &good).status, 403);
    let bare = fields("disabled", " ", "2025-11-19T14:00", &first);
    let reply = send(&mut ada, &bare);
    assert_eq!(reply.status, 422);
    let text = main_words(&reply);
    assert!(
        text.contains("Give a reason. It stands in the record."),
        "{text}"
    );
    assert!(row(&reply, "Friday").contains("value=\"disabled\" checked"));
    assert_eq!(field(row(&reply, "Friday"), "until"), "2025-11-19T14:00");
    for until in ["2025-11-18T14:00", "2025-12-24T14:00"] {
        let reply = send(&mut ada, &fields("disabled", "x", until, &first));
        assert_eq!(reply.status, 422, "{until}");
        assert!(
            main_words(&reply)
                .contains("The end should be in the future, and at most 7 days away.")
        );
    }
    let reply = send(&mut ada, &fields("disabled", "x", "soon", &first));
    assert!(
        main_words(&reply).contains("“soon” is no time."),
        "{}",
        main_words(&reply)
    );

    let page = leads_to(&send(&mut ada, &good)).to_owned();
    let reply = ada.get(&page);
    let text = words(row(&reply, "Friday"));
    assert!(text.contains("report only until 14:00"), "{text}");
    assert!(text.contains("“audit week”. Then enabled again."), "{text}");

    // Somebody else looks at what was there before.
    let reply = send(&mut ada, &fields("disabled", "mine", "", &first));
    assert_eq!(reply.status, 412);
    let text = words(row(&reply, "Friday"));
    assert!(
        text.contains("Somebody has changed this rule meanwhile."),
        "{text}"
    );
    assert_eq!(field(row(&reply, "Friday"), "reason"), "mine");
    let again = etag(&reply);
    leads_to(&send(&mut ada, &fields("disabled", "mine", "", &again)));
    let read = server
        .client
        .get(&format!("/deployment-rules/{id}/"))
        .expect(200);
    assert_eq!(read["status"], "disabled");
    assert_eq!(read["override"], Value::Null);
    let log = server.client.get("/audit/?kind=rule.changed").expect(200);
    let by = log["items"][0]["actor"].as_str().unwrap();
    assert!(by.starts_with("person:"), "{by}");
}

/// Sends the form of a rule.
fn send(browser: &mut Browser, fields: &[(&str, &str)]) -> Reply {
    browser.post("/manage/rules/edit", fields)
}

#[test]
fn a_rule_is_made_in_a_form_that_shows_what_it_would_have_held() {
    let server = Server::start();
    for version in ["1", "2"] {
        let done = deployment(version, "production", "completed");
        server.client.post("/deployment-events/", &done).expect(200);
    }
    let done = deployment("2", "staging", "completed");
    server.client.post("/deployment-events/", &done).expect(200);
    let mut ada = person(&server, "Ada", "admin");
    let chooser = main_words(&ada.get("/manage/rules/edit"));
    assert!(
        chooser.contains("Flow A version is deployed to other environments first."),
        "{chooser}"
    );
    let form = ada.get("/manage/rules/edit?kind=flow");
    assert!(main_words(&form).contains("New rule: Flow"));
    let fields = [
        ("kind", "flow"),
        ("name", "Staging first"),
        ("products", "api\r\n\r\nshop"),
        ("environments", "production"),
        ("required_environments", "staging"),
        ("status", "enabled"),
        ("reason", "after incident 7"),
    ];
    let preview = send(&mut ada, &[&fields[..], &[("do", "preview")]].concat());
    assert_eq!(preview.status, 200);
    let text = main_words(&preview);
    assert!(
        text.contains("Would have blocked 2 of the last 2 deployments."),
        "{text}"
    );
    assert!(
        preview.text.contains(">api\nshop</textarea>"),
        "what was typed stays"
    );

    let bare = [
        ("kind", "flow"),
        ("name", "Kept"),
        ("do", "save"),
        ("reason", ""),
    ];
    let wrong = send(&mut ada, &bare);
    assert_eq!(wrong.status, 422);
    let text = main_words(&wrong);
    assert!(
        text.contains("Not saved. First deployed to Reason"),
        "{text}"
    );
    assert!(text.contains("Tick at least one."), "{text}");
    assert!(
        text.contains("Give a reason. It stands in the record."),
        "{text}"
    );
    assert_eq!(field(&wrong.text, "name"), "Kept");

    let save = [&fields[..], &[("do", "save")]].concat();
    let mut vera = person(&server, "Vera", "developer");
    assert_eq!(send(&mut vera, &save).status, 403);
    let page = leads_to(&send(&mut ada, &save)).to_owned();
    let reply = ada.get(&page);
    assert!(main_words(&reply).contains("The rule is there from now on."));
    assert!(words(row(&reply, "Staging first")).contains("Flow api , shop ; production"));
    let start = deployment("3", "production", "started");
    server
        .client
        .post("/deployment-events/", &start)
        .expect(428);
}

#[test]
fn two_people_who_change_one_rule_see_it_and_lose_nothing() {
    let server = Server::start();
    let id = freeze(&server)["id"].as_str().unwrap().to_owned();
    let mut ada = person(&server, "Ada", "admin");
    let mut bert = person(&server, "Bert", "admin");
    let path = format!("/manage/rules/edit?rule={id}");
    let seen = ada.get(&path);
    assert_eq!(field(&seen.text, "start_time"), "15:00");
    let change = |reply: &Reply, zone: &'static str, from: &'static str| {
        vec![
            ("rule".to_owned(), id.clone()),
            ("etag".to_owned(), field(&reply.text, "etag")),
            ("kind".to_owned(), "no_deploy_window".to_owned()),
            ("name".to_owned(), "Friday".to_owned()),
            ("environments".to_owned(), "production".to_owned()),
            ("recurrence".to_owned(), "weekly".to_owned()),
            ("timezone".to_owned(), zone.to_owned()),
            ("days".to_owned(), "friday".to_owned()),
            ("start_time".to_owned(), from.to_owned()),
            ("end_time".to_owned(), "18:00".to_owned()),
            ("reason".to_owned(), "earlier".to_owned()),
            ("do".to_owned(), "save".to_owned()),
        ]
    };
    let send = |browser: &mut Browser, fields: &[(String, String)]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        send(browser, &fields)
    };
    let typo = send(&mut ada, &change(&seen, "Europe/Berln", "14:00"));
    assert_eq!(typo.status, 422);
    let text = main_words(&typo);
    assert!(
        text.contains("“Europe/Berln” is no time zone. Did you mean Europe/Berlin?"),
        "{text}"
    );
    let too = bert.get(&path);
    leads_to(&send(&mut bert, &change(&too, "Europe/Berlin", "12:00")));
    let late = send(&mut ada, &change(&seen, "UTC", "14:00"));
    assert_eq!(late.status, 412);
    let text = main_words(&late);
    assert!(
        text.contains("Somebody has changed this rule since you opened it."),
        "{text}"
    );
    assert!(
        text.contains("timezone: Europe/Berlin; start time: 12:00"),
        "{text}"
    );
    assert_eq!(field(&late.text, "start_time"), "14:00", "hers is kept");
    leads_to(&send(&mut ada, &change(&late, "UTC", "14:00")));
    let read = server
        .client
        .get(&format!("/deployment-rules/{id}/"))
        .expect(200);
    assert_eq!(read["config"]["start_time"], "14:00:00");
    let mut gone = change(&ada.get(&path), "UTC", "14:00");
    gone.retain(|(key, _)| key != "do");
    gone.push(("do".to_owned(), "remove".to_owned()));
    leads_to(&send(&mut ada, &gone));
    assert_eq!(ada.get(&path).status, 404);
}
