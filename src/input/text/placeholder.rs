//! Placeholders that whoever should have replaced them left: `$(Stage)`, `{{ stage }}`, `$STAGE`.

use memchr::memchr3;

/// The forms that are recognised anywhere in a text, the longer before the shorter that it holds.
const BRACKETED: [(&str, &str); 5] = [
    ("${{", "}}"),
    ("$(", ")"),
    ("${", "}"),
    ("{{", "}}"),
    ("<<", ">>"),
];

/// The name by which AWS Lambda calls the newest version.
const NO_PLACEHOLDER: &str = "$LATEST";

/// The first placeholder in a text, if there is one.
pub fn find(text: &str) -> Option<&str> {
    bracketed(text).or_else(|| text.split('/').find(|part| is_variable(part)))
}

/// Whether a text is a placeholder and nothing else.
pub fn is_whole(text: &str) -> bool {
    is_variable(text) || bracketed(text) == Some(text)
}

fn bracketed(text: &str) -> Option<&str> {
    let mut start = 0;
    while let Some(next) = memchr3(b'$', b'{', b'<', text.as_bytes().get(start..)?) {
        start += next;
        let rest = &text[start..];
        let opened = BRACKETED
            .iter()
            .find_map(|(open, close)| Some((rest.strip_prefix(open)?, *open, *close)));
        if let Some((inner, open, close)) = opened
            && let Some(end) = inner.find(close)
        {
            let length = open.len() + end + close.len();
            if !inner[..end].trim().is_empty() {
                return Some(&rest[..length]);
            }
            start += length;
            continue;
        }
        start += 1;
    }
    None
}

/// `$NAME` and `%NAME%`.
fn is_variable(text: &str) -> bool {
    let shell = text.strip_prefix('$').filter(|_| text != NO_PLACEHOLDER);
    let windows = text
        .strip_prefix('%')
        .and_then(|rest| rest.strip_suffix('%'));
    shell.or(windows).is_some_and(|name| {
        let is_first = |first: char| first.is_ascii_alphabetic() || first == '_';
        let is_next = |next: char| next.is_ascii_alphanumeric() || next == '_';
        name.starts_with(is_first) && name.chars().all(is_next)
    })
}
