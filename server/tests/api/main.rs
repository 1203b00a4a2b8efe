//! The service over real HTTP.

mod support;

mod errors;
mod events;
mod process;
