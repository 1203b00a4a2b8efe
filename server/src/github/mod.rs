//! GitHub, as an app of it: jobs that wait for a verdict, and what is said to them; and what its
//! webhooks could not deliver.

mod answers;
mod asks;
mod client;
mod deliveries;
mod key;

pub use answers::Answers;
pub use asks::Asks;
pub use client::{Api, Bearer, GithubError, open_key};
pub use deliveries::{Deliveries, Failed};
pub use key::AppKey;
