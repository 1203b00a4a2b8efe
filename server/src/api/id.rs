//! The identifiers in a path.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::App;
use crate::api::error::ApiError;

/// An identifier from the path, or several. Text that cannot be one names nothing, so the answer is 404.
pub struct Id<T = String>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, app).await {
            Ok(Path(id)) => Ok(Id(id)),
            Err(_) => Err(ApiError::NotFound("Not Found".to_owned())),
        }
    }
}
