//! `/all-stop/`: one switch that refuses every start.

use std::sync::Arc;

use axum::extract::State;

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::lists::Parameters;
use super::schemas;
use crate::auth::principal::{Key, ToRead, ToRule};
use crate::domain::answer::Answer;
use crate::domain::fields::MAX_TEXT;
use crate::domain::rules::AllStop;
use crate::store::flow::Command;

/// Whether every start is refused now.
#[utoipa::path(
    get, path = "/all-stop/", tag = "Deployment rules",
    responses((status = 200, description = "The stop that is in force; `active` is false if there \
        is none", body = schemas::AllStop))
)]
pub async fn show(State(app): State<Arc<App>>, key: Key<ToRead>) -> Result<Answer, ApiError> {
    let stop = key.account.all_stop().await?;
    Ok(Answer::new(
        200,
        &AllStop::to_json(stop.as_ref(), app.now()),
    ))
}

/// Refuse every start until some time, those without checks and with an exemption too. What is in
/// progress goes on, and its end is recorded.
#[utoipa::path(
    put, path = "/all-stop/", tag = "Deployment rules",
    request_body(
        content = Object,
        description = "`message`, which every start is told, and `until`, at most 7 days away. It \
            takes the place of a stop that is in force",
        example = json!({
            "message": "The database is being moved", "until": "2025-11-21T18:00:00Z"
        })
    ),
    responses(
        (status = 200, description = "The stop", body = schemas::AllStop),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn put(
    State(app): State<Arc<App>>,
    key: Key<ToRule>,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    let stop = AllStop::read(body.value, &key.actor, app.now())?;
    key.write(&app, Command::Stop(stop)).await
}

/// Let deployments start again before the stop ends by itself.
#[utoipa::path(
    delete, path = "/all-stop/", tag = "Deployment rules",
    params(("reason" = Option<String>, Query, description = "Why, for the log")),
    responses(
        (status = 200, description = "No stop is in force any more", body = schemas::AllStop),
        (status = 409, description = "None was in force")
    )
)]
pub async fn lift(
    State(app): State<Arc<App>>,
    key: Key<ToRule>,
    Parameters(mut query): Parameters,
) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    let reason = query.text("reason", MAX_TEXT);
    query.refuse_unread();
    query.finish()?;
    key.write(&app, Command::LiftStop { reason }).await
}
