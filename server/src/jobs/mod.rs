//! What runs beside requests, and stops with the server.

mod elsewhere;
mod expiry;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::api::App;

/// Starts everything that runs beside requests. It stops when the set is dropped.
pub fn start(app: &Arc<App>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(elsewhere::run(app.clone()));
    if !app.is_read_only() {
        jobs.spawn(expiry::run(app.clone()));
    }
    jobs
}
