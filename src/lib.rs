//! Tell Versioner what is built and what is deployed where, and stop when it says no.
//!
//! An event is a build or a deployment. A deployment with status `started` is checked against
//! policy before it happens; if policy forbids it, [`Client::track_deployment`] returns an
//! [`Error`] of code 5 ([`Code::Rejected`]), and the deployment must not go on.
//!
//! Every result has one of four codes, the same on every surface of this library and as exit
//! code of the command line: 0 recorded (or not, in best-effort mode), 1 a bad argument, setting or
//! network, 4 the service refused or failed, 5 rejected by policy. [`Kind`] has the finer reasons.
//!
//! What an event does not name is taken from `VERSIONER_*` variables, then from the
//! configuration file, then from the CI system, if it is one that [`detect()`] knows.
//!
//! The library prints nothing, never exits, and never shows the API key.
#![deny(unsafe_code)]

#[cfg(feature = "cli")]
pub mod cli;
mod client;
#[cfg(feature = "capi")]
mod ffi;
mod input;
mod model;
mod outbox;
mod report;
mod send;
mod span;
mod wait;

pub use client::Client;
pub use input::detect::{Detected, detect};
pub use input::environment::Environment;
pub use input::metadata::MAX_BYTES as MAX_METADATA_BYTES;
pub use input::settings::Options;
pub use model::clock::{Clock, SystemClock};
pub use model::event::{BuildEvent, DeploymentEvent, EventKind, Field, FieldKind};
pub use model::explanation::{Explained, Explanation};
pub use model::fact::Found;
pub use model::foreign::Foreign;
pub use model::interrupt::Interrupt;
pub use model::kind::{Code, Kind, WarningKind};
pub use model::log::{Level, Logger};
pub use model::outcome::{Error, Outcome, Rejection, Warning};
pub use model::progress::Progress;
pub use model::source::Source;
pub use model::status::Status;
pub use span::{End, Renewal, ScopeError, Scoped, Span};

/// What a name may hold, for versioner-server, which judges by the same table.
#[doc(hidden)]
pub mod names {
    pub use crate::input::text::names::{invisible, is_quoted, seen};
    pub use crate::input::text::{placeholder, trim};
}

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

/// The version of this library, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
