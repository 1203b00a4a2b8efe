//! The web pages under `/manage/`: plain forms and links that work without JavaScript.
//!
//! A page is a handler, a struct with what it shows, and a template in `templates/`. A handler takes a
//! [`viewer::Viewer`], or one of the stricter extractors beside it, and answers [`frame::show`].

mod abort;
mod approvals;
mod ask;
mod assets;
mod audit;
mod buttons;
mod calendar;
mod cell;
mod compare;
mod cookie;
mod csv;
mod delivered;
mod deployment;
mod error;
mod figures;
mod filters;
mod form;
mod format;
mod frame;
mod gate;
mod guard;
mod history;
mod id;
mod keys;
mod link;
mod live;
mod login;
mod matrix;
mod matrix_export;
mod me;
mod once;
mod openid;
mod people;
mod preview;
mod query;
mod repository;
mod rule_edit;
mod rule_form;
mod rules;
mod rules_file;
mod search;
mod set_up;
mod slack;
mod source;
mod source_form;
mod sources;
mod story;
mod things;
mod tried;
mod viewer;
mod voters;
mod wall;
mod webhooks;
mod who;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

pub(crate) use approvals::{Approved, MOST as MOST_HELD, held};
pub(crate) use ask::{Question, judge, last_attempt};
pub(crate) use cell::deployment_address;
pub(crate) use error::PageError;
pub(crate) use format::{address, attribute, escaped_attribute, micros, web_address};
pub use guard::{AuthProxy, PublicUrl, Reach};
pub(crate) use live::Live;
pub(crate) use query::{Query, storable};
pub(crate) use voters::Voters;

use crate::api::App;

/// Every page.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/manage", get(|| async { Redirect::permanent("/manage/") }))
        .merge(reading())
        .route("/manage/login", get(login::form).post(login::log_in))
        .route("/manage/logout", post(login::log_out))
        .route("/manage/login/openid", get(openid::begin))
        .route("/manage/login/openid/done", get(openid::done))
        .route("/manage/login/openid/out", get(openid::log_out))
        .route("/manage/login/link", get(link::form).post(link::follow))
        .route("/manage/me", get(me::me))
        .route("/manage/me/password", post(me::set_password))
        .route("/manage/me/end", post(me::end))
        .route("/manage/me/slack", get(slack::link).post(slack::join))
        .route("/manage/slack", get(slack::page).post(slack::save))
        .route("/manage/slack/remove", post(slack::remove))
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
        .merge(calling())
        .merge(called())
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
        .layer(from_fn_with_state(app.clone(), guard::protect))
}

/// What runs where, what happened, and what people decide.
fn reading() -> Router<Arc<App>> {
    Router::new()
        .route("/manage/", get(matrix::page))
        .route("/manage/state.csv", get(matrix_export::csv))
        .route("/manage/state.json", get(matrix_export::json))
        .route("/manage/wall", get(wall::page))
        .route("/manage/live", get(live::changes))
        .route("/manage/figures", get(figures::page))
        .route("/manage/rules/calendar", get(calendar::page))
        .route("/manage/deployments", get(deployment::page))
        .route("/manage/deployments/{id}/abort", post(abort::abort))
        .route("/manage/versions", get(things::version))
        .route("/manage/catalog", get(things::catalogue))
        .route("/manage/products", get(things::product))
        .route("/manage/environments", get(things::environment))
        .route("/manage/history", get(history::page))
        .route("/manage/history.csv", get(history::csv))
        .route("/manage/history.json", get(history::json))
        .route("/manage/gate", get(ask::page))
        .route("/manage/gate/let-through", post(ask::let_through))
        .route("/manage/gate/withdraw", post(ask::withdraw))
        .route(
            "/manage/approvals",
            get(approvals::page).post(approvals::say),
        )
        .route("/manage/approvals/withdraw", post(approvals::withdraw))
        .route("/manage/search", get(search::page))
        .route("/manage/compare", get(compare::page))
        .route("/manage/rules", get(rules::page))
        .route("/manage/rules/status", post(rules::change_status))
        .route("/manage/rules.yaml", get(rules_file::export))
        .route(
            "/manage/rules/import",
            get(rules_file::form).post(rules_file::take),
        )
        .route(
            "/manage/rules/edit",
            get(rule_edit::page).post(rule_edit::save),
        )
        .layer(CompressionLayer::new())
}

/// Who is told what happens, and what deploys.
fn calling() -> Router<Arc<App>> {
    Router::new()
        .route("/manage/buttons", get(buttons::page).post(buttons::save))
        .route("/manage/webhooks", get(webhooks::list).post(webhooks::add))
        .route("/manage/webhooks/{id}", get(webhooks::one))
        .route("/manage/webhooks/{id}/switch", post(webhooks::switch))
        .route("/manage/webhooks/{id}/rotate", post(webhooks::rotate))
        .route("/manage/webhooks/{id}/test", post(webhooks::test))
        .route("/manage/webhooks/{id}/resend", post(webhooks::resend))
        .route("/manage/webhooks/{id}/remove", post(webhooks::remove))
        .route("/manage/webhooks/{id}/{delivery}", get(webhooks::delivery))
}

/// Who tells of builds and deployments.
fn called() -> Router<Arc<App>> {
    Router::new()
        .route("/manage/sources", get(sources::list).post(sources::add))
        .route(
            "/manage/sources/{id}",
            get(source::one).post(source::change),
        )
        .route("/manage/sources/{id}/switch", post(source::switch))
        .route("/manage/sources/{id}/rotate", post(source::rotate))
        .route("/manage/sources/{id}/replay", post(source::replay))
        .route("/manage/sources/{id}/drop", post(source::give_up))
        .route("/manage/sources/{id}/remove", post(source::remove))
        .route("/manage/sources/{id}/{delivery}", get(delivered::page))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a page panicked");
    PageError::Broken.into_response()
}
