//! `/deployments/{id}/…`: what people and tools do to a deployment, beside its own run.

use std::sync::Arc;

use axum::extract::State;

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::schemas;
use crate::auth::principal::{Key, ToTell};
use crate::domain::answer::Answer;
use crate::domain::deployment::EXPIRY;
use crate::domain::fields::{Fields, MAX_TEXT};
use crate::domain::scope::Scope;
use crate::store::flow::Command;

const SECOND: i64 = 1_000_000;

/// End a deployment that nobody ends any more, so that the next one can start.
#[utoipa::path(
    post,
    path = "/deployments/{id}/abort/",
    tag = "Deployments",
    params(("id" = String, Path, description = "The deployment")),
    request_body(
        content = Object,
        description = "`reason`: why, for the record",
        example = json!({ "reason": "the runner was lost" })
    ),
    responses(
        (status = 200, description = "The deployment, `aborted`", body = schemas::DeploymentState),
        (status = 403, description = "Another key has started it, and this one lacks the scope `override`; or it is limited to \
            other places"),
        (status = 404, description = "There is no such deployment"),
        (status = 409, description = "It has ended already"),
        (status = 422, description = "The reason is missing")
    )
)]
pub async fn abort(
    State(app): State<Arc<App>>,
    key: Key<ToTell>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let mut fields = Fields::of_body(body.value)?;
    let reason = fields.required_text("reason", MAX_TEXT);
    fields.refuse_unread();
    fields.finish()?;
    let others = key.may(Scope::Override);
    if others {
        key.note_use(&app, Scope::Override);
    }
    key.check_limits_of(&id).await?;
    let command = Command::Abort { id, reason, others };
    key.write(&app, command).await
}

/// Say that a deployment is still going on: it then expires later.
#[utoipa::path(
    post,
    path = "/deployments/{id}/renew/",
    tag = "Deployments",
    params(("id" = String, Path, description = "The deployment")),
    request_body(
        content = Object,
        description = "`lease_seconds` (optional): how long it may go on from now without another \
            word, at most 24 hours; as long as before by default",
        example = json!({ "lease_seconds": 600 })
    ),
    responses(
        (status = 200, description = "The deployment, with `expires_at`", body = schemas::DeploymentState),
        (status = 404, description = "There is no such deployment"),
        (status = 409, description = "It has ended already"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn renew(
    State(app): State<Arc<App>>,
    key: Key<ToTell>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let mut fields = Fields::of_body(body.value)?;
    let lease = fields.integer("lease_seconds", 1..=EXPIRY / SECOND);
    fields.refuse_unread();
    fields.finish()?;
    let lease = lease.map(|seconds| seconds * SECOND);
    key.check_limits_of(&id).await?;
    key.write(&app, Command::Renew { id, lease }).await
}
