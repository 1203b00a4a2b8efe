//! `/sources/`: who else tells of builds and deployments.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::rules::if_match;
use super::schemas;
use crate::auth::principal::{Key, ToAdministerAll};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::Fields;
use crate::domain::source::{Kind, NewSource, Rotation, Source};
use crate::github::AppKey;
use crate::secrets::{Secrets, SecretsError, fingerprint};
use crate::store::flow::{Command, SealedSecret, SourceCommand, key_name, secret_name};
use crate::store::{Account, StoreError};

/// Make a source: an address to which another system sends what it deploys.
#[utoipa::path(
    post,
    path = "/sources/",
    tag = "Sources",
    request_body(
        content = Object,
        description = "`name`, `kind` (`github`, `github-app`, `gitlab`, `cloudevents`, `standard`, `json`), \
            `settings`, `secret` (if the sender has one already), `private_key` (of an app: what GitHub \
            gives out, in PEM)",
        example = json!({ "name": "GitHub", "kind": "github" })
    ),
    responses(
        (status = 201, description = "The source; `url` and `secret` are what its sender needs, the secret this once", body = schemas::SourceInfo),
        (status = 422, description = "Fields are missing, wrong or unknown"),
        (status = 503, description = "The server has no key file to keep the secret with")
    )
)]
pub async fn add(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let new = NewSource::read(body.value)?;
    check_key(new.private_key.as_deref())?;
    let id = new_id(&key.account_name).map_err(StoreError::from)?;
    let secret = match &new.secret {
        Some(secret) => secret.clone(),
        None => new_secret(new.kind).map_err(StoreError::from)?,
    };
    let sealed = seal(app.secrets()?, &id, &secret)?;
    let private_key = seal_key(app.secrets()?, &id, new.private_key.as_deref())?;
    let command = Command::Source(SourceCommand::Add(id, Box::new(new), sealed, private_key));
    let answer = key.write(&app, command).await?;
    with_secret(&app, &answer, &secret)
}

