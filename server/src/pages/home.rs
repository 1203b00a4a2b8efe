//! The first page.

use askama::Template;
use axum::response::Response;

use super::filters;
use super::frame::{Frame, Here, show};
use super::viewer::Viewer;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    account: String,
}

/// What whoever comes in sees first.
pub async fn home(viewer: Viewer) -> Response {
    show(&Home {
        frame: viewer.frame(Here::Matrix),
        account: viewer.account_name.clone(),
    })
}
