//! What goes out and comes back.

pub mod answer;
pub mod attempts;
mod ending;
pub(crate) mod lenient;
pub mod limit;
mod own_start;
mod said;
pub mod transport;
pub mod wire;
