//! What must show nowhere: every key that a case hands to the client, used or not.

use std::sync::LazyLock;

use regex::Regex;

use crate::case::{Case, FileContent};

static KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("sk_[A-Za-z0-9_-]{5,}").expect("the pattern is a constant and valid")
});

/// Shorter texts stand in innocent words, too.
const SHORTEST: usize = 8;

/// The keys of a case, and their random parts.
pub struct Secrets(Vec<String>);

impl Secrets {
    pub fn of(case: &Case) -> Secrets {
        let mut found: Vec<String> = case
            .given_keys()
            .into_iter()
            .chain([case.key.as_deref()])
            .flatten()
            .map(|key| key.trim().to_owned())
            .collect();
        let files = case.files.values().filter_map(|content| match content {
            FileContent::Text(text) => Some(text),
            _ => None,
        });
        for text in case.environment.values().chain(files) {
            found.extend(KEY.find_iter(text).map(|key| key.as_str().to_owned()));
        }
        let random_parts: Vec<String> = found
            .iter()
            .filter_map(|key| key.strip_prefix("sk_")?.splitn(3, '_').nth(2))
            .map(str::to_owned)
            .collect();
        found.extend(random_parts);
        // A placeholder that nobody replaced is no key, and errors show it.
        found
            .retain(|secret| secret.len() >= SHORTEST && !secret.starts_with(['$', '%', '{', '<']));
        Secrets(found)
    }

    /// Whether a text shows one of them that is not in `allowed`.
    pub fn are_in(&self, text: &str, allowed: &str) -> bool {
        self.0
            .iter()
            .any(|secret| text.contains(secret) && !allowed.contains(secret))
    }
}
