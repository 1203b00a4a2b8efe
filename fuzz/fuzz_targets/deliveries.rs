//! What others send, for every kind of sender and any settings: it becomes events that are no larger than
//! what came, or a short reason, and the same each time. The input has the kind, the headers, the settings
//! and the body, a line each, but for the body, which is the rest.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use versioner_server::fuzzing::{Became, Sender};

/// Stands for a text that is longer than what an input of the fuzzer can have.
const LONG: &str = "@long";
/// The most events that one delivery becomes.
const MOST_EVENTS: usize = 1000;
/// The most that they say together, in bytes: each of 200 places of a mapping 100 kB.
const MOST_SAID: usize = 32 * 1024 * 1024;
/// The longest reason, in bytes.
const LONGEST_REASON: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    let Some((sender, headers, body)) = read(bytes) else {
        return;
    };
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let became = sender.became(&headers, &body);
    assert_eq!(became, sender.became(&headers, &body), "not the same twice");
    match became {
        Became::Events(events) => {
            assert!((1..=MOST_EVENTS).contains(&events.len()));
            let said = events.iter().map(|(said, _)| said.to_string().len());
            assert!(said.sum::<usize>() <= MOST_SAID);
            for (_, wrong) in &events {
                assert!(wrong.as_ref().is_none_or(|wrong| !wrong.is_empty()));
            }
        }
        Became::Ignored(reason) | Became::Unreadable(reason) => {
            assert!(
                !reason.is_empty() && reason.len() <= LONGEST_REASON,
                "{reason}"
            );
        }
    }
});

fn read(bytes: &[u8]) -> Option<(Sender, BTreeMap<String, String>, Vec<u8>)> {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    let mut next = || lines.next();
    let (kind, headers, settings, body) = (next()?, next()?, next()?, next()?);
    let settings: Value = serde_json::from_slice(settings).ok()?;
    let sender = Sender::new(std::str::from_utf8(kind).ok()?, settings)?;
    let body = match std::str::from_utf8(body) {
        Ok(text) => text.replacen(LONG, &"x".repeat(200_000), 1).into_bytes(),
        Err(_) => body.to_vec(),
    };
    Some((sender, serde_json::from_slice(headers).ok()?, body))
}
