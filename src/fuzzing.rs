//! Doors into the rooms for the fuzz targets below `fuzz/`, and for nothing else.
#![allow(missing_docs)]

use crate::input::environment::Environment;
use crate::input::metadata as caller_metadata;
use crate::model::event::EventKind;
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::send::transport;

#[cfg(feature = "capi")]
pub use crate::ffi::fuzzed as capi;

/// What an event comes to if these bytes are all that the service sends.
pub fn answer(bytes: &[u8], kind: EventKind, sent_status: &str, key: &str) -> Outcome {
    let key = Secret::new(key);
    match transport::fuzzing::answer(bytes.to_vec()) {
        Ok(answer) => answer.into_outcome(kind, sent_status, &key),
        Err(unsent) => unsent.failure.into_outcome(Some(kind)),
    }
}

/// The metadata of a caller as it is sent, or what is wrong with it.
pub fn metadata(text: &str) -> Result<String, String> {
    let metadata = caller_metadata::check_size(text).and_then(|()| caller_metadata::parse(text));
    metadata
        .map(|metadata| serde_json::to_string(&metadata).expect("JSON stays JSON"))
        .map_err(|failure| failure.message)
}

/// The proxy that stands before a service, or what is wrong with it.
pub fn proxy(environment: &Environment, api_url: &str) -> Result<Option<String>, String> {
    transport::fuzzing::proxy(environment, api_url)
}
