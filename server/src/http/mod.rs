//! The HTTP side: routes, and what every request goes through.

mod auth;
mod body;
mod events;
mod health;
mod rate;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Refusal;
use crate::clock::Clock;
use crate::store::Directory;

pub use rate::RateLimiter;

/// What every handler can reach.
pub struct App {
    /// The data.
    pub directory: Directory,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The budget of requests, where there is one.
    pub rate_limiter: Option<RateLimiter>,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Versioner",
    description = "Tell Versioner what is built and what is deployed where, and stop when it says no."
))]
struct ApiDoc;

/// The whole service.
pub fn router(app: Arc<App>) -> Router {
    let (router, _api) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(health::health))
        .routes(routes!(events::post_build_event))
        .routes(routes!(events::post_deployment_event))
        .split_for_parts();
    router
        .fallback(|| async { Refusal::NotFound("Not Found".to_owned()) })
        .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    let detail = serde_json::json!({ "detail": "Internal Server Error" });
    crate::answer::Answer::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, &detail)
        .into_response()
}
