//! The address of a service, of a proxy and of those that need none, a line each: a proxy that is
//! named is used or an error, never passed over, and its password shows nowhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use versioner::{Environment, fuzzing};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (api_url, proxy, no_proxy) = (next(), next(), next());
    let secret = "s3cretpw";
    if text.contains(secret) {
        // Found in this program, and put where it is no password.
        return;
    }
    let with_password = format!("http://user:{secret}@{proxy}");
    for proxy in [proxy, &with_password] {
        let environment: Environment = [("all_proxy", proxy), ("no_proxy", no_proxy)]
            .into_iter()
            .collect();
        match fuzzing::proxy(&environment, api_url) {
            Ok(Some(address)) => assert!(!address.contains(secret)),
            Ok(None) => {
                let trim = |text: &str| {
                    text.trim_matches(|end: char| end.is_whitespace() || end == '\u{feff}')
                        .is_empty()
                };
                assert!(trim(proxy) || !trim(no_proxy), "passed over {proxy:?}");
            }
            Err(message) => assert!(!message.contains(secret)),
        }
    }
});
