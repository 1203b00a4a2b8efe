//! What goes out and comes back.

pub mod answer;
pub mod attempts;
mod said;
pub mod transport;
pub mod wire;
