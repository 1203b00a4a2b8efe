//! Whether a request is from its sender: what nobody signed who has the secret never is, what was signed
//! is, and is no more once a bit of it is another.
#![no_main]

use arbitrary::Arbitrary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use ring::hmac;
use serde_json::json;
use versioner_server::fuzzing::{Sender, is_signed};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: i64 = 1_700_000_000;
/// How far a signed time may be from now, in seconds.
const TOLERANCE: i64 = 300;
const KINDS: [&str; 6] = [
    "github",
    "github-app",
    "gitlab",
    "cloudevents",
    "standard",
    "json",
];
const ALGORITHMS: [(&str, hmac::Algorithm); 3] = [
    ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ("sha256", hmac::HMAC_SHA256),
    ("sha512", hmac::HMAC_SHA512),
];
const PREFIXES: [&str; 3] = ["", "sha256=", "v1,"];
const HEADERS: [&str; 12] = [
    "x-hub-signature-256",
    "x-gitea-signature",
    "x-forgejo-signature",
    "x-gitlab-token",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "authorization",
    "x-own-signature",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "content-type",
];

#[derive(Debug, Arbitrary)]
struct Case<'a> {
    kind: u8,
    signs: Option<(u8, u8)>,
    headers: Vec<(u8, &'a [u8])>,
    in_address: Option<&'a str>,
    id: u64,
    late: i16,
    flipped: u32,
    body: &'a [u8],
}

fuzz_target!(|case: Case<'_>| {
    let kind = pick(&KINDS, case.kind);
    let signs = case
        .signs
        .map(|(algorithm, prefix)| (pick(&ALGORITHMS, algorithm), pick(&PREFIXES, prefix)));
    let settings = match signs {
        Some(((algorithm, _), prefix)) => json!({
            "signature": { "header": "x-own-signature", "algorithm": algorithm, "prefix": prefix },
        }),
        None => json!({}),
    };
    let sender = Sender::new(kind, settings).expect("settings");
    let secrets = [b"another secret".to_vec(), SECRET.as_bytes().to_vec()];
    let is_from = |headers: &[(&str, &[u8])], in_address: Option<&str>, body: &[u8], now: i64| {
        sender.sent(&secrets, headers, in_address, body, now * 1_000_000)
    };

    // What nobody signed.
    let headers: Vec<(&str, &[u8])> = case
        .headers
        .iter()
        .map(|(name, value)| (*pick(&HEADERS, *name), *value))
        .collect();
    if !knows_the_secret(&case) {
        assert!(!is_from(&headers, case.in_address, case.body, NOW));
        let header = |name: &str| {
            let found = headers.iter().find(|(known, _)| *known == name);
            found.and_then(|(_, value)| std::str::from_utf8(value).ok())
        };
        let slack = ["x-slack-request-timestamp", "x-slack-signature"].map(header);
        assert!(!is_signed(SECRET, slack, case.body, NOW));
    }

    // What was signed, and what became of it on its way.
    let (seconds, id) = (NOW.to_string(), case.id.to_string());
    let signed: Vec<(&str, String)> = match (*kind, signs) {
        ("github" | "github-app", _) => vec![(
            "x-hub-signature-256",
            format!("sha256={}", hex(hmac::HMAC_SHA256, case.body)),
        )],
        ("standard", _) => standard(&id, &seconds, case.body),
        ("gitlab", _) if case.id % 2 == 0 => standard(&id, &seconds, case.body),
        ("gitlab", _) => vec![("x-gitlab-token", SECRET.to_owned())],
        (_, Some(((_, algorithm), prefix))) => {
            vec![(
                "x-own-signature",
                format!("{prefix}{}", hex(*algorithm, case.body)),
            )]
        }
        (_, None) => vec![("authorization", format!("Bearer {SECRET}"))],
    };
    let is_over_the_body = !signed.iter().any(|(_, value)| value.ends_with(SECRET));
    let given: Vec<(&str, &[u8])> = signed
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let has_time = given.iter().any(|(name, _)| *name == "webhook-timestamp");
    let late = i64::from(case.late);
    assert_eq!(
        is_from(&given, None, case.body, NOW + late),
        !has_time || late.abs() <= TOLERANCE,
    );
    let mut body = case.body.to_vec();
    if is_over_the_body && !body.is_empty() {
        let bit = case.flipped as usize % (body.len() * 8);
        body[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_from(&given, None, &body, NOW));
    }
    let signature = [b"v0:", seconds.as_bytes(), b":", case.body].concat();
    let signature = format!("v0={}", hex(hmac::HMAC_SHA256, &signature));
    let slack = |body: &[u8], now| is_signed(SECRET, [Some(&seconds), Some(&signature)], body, now);
    assert_eq!(slack(case.body, NOW + late), late.abs() <= TOLERANCE);
    assert!(body == case.body || !slack(&body, NOW));
});

fn pick<T>(all: &[T], number: u8) -> &T {
    &all[usize::from(number) % all.len()]
}

/// Whether the input was made by somebody who can read this program, as the fuzzer can.
fn knows_the_secret(case: &Case<'_>) -> bool {
    let is = |text: &[u8]| {
        let has = |part: &str| {
            text.windows(part.len())
                .any(|window| window == part.as_bytes())
        };
        has(SECRET) || has("another secret")
    };
    case.headers.iter().any(|(_, value)| is(value))
        || case.in_address.is_some_and(|text| is(text.as_bytes()))
}

fn hex(algorithm: hmac::Algorithm, content: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(algorithm, SECRET.as_bytes()), content);
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn standard(id: &str, seconds: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("Base64");
    let content = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content);
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_owned()),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
    ]
}
