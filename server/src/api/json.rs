//! Reads JSON from outside more strictly than the parser does.
//!
//! The parser lets the last of two equal keys win, and gives keys of its own a meaning inside of any
//! object; both would store something else than what was sent.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The deepest nesting.
const MAX_DEPTH: usize = 100;
/// Keys that begin with this mean something to the parser.
const RESERVED: &str = "$serde_json::private::";

/// Why a text is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is no JSON, or nested too deeply.
    Malformed(String),
    /// The key at this path is doubled, or reserved.
    Key(Vec<String>, &'static str),
}

/// The value of a text. A byte order mark before it is skipped.
///
/// # Errors
/// [`JsonError`].
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(malformed)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(malformed)?;
    read(raw, &mut Vec::new())
}

fn malformed(error: impl fmt::Display) -> JsonError {
    JsonError::Malformed(error.to_string())
}

fn read(raw: &RawValue, path: &mut Vec<String>) -> Result<Value, JsonError> {
    if path.len() > MAX_DEPTH {
        let msg = format!("nested more than {MAX_DEPTH} levels deep");
        return Err(JsonError::Malformed(msg));
    }
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Pairs(pairs) = serde_json::from_str(text).map_err(malformed)?;
            let mut object = Map::with_capacity(pairs.len());
            for (key, raw) in pairs {
                path.push(key);
                let value = read(raw, path)?;
                let key = path.pop().unwrap_or_default();
                let wrong = if key.starts_with(RESERVED) {
                    Some("This key is reserved")
                } else if object.contains_key(&key) {
                    Some("This key stands here twice")
                } else {
                    None
                };
                if let Some(msg) = wrong {
                    path.push(key);
                    return Err(JsonError::Key(std::mem::take(path), msg));
                }
                object.insert(key, value);
            }
            Ok(Value::Object(object))
        }
        Some(b'[') => {
            let raws: Vec<&RawValue> = serde_json::from_str(text).map_err(malformed)?;
            let mut items = Vec::with_capacity(raws.len());
            for (index, raw) in raws.into_iter().enumerate() {
                path.push(index.to_string());
                items.push(read(raw, path)?);
                path.pop();
            }
            Ok(Value::Array(items))
        }
        _ => match plain(text) {
            Some(text) => Ok(Value::String(text.to_owned())),
            None => serde_json::from_str(text).map_err(malformed),
        },
    }
}

/// A text without escapes says what it is: the reading of what is around it has checked the rest.
fn plain(text: &str) -> Option<&str> {
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

/// The members of an object, doubled ones too.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'de>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, parse};

    #[test]
    fn a_value_is_what_was_written() {
        let text = r#" {"a": [1, 1.10000000000000000000001, "x", null, {"b": {}}], "c": true} "#;
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            serde_json::from_str::<serde_json::Value>(text).unwrap()
        );
        assert!(parse(b"\xef\xbb\xbf{}").is_ok());
    }

    #[test]
    fn keys_that_would_store_something_else_are_named() {
        let path = |text: &str| match parse(text.as_bytes()) {
            Err(JsonError::Key(path, _)) => path.join("."),
            other => panic!("{other:?}"),
        };
        assert_eq!(path(r#"{"a": {"b": 1, "\u0062": 2}}"#), "a.b");
        let reserved = r#"{"x": [{"$serde_json::private::RawValue": "{}"}]}"#;
        assert_eq!(path(reserved), "x.0.$serde_json::private::RawValue");
        assert!(path(r#"{"\u0024serde_json::private::Number": "7"}"#).starts_with('$'));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(deep(100).as_bytes()).is_ok());
        assert!(matches!(
            parse(deep(102).as_bytes()),
            Err(JsonError::Malformed(_))
        ));
        assert!(matches!(
            parse(deep(400_000).as_bytes()),
            Err(JsonError::Malformed(_))
        ));
    }
}
