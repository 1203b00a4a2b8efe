//! `GET /health`, `/livez` and `/readyz`: whether the server runs, and whether it can do its work.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::App;
use super::schemas;
use crate::domain::answer::Answer;

/// Whether the server answers. Needs no key.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Service",
    security(()),
    responses((status = 200, description = "The server is up", body = schemas::Health))
)]
pub async fn health() -> Answer {
    let body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    Answer::new(200, &body)
}

/// Whether the process runs: if not, start it again. Needs no key.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "Service",
    security(()),
    responses((status = 200, description = "The process runs", body = schemas::Health))
)]
pub async fn live() -> Answer {
    Answer::new(200, &json!({ "status": "ok" }))
}

/// Whether to send requests here: it is not stopping, and can write to its disk. Needs no key.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Service",
    security(()),
    responses(
        (status = 200, description = "Send requests here", body = schemas::Health),
        (status = 503, description = "Send them elsewhere; `status` says why", body = schemas::Health)
    )
)]
pub async fn ready(State(app): State<Arc<App>>) -> Answer {
    match app.unready().await {
        None => Answer::new(200, &json!({ "status": "ok" })),
        Some(status) => Answer::new(503, &json!({ "status": status, "detail": "Not ready" })),
    }
}
