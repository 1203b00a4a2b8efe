//! `extra_metadata`: read the caller's JSON text, limit it, merge it over what was detected.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::input::text::{self, json, password};
use crate::model::failure::Failure;
pub(crate) use crate::model::resolved::Metadata;

/// The most that the caller's JSON text may measure, in bytes.
pub const MAX_BYTES: usize = 102_400;

const EXAMPLE: &str = r#"a JSON object such as {"team": "payments"}"#;

/// Refuses a text that is too long.
pub(crate) fn check_size(text: &str) -> Result<(), Failure> {
    if text.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(failure(format!(
        "extra_metadata is {} bytes long, and at most {MAX_BYTES} bytes are allowed",
        text.len()
    )))
}

/// Reads the caller's JSON text, which must be an object. Blank text is the empty object.
///
/// No [`serde_json::Value`] stands between, because it reads some names as numbers.
pub(crate) fn parse(text: &str) -> Result<Metadata, Failure> {
    let Some(text) = text::given(text) else {
        return Ok(Metadata::new());
    };
    let raw: &RawValue = serde_json::from_str(text).map_err(unreadable)?;
    if let Some(found) = other_type(raw.get()) {
        return Err(failure(format!(
            "extra_metadata must be {EXAMPLE}, but is {found}"
        )));
    }
    let may_hold_a_login = text.contains('@') || text.contains("\\u0040");
    let text = match may_hold_a_login {
        true => Cow::Owned(json::map_strings(text, password::removed)),
        false => Cow::Borrowed(text),
    };
    json::check(&text).map_err(unreadable)?;
    serde_json::from_str(&text).map_err(unreadable)
}

/// The detected metadata with the caller's over it, key by key.
pub(crate) fn merge(detected: &Map<String, Value>, own: Metadata) -> Metadata {
    let mut merged = own;
    for (key, value) in detected {
        if let (false, Ok(raw)) = (merged.contains_key(key), to_raw_value(value)) {
            merged.insert(key.clone(), raw);
        }
    }
    merged
}

fn unreadable(problem: impl Display) -> Failure {
    failure(format!("extra_metadata must be {EXAMPLE}: {problem}"))
}

fn failure(message: String) -> Failure {
    Failure::argument("extra_metadata", message)
}

/// What a JSON text is if it is no object.
fn other_type(json: &str) -> Option<&'static str> {
    match json.as_bytes().first()? {
        b'{' => None,
        b'[' => Some("an array"),
        b'"' => Some("a string"),
        b't' | b'f' => Some("a boolean"),
        b'n' => Some("null"),
        _ => Some("a number"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_message_that_names_the_argument(text in ".{0,200}") {
            if let Err(failure) = parse(&text) {
                prop_assert!(failure.message.starts_with("extra_metadata"));
            }
        }

        #[test]
        fn numbers_travel_as_written(number in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?") {
            let object = parse(&format!("{{\"n\":{number}}}")).expect("an object");
            prop_assert_eq!(object["n"].get(), number);
        }

        #[test]
        fn the_caller_s_keys_win(
            detected in prop::collection::btree_map("[a-c]", 0..9_u8, 0..3),
            own in prop::collection::btree_map("[a-c]", 10..19_u8, 0..3),
        ) {
            let found: Map<String, Value> =
                detected.iter().map(|(key, value)| (key.clone(), Value::from(*value))).collect();
            let text = serde_json::to_string(&own).expect("JSON");
            let merged = merge(&found, parse(&text).expect("an object"));
            for key in detected.keys().chain(own.keys()) {
                let expected = own.get(key).or_else(|| detected.get(key)).copied();
                prop_assert_eq!(merged.get(key).map(|raw| raw.get().to_owned()), expected.map(|value| value.to_string()));
            }
        }
    }
}
