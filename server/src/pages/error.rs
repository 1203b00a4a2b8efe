//! Pages that say why there is no other.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::filters;
use super::frame::Frame;
use crate::api::error::{ApiError, refusal_status};
use crate::domain::answer::Refusal;
use crate::store::StoreError;

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is logged in.
    LogIn {
        /// The address that they come back to afterwards.
        next: String,
        /// Whether they sent a form, of which nothing is kept.
        is_lost: bool,
    },
    /// The same for a script, which is to see that it is not the page.
    NoSession,
    /// They may not see or do this.
    Forbidden(String),
    /// There is no such thing.
    NotFound(&'static str),
    /// It was there once.
    Gone(String),
    /// What was sent cannot be taken.
    Refused(Refusal),
    /// What the API would say.
    Api(ApiError),
    /// The server has a fault.
    Broken,
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> PageError {
        PageError::Api(error.into())
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> PageError {
        match error {
            ApiError::Refused(refusal) => PageError::Refused(refusal),
            other => PageError::Api(other),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    title: &'static str,
    lines: Vec<String>,
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            PageError::LogIn { .. } => StatusCode::SEE_OTHER,
            PageError::NoSession => StatusCode::UNAUTHORIZED,
            PageError::Forbidden(_) => StatusCode::FORBIDDEN,
            PageError::NotFound(_) => StatusCode::NOT_FOUND,
            PageError::Gone(_) => StatusCode::GONE,
            PageError::Refused(refusal) => refusal_status(refusal),
            PageError::Api(error) => error.status(),
            PageError::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            PageError::LogIn { .. } => Vec::new(),
            PageError::NoSession => vec!["Log in again.".to_owned()],
            PageError::Forbidden(why) | PageError::Gone(why) => vec![why.clone()],
            PageError::NotFound(what) => {
                vec![format!(
                    "There is no such {what}, or there is none any more."
                )]
            }
            PageError::Refused(Refusal::Invalid(errors)) => errors
                .iter()
                .map(|error| format!("{}: {}", error.loc[1..].join(", "), error.msg))
                .collect(),
            PageError::Refused(refusal) => vec![refusal.to_string()],
            PageError::Api(ApiError::Store(error)) if error.is_passing() => {
                vec!["The database does not answer now. Try again in a moment.".to_owned()]
            }
            PageError::Api(ApiError::Store(_)) | PageError::Broken => {
                vec!["The log of the server says why.".to_owned()]
            }
            PageError::Api(error) => vec![error.to_string()],
        }
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "You are not logged in",
        403 => "You may not do this",
        404 => "Not found",
        409 | 412 => "Something else came in between",
        410 => "This is over",
        413 | 400 | 415 | 422 => "This cannot be taken",
        429 => "Too much at once",
        503 => "Not now",
        _ => "Something went wrong",
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let PageError::LogIn { next, is_lost } = &self {
            let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            let lost = if *is_lost { "&lost=1" } else { "" };
            return Redirect::to(&format!("/manage/login?next={next}{lost}")).into_response();
        }
        if let PageError::Api(ApiError::Store(error)) = &self {
            tracing::error!(%error, "storage failed");
        }
        let status = self.status();
        let page = ErrorPage {
            frame: Frame::bare(),
            title: title(status),
            lines: self.lines(),
        };
        // Without a page there is still the status.
        let text = page.render().unwrap_or_default();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        let mut response = (status, [(header::CONTENT_TYPE, html)], text).into_response();
        if let PageError::Api(error) = &self
            && let Some(seconds) = error.retry_after()
        {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
