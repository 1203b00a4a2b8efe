//! Text of a message, in pieces that say themselves whether they are bold, code, a link or a time.
//!
//! Slack's own markup cannot be escaped: nothing makes `*` or a backtick in it a letter. So no markup is ever
//! sent. A message is made of blocks of `rich_text`, in which a text is shown as it is: a product that is
//! called `<!channel>` or `*api*` calls nobody, and changes nothing around it. Only what is left of a message
//! where no blocks are shown, such as a notification, is one line of text, escaped as far as Slack can.

use std::ops::{Add, AddAssign};

use serde_json::{Value, json};
use versioner::names::seen;

use crate::domain::time::rfc3339;

/// The longest text, in characters.
pub const LONGEST: usize = 3000;
/// The longest name that is shown; one more would push out the others.
const NAME: usize = 120;
/// The longest reason.
const REASON: usize = 500;
/// The longest address of a link.
const ADDRESS: usize = 3000;
/// How Slack shows a time, in the time zone of whoever reads it.
const TIME_FORMAT: &str = "{date_short_pretty} {time}";

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Plain(String),
    Bold(String),
    Code(String),
    Link {
        address: String,
        text: String,
    },
    /// Seconds since 1970.
    Time(i64),
}

/// Text of a message. What is made of a string shows that string, whatever stands in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text(Vec<Piece>);

/// A name from outside: with what nobody sees shown, and not too long.
pub fn name(text: &str) -> String {
    shortened(&visible(text), NAME)
}

/// Longer text from outside, such as a reason: its lines become one.
pub fn reason(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&visible(&line), REASON)
}

/// The same with what nobody sees, such as a change of direction, as its number. Lines stay.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            shown.push('\n');
        }
        for (character, is_seen) in seen(line) {
            match is_seen {
                true => shown.push(character),
                false => shown += &format!("U+{:04X}", u32::from(character)),
            }
        }
    }
    shown
}

/// The same, of at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// Bold text.
pub fn bold(text: impl Into<String>) -> Text {
    Text(vec![Piece::Bold(text.into())])
}

/// Something that is typed as it stands there.
pub fn code(text: impl Into<String>) -> Text {
    Text(vec![Piece::Code(text.into())])
}

/// A link; only its text if the address is too long for one.
pub fn link(address: &str, text: &str) -> Text {
    let text = text.to_owned();
    match address.len() <= ADDRESS {
        true => Text(vec![Piece::Link {
            address: address.to_owned(),
            text,
        }]),
        false => text.into(),
    }
}

/// A time, of microseconds since 1970, as whoever reads it would say it.
pub fn time(microseconds: i64) -> Text {
    Text(vec![Piece::Time(microseconds.div_euclid(1_000_000))])
}

/// A sentence of the server's own, in which code stands between backticks.
pub fn coded(sentence: &str) -> Text {
    let parts = sentence.split('`').enumerate();
    Text(
        parts
            .filter(|(_, part)| !part.is_empty())
            .map(|(index, part)| match index % 2 {
                0 => Piece::Plain(part.to_owned()),
                _ => Piece::Code(part.to_owned()),
            })
            .collect(),
    )
}

/// Texts below each other.
pub fn lines(texts: impl IntoIterator<Item = Text>) -> Text {
    let mut all = Text::default();
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            all += "\n";
        }
        all += text;
    }
    all
}

impl Text {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The letters of it alone, for a place where nothing is taken for markup.
    pub fn plain(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Plain(text) | Piece::Bold(text) | Piece::Code(text) => visible(text),
            Piece::Link { text, .. } => visible(text),
            Piece::Time(seconds) => rfc3339(seconds * 1_000_000),
        });
        shortened(&pieces.collect::<String>(), LONGEST)
    }

    /// The same for where Slack reads markup: it calls nobody and links to nothing.
    pub fn escaped(&self) -> String {
        let plain = self.plain();
        plain
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    }

    /// The block that shows it; none if there is nothing to show.
    pub fn block(&self) -> Option<Value> {
        let mut left = LONGEST;
        let mut elements = Vec::new();
        for piece in &self.0 {
            let mut fitting = |text: &str| {
                let text = shortened(&visible(text), left);
                left -= text.chars().count();
                text
            };
            let element = match piece {
                Piece::Plain(text) => json!({ "type": "text", "text": fitting(text) }),
                Piece::Bold(text) => {
                    json!({ "type": "text", "text": fitting(text), "style": { "bold": true } })
                }
                Piece::Code(text) => {
                    json!({ "type": "text", "text": fitting(text), "style": { "code": true } })
                }
                Piece::Link { address, text } => {
                    json!({ "type": "link", "url": address, "text": fitting(text) })
                }
                Piece::Time(seconds) => {
                    let fallback = rfc3339(seconds * 1_000_000);
                    left = left.saturating_sub(fallback.len());
                    json!({
                        "type": "date", "timestamp": seconds, "format": TIME_FORMAT,
                        "fallback": fallback,
                    })
                }
            };
            // Slack refuses a text without letters.
            if element["text"] != "" {
                elements.push(element);
            }
            if left == 0 {
                break;
            }
        }
        (!elements.is_empty()).then(|| {
            let section = json!({ "type": "rich_text_section", "elements": elements });
            json!({ "type": "rich_text", "elements": [section] })
        })
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(vec![Piece::Plain(text)])
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        text.to_owned().into()
    }
}

