//! What Prometheus is shown.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::Process;
use crate::support::Client;

const RULES: &str = include_str!("../../prometheus-rules.yml");

#[test]
fn every_figure_that_a_rule_asks_for_is_shown_and_no_key_is() {
    let data = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_versioner-server"));
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data.path());
    let server = Process::spawn_with(command, Stdio::null());
    let key = server.first_key.clone().unwrap();
    let client = Client::new(&server.url, &key);
    client.deploy("1", "production", "started").expect(200);
    client.get(&format!("/commits/{key}/"));
    let _ = client.try_send("BREW", "/state/", &[], b"");
    Client::new(&server.url, "sk_local_k1_wrong")
        .get("/state/")
        .detail(401);

    let metrics = server.metrics.clone().expect("an address for metrics");
    let nobody = Client::new(metrics.trim_end_matches("/metrics"), "");
    let shown = nobody.try_send("GET", "/metrics", &[], b"").unwrap().text;
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        let ours = words.filter(|word| word.starts_with("versioner_"));
        ours.map(str::to_owned).collect()
    };
    let asked = words(RULES);
    assert!(asked.len() > 5, "{asked:?}");
    // There is no certificate here; see `tls`.
    for figure in asked
        .iter()
        .filter(|figure| !figure.contains("certificate"))
    {
        assert!(words(&shown).contains(figure), "{figure} in\n{shown}");
    }
    assert!(shown.contains("versioner_ready 1"), "{shown}");
    assert!(shown.contains(r#"method="other""#), "{shown}");
    assert!(shown.contains(r#"route="/commits/{id}/""#), "{shown}");
    assert!(!shown.contains(&key), "the key is shown");
    // The service itself has no such page.
    client.get("/metrics").detail(404);
}
