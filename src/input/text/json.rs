//! JSON texts that are valid and must travel as they are written.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memchr::memchr2;

/// Deeper than people write, and not so deep that whoever reads it runs out of stack.
const MAX_DEPTH: usize = 128;

/// Refuses what readers do not agree about: a name that stands twice in one object, and nesting
/// without bounds. The text is valid JSON.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let mut open: Vec<Option<BTreeSet<String>>> = Vec::new();
    let mut is_name_next = false;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                is_name_next = *byte == b'{';
                open.push(is_name_next.then(BTreeSet::new));
            }
            b'}' | b']' => drop(open.pop()),
            b',' => is_name_next = matches!(open.last(), Some(Some(_))),
            b'"' => {
                let literal = literal(&text[at - 1..]);
                at += literal.len() - 1;
                if let (true, Some(Some(names))) = (is_name_next, open.last_mut())
                    && !names.insert(decoded(literal))
                {
                    return Err(format!("the name {literal} stands twice in one object"));
                }
                is_name_next = false;
            }
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
    }
    Ok(())
}

/// The text with every string in it changed. It is valid JSON, before and after.
pub(crate) fn map_strings(text: &str, change: impl Fn(&str) -> Cow<'_, str>) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let literal = literal(&rest[start..]);
        changed.push_str(&rest[..start]);
        let old = decoded(literal);
        match change(&old) {
            Cow::Owned(new) if new != old => changed.push_str(&serde_json::json!(new).to_string()),
            _ => changed.push_str(literal),
        }
        rest = &rest[start + literal.len()..];
    }
    changed.push_str(rest);
    changed
}

/// The string literal that a text begins with, quotes included.
fn literal(text: &str) -> &str {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += next;
        if bytes[at] == b'"' {
            return &text[..=at];
        }
        // A backslash and what it escapes, which is ASCII.
        at += 2;
    }
    text
}

fn decoded(literal: &str) -> String {
    serde_json::from_str(literal).unwrap_or_else(|_| literal.to_owned())
}
