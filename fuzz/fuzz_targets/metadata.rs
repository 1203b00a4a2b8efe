//! Metadata of a caller is sent as it was written, or refused with a message that names it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use versioner::fuzzing;

fuzz_target!(|text: &str| {
    match fuzzing::metadata(text) {
        Ok(sent) => {
            let read = |text: &str| -> BTreeMap<String, Box<RawValue>> {
                serde_json::from_str(text).expect("an object")
            };
            let text = text.trim_matches(|end: char| end.is_whitespace() || end == '\u{feff}');
            let (sent, given) = (read(&sent), read(if text.is_empty() { "{}" } else { text }));
            assert!(sent.keys().eq(given.keys()));
            for (name, value) in &sent {
                // A password in an address is taken out.
                let has_login = given[name].get().contains('@');
                assert!(has_login || value.get() == given[name].get(), "{name}");
            }
        }
        Err(message) => assert!(message.starts_with("extra_metadata"), "{message}"),
    }
});
