//! How values cross: texts as UTF-8, joined by a byte that UTF-8 never has. One array is crossed
//! several times faster than an array of strings.

use std::time::Duration;

use jni::errors::{Error, Result};
use serde_json::Value;
use versioner::{BuildEvent, Client, DeploymentEvent, Explanation, Field, Options, Outcome};

const SEPARATOR: u8 = 0xff;

/// The texts of a joined array; an empty array holds one empty text.
pub fn split(joined: &[u8]) -> impl Iterator<Item = String> {
    joined
        .split(|byte| *byte == SEPARATOR)
        .map(|text| String::from_utf8_lossy(text).into_owned())
}

/// The pairs of a joined array.
pub fn pairs(joined: &[u8]) -> impl Iterator<Item = (String, String)> {
    let mut texts = split(joined);
    std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
}

macro_rules! options {
    (
        texts { $($text:ident),* $(,)? }
        parsed { $($parsed:ident),* $(,)? }
        durations { $($duration:ident),* $(,)? }
    ) => {
        /// The names of the options that cross.
        const OPTIONS: &[&str] = &[
            $(stringify!($text),)* $(stringify!($parsed),)* $(stringify!($duration),)*
        ];

        /// The options of a joined array of pairs.
        pub fn options(joined: &[u8]) -> Result<Options> {
            let mut options = Options::default();
            for (name, value) in pairs(joined) {
                match name.as_str() {
                    $(stringify!($text) => options.$text = value,)*
                    $(stringify!($parsed) => options.$parsed = Some(parsed(&name, &value)?),)*
                    $(stringify!($duration) => {
                        options.$duration = Some(parsed(&name, &value).map(Duration::from_nanos)?);
                    })*
                    _ => return Err(Error::ParseFailed(format!("unknown option {name}"))),
                }
            }
            Ok(options)
        }
    };
}

options! {
    texts { api_key, api_url, ui_url, config, ca_file, client_cert, client_key, outbox, surface }
    parsed { fail_on_api_error, max_retries }
    durations { retry_pause, attempt_timeout, total_timeout }
}

/// A length of time as Java tells it: seconds, as a decimal number; `None` if it is empty.
pub fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T> {
    let problem = || Error::ParseFailed(format!("option {name} is {value:?}"));
    value.parse().map_err(|_| problem())
}

/// Joins the values of an outcome in the order of its JSON, less its warnings; then the whole
/// JSON; then kind, message and rule of each warning.
pub fn encode(outcome: &Outcome) -> Vec<u8> {
    let json = outcome.to_json();
    let whole = json.to_string();
    let Value::Object(members) = json else {
        return Vec::new();
    };
    let mut joined = Vec::with_capacity(2 * whole.len());
    let mut push = |text: &str| {
        joined.extend_from_slice(text.as_bytes());
        joined.push(SEPARATOR);
    };
    for (name, value) in &members {
        match value {
            _ if name == WARNINGS => {}
            Value::String(text) => push(text),
            Value::Null => push(""),
            // Features, whose names have no comma.
            Value::Array(names) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                push(&names.join(","));
            }
            other => push(&other.to_string()),
        }
    }
    push(&whole);
    for warning in &outcome.warnings {
        push(warning.kind.as_str());
        push(&warning.message);
        push(&warning.rule);
    }
    joined.pop();
    joined
}

/// Texts after a word that says what they are, and that no encoded outcome begins with.
pub fn tagged(tag: &str, texts: &[&str]) -> Vec<u8> {
    let mut joined = tag.as_bytes().to_vec();
    for text in texts {
        append(&mut joined, text.as_bytes());
    }
    joined
}

/// Puts what is joined itself behind what is.
pub fn append(joined: &mut Vec<u8>, more: &[u8]) {
    joined.push(SEPARATOR);
    joined.extend_from_slice(more);
}

/// Joins the whole JSON of an explanation, method, URL and body; then the number of headers,
/// values and settings; then name and text of each header, field, value and source of each value
/// and setting, and kind, message and rule of each warning.
pub fn encode_explanation(explanation: &Explanation) -> Vec<u8> {
    let json = explanation.to_json().to_string();
    let counts = [
        explanation.headers.len().to_string(),
        explanation.values.len().to_string(),
        explanation.settings.len().to_string(),
    ];
    let mut texts = vec![
        json.as_str(),
        explanation.method,
        explanation.url.as_str(),
        explanation.body.as_str(),
    ];
    texts.extend(counts.iter().map(String::as_str));
    for (name, text) in &explanation.headers {
        texts.extend([*name, text.as_str()]);
    }
    let explained = explanation.values.iter().chain(&explanation.settings);
    let sources: Vec<String> = explained
        .clone()
        .map(|one| one.source.to_string())
        .collect();
    for (one, source) in explained.zip(&sources) {
        texts.extend([one.field.as_str(), one.value.as_str(), source.as_str()]);
    }
    for warning in &explanation.warnings {
        texts.extend([
            warning.kind.as_str(),
            warning.message.as_str(),
            warning.rule.as_str(),
        ]);
    }
    tagged("explanation", &texts)
}

const WARNINGS: &str = "warnings";

/// The names of an outcome's values, in the order of [`encode`].
fn result_names() -> Vec<String> {
    let nothing = versioner::Environment::default();
    let keyless = Client::new(Options {
        environment: Some(nothing),
        ..Options::default()
    });
    let Err(error) = keyless else {
        return Vec::new();
    };
    let Value::Object(members) = error.outcome().to_json() else {
        return Vec::new();
    };
    let names = members.keys().filter(|name| *name != WARNINGS);
    names.cloned().collect()
}

/// What crosses after the flags of an event, because it is given per call only.
pub const BUILD_PER_CALL: &[&str] = &["allow_literal", "timeout", "idempotency_key"];
pub const DEPLOYMENT_PER_CALL: &[&str] = &[
    "allow_literal",
    "timeout",
    "skip_reason",
    "idempotency_key",
    "part",
    "lease",
    "wait",
    "wait_for",
    "wait_superseded",
];

/// What says how a span ended.
pub const END: &[&str] = &[
    "status",
    "exit_code",
    "signal",
    "error_class",
    "extra_metadata",
    "timeout",
];

/// The major version, and every list of names whose order both sides rely on. Java refuses a
/// library whose text differs from the one its classes were generated with.
pub fn abi() -> String {
    let names = |fields: &[Field], flags: &[&str], per_call: &[&str]| {
        let fields = fields.iter().map(|field| field.name);
        let others = flags.iter().chain(per_call).copied();
        let names: Vec<&str> = fields.chain(others).collect();
        names.join(",")
    };
    format!(
        "{};{};{};{};{};{}",
        env!("CARGO_PKG_VERSION_MAJOR"),
        names(BuildEvent::FIELDS, BuildEvent::FLAGS, BUILD_PER_CALL),
        names(
            DeploymentEvent::FIELDS,
            DeploymentEvent::FLAGS,
            DEPLOYMENT_PER_CALL
        ),
        OPTIONS.join(","),
        END.join(","),
        result_names().join(","),
    )
}
