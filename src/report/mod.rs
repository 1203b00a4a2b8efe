//! What people and programs read.

#[cfg(feature = "cli")]
pub mod console;
#[cfg(feature = "cli")]
pub mod github;
mod json;
mod text;
