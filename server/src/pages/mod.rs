//! The web pages under `/manage/`: plain forms and links that work without JavaScript.
//!
//! A page is a handler, a struct with what it shows, and a template in `templates/`. A handler takes a
//! [`viewer::Viewer`], or one of the stricter extractors beside it, and answers [`frame::show`].

mod assets;
mod audit;
mod cookie;
mod error;
mod filters;
mod form;
mod frame;
mod guard;
mod home;
mod keys;
mod link;
mod login;
mod me;
mod openid;
mod people;
mod set_up;
mod viewer;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub use guard::{AuthProxy, PublicUrl, Reach};

use crate::api::App;
use error::PageError;

/// Every page.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/manage", get(|| async { Redirect::permanent("/manage/") }))
        .route("/manage/", get(home::home))
        .route("/manage/login", get(login::form).post(login::log_in))
        .route("/manage/logout", post(login::log_out))
        .route("/manage/login/openid", get(openid::begin))
        .route("/manage/login/openid/done", get(openid::done))
        .route("/manage/login/link", get(link::form).post(link::follow))
        .route("/manage/me", get(me::me))
        .route("/manage/me/password", post(me::set_password))
        .route("/manage/me/end", post(me::end))
        .route("/manage/people", get(people::list).post(people::add))
        .route(
            "/manage/people/{id}",
            get(people::person).post(people::change),
        )
        .route("/manage/people/{id}/link", post(people::link))
        .route("/manage/people/{id}/end", post(people::end_sessions))
        .route("/manage/keys", get(keys::list).post(keys::add))
        .route("/manage/keys/{id}/rotate", post(keys::rotate))
        .route("/manage/keys/{id}/revoke", post(keys::revoke))
        .route("/manage/audit", get(audit::audit))
        .route("/manage/setup", get(set_up::form).post(set_up::set_up))
        .route("/manage/assets/{hash}/{name}", get(assets::asset))
        .route(
            "/manage/{*rest}",
            any(|| async { PageError::NotFound("page") }),
        )
        .method_not_allowed_fallback(|| async { PageError::NotFound("page") })
        .layer(from_fn_with_state(app.clone(), guard::refuse_other_sites))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(guard::protect))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a page panicked");
    PageError::Broken.into_response()
}
