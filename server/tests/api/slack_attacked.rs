//! What Slack and people in it do beside what they should.

use serde_json::{Value, json};

use crate::fake_slack::{APP_TOKEN, FakeSlack};
use crate::pages::person;
use crate::pages_people::id_of;
use crate::slack::{
    form, interacts, link, said, setting, signed, started, types, waits_for_nothing,
};
use crate::slack_decide::{guard, refused_start, start, two_say_yes};
use crate::support::{Server, until};

fn approvals(server: &Server) -> usize {
    let audit = server.client.get("/audit/?kind=approval").expect(200);
    audit["items"].as_array().unwrap().len()
}

#[test]
fn who_is_gone_or_not_linked_any_more_decides_nothing() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    // The last admin could not go.
    person(&server, "Root", "admin");
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    let path = format!("/people/{}/", id_of(&server, "Ada"));
    let change = |change: Value| server.client.request("PATCH", &path, &change).expect(200);
    let clicks = |action: &str| {
        fake.change(|known| known.answers.clear());
        interacts(&server, &fake.click_on(&message, action, "U0ADA"));
    };
    change(json!({ "active": false }));
    for action in ["approve_release", "refuse_release"] {
        clicks(action);
        fake.told("You are not active here any more");
    }
    change(json!({ "active": true, "logins": [] }));
    for action in ["approve_release", "refuse_release"] {
        clicks(action);
        fake.told("/versioner link");
    }
    let known = fake.known();
    assert!(!known.calls.iter().any(|(method, _)| method == "views.open"));
    assert_eq!(approvals(&server), 0);
}

#[test]
fn two_clicks_at_once_are_one_yes_and_an_old_message_decides_nothing() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    two_say_yes(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    let clicks = [(); 4].map(|()| fake.click_on(&message, "approve_release", "U0ADA"));
    std::thread::scope(|scope| {
        for click in &clicks {
            let server = &server;
            scope.spawn(move || assert_eq!(interacts(server, click).status, 200));
        }
    });
    fake.message("1 of 2 approvals");
    let mut bo = person(&server, "Bo", "admin");
    link(&server, &fake, &mut bo, "U0BO");
    let answer = types(&server, &fake, "approve api 1.0.0 production", "U0BO");
    assert!(said(&answer).contains("You have approved"), "{answer}");
    server
        .client
        .post("/deployment-events/", &start("1.0.0"))
        .expect(200);
    fake.message("It is in progress");
    let before = approvals(&server);
    for action in ["approve_release", "refuse_release"] {
        fake.change(|known| known.answers.clear());
        interacts(&server, &fake.click_on(&message, action, "U0ADA"));
        fake.told("Nothing is left to decide of api 1.0.0 to production: it is in progress");
    }
    assert_eq!(approvals(&server), before);
}

#[test]
fn a_message_that_somebody_removes_is_asked_anew_but_not_told_anew() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    server
        .client
        .deploy("0.1.0", "staging", "started")
        .expect(200);
    fake.message("In progress: api 0.1.0");
    waits_for_nothing(&server);
    fake.remove_messages();
    server
        .client
        .deploy("0.1.0", "staging", "completed")
        .expect(200);
    fake.wait("a change", |known| {
        known
            .calls
            .iter()
            .find(|(method, _)| method == "chat.update")
            .map(drop)
    });
    waits_for_nothing(&server);
    assert_eq!(fake.shown(), Vec::<Value>::new());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    two_say_yes(&server);
    refused_start(&server, "1.0.0");
    fake.message("0 of 2 approvals");
    waits_for_nothing(&server);
    fake.remove_messages();
    types(&server, &fake, "approve api 1.0.0 production", "U0ADA");
    let asked = fake.message("1 of 2 approvals");
    assert!(asked.to_string().contains("approve_release"), "{asked}");
    waits_for_nothing(&server);
    let shown = server.client.get("/slack/").expect(200);
    assert!(shown["problem"].is_null(), "{shown}");
}

#[test]
fn whatever_slack_answers_a_message_comes_once_slack_is_well_again() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let problem = || server.client.get("/slack/").expect(200)["problem"].clone();
    let comes = |version: &str| {
        server
            .client
            .deploy(version, "staging", "completed")
            .expect(200);
        until("a problem", || !problem().is_null());
        assert_eq!(fake.shown(), Vec::<Value>::new());
        fake.garble(None);
        fake.refuse("chat.postMessage", None);
        server.clock.advance(10);
        fake.message(&format!("Completed: api {version}"));
        until("no problem", || problem().is_null());
        waits_for_nothing(&server);
        assert_eq!(fake.shown().len(), 1);
        fake.remove_messages();
    };
    for (number, (code, text)) in [
        (200, "<html>Hello</html>"),
        (404, ""),
        (500, "{\"ok\":true}"),
    ]
    .into_iter()
    .enumerate()
    {
        fake.garble(Some((code, text)));
        comes(&format!("1.{number}"));
    }
    for (number, word) in ["token_revoked", "is_archived", "invalid_blocks"]
        .into_iter()
        .enumerate()
    {
        fake.refuse("chat.postMessage", Some(word));
        comes(&format!("2.{number}"));
    }
}

