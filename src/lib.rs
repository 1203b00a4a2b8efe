//! Tell Versioner what is built and what is deployed where, and stop when it says no.
#![forbid(unsafe_code)]

mod status;

pub use status::Status;
