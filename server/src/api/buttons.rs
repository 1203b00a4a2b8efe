//! `/deployment-buttons/`: addresses of what deploys, with the names of a version filled in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::rules::if_match;
use super::schemas;
use crate::auth::principal::{Key, ToAdministerAll, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::buttons::{Buttons, Changes, Unfilled, Values, filled};
use crate::store::flow::{ButtonsChange, Command};
use crate::store::views::{Build, Filter, Product, Version};
use crate::store::{Account, OF_ACCOUNT, StoreError};

/// The newest builds of a version in which its number is looked for.
const BUILDS: i64 = 20;

/// A button of a version for an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// The environment.
    pub environment_id: String,
    /// Its name.
    pub environment: String,
    /// Where it leads to, or why that cannot be said.
    pub address: Result<String, Unfilled>,
}

/// The buttons of a version, those of development first.
///
/// # Errors
/// If the database fails.
pub async fn of_version(account: &Account, version: &Version) -> Result<Vec<Button>, StoreError> {
    let own = account.buttons(version.product_id.clone()).await?;
    filled_in(account, version, &own).await
}

/// The same with what may be written but is not kept yet.
///
/// # Errors
/// If the database fails.
pub async fn filled_in(
    account: &Account,
    version: &Version,
    own: &Buttons,
) -> Result<Vec<Button>, StoreError> {
    if own.addresses.is_empty() {
        return Ok(Vec::new());
    }
    let common = account.buttons(OF_ACCOUNT.to_owned()).await?;
    let number = build_number(account, version).await?;
    let mut buttons = Vec::new();
    for (id, name) in account.environment_names().await? {
        let Some(address) = own.addresses.get(&id) else {
            continue;
        };
        let mut system = vec![
            ("vi_version", version.version.as_str()),
            ("vi_product_id", version.product_id.as_str()),
            ("vi_product_name", version.product_name.as_str()),
            ("vi_environment_id", id.as_str()),
            ("vi_environment_name", name.as_str()),
        ];
        system.extend(version.scm_sha.as_deref().map(|sha| ("vi_sha", sha)));
        system.extend(number.as_deref().map(|number| ("vi_build_number", number)));
        let values = Values {
            system,
            variables: [Some(&own.variables), Some(&common.variables)],
        };
        let address = filled(address, &values);
        buttons.push(Button {
            environment_id: id,
            environment: name,
            address,
        });
    }
    Ok(buttons)
}

/// The number of the newest build of a version that has one.
async fn build_number(account: &Account, version: &Version) -> Result<Option<String>, StoreError> {
    let filter = Filter {
        product: Some(version.product_name.clone()),
        version: Some(version.version.clone()),
        limit: BUILDS,
        ..Filter::default()
    };
    let builds = account.list::<Build>(filter).await?.items;
    let number = |build: &Build| match build.details.get("build_number") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Ok(builds.iter().find_map(number))
}

