//! What Slack sends, as a form and over a socket, and what people type there: it is read, or answered with
//! something short; text of others gives no markup.
#![no_main]

use libfuzzer_sys::fuzz_target;
use versioner_server::fuzzing::{command, envelope, escaped, form};

/// The longest text of a section of a message, in characters.
const SECTION: usize = 3000;
/// The longest name or reason, in characters before they are escaped; each is up to eight afterwards.
const LONGEST: usize = 501 * 8;

fuzz_target!(|bytes: &[u8]| {
    let read = form(bytes);
    assert_eq!(read, form(bytes), "not the same twice");
    for wrong in read.into_iter().filter_map(Result::err) {
        assert!(!wrong.is_empty() && wrong.len() < SECTION, "{wrong}");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // What has a name is acknowledged by it, or it would come again for ever.
    if let Some(id) = envelope(text) {
        let message: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(message["envelope_id"], id);
    }
    if let Err(answer) = command(text) {
        assert!(
            !answer.is_empty() && answer.chars().count() < SECTION,
            "{answer}"
        );
    }
    for shown in escaped(text) {
        assert!(
            !shown.contains(['<', '>']) && shown.chars().count() <= LONGEST,
            "{shown}"
        );
        for (at, _) in shown.match_indices('&') {
            let rest = &shown[at..];
            assert!(
                ["&amp;", "&lt;", "&gt;"]
                    .iter()
                    .any(|known| rest.starts_with(known))
            );
        }
    }
});
