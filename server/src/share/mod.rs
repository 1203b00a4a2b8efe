//! What can be shown where nobody logs in: badges for a README, feeds for a reader.
//!
//! Neither can send a header, so their key stands in the address, where whoever looks can read it. It
//! has the scope `share` alone: it opens these addresses and nothing else, and is made and revoked like
//! every key.

mod badge;
mod feed;
mod links;

use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use tower_http::compression::CompressionLayer;

pub(crate) use links::links;

use crate::api::App;
use crate::api::error::ApiError;
use crate::auth::principal::Principal;
use crate::domain::naming::Kind;
use crate::domain::scope::Scope;
use crate::pages::{Query, escaped_attribute};
use crate::store::Name;

/// How long a copy of what was shown is good, in a browser or a reader. It is also how long one goes
/// on to be shown there after its key was revoked.
const CACHED: &str = "private, max-age=60";

/// Badges and feeds.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/badge/{product}/{file}", get(badge::show))
        .route("/feed/deployments.atom", get(feed::deployments))
        .route("/feed/approvals.atom", get(feed::approvals))
        .layer(CompressionLayer::new())
}

/// Whoever has the key in the address.
///
/// # Errors
/// [`ApiError::Unauthorized`] if it is none that is valid, [`ApiError::Scope`] if it may do more than be
/// shared, [`ApiError::RateLimited`] if it is used too often.
async fn open(app: &Arc<App>, parts: &Parts, query: &Query) -> Result<Principal, ApiError> {
    let key = Principal::by_key(query.get("token"), parts, app).await?;
    key.check_shared()?;
    key.admit(app)?;
    key.note_use(app, Scope::Share);
    Ok(key)
}

/// What the key may show by this name. Of what it may not, nobody learns here whether it exists.
async fn named(key: &Principal, kind: Kind, name: &str) -> Result<Option<Name>, ApiError> {
    let found = key.account.known_name(kind, name.to_owned()).await?;
    match found {
        Some(found) if key.covers(kind, &found.name).await? => Ok(Some(found)),
        _ => Ok(None),
    }
}

/// The answer with this content, or that the one who asks has it already.
fn answer(asked: &HeaderMap, kind: &'static str, content: String) -> Response {
    let hash = Sha256::digest(&content);
    let hash: String = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut response = match has(asked, &hash) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (StatusCode::OK, content).into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{hash}\"")) {
        headers.insert(header::ETAG, tag);
    }
    protect(headers, kind, CACHED);
    response
}

/// Whether the one who asks has what has this hash.
fn has(asked: &HeaderMap, hash: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == hash
    })
}

/// The refusal with this content.
fn refusal(error: &ApiError, kind: &'static str, content: String) -> Response {
    if let ApiError::Store(error) = error {
        tracing::error!(%error, "storage failed");
    }
    let mut response = (error.status(), content).into_response();
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    protect(headers, kind, "no-store");
    response
}

/// A text from outside in markup: escaped, what nobody sees is named, and so are the two characters that
/// XML cannot hold.
fn markup(text: &str) -> String {
    escaped_attribute(text)
        .replace('\u{fffe}', "U+FFFE")
        .replace('\u{ffff}', "U+FFFF")
}

/// Others may show it; nothing in it runs, and no link in it says where it was: there stands the key.
fn protect(headers: &mut HeaderMap, kind: &'static str, cache: &'static str) {
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
