//! What goes out and comes back.

pub mod answer;
pub mod attempts;
mod lenient;
pub mod limit;
mod said;
pub mod transport;
pub mod wire;
