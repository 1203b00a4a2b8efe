//! Whatever a service sends: a verdict stays a verdict, success is claimed only of an answer that
//! says so, and nothing that people read steers a terminal, grows without bound or shows the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use versioner::{Code, EventKind, Kind, Outcome, fuzzing};

const KEY: &str = "sk_test_k1_secretsecret";

fuzz_target!(|bytes: &[u8]| {
    for (kind, status) in [
        (EventKind::Deployment, "started"),
        (EventKind::Build, "completed"),
    ] {
        check(bytes, &fuzzing::answer(bytes, kind, status, KEY));
    }
    let verdict = [b"HTTP/1.1 428 ", bytes].concat();
    let outcome = fuzzing::answer(&verdict, EventKind::Deployment, "started", KEY);
    assert_eq!(outcome.code, Code::Rejected, "{outcome:?}");
    check(&verdict, &outcome);
    let refusal = [b"HTTP/1.1 404 ", bytes].concat();
    let outcome = fuzzing::answer(&refusal, EventKind::Deployment, "started", KEY);
    assert_eq!(outcome.kind, Kind::NotFound, "{outcome:?}");
});

fn check(bytes: &[u8], outcome: &Outcome) {
    assert!(!outcome.recorded || !outcome.event_id.is_empty());
    assert_eq!(
        outcome.recorded,
        outcome.kind == Kind::Ok && outcome.status.as_str() != "accepted"
    );
    assert!(!outcome.message.is_empty());
    let text = outcome.text();
    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
    for shown in [&text, &outcome.message] {
        let steers = |character: char| character.is_control() && !"\n\t".contains(character);
        assert!(!shown.contains(steers), "{shown:?}");
        assert!(
            !shown.contains(['\u{202e}', '\u{2066}', '\u{feff}']),
            "{shown:?}"
        );
        // A key that is cut by what is removed between its parts is another matter.
        assert!(!shown.contains(KEY), "{shown:?} of {bytes:?}");
    }
    let json = outcome.to_json().to_string();
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
}
