//! Slack: what is asked there, what is decided there, and what is told there.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fake_slack::{APP, BOT_TOKEN, FakeSlack, SIGNING_SECRET, TEAM};
use crate::pages::{Browser, leads_to, person};
use crate::support::{Client, Reply, Server, deployment, until};

/// How Slack is reached: over HTTP, with one channel.
pub fn setting() -> Value {
    json!({
        "team_id": TEAM, "app_id": APP, "bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET,
        "channels": [{ "channel": "C0RELEASES" }],
    })
}

/// A server that Slack is reached for, in the way that `setting` says.
pub fn started(fake: &FakeSlack, setting: &Value) -> Server {
    let server = Server::with_slack(&fake.api());
    server.client.request("PUT", "/slack/", setting).expect(200);
    server
}

/// Puts a request together as Slack does.
pub fn signed(server: &Server, door: &str, body: &str, seconds: i64) -> Reply {
    let time = (server.seconds() + seconds).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{time}:{body}").as_bytes());
    let code = mac.finalize().into_bytes();
    let code: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Slack-Request-Timestamp", time.as_str()),
        ("X-Slack-Signature", &format!("v0={code}")),
    ];
    let client = Client::new(&server.client.url, "");
    client
        .try_send("POST", &format!("/slack/{door}"), &headers, body.as_bytes())
        .unwrap()
}

pub fn form(fields: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().unwrap() {
        form.append_pair(name, value.as_str().unwrap());
    }
    form.finish()
}

/// The answer to a command that comes over HTTP.
pub fn types(server: &Server, fake: &FakeSlack, text: &str, user: &str) -> Value {
    let body = form(&fake.command(text, user));
    signed(server, "commands", &body, 0).expect(200)
}

/// What the first block of an answer shows: bold text between asterisks, code between backticks.
pub fn said(answer: &Value) -> String {
    let elements = &answer["blocks"][0]["elements"][0]["elements"];
    let shown = elements.as_array().unwrap().iter().map(|one| {
        let text = one["text"].as_str().or(one["fallback"].as_str()).unwrap();
        match (&one["style"]["bold"], &one["style"]["code"]) {
            (Value::Bool(true), _) => format!("*{text}*"),
            (_, Value::Bool(true)) => format!("`{text}`"),
            _ => text.to_owned(),
        }
    });
    shown.collect()
}

/// An interaction that comes over HTTP.
pub fn interacts(server: &Server, payload: &Value) -> Reply {
    let body = form(&json!({ "payload": payload.to_string() }));
    signed(server, "interactions", &body, 0)
}

/// Makes a user known as whoever has the browser.
pub fn link(server: &Server, fake: &FakeSlack, browser: &mut Browser, user: &str) {
    let answer = types(server, fake, "link", user);
    let code = said(&answer).split('`').nth(1).unwrap().to_owned();
    let asked = browser.post("/manage/me/slack", &[("code", &code)]);
    assert!(
        asked.text.contains(&user.to_lowercase()),
        "whose code it is: {}",
        asked.text
    );
    let done = browser.post("/manage/me/slack", &[("code", &code), ("user", user)]);
    assert_eq!(done.status, 303, "{}", done.text);
}

/// Waits until Slack has been told all that there is to tell.
pub fn waits_for_nothing(server: &Server) {
    until("nothing waits", || {
        server.client.get("/slack/").expect(200)["waiting"] == 0
    });
}

