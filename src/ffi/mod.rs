//! The C ABI. `include/versioner.h` is generated from here: the comments are its documentation,
//! and each file but `boundary` is a section of it.
//!
//! The only `unsafe` of this crate. Every export goes through [`boundary::boundary`], which keeps
//! panics on this side.
#![allow(unsafe_code, non_camel_case_types)]
// The comments are written for C, where nothing is safe.
#![allow(clippy::missing_safety_doc)]

mod ask;
mod boundary;
mod client;
mod code;
mod event;
mod result;
mod span;
mod track;
mod version;

#[cfg(feature = "fuzzing")]
pub mod fuzzed {
    //! Everything that the header declares.
    pub use super::ask::*;
    pub use super::client::*;
    pub use super::code::*;
    pub use super::event::*;
    pub use super::result::*;
    pub use super::span::*;
    pub use super::track::*;
    pub use super::version::*;
}
