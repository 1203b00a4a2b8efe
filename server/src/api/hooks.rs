//! `POST /hooks/{id}`: what others send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::{ALLOW, CONTENT_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::counter;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::App;
use super::body::read_within;
use super::error::{ApiError, answered};
use super::schemas;
use crate::auth::hooks::Knock;
use crate::domain::answer::Answer;
use crate::domain::queue::{Kind as Queued, NewItem};
use crate::domain::source::{Kind, Source};
use crate::jobs::inbox;
use crate::store::flow::{Command, QueueCommand, old_secret_name, secret_name};
use crate::store::transaction::Envelope;
use crate::store::{Account, StoreError};

/// The largest body, in bytes.
pub const MAX_BODY: usize = 5 * 1024 * 1024;
/// How long a source is believed to be as it was read.
const MEMORY: Duration = Duration::from_secs(1);
const MAX_REMEMBERED: usize = 1000;
/// How long the same body is the same delivery, if its sender gives deliveries no names.
const SAME_BODY: i64 = 600 * 1_000_000;

/// A source with its secrets in clear, which never show in `Debug`.
pub struct Known {
    source: Source,
    secrets: Vec<Vec<u8>>,
}

/// The sources that have sent something a moment ago.
#[derive(Default)]
pub struct Sources(Mutex<HashMap<String, (Instant, Arc<Known>)>>);

impl Sources {
    fn get(&self, id: &str) -> Option<Arc<Known>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, source) = known.get(id)?;
        (seen.elapsed() < MEMORY).then(|| source.clone())
    }

    fn put(&self, id: &str, source: &Arc<Known>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(id.to_owned(), (Instant::now(), source.clone()));
    }

    /// From now on another state of a source counts.
    pub fn forget(&self, id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(id);
    }
}

/// Take what the sender of a source sends. It is answered once it is stored; what it means is looked at
/// afterwards.
#[utoipa::path(
    post,
    path = "/hooks/{id}",
    tag = "Sources",
    security(()),
    params(
        ("id" = String, Path, description = "The source"),
        ("access_token" = Option<String>, Query, description = "The secret, from who can neither sign nor send headers")
    ),
    request_body(content = Object, description = "Whatever the sender sends, as it signs it"),
    responses(
        (status = 202, description = "Stored; the same delivery gets the same `id`", body = schemas::Delivered),
        (status = 401, description = "It is not signed with a secret of the source"),
        (status = 404, description = "There is no such source"),
        (status = 429, description = "Too many of that address were not signed; `Retry-After` says until when"),
        (status = 503, description = "Too much waits; it is to be sent again")
    )
)]
pub async fn deliver(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Answer, ApiError> {
    take(&app, &id, None, request).await
}

/// The same from who cannot sign: the secret stands in the address.
#[utoipa::path(
    post,
    path = "/hooks/{id}/{secret}",
    tag = "Sources",
    security(()),
    params(
        ("id" = String, Path, description = "The source"),
        ("secret" = String, Path, description = "Its secret")
    ),
    request_body(content = Object, description = "Whatever the sender sends"),
    responses(
        (status = 202, description = "Stored; the same delivery gets the same `id`", body = schemas::Delivered),
        (status = 401, description = "It is not the secret of the source"),
        (status = 404, description = "There is no such source"),
        (status = 429, description = "Too many of that address were not signed; `Retry-After` says until when"),
        (status = 503, description = "Too much waits; it is to be sent again")
    )
)]
pub async fn deliver_with_secret(
    State(app): State<Arc<App>>,
    Path((id, secret)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Answer, ApiError> {
    take(&app, &id, Some(secret), request).await
}

/// Say that a sender of CloudEvents may send here: some ask before they send anything.
#[utoipa::path(
    options,
    path = "/hooks/{id}",
    tag = "Sources",
    security(()),
    params(
        ("id" = String, Path, description = "The source"),
        ("WebHook-Request-Origin" = Option<String>, Header, description = "Who asks")
    ),
    responses(
        (status = 200, description = "It may: `WebHook-Allowed-Origin` names who asks"),
        (status = 404, description = "There is no such source"),
        (status = 429, description = "Too many of that address asked for what is not there; `Retry-After` says until when")
    )
)]
pub async fn allow(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    require(&app, &id, &parts).await?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("OPTIONS, POST"));
    // Whoever asks has no secret yet: what it sends is looked at one by one.
    if let Some(origin) = parts.headers.get("webhook-request-origin") {
        headers.insert("webhook-allowed-origin", origin.clone());
        headers.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
    }
    Ok(response)
}