#[test]
fn secrets_go_in_and_do_not_come_out() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let shown = server.client.get("/slack/").expect(200);
    assert_eq!(
        (&shown["http"], &shown["socket_mode"]),
        (&json!(true), &json!(false))
    );
    let audit = server.client.get("/audit/?kind=slack").expect(200);
    let row = &audit["items"][0];
    assert_eq!(row["kind"], "slack.changed");
    for text in [shown.to_string(), audit.to_string()] {
        assert!(
            !text.contains(BOT_TOKEN) && !text.contains(SIGNING_SECRET),
            "{text}"
        );
    }
    let stored = std::fs::read_dir(server.data.path().join("accounts"));
    for file in stored.into_iter().flatten() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let has = |secret: &str| {
            bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        };
        assert!(!has(BOT_TOKEN) && !has(SIGNING_SECRET), "it is encrypted");
    }
    // What is left out stays.
    let again = json!({ "team_id": TEAM, "app_id": APP, "channels": [] });
    server.client.request("PUT", "/slack/", &again).expect(200);
    assert!(said(&types(&server, &fake, "help", "U1")).contains("/versioner state"));
    let test = server.client.post("/slack/test/", &json!({})).expect(200);
    assert_eq!(test["ok"], true, "{test}");
    fake.refuse("auth.test", Some("token_revoked"));
    let test = server.client.post("/slack/test/", &json!({})).expect(200);
    assert!(
        test["problem"].as_str().unwrap().contains("token_revoked"),
        "{test}"
    );
    assert_eq!(
        server.client.send("DELETE", "/slack/", &[], b"").status,
        204
    );
    assert_eq!(server.client.get("/slack/").status, 404);
    let gone = signed(&server, "commands", &form(&fake.command("help", "U1")), 0);
    // Whoever cannot sign is not told which accounts there are.
    assert_eq!(gone.status, 401, "{}", gone.text);
}

#[test]
fn only_what_slack_has_signed_is_heard() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let body = form(&fake.command("state", "U1"));
    for (seconds, status) in [(-301, 401), (-300, 200), (300, 200), (301, 401)] {
        assert_eq!(
            signed(&server, "commands", &body, seconds).status,
            status,
            "{seconds}"
        );
    }
    let client = Client::new(&server.client.url, "");
    let bare = |body: &str| {
        client
            .try_send("POST", "/slack/commands", &[], body.as_bytes())
            .unwrap()
    };
    assert_eq!(bare(&body).status, 401);
    assert_eq!(bare("ssl_check=1&token=x").status, 200);
    // A ping does nothing else, whatever stands beside it.
    let before = fake.known().calls.len();
    let both = bare(&format!("ssl_check=1&{body}"));
    assert_eq!((both.status, both.text.as_str()), (200, "{}"));
    assert_eq!(fake.known().calls.len(), before);
    let broken = signed(&server, "interactions", "payload=%7B", 0);
    assert_eq!(broken.status, 400, "{}", broken.text);
    let mut other = fake.command("state", "U1");
    other["team_id"] = json!("T0OTHER");
    let other = signed(&server, "commands", &form(&other), 0).expect(200);
    assert!(said(&other).contains("another Slack team"), "{other}");
}

#[test]
fn questions_are_answered_shortly_and_names_are_forgiven() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    for environment in ["staging", "production"] {
        let mut start = deployment("1.0.0", environment, "started");
        start["deployed_by"] = json!("ada");
        server
            .client
            .post("/deployment-events/", &start)
            .expect(200);
        server
            .client
            .deploy("1.0.0", environment, "completed")
            .expect(200);
    }
    server
        .client
        .deploy("1.1.0", "staging", "started")
        .expect(200);
    server
        .client
        .deploy("1.1.0", "staging", "completed")
        .expect(200);
    let hostile = json!({
        "product_name": "<!channel>", "version": "1", "environment_name": "production",
        "status": "completed",
    });
    server
        .client
        .post("/deployment-events/", &hostile)
        .expect(200);
    let ask = |text: &str| types(&server, &fake, text, "U1");
    let all = ask("state");
    assert_eq!(all["response_type"], "ephemeral");
    assert!(said(&all).contains("*<!channel>* production: 1"), "{all}");
    assert!(
        !all["text"].as_str().unwrap().contains("<!channel>")
            && !all.to_string().contains("mrkdwn")
    );
    for (text, expected) in [
        ("State API Prod", "production: 1.0.0"),
        ("history api stag", "*api* 1.1.0 to staging completed"),
        ("who ap prod", "was deployed by ada"),
        (
            "diff staging prod",
            "*api* 1.1.0 in staging, 1.0.0 in production, 1 apart",
        ),
        (
            "gate api 1.1.0 production",
            "Yes, api 1.1.0 to production may go",
        ),
        ("state api prodution", "did you mean production"),
        ("state nothing", "There is no product"),
        ("waitin9", "did you mean `waiting`"),
        ("commit abc", "at least 7"),
        ("commit abcdef0", "No version was built"),
        ("waiting", "/versioner link"),
        ("", "/versioner gate product version environment"),
    ] {
        let answer = ask(text);
        assert!(said(&answer).contains(expected), "{text}: {answer}");
    }
    assert_eq!(ask("state api public")["response_type"], "in_channel");
    assert_eq!(
        ask("link public")["response_type"],
        "ephemeral",
        "a code is for one alone"
    );
}

