//! What people read.

#[cfg(feature = "cli")]
pub mod github;
pub mod text;
