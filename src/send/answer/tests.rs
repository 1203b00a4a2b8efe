//! What answers of every form come to.

use proptest::prelude::*;

use super::*;
use crate::model::kind::Code;

/// JSON of any shape, with the keys that mean something more often than not.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("detail"),
        Just("message"),
        Just("error"),
        Just("code"),
        Just("details"),
        Just("rule_name"),
        Just("retry_after"),
        Just("loc"),
        Just("msg"),
        Just("id"),
        Just("status"),
        Just("extra_metadata"),
        Just("preflight_status"),
        Just("rules_evaluated"),
        Just("evaluation_result"),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        json().prop_map(|value| value.to_string()),
        "<[a-z!/]{0,8}>?.{0,40}(<script|<style|</)?.{0,40}",
        any::<String>(),
    ]
}

fn outcome_of(status: u16, body: &str, sent_status: &str) -> Outcome {
    let answer = Answer {
        status,
        body: body.to_owned(),
        ..Answer::default()
    };
    let key = Secret::new("sk_acct_k1_secretsecret");
    answer.into_outcome(EventKind::Deployment, sent_status, &key)
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn the_status_line_decides(status in 200..600_u16, body in body()) {
        let outcome = outcome_of(status, &body, "started");
        match status {
            200..=299 => prop_assert!(outcome.code != Code::Error),
            409 | 423 | 428 => prop_assert_eq!(outcome.code, Code::Rejected),
            _ => prop_assert_eq!(outcome.code, Code::ApiError),
        }
        prop_assert_eq!(outcome.kind.code(), outcome.code);
        prop_assert_eq!(outcome.recorded, outcome.code == Code::Ok);
    }

    #[test]
    fn whatever_is_answered_every_text_is_clean(status in 200..600_u16, body in body()) {
        let outcome = outcome_of(status, &body, "completed");
        let text = outcome.text();
        prop_assert!(!outcome.message.is_empty());
        prop_assert!(!text.is_empty() && !text.ends_with('\n'), "{:?}", text);
        let json = outcome.to_json();
        for text in texts(&json) {
            let steers = |character: char| character.is_control() && !"\n\t".contains(character);
            prop_assert!(!text.contains(steers), "{:?}", text);
        }
    }
}

#[test]
fn a_success_is_claimed_only_on_the_service_s_own_answer() {
    let recorded = r#"{"id": "e1"}"#;
    let failed = r#"{"id": "e1", "status": "preflight_failed"}"#;
    for (status, body, sent, kind) in [
        (200, recorded, "started", Kind::Ok),
        (201, r#"{"id": 7}"#, "started", Kind::Ok),
        (202, recorded, "started", Kind::Ok),
        (200, "<html>Sign in</html>", "completed", Kind::Http),
        (200, "", "completed", Kind::Http),
        (204, "", "completed", Kind::Http),
        (200, "[]", "completed", Kind::Http),
        (200, "{}", "completed", Kind::Http),
        (200, r#"{"id": " "}"#, "completed", Kind::Http),
        (200, r#"{"id": null}"#, "completed", Kind::Http),
        (202, "{}", "started", Kind::Http),
        (202, "", "completed", Kind::Http),
        (200, failed, "started", Kind::Rejected),
        (200, failed, "completed", Kind::Ok),
    ] {
        let outcome = outcome_of(status, body, sent);
        assert_eq!(outcome.kind, kind, "{status} {body}: {}", outcome.message);
    }
}

#[test]
fn what_is_taken_but_not_recorded_says_so() {
    let outcome = outcome_of(202, "{}", "completed");
    assert_eq!((outcome.code, outcome.recorded), (Code::Ok, false));
    assert_eq!(outcome.status, "accepted");
    assert_eq!(outcome.warnings[0].kind, WarningKind::Accepted);
}

#[test]
fn a_failed_preflight_names_the_rule_that_forbids() {
    let body = r#"{"id": "e1", "status": "PREFLIGHT_FAILED", "extra_metadata":
        {"preflight_status": {"rules_evaluated": [
            {"rule_name": "Soak", "status": "report_only", "evaluation_result": "failed"},
            {"rule_name": "Flow", "status": "enabled", "evaluation_result": "failed",
             "error_message": "not in staging"}]}}}"#;
    let outcome = outcome_of(201, body, "started");
    let rejection = outcome.rejection.expect("a rejection");
    assert_eq!(rejection.rule, "Flow");
    assert_eq!(outcome.message, "not in staging");
}

#[test]
fn many_violated_rules_are_counted() {
    let rule = r#"{"rule_name":"r","status":"report_only","evaluation_result":"fail"}"#;
    let rules = vec![rule; 1_000].join(",");
    let body = format!(
        r#"{{"id":"e1","extra_metadata":{{"preflight_status":{{"rules_evaluated":[{rules}]}}}}}}"#
    );
    let outcome = outcome_of(200, &body, "started");
    assert_eq!(outcome.warnings.len(), MAX_VIOLATIONS + 1);
    assert!(outcome.warnings[MAX_VIOLATIONS].message.starts_with("980 "));
}

#[test]
fn a_short_key_does_not_damage_the_answer() {
    for key in ["code", "id", "e"] {
        let answer = Answer {
            status: 428,
            body: r#"{"code":"FLOW_VIOLATION","message":"no"}"#.to_owned(),
            ..Answer::default()
        };
        let outcome = answer.into_outcome(EventKind::Deployment, "started", &Secret::new(key));
        assert_eq!(outcome.kind, Kind::FlowViolation, "{key}");
    }
}

#[test]
fn the_key_is_hidden_however_it_is_written() {
    for key in [
        "sk_acct_k1_secretsecret",
        r"sk_acct_k1_\u0073ecretsecret",
        r"sk_acct_k1_\u200bsecretsecret",
    ] {
        let padding = "x".repeat(3_990);
        let body = format!(r#"{{"detail":"{padding}{key}","code":"{key}","{key}":1}}"#);
        for status in [400, 428] {
            let shown = outcome_of(status, &body, "started").to_json().to_string();
            assert!(!shown.contains("sk_acct"), "{shown}");
        }
    }
}

#[test]
fn a_large_rejection_is_told_in_some_kilobytes() {
    let deep = format!(
        "{}{}{}",
        "[".repeat(100),
        "0,".repeat(400_000) + "0",
        "]".repeat(100)
    );
    let body =
        format!(r#"{{"detail":{{"code":"{deep}","message":"{deep}","details":{{"a":{deep}}}}}}}"#);
    let outcome = outcome_of(428, &body, "started");
    assert!(outcome.text().len() < 20_000);
    assert!(
        outcome
            .text()
            .ends_with("(the rest of the details is left out)")
    );
    assert!(outcome.rejection.expect("a rejection").details.is_some());
}

#[test]
fn details_are_cut_between_characters() {
    for name in ["a", "ab"] {
        let body = format!(
            r#"{{"code":"X","details":{{"{name}":"{}"}}}}"#,
            "é".repeat(10_000)
        );
        let text = outcome_of(428, &body, "started").text();
        assert!(text.contains("é\n… (the rest"), "{text}");
    }
}
