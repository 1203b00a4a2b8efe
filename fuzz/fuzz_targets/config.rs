//! A configuration file of any content is read, or refused with its name and without the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Seek, Write};
use versioner::{BuildEvent, Client, DeploymentEvent, Environment, Error, Options};

const KEY: &str = "sk_test_k1_secretsecret";

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("space");
    file.rewind().expect("a file");
    let client = Client::new(Options {
        config: file.path().display().to_string(),
        api_key: KEY.to_owned(),
        // Without https, as that reads the system's certificates each time.
        api_url: "http://127.0.0.1:1".to_owned(),
        environment: Some(Environment::default()),
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
    assert!(outcome.message.len() < 64 * 1024);
    assert!(!outcome.text().contains(KEY));
}
