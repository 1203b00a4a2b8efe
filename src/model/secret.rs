//! The API key, which must not be shown.

use std::fmt;

/// What stands where the key stood.
const REPLACEMENT: &str = "[API key]";

/// The shortest key that is looked for in texts.
const MIN_BYTES: usize = 8;

/// The API key. `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub fn new(text: &str) -> Self {
        let is_around = |next: char| next.is_whitespace() || next == '\u{feff}';
        Secret(text.trim_matches(is_around).to_owned())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key itself, to be sent.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The text without the key in it. A key of a few characters is none, and stands in many
    /// words.
    pub fn redact(&self, text: String) -> String {
        if self.0.len() < MIN_BYTES || !text.contains(&self.0) {
            return text;
        }
        text.replace(&self.0, REPLACEMENT)
    }

    /// [`Secret::redact`] for JSON or a part of it, where the key could hide behind escapes (`\/`,
    /// `\u0073`).
    pub fn redact_json(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('\\') {
            let (before, escape) = rest.split_at(start);
            plain.push_str(before);
            let (character, length) = match escape.starts_with("\\/") {
                true => (Some('/'), 2),
                false => (escape.strip_prefix("\\u").and_then(graphic), 6),
            };
            if let Some(character) = character {
                plain.push(character);
                rest = &escape[length..];
            } else {
                let mut kept = escape.chars();
                plain.extend(kept.by_ref().take(2));
                rest = kept.as_str();
            }
        }
        plain.push_str(rest);
        self.redact(plain)
    }
}

/// The character that four digits stand for, if a key can hold it.
fn graphic(digits: &str) -> Option<char> {
    let code = u8::from_str_radix(digits.get(..4)?.strip_prefix("00")?, 16).ok()?;
    let is_plain = code.is_ascii_graphic() && !matches!(code, b'"' | b'\\');
    is_plain.then_some(char::from(code))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REPLACEMENT)
    }
}
