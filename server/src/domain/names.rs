//! Names of products, environments and versions: what they may hold, and when two are the same.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use versioner::names::{invisible, is_quoted};

/// The form in which names of products and environments are compared: letter case, full-width
/// letters and the way in which accents are written make no other name.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let compatible = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(name)
        .into_owned();
    composed(&CaseMapper::new().fold_string(&compatible))
}

/// The form in which versions are compared and stored: accents are written in one way.
pub fn composed(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(name)
        .into_owned()
}

/// Puts `new` in the place of what is called `old`, once.
pub fn rename(names: &mut Vec<String>, old: &str, new: &str) {
    for name in names.iter_mut().filter(|name| fold(name) == fold(old)) {
        new.clone_into(name);
    }
    let mut seen: Vec<String> = Vec::new();
    names.retain(|name| {
        let first = !seen.contains(&fold(name));
        seen.push(fold(name));
        first
    });
}

/// What no name may hold, in words.
pub fn fault(name: &str) -> Option<String> {
    if let Some(character) = invisible(name) {
        let code = u32::from(character);
        return Some(format!(
            "Names should not hold the invisible character U+{code:04X}"
        ));
    }
    is_quoted(name).then(|| "Names should not stand in quotes".to_owned())
}

/// The known name that is most like `name`, if one is.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.6;
    let name = fold(name);
    let length = name.chars().count();
    let alike = |other: &str| {
        let other = fold(other);
        let others = other.chars().count();
        // Each letter that one has more is a change; to compare what is long takes long.
        let most = length.min(others) as f64 / length.max(others).max(1) as f64;
        match most < ALIKE {
            true => most,
            false => strsim::normalized_damerau_levenshtein(&name, &other),
        }
    };
    known
        .into_iter()
        .map(|other| (alike(other), other))
        .filter(|(how, _)| *how >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::{fault, fold, nearest};

    #[test]
    fn spelling_makes_no_other_name() {
        for name in ["Production", "PRODUCTION", "ｐｒｏｄｕｃｔｉｏｎ"] {
            assert_eq!(fold(name), "production");
        }
        assert_eq!(fold("Straße"), fold("STRASSE"));
        assert_eq!(fold("jose\u{301}"), fold("JOSÉ"));
        assert_ne!(fold("prod-1"), fold("prod-2"));
    }

    #[test]
    fn a_name_without_end_costs_no_more_than_a_look_at_its_length() {
        let known: Vec<String> = (0..5000).map(|n| format!("service-{n}")).collect();
        let names = || known.iter().map(String::as_str);
        // Compared with each, letter by letter, it would take minutes.
        assert_eq!(nearest(&"x".repeat(200_000), names()), None);
        assert_eq!(nearest("service4711", names()), Some("service-4711"));
        assert_eq!(nearest("", names()), None);
    }

    #[test]
    fn what_nobody_sees_is_named() {
        assert!(fault("production\u{200b}").is_some_and(|fault| fault.contains("U+200B")));
        assert!(fault("\"production\"").is_some());
        assert_eq!(fault("تولید"), None);
    }

    #[test]
    fn a_typing_error_finds_what_was_meant() {
        assert_eq!(
            nearest("prodution", ["staging", "production"]),
            Some("production")
        );
        assert_eq!(nearest("qa", ["staging", "production"]), None);
    }
}
