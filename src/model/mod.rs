//! The words of the product: events, kinds, outcomes. Nothing here knows a module above it.

pub mod clock;
pub mod event;
pub mod explanation;
pub mod fact;
pub mod failure;
pub mod foreign;
pub mod interrupt;
pub mod kind;
pub mod log;
pub mod outcome;
pub mod policy;
pub mod progress;
pub mod resolved;
pub mod retries;
pub mod secret;
pub mod source;
pub mod status;
pub mod wait;
