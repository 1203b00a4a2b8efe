//! Plays the service for the test vectors, and judges what a surface made of it.
//!
//! A runner asks for the cases, starts one, performs the call it describes against the address it
//! is given, and hands back the result. Everything that compares expectation and result lives
//! here, so that no language has its own opinion of what passing means. The protocol is described
//! in `tests/vectors/README.md`; runners in Rust use [`Server`]'s methods instead.

mod case;
mod cli;
mod console;
mod http;
mod judge;
mod load;
mod outbox;
mod play;
mod reply;
mod requests;
mod run;
mod secrets;
mod server;
mod spans;
mod template;

pub use case::{Call, Clock, Event};
pub use load::{LoadError, load};
pub use run::{Start, Verdict};
pub use server::{ControlError, Server, StartError, start};
