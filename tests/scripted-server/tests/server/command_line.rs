//! What the command line did wrong is seen in its exit code, its streams and its files.

use crate::support::{KEY, differences, server, start};
use serde_json::{Value, json};

const BLOCK: &str = "⚠️  Deployment Conflict\n\nWait.";

fn found(members: &Value, exit_code: i32, stdout: &str, stderr: &str) -> Vec<String> {
    let server = server(members);
    let start = start(&server, "cli");
    let result = json!({"exit_code": exit_code, "stdout": stdout, "stderr": stderr});
    differences(&server, &start, &result)
}

#[test]
fn a_block_stands_on_the_stream_of_its_outcome() {
    let rejected = json!({"expect": {"code": 5, "text": BLOCK, "message": "Wait."}});
    assert!(found(&rejected, 5, "", &format!("warning: old\n{BLOCK}\n")).is_empty());
    assert_eq!(
        found(&rejected, 5, &format!("{BLOCK}\n"), "Wait.\n").len(),
        1
    );
    assert_eq!(found(&rejected, 5, "", &format!("> {BLOCK}\n")).len(), 1);
    let recorded = json!({"expect": {"code": 0, "text": "✓ done", "message": "not shown"}});
    assert!(found(&recorded, 0, "✓ done\n", "").is_empty());
    assert_eq!(found(&recorded, 0, "", "✓ done\n").len(), 1);
}

#[test]
fn the_exit_code_is_the_code() {
    let found = found(&json!({"expect": {"code": 4}}), 1, "", "");
    assert_eq!(found, ["exit_code: expected 4, but was 1"]);
}

#[test]
fn messages_and_warnings_stand_on_standard_error() {
    let case = json!({"expect": {
        "code": 0,
        "recorded": false,
        "message_contains": ["503"],
        "warnings": [{"kind": "not_recorded", "message_contains": ["not recorded"]}],
        "cli": {"stderr_contains": ["::warning"], "stdout_contains": ["note"]},
    }});
    assert!(found(&case, 0, "note", "::warning::not recorded: HTTP 503").is_empty());
    assert_eq!(
        found(&case, 0, "::warning::not recorded: HTTP 503", "note").len(),
        4
    );
}

#[test]
fn what_is_not_recorded_claims_no_success() {
    let case = json!({"expect": {"code": 0, "recorded": false}});
    let found = found(&case, 0, "✓ Build event tracked successfully", "");
    assert!(found.concat().contains("claims success"), "{found:?}");
}

#[test]
fn a_key_on_any_stream_is_seen() {
    let case = json!({"expect": {"code": 0}});
    for (stdout, stderr) in [(KEY, ""), ("", KEY)] {
        assert_eq!(
            found(&case, 0, stdout, stderr),
            ["an API key shows in the result"]
        );
    }
}

#[test]
fn files_that_should_exist_are_read() {
    let written = |text: &str| {
        json!({
            "files": {"summary.md": text},
            "expect": {"code": 0, "cli": {"files": {"summary.md": ["## One", "two"]}}},
        })
    };
    assert!(found(&written("## One\ntwo"), 0, "", "").is_empty());
    assert_eq!(found(&written("## One"), 0, "", "").len(), 1);
    let exact = json!({
        "files": {"out": "a=1\n"},
        "expect": {"code": 0, "cli": {"files": {"out": "a=2\n", "other": "x"}}},
    });
    let found = found(&exact, 0, "", "");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("file out: expected"), "{found:?}");
    assert!(
        found[1].starts_with("file other: cannot be read"),
        "{found:?}"
    );
}
