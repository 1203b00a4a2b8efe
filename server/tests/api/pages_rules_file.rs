//! The rules as a file, on the pages.

use serde_json::json;

use crate::pages::{Browser, person};
use crate::pages_read::{field, main_part, main_words};
use crate::support::{Reply, Server};

const FILE: &str = "\
rules:
- name: Freeze
  type: no_deploy_window
  environments: [production]
  config: { recurrence: daily, start_time: 22:00, end_time: 06:00 }
";

fn send(browser: &mut Browser, before: &Reply, text: &str, more: &[(&str, &str)]) -> Reply {
    let (seen, looked) = (field(&before.text, "seen"), field(&before.text, "looked"));
    let lines = text.replace('\n', "\r\n");
    let once = field(main_part(before), "once");
    let mut fields = vec![
        ("once", once.as_str()),
        ("text", &lines),
        ("seen", &seen),
        ("looked", &looked),
    ];
    fields.extend_from_slice(more);
    browser.post("/manage/rules/import", &fields)
}

#[test]
fn a_file_is_looked_at_and_then_taken() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    let empty = ada.get("/manage/rules/import");
    let check = ("do", "check");
    let wrong = FILE.replace("daily", "hourly");
    let reply = send(&mut ada, &empty, &wrong, &[check]);
    assert_eq!(reply.status, 422);
    assert!(
        main_words(&reply).contains("Line 5: recurrence"),
        "{}",
        main_words(&reply)
    );
    assert!(reply.text.contains("hourly"), "what was typed stays");
    let reply = send(&mut ada, &empty, "rules: [", &[check]);
    assert!(
        main_words(&reply).contains("Line 2: "),
        "{}",
        main_words(&reply)
    );
    for nothing in ["", "[]", "null"] {
        let reply = send(&mut ada, &empty, nothing, &[check]);
        let text = main_words(&reply);
        assert!(text.contains("There are no rules in this."), "{text}");
    }
    let reply = send(&mut ada, &empty, FILE, &[check]);
    assert!(
        main_words(&reply)
            .contains("Line 4: environments: There is no environment production; tick"),
        "{}",
        main_words(&reply)
    );
    let create = ("create", "1");
    let import = ("do", "import");
    let reply = send(&mut ada, &empty, FILE, &[create, import]);
    let text = main_words(&reply);
    assert!(
        text.contains("This is not the file that you looked at."),
        "{text}"
    );
    let looked = send(&mut ada, &empty, FILE, &[create, check]);
    assert_eq!(looked.status, 200);
    let text = main_words(&looked);
    assert!(text.contains("What it would change new Freeze"), "{text}");
    let rules = |server: &Server| {
        server.client.get("/deployment-rules/").json()["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(rules(&server), 0);
    let bare = send(&mut ada, &looked, FILE, &[create, import]);
    assert_eq!(bare.status, 422);
    assert!(
        main_words(&bare).contains("Give a reason."),
        "{}",
        main_words(&bare)
    );
    let reason = ("reason", "as agreed");
    let done = send(&mut ada, &bare, FILE, &[create, import, reason]);
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(main_words(&done).contains("The rules are what the file says. new Freeze"));
    assert_eq!(rules(&server), 1);
    let twice = send(&mut ada, &bare, FILE, &[create, import, reason]);
    assert_eq!(twice.status, 200, "a double click: {}", twice.text);
    assert_eq!(main_words(&twice), main_words(&done));
    let again = send(&mut ada, &looked, FILE, &[create, import, reason]);
    assert_eq!(again.status, 412, "an older page");
    let text = main_words(&again);
    assert!(
        text.contains("Somebody has changed the rules since you looked."),
        "{text}"
    );
    assert!(text.contains("Nothing: 1 as they are already."), "{text}");
    let log = server.client.get("/audit/?kind=rule.added").json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);

    let exported = ada.get("/manage/rules.yaml");
    assert_eq!(
        exported.headers["content-type"],
        "application/yaml; charset=utf-8"
    );
    assert!(exported.text.contains("name: Freeze"), "{}", exported.text);
    let same = send(&mut ada, &empty, &exported.text, &[check]);
    assert!(
        main_words(&same).contains("Nothing: 1 as they are already."),
        "{}",
        main_words(&same)
    );
}

#[test]
fn what_others_change_meanwhile_is_not_written_over() {
    let server = Server::start();
    let mut ada = person(&server, "Ada", "admin");
    let empty = ada.get("/manage/rules/import");
    let fields = [("create", "1"), ("remove_others", "1"), ("do", "check")];
    let looked = send(&mut ada, &empty, FILE, &fields);
    let other = json!({ "name": "Theirs", "type": "concurrency", "config": { "per": "product" } });
    server.client.post("/deployment-rules/", &other).expect(201);
    let fields = [
        ("create", "1"),
        ("remove_others", "1"),
        ("do", "import"),
        ("reason", "x"),
    ];
    let late = send(&mut ada, &looked, FILE, &fields);
    assert_eq!(late.status, 412);
    assert!(
        main_words(&late).contains("removed Theirs"),
        "{}",
        main_words(&late)
    );
    let done = send(&mut ada, &late, FILE, &fields);
    assert_eq!(done.status, 200, "{}", main_words(&done));
    let mut vera = person(&server, "Vera", "developer");
    assert_eq!(vera.get("/manage/rules.yaml").status, 200);
    assert_eq!(vera.get("/manage/rules/import").status, 403);
    let reply = vera.post("/manage/rules/import", &[("text", FILE), ("do", "check")]);
    assert_eq!(reply.status, 403);
}
