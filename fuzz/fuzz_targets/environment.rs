//! Variables of any name and content, a NUL between them: detection and settings take what they
//! can use, and the rest is an error that can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use versioner::{BuildEvent, Client, DeploymentEvent, Environment, Error, Options, detect};

const KEY: &str = "sk_test_k1_secretsecret";

fuzz_target!(|bytes: &[u8]| {
    let variables = bytes.split(|byte| *byte == 0).filter_map(|entry| {
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((text(&entry[..equals]), text(&entry[equals + 1..])))
    });
    let environment = Environment::from_os(variables);
    detect(&environment);
    let client = Client::new(Options {
        api_key: KEY.to_owned(),
        // Without https, as that reads the system's certificates each time.
        api_url: "http://127.0.0.1:1".to_owned(),
        environment: Some(environment),
        ..Options::default()
    });
    match client {
        Ok(client) => {
            client
                .validate_build(&BuildEvent::default())
                .map_err(check)
                .ok();
            client
                .validate_deployment(&DeploymentEvent::default())
                .map_err(check)
                .ok();
        }
        Err(error) => check(error),
    }
});

fn check(error: Error) {
    let outcome = error.into_outcome();
    assert!(!outcome.message.is_empty());
    assert!(!outcome.text().contains(KEY));
}
