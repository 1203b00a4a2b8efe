//! Messages in the blocks that Slack shows, within its limits.

use serde_json::{Value, json};

use super::text::{Text, bold, lines, shortened, visible};

/// The longest headline, in characters.
const HEADER: usize = 150;
/// The longest text of a button.
const BUTTON: usize = 75;
/// The longest address of a button.
const URL: usize = 3000;
/// The longest paragraph of a window.
const PARAGRAPH: usize = 3000;
/// The most blocks of a message.
const BLOCKS: usize = 50;
/// The longest reason that can be typed.
const TYPED: u32 = 2000;

/// Text without markup.
fn plain(text: &str, most: usize) -> Value {
    let text = shortened(&visible(text), most);
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// A headline, of text from outside.
pub fn header(text: &str) -> Value {
    json!({ "type": "header", "text": plain(text, HEADER) })
}

/// Facts below each other.
pub fn facts(facts: &[(&str, Text)]) -> Text {
    lines(
        facts
            .iter()
            .map(|(what, text)| bold(format!("{what}:")) + " " + text.clone()),
    )
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
    text: Text,
    /// What is shown.
    blocks: Vec<Value>,
}

impl Message {
    /// A message of one paragraph.
    pub fn of(text: impl Into<Text>) -> Message {
        let text = text.into();
        Message {
            blocks: text.block().into_iter().collect(),
            text,
        }
    }

    /// A message of several blocks, of which notifications say `text`.
    pub fn with(text: impl Into<Text>, blocks: impl IntoIterator<Item = Value>) -> Message {
        Message {
            text: text.into(),
            blocks: blocks.into_iter().take(BLOCKS).collect(),
        }
    }

    /// The members of a request that posts it.
    pub fn to_json(&self) -> Value {
        json!({ "text": self.text.escaped(), "blocks": self.blocks })
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
            { "type": "section", "text": plain(what, PARAGRAPH) },
            {
                "type": "input",
                "block_id": "reason",
                "label": plain("Why, so that whoever deploys knows what to change", 2000),
                "element": {
                    "type": "plain_text_input", "action_id": "reason", "multiline": true,
                    "max_length": TYPED,
                },
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::{Message, Text, facts, header, opens};

    #[test]
    fn what_is_too_long_is_cut_or_left_out() {
        let head = header(&"é".repeat(10_000));
        let head = head["text"]["text"].as_str().unwrap();
        assert_eq!(head.chars().count(), 150);
        assert!(opens("Open", "open", &"x".repeat(3001)).is_none());
        let many = Message::with("x", (0..80).map(|_| header("x")));
        assert_eq!(many.to_json()["blocks"].as_array().unwrap().len(), 50);
        let long = Message::of("<&".repeat(9000)).to_json();
        let text = long["blocks"][0]["elements"][0]["elements"][0]["text"].as_str();
        assert_eq!(text.unwrap().chars().count(), 3000);
    }

    #[test]
    fn nothing_is_sent_as_markup() {
        let hostile = "*x* <!channel> `y`";
        let text = facts(&[("Product", hostile.into())]);
        let sent = Message::with(hostile, text.block().into_iter().chain([header(hostile)]));
        let sent = sent.to_json();
        assert!(!sent.to_string().contains("mrkdwn"));
        assert_eq!(sent["text"], "*x* &lt;!channel&gt; `y`");
        assert_eq!(text.plain(), format!("Product: {hostile}"));
        assert_eq!(Text::from(hostile).plain(), hostile);
    }
}
