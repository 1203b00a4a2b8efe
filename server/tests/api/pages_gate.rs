//! Can it go, who must say yes, and what is let through.

use serde_json::{Value, json};

use crate::pages::{Browser, leads_to, person};
use crate::pages_read::{cell, field, link, link_in, main_part, main_words, row, words};
use crate::support::{Server, build, deployment};

pub fn rule(server: &Server, name: &str, kind: &str, config: Value) -> String {
    let rule = json!({
        "name": name, "type": kind, "environments": ["production"], "create": true,
        "config": config,
    });
    let made = server.client.post("/deployment-rules/", &rule).expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn two_eyes(server: &Server) -> String {
    rule(
        server,
        "Two eyes",
        "release_approval",
        json!({ "required_approvals": 1 }),
    )
}

pub fn start(server: &Server, expected: u16) -> Value {
    let mut event = deployment("1", "production", "started");
    event["deployed_by"] = json!("lena");
    let reply = server.client.post("/deployment-events/", &event);
    assert_eq!(reply.status, expected, "{}", reply.text);
    reply.json()
}

fn built(server: &Server) {
    let built = build("1", "completed");
    server.client.post("/build-events/", &built).expect(200);
}

pub const GATE: &str = "/manage/gate?product=api&version=1&environment=production";

#[test]
fn the_gate_says_rule_by_rule_who_must_do_what_until_when() {
    let server = Server::start();
    built(&server);
    two_eyes(&server);
    rule(
        &server,
        "Staging first",
        "flow",
        json!({ "required_environments": ["staging"] }),
    );
    let soak = json!({ "environment": "staging", "soak_minutes": 60 });
    rule(&server, "An hour in staging", "soak_time", soak);
    let friday = json!({
        "recurrence": "weekly", "timezone": "UTC", "days": ["friday"],
        "start_time": "15:00", "end_time": "18:00",
    });
    rule(&server, "Friday", "no_deploy_window", friday);
    let mut ada = person(&server, "Ada", "admin");
    person(&server, "Tomas", "admin");
    let reply = ada.get(GATE);
    let text = main_words(&reply);
    assert!(text.contains("Can api 1 go to production ?"), "{text}");
    assert!(text.contains("Not yet: 3 of 5 rules hold it."), "{text}");
    let eyes = words(row(
        &reply,
        "Two eyes 0 of 1. production deployment requires 1 release approval(s) .",
    ));
    assert!(eyes.starts_with("holds Two eyes"), "{eyes}");
    assert!(
        eyes.contains("You or Tomas approves . Open the approval")
            || eyes.contains("You or Tomas approves."),
        "{eyes}"
    );
    assert!(
        text.contains("Somebody deploys 1 to staging first."),
        "{text}"
    );
    assert!(
        text.contains("passes Friday No window is open now. Next: Fri 15:00 to Fri 18:00 ."),
        "{text}"
    );
    assert!(text.contains("passes One at a time"), "{text}");
    assert!(
        text.contains("From Fri 15:00 it would have to wait until Fri 18:00 ."),
        "{text}"
    );
    assert!(text.contains("versioner check --product api --version 1 --environment production"));

    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    server.clock.advance(20);
    let text = main_words(&ada.get(GATE));
    assert!(
        text.contains("Nobody. It fulfils itself. 13:00 , in 40 min"),
        "{text}"
    );
    assert!(
        text.contains("It can go at 13:00 at the earliest, if what “ Two eyes ”"),
        "{text}"
    );
    // Asking is not recorded.
    let listed = server
        .client
        .get("/deployments/?environment=production")
        .expect(200);
    assert_eq!(listed["items"], json!([]));
}

#[test]
fn nothing_in_the_way_is_a_yes() {
    let server = Server::start();
    built(&server);
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let mut browser = person(&server, "Vera", "viewer");
    let text = main_words(&browser.get("/manage/gate?product=api&version=1&environment=staging"));
    assert!(text.contains("Yes: nothing holds it."), "{text}");
    assert!(
        text.contains("No other deployment of api is in progress in staging"),
        "{text}"
    );
    let text = main_words(&browser.get("/manage/gate?product=api"));
    assert!(text.contains("Where can api 1 go?"), "{text}");
    let text = main_words(&browser.get("/manage/gate"));
    assert!(text.contains("Can it go?"), "{text}");
}

#[test]
fn a_deployment_in_progress_is_named_and_nothing_lets_another_past_it() {
    let server = Server::start();
    let mut event = deployment("0", "production", "started");
    event["deployed_by"] = json!("jonas");
    server
        .client
        .post("/deployment-events/", &event)
        .expect(200);
    let mut browser = person(&server, "Ada", "admin");
    let reply = browser.get(GATE);
    let text = main_words(&reply);
    assert!(
        text.contains("jonas finishes the deployment in progress , or somebody aborts it."),
        "{text}"
    );
    assert!(
        text.contains("at the latest, then it is given up"),
        "{text}"
    );
    assert!(!text.contains("Let this one through"), "{text}");
    let story = browser.get(&link(&reply, "the deployment in progress"));
    assert!(main_words(&story).contains("api 0 to production"));
}

#[test]
fn an_admin_lets_one_start_through_and_says_why() {
    let server = Server::start();
    built(&server);
    let rule = two_eyes(&server);
    let mut ada = person(&server, "Ada", "admin");
    let mut vera = person(&server, "Vera", "developer");
    start(&server, 428);
    let tag = field(main_part(&ada.get(GATE)), "tag");
    let fields = [
        ("product", "api"),
        ("version", "1"),
        ("environment", "production"),
        ("rule", rule.as_str()),
        ("tag", tag.as_str()),
        ("hours", "4"),
    ];
    let no_reason = ada.post(
        "/manage/gate/let-through",
        &[&fields[..], &[("reason", " ")]].concat(),
    );
    assert_eq!(no_reason.status, 422);
    let text = main_words(&no_reason);
    assert!(text.contains("Say why. It stands in the record."), "{text}");
    assert!(
        no_reason.text.contains("<details open>"),
        "{}",
        no_reason.text
    );
    let no_rule: Vec<_> = fields
        .iter()
        .copied()
        .filter(|(key, _)| *key != "rule")
        .collect();
    let no_rule = ada.post(
        "/manage/gate/let-through",
        &[&no_rule[..], &[("reason", "incident 7")]].concat(),
    );
    assert_eq!(no_rule.status, 422);
    assert!(main_words(&no_rule).contains("Choose at least one rule."));
    assert_eq!(
        field(&no_rule.text, "reason"),
        "incident 7",
        "what was typed stays"
    );

    let all = [&fields[..], &[("reason", "incident 7")]].concat();
    assert_eq!(vera.post("/manage/gate/let-through", &all).status, 403);
    let page = leads_to(&ada.post("/manage/gate/let-through", &all)).to_owned();
    let text = main_words(&ada.get(&page));
    assert!(
        text.contains("One start of this version is let through."),
        "{text}"
    );
    assert!(text.contains("Yes: none of 2 rules holds it."), "{text}");
    assert!(
        text.contains("1 start may pass 1 rule until 16:00 : incident 7"),
        "{text}"
    );
    assert!(!main_words(&vera.get(GATE)).contains("Let this one through"));
    let reply = ada.get(GATE);
    let exemption = field(main_part(&reply), "exemption");
    let back = [&fields[..3], &[("exemption", exemption.as_str())]].concat();
    let page = leads_to(&ada.post("/manage/gate/withdraw", &back)).to_owned();
    assert!(main_words(&ada.get(&page)).contains("The permission is withdrawn."));
    start(&server, 428);
    ada.post("/manage/gate/let-through", &all);
    start(&server, 200);
}

/// What waits for approval, and who may give it.
fn waiting(server: &Server) -> (Browser, Browser) {
    built(server);
    two_eyes(server);
    let ada = person(server, "Ada", "admin");
    let vera = person(server, "Vera", "viewer");
    start(server, 428);
    (ada, vera)
}

pub fn form(reply: &crate::support::Reply) -> Vec<(String, String)> {
    let html = main_part(reply);
    ["ask", "version", "kind", "environment", "commit"]
        .map(|name| (name.to_owned(), field(html, name)))
        .into()
}

pub fn with<'a>(
    form: &'a [(String, String)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let form = form
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    form.chain(more.iter().copied()).collect()
}

