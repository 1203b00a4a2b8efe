//! Text that somebody else wrote: the service, a gateway, a peer. It is cleaned and cut when it is
//! read, so that nothing later has to remember to.

use std::fmt;
use std::ops::Deref;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use crate::model::secret::Secret;

/// The most characters of a text of one line, such as the name of a rule.
const MAX_LINE: usize = 500;

/// The most characters of a text of several lines, such as what a service says.
const MAX_TEXT: usize = 4_000;

/// The most characters of a message of this library, which may repeat such a text.
const MAX_MESSAGE: usize = 8_000;

/// Text of the service, without any character that steers a terminal or is invisible, and of
/// bounded length: what is left out is shown by `…` at the end. Reads as a `str`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Foreign(String);

impl Foreign {
    /// At most 500 characters on one line.
    pub(crate) fn line(text: &str) -> Self {
        let words = clean(cut(text, MAX_LINE + 1));
        Foreign(shortened(words.trim().replace(['\n', '\t'], " "), MAX_LINE))
    }

    /// At most 4,000 characters, which may hold line ends and tabs.
    pub(crate) fn text(text: &str) -> Self {
        let text = clean(cut(text, MAX_TEXT + 1));
        Foreign(shortened(text.trim().to_owned(), MAX_TEXT))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Foreign {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for Foreign {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text of this library as it may be told, whatever it repeats.
pub(crate) fn told(text: &str, key: &Secret) -> String {
    shortened(key.redact(clean(text)), MAX_MESSAGE)
}

/// The text without control, direction and invisible characters. Every kind of line end is `\n`;
/// tabs stay.
pub(crate) fn clean(text: &str) -> String {
    if text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\n' | '\t' => cleaned.push(character),
            // Persian, Hindi and emoji need them. After ASCII they could hide in a word or in the
            // first characters of a command.
            '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => {
                let joins = |last: char| !last.is_ascii() && !last.is_whitespace();
                if cleaned.chars().next_back().is_some_and(joins) {
                    cleaned.push(character);
                }
            }
            steering if steering.is_control() || is_invisible(steering) => {}
            other => cleaned.push(other),
        }
    }
    cleaned
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// What has no form of its own, and what sets the direction of text.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{2800}' | '\u{fff9}'..='\u{fffb}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// The first characters of a text: enough that what is left of it after cleaning is what would be
/// left of the whole.
fn cut(text: &str, characters: usize) -> &str {
    // Invisible characters take room too, and many of them are somebody's game.
    match text.char_indices().nth(4 * characters) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

fn shortened(text: String, characters: usize) -> String {
    if text.len() <= characters {
        return text;
    }
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_or_hides_is_left_out() {
        let text = "a\u{1b}]0;title\u{7}\u{9b}31mb\u{202e}c\u{200b}d\u{feff}e\0\u{7f}";
        assert_eq!(Foreign::line(text), "a]0;title31mbcde");
    }

    #[test]
    fn what_is_told_is_bounded_and_holds_no_key() {
        let key = Secret::new("sk_acct_k1_secretsecret");
        let text = format!(
            "{}sk_acct_k1_secret\u{200b}secret",
            "x".repeat(MAX_MESSAGE - 12)
        );
        let text = told(&text, &key);
        assert_eq!(text.chars().count(), MAX_MESSAGE - 12 + "[API key]".len());
        assert_eq!(
            told(&"x".repeat(100_000), &key).chars().count(),
            MAX_MESSAGE + 1
        );
    }

    #[test]
    fn it_is_shown_as_it_reads() {
        let rule = Foreign::line("Soak \"24h\"");
        assert_eq!(format!("{rule} {rule:?}"), r#"Soak "24h" "Soak \"24h\"""#);
    }

    #[test]
    fn every_line_end_is_one() {
        assert_eq!(clean("a\r\nb\rc\u{2028}d\u{85}e"), "a\nb\nc\nd\ne");
        assert_eq!(Foreign::line("a\r\nb\tc"), "a b c");
    }

    #[test]
    fn joiners_stay_in_words_and_emoji_that_need_them() {
        for text in [
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "👩\u{200d}🚀",
            "⚠\u{fe0f}",
        ] {
            assert_eq!(Foreign::line(text), text);
        }
        assert_eq!(Foreign::line("#\u{200d}#\u{fe0f}vso["), "##vso[");
    }

    #[test]
    fn a_long_text_ends_with_a_sign_that_it_is_cut() {
        let line = Foreign::line(&"x".repeat(10_000));
        assert_eq!(line.chars().count(), MAX_LINE + 1);
        assert!(line.ends_with('…'));
        let text = Foreign::text(&format!("{}x", "\u{200b}".repeat(100_000)));
        assert_eq!(text, "");
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_harmless_line(text in "\\PC{0,40}|.{0,40}") {
            let line = Foreign::line(&text);
            prop_assert!(!line.contains(char::is_control), "{line:?}");
            prop_assert_eq!(Foreign::line(&line), line);
        }
    }
}
