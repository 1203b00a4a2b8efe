//! JSON of the service that a strict reader refuses as a whole: half of a character where somebody
//! cut a text, or nesting without bounds. What the rest of it says must not be lost.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// How deep members are looked at one by one.
const MAX_DEPTH: usize = 4;

/// Reads a body. Half of a character becomes U+FFFD, and a member that is nested too deep is left
/// out. `None` if it is no JSON.
pub(super) fn read(body: &str) -> Option<Value> {
    let strict = serde_json::from_str(body).ok();
    strict.or_else(|| members(&without_halves(body), 0))
}

/// The JSON with every text in it mapped, names of members included.
pub(crate) fn texts_mapped(json: Value, map: &impl Fn(&str) -> String) -> Value {
    match json {
        Value::String(text) => Value::String(map(&text)),
        Value::Array(items) => items
            .into_iter()
            .map(|item| texts_mapped(item, map))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (map(&name), texts_mapped(value, map)))
            .collect(),
        other => other,
    }
}

fn members(text: &str, depth: usize) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    if depth == MAX_DEPTH {
        return None;
    }
    let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let read = raw
        .into_iter()
        .filter_map(|(name, raw)| Some((name, members(raw.get(), depth + 1)?)));
    Some(Value::Object(read.collect()))
}

/// The text with every escaped half of a surrogate pair replaced.
fn without_halves(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        whole.push_str(before);
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                whole.push(char::REPLACEMENT_CHARACTER);
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        whole.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    whole.push_str(rest);
    whole
}

/// The UTF-16 unit of an escape such as `\ud83d` that the text begins with.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_character_does_not_hide_the_rest() {
        let read_and_expected = [
            (r#"{"id":"e1","x":"a\ud83d"}"#, "a\u{fffd}"),
            (
                r#"{"id":"e1","x":"\udc00\ud83d\ud83d\ude80"}"#,
                "\u{fffd}\u{fffd}🚀",
            ),
            (r#"{"id":"e1","x":"\\ud800\ud800"}"#, "\\ud800\u{fffd}"),
        ];
        for (body, expected) in read_and_expected {
            assert_eq!(
                read(body),
                Some(json!({"id": "e1", "x": expected})),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_too_deep_is_left_out_and_the_rest_is_read() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let body =
            format!(r#"{{"detail":{{"code":"X","details":{{"rule_name":"r","x":{deep}}}}}}}"#);
        let expected = json!({"detail": {"code": "X", "details": {"rule_name": "r"}}});
        assert_eq!(read(&body), Some(expected));
        assert_eq!(read(&deep), None);
        let objects = format!("{}1{}", r#"{"a":"#.repeat(1_000), "}".repeat(1_000));
        assert_eq!(
            read(&format!(r#"{{"id":1,"a":{objects}}}"#)).map(|value| value["id"] == 1),
            Some(true)
        );
    }

    #[test]
    fn what_is_no_json_is_none() {
        for body in [
            "",
            "<p>",
            "{",
            "{\"a\":1}x",
            "{\"a\":\"\\ud8",
            "\\",
            "{\"a\":\"\\u00é\"}",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
