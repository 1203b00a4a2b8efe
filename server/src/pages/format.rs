//! How times, names from outside and links are shown.

use std::fmt::{self, Display, Write};

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use versioner::names::seen;

use crate::domain::time::instant;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Between a number and its unit no line breaks.
const NO_BREAK: char = '\u{a0}';
/// The longest text of an attribute, in characters.
const MAX_ATTRIBUTE: usize = 200;

/// Markup, which goes into a page as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Markup that the server has written itself.
    pub fn of(markup: impl Into<String>) -> Html {
        Html(markup.into())
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Html {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// Text from outside for a place between tags: escaped, with what nobody sees shown.
pub fn text(text: &str) -> Html {
    let mut html = String::with_capacity(text.len() + 16);
    for (character, seen) in seen(text) {
        match character {
            hidden if !seen => {
                // Writing to a string cannot fail.
                let _ = write!(html, "<span class=\"esc\">{}</span>", code(hidden));
            }
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            seen => html.push(seen),
        }
    }
    Html(html)
}

/// Lines from outside: as [`text`], but lines stay lines.
pub fn lines(text_of_lines: &str) -> Html {
    let mut shown = String::with_capacity(text_of_lines.len());
    for (n, line) in text_of_lines.lines().enumerate() {
        if n > 0 {
            shown.push('\n');
        }
        shown += &text(line).0;
    }
    Html(shown)
}

/// A name from outside: as [`text`], and it does not turn the text around it.
pub fn name(name: &str) -> Html {
    Html(format!("<bdi>{}</bdi>", text(name)))
}

/// Text from outside for an attribute, such as a title: at most 200 characters, with what nobody sees
/// shown. The template escapes it.
pub fn attribute(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (count, (character, seen)) in seen(text).enumerate() {
        if count == MAX_ATTRIBUTE {
            shown.push('…');
            break;
        }
        match seen {
            true => shown.push(character),
            false => shown += &code(character),
        }
    }
    shown
}

/// The same, escaped, for markup that no template writes.
pub fn escaped_attribute(text: &str) -> String {
    let shown = attribute(text);
    shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The name of a character that nobody sees.
fn code(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// A link to outside, if the address is one of the web; else the text alone.
pub fn web_link(address: &str, text: &Html) -> Html {
    match web_address(address) {
        Some(address) => Html(format!(
            "<a href=\"{}\" rel=\"noopener noreferrer nofollow\">{text}</a>",
            escape_url(address)
        )),
        None => text.clone(),
    }
}

/// The address, if it is one of the web, and of a host.
pub fn web_address(address: &str) -> Option<&str> {
    let address = address.trim();
    let (scheme, rest) = address.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let clean = seen(address).all(|(one, seen)| seen && !one.is_whitespace());
    (is_web && clean && rest.starts_with(|one: char| one.is_alphanumeric() || one == '['))
        .then_some(address)
}

fn escape_url(address: &str) -> String {
    address
        .replace('&', "&amp;")
        .replace('"', "%22")
        .replace('\'', "%27")
        .replace('<', "%3C")
        .replace('>', "%3E")
}

/// An address on this server: a path, and what is not empty of the parameters.
pub fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// How long something takes or took, roughly: `42 s`, `3 min`, `26 h`, `12 d`.
pub fn span(microseconds: i64) -> String {
    let (count, unit) = match microseconds.max(0) {
        short if short < MINUTE => (short / SECOND, "s"),
        short if short < HOUR => (short / MINUTE, "min"),
        long if long < 2 * DAY => (long / HOUR, "h"),
        long => (long / DAY, "d"),
    };
    format!("{count}{NO_BREAK}{unit}")
}

/// How long something took, with its two largest units: `6 min 48 s`.
pub fn exact_span(microseconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")];
    let all = microseconds.max(0);
    let Some(first) = UNITS.iter().position(|(unit, _)| all >= *unit) else {
        return format!("0{NO_BREAK}s");
    };
    let mut rest = all;
    let mut parts = Vec::new();
    for (unit, word) in UNITS.iter().skip(first).take(2) {
        if rest >= *unit {
            parts.push(format!("{}{NO_BREAK}{word}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}

/// How old something is: `2 h`.
pub fn age(at: i64, now: i64) -> Html {
    element(at, &span(now.saturating_sub(at)))
}

/// How long ago something was: `2 h ago`; in how long it will be: `in 2 h`.
pub fn ago(at: i64, now: i64) -> Html {
    if at > now {
        return element(at, &format!("in {}", span(at.saturating_sub(now))));
    }
    element(at, &format!("{} ago", span(now.saturating_sub(at))))
}

/// At which time of the day something was, with the day if it was another.
pub fn clock(at: i64, now: i64) -> Html {
    element(at, &clock_text(at, now))
}

/// The same as text.
pub fn clock_text(at: i64, now: i64) -> String {
    let (then, today) = (utc(at), utc(now));
    let days = now.abs_diff(at) / DAY.unsigned_abs();
    let shape = if then.date() == today.date() {
        "%H:%M"
    } else if days < 6 {
        "%a %H:%M"
    } else if then.year() == today.year() {
        "%-d %b %H:%M"
    } else {
        "%-d %b %Y %H:%M"
    };
    then.strftime(shape).to_string()
}

/// The day and the time of something that is not near: `Fri 4 Dec 15:00`.
pub fn dated(at: i64) -> Html {
    element(at, &utc(at).strftime("%a %-d %b %H:%M").to_string())
}

/// A day in words: `Monday 23 November`, with the year if it is another.
pub fn day(at: i64, now: i64) -> String {
    let (then, today) = (utc(at), utc(now));
    let shape = if then.year() == today.year() {
        "%A %-d %B"
    } else {
        "%A %-d %B %Y"
    };
    then.strftime(shape).to_string()
}

/// A time in words for people who want to know exactly: `Wed 25 Nov 2026, 10:42 UTC`.
pub fn moment(at: i64) -> String {
    utc(at).strftime("%a %-d %b %Y, %H:%M UTC").to_string()
}

/// A time with a text of its own.
pub fn element(at: i64, text: &str) -> Html {
    let seconds = Timestamp::from_second(instant(at).as_second()).unwrap_or(instant(at));
    Html(format!(
        "<time datetime=\"{seconds}\" title=\"{}\">{text}</time>",
        moment(at)
    ))
}

fn utc(at: i64) -> jiff::Zoned {
    instant(at).to_zoned(TimeZone::UTC)
}

/// A time that the server has written itself, in microseconds since 1970.
pub fn micros(text: &str) -> i64 {
    text.parse::<Timestamp>()
        .map_or(0, Timestamp::as_microsecond)
}

/// A count and what it counts: `1 product`, `2 products`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        micros(text)
    }

    #[test]
    fn names_from_outside_are_shown_and_never_obeyed() {
        assert_eq!(
            name("<b>&\"'\u{202e}fdp\u{200b}").as_str(),
            "<bdi>&lt;b&gt;&amp;&quot;&#39;<span class=\"esc\">U+202E</span>fdp\
             <span class=\"esc\">U+200B</span></bdi>"
        );
        assert_eq!(attribute("a\u{0}\u{feff}b"), "aU+0000U+FEFFb");
        assert_eq!(attribute(&"x".repeat(300)).chars().count(), 201);
        let family = "\u{1f469}\u{200d}\u{1f680}";
        assert_eq!(text(family).as_str(), family, "an emoji needs its joiner");
        assert_eq!(name("תולדות 1.0").as_str(), "<bdi>תולדות 1.0</bdi>");
        assert_eq!(escaped_attribute("\"><script>"), "&quot;&gt;&lt;script&gt;");
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        let text = Html::of("run");
        assert_eq!(
            web_link("https://ci.example/1?a=1&b=\"", &text).as_str(),
            "<a href=\"https://ci.example/1?a=1&amp;b=%22\" rel=\"noopener noreferrer nofollow\">run</a>"
        );
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            " java\nscript://x",
            "https://",
            "//x.example",
            "https://a b",
            "https://x\u{202e}",
            "ftp://x.example",
        ] {
            assert_eq!(web_link(bad, &text), text, "{bad}");
        }
    }

    #[test]
    fn ages_are_short() {
        let now = at("2026-11-25T10:42:00Z");
        for (then, expected) in [
            ("2026-11-25T10:42:00Z", "0\u{a0}s"),
            ("2026-11-25T10:41:18Z", "42\u{a0}s"),
            ("2026-11-25T10:39:00Z", "3\u{a0}min"),
            ("2026-11-24T08:42:00Z", "26\u{a0}h"),
            ("2026-11-23T10:42:01Z", "47\u{a0}h"),
            ("2026-11-23T10:42:00Z", "2\u{a0}d"),
            ("2026-11-26T10:42:00Z", "0\u{a0}s"),
        ] {
            assert_eq!(span(now - at(then)), expected, "{then}");
        }
        assert_eq!(
            ago(at("2026-11-25T08:42:00.5Z"), now).as_str(),
            "<time datetime=\"2026-11-25T08:42:00Z\" title=\"Wed 25 Nov 2026, 08:42 UTC\">\
             1\u{a0}h ago</time>"
        );
        assert!(
            ago(at("2026-11-25T12:42:00Z"), now)
                .as_str()
                .contains(">in 2\u{a0}h<")
        );
    }

    #[test]
    fn times_name_the_day_if_it_is_another() {
        let now = at("2026-11-25T10:42:00Z");
        for (then, expected) in [
            ("2026-11-25T07:50:00Z", "07:50"),
            ("2026-11-24T23:02:00Z", "Tue 23:02"),
            ("2026-11-12T10:42:00Z", "12 Nov 10:42"),
            ("2025-11-12T10:42:00Z", "12 Nov 2025 10:42"),
        ] {
            assert_eq!(clock_text(at(then), now), expected);
        }
        assert_eq!(day(at("2026-11-23T01:00:00Z"), now), "Monday 23 November");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!(exact_span(408 * SECOND), "6\u{a0}min 48\u{a0}s");
        assert_eq!(exact_span(72 * SECOND), "1\u{a0}min 12\u{a0}s");
        assert_eq!(exact_span(DAY), "1\u{a0}d");
        assert_eq!(exact_span(2 * DAY + 5 * SECOND), "2\u{a0}d");
        assert_eq!(exact_span(-5), "0\u{a0}s");
    }

    #[test]
    fn addresses_leave_out_what_is_empty() {
        assert_eq!(address("/manage/", &[("a", ""), ("b", "")]), "/manage/");
        assert_eq!(
            address("/manage/", &[("product", "a&b c"), ("state", "")]),
            "/manage/?product=a%26b+c"
        );
    }
}
