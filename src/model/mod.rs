//! The words of the product: events, statuses, outcomes. Nothing here knows a module above it.

pub mod clock;
pub mod event;
pub mod interrupt;
pub mod log;
pub mod outcome;
pub mod secret;
pub mod status;
