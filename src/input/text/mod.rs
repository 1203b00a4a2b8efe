//! The one door for text: whatever enters, from whichever source, comes through here.

pub(crate) mod json;
pub mod names;
pub(crate) mod password;
pub mod placeholder;
pub(crate) mod time;

/// The text without blanks and byte order marks at its ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// The trimmed text; `None` if nothing is left of it.
pub(crate) fn given(text: &str) -> Option<&str> {
    let text = trim(text);
    (!text.is_empty()).then_some(text)
}