impl<T: Into<Text>> Add<T> for Text {
    type Output = Text;

    fn add(mut self, other: T) -> Text {
        self += other;
        self
    }
}

impl<T: Into<Text>> AddAssign<T> for Text {
    fn add_assign(&mut self, other: T) {
        for piece in other.into().0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Plain(before)), Piece::Plain(text)) => *before += &text,
                (_, piece) => self.0.push(piece),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LONGEST, Text, bold, code, coded, lines, link, name, reason, time};

    fn elements(text: &Text) -> Value {
        text.block().unwrap()["elements"][0]["elements"].clone()
    }

    #[test]
    fn what_is_said_from_outside_is_shown_as_it_is() {
        for hostile in [
            "<!channel> & co",
            "<@U1|x>",
            "*bold* _slanted_ ~struck~ `code`",
            "```block```",
            "<https://evil.example|versioner>",
            "https://evil.example",
            ":fire: @here #general",
            "> quoted",
            "&lt;!channel&gt;",
        ] {
            let shown = elements(&(Text::from("of ") + name(hostile) + ", today"));
            let text = format!("of {hostile}, today");
            assert_eq!(shown, json!([{ "type": "text", "text": text }]));
            let shown = elements(&bold(name(hostile)));
            assert_eq!(shown[0]["text"], hostile);
        }
        let text = Text::from("<!channel> & <@U1>");
        assert_eq!(text.escaped(), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
    }

    #[test]
    fn what_nobody_sees_is_shown_wherever_it_stands() {
        assert_eq!(name("a\u{202e}b\u{200b}"), "aU+202EbU+200B");
        let text = Text::from("a\u{202e}b\nc") + bold("\u{200b}");
        assert_eq!(text.plain(), "aU+202Eb\ncU+200B");
        assert_eq!(elements(&text)[0]["text"], "aU+202Eb\nc");
        assert_eq!(reason("no\n\n<!here>"), "no <!here>");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "é".repeat(10_000);
        assert_eq!(name(&long).chars().count(), 120);
        let text = lines((0..40).map(|_| bold(name(&long)) + ": " + reason(&long)));
        let shown = elements(&text);
        let count = |one: &Value| one["text"].as_str().unwrap().chars().count();
        let all: usize = shown.as_array().unwrap().iter().map(count).sum();
        assert!((LONGEST - 1..=LONGEST).contains(&all), "{all}");
        assert!(shown.to_string().ends_with("…\"}]"));
        assert_eq!(text.plain().chars().count(), LONGEST);
        assert_eq!(link(&long, "x"), Text::from("x"));
    }

    #[test]
    fn pieces_say_themselves_what_they_are() {
        let text =
            coded("Type `/versioner link`") + ", " + link("https://x/?a=1&b=|>", "here") + " ";
        let text = text + time(1_531_420_618_900_000) + code("x");
        assert_eq!(
            elements(&text),
            json!([
                { "type": "text", "text": "Type " },
                { "type": "text", "text": "/versioner link", "style": { "code": true } },
                { "type": "text", "text": ", " },
                { "type": "link", "url": "https://x/?a=1&b=|>", "text": "here" },
                { "type": "text", "text": " " },
                {
                    "type": "date", "timestamp": 1_531_420_618,
                    "format": "{date_short_pretty} {time}", "fallback": "2018-07-12T18:36:58Z",
                },
                { "type": "text", "text": "x", "style": { "code": true } },
            ])
        );
        assert_eq!(
            text.plain(),
            "Type /versioner link, here 2018-07-12T18:36:58Zx"
        );
        assert!(Text::default().block().is_none() && Text::from("").block().is_none());
    }
}
