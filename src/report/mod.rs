//! What people read.

pub mod terminal;
