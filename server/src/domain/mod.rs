//! What the server decides: pure functions over what is known, without HTTP, SQL or a clock.

pub mod answer;
pub mod build;
pub mod change;
pub mod deployment;
pub mod event;
pub mod fields;
pub mod figures;
pub mod gate;
pub mod keys;
pub mod mapping;
pub mod names;
pub mod naming;
pub mod news;
pub mod origin;
pub mod people;
pub mod prune;
pub mod queue;
pub mod rules;
pub mod scope;
pub mod senders;
pub mod sessions;
pub mod slack;
pub mod source;
pub mod time;
pub mod webhook;
pub mod yaml;
