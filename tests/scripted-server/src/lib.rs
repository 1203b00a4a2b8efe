//! Plays the service for the test vectors, and judges what a surface made of it.
//!
//! A runner asks for the cases, starts one, performs the call it describes against the address it
//! is given, and hands back the result. Everything that compares expectation and result lives
//! here, so that no language has its own opinion of what passing means. The protocol is described
//! in `tests/vectors/README.md`.

mod case;
mod check;
mod cli;
mod http;
mod load;
mod requests;
mod run;
mod serve;
mod template;

pub use load::{LoadError, load};
pub use serve::{Handle, StartError, start};
