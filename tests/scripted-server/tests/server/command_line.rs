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
    assert!(found(&rejected, 5, "", &format!("note: old\n{BLOCK}\n")).is_empty());
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
        "cli": {"stderr_contains": ["[warning]"], "stdout_contains": ["note"]},
    }});
    let warning = "warning: not recorded: HTTP 503\n[warning]";
    assert!(found(&case, 0, "note", warning).is_empty());
    assert_eq!(found(&case, 0, warning, "note").len(), 5);
}

#[test]
fn warnings_are_counted() {
    let case = json!({"expect": {
        "code": 0,
        "warnings": [{"kind": "report_only", "message_contains": ["soak"]}],
        "cli": {"warnings": ["deprecated"]},
    }});
    let both = "warning: --api-key shows in process lists\nwarning: soak\nwarning: deprecated";
    assert!(found(&case, 0, "", both).is_empty());
    for (stderr, what) in [
        ("warning: soak\ndeprecated", "expected 2 warnings"),
        ("warning: soak\nwarning: other", "expected \"deprecated\""),
        (&format!("{both}\nwarning: more"), "expected 2 warnings"),
    ] {
        let found = found(&case, 0, "", stderr);
        assert!(found.concat().contains(what), "{found:?}");
    }
}

#[test]
fn what_must_not_show_is_seen() {
    let lacks = |name: &str| json!({"expect": {"code": 0, "cli": {name: ["odd"]}}});
    assert!(found(&lacks("stdout_lacks"), 0, "a", "odd b").is_empty());
    assert_eq!(found(&lacks("stdout_lacks"), 0, "odd a", "b").len(), 1);
    assert_eq!(found(&lacks("stderr_lacks"), 0, "a", "odd b").len(), 1);
    let anywhere = json!({"expect": {"code": 0, "lacks": ["odd"]}});
    assert_eq!(found(&anywhere, 0, "odd a", "odd b").len(), 2);
    let exact = json!({"expect": {"code": 0, "cli": {"stdout": "a\n", "stderr": ""}}});
    assert!(found(&exact, 0, "a\n", "").is_empty());
    assert_eq!(found(&exact, 0, "a", "b").len(), 2);
}

#[test]
fn files_may_have_to_lack_something_or_to_be_absent() {
    let with = |expected: Value| json!({"files": {"out": "a=1\n"}, "expect": {"code": 0, "cli": {"files": expected}}});
    let right = json!({"out": {"contains": ["a=1"], "lacks": ["b="]}, "other": {"absent": true}});
    assert!(found(&with(right), 0, "", "").is_empty());
    let wrong = json!({"out": {"absent": true}});
    assert_eq!(found(&with(wrong), 0, "", "").len(), 1);
    let wrong = json!({"out": {"contains": ["b"], "lacks": ["a"]}});
    assert_eq!(found(&with(wrong), 0, "", "").len(), 2);
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
fn what_a_terminal_or_a_ci_system_would_obey_is_seen() {
    let outside = json!({"expect": {"code": 0}});
    let github = json!({"environment": {"GITHUB_ACTIONS": "true"}, "expect": {"code": 0}});
    for text in [
        "a\n  ::add-mask::x",
        "x ##vso[task.setvariable]",
        "\u{1b}[31m",
        "\u{202e}",
    ] {
        for case in [&outside, &github] {
            assert_eq!(found(case, 0, text, "").len(), 1, "{text:?}");
            assert_eq!(found(case, 0, "", text).len(), 1, "{text:?}");
        }
    }
    assert!(found(&github, 0, "::error title=a::b\na::b", "").is_empty());
    assert_eq!(found(&outside, 0, "::error title=a::b", "").len(), 1);
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
