//! `extra_metadata`: read the caller's JSON text, limit it, merge it over what was detected.

use serde_json::{Map, Value};

use crate::outcome::Failure;

/// The most that the caller's JSON text may measure, in bytes.
pub const MAX_BYTES: usize = 102_400;

/// Reads the caller's JSON text, which must be an object. Blank text is the empty object.
pub(crate) fn parse(text: &str) -> Result<Map<String, Value>, Failure> {
    if text.len() > MAX_BYTES {
        return Err(failure(format!(
            "extra_metadata is {} bytes long, and at most {MAX_BYTES} bytes are allowed",
            text.len()
        )));
    }
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(failure(format!(
            "extra_metadata must be a JSON object such as {{\"team\": \"payments\"}}, but is {}",
            type_name(&other)
        ))),
        Err(error) => Err(failure(format!(
            "extra_metadata must be a JSON object such as {{\"team\": \"payments\"}}: {error}"
        ))),
    }
}

/// The detected metadata with the caller's over it, key by key.
pub(crate) fn merge(detected: &Map<String, Value>, own: Map<String, Value>) -> Map<String, Value> {
    let mut merged = detected.clone();
    merged.extend(own);
    merged
}

fn failure(message: String) -> Failure {
    Failure::argument("extra_metadata", message)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
