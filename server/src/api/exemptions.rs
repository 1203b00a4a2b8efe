//! `/deployment-exemptions/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::events::request_key;
use super::id::Id;
use super::lists::Parameters;
use super::schemas;
use crate::auth::principal::{Key, ToOverride, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::MAX_TEXT;
use crate::domain::rules::ExemptionSpec;
use crate::store::flow::Command;

/// Let one deployment past some rules, without opening them for everybody who waits.
#[utoipa::path(
    post,
    path = "/deployment-exemptions/",
    tag = "Deployment rules",
    request_body(
        content = Object,
        description = "`rule_ids` or `all`, `product`, `environment`, `version` (any by default), \
            `until` (at most 7 days away), `uses` (how many starts it lets through, 1 by default) and \
            `reason`. A deployment in progress is in the way all the same",
        example = json!({
            "all": true, "product": "api", "version": "1.2.4", "environment": "production",
            "until": "2025-11-21T18:00:00Z", "reason": "incident 7"
        })
    ),
    responses(
        (status = 201, description = "The exemption", body = schemas::Exemption),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn add(
    State(app): State<Arc<App>>,
    key: Key<ToOverride>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let request = request_key("deployment-exemptions", &headers, &body)?;
    let spec = ExemptionSpec::read(body.value, app.now())?;
    key.check_limits(&spec.product, Some(&spec.environment))
        .await?;
    key.write_once(&app, request, None, Command::Exempt { spec, seen: None })
        .await
}

/// The newest 500 exemptions, newest first.
#[utoipa::path(
    get,
    path = "/deployment-exemptions/",
    tag = "Deployment rules",
    responses((status = 200, description = "`items`: the exemptions; `live` as long as one lets something through", body = schemas::Exemptions))
)]
pub async fn list(State(app): State<Arc<App>>, key: Key<ToRead>) -> Result<Answer, ApiError> {
    let (exemptions, now) = (key.account.exemptions().await?, app.now());
    let items: Vec<Value> = exemptions.iter().map(|one| one.to_json(now)).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One exemption.
#[utoipa::path(
    get,
    path = "/deployment-exemptions/{id}/",
    tag = "Deployment rules",
    params(("id" = String, Path, description = "The exemption")),
    responses(
        (status = 200, description = "The exemption", body = schemas::Exemption),
        (status = 404, description = "There is no such exemption")
    )
)]
pub async fn get(
    State(app): State<Arc<App>>,
    key: Key<ToRead>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    match key.account.exemption(id).await? {
        Some(exemption) => Ok(Answer::new(200, &exemption.to_json(app.now()))),
        None => Err(Refusal::NotFound("Exemption").into()),
    }
}

/// Take an exemption back. What it has let through stays.
#[utoipa::path(
    delete,
    path = "/deployment-exemptions/{id}/",
    tag = "Deployment rules",
    params(
        ("id" = String, Path, description = "The exemption"),
        ("reason" = Option<String>, Query, description = "Why, for the log")
    ),
    responses(
        (status = 200, description = "The exemption, withdrawn", body = schemas::Exemption),
        (status = 404, description = "There is no such exemption"),
        (status = 409, description = "It is over already")
    )
)]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    key: Key<ToOverride>,
    Id(id): Id,
    Parameters(mut query): Parameters,
) -> Result<Answer, ApiError> {
    let reason = query.text("reason", MAX_TEXT);
    query.refuse_unread();
    query.finish()?;
    key.write(&app, Command::WithdrawExemption { id, reason })
        .await
}