#[test]
fn what_nobody_ends_is_aborted_by_a_developer_who_says_why() {
    let server = Server::start();
    built(&server);
    let id = start(&server, 200)["id"].clone();
    let id = id.as_str().unwrap();
    let page = format!("/manage/deployments?view={id}");
    let path = format!("/manage/deployments/{id}/abort");
    let mut vera = person(&server, "Vera", "viewer");
    let mut dora = person(&server, "Dora", "developer");
    assert!(!vera.get(&page).text.contains(&path));
    let why = [("reason", "the runner was lost")];
    assert_eq!(vera.post(&path, &why).status, 403);
    let reply = dora.get(&page);
    assert!(reply.text.contains(&path), "{}", reply.text);
    let once = field(main_part(&reply), "once");
    let bare = dora.post(&path, &[("once", &once)]);
    assert_eq!(bare.status, 422);
    assert!(main_words(&bare).contains("Give a reason."));
    let form = [("once", once.as_str()), why[0]];
    for click in ["one", "two"] {
        let to = dora.post(&path, &form);
        assert_eq!(leads_to(&to), format!("{page}&said=aborted"), "{click}");
    }
    let text = main_words(&dora.get(&format!("{page}&said=aborted")));
    assert!(text.contains("the runner was lost"), "{text}");
    assert!(text.contains("Dora"), "{text}");
    assert!(!dora.get(&page).text.contains(&path), "it has ended");

    let next = start(&server, 200)["id"].clone();
    let mut end = deployment("1", "production", "completed");
    end["deployed_by"] = json!("lena");
    server.client.post("/deployment-events/", &end).expect(200);
    let next = next.as_str().unwrap();
    let late = dora.post(&format!("/manage/deployments/{next}/abort"), &why);
    assert_eq!(
        leads_to(&late),
        format!("/manage/deployments?view={next}&said=late")
    );
    let nothing = dora.post("/manage/deployments/none/abort", &why);
    assert_eq!(nothing.status, 404);
}

