//! The Versioner API to run oneself, on an embedded database.
//!
//! The program is `versioner-server`; this library is what it is made of, so that tests can run the
//! service in their own process with a clock of their own.
#![forbid(unsafe_code)]

mod answer;
pub mod cli;
mod clock;
mod event;
mod http;
mod input;
mod keys;
mod record;
mod rules;
mod serve;
mod store;
mod time;

pub use clock::{Clock, SystemClock};
pub use http::App;
pub use keys::ApiKey;
pub use serve::serve;
pub use store::{Directory, KeyInfo, StoreError};
