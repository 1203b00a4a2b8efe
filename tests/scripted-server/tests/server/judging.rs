//! What is wrong is seen, in requests and in results; what is right passes.

use crate::support::{KEY, Post, differences, good_result, server, start};
use serde_json::{Value, json};

/// The only difference of a run with these requests.
fn only_difference(members: &Value, posts: impl Fn(Post) -> Vec<Post>) -> String {
    let server = server(members);
    let start = start(&server, "rust");
    for post in posts(Post::right(&start)) {
        post.send(&server);
    }
    let found = differences(&server, &start, &good_result());
    assert_eq!(found.len(), 1, "{found:?}");
    found.concat()
}

#[test]
fn a_right_run_passes() {
    let server = server(&json!({"expect": {
        "code": 0,
        "kind": "ok",
        "attempts": 1,
        "requests": [{
            "body": {"version": "1", "product_name": "api", "status": "completed"},
            "headers": {"Content-Type": "application/json", "Cookie": null},
        }],
    }}));
    let start = start(&server, "rust");
    let answer = Post::right(&start).send(&server);
    assert!(answer.contains(r#""status":"completed""#), "{answer}");
    let found = differences(&server, &start, &good_result());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_request_that_is_wrong_in_one_thing_is_seen() {
    type Alteration = (&'static str, fn(Post) -> Post);
    let alterations: [Alteration; 11] = [
        ("method", |post| Post {
            method: "PUT",
            ..post
        }),
        ("path", |post| Post {
            path: post.path.replace("build", "deployment"),
            ..post
        }),
        ("Authorization", |post| {
            post.header("Authorization", "Bearer sk_test_k2_other000")
        }),
        ("Authorization", |post| {
            post.header("authorization", &format!("Bearer {KEY}"))
        }),
        ("Content-Type", |post| {
            post.header("Content-Type", "text/plain")
        }),
        ("User-Agent", |post| {
            post.header("User-Agent", "versioner/0.0.1 (rust)")
        }),
        ("Idempotency-Key", |post| post.header("Idempotency-Key", "")),
        ("Idempotency-Key", |post| {
            post.header("Idempotency-Key", "1234")
        }),
        ("body is not JSON", |post| post.body("{")),
        ("API key", |post| post.header("X-Key", KEY)),
        ("API key", |post| {
            post.body(r#"{"vi_gh_ref":"secretsecret"}"#)
        }),
    ];
    for (what, alter) in alterations {
        let found = only_difference(&json!({}), |post| vec![alter(post)]);
        assert!(
            found.starts_with("request 1: ") && found.contains(what),
            "{what}: {found}"
        );
    }
}

#[test]
fn bodies_and_headers_are_compared_with_what_is_expected() {
    let body = r#"{"a":"x","extra_metadata":{"n":1.50,"m":1}}"#;
    for (request, what) in [
        (json!({"body": {"a": "x"}}), "body"),
        (json!({"body_contains": {"b": "x"}}), "body"),
        (
            json!({"body_contains": {"extra_metadata": {"n": 1.5}}}),
            "body",
        ),
        (
            json!({"headers": {"Idempotency-Key": null}}),
            "Idempotency-Key",
        ),
        (json!({"headers": {"Accept": "*/*"}}), "Accept"),
        (json!({"path": "/api/build-events/"}), "path"),
        (json!({"via": "service.example:80"}), "via"),
        (json!({"lacks": ["1.50"]}), "body"),
    ] {
        let members = json!({"expect": {"code": 0, "requests": request}});
        let found = only_difference(&members, |post| vec![post.body(body)]);
        assert!(
            found.starts_with(&format!("request 1: {what}: ")),
            "{found}"
        );
    }
}

#[test]
fn the_number_of_requests_counts() {
    for (expect, sent, what) in [
        (
            json!({"code": 0, "attempts": 1}),
            2,
            "expected 1, but 2 came",
        ),
        (
            json!({"code": 0, "requests": 0}),
            1,
            "expected 0, but 1 came",
        ),
        (
            json!({"code": 0, "requests": [{}, {}]}),
            1,
            "expected 2, but 1 came",
        ),
        (
            json!({"code": 0, "requests": {}}),
            0,
            "expected at least one",
        ),
    ] {
        let found = only_difference(&json!({"expect": expect}), |post| vec![post; sent]);
        assert!(found.contains(what), "{found}");
    }
}

#[test]
fn attempts_at_one_event_are_the_same_request() {
    let key = "6a1c9a52-5d1e-4a8e-9f0a-6f2d7f3c1e55";
    let found = only_difference(&json!({}), |post| {
        vec![post.clone(), post.header("Idempotency-Key", key)]
    });
    assert!(found.contains("request 2: the Idempotency-Key"), "{found}");
    let found = only_difference(&json!({}), |post| vec![post.clone(), post.body("{}")]);
    assert!(found.contains("request 2: the body"), "{found}");
}

/// What differs for a result in which one member is another.
fn with_member(expect: &Value, name: &str, value: Value) -> Vec<String> {
    let server = server(&json!({"expect": expect}));
    let start = start(&server, "rust");
    let mut result = good_result();
    result[name] = value;
    differences(&server, &start, &result)
}

#[test]
fn a_result_that_is_wrong_in_one_member_is_seen() {
    let mut expect = good_result();
    expect
        .as_object_mut()
        .expect("an object")
        .remove("warnings");
    expect["requests"] = 0.into();
    assert!(with_member(&expect, "code", json!(0)).is_empty());
    let names: Vec<String> = expect
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    for name in names.iter().filter(|name| *name != "requests") {
        let found = with_member(&expect, name, json!("other"));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{name}: expected ")),
            "{found:?}"
        );
    }
}

#[test]
fn messages_warnings_and_waits_are_compared() {
    let warning = json!([{"kind": "report_only", "message": "too soon", "rule": "soak"}]);
    for (expect, name, value, what) in [
        (
            json!({"code": 0}),
            "warnings",
            warning.clone(),
            "warnings: expected []",
        ),
        (
            json!({"code": 0, "warnings": [{"kind": "report_only", "rule": "flow"}]}),
            "warnings",
            warning.clone(),
            "warning 1, rule: expected \"flow\"",
        ),
        (
            json!({"code": 0, "warnings": [{"kind": "report_only", "message_contains": ["late"]}]}),
            "warnings",
            warning,
            "warning 1: expected \"late\"",
        ),
        (
            json!({"code": 0, "message_contains": ["one", "two"]}),
            "message",
            json!("two, three"),
            "message: expected \"one\"",
        ),
        (
            json!({"code": 0, "waits_ms": [1000]}),
            "waits_ms",
            json!([]),
            "waits_ms: expected [1000]",
        ),
    ] {
        let found = with_member(&expect, name, value);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(what), "{found:?}");
    }
}

#[test]
fn what_must_not_show_in_a_result_is_seen_at_any_depth() {
    for value in [
        json!("a::b"),
        json!([{"message": "a::b"}]),
        json!({"a::b": 1}),
    ] {
        let found = with_member(&json!({"code": 0, "lacks": ["::"]}), "details", value);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("details: expected no \"::\""),
            "{found:?}"
        );
    }
}

#[test]
fn a_result_that_lacks_a_member_is_seen() {
    let server = server(&json!({}));
    let start = start(&server, "rust");
    let mut result = good_result();
    result.as_object_mut().expect("an object").remove("details");
    let found = differences(&server, &start, &result);
    assert_eq!(found, ["the result has no member details"]);
}

#[test]
fn a_key_in_the_result_is_seen_whole_and_in_part() {
    for leak in [format!("bad key {KEY}"), "...secretsecret".to_owned()] {
        let found = with_member(&json!({"code": 0}), "message", leak.into());
        assert_eq!(found, ["an API key shows in the result"]);
    }
}

#[test]
fn a_key_that_only_a_file_or_a_variable_holds_is_secret_too() {
    let server = server(&json!({
        "environment": {"OTHER": "sk_test_k3_fromvariable"},
        "files": {"config.yaml": "api_key: sk_test_k2_fromfile00\n"},
        "expect": {"code": 0},
    }));
    for key in ["sk_test_k3_fromvariable", "sk_test_k2_fromfile00"] {
        let start = start(&server, "rust");
        let mut result = good_result();
        result["message"] = key.into();
        let found = differences(&server, &start, &result);
        assert_eq!(found, ["an API key shows in the result"]);
    }
}
