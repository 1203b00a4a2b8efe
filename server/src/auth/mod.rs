//! Who asks, and what they may do.

pub mod address;
pub mod keys;
pub mod principal;
pub mod rate;
