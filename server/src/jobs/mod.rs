//! What runs beside requests, and stops with the server.

mod elsewhere;
mod expiry;
pub mod inbox;
mod load;
pub mod queue;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::announce::{self, Deliver};
use crate::api::App;
use crate::github::{Answers, Asks};
pub use load::Load;
use queue::Handler;

/// Starts everything that runs beside requests. It stops when the set is dropped.
pub fn start(app: &Arc<App>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(elsewhere::run(app.clone()));
    if !app.is_read_only() {
        jobs.spawn(expiry::run(app.clone()));
        jobs.spawn(queue::run(app.clone(), handlers()));
        jobs.spawn(announce::run(app.clone()));
        jobs.spawn(crate::slack::run(app.clone()));
    }
    jobs
}

/// Who does what waits in the queues, one for each kind.
fn handlers() -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(inbox::Inbox),
        Arc::new(Deliver),
        Arc::new(Asks),
        Arc::new(Answers),
    ]
}
