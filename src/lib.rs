//! Tell Versioner what is built and what is deployed where, and stop when it says no.
//!
//! An event is a build or a deployment. A deployment with status `started` is checked against
//! policy before it happens; where policy forbids it, [`Client::track_deployment`] returns an
//! [`Error`] of code 5 ([`Code::Rejected`]), and the deployment must not go on.
//!
//! Every result has one of four codes, the same on every surface of this library and as exit
//! code of the command line: 0 recorded, 1 a bad argument, setting or network, 4 the service
//! refused or failed, 5 rejected by policy. [`Kind`] has the finer reasons.
//!
//! What an event does not name is taken from `VERSIONER_*` variables, then from the
//! configuration file, then from the CI system, of which eight are detected ([`detect()`]).
//!
//! The library prints nothing, never exits, and never shows the API key.
#![deny(unsafe_code)]

mod answer;
#[cfg(feature = "cli")]
pub mod cli;
mod client;
mod clock;
mod config;
mod detect;
mod environment;
mod event;
#[cfg(feature = "capi")]
mod ffi;
mod interrupt;
mod log;
mod metadata;
mod outcome;
mod report;
mod retry;
mod secret;
mod status;
mod transport;

pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use config::Options;
pub use detect::{Detected, detect};
pub use environment::Environment;
pub use event::{BuildEvent, DeploymentEvent, EventKind, Field};
pub use interrupt::Interrupt;
pub use log::{Level, Logger};
pub use metadata::MAX_BYTES as MAX_METADATA_BYTES;
pub use outcome::{Code, Error, Kind, Outcome, Rejection, Warning, WarningKind};
pub use status::Status;

/// The version of this library, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
