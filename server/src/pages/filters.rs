//! What templates write: names from outside, and times.

use askama::filters::Safe;
use askama::{Result, Values};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A text from outside: escaped, and what nobody sees in it is named, so that no name looks like
/// another.
#[askama::filter_fn]
pub fn shown(text: impl AsRef<str>, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marked(text.as_ref())))
}

/// The same for an attribute, which holds no markup.
#[askama::filter_fn]
pub fn named(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(plain(text.as_ref()))
}

/// A text of several lines from outside.
#[askama::filter_fn]
pub fn lines(text: impl AsRef<str>, _: &dyn Values) -> Result<Safe<String>> {
    let lines: Vec<String> = text.as_ref().split('\n').map(marked).collect();
    Ok(Safe(lines.join("\n")))
}

/// How long ago something was, as a time that says exactly when.
#[askama::filter_fn]
pub fn age(at: &i64, _: &dyn Values, now: &i64) -> Result<Safe<String>> {
    Ok(Safe(timed(*at, &span(now - at))))
}

/// A moment to the minute.
#[askama::filter_fn]
pub fn moment(at: &i64, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(timed(*at, &exactly(*at))))
}

/// The longest title, in characters.
const LONGEST: usize = 200;

/// A text from outside as markup that shows it.
pub fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (character, seen) in versioner::names::seen(text) {
        match character {
            _ if !seen => {
                let code = u32::from(character);
                out += &format!("<span class=\"esc\">U+{code:04X}</span>");
            }
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            other => out.push(other),
        }
    }
    out
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, (character, seen)) in versioner::names::seen(text).enumerate() {
        if number == LONGEST {
            out.push('…');
            break;
        }
        match seen {
            true => out.push(character),
            false => out += &format!("U+{:04X}", u32::from(character)),
        }
    }
    out
}

fn timed(at: i64, text: &str) -> String {
    let exact = exactly(at);
    let at = Timestamp::from_microsecond(at).unwrap_or_default();
    let machine = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("<time datetime=\"{machine}\" title=\"{exact}\">{text}</time>")
}

/// A moment as people write it.
fn exactly(at: i64) -> String {
    let at = Timestamp::from_microsecond(at).unwrap_or_default();
    let at = at.to_zoned(TimeZone::UTC);
    at.strftime("%a %-d %b %Y, %H:%M UTC").to_string()
}

/// So many microseconds in one unit: `40 s`, `14 min`, `28 h`, `2 d`.
pub fn span(microseconds: i64) -> String {
    let seconds = microseconds.max(0) / 1_000_000;
    let (count, unit) = match seconds {
        ..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count}\u{a0}{unit}")
}

#[cfg(test)]
mod tests {
    use super::{marked, plain, span, timed};

    #[test]
    fn what_nobody_sees_is_named_and_nothing_is_markup() {
        assert_eq!(
            marked("<b onclick='x'>&\"\u{202e}\u{200b}é"),
            "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;<span class=\"esc\">U+202E</span>\
             <span class=\"esc\">U+200B</span>é"
        );
        assert_eq!(plain("a\u{202e}b\n"), "aU+202EbU+000A");
        assert_eq!(plain(&"x".repeat(500)).chars().count(), 201);
        let family = "\u{1f469}\u{200d}\u{1f680}";
        assert_eq!(marked(family), family, "an emoji needs its joiner");
    }

    #[test]
    fn times_are_short_and_exact() {
        const MINUTE: i64 = 60_000_000;
        for (microseconds, text) in [
            (-5, "0\u{a0}s"),
            (59 * 1_000_000, "59\u{a0}s"),
            (MINUTE, "1\u{a0}min"),
            (119 * MINUTE, "1\u{a0}h"),
            (47 * 60 * MINUTE, "47\u{a0}h"),
            (48 * 60 * MINUTE, "2\u{a0}d"),
        ] {
            assert_eq!(span(microseconds), text);
        }
        assert_eq!(
            timed(1_764_067_320_000_000, "x"),
            "<time datetime=\"2025-11-25T10:42:00Z\" title=\"Tue 25 Nov 2025, 10:42 UTC\">x</time>"
        );
    }
}
