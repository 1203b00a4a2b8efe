//! What GitHub tells of several runs, in any order and some of it twice: it ends in the same state.

use serde_json::{Value, json};

use crate::sources::{Sender, over};
use crate::support::Server;

const REPOSITORY: &str = "acme/shop";
/// So many orders are tried beside that in which things happened.
const ORDERS: u64 = 12;

/// A delivery: its event, what tells it from others, and its body.
type Delivery = (&'static str, String, Value);

fn repository() -> Value {
    json!({ "name": "shop", "full_name": REPOSITORY })
}

fn run(id: u64, attempt: u64) -> Value {
    json!({
        "id": id, "run_attempt": attempt, "run_number": 3, "name": "deploy", "head_branch": "main",
        "path": ".github/workflows/deploy.yml", "head_sha": sha(id), "actor": { "login": "ada" },
    })
}

fn sha(id: u64) -> String {
    format!("{id:040x}")
}

/// A deployment as GitHub tells of it, from when it is asked for until it ends; `run` is null for one that
/// was made by API.
fn deployment(id: u64, commit: u64, run: &Value, minute: u64, states: &[&str]) -> Vec<Delivery> {
    let at = |number: usize| format!("2025-11-19T10:{minute:02}:{number:02}Z");
    let mut body = json!({
        "action": "created",
        "deployment": {
            "id": id, "sha": sha(commit), "ref": "main", "environment": "production",
            "creator": { "login": "ada" }, "payload": {}, "created_at": at(0),
        },
        "workflow_run": run, "repository": repository(),
    });
    let mut all = vec![("deployment", format!("{id}"), body.clone())];
    for (number, state) in states.iter().enumerate() {
        body["deployment_status"] = json!({
            "id": number, "state": state, "environment": "production", "created_at": at(number + 1),
        });
        all.push(("deployment_status", format!("{id}-{number}"), body.clone()));
    }
    all
}

fn workflow(run: &Value, action: &str, conclusion: &str, minute: u64) -> Delivery {
    let mut run = run.clone();
    let at = format!("2025-11-19T10:{minute:02}:30Z");
    for name in ["created_at", "run_started_at", "updated_at"] {
        run[name] = json!(at);
    }
    run["conclusion"] = json!(conclusion);
    let key = format!("{}-{}-{action}", run["id"], run["run_attempt"]);
    let body = json!({ "action": action, "workflow_run": run, "repository": repository() });
    ("workflow_run", key, body)
}

/// A build; a run that fails and is started again under its number; one that is cancelled while it deploys;
/// another one that nothing is told of any more; a deployment that was made by API; and a release.
fn story() -> Vec<Delivery> {
    let mut build = run(40, 1);
    build["name"] = json!("build");
    let mut all = vec![
        workflow(&build, "requested", "", 0),
        workflow(&build, "in_progress", "", 1),
        workflow(&build, "completed", "success", 2),
    ];
    for (attempt, minute, states, conclusion) in [
        (1, 10, ["queued", "in_progress", "failure"], "failure"),
        (2, 20, ["waiting", "in_progress", "success"], "success"),
    ] {
        let run = run(42, attempt);
        all.extend(deployment(500 + attempt, 42, &run, minute, &states));
        all.push(workflow(&run, "completed", conclusion, minute + 1));
    }
    let cancelled = run(43, 1);
    all.extend(deployment(
        503,
        43,
        &cancelled,
        30,
        &["queued", "in_progress"],
    ));
    all.push(workflow(&cancelled, "completed", "cancelled", 31));
    let inactive = ["success", "inactive"];
    all.extend(deployment(504, 44, &Value::Null, 40, &inactive));
    let published = json!({
        "action": "published", "repository": repository(),
        "release": {
            "tag_name": "v2.0.0", "target_commitish": sha(45), "published_at": "2025-11-19T10:50:00Z",
        },
    });
    all.push(("release", "release".to_owned(), published));
    all
}

/// Numbers below `end` that look like chance and are the same each time, by SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut state = self.0;
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((state ^ (state >> 31)) % end as u64) as usize
    }

    /// The deliveries in another order, some of them twice or more.
    fn shuffled(&mut self, all: &[Delivery]) -> Vec<Delivery> {
        let mut shuffled: Vec<Delivery> = Vec::new();
        for delivery in all {
            for _ in 0..=self.below(3) {
                let at = self.below(shuffled.len() + 1);
                shuffled.insert(at, delivery.clone());
            }
        }
        shuffled
    }
}

/// What became of everything, without what names the rows.
fn state(server: &Server, product: &str) -> Value {
    let list = |path: &str, names: &[&str]| {
        let path = format!("/{path}/?product={product}&limit=100");
        let items = server.client.get(&path).expect(200)["items"].clone();
        let shown = |item: &Value| -> Vec<String> {
            names.iter().map(|name| item[*name].to_string()).collect()
        };
        let mut shown: Vec<_> = items.as_array().unwrap().iter().map(shown).collect();
        shown.sort();
        shown
    };
    json!({
        "deployments": list("deployments", &[
            "version", "status", "environment_name", "started_at", "deployed_at", "ended_by", "gate",
            "scm_sha", "deployed_by",
        ]),
        "builds": list("builds", &["version", "status", "started_at", "completed_at", "scm_sha"]),
        "versions": list("versions", &["version"]),
    })
}

/// Lets everything come, and then the time pass after which a run leaves nothing in progress.
fn told(server: &Server, number: u64, deliveries: &[Delivery]) -> Value {
    let product = format!("shop-{number}");
    let settings = json!({ "product": product, "workflows": ["build"] });
    let github = Sender::new(server, "github", settings);
    for (event, id, body) in deliveries {
        let row = github.became(&github.github(event, id, body));
        let is_known = ["done", "ignored"]
            .iter()
            .any(|state| row["state"] == *state);
        assert!(is_known, "{event} {id}: {row}");
    }
    runs_end(server);
    state(server, &product)
}

fn runs_end(server: &Server) {
    server.clock.advance(3);
    let waiting = server.client.get("/queue/?state=waiting&limit=500");
    for row in waiting.expect(200)["items"].as_array().unwrap() {
        let row = over(server, row["id"].as_str().unwrap());
        assert_eq!(row["state"], "done", "{row}");
    }
}

#[test]
fn every_order_of_what_github_tells_of_several_runs_ends_in_the_same_state() {
    let server = Server::start();
    let story = story();
    let expected = told(&server, 0, &story);
    let of = |status: &str| {
        let all = expected["deployments"].as_array().unwrap().iter();
        all.filter(|one| one[1] == format!("{status:?}")).count()
    };
    assert_eq!(
        ["completed", "failed", "aborted"].map(of),
        [2, 1, 1],
        "{expected:#}"
    );
    for number in 1..=ORDERS {
        let order = Chance(number).shuffled(&story);
        let names: Vec<&str> = order.iter().map(|(_, id, _)| id.as_str()).collect();
        let ended = told(&server, number, &order);
        assert_eq!(ended, expected, "order {number}: {names:?}");
    }
}
