//! People, for admins.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::error::PageError;
use super::filters;
use super::frame::{Frame, Here, show};
use super::viewer::Admin;
use crate::api::App;
use crate::domain::people::Known;

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    frame: Frame,
    people: Vec<Known>,
    now: i64,
}

/// Everybody.
pub async fn list(State(app): State<Arc<App>>, admin: Admin) -> Result<Response, PageError> {
    Ok(show(&People {
        frame: admin.frame(Here::Me),
        people: admin.account.people().await?,
        now: app.now(),
    }))
}