/// Every source.
#[utoipa::path(
    get,
    path = "/sources/",
    tag = "Sources",
    responses((status = 200, description = "`items`: the sources", body = schemas::Sources))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
) -> Result<Answer, ApiError> {
    let sources = key.account.sources().await?;
    let items: Vec<_> = sources.iter().map(|source| shown(&app, source)).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One source.
#[utoipa::path(
    get,
    path = "/sources/{id}/",
    tag = "Sources",
    params(("id" = String, Path, description = "The source")),
    responses(
        (status = 200, description = "The source; its `ETag` is for `If-Match`", body = schemas::SourceInfo),
        (status = 404, description = "There is no such source")
    )
)]
pub async fn get(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<([(HeaderName, String); 1], Answer), ApiError> {
    let source = find(&key.account, id).await?;
    let tag = [(ETAG, source.tag())];
    Ok((tag, Answer::new(200, &shown(&app, &source))))
}

/// A source that was not removed.
///
/// # Errors
/// If there is none.
pub async fn find(account: &Account, id: String) -> Result<Source, ApiError> {
    let found = account.source(id).await?;
    let found = found.filter(|source| source.removed_at.is_none());
    Ok(found.ok_or(Refusal::NotFound("Source"))?)
}

/// Change the name or the settings of a source, or switch it off.
#[utoipa::path(
    patch,
    path = "/sources/{id}/",
    tag = "Sources",
    params(
        ("id" = String, Path, description = "The source"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the source that the change is for")
    ),
    request_body(
        content = Object,
        description = "`name`, `enabled`, `settings` (all of them)",
        example = json!({ "enabled": false })
    ),
    responses(
        (status = 200, description = "The changed source", body = schemas::SourceInfo),
        (status = 404, description = "There is no such source"),
        (status = 412, description = "It is not any more what `If-Match` says"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let changes = Fields::of_body(body.value)?.clone_object();
    let command = SourceCommand::Change(id.clone(), changes, if_match(&headers)?);
    write(&app, &key, &id, command).await
}

/// Give a source a new secret. The old one stays valid for a time.
#[utoipa::path(
    post,
    path = "/sources/{id}/rotate/",
    tag = "Sources",
    params(("id" = String, Path, description = "The source")),
    request_body(
        content = Object,
        description = "`overlap_hours`: how long the old one stays valid; a week by default, 0 ends it now. \
            `secret`: the new one, if the sender has made it itself. `private_key`: another one of an app, \
            at once; its secret then stays as it is",
        example = json!({ "overlap_hours": 24 })
    ),
    responses(
        (status = 200, description = "The source; `secret` is the new one, this once", body = schemas::SourceInfo),
        (status = 404, description = "There is no such source"),
        (status = 422, description = "Fields are wrong or unknown, or the private key is none")
    )
)]
pub async fn rotate(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let rotation = Rotation::read(body.value)?;
    check_key(rotation.private_key.as_deref())?;
    let source = find(&key.account, id.clone()).await?;
    if let Some(sealed) = seal_key(app.secrets()?, &id, rotation.private_key.as_deref())? {
        return write(&app, &key, &id.clone(), SourceCommand::Rekey(id, sealed)).await;
    }
    let secret = match rotation.secret {
        Some(secret) => secret,
        None => new_secret(source.kind).map_err(StoreError::from)?,
    };
    let sealed = seal(app.secrets()?, &id, &secret)?;
    let command = SourceCommand::Rotate(id.clone(), sealed, rotation.overlap);
    let command = Command::Source(command);
    let answer = key.write(&app, command).await?;
    app.sources.forget(&id);
    with_secret(&app, &answer, &secret)
}

/// Remove a source: nothing is taken from it any more. What it told stays.
#[utoipa::path(
    delete,
    path = "/sources/{id}/",
    tag = "Sources",
    params(("id" = String, Path, description = "The source")),
    responses(
        (status = 200, description = "The source as it was", body = schemas::SourceInfo),
        (status = 404, description = "There is no such source")
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    write(&app, &key, &id.clone(), SourceCommand::Remove(id)).await
}

async fn write(
    app: &App,
    key: &Key<ToAdministerAll>,
    id: &str,
    command: SourceCommand,
) -> Result<Answer, ApiError> {
    let answer = key.write(app, Command::Source(command)).await?;
    app.sources.forget(id);
    let mut body: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    body["url"] = address(app, id).into();
    Ok(Answer::new(answer.status, &body))
}

/// Where the sender of a source sends to; without `--public-url` only the path is known.
fn address(app: &App, id: &str) -> String {
    let base = app.reach.public_url.as_ref();
    let base = base.map(ToString::to_string).unwrap_or_default();
    format!("{}/hooks/{id}", base.trim_end_matches('/'))
}

fn shown(app: &App, source: &Source) -> Value {
    let mut shown = source.to_json();
    shown["url"] = address(app, &source.id).into();
    shown
}

/// The answer with the secret, which is kept nowhere in clear.
fn with_secret(app: &App, answer: &Answer, secret: &str) -> Result<Answer, ApiError> {
    let mut body: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let by_secret = body["kind"] == Kind::Json.as_str() && body["settings"]["signature"].is_null();
    let mut url = address(app, &id);
    if by_secret {
        url = format!("{url}/{secret}");
    }
    body["url"] = url.into();
    body["secret"] = secret.into();
    Ok(Answer::new(answer.status, &body))
}

fn random() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A new identifier: nobody can guess it, and it leads to its account.
pub fn new_id(account: &str) -> Result<String, getrandom::Error> {
    Ok(format!("{account}_{}", URL_SAFE_NO_PAD.encode(random()?)))
}

/// A new secret in the form that its sender takes.
pub fn new_secret(kind: Kind) -> Result<String, getrandom::Error> {
    Ok(secret_of(kind, &random()?))
}

/// The secret of these bytes in the form that its sender takes.
pub fn secret_of(kind: Kind, bytes: &[u8; 32]) -> String {
    match kind {
        Kind::Standard => format!("whsec_{}", STANDARD.encode(bytes)),
        _ => URL_SAFE_NO_PAD.encode(bytes),
    }
}

/// Says what is wrong with the private key of an app.
pub fn check_key(pem: Option<&str>) -> Result<(), Refusal> {
    let read = pem.map_or(Ok(()), |pem| AppKey::read(pem).map(|_| ()));
    read.map_err(|error| Refusal::field("private_key", "value_error", error.to_string()))
}

/// The private key of an app as it is kept, if there is one.
pub fn seal_key(
    secrets: &Secrets,
    id: &str,
    pem: Option<&str>,
) -> Result<Option<SealedSecret>, SecretsError> {
    let sealed = pem.map(|pem| {
        Ok(SealedSecret {
            fingerprint: fingerprint(pem.as_bytes()),
            sealed: secrets.seal(&key_name(id), pem.as_bytes())?,
        })
    });
    sealed.transpose()
}

/// A secret as it is kept.
pub fn seal(secrets: &Secrets, id: &str, secret: &str) -> Result<SealedSecret, SecretsError> {
    Ok(SealedSecret {
        fingerprint: fingerprint(secret.as_bytes()),
        sealed: secrets.seal(&secret_name(id), secret.as_bytes())?,
    })
}
