//! The transport over bytes in memory.

use std::io;
use std::time::Duration;

use super::exchange::Connection;
use super::proxy;
use super::socket::{Arrived, Link};
use super::{Transport, Unsent};
use crate::input::detect::Detected;
use crate::input::environment::Environment;
use crate::input::settings::{BaseUrl, Options, Settings};
use crate::model::interrupt::Interrupt;
use crate::model::log::Logger;
use crate::send::answer::Answer;
use crate::send::limit::{Cut, Limit};

/// Longer than any reading of bytes that are all there.
const LONG: Duration = Duration::from_secs(60);

/// Bytes that are all there, given out in pieces whose length follows from them.
struct Memory {
    bytes: Vec<u8>,
    given: usize,
}

impl Link for Memory {
    fn read(&mut self, into: &mut [u8], _: &Limit) -> io::Result<usize> {
        let rest = &self.bytes[self.given..];
        let piece = rest.first().map_or(0, |first| 1 + usize::from(*first) * 8);
        let length = rest.len().min(into.len()).min(piece);
        into[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }

    fn write(&mut self, bytes: &[u8], _: &Limit) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn arrived(&mut self) -> Arrived {
        Arrived::Nothing
    }
}

pub(crate) fn answer(bytes: Vec<u8>) -> Result<Answer, Unsent> {
    let options = Options {
        api_key: "sk_test_k1_secretsecret".to_owned(),
        api_url: "http://127.0.0.1:1".to_owned(),
        environment: Some(Environment::default()),
        ..Options::default()
    };
    let settings = Settings::resolve(&options, &Detected::default()).expect("usable settings");
    let transport = Transport::new(&settings, Logger::default()).expect("a usable transport");
    let mut connection = Connection::new(Box::new(Memory { bytes, given: 0 }));
    let never = Interrupt::never();
    let received = connection.exchange(b"POST", &Limit::new(LONG, Cut::Total(LONG), LONG, &never));
    match received {
        Ok(received) => transport.answer(received),
        Err(unanswered) => Err(Unsent {
            http_status: unanswered.status,
            was_sent: unanswered.was_sent,
            failure: transport.failure(unanswered.trouble, unanswered.status, true),
        }),
    }
}

pub(crate) fn proxy(environment: &Environment, api_url: &str) -> Result<Option<String>, String> {
    let target = BaseUrl::parse(api_url)?;
    proxy::choose(environment, &target)
        .map(|proxy| proxy.map(|proxy| proxy.address()))
        .map_err(|failure| failure.message)
}
