//! What goes in: the environment, the configuration file, the CI system, the caller's texts.

pub mod detect;
pub mod environment;
#[cfg(feature = "cli")]
pub(crate) mod git;
pub mod metadata;
pub mod pipe;
pub(crate) mod query;
pub mod settings;
pub mod text;
