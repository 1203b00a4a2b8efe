//! `GET /health`.

use serde_json::json;

use crate::domain::answer::Answer;

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
    Answer::new(200, &body)
}
