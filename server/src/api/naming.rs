//! `PATCH /products/{id}/`, `PATCH /environments/{id}/`, and `/settings/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::schemas;
use crate::auth::principal::{Key, ToAdminister, ToRead};
use crate::domain::answer::Answer;
use crate::domain::fields::Fields;
use crate::domain::naming::Kind;
use crate::store::flow::Command;
use crate::store::flow::naming::NEW_ENVIRONMENTS;

/// Rename a product, or merge it into another.
#[utoipa::path(
    patch, path = "/products/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The product")),
    request_body(
        content = Object,
        description = "`name` (the old one stays another name of it, and rules follow), `archived`, \
            `owner`; or `alias_of` alone, with the identifier or the name of the product that it is \
            merged into. Nothing that was recorded is lost",
        example = json!({ "name": "checkout" })
    ),
    responses(
        (status = 200, description = "What it is from now on", body = schemas::Named),
        (status = 404, description = "There is no such product"),
        (status = 409, description = "Another has this name, or both have a deployment in progress"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change_product(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    change(&app, &key, Kind::Product, id, body).await
}

/// Rename an environment, say what it is, or merge it into another.
#[utoipa::path(
    patch, path = "/environments/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The environment")),
    request_body(
        content = Object,
        description = "`name` (the old one stays another name of it, and rules follow), `type` (`dev`, \
            `test`, `staging`, `production`), `order`, `archived`, `owner`; or `alias_of` alone, with \
            the identifier or the name of the environment that it is merged into. Nothing that was \
            recorded is lost",
        example = json!({ "alias_of": "production" })
    ),
    responses(
        (status = 200, description = "What it is from now on", body = schemas::Named),
        (status = 404, description = "There is no such environment"),
        (status = 409, description = "Another has this name, or both have a deployment in progress"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change_environment(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    change(&app, &key, Kind::Environment, id, body).await
}

async fn change(
    app: &App,
    key: &Key<ToAdminister>,
    kind: Kind,
    id: String,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let fields = Fields::of_body(body.value)?;
    let changes = fields.clone_object();
    let command = Command::ChangeNamed { kind, id, changes };
    key.write(app, command).await
}

/// The settings of the account.
#[utoipa::path(
    get, path = "/settings/", tag = "Settings",
    responses((status = 200, description = "`new_environments`: `open`, if a start may name an \
        environment that nobody has named before, or `closed`", body = schemas::Settings))
)]
pub async fn settings(key: Key<ToRead>) -> Result<Answer, ApiError> {
    let value = key.account.setting(NEW_ENVIRONMENTS).await?;
    let body = json!({ NEW_ENVIRONMENTS: value.as_deref().unwrap_or("open") });
    Ok(Answer::new(200, &body))
}

/// Change the settings of the account.
#[utoipa::path(
    patch, path = "/settings/", tag = "Settings",
    request_body(
        content = Object,
        description = "`new_environments`: `open` or `closed`",
        example = json!({ "new_environments": "closed" })
    ),
    responses(
        (status = 200, description = "The settings", body = schemas::Settings),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn change_settings(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let mut fields = Fields::of_body(body.value)?;
    let words = [("open", "open"), ("closed", "closed")];
    let value = fields.required_choice(NEW_ENVIRONMENTS, &words);
    fields.refuse_unread();
    fields.finish()?;
    let command = Command::Set {
        name: NEW_ENVIRONMENTS,
        value: value.unwrap_or("open").to_owned(),
    };
    key.write(&app, command).await
}