#[test]
fn whoever_has_approved_is_not_asked_again() {
    let server = Server::start();
    built(&server);
    let two = json!({ "required_approvals": 2 });
    rule(&server, "Four eyes", "release_approval", two);
    let mut ada = person(&server, "Ada", "admin");
    let mut tomas = person(&server, "Tomas", "admin");
    start(&server, 428);
    let form = form(&ada.get("/manage/approvals"));
    let yes = with(&form, &[("verdict", "approve"), ("comment", "")]);
    leads_to(&ada.post("/manage/approvals", &yes));
    let asked = |browser: &mut Browser| main_words(&browser.get("/manage/approvals"));
    assert!(asked(&mut ada).starts_with("Nothing waits for you"));
    let all = main_words(&ada.get("/manage/approvals?all=1"));
    assert!(all.contains("1 of 2 release approvals."), "{all}");
    assert!(
        all.contains("You have approved it; others do, too"),
        "{all}"
    );
    assert!(asked(&mut tomas).starts_with("1 waits for you"));
}

#[test]
fn what_waits_for_somebody_is_found_behind_what_waits_for_others() {
    const OTHERS: usize = 55;
    let server = Server::start();
    two_eyes(&server);
    let mut ada = person(&server, "Ada", "admin");
    let mut tomas = person(&server, "Tomas", "admin");
    for n in 0..=OTHERS {
        let product = format!("p{n}");
        let mut made = build("1", "completed");
        made["product_name"] = json!(product);
        server.client.post("/build-events/", &made).expect(200);
        let mut event = deployment("1", "production", "started");
        event["product_name"] = json!(product);
        event["deployed_by"] = json!("ada@example.com");
        if n == OTHERS {
            event["deployed_by"] = json!("lena@example.com");
        }
        server
            .client
            .post("/deployment-events/", &event)
            .expect(428);
    }
    let text = main_words(&ada.get("/manage/approvals"));
    assert!(text.starts_with("1 waits for you"), "{text}");
    assert!(text.contains("p55 1 for production"), "{text}");
    let page = tomas.get("/manage/approvals");
    let text = main_words(&page);
    assert!(text.starts_with("50 or more wait for you"), "{text}");
    assert!(text.contains("There is more"), "{text}");
    assert!(page.text.contains(">9+<"), "the navigation counts to nine");
    let text = main_words(&tomas.get("/manage/approvals?product=p55"));
    assert!(text.starts_with("1 waits for you"), "{text}");
}

