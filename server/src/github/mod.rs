//! GitHub, as an app of it: jobs that wait for a verdict, and what is said to them.

mod answers;
mod asks;
mod client;
mod key;

pub use answers::Answers;
pub use asks::Asks;
pub use key::AppKey;
