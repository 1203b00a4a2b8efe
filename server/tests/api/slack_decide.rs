//! What is decided in Slack: whose word counts, and how often.

use serde_json::{Value, json};

use crate::fake_slack::{APP_TOKEN, FakeSlack, TEAM};
use crate::pages::{on_the_machine, person};
use crate::pages_people::id_of;
use crate::policy::add;
use crate::slack::{interacts, link, said, setting, started, types, waits_for_nothing};
use crate::support::{Server, build, deployment, until};
use crate::waiting::Waiting;

/// A rule that holds production until one person says yes.
pub fn guard(server: &Server) {
    holds(server, 1);
}

/// A rule that holds production until two people say yes.
pub fn two_say_yes(server: &Server) {
    holds(server, 2);
}

fn holds(server: &Server, approvals: u8) {
    let config = json!({ "required_approvals": approvals });
    add(server, "release_approval", "A yes", config);
}

/// A start of Tomas in a pipeline.
pub fn start(version: &str) -> Value {
    let mut start = deployment(version, "production", "started");
    start["deployed_by"] = json!("tomas@example.com");
    start["source_system"] = json!("github");
    start["invoke_id"] = json!(version);
    start
}

pub fn refused_start(server: &Server, version: &str) {
    let built = build(version, "completed");
    server.client.post("/build-events/", &built).expect(200);
    let start = start(version);
    server
        .client
        .post("/deployment-events/", &start)
        .expect(428);
}

#[test]
fn a_click_approves_once_and_the_message_then_says_who() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    assert!(
        message["text"]
            .as_str()
            .unwrap()
            .contains("api 1.0.0 to production"),
        "{message}"
    );
    // What asks the same, as a client without a run does each time, is asked once.
    server
        .client
        .deploy("1.0.0", "production", "started")
        .expect(428);
    // Nobody knows who clicks.
    let click = fake.click_on(&message, "approve_release", "U0ADA");
    assert_eq!(interacts(&server, &click).status, 200);
    fake.told("/versioner link");
    link(&server, &fake, &mut ada, "U0ADA");
    let click = fake.click_on(&message, "approve_release", "U0ADA");
    for _ in 0..3 {
        assert_eq!(interacts(&server, &click).status, 200);
    }
    let decided = fake.message("Approved by Ada");
    let asked = fake.known().messages.len();
    assert_eq!(asked, 1, "one message");
    assert!(!decided.to_string().contains("\"actions\""), "{decided}");
    let audit = server.client.get("/audit/?kind=approval").expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    assert_eq!(
        audit["items"][0]["actor"],
        format!("person:{}", id_of(&server, "Ada"))
    );
    let start = start("1.0.0");
    server
        .client
        .post("/deployment-events/", &start)
        .expect(200);
    fake.message("It is in progress");
    // Taken back and clicked again as it was: it counted once, and not anew.
    server
        .client
        .deploy("1.0.0", "production", "failed")
        .expect(200);
    types(&server, &fake, "withdraw api 1.0.0 production", "U0ADA");
    interacts(&server, &click);
    let audit = server.client.get("/audit/?kind=approval").expect(200);
    let given = audit["items"].as_array().unwrap().iter();
    assert_eq!(
        given.filter(|row| row["kind"] == "approval.given").count(),
        1,
        "{audit}"
    );
}

#[test]
fn whose_word_does_not_count_is_told_so_alone() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut viewer = person(&server, "Vi", "viewer");
    let mut tomas = person(&server, "Tomas", "admin");
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    link(&server, &fake, &mut viewer, "U0VI");
    link(&server, &fake, &mut tomas, "U0TOMAS");
    interacts(&server, &fake.click_on(&message, "approve_release", "U0VI"));
    fake.told("Your role may not give release approvals");
    interacts(
        &server,
        &fake.click_on(&message, "approve_release", "U0TOMAS"),
    );
    fake.told("You deploy api 1.0.0 to production yourself");
    let mut stranger = fake.click_on(&message, "approve_release", "U0TOMAS");
    stranger["user"]["team_id"] = json!("T0OTHER");
    interacts(&server, &stranger);
    fake.told("another Slack team");
    // What a button means stands in our own row of its message.
    let mut elsewhere = fake.click_on(&message, "approve_release", "U0TOMAS");
    elsewhere["channel"]["id"] = json!("C0OTHER");
    interacts(&server, &elsewhere);
    fake.told("This message is too old");
    let audit = server.client.get("/audit/?kind=approval").expect(200);
    assert_eq!(audit["items"], json!([]));
    for answer in &fake.known().answers {
        assert_eq!(answer["response_type"], "ephemeral");
    }
}

