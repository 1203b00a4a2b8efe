//! Doors into what reads what Slack sends; see `crate::fuzzing`.

use super::command::Command;
use super::payload::{Envelope, Interaction, Slash};
use super::signature;
use super::text::{self, Text};

/// Whether a request is signed.
pub fn is_signed(secret: &str, headers: [Option<&str>; 2], body: &[u8], now: i64) -> bool {
    let [timestamp, signature] = headers;
    signature::check(secret, timestamp, signature, body, now).is_ok()
}

/// What a form is as a command and as an interaction: what tells it from others, or what is wrong with it.
pub fn form(body: &[u8]) -> [Result<String, String>; 2] {
    let interaction = Interaction::of_form(body).map(|interaction| match interaction {
        Interaction::Click(click) => click.key(),
        Interaction::Submitted { view, .. } => view,
        Interaction::Other => String::new(),
    });
    [Slash::of_form(body).map(|slash| slash.trigger), interaction]
}

/// What a message of a socket is acknowledged by, if it can be.
pub fn envelope(text: &str) -> Option<String> {
    match Envelope::read(text) {
        Envelope::Slash(id, _) | Envelope::Interaction(id, _) | Envelope::Other(id) => Some(id),
        Envelope::Hello { .. } | Envelope::Disconnect { .. } | Envelope::Nothing => None,
    }
}

/// What somebody types: what is answered if it is not understood.
pub fn command(text: &str) -> Result<(), String> {
    match Command::parse(text) {
        Ok(_) => Ok(()),
        Err(answer) => Err(answer.plain()),
    }
}

/// A name and a reason from outside, for the line that a notification shows.
pub fn escaped(text: &str) -> [String; 2] {
    [text::name(text), text::reason(text)].map(|shown| Text::from(shown).escaped())
}
