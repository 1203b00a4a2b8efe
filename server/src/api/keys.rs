//! `/keys/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::schemas;
use crate::auth::keys::{ApiKey, secret_part};
use crate::auth::principal::{Key, ToAdminister};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::Fields;
use crate::domain::keys::{NewKey, read_overlap};
use crate::store::StoreError;
use crate::store::flow::{Command, KeyCommand, Secret};

/// What a key has used in so long stays when it is narrowed, in microseconds: 30 days.
const USED_IN: i64 = 30 * 24 * 3600 * 1_000_000;

/// Make a key. It has at most the scopes, products and environments of the key that makes it.
#[utoipa::path(
    post,
    path = "/keys/",
    tag = "Keys",
    request_body(
        content = Object,
        description = "`name`, `owner` (a person), `scopes` (`events` and `read` by default), \
            `products` and `environments` (empty for all), `expires_in_days`",
        example = json!({ "name": "CI of the shop", "scopes": ["events", "read"] })
    ),
    responses(
        (status = 201, description = "The key; `key` has it in full, this once", body = schemas::KeyInfo),
        (status = 403, description = "It would have more than the key that makes it"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn add(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let new = NewKey::read(body.value, app.now())?;
    let (secret, part) = secret_of(&key)?;
    write_secret(&app, &key, KeyCommand::Add(new, secret), &part).await
}

/// Every key, without its secret part.
#[utoipa::path(
    get,
    path = "/keys/",
    tag = "Keys",
    responses((status = 200, description = "`items`: the keys; `legacy` are of before keys had scopes", body = schemas::Keys))
)]
pub async fn list(key: Key<ToAdminister>) -> Result<Answer, ApiError> {
    let items = key.account.keys().await?;
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One key, without its secret part.
#[utoipa::path(
    get,
    path = "/keys/{id}/",
    tag = "Keys",
    params(("id" = String, Path, description = "The key, such as k1")),
    responses(
        (status = 200, description = "The key", body = schemas::KeyInfo),
        (status = 404, description = "There is no such key")
    )
)]
pub async fn get(key: Key<ToAdminister>, Id(id): Id) -> Result<Answer, ApiError> {
    let keys = key.account.keys().await?;
    match keys.into_iter().find(|one| one["id"] == id) {
        Some(one) => Ok(Answer::new(200, &one)),
        None => Err(Refusal::NotFound("Key").into()),
    }
}

/// Change some fields of a key.
#[utoipa::path(
    patch,
    path = "/keys/{id}/",
    tag = "Keys",
    params(("id" = String, Path, description = "The key, such as k1")),
    request_body(
        content = Object,
        description = "The fields to replace, as for a new key",
        example = json!({ "scopes": ["events"] })
    ),
    responses(
        (status = 200, description = "The changed key", body = schemas::KeyInfo),
        (status = 403, description = "It has, or would have, more than the key that changes it"),
        (status = 404, description = "There is no such key"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let changes = Fields::of_body(body.value)?.clone_object();
    write(&app, &key, &id.clone(), KeyCommand::Change(id, changes)).await
}

/// Give a key a new secret part. The old one stays valid for a time.
#[utoipa::path(
    post,
    path = "/keys/{id}/rotate/",
    tag = "Keys",
    params(("id" = String, Path, description = "The key, such as k1")),
    request_body(
        content = Object,
        description = "`overlap_hours`: how long the old one stays valid; a week by default, 0 ends it now",
        example = json!({ "overlap_hours": 24 })
    ),
    responses(
        (status = 200, description = "The key; `key` has it in full, this once", body = schemas::KeyInfo),
        (status = 403, description = "It has more than the key that rotates it"),
        (status = 404, description = "There is no such key")
    )
)]
pub async fn rotate(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let overlap = read_overlap(body.value)?;
    let (secret, part) = secret_of(&key)?;
    let command = KeyCommand::Rotate(id, secret, overlap);
    write_secret(&app, &key, command, &part).await
}

/// Cut a key to the scopes that it has used in the last 30 days.
#[utoipa::path(
    post,
    path = "/keys/{id}/narrow/",
    tag = "Keys",
    params(("id" = String, Path, description = "The key, such as k1")),
    responses(
        (status = 200, description = "The changed key", body = schemas::KeyInfo),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "It has used none of them; revoke it")
    )
)]
pub async fn narrow(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let command = KeyCommand::Narrow(id.clone(), app.now() - USED_IN);
    write(&app, &key, &id, command).await
}

/// Revoke a key.
#[utoipa::path(
    delete,
    path = "/keys/{id}/",
    tag = "Keys",
    params(("id" = String, Path, description = "The key, such as k1")),
    responses(
        (status = 200, description = "The key, revoked", body = schemas::KeyInfo),
        (status = 404, description = "There is no such key that is valid")
    )
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    write(&app, &key, &id.clone(), KeyCommand::Revoke(id)).await
}

async fn write(
    app: &App,
    key: &Key<ToAdminister>,
    id: &str,
    command: KeyCommand,
) -> Result<Answer, ApiError> {
    let answer = key.write(app, Command::Key(command, key.giver())).await?;
    app.directory.forget_key(&key.account_name, id);
    Ok(answer)
}

/// A new secret part, and what the account keeps of it.
fn secret_of(key: &Key<ToAdminister>) -> Result<(Secret, String), ApiError> {
    let part = secret_part().map_err(StoreError::from)?;
    let secret = Secret {
        account: key.account_name.clone(),
        part: part.clone(),
    };
    Ok((secret, part))
}

/// The same for a key that is then shown in full: what is kept of the answer has no secret.
async fn write_secret(
    app: &App,
    key: &Key<ToAdminister>,
    command: KeyCommand,
    part: &str,
) -> Result<Answer, ApiError> {
    let answer = key.write(app, Command::Key(command, key.giver())).await?;
    let mut shown: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    let id = shown["id"].as_str().unwrap_or_default().to_owned();
    app.directory.forget_key(&key.account_name, &id);
    shown["key"] = ApiKey::of(&key.account_name, &id, part).reveal().into();
    Ok(Answer::new(answer.status, &shown))
}