#[test]
fn a_refusal_asks_why_and_holds_until_it_is_withdrawn() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    interacts(&server, &fake.click_on(&message, "refuse_release", "U0ADA"));
    let view = fake.wait("a window", |known| {
        let mut opened = known
            .calls
            .iter()
            .filter(|(method, _)| method == "views.open");
        opened.next().map(|(_, view)| view.clone())
    });
    let empty = interacts(&server, &fake.submit(&view, "  ", "U0ADA")).expect(200);
    assert_eq!(empty["response_action"], "errors");
    let done = interacts(
        &server,
        &fake.submit(&view, "the <!here> tests\nare red", "U0ADA"),
    );
    assert_eq!((done.status, done.text.as_str()), (200, ""));
    let refused = fake.message("Refused by Ada: the <!here> tests are red");
    let text = refused["text"].as_str().unwrap();
    assert!(text.contains("the &lt;!here&gt; tests") && !text.contains("<!here>"));
    assert!(!refused.to_string().contains("\"actions\""), "{refused}");
    let answer = types(&server, &fake, "waiting", "U0ADA");
    assert!(said(&answer).contains("Nothing waits for you"), "{answer}");
    let answer = types(&server, &fake, "withdraw api 1.0.0 prod", "U0ADA");
    assert!(
        said(&answer).contains("does not stand any more"),
        "{answer}"
    );
    let again = fake.message("waits for approval");
    assert!(again.to_string().contains("approve_release"), "{again}");
    let answer = types(&server, &fake, "waiting", "U0ADA");
    assert!(
        said(&answer).contains("*api* 1.0.0 to production"),
        "{answer}"
    );
    let answer = types(&server, &fake, "approve api 1.0.0 prod", "U0ADA");
    assert!(said(&answer).contains("You have approved"), "{answer}");
    fake.message("Approved by Ada");
}

#[test]
fn over_a_socket_the_same_is_heard_and_a_click_that_comes_again_counts_once() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    let mut set = setting();
    set["signing_secret"] = json!(null);
    set["app_token"] = json!(APP_TOKEN);
    server.client.request("PUT", "/slack/", &set).expect(200);
    fake.opened(1);
    let id = fake.send("slash_commands", &fake.command("help", "U0ADA"));
    assert!(said(&fake.acknowledged(&id)).contains("/versioner state"));
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    // The socket is cut off when the click has gone out: Slack sends it again over the next one.
    let click = fake.click_on(&message, "approve_release", "U0ADA");
    fake.send_as("click-1", "interactive", &click);
    fake.drop_sockets();
    fake.opened(2);
    fake.send_as("click-1", "interactive", &click);
    fake.acknowledged("click-1");
    fake.message("Approved by Ada");
    // One that is about to be closed is answered until the next is there.
    fake.disconnect("warning");
    fake.opened(3);
    let id = fake.send("slash_commands", &fake.command("state", "U0ADA"));
    fake.acknowledged(&id);
    let id = fake.send("events_api", &json!({ "type": "event_callback" }));
    fake.acknowledged(&id);
    let audit = server.client.get("/audit/?kind=approval").expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    let standing = server.client.get("/slack/").expect(200);
    assert_eq!(standing["connected"], true);
    // The tokens are revoked: it says so, and goes on when they are good again.
    fake.refuse("apps.connections.open", Some("invalid_auth"));
    fake.drop_sockets();
    let connected = || server.client.get("/slack/").expect(200)["connected"].clone();
    until("no socket", || connected() == false);
    fake.refuse("apps.connections.open", None);
    fake.opened(4);
}

#[test]
fn a_waiting_start_goes_on_when_somebody_clicks() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    guard(&server);
    refused_start(&server, "1.0.0");
    let message = fake.message("waits for approval");
    let asked = Waiting::begin(&server, "1.0.0");
    interacts(
        &server,
        &fake.click_on(&message, "approve_release", "U0ADA"),
    );
    assert_eq!(asked.answer()["allowed"], true);
}

