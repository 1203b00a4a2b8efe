//! Reading a JSON body: bounded in size, in time and in depth.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

use super::App;
use super::json::{JsonError, parse};
use crate::api::error::ApiError;
use crate::domain::fields::FieldError;

/// The largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// How long a body may take, in seconds.
const BODY_TIMEOUT: u64 = 30;

/// A JSON body, and its bytes as they came.
pub struct JsonBody {
    /// The value.
    pub value: Value,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl FromRequest<Arc<App>> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        if parts.headers.contains_key(CONTENT_ENCODING) {
            return Err(ApiError::Encoded);
        }
        if !is_json(&parts.headers) {
            return Err(ApiError::NotJson);
        }
        let bytes = read_within(body, MAX_BODY).await?;
        let value = parse(&bytes).map_err(|error| match error {
            JsonError::Malformed(reason) => ApiError::Malformed(reason),
            JsonError::Key(path, msg) => {
                let mut loc = vec!["body".to_owned()];
                loc.extend(path);
                ApiError::from(vec![FieldError {
                    loc,
                    msg: msg.to_owned(),
                    kind: "key",
                }])
            }
        })?;
        Ok(JsonBody { value, bytes })
    }
}

/// A body that does not say what it is may be JSON; one that says that it is something else is not.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = parts
        .filter_map(|part| part.strip_prefix("charset="))
        .all(|charset| {
            let charset = charset.trim_matches('"');
            charset == "utf-8" || charset == "utf8" || charset == "us-ascii"
        });
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    json && utf8
}

/// The bytes of a body, if it has no more than these and they come in time.
///
/// # Errors
/// [`ApiError::TooSlow`], [`ApiError::TooLarge`], or [`ApiError::Malformed`] if it is cut off.
pub async fn read_within(body: Body, most: usize) -> Result<Vec<u8>, ApiError> {
    tokio::time::timeout(Duration::from_secs(BODY_TIMEOUT), read(body, most))
        .await
        .map_err(|_| ApiError::TooSlow(BODY_TIMEOUT))?
}

async fn read(body: Body, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = std::pin::pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        let frame = frame.map_err(|error| ApiError::Malformed(error.to_string()))?;
        let data = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > most {
            return Err(ApiError::TooLarge(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
