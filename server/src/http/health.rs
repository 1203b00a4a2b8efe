//! `GET /health`.

use axum::http::StatusCode;
use serde_json::json;

use crate::answer::Answer;

/// Whether the server answers. Needs no key.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Service",
    security(()),
    responses((status = 200, description = "The server is up"))
)]
pub async fn health() -> Answer {
    let body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    Answer::new(StatusCode::OK, &body)
}
