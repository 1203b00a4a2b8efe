//! `/versions/{id}/approvals/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::id::Id;
use crate::api::error::ApiError;
use crate::auth::principal::{Key, ToApprove, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::rules::Approval;
use crate::store::flow::Command;

/// Approve a version. A person counts once per version, environment and type.
#[utoipa::path(
    post,
    path = "/versions/{id}/approvals/",
    tag = "Approvals",
    params(("id" = String, Path, description = "The version")),
    request_body(
        content = Object,
        description = "`type` is `quality` (tested in the environment) or `release` (may go to the \
            environment); `comment` is optional; an environment that does not exist is refused, \
            unless `create` is true",
        example = json!({
            "type": "release",
            "environment": "production",
            "approved_by": "ada@example.com"
        })
    ),
    responses(
        (status = 200, description = "The approval this person gave before"),
        (status = 201, description = "The approval"),
        (status = 404, description = "There is no such version"),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    key: Key<ToApprove>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let (approval, create) = Approval::read(body.value, id, app.now())?;
    key.write(&app, Command::Approve { approval, create }).await
}

/// The approvals of a version, oldest first.
#[utoipa::path(
    get,
    path = "/versions/{id}/approvals/",
    tag = "Approvals",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "`items`: the approvals"),
        (status = 404, description = "There is no such version")
    )
)]
pub async fn list_approvals(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    let Some(approvals) = key.account.approvals(id).await? else {
        return Err(Refusal::NotFound("Version").into());
    };
    let items: Vec<Value> = approvals.iter().map(Approval::to_json).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}