/// What is kept, with the names of environments.
fn shown(buttons: &Buttons, names: &[(String, String)]) -> Map<String, Value> {
    let of = |(id, name): &(String, String)| {
        let address = buttons.addresses.get(id)?;
        Some((name.clone(), json!(address)))
    };
    let environments: Map<String, Value> = names.iter().filter_map(of).collect();
    let members = [
        ("variables", json!(buttons.variables)),
        ("environments", Value::Object(environments)),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn tagged(body: &Value, tag: &str) -> Response {
    let mut response = Answer::new(200, body).into_response();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

async fn of_account(account: &Account) -> Result<Response, ApiError> {
    let all = account.all_buttons().await?;
    let items = all.products.iter().map(|of| {
        let mut item = shown(&of.buttons, &all.environments);
        item.insert("product_id".to_owned(), json!(of.product_id));
        item.insert("product".to_owned(), json!(of.product));
        Value::Object(item)
    });
    let items: Vec<Value> = items.collect();
    let body = json!({ "variables": all.common.variables, "items": items });
    Ok(tagged(&body, &all.common.tag()))
}

async fn of_product(account: &Account, id: String) -> Result<Response, ApiError> {
    let Some(product) = account.one::<Product>(id.clone()).await? else {
        return Err(Refusal::NotFound("Product").into());
    };
    let buttons = account.buttons(id).await?;
    let mut body = shown(&buttons, &account.environment_names().await?);
    body.insert("product_id".to_owned(), json!(product.id));
    body.insert("product".to_owned(), json!(product.name));
    Ok(tagged(&Value::Object(body), &buttons.tag()))
}

/// The buttons of every product that has any, and the variables of the account.
#[utoipa::path(
    get, path = "/deployment-buttons/", tag = "Deployment buttons",
    responses((status = 200, description = "`variables` of the account, whose state is in `ETag`; \
        `items`: the products", body = schemas::DeploymentButtons))
)]
pub async fn list(key: Key<ToRead>) -> Result<Response, ApiError> {
    of_account(&key.account).await
}

/// Change variables of the account. A variable of a product goes before one of the account.
#[utoipa::path(
    patch, path = "/deployment-buttons/", tag = "Deployment buttons",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of what the change is for")),
    request_body(
        content = Object,
        description = "`variables`: new values by name (`a` to `z`, `0` to `9`, `_`; not `vi_…`); `null` \
            takes one away, and what is not named stays",
        example = json!({ "variables": { "jenkins": "deploy", "old": null } })
    ),
    responses(
        (status = 200, description = "All of it", body = schemas::DeploymentButtons),
        (status = 412, description = "Somebody else has changed it in between"),
        (status = 422, description = "Names or values cannot be taken")
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let command = ButtonsChange {
        product: None,
        changes: Changes::read(body.value, false)?,
        expected: if_match(&headers)?,
    };
    key.write(&app, Command::Buttons(command)).await?;
    of_account(&key.account).await
}

/// The buttons of a product, and its variables.
#[utoipa::path(
    get, path = "/products/{id}/deployment-buttons/", tag = "Deployment buttons",
    params(("id" = String, Path, description = "The product")),
    responses(
        (status = 200, description = "Its buttons; their state is in `ETag`", body = schemas::ProductButtons),
        (status = 404, description = "There is no such product")
    )
)]
pub async fn get(key: Key<ToRead>, Id(id): Id) -> Result<Response, ApiError> {
    of_product(&key.account, id).await
}

/// Change buttons of a product, and its variables.
#[utoipa::path(
    patch, path = "/products/{id}/deployment-buttons/", tag = "Deployment buttons",
    params(
        ("id" = String, Path, description = "The product"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what the change is for")
    ),
    request_body(
        content = Object,
        description = "`environments`: an address for each, in which `{name}` is replaced by the value of \
            the variable; `variables`: values by name. `null` takes one away, and what is not named stays. \
            The server itself fills in `vi_version`, `vi_build_number`, `vi_sha`, `vi_product_id`, \
            `vi_product_name`, `vi_environment_id` and `vi_environment_name`",
        example = json!({
            "variables": { "job": "deploy-api" },
            "environments": {
                "production": "https://ci.example.com/job/{job}/parambuild?VERSION={vi_version}"
            }
        })
    ),
    responses(
        (status = 200, description = "The buttons", body = schemas::ProductButtons),
        (status = 404, description = "There is no such product"),
        (status = 412, description = "Somebody else has changed them in between"),
        (status = 422, description = "Names, values or addresses cannot be taken")
    )
)]
pub async fn change_product(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let wanted = Changes::read(body.value, true);
    if key.account.one::<Product>(id.clone()).await?.is_none() {
        return Err(Refusal::NotFound("Product").into());
    }
    let command = ButtonsChange {
        product: Some(id.clone()),
        changes: wanted?,
        expected: if_match(&headers)?,
    };
    key.write(&app, Command::Buttons(command)).await?;
    of_product(&key.account, id).await
}

/// The buttons of a version: where each leads to, or why that cannot be said.
#[utoipa::path(
    get, path = "/versions/{id}/deployment-buttons/", tag = "Deployment buttons",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "`items`: an environment each, with `url` or `error`",
            body = schemas::VersionButtons),
        (status = 404, description = "There is no such version")
    )
)]
pub async fn version(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    let Some(version) = key.account.one::<Version>(id).await? else {
        return Err(Refusal::NotFound("Version").into());
    };
    let buttons = of_version(&key.account, &version).await?;
    let items = buttons.iter().map(|button| {
        json!({
            "environment_id": button.environment_id,
            "environment": button.environment,
            "url": button.address.as_ref().ok(),
            "error": button.address.as_ref().err().map(ToString::to_string),
        })
    });
    Ok(Answer::new(
        200,
        &json!({ "items": items.collect::<Vec<_>>() }),
    ))
}
