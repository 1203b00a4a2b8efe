//! Where a question is asked: a path below the base URL, and its query.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

use crate::input::text;
use crate::model::failure::Failure;

/// What a path cannot hold as it is (RFC 3986).
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What the name or value of a parameter cannot hold as it is.
const NOT_IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The path with its query, percent-encoded, without a slash at its beginning.
pub(crate) fn target(path: &str, query: &[(&str, &str)]) -> Result<String, Failure> {
    let path = text::trim(path).trim_start_matches('/');
    if let Some(problem) = problem(path) {
        let message = format!("path {problem}: give one below the API URL, such as deployments/");
        return Err(Failure::argument("path", message));
    }
    let mut target = utf8_percent_encode(path, NOT_IN_PATH).to_string();
    for (index, (name, value)) in query.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(&parameter(name, value)?);
    }
    Ok(target)
}

/// A text as one part of a path.
#[cfg(feature = "cli")]
pub(crate) fn segment(text: &str) -> String {
    // An encoded dot is one on the way, too; a word in its place is just not found.
    utf8_percent_encode(text, NOT_IN_QUERY)
        .to_string()
        .replace("..", "%2E.")
}

fn problem(path: &str) -> Option<&'static str> {
    // Decoded, because somebody on the way may go up a folder too.
    let leaves = |part: &str| {
        let part: Vec<u8> = percent_decode_str(part).collect();
        part == b"." || part == b".."
    };
    match path {
        "" => Some("is missing"),
        path if path.contains("://") => Some("is a whole URL"),
        path if path.contains(['?', '#']) => Some("holds a query, which is given by itself"),
        path if path.chars().any(char::is_control) => Some("holds a control character"),
        path if has_bare_percent(path) => Some("holds a % that encodes nothing (write it as %25)"),
        path if path.split(['/', '\\']).any(leaves) => Some("leads out of itself"),
        _ => None,
    }
}

fn has_bare_percent(path: &str) -> bool {
    let encodes = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    path.split('%').skip(1).any(|rest| !encodes(rest))
}

/// An empty filter is none, and would answer more than was asked for.
fn parameter(name: &str, value: &str) -> Result<String, Failure> {
    let blank = |what: &str| {
        let message = format!("query {name:?} has no {what}: is a variable not set?");
        Failure::argument("query", message)
    };
    let (name, value) = (
        text::given(name).ok_or_else(|| blank("name"))?,
        text::given(value).ok_or_else(|| blank("value"))?,
    );
    let encoded = |text| utf8_percent_encode(text, NOT_IN_QUERY).to_string();
    Ok(format!("{}={}", encoded(name), encoded(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_base_and_a_value_stays_one_value() {
        let target = |path, query: &[(&str, &str)]| target(path, query).expect("a target");
        assert_eq!(target("/state/", &[]), "state/");
        assert_eq!(
            target("versions/a b/é/%2f/", &[]),
            "versions/a%20b/%C3%A9/%2f/"
        );
        assert_eq!(
            target("state/", &[("product", " a&b=c d+é "), ("limit", "1")]),
            "state/?product=a%26b%3Dc%20d%2B%C3%A9&limit=1"
        );
    }

    #[test]
    fn what_leads_elsewhere_or_asks_for_nothing_is_refused() {
        for path in [
            "",
            "  ",
            "/",
            "https://evil.example/",
            "../x",
            "a/%2E%2e/x",
            "a\\..\\x",
            "a?b=c",
            "a#b",
            "100%",
            "a%2",
            "a\r\nHost: x",
        ] {
            let failure = target(path, &[]).expect_err(path);
            assert_eq!(failure.argument, "path", "{path}");
        }
        for query in [("product", " "), ("", "x")] {
            let failure = target("state/", &[query]).expect_err("blank");
            assert_eq!(failure.argument, "query");
        }
    }
}
