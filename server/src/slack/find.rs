//! Finds a message of which no answer came when it was posted: by the name that it carries.

use serde_json::{Value, json};

use super::client::{Client, SlackError};

/// What kind of metadata our messages carry.
const EVENT: &str = "versioner_message";
/// By how much the clocks of Slack and of this server may differ, in seconds.
const CLOCKS: i64 = 300;
/// How many messages are asked for at once.
const AT_ONCE: &str = "200";
/// How often more of them are.
const PAGES: usize = 3;

/// Where a message is.
pub struct Place<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The message that it is a reply to, if it is one.
    pub below: Option<&'a str>,
}

/// The metadata of a message: its name.
pub fn named(name: &str) -> Value {
    json!({ "event_type": EVENT, "event_payload": { "id": name } })
}

/// What Slack calls the message of a name that is there since then, in microseconds, if it is. Without the
/// scopes to look, and in a channel that the app is no member of, that is not known: then none is found.
///
/// # Errors
/// If Slack cannot say so now.
pub async fn find(
    client: &Client<'_>,
    token: &str,
    place: &Place<'_>,
    name: &str,
    since: i64,
) -> Result<Option<String>, SlackError> {
    let oldest = format!("{}.000000", since / 1_000_000 - CLOCKS);
    let mut cursor = String::new();
    for _ in 0..PAGES {
        let mut fields = vec![
            ("channel", place.channel),
            ("oldest", oldest.as_str()),
            ("limit", AT_ONCE),
            ("include_all_metadata", "true"),
        ];
        if !cursor.is_empty() {
            fields.push(("cursor", &cursor));
        }
        let method = match place.below {
            Some(ts) => {
                fields.push(("ts", ts));
                "conversations.replies"
            }
            None => "conversations.history",
        };
        let answer = match client.call_form(method, token, &fields).await {
            Ok(answer) => answer,
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                tracing::warn!(channel = place.channel, %error, method,
                    "Slack does not say whether a message has arrived; it may be there twice");
                return Ok(None);
            }
        };
        let mut messages = answer["messages"].as_array().into_iter().flatten();
        let found = messages.find(|one| {
            one["metadata"]["event_type"] == EVENT && one["metadata"]["event_payload"]["id"] == name
        });
        if let Some(ts) = found.and_then(|one| one["ts"].as_str()) {
            return Ok(Some(ts.to_owned()));
        }
        match answer["response_metadata"]["next_cursor"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut cursor),
            _ => break,
        }
    }
    Ok(None)
}