#[test]
fn an_address_makes_somebody_known_only_if_that_is_set_and_never_an_admin() {
    let fake = FakeSlack::start();
    let mut set = setting();
    let server = started(&fake, &set);
    guard(&server);
    refused_start(&server, "1.0.0");
    let people = [
        json!({ "name": "Lena", "emails": ["lena@example.com"], "role": "developer",
            "approves": ["release"] }),
        json!({ "name": "Root", "emails": ["root@example.com"], "role": "admin" }),
    ];
    for one in people {
        server.client.post("/people/", &one).expect(201);
    }
    for (user, email) in [
        ("U0LENA", "Lena@example.com"),
        ("U0ROOT", "root@example.com"),
    ] {
        fake.describe_user(user, json!({
            "id": user, "team_id": TEAM, "is_email_confirmed": true, "profile": { "email": email },
        }));
    }
    let approve = |user: &str| types(&server, &fake, "approve api 1.0.0 production", user);
    assert!(said(&approve("U0LENA")).contains("/versioner link"));
    set["by_address"] = json!(true);
    server.client.request("PUT", "/slack/", &set).expect(200);
    assert!(said(&approve("U0ROOT")).contains("/versioner link"));
    assert!(
        said(&approve("U0LENA")).contains("You have approved"),
        "by the address"
    );
}

const FIRST: &str = "1111111111111111111111111111111111111111";
const SECOND: &str = "2222222222222222222222222222222222222222";

fn built_from(server: &Server, commit: &str, status: &str) {
    let mut event = build("1.0.0", status);
    event["scm_sha"] = json!(commit);
    server.client.post("/build-events/", &event).expect(200);
}

fn approvals(server: &Server) -> Value {
    let versions = server.client.get("/versions/").expect(200);
    let id = versions["items"][0]["id"].as_str().unwrap();
    let path = format!("/versions/{id}/approvals/");
    server.client.get(&path).expect(200)["items"].clone()
}

#[test]
fn a_click_is_of_the_commit_that_the_message_shows() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    link(&server, &fake, &mut ada, "U0ADA");
    guard(&server);
    // A start of a build is no promise: the version can still come from another commit.
    built_from(&server, FIRST, "started");
    server
        .client
        .deploy("1.0.0", "test", "completed")
        .expect(200);
    server
        .client
        .post("/deployment-events/", &start("1.0.0"))
        .expect(428);
    let first = fake.message(FIRST);
    waits_for_nothing(&server);
    interacts(&server, &fake.click_on(&first, "refuse_release", "U0ADA"));
    let view = fake.wait("a window", |known| {
        let mut calls = known.calls.iter();
        let opened = calls.find(|(method, _)| method == "views.open");
        opened.map(|(_, view)| view.clone())
    });
    let machine =
        |act: &str| on_the_machine(server.data.path(), &["queue", act, "--account", "local"]);
    machine("hold");
    built_from(&server, SECOND, "completed");
    // The message could not follow yet.
    interacts(&server, &fake.click_on(&first, "approve_release", "U0ADA"));
    fake.told(&format!(
        "1.0.0 comes from commit {SECOND} by now; when you looked it was commit {FIRST}"
    ));
    assert_eq!(approvals(&server), json!([]));
    machine("release");
    let second = fake.message(SECOND);
    // Somebody still sees it as it was: their client is slow.
    interacts(&server, &fake.click_on(&first, "approve_release", "U0ADA"));
    fake.told("of the commit of api 1.0.0 to production has changed since you saw it");
    let refused = interacts(&server, &fake.submit(&view, "as I saw it", "U0ADA")).expect(200);
    assert!(
        refused.to_string().contains("has changed since you saw it"),
        "{refused}"
    );
    // What the button carries chooses no commit: the row of the message has it.
    let mut made_up = fake.click_on(&first, "approve_release", "U0ADA");
    let value = made_up["actions"][0]["value"].as_str().unwrap();
    made_up["actions"][0]["value"] = json!(value.split('.').next());
    fake.change(|known| known.answers.clear());
    interacts(&server, &made_up);
    fake.told("has changed since you saw it");
    assert_eq!(approvals(&server), json!([]));
    interacts(&server, &fake.click_on(&second, "approve_release", "U0ADA"));
    fake.message("Approved by Ada");
    assert_eq!(approvals(&server)[0]["scm_sha"], SECOND);
}