#[test]
fn what_waits_for_somebody_is_approved_on_one_page() {
    let server = Server::start();
    let (mut ada, mut vera) = waiting(&server);
    let reply = ada.get("/manage/approvals");
    let text = main_words(&reply);
    assert!(text.starts_with("1 waits for you"), "{text}");
    assert!(text.contains("api 1 for production"), "{text}");
    assert!(text.contains("0 of 1 release approvals."), "{text}");
    assert!(text.contains("Deploys lena"), "{text}");
    assert!(text.contains("Approve 1 for production"), "{text}");
    let form = form(&reply);
    let text = main_words(&vera.get("/manage/approvals"));
    assert!(text.starts_with("Nothing waits for you"), "{text}");
    let text = main_words(&vera.get("/manage/approvals?all=1"));
    assert!(text.contains("Ada approves"), "{text}");
    assert!(!text.contains("Approve 1 for production"), "{text}");
    let yes = with(&form, &[("verdict", "approve"), ("comment", "")]);
    assert_eq!(vera.post("/manage/approvals", &yes).status, 403);
    let page = leads_to(&ada.post("/manage/approvals", &yes)).to_owned();
    let reply = ada.get(&page);
    let text = main_words(&reply);
    assert!(text.contains("Your approval is recorded."), "{text}");
    assert!(
        text.contains("api 1 production approved the release"),
        "{text}"
    );
    assert!(main_words(&vera.get(GATE)).contains("Yes: none of 2 rules holds it."));

    let html = main_part(&reply);
    let back = [
        ("version", field(html, "version")),
        ("approval", field(html, "approval")),
    ];
    let back: Vec<_> = back
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    assert_eq!(vera.post("/manage/approvals/withdraw", &back).status, 403);
    let page = leads_to(&ada.post("/manage/approvals/withdraw", &back)).to_owned();
    let text = main_words(&ada.get(&page));
    assert!(text.contains("Your answer is withdrawn."), "{text}");
    assert!(text.contains("does not stand any more"), "{text}");
    assert!(main_words(&ada.get(GATE)).contains("Not yet"));
    assert_eq!(ada.post("/manage/approvals/withdraw", &back).status, 409);
}

#[test]
fn a_refusal_needs_its_reason_and_holds_until_it_is_withdrawn() {
    let server = Server::start();
    let (mut ada, _) = waiting(&server);
    let form = form(&ada.get("/manage/approvals"));
    let bare = with(&form, &[("verdict", "refuse"), ("comment", "  ")]);
    let reply = ada.post("/manage/approvals", &bare);
    assert_eq!(reply.status, 422);
    let text = main_words(&reply);
    assert!(text.contains("Say why you refuse"), "{text}");
    assert!(reply.text.contains("aria-invalid=\"true\""));
    let no = with(
        &form,
        &[("verdict", "refuse"), ("comment", "Load test is missing")],
    );
    leads_to(&ada.post("/manage/approvals", &no));
    let text = main_words(&ada.get(GATE));
    assert!(
        text.contains("Refused by Ada: Load test is missing"),
        "{text}"
    );
    assert!(text.contains("Ada withdraws the refusal."), "{text}");
}

#[test]
fn the_matrix_leads_to_the_gate_and_to_the_approval() {
    let server = Server::start();
    let (mut ada, _) = waiting(&server);
    let reply = ada.get("/manage/");
    assert_eq!(cell(&reply, "api", "production"), "1 waits for approval");
    let page = ada.get(&link_in(row(&reply, "api"), "1 waits for approval"));
    assert!(
        main_words(&page).contains("1 waits for you"),
        "{}",
        main_words(&page)
    );
}
