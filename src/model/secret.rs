//! The API key, which must not be shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands where the key stood.
const REPLACEMENT: &str = "[API key]";

/// The shortest key that is looked for in texts.
const MIN_BYTES: usize = 8;

/// The API key. `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret {
    text: String,
    /// What of it stands in Base64, wherever it begins there.
    base64: Vec<String>,
}

impl Secret {
    pub fn new(text: &str) -> Self {
        let is_around = |next: char| next.is_whitespace() || next == '\u{feff}';
        let text = text.trim_matches(is_around).to_owned();
        let base64 = match text.len() < MIN_BYTES {
            true => Vec::new(),
            false => in_base64(&text),
        };
        Secret { text, base64 }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The key itself, to be sent.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whose key it is: what follows `sk_` up to the next `_`; empty for a key of another form.
    pub fn account(&self) -> &str {
        let rest = self.text.strip_prefix("sk_").unwrap_or_default();
        rest.split_once('_').map_or("", |(account, _)| account)
    }

    /// The text without the key in it, be it plain, broken over lines, or written as URLs, JSON,
    /// HTML or Base64 write it. A key of a few characters is none, and stands in many words.
    pub fn redact(&self, text: String) -> String {
        // No spelling is shorter than the key, and most texts are.
        if self.text.len() < MIN_BYTES || text.len() < self.text.len() {
            return text;
        }
        self.without_base64(self.without_spellings(text))
    }

    /// Whether a text holds the key, in whatever spelling.
    pub fn stands_in(&self, text: &str) -> bool {
        self.redact(text.to_owned()) != text
    }

    fn without_spellings(&self, text: String) -> String {
        let first = self.text.as_bytes()[0];
        let may_begin = |byte: &u8| *byte == first || matches!(byte, b'%' | b'&' | b'\\');
        let mut redacted = String::new();
        let mut kept = 0;
        let mut at = 0;
        while let Some(next) = text.as_bytes()[at..].iter().position(may_begin) {
            at += next;
            match self.spelled(&text[at..]) {
                Some(length) => {
                    redacted.push_str(&text[kept..at]);
                    redacted.push_str(REPLACEMENT);
                    at += length;
                    kept = at;
                }
                None => at += text[at..].chars().next().map_or(1, char::len_utf8),
            }
        }
        if kept == 0 {
            return text;
        }
        redacted.push_str(&text[kept..]);
        redacted
    }

    /// The length of the key that the text begins with, in whatever spelling.
    fn spelled(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for (position, character) in self.text.chars().enumerate() {
            if position > 0 {
                rest = rest.trim_start_matches(['\r', '\n']);
            }
            rest = match rest.strip_prefix(character) {
                Some(rest) => rest,
                None => escaped(rest, character)?,
            };
        }
        Some(text.len() - rest.len())
    }

    fn without_base64(&self, mut text: String) -> String {
        for encoded in &self.base64 {
            if text.contains(encoded) {
                text = text.replace(encoded, REPLACEMENT);
            }
        }
        text
    }
}

/// Each of three bytes in Base64 looks different by its place, so these are the three forms of the
/// key, without the characters at its ends that its neighbours share.
fn in_base64(key: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before], key.as_bytes()].concat();
        for encoded in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            let own = &encoded[(before * 8).div_ceil(6)..bytes.len() * 8 / 6];
            forms.push(own.to_owned());
        }
    }
    forms.dedup();
    forms
}

/// What follows the character in a text that begins with it as `%5F`, `%255F`, `\u005f`, `\x5f`,
/// `\/`, `&#95;` or `&#x5f;`.
fn escaped(text: &str, character: char) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('%') {
        let again = rest.trim_start_matches("25");
        return [rest, again]
            .into_iter()
            .find_map(|digits| hex(digits, 2, character));
    }
    if let Some(rest) = text.strip_prefix("&#") {
        let (digits, rest) = rest.split_once(';')?;
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        return (code.ok()? == u32::from(character)).then_some(rest);
    }
    // Backslashes double each time that JSON is put into JSON.
    let rest = text.strip_prefix('\\')?.trim_start_matches('\\');
    let code = |mark, length| hex(rest.strip_prefix(mark)?, length, character);
    rest.strip_prefix(character)
        .or_else(|| code('u', 4))
        .or_else(|| code('x', 2))
}

fn hex(text: &str, length: usize, character: char) -> Option<&str> {
    let (digits, rest) = text.split_at_checked(length)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    (code == u32::from(character)).then_some(rest)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REPLACEMENT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk_a/b_k1_secretsecret";

    fn redacted(text: &str) -> String {
        Secret::new(KEY).redact(text.to_owned())
    }

    #[test]
    fn the_key_is_hidden_in_every_spelling() {
        for spelled in [
            KEY.to_owned(),
            KEY.replace('/', "\\/"),
            KEY.replace('_', "\\u005F"),
            KEY.replace('_', "\\\\u005f"),
            KEY.replace('k', "\\x6b"),
            KEY.replace('_', "%5F"),
            KEY.replace('/', "%252f"),
            KEY.replace('s', "&#115;"),
            KEY.replace('s', "&#X73;"),
            KEY.replace("se", "s\r\ne"),
            KEY.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        ] {
            assert_eq!(
                redacted(&format!("a{spelled}é{spelled}")),
                "a[API key]é[API key]"
            );
        }
    }

    #[test]
    fn the_key_is_hidden_in_base64_wherever_it_stands() {
        for before in ["", "a", "ab", "abc", "Bearer "] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}{KEY}, and more"));
            let shown = redacted(&encoded);
            let own = &STANDARD_NO_PAD.encode(format!("{before}{KEY}"))[before.len() * 2..];
            assert!(shown.contains(REPLACEMENT), "{shown}");
            assert!(!shown.contains(&own[4..12]), "{shown}");
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "",
            "sk_a/b_k1_secret",
            "%",
            "%5",
            "\\",
            "\\u00",
            "&#;",
            "&#115",
            "%25%25é",
            "\\u005f",
        ] {
            assert_eq!(redacted(text), text);
        }
        assert_eq!(Secret::new("short").redact("short".to_owned()), "short");
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "([%\\\\&#;usx5-9a-f]|é|.){0,40}") {
            redacted(&text);
        }
    }
}
