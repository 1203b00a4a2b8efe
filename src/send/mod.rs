//! What goes out and comes back.

pub mod answer;
pub mod retry;
pub mod transport;
