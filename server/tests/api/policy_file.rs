//! `rules export` and `rules import`: policy that is kept in a file.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::policy::add;
use crate::process::PROGRAM;
use crate::support::Server;

/// A server, and a folder to keep its policy in.
struct Policy {
    server: Server,
    folder: TempDir,
}

impl Policy {
    fn begin() -> Policy {
        let policy = Policy {
            server: Server::start(),
            folder: TempDir::new().unwrap(),
        };
        // The program goes by the real time; what it changes must not be older than what was made here.
        policy.server.clock.set("2025-11-19T12:00:00Z");
        policy
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("rules.yaml")
    }

    fn run(&self, arguments: &[&str], file: Option<&Path>) -> (bool, String) {
        let output = Command::new(PROGRAM)
            .arg("rules")
            .args(arguments)
            .args(["--account", "local", "--data"])
            .arg(self.server.data.path())
            .args(file)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn export(&self) -> String {
        let (ok, text) = self.run(&["export"], None);
        assert!(ok, "{text}");
        text
    }

    /// Imports the text, which goes well.
    #[track_caller]
    fn import(&self, text: &str, options: &[&str]) -> String {
        let (ok, said) = self.try_import(text, options);
        assert!(ok, "{said}");
        said
    }

    fn try_import(&self, text: &str, options: &[&str]) -> (bool, String) {
        std::fs::write(self.file(), text).unwrap();
        let arguments = [&["import"], options].concat();
        self.run(&arguments, Some(&self.file()))
    }

    fn rules(&self) -> Vec<Value> {
        let rules = self.server.client.get("/deployment-rules/").expect(200);
        rules["items"].as_array().unwrap().clone()
    }

    fn log(&self) -> Vec<String> {
        let rows = self.server.client.get("/audit/?kind=rule").expect(200);
        let rows = rows["items"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["kind"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Rules of every type.
fn some_of_each(policy: &Policy) {
    let server = &policy.server;
    server
        .client
        .deploy("1", "staging", "completed")
        .expect(200);
    let window = json!({
        "recurrence": "weekly", "timezone": "America/Los_Angeles", "days": ["friday"],
        "start_time": "15:00", "end_time": "18:00",
    });
    add(server, "no_deploy_window", "Friday: \"no\" #1", window);
    add(
        server,
        "concurrency",
        "One, ’til done",
        json!({ "per": "environment" }),
    );
    add(
        server,
        "flow",
        "yes",
        json!({ "required_environments": ["staging"] }),
    );
    let soak = json!({ "environment": "staging", "soak_minutes": 60 });
    add(server, "soak_time", "Soak", soak);
    let quality = json!({ "required_environments": ["staging"], "required_approvals": 1 });
    add(server, "quality_approval", "Quality", quality);
    add(
        server,
        "release_approval",
        "Release",
        json!({ "required_approvals": 2 }),
    );
}

#[test]
fn what_is_exported_and_imported_again_changes_nothing() {
    let policy = Policy::begin();
    some_of_each(&policy);
    let (rules, text, log) = (policy.rules(), policy.export(), policy.log());
    let said = policy.import(&text, &["--remove-others"]);
    assert_eq!(said, "as they are already: 6\n");
    // Their identifiers, times and so their entity tags are the same, and the log says nothing new.
    assert_eq!(policy.rules(), rules);
    assert_eq!(policy.log(), log);
    assert_eq!(policy.export(), text);

    // Another account gets the same policy from it.
    let other = Policy::begin();
    let said = other.import(&text, &["--create"]);
    assert_eq!(said.matches("added: ").count(), 6, "{said}");
    assert_eq!(other.export(), text);
}

#[test]
fn a_check_says_what_would_change_and_changes_nothing() {
    let policy = Policy::begin();
    some_of_each(&policy);
    let rules = policy.rules();
    let log = policy.log();
    let text = policy
        .export()
        .replace("soak_minutes: 60", "soak_minutes: 30")
        .replace("name: Release", "name: Two people");
    let said = policy.import(&text, &["--check"]);
    assert_eq!(
        said,
        "would be added: Two people\n\
         would be changed: Soak (config)\n\
         not in the file, stays (--remove-others removes it): Release\n\
         as they are already: 4\n"
    );
    let said = policy.import(&text, &["--check", "--remove-others"]);
    assert!(said.contains("would be removed: Release\n"), "{said}");
    assert_eq!(policy.rules(), rules);
    assert_eq!(policy.log(), log);

    policy.import(
        &text,
        &["--remove-others", "--reason", "policy of November"],
    );
    let after = policy.rules();
    let by_name =
        |rules: &[Value], name: &str| rules.iter().find(|rule| rule["name"] == name).cloned();
    assert_eq!(by_name(&after, "Release"), None);
    let (before, soak) = (
        by_name(&rules, "Soak").unwrap(),
        by_name(&after, "Soak").unwrap(),
    );
    assert_eq!(soak["id"], before["id"]);
    assert_eq!(soak["created_at"], before["created_at"]);
    assert_eq!(soak["config"]["soak_minutes"], 30);
    assert_eq!(by_name(&after, "Quality"), by_name(&rules, "Quality"));
    assert_eq!(
        policy.log()[..3],
        ["rule.removed", "rule.added", "rule.changed"]
    );
    let rows = policy.server.client.get("/audit/?kind=rule").expect(200);
    let row = &rows["items"][2];
    assert_eq!(row["subject"], before["id"]);
    assert!(row["actor"].as_str().unwrap().starts_with("cli:"), "{row}");
    assert_eq!(row["changes"][0]["before"]["config"]["soak_minutes"], 60);
    assert_eq!(row["changes"][0]["reason"], "policy of November");
    assert_eq!(policy.import(&text, &[]), "as they are already: 6\n");
}

#[test]
fn an_override_is_no_policy_and_stays() {
    let policy = Policy::begin();
    let id = add(
        &policy.server,
        "release_approval",
        "Release",
        json!({ "required_approvals": 1 }),
    );
    let text = policy.export();
    let change = json!({ "override": {
        "status": "report_only", "until": "2025-11-20T12:00:00Z", "reason": "incident 7",
    }});
    let path = format!("/deployment-rules/{id}/");
    let client = &policy.server.client;
    client.request("PATCH", &path, &change).expect(200);
    assert_eq!(policy.export(), text);
    policy.import(
        &text.replace("required_approvals: 1", "required_approvals: 2"),
        &[],
    );
    let rule = client.get(&path).expect(200);
    assert_eq!(rule["effective_status"], "report_only");
    assert_eq!(rule["config"]["required_approvals"], 2);
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_nothing_is_imported() {
    let policy = Policy::begin();
    policy
        .server
        .client
        .deploy("1", "production", "completed")
        .expect(200);
    let rule = |rest: &str| {
        format!(
            "rules:\n- name: First\n  type: release_approval\n  config: {{required_approvals: 1}}\n\
             - name: Freeze\n  type: flow\n{rest}"
        )
    };
    let flow = "  config:\n    required_environments: [production]\n";
    for (text, line, what) in [
        (
            rule(&format!("  environments: [productio]\n{flow}")),
            7,
            "did you mean production?",
        ),
        (
            rule(&format!("{flow}  environment_names: []\n")),
            9,
            "environment_names",
        ),
        (rule(&format!("{flow}  status: off\n")), 9, "status"),
        (
            rule("  config:\n    required_environment: production\n"),
            8,
            "required_environment",
        ),
        (
            rule(&format!("{flow}  name: Again\n")),
            9,
            "name stands here again, after line 5",
        ),
        (
            rule(&format!("{flow}- name: freeze\n  type: flow\n{flow}")),
            9,
            "stands here again",
        ),
        (
            rule(&format!("{flow}  id: nobody\n")),
            9,
            "There is no rule nobody",
        ),
        (
            rule(&format!("{flow}  environments: [production]\n")),
            8,
            "require production itself",
        ),
        ("rules:\n- just text\n".to_owned(), 2, "object"),
        ("- name: First\n".to_owned(), 1, "object"),
        ("rules: {}\n".to_owned(), 1, "A list of rules"),
        ("rule: []\n".to_owned(), 1, "rule"),
        ("".to_owned(), 1, "object"),
        ("rules: [\n".to_owned(), 2, ""),
    ] {
        let (ok, said) = policy.try_import(&text, &[]);
        let place = format!("{}:{line}: ", policy.file().display());
        let told = said
            .lines()
            .any(|told| told.contains(&place) && told.contains(what));
        assert!(!ok && told, "{text}{said}");
        assert_eq!(policy.rules().len(), 0, "{text}{said}");
    }
    // Everything that is wrong is told at once.
    let text = rule("  config: {}\n  state: enabled\n- name: Third\n");
    let (_, said) = policy.try_import(&text, &[]);
    for line in [7, 8, 9] {
        assert!(said.contains(&format!(":{line}: ")), "{line}: {said}");
    }
    let (ok, said) = policy.run(&["import"], Some(Path::new("/nowhere/rules.yaml")));
    assert!(!ok && said.contains("/nowhere/rules.yaml"), "{said}");
}

#[test]
fn rules_with_one_name_are_told_apart_by_their_ids() {
    let policy = Policy::begin();
    let first = add(
        &policy.server,
        "release_approval",
        "Twice",
        json!({ "required_approvals": 1 }),
    );
    let second = add(
        &policy.server,
        "release_approval",
        "twice",
        json!({ "required_approvals": 2 }),
    );
    let text = policy.export();
    assert!(text.contains(&first) && text.contains(&second), "{text}");
    assert_eq!(
        policy.import(&text, &["--remove-others"]),
        "as they are already: 2\n"
    );
    let nameless: String = text
        .lines()
        .filter(|line| !line.contains(&second))
        .collect::<Vec<_>>()
        .join("\n");
    let nameless = nameless.replace("    name: twice", "  - name: twice");
    let (ok, said) = policy.try_import(&nameless, &[]);
    assert!(
        !ok && said.contains(&format!(
            "2 rules are called twice; say which by its id: {first}, {second}"
        )),
        "{said}"
    );
    let again = text.replace(&second, &first);
    let (ok, said) = policy.try_import(&again, &[]);
    assert!(!ok && said.contains("stands here again"), "{said}");
}

#[test]
fn a_name_from_before_is_the_present_one_and_a_new_product_is_told() {
    let policy = Policy::begin();
    let client = &policy.server.client;
    client.deploy("1", "staging", "completed").expect(200);
    let flow = json!({ "required_environments": ["staging"] });
    add(&policy.server, "flow", "Flow", flow);
    let text = policy.export();
    let environments = client.get("/environments/").expect(200)["items"].clone();
    let staging = environments
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "staging");
    let path = format!(
        "/environments/{}/",
        staging.unwrap()["id"].as_str().unwrap()
    );
    client
        .request("PATCH", &path, &json!({ "name": "pre-production" }))
        .expect(200);
    let said = policy.import(&text, &[]);
    assert!(
        said.contains("staging is called pre-production now"),
        "{said}"
    );
    assert!(said.contains("as they are already: 1\n"), "{said}");
    let said = policy.import(
        &policy
            .export()
            .replace("products: []", "products: [storefront]"),
        &["--check"],
    );
    assert!(
        said.contains("There is no product storefront yet"),
        "{said}"
    );
    assert!(said.contains("would be changed: Flow (products)"), "{said}");
}

#[test]
fn rules_of_a_file_that_wait_for_each_other_are_refused_together() {
    let policy = Policy::begin();
    let flow = |name: &str, of: &str, required: &str| {
        format!(
            "- name: {name}\n  type: flow\n  environments: [{of}]\n  config:\n    \
             required_environments: [{required}]\n"
        )
    };
    let text = format!(
        "rules:\n{}{}",
        flow("a", "staging", "production"),
        flow("b", "production", "staging")
    );
    let (ok, said) = policy.try_import(&text, &["--create"]);
    assert!(
        !ok && said.contains(":5: config: Together with the other flow rules"),
        "{said}"
    );
    assert_eq!(
        policy.server.client.get("/environments/").expect(200)["items"],
        json!([])
    );
    // Both of them together are turned around, which one after the other would be a circle.
    let (one, two) = (
        flow("a", "staging", "qa"),
        flow("b", "production", "staging"),
    );
    policy.import(&format!("rules:\n{one}{two}"), &["--create"]);
    let (one, two) = (
        flow("a", "staging", "production"),
        flow("b", "production", "qa"),
    );
    let said = policy.import(&format!("rules:\n{one}{two}"), &[]);
    assert_eq!(said.matches("changed: ").count(), 2, "{said}");
}

#[test]
fn a_check_makes_no_environment() {
    let policy = Policy::begin();
    let text = "rules:\n- name: Two\n  type: release_approval\n  environments: [production]\n  config:\n    required_approvals: 2\n";
    policy.import(text, &["--check", "--create"]);
    assert_eq!(
        policy.server.client.get("/environments/").expect(200)["items"],
        json!([])
    );
    policy.import(text, &["--create"]);
    policy
        .server
        .client
        .deploy("1", "production", "started")
        .detail(428);
}