#[test]
fn a_code_is_good_once_and_for_ten_minutes_and_for_one_person() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut ada = person(&server, "Ada", "admin");
    let mut vi = person(&server, "Vi", "viewer");
    let code_of = |user: &str| {
        let answer = types(&server, &fake, "link", user);
        said(&answer).split('`').nth(1).unwrap().to_owned()
    };
    let late = code_of("U1");
    server.clock.advance(10);
    let reply = ada.post("/manage/me/slack", &[("code", &late), ("user", "U1")]);
    assert_eq!(reply.status, 422, "{}", reply.text);
    let (first, second) = (code_of("U1"), code_of("U1"));
    assert_eq!(
        ada.post("/manage/me/slack", &[("code", &first), ("user", "U1")])
            .status,
        422
    );
    assert_eq!(
        ada.post("/manage/me/slack", &[("code", &second), ("user", "U1")])
            .status,
        303
    );
    let by = [("code", second.as_str()), ("user", "U1")];
    let again = ada.post("/manage/me/slack", &by);
    assert_eq!(
        leads_to(&again),
        "/manage/me/slack?said=linked",
        "two clicks"
    );
    assert_eq!(vi.post("/manage/me/slack", &by).status, 422, "once");
    let taken = code_of("U1");
    let reply = vi.post("/manage/me/slack", &[("code", &taken), ("user", "U1")]);
    assert!(reply.text.contains("This is Ada already"), "{}", reply.text);
    let audit = server.client.get("/audit/").expect(200).to_string();
    assert!(
        !audit.contains("U1\""),
        "who somebody is there stays out of the log: {audit}"
    );
}

#[test]
fn the_page_sets_it_up_and_keeps_what_was_typed() {
    let fake = FakeSlack::start();
    let server = Server::with_slack(&fake.api());
    let mut root = person(&server, "Root", "admin");
    let page = root.get("/manage/slack");
    assert!(page.text.contains("socket_mode_enabled"), "{}", page.text);
    let fields = |channels: &'static str| {
        [
            ("team_id", TEAM),
            ("app_id", APP),
            ("bot_token", BOT_TOKEN),
            ("signing_secret", SIGNING_SECRET),
            ("channels", channels),
        ]
    };
    let wrong = root.post("/manage/slack", &fields("#releases"));
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("not its name") && wrong.text.contains("#releases</textarea>"));
    assert!(!wrong.text.contains(BOT_TOKEN) && !wrong.text.contains(SIGNING_SECRET));
    let done = root.post(
        "/manage/slack",
        &fields("C0RELEASES environments=production"),
    );
    assert_eq!(done.status, 303, "{}", done.text);
    let page = root.get("/manage/slack?said=saved");
    assert!(page.text.contains("Slack knows the app"), "{}", page.text);
    assert!(page.text.contains("C0RELEASES environments=production"));
    assert!(!page.text.contains(BOT_TOKEN) && !page.text.contains(SIGNING_SECRET));
    let mut vi = person(&server, "Vi", "viewer");
    assert_eq!(vi.get("/manage/slack").status, 403);
    assert_eq!(root.post("/manage/slack/remove", &[]).status, 303);
    assert_eq!(server.client.get("/slack/").status, 404);
}

