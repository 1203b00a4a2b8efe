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
        Secret(text.trim().to_owned())
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

    /// [`Secret::redact`] for what may be JSON, where the key could hide behind escapes (`\/`,
    /// `\u0073`).
    pub fn redact_json(&self, mut text: String) -> String {
        if text.contains('\\')
            && let Ok(json) = serde_json::from_str::<serde_json::Value>(&text)
        {
            text = json.to_string();
        }
        self.redact(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REPLACEMENT)
    }
}
