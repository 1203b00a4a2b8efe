//! The doors by which Slack comes over HTTP: everything is signed, and the signature is over the bytes as
//! they came.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Slacked;
use super::hear::{self, After, Heard};
use super::payload::{Interaction, Slash};
use super::signature::{Unsigned, check};
use crate::api::App;
use crate::api::body::read_within;
use crate::api::error::ApiError;
use crate::api::lists::Parameters;
use crate::auth::keys::MAX_ACCOUNT_LEN;
use crate::domain::answer::Answer;
use crate::store::new_id;

/// The largest body, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// The account that is meant if the address names none.
const FIRST_ACCOUNT: &str = "local";

/// A request that Slack has signed.
enum Came {
    /// It asks only whether somebody is there, unsigned: nothing follows from it.
    Ping,
    /// What it says.
    Signed(Box<Slacked>, Bytes),
}

/// What a command of Slack is answered.
#[utoipa::path(
    post, path = "/slack/commands", tag = "Slack",
    params(("account" = Option<String>, Query, description = "The account; `local` by default")),
    request_body(
        content = String, content_type = "application/x-www-form-urlencoded",
        description = "The form that Slack sends, with its signature `v0` in `X-Slack-Signature` and \
            `X-Slack-Request-Timestamp`"
    ),
    responses(
        (status = 200, description = "The message that answers it", body = Object),
        (status = 400, description = "Something is missing in the form"),
        (status = 401, description = "The signature is missing, wrong, or of another time, or Slack does \
            not reach the account so"),
        (status = 422, description = "A parameter of the address is wrong"),
        (status = 429, description = "Too many of that address were not signed; `Retry-After` says until when"),
        (status = 503, description = "The secret of Slack cannot be read: the server has another key file")
    ),
    security(())
)]
pub async fn commands(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters,
    request: Request,
) -> Result<Response, ApiError> {
    let Came::Signed(at, body) = take(&app, query, request).await? else {
        return Ok(Answer::new(200, &json!({})).into_response());
    };
    let slash = Slash::of_form(&body).map_err(ApiError::Malformed)?;
    let answer = hear::command(&app, &at, &slash).await;
    Ok(Answer::new(200, &answer).into_response())
}

/// What follows when somebody clicks in Slack.
#[utoipa::path(
    post, path = "/slack/interactions", tag = "Slack",
    params(("account" = Option<String>, Query, description = "The account; `local` by default")),
    request_body(
        content = String, content_type = "application/x-www-form-urlencoded",
        description = "The form that Slack sends, with its signature `v0` in `X-Slack-Signature` and \
            `X-Slack-Request-Timestamp`"
    ),
    responses(
        (status = 200, description = "It has arrived, and counts once however often it does; only if \
            the text of a window is refused there is a body, which says so"),
        (status = 400, description = "Something is missing in the form"),
        (status = 401, description = "The signature is missing, wrong, or of another time, or Slack does \
            not reach the account so"),
        (status = 422, description = "A parameter of the address is wrong"),
        (status = 429, description = "Too many of that address were not signed; `Retry-After` says until when"),
        (status = 503, description = "The secret of Slack cannot be read: the server has another key file")
    ),
    security(())
)]
pub async fn interactions(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters,
    request: Request,
) -> Result<Response, ApiError> {
    let Came::Signed(at, body) = take(&app, query, request).await? else {
        return Ok(StatusCode::OK.into_response());
    };
    let interaction = Interaction::of_form(&body).map_err(ApiError::Malformed)?;
    let Heard { answer, after } = hear::interaction(&app, &at, &interaction).await;
    if !matches!(after, After::Nothing) {
        tokio::spawn(async move { hear::finish(&app, &at, after).await });
    }
    Ok(match answer {
        Some(answer) => Answer::new(200, &answer).into_response(),
        None => StatusCode::OK.into_response(),
    })
}

async fn take(
    app: &App,
    mut query: crate::domain::fields::Fields,
    request: Request,
) -> Result<Came, ApiError> {
    let account = query.text("account", MAX_ACCOUNT_LEN);
    query.refuse_unread();
    query.finish()?;
    let (parts, body) = request.into_parts();
    let body = Bytes::from(read_within(body, MAX_BODY).await?);
    let text = |name: &str| header(&parts.headers, name);
    let signature = text("x-slack-signature");
    // Slack asks so whether the certificate is good, and signs nothing. Nothing else is read of it.
    if signature.is_none() && is_ssl_check(&body) {
        return Ok(Came::Ping);
    }
    let timestamp = text("x-slack-request-timestamp");
    // Whoever signs nothing is told nothing of the accounts.
    if signature.is_none() || timestamp.is_none() {
        return Err(ApiError::Unauthorized(Unsigned::Missing.words()));
    }
    let account_name = account.unwrap_or_else(|| FIRST_ACCOUNT.to_owned());
    let account = app.directory.known_account(&account_name).await?;
    let at = match account {
        Some(account) => Slacked::of(app, &account_name, account).await?,
        None => None,
    };
    let secret = at
        .as_ref()
        .and_then(|at| at.secrets.signing_secret.as_deref());
    let now = app.now().div_euclid(1_000_000);
    // Nobody has signed with a secret that was made just now: what is not reached answers the same.
    let checked = match secret {
        Some(secret) => check(secret, timestamp, signature, &body, now),
        None => check(&new_id(), timestamp, signature, &body, now),
    };
    let error = match (checked, at) {
        (Ok(()), Some(at)) => return Ok(Came::Signed(Box::new(at), body)),
        (Ok(()), None) => Unsigned::Wrong,
        (Err(error), _) => error,
    };
    metrics::counter!("versioner_slack_refused_total").increment(1);
    app.count_failed_signature(&parts)?;
    Err(ApiError::Unauthorized(error.words()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    // Of two, nobody knows which one was signed.
    match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}

fn is_ssl_check(body: &[u8]) -> bool {
    form_urlencoded::parse(body).any(|(name, value)| name == "ssl_check" && value == "1")
}
