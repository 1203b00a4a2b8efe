//! The identifier in the path of a page.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::PageError;
use super::query::storable;
use crate::api::App;

/// An identifier from the path. Text that cannot be one names nothing.
pub struct Id(pub String);

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Id, PageError> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(id)) => Ok(Id(storable(&id))),
            Err(_) => Err(PageError::NotFound("page")),
        }
    }
}