#[test]
fn whoever_has_a_code_of_their_own_cannot_guess_on_by_it() {
    let fake = FakeSlack::start();
    let server = started(&fake, &setting());
    let mut vi = person(&server, "Vi", "viewer");
    let answer = types(&server, &fake, "link", "U0VI");
    let own = said(&answer).split('`').nth(1).unwrap().to_owned();
    // A code that is good is no guess, however often it is entered.
    for _ in 0..8 {
        let shown = vi.post("/manage/me/slack", &[("code", &own)]);
        assert_eq!(shown.status, 200, "{}", shown.text);
    }
    for _ in 0..5 {
        let guess = vi.post("/manage/me/slack", &[("code", "AAAA-AAAA")]);
        assert!(
            guess.text.contains("There is no such code"),
            "{}",
            guess.text
        );
        vi.post("/manage/me/slack", &[("code", &own)]);
    }
    let guess = vi.post("/manage/me/slack", &[("code", "AAAA-AAAA")]);
    assert!(guess.text.contains("Too many tries"), "{}", guess.text);
}

#[test]
fn of_two_admins_who_set_it_up_the_second_is_told_of_the_first() {
    let fake = FakeSlack::start();
    let server = Server::with_slack(&fake.api());
    let send = |method: &str, body: &Value, header: (&str, &str)| {
        let headers = [("Content-Type", "application/json"), header];
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        server
            .client
            .send(method, "/slack/", &headers, body.as_bytes())
    };
    let new = ("If-None-Match", "*");
    let first = send("PUT", &setting(), new);
    assert_eq!(first.status, 200, "{}", first.text);
    let tag = first.headers["etag"].clone();
    let mut other = setting();
    other["channels"] = json!([]);
    for header in [new, ("If-Match", "\"other\"")] {
        let late = send("PUT", &other, header);
        assert_eq!(late.status, 412, "{}", late.text);
    }
    let shown = server.client.get("/slack/");
    assert_eq!(shown.headers["etag"], tag);
    assert_eq!(shown.json()["channels"].as_array().unwrap().len(), 1);
    server.clock.advance(1);
    let known = send("PUT", &other, ("If-Match", &tag));
    assert_eq!(known.status, 200, "{}", known.text);
    assert_eq!(send("DELETE", &Value::Null, ("If-Match", &tag)).status, 412);
    let tag = &known.headers["etag"];
    assert_eq!(send("DELETE", &Value::Null, ("If-Match", tag)).status, 204);
    // The same on the page: both have opened it while there was nothing.
    let (mut ada, mut bo) = (
        person(&server, "Ada", "admin"),
        person(&server, "Bo", "admin"),
    );
    let fields = |channels: &'static str| {
        let known = [("team_id", TEAM), ("app_id", APP), ("bot_token", BOT_TOKEN)];
        let rest = [
            ("signing_secret", SIGNING_SECRET),
            ("channels", channels),
            ("etag", ""),
        ];
        known.into_iter().chain(rest).collect::<Vec<_>>()
    };
    assert_eq!(ada.post("/manage/slack", &fields("C0ADA")).status, 303);
    let late = bo.post("/manage/slack", &fields("C0BO"));
    assert_eq!(late.status, 412, "{}", late.text);
    assert!(
        late.text.contains("Somebody else has changed this")
            && late.text.contains("C0BO</textarea>")
    );
    assert_eq!(
        server.client.get("/slack/").json()["channels"][0]["channel"],
        "C0ADA"
    );
    // Who saves again does so knowingly.
    let tag = late.text.split("name=\"etag\" value=\"").nth(1).unwrap();
    let tag = tag
        .split("\">")
        .next()
        .unwrap()
        .replace("&quot;", "\"")
        .replace("&#34;", "\"");
    let mut again = fields("C0BO");
    again.retain(|(name, _)| *name != "etag");
    again.push(("etag", &tag));
    let again = bo.post("/manage/slack", &again);
    assert_eq!(again.status, 303, "{}", again.text);
}
