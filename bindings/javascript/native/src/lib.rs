//! What the npm package `versioner` calls of the core. Private: the TypeScript beside it is the
//! interface, and gives only values of the right type.
//!
//! Values cross as the text of JSON, with the names that every surface shares. A call that fails
//! throws an error whose message is such a text, of an outcome.

// Without registering anything, as napi is under test, no function has a user.
#![cfg_attr(test, allow(dead_code))]

mod answer;
mod call;
mod client;
mod command;
mod span;
mod values;

use napi_derive::napi;
use versioner::{EventKind, Kind};

/// The version of this library.
#[napi]
pub fn version() -> &'static str {
    versioner::VERSION
}

/// What the TypeScript must agree with: kinds with their codes, and fields with what they mean.
#[napi]
pub fn tables() -> String {
    let kinds: serde_json::Map<String, serde_json::Value> = Kind::ALL
        .iter()
        .map(|kind| (kind.as_str().to_owned(), (kind.code() as i32).into()))
        .collect();
    let fields = |kind: EventKind| -> serde_json::Value {
        let fields = kind.fields().iter();
        fields.map(|field| [field.name, field.about]).collect()
    };
    serde_json::json!({
        "kinds": kinds,
        "build": fields(EventKind::Build),
        "deployment": fields(EventKind::Deployment),
        "max_metadata_bytes": versioner::MAX_METADATA_BYTES,
    })
    .to_string()
}
