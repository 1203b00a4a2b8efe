//! Who asks: the key in the Authorization header.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::api::App;
use crate::api::error::{ApiError, answered};
use crate::auth::keys::ApiKey;
use crate::domain::answer::Answer;
use crate::store::Account;
use crate::store::flow::Command;
use crate::store::transaction::{Envelope, RequestKey};

/// A request with a valid key: it may read its account.
pub struct Reader {
    /// The account of the key.
    pub account: Arc<Account>,
    /// The key, as the record names it.
    pub actor: String,
    read_only: bool,
}

/// A request with a key that may also write.
pub struct Writer {
    /// The account of the key.
    pub account: Arc<Account>,
    /// The key, as the record names it.
    pub actor: String,
}

impl Writer {
    /// Does a command that no Idempotency-Key belongs to.
    pub async fn write(&self, app: &App, command: Command) -> Result<Answer, ApiError> {
        self.write_once(app, None, None, command).await
    }

    /// Does a command, once for its Idempotency-Key.
    pub async fn write_once(
        &self,
        app: &App,
        request: Option<RequestKey>,
        occurred_at: Option<i64>,
        command: Command,
    ) -> Result<Answer, ApiError> {
        let envelope = Envelope {
            actor: self.actor.clone(),
            request_id: None,
            request,
            occurred_at,
            now: app.now(),
        };
        answered(self.account.write(envelope, command).await?)
    }
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .ok_or(ApiError::Unauthorized(
                "API key is required: send it as Authorization: Bearer sk_...",
            ))?;
        let key = header
            .to_str()
            .ok()
            .and_then(bearer)
            .and_then(ApiKey::parse);
        let info = match key {
            Some(key) => app.directory.authenticate(key).await?,
            None => None,
        };
        let info = info.ok_or(ApiError::Unauthorized("Invalid or revoked API key"))?;
        if let Some(limiter) = &app.rate_limiter {
            limiter.admit(&info.account, &info.id, app.clock.now())?;
        }
        Ok(Reader {
            account: app.directory.account(&info.account).await?,
            actor: format!("key:{}", info.id),
            read_only: info.read_only,
        })
    }
}

impl FromRequestParts<Arc<App>> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let reader = Reader::from_request_parts(parts, app).await?;
        if reader.read_only {
            return Err(ApiError::Forbidden("This API key is read-only"));
        }
        Ok(Writer {
            account: reader.account,
            actor: reader.actor,
        })
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}