#[test]
fn a_socket_is_heard_whatever_comes_over_it_and_one_click_over_two_counts_once() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    let mut set = setting();
    set["app_token"] = json!(APP_TOKEN);
    server.client.request("PUT", "/slack/", &set).expect(200);
    fake.opened(1);
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    for text in [
        "",
        "{",
        "[]",
        "null",
        "{\"type\":7}",
        "{\"envelope_id\":\"x\"}",
        "{\"type\":\"interactive\",\"payload\":{}}",
        &"[".repeat(100_000),
        "{\"type\":\"hello\",\"connection_info\":{\"app_id\":\"A0OTHER\"}}",
    ] {
        fake.send_text(text);
    }
    for kind in ["unheard_of", "slash_commands", "interactive"] {
        let id = fake.send(kind, &json!({ "type": "block_actions", "user": [] }));
        fake.acknowledged(&id);
    }
    let asks = || fake.acknowledged(&fake.send("slash_commands", &fake.command("help", "U0ADA")));
    assert!(said(&asks()).contains("/versioner state"));
    // Slack will close this one. The next is open before that, and both are heard.
    fake.disconnect("refresh_requested");
    fake.opened(2);
    let click = fake.click_on(&message, "approve_release", "U0ADA");
    assert_eq!(fake.send_everywhere("click", "interactive", &click), 2);
    assert_eq!(fake.send_everywhere("click", "interactive", &click), 2);
    fake.acknowledged("click");
    fake.message("Approved by Ada");
    // What is far too large ends its socket, and nothing else.
    fake.send_text(&"x".repeat(10 * 1024 * 1024));
    fake.opened(3);
    assert!(said(&asks()).contains("/versioner state"));
    assert_eq!(approvals(&server), 1);
}

#[test]
fn a_payload_in_which_anything_is_missing_is_refused_and_breaks_nothing() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    let click = fake.click_on(&message, "approve_release", "U0ADA");
    let mut pointers = Vec::new();
    paths(&click, String::new(), &mut pointers);
    // What the message shows is Slack's copy, and is not read.
    pointers.retain(|pointer| !pointer.starts_with("/message/"));
    assert!(pointers.len() > 20, "{pointers:?}");
    for pointer in pointers {
        for other in [
            Value::Null,
            json!(7),
            json!([]),
            json!(""),
            json!("x".repeat(10_000)),
        ] {
            let mut payload = click.clone();
            *payload.pointer_mut(&pointer).unwrap() = other;
            let reply = interacts(&server, &payload);
            assert!(
                [200, 400].contains(&reply.status),
                "{pointer}: {}",
                reply.text
            );
        }
    }
    for body in [
        "",
        "payload=",
        "payload=null",
        "payload=[]",
        "payload=%FF",
        "a&b&payload",
        "=&=&",
    ] {
        for door in ["interactions", "commands"] {
            assert!(
                [200, 400].contains(&signed(&server, door, body, 0).status),
                "{body}"
            );
        }
    }
    assert_eq!(approvals(&server), 0);
}

/// Every place in a value.
fn paths(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                paths(value, format!("{at}/{key}"), all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                paths(value, format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        all.push(at);
    }
}

#[test]
fn a_tired_person_is_answered_and_nothing_typed_is_markup() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    for environment in ["staging", "production"] {
        server
            .client
            .deploy("1.0.0", environment, "completed")
            .expect(200);
    }
    let long = "é".repeat(1_200);
    let longest = "é".repeat(200_000);
    for (text, expected) in [
        ("", "/versioner gate"),
        ("   \u{a0} ", "/versioner gate"),
        ("/versioner", "/versioner gate"),
        ("/versioner state api prod", "*api* production: 1.0.0"),
        ("  state   api   production  ", "*api* production: 1.0.0"),
        ("state production api", "*api* production: 1.0.0"),
        ("state “api” ‘production’", "*api* production: 1.0.0"),
        ("STATE Api PROD", "*api* production: 1.0.0"),
        ("state <@U0ADA|ada>", "There is no product “<@U0ADA|ada>”."),
        ("state @ada", "There is no product “@ada”."),
        ("state api *prod*", "There is no environment “*prod*”"),
        ("gate api 1.0.0 prodution", "did you mean production"),
        ("`state`", "*api* production: 1.0.0"),
        (&format!("state {long}"), "There is no product “ééé"),
        (&format!("{long} x"), "There is no command `ééé"),
        (&format!("refuse {long} {long} {long}"), "Say why"),
        (&format!("gate api {long} production"), "version: "),
        (&format!("state {}", &longest[..10_000]), "That is too long"),
    ] {
        let answer = types(&server, &fake, text, "U1");
        let shown = said(&answer);
        let typed: String = text.chars().take(60).collect();
        assert!(shown.contains(expected), "{typed:?}: {shown}");
        assert!(shown.chars().count() <= 3100, "{typed:?}");
        assert!(!answer.to_string().contains("mrkdwn"));
        assert!(!answer["text"].as_str().unwrap().contains('<'), "{answer}");
    }
    let unread = signed(&server, "commands", &form(&fake.command(&longest, "U1")), 0);
    assert_eq!(unread.status, 413, "{}", unread.text);
}
