//! One deployment, one version, one product, one environment.

use serde_json::{Value, json};

use crate::pages::{leads_to, person};
use crate::pages_read::{link, main_words, row, words};
use crate::support::{Server, build, deployment};

const SHA: &str = "4f1c2b7e9d3a5f6001234567890abcdef0123456";

fn tell(server: &Server, event: &Value) -> Value {
    server.client.post("/deployment-events/", event).json()
}

/// A deployment that was blocked twice, approved, started and failed.
fn failed(server: &Server) -> String {
    let rule = json!({
        "name": "Two eyes", "type": "release_approval", "environments": ["production"],
        "create": true, "config": { "required_approvals": 1, "keys": true, "exclude_deployer": false },
    });
    server.client.post("/deployment-rules/", &rule).expect(201);
    let mut built = build("1.4.0", "completed");
    built["scm_sha"] = json!(SHA);
    server.client.post("/build-events/", &built).expect(200);
    let mut event = deployment("1.4.0", "production", "started");
    event["invoke_id"] = json!("8790");
    event["source_system"] = json!("gitlab");
    event["deployed_by"] = json!("lena");
    event["scm_sha"] = json!(SHA);
    event["scm_repository"] = json!("https://gitlab.example/shop/api");
    event["scm_branch"] = json!("main");
    event["deploy_url"] = json!("https://ci.example/8790");
    event["extra_metadata"] = json!({ "change": "CHG-20411" });
    let refused = tell(server, &event);
    let id = refused["details"]["deployment_id"]
        .as_str()
        .unwrap()
        .to_owned();
    server.clock.advance(1);
    tell(server, &event);
    server.clock.advance(10);
    let read = server
        .client
        .get(&format!("/deployments/{id}/"))
        .expect(200);
    let approvals = format!(
        "/versions/{}/approvals/",
        read["version_id"].as_str().unwrap()
    );
    let approval = json!({
        "type": "release", "environment": "production", "approved_by": "mira",
        "comment": "Read the diff",
    });
    server.client.post(&approvals, &approval).expect(201);
    server.clock.advance(60);
    event["status"] = json!("started");
    assert_eq!(tell(server, &event)["status"], "started");
    server.clock.advance(7);
    event["status"] = json!("failed");
    event["extra_metadata"]["vi_exit_code"] = json!(1);
    tell(server, &event);
    id
}

