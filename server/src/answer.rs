//! What a request is answered with, in the shapes of the hosted service.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::store::StoreError;

/// A finished answer: kept with its event, so that a repeated request gets the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON body.
    pub body: String,
}

impl Answer {
    /// An answer whose body is `body` as JSON.
    pub fn new(status: StatusCode, body: &Value) -> Answer {
        Answer {
            status,
            body: body.to_string(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let content_type = HeaderValue::from_static("application/json");
        (
            self.status,
            [(header::CONTENT_TYPE, content_type)],
            self.body,
        )
            .into_response()
    }
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The way to the field, beginning with `body`, `query`, `path` or `header`.
    pub loc: Vec<String>,
    /// What is wrong, for people.
    pub msg: String,
    /// What is wrong, for programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl FieldError {
    /// An error in the field `name` of the part `part` of the request.
    pub fn new(part: &str, name: &str, kind: &'static str, msg: impl Into<String>) -> FieldError {
        FieldError {
            loc: vec![part.to_owned(), name.to_owned()],
            msg: msg.into(),
            kind,
        }
    }
}

/// Why a request is refused before anything is recorded.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The body is not JSON, or nested too deeply.
    #[error("malformed JSON: {0}")]
    Malformed(String),
    /// No key, or one that is unknown or revoked.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The key may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The thing named in the path does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The path exists, the method does not.
    #[error("Method Not Allowed")]
    MethodNotAllowed,
    /// The request did not arrive in time.
    #[error("the request body did not arrive within {0} seconds")]
    TooSlow(u64),
    /// The body is larger than the limit, in bytes.
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body is declared as something other than JSON.
    #[error("Content-Type must be application/json")]
    NotJson,
    /// Fields that are missing or wrong.
    #[error("invalid request")]
    Invalid(Vec<FieldError>),
    /// The key's budget is used up for so many seconds.
    #[error("rate limit of {limit} requests per minute exceeded")]
    RateLimited {
        /// Requests allowed per minute.
        limit: u32,
        /// Seconds until the next request is allowed.
        retry_after: u64,
    },
    /// The storage failed; the cause goes to the log, not to the client.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
            Refusal::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Store(StoreError::Closed) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer without its headers.
    pub fn answer(&self) -> Answer {
        let detail = match self {
            Refusal::Invalid(errors) => json!(errors),
            Refusal::Store(StoreError::Closed) => json!("The server is shutting down"),
            Refusal::Store(_) => json!("Internal Server Error"),
            other => json!(other.to_string()),
        };
        Answer::new(self.status(), &json!({ "detail": detail }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Refusal::Store(error) = &self {
            tracing::error!(%error, "storage failed");
        }
        let mut response = self.answer().into_response();
        let headers = response.headers_mut();
        match self {
            Refusal::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Refusal::RateLimited { retry_after, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            _ => {}
        }
        response
    }
}
