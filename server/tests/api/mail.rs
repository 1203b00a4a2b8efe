//! E-mail: the same news as by webhooks, and what waits for somebody's yes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::receiver::settled;
use crate::support::{Server, build, deployment};

/// Long enough for whatever comes.
const LONG: Duration = Duration::from_secs(60);

/// An e-mail as the mail server gets it.
struct Mail {
    to: Vec<String>,
    text: String,
}

/// A mail server, which answers to recipients what a test says.
struct MailServer {
    url: String,
    got: Channel<Mail>,
    says: Arc<Mutex<String>>,
}

impl MailServer {
    fn start() -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let says = Arc::new(Mutex::new("250 fine".to_owned()));
        let (tell, got) = channel();
        let answer = says.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tell, answer) = (tell.clone(), answer.clone());
                std::thread::spawn(move || talk(stream.unwrap(), &tell, &answer));
            }
        });
        MailServer { url, got, says }
    }

    #[track_caller]
    fn next(&self) -> Mail {
        self.got.recv_timeout(LONG).expect("an e-mail")
    }
}

/// Speaks as much of SMTP as it takes.
fn talk(stream: TcpStream, tell: &Sender<Mail>, answer: &Mutex<String>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut stream = stream;
    let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).ok();
    say("220 mail.example.com")?;
    let mut to = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        match line.split([' ', ':']).next().unwrap_or_default() {
            "RCPT" => {
                let text = answer.lock().unwrap().clone();
                say(&text)?;
                to.push(
                    line.replace("RCPT TO:", "")
                        .trim_matches(['<', '>'])
                        .to_owned(),
                );
            }
            "DATA" => {
                say("354 go on")?;
                let body: Vec<String> = lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| line != ".")
                    .collect();
                let text = body.join("\n").replace("=\n", "");
                let to = std::mem::take(&mut to);
                tell.send(Mail { to, text }).ok()?;
                say("250 taken")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 fine")?,
        }
    }
    Some(())
}

fn webhook(server: &Server, body: &Value) -> String {
    let made = server.client.post("/webhooks/", body).expect(201);
    assert_eq!(made["format"], "email");
    assert!(made.get("secret").is_none(), "{made}");
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn addresses_are_told_in_text_and_html_with_a_link_and_nothing_to_do() {
    let mail = MailServer::start();
    let server = Server::that_mails(&mail.url);
    let id = webhook(
        &server,
        &json!({ "url": "mailto:ops@example.com", "events": ["deployment"] }),
    );
    server
        .client
        .deploy("1.0", "production", "failed")
        .expect(200);
    let got = mail.next();
    assert_eq!(got.to, ["ops@example.com"]);
    for part in [
        "Subject: api 1.0: deployment failed in production",
        "From: Versioner <versioner@example.com>",
        "To: ops@example.com",
        "Content-Type: text/plain",
        "Content-Type: text/html",
        "Status: failed",
        "https://versioner.example.com/manage/deployments?view",
    ] {
        assert!(got.text.contains(part), "{part}: {}", got.text);
    }
    assert!(!got.text.contains("<form"), "{}", got.text);
    let delivery = settled(&server, &id, 1);
    assert_eq!(
        (&delivery["state"], &delivery["attempts"][0]["status"]),
        (&json!("done"), &json!(250))
    );
    let message_id = format!(
        "Message-ID: <{}@example.com>",
        delivery["id"].as_str().unwrap()
    );
    assert!(got.text.contains(&message_id), "{}", got.text);
}

#[test]
fn whoever_can_say_yes_hears_of_what_waits_once_and_nobody_sees_the_others() {
    let mail = MailServer::start();
    let server = Server::that_mails(&mail.url);
    for (name, role, approves) in [
        ("ada", "developer", json!(["release"])),
        ("bob", "developer", json!(["quality"])),
        ("eve", "developer", json!([])),
        ("root", "admin", json!([])),
    ] {
        let person = json!({
            "name": name, "role": role, "approves": approves,
            "emails": [format!("{name}@example.com")],
        });
        server.client.post("/people/", &person).expect(201);
    }
    let rule = json!({
        "name": "somebody says yes", "type": "release_approval", "environments": ["production"],
        "config": { "required_approvals": 1 }, "create": true,
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    webhook(&server, &json!({ "url": "mailto:approvers" }));
    server
        .client
        .post("/build-events/", &build("1.0", "completed"))
        .expect(200);
    let mut start = deployment("1.0", "production", "started");
    start["source_system"] = json!("github");
    start["invoke_id"] = json!("7");
    for _ in 0..2 {
        server
            .client
            .post("/deployment-events/", &start)
            .expect(428);
    }
    let got = mail.next();
    let mut to = got.to;
    to.sort_unstable();
    assert_eq!(to, ["ada@example.com", "root@example.com"]);
    assert!(
        got.text.contains("Waits for: release approval"),
        "{}",
        got.text
    );
    assert!(!got.text.contains("ada@example.com"), "{}", got.text);
    assert!(
        mail.got.try_recv().is_err(),
        "asking again tells nobody again"
    );
}

#[test]
fn what_the_mail_server_refuses_is_tried_again_unless_it_says_never() {
    let mail = MailServer::start();
    let server = Server::that_mails(&mail.url);
    let body = json!({ "url": "mailto:ops@example.com", "events": ["deployment"] });
    let id = webhook(&server, &body);
    "451 later".clone_into(&mut mail.says.lock().unwrap());
    server
        .client
        .deploy("1.0", "production", "failed")
        .expect(200);
    let delivery = settled(&server, &id, 1);
    assert_eq!(
        (&delivery["state"], &delivery["attempts"][0]["status"]),
        (&json!("waiting"), &json!(451))
    );
    "550 nobody of that name".clone_into(&mut mail.says.lock().unwrap());
    server.clock.advance(1);
    let delivery = settled(&server, &id, 2);
    assert_eq!(delivery["state"], "dead");
    assert!(
        delivery["error"]
            .as_str()
            .unwrap()
            .contains("nobody of that name"),
        "{delivery}"
    );
}

#[test]
fn what_is_no_address_is_refused_and_so_is_everything_without_a_mail_server() {
    let server = Server::that_mails("smtp://127.0.0.1:9");
    for (body, field, reason) in [
        (
            json!({ "url": "mailto:ops" }),
            "url",
            "mailto:ops@example.com",
        ),
        (
            json!({ "url": "mailto:a@b.de%0d%0aBcc:c@d.de" }),
            "url",
            "no address",
        ),
        (json!({ "url": "mailto:" }), "url", "no address"),
    ] {
        let detail = server.client.post("/webhooks/", &body).detail(422);
        assert_eq!(detail[0]["loc"][1], field, "{detail}");
        assert!(
            detail[0]["msg"].as_str().unwrap().contains(reason),
            "{detail}"
        );
    }
    let id = webhook(&server, &json!({ "url": "mailto:ops@example.com" }));
    for change in [
        json!({ "url": "https://example.com/" }),
        json!({ "format": "standard" }),
    ] {
        server
            .client
            .request("PATCH", &format!("/webhooks/{id}/"), &change)
            .expect(422);
    }
    let without = Server::that_calls();
    let body = json!({ "url": "mailto:ops@example.com" });
    let detail = without.client.post("/webhooks/", &body).detail(422);
    assert!(
        detail[0]["msg"].as_str().unwrap().contains("--smtp-url"),
        "{detail}"
    );
}
