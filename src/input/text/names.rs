//! What a name may hold: the same table here and in the server, so that no name that looks like
//! another passes either.

use icu_properties::props::{BidiClass, DefaultIgnorableCodePoint};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The first character of a name that nobody sees, if there is one.
///
/// Joiners and marks pass if the script or the emoji around them needs them: in Persian, Hindi,
/// Hebrew, flags and families, but never in ASCII, so that nothing can imitate an ASCII name.
pub fn invisible(name: &str) -> Option<char> {
    if name
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return None;
    }
    let characters: Vec<char> = name.chars().collect();
    let at = (0..characters.len()).find(|at| is_invisible(&characters, *at))?;
    Some(characters[at])
}

/// Each character of a text from outside, and whether it may be shown as it is: the others nobody
/// sees, or they change how their neighbours look, as [`invisible`] has it.
pub fn seen(text: &str) -> impl Iterator<Item = (char, bool)> {
    let characters: Vec<char> = text.chars().collect();
    (0..characters.len()).map(move |at| (characters[at], !is_invisible(&characters, at)))
}

/// Whether a name stands in quotes, as an env file that nobody unquoted leaves it.
pub fn is_quoted(name: &str) -> bool {
    let pairs = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('\u{201c}', '\u{201d}'),
        ('\u{2018}', '\u{2019}'),
    ];
    let mut characters = name.chars();
    let ends = characters.next().zip(characters.next_back());
    ends.is_some_and(|ends| pairs.contains(&ends))
}

fn is_invisible(name: &[char], at: usize) -> bool {
    let character = name[at];
    if !is_refused(character) {
        return false;
    }
    let before = at.checked_sub(1).map(|before| name[before]);
    let after = name.get(at + 1).copied();
    match character {
        '\u{200c}' | '\u{200d}' => !(is_foreign(before) && is_foreign(after)),
        '\u{200e}' | '\u{200f}' => !(is_right_to_left(before) || is_right_to_left(after)),
        // A digit with the mark alone looks like the digit; it is another only in a keycap.
        '\u{fe0f}' => !(is_foreign(before) || (is_keycap(before) && after == Some('\u{20e3}'))),
        '\u{e0020}'..='\u{e007f}' => !follows_flag(&name[..at]),
        _ => true,
    }
}

fn is_refused(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(character, '\u{2800}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

fn is_foreign(character: Option<char>) -> bool {
    character.is_some_and(|character| !character.is_ascii())
}

fn is_keycap(character: Option<char>) -> bool {
    character.is_some_and(|character| character.is_ascii_digit() || "#*".contains(character))
}

fn is_right_to_left(character: Option<char>) -> bool {
    let classes = CodePointMapData::<BidiClass>::new();
    character.is_some_and(|character| {
        let class = classes.get(character);
        let is_class = [BidiClass::RightToLeft, BidiClass::ArabicLetter].contains(&class);
        is_class && character.is_alphabetic()
    })
}

/// Whether what stands before is a black flag and nothing but tags after it.
fn follows_flag(before: &[char]) -> bool {
    let is_tag = |character: &&char| ('\u{e0020}'..='\u{e007f}').contains(*character);
    before.iter().rev().find(|character| !is_tag(character)) == Some(&'\u{1f3f4}')
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static REFUSED: LazyLock<Vec<char>> = LazyLock::new(|| {
        ('\0'..=char::MAX)
            .filter(|next| is_refused(*next))
            .collect()
    });

    proptest! {
        #[test]
        fn no_ascii_name_can_be_imitated(
            name in "[ -~]{1,12}",
            hidden in prop::sample::select(REFUSED.as_slice()),
            at in any::<prop::sample::Index>(),
        ) {
            let at = at.index(name.len() + 1);
            let imitation = format!("{}{hidden}{}", &name[..at], &name[at..]);
            prop_assert_eq!(invisible(&imitation), Some(hidden));
        }

        #[test]
        fn two_hidden_characters_do_not_excuse_each_other(
            name in "[ -~]{2,12}",
            hidden in "[\u{200c}\u{200d}\u{200e}\u{200f}\u{fe0f}\u{e0020}-\u{e007f}]{2,4}",
            at in any::<prop::sample::Index>(),
        ) {
            let at = at.index(name.len() + 1);
            let imitation = format!("{}{hidden}{}", &name[..at], &name[at..]);
            prop_assert!(invisible(&imitation).is_some());
        }
    }
}
