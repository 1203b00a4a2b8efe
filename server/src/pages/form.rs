//! What a form sends.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;

use super::error::PageError;
use crate::api::App;
use crate::api::body::read_within;

/// The largest form, in bytes.
const MAX_FORM: usize = 256 * 1024;

/// The fields of a form, in their order.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads what is written as `a=b&c=d`.
    pub fn parse(bytes: &[u8]) -> Form {
        let pairs = form_urlencoded::parse(bytes);
        Form(pairs.into_owned().collect())
    }

    /// What a field says, without the white space around it; nothing if it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// The same with its white space, for passwords.
    pub fn exact(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Form, PageError> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let msg = "This page takes what its own form sends.".to_owned();
            return Err(PageError::Forbidden(msg));
        }
        Ok(Form::parse(&read_within(body, MAX_FORM).await?))
    }
}