/// The same where the secret stands in the address.
#[utoipa::path(
    options,
    path = "/hooks/{id}/{secret}",
    tag = "Sources",
    security(()),
    params(
        ("id" = String, Path, description = "The source"),
        ("secret" = String, Path, description = "Its secret, which is not looked at"),
        ("WebHook-Request-Origin" = Option<String>, Header, description = "Who asks")
    ),
    responses(
        (status = 200, description = "It may: `WebHook-Allowed-Origin` names who asks"),
        (status = 404, description = "There is no such source"),
        (status = 429, description = "Too many of that address asked for what is not there; `Retry-After` says until when")
    )
)]
pub async fn allow_with_secret(
    state: State<Arc<App>>,
    Path((id, _secret)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    allow(state, Path(id), request).await
}

/// The source at an address that is switched on, and its account.
async fn require(
    app: &App,
    id: &str,
    parts: &Parts,
) -> Result<(String, Arc<Account>, Arc<Known>), ApiError> {
    let found = find(app, id).await?;
    let Some(found) = found.filter(|(.., known)| known.source.enabled) else {
        app.count_failed_signature(parts)?;
        let msg = "There is no source at this address, or it is switched off";
        return Err(ApiError::NotFound(msg.to_owned()));
    };
    Ok(found)
}

async fn take(
    app: &Arc<App>,
    id: &str,
    secret: Option<String>,
    request: Request<Body>,
) -> Result<Answer, ApiError> {
    if app.is_read_only() {
        return Err(ApiError::ReadOnly);
    }
    let (mut parts, body) = request.into_parts();
    let (account_name, account, known) = require(app, id, &parts).await?;
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(ApiError::Encoded);
    }
    let body = read_within(body, MAX_BODY).await?;
    let in_address = match secret {
        Some(secret) => Some(secret),
        None => access_token(&mut parts).await,
    };
    let knock = Knock {
        headers: &parts.headers,
        in_address: in_address.as_deref(),
        body: &body,
        now: app.now(),
    };
    if !knock.is_from(&known.source, &known.secrets) {
        counter!("versioner_hooks_refused", "account" => account_name).increment(1);
        app.count_failed_signature(&parts)?;
        let msg = "This is not signed with the secret of the source, or too long ago";
        return Err(ApiError::Unauthorized(msg));
    }
    if !app
        .queue_load()
        .admit(&account_name, Queued::Inbox, body.len())
    {
        return Err(ApiError::QueueFull);
    }
    let new = NewItem {
        kind: Queued::Inbox,
        topic: known.source.id.clone(),
        key: delivery(known.source.kind, &parts.headers, &body, app.now()),
        not_before: 0,
        head: inbox::kept(&parts.headers),
        body,
    };
    let envelope = Envelope::of_server(app.now());
    let command = Command::Queue(QueueCommand::Add(new));
    let answer = answered(account.write(envelope, command).await?)?;
    let stored: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    Ok(Answer::new(202, &json!({ "id": stored["id"] })))
}

/// The source at an address, and its account.
async fn find(app: &App, id: &str) -> Result<Option<(String, Arc<Account>, Arc<Known>)>, ApiError> {
    let Some((account_name, _)) = id.split_once('_') else {
        return Ok(None);
    };
    let Some(account) = app.directory.known_account(account_name).await? else {
        return Ok(None);
    };
    let account_name = account_name.to_owned();
    if let Some(known) = app.sources.get(id) {
        return Ok(Some((account_name, account, known)));
    }
    let found = account.source(id.to_owned()).await?;
    let Some(source) = found.filter(|source| source.removed_at.is_none()) else {
        return Ok(None);
    };
    let name = secret_name(id);
    let mut places = vec![name.clone()];
    if source
        .old_secret_until
        .is_some_and(|until| app.now() < until)
    {
        places.push(old_secret_name(id));
    }
    let mut secrets = Vec::new();
    for place in places {
        if let Some(sealed) = account.sealed(place).await? {
            secrets.push(app.secrets()?.open(&name, &sealed)?);
        }
    }
    let known = Arc::new(Known { source, secrets });
    app.sources.put(id, &known);
    Ok(Some((account_name, account, known)))
}

async fn access_token(parts: &mut Parts) -> Option<String> {
    let query = Query::<Vec<(String, String)>>::from_request_parts(parts, &()).await;
    let Query(pairs) = query.ok()?;
    let mut pairs = pairs.into_iter();
    let found = pairs.find(|(name, _)| name == "access_token");
    found.map(|(_, token)| token)
}

/// What tells a delivery from others of its source: what the sender calls it, or its body.
fn delivery(kind: Kind, headers: &HeaderMap, body: &[u8], now: i64) -> String {
    let header = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        (!value.is_empty() && value.len() <= 200).then(|| value.to_owned())
    };
    let names: &[&str] = match kind {
        Kind::Github => &[
            "x-github-delivery",
            "x-gitea-delivery",
            "x-forgejo-delivery",
        ],
        Kind::GithubApp => &["x-github-delivery"],
        Kind::Gitlab => &["idempotency-key", "webhook-id", "x-gitlab-event-uuid"],
        Kind::Standard => &["webhook-id"],
        Kind::Cloudevents => &[],
        Kind::Json => &["idempotency-key", "webhook-id"],
    };
    if let Some(named) = names.iter().find_map(|name| header(name)) {
        return named;
    }
    if let (Some(source), Some(id)) = (header("ce-source"), header("ce-id")) {
        return format!("{source} {id}");
    }
    let digits: String = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{digits}:{}", now / SAME_BODY)
}
