//! A start that waits: it asks the gate again until it opens.
//!
//! `answer` says what an answer means for it, `pause` how long until the next question, `progress`
//! what people are told, `latest` whether somebody else was faster; `gate` asks.

mod answer;
mod gate;
mod latest;
mod pause;
mod progress;

pub(crate) use gate::{Gate, Start};
