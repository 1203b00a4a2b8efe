//! `POST /build-events/` and `POST /deployment-events/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

use super::App;
use super::auth::Writer;
use super::body::JsonBody;
use crate::answer::{Answer, FieldError, Refusal};
use crate::event::{BuildEvent, DeploymentEvent};
use crate::record::Command;
use crate::store::Envelope;

const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Tell of a build: it is recorded, or moved on where one of the version is open.
#[utoipa::path(
    post,
    path = "/build-events/",
    tag = "Events",
    request_body = BuildEvent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again gets the first answer again")),
    responses(
        (status = 200, description = "Recorded"),
        (status = 409, description = "The version already exists with a different SHA"),
        (status = 422, description = "Fields are missing or wrong")
    )
)]
pub async fn post_build_event(
    State(app): State<Arc<App>>,
    writer: Writer,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Answer, Refusal> {
    let envelope = envelope(&app, "build-events", &headers, &body)?;
    let event = BuildEvent::read(body.value)?;
    let command = Command::Build(envelope, event);
    Ok(writer.account.write(command).await?)
}

/// Tell of a deployment. One that starts is checked against the deployment rules first.
#[utoipa::path(
    post,
    path = "/deployment-events/",
    tag = "Events",
    request_body = DeploymentEvent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again gets the first answer again")),
    responses(
        (status = 200, description = "Recorded"),
        (status = 409, description = "Another deployment is in progress"),
        (status = 422, description = "Fields are missing or wrong"),
        (status = 423, description = "A no-deploy window is open"),
        (status = 428, description = "A flow, soak time or approval rule is not met")
    )
)]
pub async fn post_deployment_event(
    State(app): State<Arc<App>>,
    writer: Writer,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Answer, Refusal> {
    let envelope = envelope(&app, "deployment-events", &headers, &body)?;
    let event = DeploymentEvent::read(body.value)?;
    let command = Command::Deployment(envelope, event);
    Ok(writer.account.write(command).await?)
}

fn envelope(
    app: &App,
    kind: &'static str,
    headers: &HeaderMap,
    body: &JsonBody,
) -> Result<Envelope, Refusal> {
    let fingerprint = Sha256::new()
        .chain_update(kind)
        .chain_update([0])
        .chain_update(&body.bytes)
        .finalize();
    Ok(Envelope {
        idempotency_key: idempotency_key(headers)?,
        fingerprint: fingerprint.into(),
        received_at: app.clock.now(),
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(key) if key.len() <= MAX_IDEMPOTENCY_KEY => Ok(Some(key.to_owned())),
        _ => Err(Refusal::Invalid(vec![FieldError::new(
            "header",
            "Idempotency-Key",
            "string_pattern_mismatch",
            format!("Input should be at most {MAX_IDEMPOTENCY_KEY} visible ASCII characters"),
        )])),
    }
}
