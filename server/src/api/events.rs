//! `POST /build-events/` and `POST /deployment-events/`.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::schemas;
use crate::auth::principal::{Key, ToTell, ToTellOrEnd};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::deployment::{Request, occurred};
use crate::domain::event::{BuildEvent, DeploymentEvent};
use crate::domain::fields::read_timestamp;
use crate::domain::scope::Scope;
use crate::store::flow::Command;
use crate::store::transaction::RequestKey;

const MAX_HEADER: usize = 255;

/// Tell of a build: it is recorded, or moved on where one of the version is open.
#[utoipa::path(
    post,
    path = "/build-events/",
    tag = "Events",
    request_body = BuildEvent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again gets the first answer again")),
    responses(
        (status = 200, description = "Recorded", body = schemas::BuildRecorded),
        (status = 409, description = "The version already exists with a different SHA"),
        (status = 422, description = "Fields are missing or wrong")
    )
)]
pub async fn post_build_event(
    State(app): State<Arc<App>>,
    key: Key<ToTell>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let request = request_key("build-events", &headers, &body)?;
    let event = BuildEvent::read(body.value)?;
    key.check_limits(&event.product_name, None).await?;
    key.write_once(&app, request, None, Command::Build(Box::new(event)))
        .await
}

/// Tell of a deployment. One that starts is checked against the deployment rules first.
#[utoipa::path(
    post,
    path = "/deployment-events/",
    tag = "Events",
    request_body = DeploymentEvent,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again gets the first answer again"),
        ("Versioner-Span" = Option<String>, Header, description = "Names one deployment: its start, and its end"),
        ("Versioner-Occurred-At" = Option<String>, Header, description = "When it happened, if it is told late; RFC 3339 with a zone"),
        ("Versioner-Sent-At" = Option<String>, Header, description = "When it is sent, by the clock of Versioner-Occurred-At")
    ),
    responses(
        (status = 200, description = "Recorded", body = schemas::DeploymentRecorded),
        (status = 409, description = "Another deployment is in progress", body = schemas::Rejected),
        (status = 422, description = "Fields are missing or wrong"),
        (status = 423, description = "A no-deploy window is open", body = schemas::Rejected),
        (status = 428, description = "A flow, soak time or approval rule is not met", body = schemas::Rejected)
    )
)]
pub async fn post_deployment_event(
    State(app): State<Arc<App>>,
    key: Key<ToTellOrEnd>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let request = request_key("deployment-events", &headers, &body)?;
    let span = text(&headers, "Versioner-Span")?;
    let occurred_at = time(&headers, "Versioner-Occurred-At")?;
    let sent_at = time(&headers, "Versioner-Sent-At")?;
    let fingerprint = match &request {
        Some(request) => request.fingerprint.clone(),
        None => fingerprint("deployment-events", &body.value),
    };
    let now = app.time();
    let history = key.may(Scope::History);
    let occurred = occurred_at.map(|at| occurred(at, sent_at, now, history));
    let event = DeploymentEvent::read(body.value);
    if !event.as_ref().is_ok_and(DeploymentEvent::is_end) {
        key.admit(&app)?;
    }
    let mut event = event?;
    key.check_limits(&event.product_name, Some(&event.environment_name))
        .await?;
    if occurred_at.is_some() && history {
        key.note_use(&app, Scope::History);
    }
    if event.skip_preflight_checks && key.may(Scope::Override) {
        key.note_use(&app, Scope::Override);
    }
    if event.skip_preflight_checks && !key.may(Scope::Override) {
        event.skip_preflight_checks = false;
        let msg = "skip_preflight_checks was ignored: this API key lacks the scope override";
        event.warnings.push(msg.to_owned());
    }
    let command = Command::Deployment(Box::new(Request {
        origin: event.origin(),
        event,
        span,
        has_key: request.is_some(),
        actor: key.actor.clone(),
        owner: key.owner(),
        fingerprint,
        occurred,
        history,
        foreign: false,
    }));
    key.write_once(&app, request, occurred, command).await
}

/// The Idempotency-Key of a request, and what it stands for.
pub fn request_key(
    endpoint: &'static str,
    headers: &HeaderMap,
    body: &JsonBody,
) -> Result<Option<RequestKey>, ApiError> {
    let Some(key) = text(headers, "Idempotency-Key")? else {
        return Ok(None);
    };
    let old = Sha256::new()
        .chain_update(endpoint)
        .chain_update([0])
        .chain_update(&body.bytes);
    Ok(Some(RequestKey {
        key,
        endpoint,
        fingerprint: fingerprint(endpoint, &body.value),
        old_fingerprint: old.finalize().into(),
    }))
}

/// Tells bodies apart that mean something else: the order of members and blanks do not.
pub fn fingerprint(endpoint: &str, body: &Value) -> String {
    let mut canonical = String::from(endpoint);
    write_sorted(body, &mut canonical);
    let hash = Sha256::digest(canonical.as_bytes());
    hash.iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn write_sorted(value: &Value, to: &mut String) {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            to.push('{');
            for (name, value) in members {
                let _ = write!(to, "{:?}:", name);
                write_sorted(value, to);
                to.push(',');
            }
            to.push('}');
        }
        Value::Array(items) => {
            to.push('[');
            for item in items {
                write_sorted(item, to);
                to.push(',');
            }
            to.push(']');
        }
        other => {
            let _ = write!(to, "{other}");
        }
    }
}

/// A header that decides something: it stands there once and says something, or it is absent.
pub fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Refusal::header(
            name,
            "doubled",
            "This header stands there twice",
        ));
    }
    match value.to_str().map(str::trim) {
        Ok(text) if !text.is_empty() && text.len() <= MAX_HEADER => Ok(Some(text.to_owned())),
        _ => {
            let msg = format!("Input should be 1 to {MAX_HEADER} visible ASCII characters");
            Err(Refusal::header(name, "string_pattern_mismatch", msg))
        }
    }
}

fn time(headers: &HeaderMap, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = text(headers, name)? else {
        return Ok(None);
    };
    match read_timestamp(&text) {
        Some(time) => Ok(Some(time)),
        None => {
            let msg = "Input should be an RFC 3339 time with a zone, such as 2025-11-21T18:00:00Z";
            Err(Refusal::header(name, "datetime_parsing", msg))
        }
    }
}
