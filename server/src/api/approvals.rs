//! `/versions/{id}/approvals/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::App;
use super::body::JsonBody;
use super::id::Id;
use super::lists::Parameters;
use super::schemas;
use crate::api::error::ApiError;
use crate::auth::principal::{Key, ToApprove, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::MAX_TEXT;
use crate::domain::rules::{ApprovalSpec, Seen};
use crate::domain::scope::Scope;
use crate::store::flow::Command;

/// Approve a version, or refuse it. A person counts once per version, environment and type; all
/// approvals with one API key count as one, and only for rules with `keys`.
#[utoipa::path(
    post,
    path = "/versions/{id}/approvals/",
    tag = "Approvals",
    params(("id" = String, Path, description = "The version")),
    request_body(
        content = Object,
        description = "`type` is `quality` (tested in the environment, in which the version must \
            have been) or `release` (may go to the environment); `verdict` is `approve` or `refuse`, \
            which needs a `comment` and blocks until it is withdrawn; `scm_sha` is the commit that was \
            looked at: if the version comes from another by then, nothing is said of it; `approved_by` is in whose name \
            a key sends it; an environment that does not exist is refused, unless `create` is true",
        example = json!({
            "type": "release",
            "environment": "production",
            "scm_sha": "9fceb02d0ae598e95dc970b74767f19372d61af8",
            "approved_by": "ada@example.com"
        })
    ),
    responses(
        (status = 200, description = "The approval that was given before", body = schemas::Approval),
        (status = 201, description = "The approval", body = schemas::Approval),
        (status = 403, description = "Their role may not give such approvals, or the key is limited to others"),
        (status = 404, description = "There is no such version"),
        (status = 409, description = "The version was not built, or not deployed there, or comes from another commit"),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    key: Key<ToApprove>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let spec = ApprovalSpec::read(body.value, id)?;
    key.check_limits_of_version(&spec.version_id, &spec.environment)
        .await?;
    let owner = key.owner();
    let seen = spec.scm_sha.clone().map(|sha| Seen::commit(Some(sha)));
    key.write(&app, Command::Approve { spec, owner, seen })
        .await
}

/// Take an approval or a refusal back: one's own, or with the scope `admin` anybody's.
#[utoipa::path(
    delete,
    path = "/versions/{id}/approvals/{approval}/",
    tag = "Approvals",
    params(
        ("id" = String, Path, description = "The version"),
        ("approval" = String, Path, description = "The approval"),
        ("reason" = Option<String>, Query, description = "Why, for the log")
    ),
    responses(
        (status = 204, description = "It is withdrawn"),
        (status = 403, description = "Somebody else has given it"),
        (status = 404, description = "There is no such approval"),
        (status = 409, description = "It was withdrawn before")
    )
)]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    key: Key<ToApprove>,
    Id((version_id, id)): Id<(String, String)>,
    Parameters(mut query): Parameters,
) -> Result<Answer, ApiError> {
    let reason = query.text("reason", MAX_TEXT);
    query.refuse_unread();
    query.finish()?;
    let command = Command::WithdrawApproval {
        version_id,
        id,
        owner: key.owner(),
        others: key.may(Scope::Admin),
        reason,
    };
    key.write(&app, command).await
}

/// The approvals of a version, oldest first.
#[utoipa::path(
    get,
    path = "/versions/{id}/approvals/",
    tag = "Approvals",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "`items`: the approvals", body = schemas::Approvals),
        (status = 404, description = "There is no such version")
    )
)]
pub async fn list_approvals(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    let Some(approvals) = key.account.approvals(id).await? else {
        return Err(Refusal::NotFound("Version").into());
    };
    Ok(Answer::new(200, &json!({ "items": approvals })))
}
