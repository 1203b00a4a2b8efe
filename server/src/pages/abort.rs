//! The end of a deployment that nobody ends any more, by somebody who is logged in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::cell::deployment_address;
use super::deployment::{AbortForm, view};
use super::error::PageError;
use super::form::Form;
use super::frame::show_as;
use super::id::Id;
use super::once::Once;
use super::viewer::Developer;
use crate::api::App;
use crate::domain::answer::Refusal;
use crate::domain::fields::MAX_TEXT;
use crate::store::flow::Command;

/// Aborts it, with a reason that stands in the record.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no developer, [`PageError::Refused`] if there is no such
/// deployment.
pub async fn abort(
    State(app): State<Arc<App>>,
    viewer: Developer,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let reason = form.text("reason").to_owned();
    let error = match reason.chars().count() {
        0 => Some("Give a reason. It stands in the record."),
        count if count > MAX_TEXT => Some("This is too long."),
        _ => None,
    };
    if error.is_some() {
        let typed = AbortForm { reason, error };
        let page = view(&app, &viewer, (id, 0), None, Some(typed)).await?;
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let once = Once::of(&form);
    let command = Command::Abort {
        id: id.clone(),
        reason,
        others: true,
    };
    let said = match viewer.write_once(&app, once.as_ref(), command).await {
        Ok(_) => "aborted",
        Err(PageError::Refused(Refusal::Conflict(_))) => "late",
        Err(other) => return Err(other),
    };
    let page = format!("{}&said={said}", deployment_address(&id));
    Ok(Redirect::to(&page).into_response())
}
