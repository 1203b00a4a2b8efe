//! Messages in the blocks that Slack shows, within its limits. Every text is escaped: a product that is
//! called `<!channel>` calls nobody.

use serde_json::{Value, json};
use versioner::names::seen;

/// The longest text of a section, in characters.
const SECTION: usize = 3000;
/// The longest field of a section.
const FIELD: usize = 2000;
/// The most fields of a section.
const FIELDS: usize = 10;
/// The longest headline.
const HEADER: usize = 150;
/// The longest text of a button.
const BUTTON: usize = 75;
/// The longest address of a button.
const URL: usize = 3000;
/// The longest name that is shown; one more would push out the others.
const NAME: usize = 120;

/// A name from outside, for text with markup: escaped, with what nobody sees shown, and not too long.
pub fn name(text: &str) -> String {
    escaped(text, NAME)
}

/// Longer text from outside, such as a reason: as [`name`], and its lines become one.
pub fn reason(text: &str) -> String {
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "), 500)
}

fn escaped(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    for (count, (character, seen)) in seen(text).enumerate() {
        if count == most {
            shown.push('…');
            break;
        }
        match character {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            _ if !seen => shown += &format!("U+{:04X}", u32::from(character)),
            _ => shown.push(character),
        }
    }
    shown
}

/// A link with a text that is escaped already.
pub fn link(address: &str, text: &str) -> String {
    let address = address
        .replace('|', "%7C")
        .replace('>', "%3E")
        .replace('<', "%3C");
    format!("<{}|{text}>", address.replace('&', "&amp;"))
}

/// Text that is cut to so many characters, but within no reference such as `&amp;` or a link.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most - 1).collect();
    if let Some(open) = kept.rfind(['&', '<'])
        && !kept[open..].contains([';', '>'])
    {
        kept.truncate(open);
    }
    kept + "…"
}

/// Text with markup. Addresses and channels in it stay text.
fn markup(text: &str, most: usize) -> Value {
    json!({ "type": "mrkdwn", "text": cut(text, most), "verbatim": true })
}

/// Text without.
fn plain(text: &str, most: usize) -> Value {
    let text: String = match text.chars().count() {
        long if long > most => text.chars().take(most - 1).chain(['…']).collect(),
        _ => text.to_owned(),
    };
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// A headline, of text from outside.
pub fn header(text: &str) -> Value {
    json!({ "type": "header", "text": plain(text, HEADER) })
}

/// A paragraph.
pub fn section(text: &str) -> Value {
    json!({ "type": "section", "text": markup(text, SECTION) })
}

/// Facts side by side.
pub fn fields(facts: &[(&str, String)]) -> Value {
    let fields: Vec<Value> = facts
        .iter()
        .take(FIELDS)
        .map(|(what, text)| markup(&format!("*{what}*\n{text}"), FIELD))
        .collect();
    json!({ "type": "section", "fields": fields })
}

/// A line in small letters.
pub fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [markup(text, FIELD)] })
}

/// Buttons beside each other.
pub fn actions(buttons: Vec<Value>) -> Value {
    json!({ "type": "actions", "elements": buttons })
}

/// A button that does something.
pub fn button(text: &str, action: &str, value: &str, style: Option<&str>) -> Value {
    let mut button = json!({
        "type": "button", "text": plain(text, BUTTON), "action_id": action, "value": value,
    });
    if let Some(style) = style {
        button["style"] = json!(style);
    }
    button
}

/// A button that opens a page; none if the address is too long for one.
pub fn opens(text: &str, action: &str, address: &str) -> Option<Value> {
    (address.len() <= URL).then(|| {
        json!({
            "type": "button", "text": plain(text, BUTTON), "action_id": action, "url": address,
        })
    })
}

/// A message: what notifications and screen readers say, and what is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What notifications and screen readers say.
    pub text: String,
    /// What is shown.
    pub blocks: Vec<Value>,
}

impl Message {
    /// A message of one paragraph.
    pub fn of(text: &str) -> Message {
        Message {
            text: cut(text, SECTION),
            blocks: vec![section(text)],
        }
    }

    /// The members of a request that posts it.
    pub fn to_json(&self) -> Value {
        json!({ "text": self.text, "blocks": self.blocks })
    }

    /// The answer to a command.
    pub fn reply(&self, public: bool) -> Value {
        let mut reply = self.to_json();
        reply["response_type"] = json!(if public { "in_channel" } else { "ephemeral" });
        reply["unfurl_links"] = json!(false);
        reply
    }
}

/// The window that asks why something is refused.
pub fn why(callback: &str, metadata: &str, what: &str) -> Value {
    json!({
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "title": plain("Refuse", 24),
        "submit": plain("Refuse", 24),
        "close": plain("Cancel", 24),
        "blocks": [
            section(what),
            {
                "type": "input",
                "block_id": "reason",
                "label": plain("Why, so that whoever deploys knows what to change", 2000),
                "element": {
                    "type": "plain_text_input", "action_id": "reason", "multiline": true,
                    "max_length": 2000,
                },
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::{Message, cut, fields, header, link, name, opens, reason};

    #[test]
    fn a_name_calls_nobody_and_changes_nothing_around_it() {
        assert_eq!(name("<!channel> & co"), "&lt;!channel&gt; &amp; co");
        assert_eq!(name("<@U1|x>"), "&lt;@U1|x&gt;");
        assert_eq!(name("a\u{202e}b\u{200b}"), "aU+202EbU+200B");
        assert!(name(&"x".repeat(300)).ends_with('…'));
        assert_eq!(reason("no\n\n<!here>"), "no &lt;!here&gt;");
    }

    #[test]
    fn what_is_too_long_is_cut_where_nothing_breaks() {
        assert_eq!(cut("ab&amp;cd", 6), "ab…");
        assert_eq!(cut("ab<https://x|y> z", 10), "ab…");
        assert_eq!(cut("abc", 3), "abc");
        let long = Message::of(&"<&".repeat(9000));
        let shown = long.blocks[0]["text"]["text"].as_str().unwrap();
        assert!(shown.chars().count() <= 3000);
        assert!(
            header(&"é".repeat(400))["text"]["text"]
                .as_str()
                .unwrap()
                .chars()
                .count()
                <= 150
        );
        let many: Vec<_> = (0..20).map(|_| ("a", "b".to_owned())).collect();
        assert_eq!(fields(&many)["fields"].as_array().unwrap().len(), 10);
        assert!(opens("Open", "open", &"x".repeat(3001)).is_none());
    }

    #[test]
    fn a_link_ends_at_its_end() {
        assert_eq!(
            link("https://x/?a=1&b=>|", "t"),
            "<https://x/?a=1&amp;b=%3E%7C|t>"
        );
    }
}
