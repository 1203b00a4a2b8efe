//! `--output json`: every case of the vectors gives one object, which its schema describes and which
//! says what the other surfaces say.

use std::path::Path;

use scripted_server::Start;
use serde_json::Value;

use crate::command::{Ended, run};
use crate::vectors::{perform, steps};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema() -> jsonschema::Validator {
    let text = std::fs::read_to_string(root().join("src/cli/output.schema.json"));
    let schema: Value = serde_json::from_str(&text.expect("a schema")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a valid schema")
}

/// The only object on standard output.
fn object(ended: &Ended, schema: &jsonschema::Validator) -> Value {
    let Ended {
        code,
        stdout,
        stderr,
    } = ended;
    let object: Value = serde_json::from_str(stdout)
        .unwrap_or_else(|error| panic!("{error}: {stdout:?}, {stderr}"));
    assert!(
        stdout.ends_with('\n') && stdout.lines().count() == 1,
        "{stdout:?}"
    );
    if let Some(error) = schema.iter_errors(&object).next() {
        panic!("at {}: {error}: {stdout}", error.instance_path());
    }
    assert_eq!(object["code"].as_i64(), code.map(i64::from), "{stdout}");
    assert_eq!(object["ok"], *code == Some(0), "{stdout}");
    object
}

/// What the other surfaces have beside each other.
fn flat(mut object: Value) -> Value {
    let rejection = object["rejection"].take();
    for name in ["rule", "policy_code", "retry_after"] {
        object[name] = rejection.get(name).cloned().unwrap_or_else(|| "".into());
    }
    object["details"] = rejection.get("details").cloned().unwrap_or_default();
    object
}

#[test]
fn every_case_gives_one_object_of_the_schema() {
    let server = scripted_server::start(&root().join("tests/vectors")).expect("usable cases");
    let schema = schema();
    let json = ["--output", "json"];
    let result = |ended: Ended| flat(object(&ended, &schema));
    let performed = |start: &Start| match start.steps.is_empty() {
        true => result(perform(start, &json)),
        false => steps(start, &json, result),
    };
    match server.run_all("cli", performed) {
        Ok(count) => println!("{count} cases"),
        Err(differences) => panic!("{differences}"),
    }
}

#[test]
fn what_is_wrong_with_the_arguments_is_told_as_json_too() {
    let schema = schema();
    for arguments in [
        &["track", "nonsense", "--output", "json"][..],
        &["track", "build", "--output=json", "--no-such-flag"],
        &["--output", "json"],
        &["state", "--product=", "--output=json", "--api-key=sk_a_b_c"],
        &[
            "history",
            "--since=yesterday",
            "--output=json",
            "--api-key=sk_a_b_c",
        ],
        &["history", "--limit=0", "--output=json"],
        &[
            "abort",
            "d1",
            "--reason= ",
            "--output=json",
            "--api-key=sk_a_b_c",
        ],
        &["track", "build", "--output=json"],
        &["track", "build", "--output=json", "--dry-run"],
    ] {
        let ended = run(arguments, &[]);
        let object = object(&ended, &schema);
        assert_eq!(object["code"], 1, "{arguments:?}");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[test]
fn what_has_no_event_gives_an_object_too() {
    let schema = schema();
    for (arguments, word) in [
        (&["version", "--output=json"][..], versioner::VERSION),
        (&["completion", "bash", "--output=json"], "complete"),
    ] {
        let object = object(&run(arguments, &[]), &schema);
        let message = object["message"].as_str().expect("a text");
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_dry_run_tells_the_request_and_where_each_value_comes_from() {
    let arguments = [
        "track",
        "build",
        "--product=api",
        "--dry-run",
        "--output=json",
    ];
    let variables = [
        ("VERSIONER_API_KEY", "sk_a_b_secretsecret"),
        ("VERSIONER_VERSION", "1.2.3"),
    ];
    let object = object(&run(&arguments, &variables), &schema());
    assert_eq!(object["values"]["product"]["source"], "argument");
    assert_eq!(object["values"]["version"]["source"], "VERSIONER_VERSION");
    assert_eq!(object["request"]["body"]["version"], "1.2.3");
    assert_eq!(object["recorded"], false);
    assert!(!object.to_string().contains("secretsecret"));
}
