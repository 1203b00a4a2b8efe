//! `PATCH /products/{id}/`, `PATCH /environments/{id}/`, and `/settings/`.

use std::sync::Arc;

use axum::extract::State;

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
use crate::store::flow::naming::{NEW_ENVIRONMENTS, NEW_NAMES, shown_settings};

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
    let answer = key.write(app, command).await?;
    // The limits of keys follow names.
    app.directory().forget_keys(&key.account_name);
    Ok(answer)
}

/// The settings of the account.
#[utoipa::path(
    get, path = "/settings/", tag = "Settings",
    responses((status = 200, description = "`new_environments`: `open`, if a start may name an \
        environment that nobody has named before, or `closed`; `new_names_per_hour`: how many products \
        and environments events may name for the first time within an hour", body = schemas::Settings))
)]
pub async fn settings(key: Key<ToRead>) -> Result<Answer, ApiError> {
    let environments = key.account.setting(NEW_ENVIRONMENTS).await?;
    let names = key.account.setting(NEW_NAMES).await?;
    Ok(Answer::new(200, &shown_settings(environments, names)))
}

/// Change the settings of the account.
#[utoipa::path(
    patch, path = "/settings/", tag = "Settings",
    request_body(
        content = Object,
        description = "`new_environments`: `open` or `closed`; `new_names_per_hour`: 10 to 1,000,000",
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
    fields.refuse_empty();
    let words = [("open", "open"), ("closed", "closed")];
    let environments = fields.choice(NEW_ENVIRONMENTS, &words);
    let names = fields.integer(NEW_NAMES, 10..=1_000_000);
    let settings: Vec<_> = environments
        .map(|word| (NEW_ENVIRONMENTS, word.to_owned()))
        .into_iter()
        .chain(names.map(|number| (NEW_NAMES, number.to_string())))
        .collect();
    if settings.is_empty() {
        let msg = "Name a setting: new_environments or new_names_per_hour";
        fields.reject(NEW_ENVIRONMENTS, "missing", msg);
    }
    fields.refuse_unread();
    fields.finish()?;
    key.write(&app, Command::Set(settings)).await
}
