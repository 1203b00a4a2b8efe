//! What is answered over HTTP, in the shapes of the hosted service.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::FieldError;
use crate::domain::scope::{Scope, Scopes};
use crate::secrets::SecretsError;
use crate::store::StoreError;
use crate::store::flow::Outcome;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Why a request is refused before anything is recorded.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is not JSON, or nested too deeply.
    #[error("malformed JSON: {0}")]
    Malformed(String),
    /// No key, or one that is unknown or revoked.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The key may not do this.
    #[error("This API key lacks the scope {0}; it has {1}")]
    Scope(Scope, Scopes),
    /// The key is for others of these.
    #[error("This API key is limited to the {0} {1}")]
    Beyond(&'static str, String),
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
    /// The body is declared as something other than JSON in UTF-8.
    #[error("Content-Type must be application/json, in UTF-8")]
    NotJson,
    /// The body is compressed.
    #[error("a body with a Content-Encoding is not taken; send it as it is")]
    Encoded,
    /// What is asked cannot be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A budget is used up for so many seconds.
    #[error("rate limit of {limit} {what} per minute exceeded")]
    RateLimited {
        /// How many are allowed per minute.
        limit: u32,
        /// What they are.
        what: &'static str,
        /// Seconds until the next is allowed.
        retry_after: u64,
    },
    /// As many wait for a verdict as may.
    #[error("too many requests wait for a verdict; ask without wait, or later")]
    TooManyWait,
    /// A secret cannot be kept or read; the log says more.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// Too much waits to be done.
    #[error("too much waits to be done; send it again later")]
    QueueFull,
    /// As many pages are open as may.
    #[error("too many pages are open that change by themselves; try again later")]
    TooManyWatch,
    /// The server records nothing.
    #[error("this server only reads for now; send it again later")]
    ReadOnly,
    /// The storage failed; the cause goes to the log, not to the client.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

impl ApiError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            ApiError::Malformed(_) => StatusCode::BAD_REQUEST,
            ApiError::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            ApiError::Scope(..) | ApiError::Beyond(..) => StatusCode::FORBIDDEN,
            ApiError::NotFound(_) => StatusCode::NOT_FOUND,
            ApiError::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ApiError::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            ApiError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::NotJson | ApiError::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ApiError::Refused(refusal) => refusal_status(refusal),
            ApiError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::TooManyWait
            | ApiError::TooManyWatch
            | ApiError::QueueFull
            | ApiError::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::Secrets(_) => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::Store(error) if error.is_passing() => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// In how many seconds it is worth another try, if it is.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            ApiError::RateLimited { retry_after, .. }
            | ApiError::Refused(Refusal::TooMany { retry_after, .. }) => Some(*retry_after),
            ApiError::TooManyWait
            | ApiError::TooManyWatch
            | ApiError::ReadOnly
            | ApiError::Secrets(_)
            | ApiError::Store(StoreError::Closed | StoreError::Unavailable(..)) => Some(5),
            ApiError::Store(error) if error.is_passing() => Some(1),
            ApiError::QueueFull => Some(30),
            _ => None,
        }
    }

    /// The answer without its headers.
    pub fn answer(&self) -> Answer {
        let detail = match self {
            ApiError::Refused(Refusal::Invalid(errors)) => json!(errors),
            ApiError::Store(StoreError::Closed | StoreError::Outdated { .. }) => {
                json!("The server is shutting down")
            }
            ApiError::Store(StoreError::Unavailable(..)) => {
                json!("This account cannot be opened now; the log of the server says why")
            }
            ApiError::Store(error) if error.is_passing() => {
                json!("The database does not answer now; try again")
            }
            ApiError::Secrets(SecretsError::None) => json!(self.to_string()),
            ApiError::Secrets(_) => {
                json!("A stored secret cannot be read; the log of the server says why")
            }
            ApiError::Store(_) => json!("Internal Server Error"),
            other => json!(other.to_string()),
        };
        let mut body = json!({ "detail": detail });
        if let ApiError::Refused(Refusal::OtherCommit(_)) = self {
            body["message"] = json!(self.to_string());
        }
        Answer::new(self.status().as_u16(), &body)
    }
}

/// The status of a refusal.
pub fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::NotFound(_) => StatusCode::NOT_FOUND,
        Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
        Refusal::Changed => StatusCode::PRECONDITION_FAILED,
        Refusal::OtherCommit(_) | Refusal::Conflict(_) => StatusCode::CONFLICT,
        Refusal::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
    }
}

impl From<Vec<FieldError>> for ApiError {
    fn from(errors: Vec<FieldError>) -> ApiError {
        ApiError::Refused(Refusal::Invalid(errors))
    }
}

/// The answer of a command, or why there is none.
pub fn answered(outcome: Outcome) -> Result<Answer, ApiError> {
    match outcome {
        Outcome::Done(answer) | Outcome::Shown(answer) => Ok(answer),
        Outcome::Looked(verdict) => Ok(Answer::new(200, &verdict.body)),
        Outcome::Claimed(_) => {
            Err(StoreError::Damaged("rows of the queue are no answer".to_owned()).into())
        }
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let ApiError::Secrets(error) = &self {
            tracing::error!(%error, "a secret cannot be used");
        }
        if let ApiError::Store(error) = &self {
            tracing::error!(%error, "storage failed");
        }
        let mut response = self.answer().into_response();
        let headers = response.headers_mut();
        match self {
            ApiError::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            other => {
                if let Some(seconds) = other.retry_after() {
                    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
            }
        }
        response
    }
}
