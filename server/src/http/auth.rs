//! Who asks: the key in the Authorization header.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::App;
use crate::answer::Refusal;
use crate::keys::ApiKey;
use crate::store::Account;

/// A request with a valid key: it may read its account.
pub struct Reader {
    /// The account of the key.
    pub account: Arc<Account>,
    read_only: bool,
}

/// A request with a key that may also write.
pub struct Writer {
    /// The account of the key.
    pub account: Arc<Account>,
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .ok_or(Refusal::Unauthorized(
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
        let info = info.ok_or(Refusal::Unauthorized("Invalid or revoked API key"))?;
        if let Some(limiter) = &app.rate_limiter {
            limiter.admit(&info.account, &info.id, app.clock.now())?;
        }
        Ok(Reader {
            account: app.directory.account(&info.account).await?,
            read_only: info.read_only,
        })
    }
}

impl FromRequestParts<Arc<App>> for Writer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let reader = Reader::from_request_parts(parts, app).await?;
        if reader.read_only {
            return Err(Refusal::Forbidden("This API key is read-only"));
        }
        Ok(Writer {
            account: reader.account,
        })
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}