#[test]
fn a_deployment_tells_its_whole_story() {
    let server = Server::start();
    let id = failed(&server);
    let mut browser = person(&server, "Vera", "viewer");
    server.clock.advance(20);
    let reply = browser.get(&format!("/manage/deployments?view={id}"));
    let words = main_words(&reply);
    for expected in [
        "api 1.4.0 to production",
        "failed 20 min ago",
        "Wednesday 19 November",
        "12:00 Start blocked by Two eyes",
        "asked 2 times, last at 12:01",
        "12:11 mira approved the release for production : “Read the diff”",
        "13:11 Started by key k1",
        "13:18 Failed , took 7 min",
        "exit code 1",
        "Deployed by lena",
        "Run gitlab 8790",
        "on main",
        "Took 7 min",
        "CHG-20411",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    assert!(!words.contains("preflight_status"), "{words}");
    assert_eq!(link(&reply, "gitlab 8790"), "https://ci.example/8790");
    assert_eq!(
        link(&reply, "4f1c2b7e9d3a"),
        format!("https://gitlab.example/shop/api/-/commit/{SHA}")
    );
    assert!(reply.text.contains("rel=\"noopener noreferrer nofollow\""));
    let gate = link(&reply, "Can it go elsewhere?");
    assert_eq!(gate, "/manage/gate?product=api&version=1.4.0");
}

#[test]
fn links_that_clients_print_lead_to_their_pages() {
    let server = Server::start();
    let mut browser = person(&server, "Vera", "viewer");
    let told = tell(&server, &deployment("1", "production", "completed"));
    let id = |key: &str| told[key].as_str().unwrap().to_owned();
    let version = id("version_id");
    for path in [
        format!("/manage/versions?view={version}"),
        format!("/manage/catalog?tab=versions&view={version}"),
    ] {
        let words = main_words(&browser.get(&path));
        assert!(words.contains("api 1 It runs in 1 environment"), "{words}");
    }
    assert_eq!(
        leads_to(&browser.get("/manage/deployments")),
        "/manage/history"
    );
    for path in [
        "/manage/deployments?view=nothing",
        "/manage/versions?view=nothing",
        "/manage/products?view=nothing",
        "/manage/environments?view=nothing",
        "/manage/versions",
    ] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_version_says_where_it_runs_and_who_approved_it() {
    let server = Server::start();
    failed(&server);
    tell(&server, &deployment("1.4.0", "staging", "completed"));
    let mut browser = person(&server, "Vera", "viewer");
    let reply = browser.get("/manage/versions?product=api&version=1.4.0");
    let words = main_words(&reply);
    for expected in [
        "api 1.4.0",
        "It runs in 1 environment",
        "staging 1.4.0",
        "mira approved the release for production",
        "Builds",
        "4f1c2b7e9d3a",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let gate = browser.get(&link(&reply, "Where can it go?"));
    assert!(main_words(&gate).contains("Where can api 1.4.0 go?"));
}

#[test]
fn a_product_and_an_environment_have_pages_of_their_own() {
    let server = Server::start();
    let rule = json!({
        "name": "Always closed", "type": "flow", "environments": ["production"], "create": true,
        "status": "report_only", "config": { "required_environments": ["staging"] },
    });
    let mut made = rule.clone();
    made["create"] = json!(true);
    server.client.post("/deployment-rules/", &made).expect(201);
    tell(&server, &deployment("1", "production", "completed"));
    let told = tell(&server, &deployment("2", "staging", "failed"));
    let mut browser = person(&server, "Vera", "viewer");
    let product = format!(
        "/manage/products?view={}",
        told["product_id"].as_str().unwrap()
    );
    let reply = browser.get(&product);
    let text = main_words(&reply);
    assert!(text.contains("What runs where"), "{text}");
    assert!(words(row(&reply, "production")).contains("1"), "{text}");
    assert!(
        words(row(&reply, "staging")).contains("nothing yet"),
        "{text}"
    );
    assert!(text.contains("Newest versions"), "{text}");
    let environment = told["environment_id"].as_str().unwrap();
    let reply = browser.get(&format!("/manage/environments?view={environment}"));
    let text = main_words(&reply);
    assert!(text.contains("staging") && text.contains("api 2"), "{text}");
    let matrix = browser.get("/manage/");
    let reply = browser.get(&link(&matrix, "production"));
    assert!(
        main_words(&reply).contains("Always closed , report only"),
        "{}",
        main_words(&reply)
    );
}

#[test]
fn what_is_sent_stays_text() {
    let server = Server::start();
    let mut event = deployment("1", "production", "failed");
    let hostile = "</code><script>alert(1)</script>\u{202e}";
    event["deployed_by"] = json!("<img src=x onerror=alert(1)>");
    event["deploy_url"] = json!("javascript:alert(1)");
    event["scm_repository"] = json!("javascript://x/%0aalert(1)");
    event["scm_sha"] = json!(SHA);
    event["extra_metadata"] = json!({ "note": hostile, "vi_exit_code": "<b>" });
    let id = tell(&server, &event)["id"].as_str().unwrap().to_owned();
    let mut browser = person(&server, "Vera", "viewer");
    for path in [
        format!("/manage/deployments?view={id}"),
        "/manage/history".to_owned(),
        "/manage/versions?product=api&version=1".to_owned(),
    ] {
        let reply = browser.get(&path);
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(
            reply.text.matches("<script").count(),
            1,
            "{path}: the module alone"
        );
        for never in ["<img", "<b>", "href=\"javascript", "\u{202e}"] {
            assert!(!reply.text.contains(never), "{path}: {never}");
        }
    }
}
