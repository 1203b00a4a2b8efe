//! `/slack/`: how Slack is reached for the account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::events::text;
use super::rules::if_match;
use super::schemas;
use crate::auth::principal::{Key, ToAdminister};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::slack::Slack;
use crate::slack::{Client, Slacked, open, seal};
use crate::store::Account;
use crate::store::flow::{Command, Expected, SlackCommand, SlackSealed};

/// How Slack is reached: the app, and what is told where. Its secrets are never given back.
#[utoipa::path(
    get, path = "/slack/", tag = "Slack",
    responses(
        (status = 200, description = "How it is reached; its state is in `ETag`", body = schemas::SlackSetting),
        (status = 404, description = "It is not")
    )
)]
pub async fn show(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
) -> Result<Response, ApiError> {
    key.check_unlimited()?;
    shown(&app, &key.account_name, &key.account).await
}

async fn shown(app: &App, name: &str, account: &Account) -> Result<Response, ApiError> {
    let reached = account.slack().await?.ok_or(Refusal::NotFound("Slack"))?;
    let (waiting, error) = account.slack_waiting().await?;
    let standing = app.slack.standing(name);
    let mut shown = reached.slack.to_json();
    shown["connected"] = json!(standing.socket);
    shown["waiting"] = json!(waiting);
    shown["problem"] = json!(standing.problem.or(error));
    let mut response = Answer::new(200, &shown).into_response();
    if let Ok(tag) = HeaderValue::from_str(&reached.slack.tag()) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// What a change was made for, by the headers of its request; anything, without them.
fn expected(headers: &HeaderMap) -> Result<Expected, ApiError> {
    if text(headers, "If-None-Match")?.is_some_and(|tag| tag == "*") {
        return Ok(Expected::Nothing);
    }
    Ok(match if_match(headers)? {
        Some(tag) => Expected::Tag(tag),
        None => Expected::Any,
    })
}

/// Reach Slack from now on, or in another way. A secret that is left out stays as it is; `null` takes it
/// away.
#[utoipa::path(
    put, path = "/slack/", tag = "Slack",
    params(
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what the change is for"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if Slack is not reached yet")
    ),
    request_body(
        content = Object,
        description = "`team_id`; `bot_token`; `signing_secret` if Slack reaches the server over HTTP, \
            `app_token` if the server opens a socket; `app_id`, unless the app_token names it; \
            `by_address`, whether a user whose confirmed address is that of a person here is that person \
            (never an admin); `channels`: a list of `channel`, and of what is told there only \
            `environments`, `products` and `statuses`, and whether `approvals` are asked for there",
        example = json!({
            "team_id": "T0123ABCD",
            "bot_token": "xoxb-...",
            "app_token": "xapp-1-A0123ABCD-...",
            "channels": [{ "channel": "C0123ABCD", "environments": ["production"] }]
        })
    ),
    responses(
        (status = 200, description = "How it is reached", body = schemas::SlackSetting),
        (status = 412, description = "Somebody else has changed it in between"),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn put(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    key.check_unlimited()?;
    let expected = expected(&headers)?;
    let command = putting(&app, &key.account, body.value, expected).await?;
    key.write(&app, command).await?;
    app.slack.change();
    shown(&app, &key.account_name, &key.account).await
}

/// The command that a body asks for.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn putting(
    app: &App,
    account: &Account,
    body: Value,
    expected: Expected,
) -> Result<Command, ApiError> {
    let before = account.slack().await?;
    let secrets = match &before {
        // With another key than that of the file they are lost, and to be sent again.
        Some(before) => open(app, &before.sealed).ok(),
        None => None,
    };
    let (slack, secrets) = Slack::read(body, secrets.as_ref(), app.now())?;
    let sealed = SlackSealed(seal(app, &secrets)?);
    Ok(Command::Slack(SlackCommand::Put {
        slack: Box::new(slack),
        sealed,
        from: before.map(|before| before.slack.updated_at),
        expected,
    }))
}

/// Reach Slack no more. What was told there stays there.
#[utoipa::path(
    delete, path = "/slack/", tag = "Slack",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of what is to go")),
    responses(
        (status = 204, description = "It is reached no more"),
        (status = 404, description = "It was not"),
        (status = 412, description = "It is not any more what `If-Match` says")
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    let expected = match if_match(&headers)? {
        Some(tag) => Expected::Tag(tag),
        None => Expected::Any,
    };
    key.write(&app, Command::Slack(SlackCommand::Remove { expected }))
        .await
}

/// Ask Slack whether the bot token is good, and the app that of the team.
#[utoipa::path(
    post, path = "/slack/test/", tag = "Slack",
    responses(
        (status = 200, description = "What Slack says: `ok`, or `problem`", body = schemas::SlackTest),
        (status = 404, description = "It is not reached")
    )
)]
pub async fn test(State(app): State<Arc<App>>, key: Key<ToAdminister>) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    let at = Slacked::of(&app, &key.account_name, key.account.clone()).await?;
    let at = at.ok_or(Refusal::NotFound("Slack"))?;
    let problem = problem(&app, &at).await;
    Ok(Answer::new(
        200,
        &json!({ "ok": problem.is_none(), "problem": problem }),
    ))
}

/// What does not fit together, as far as Slack says.
pub(crate) async fn problem(app: &App, at: &Slacked) -> Option<String> {
    let client = Client::of(app);
    let token = &at.secrets.bot_token;
    let answer = match client.call_form("auth.test", token, &[]).await {
        Ok(answer) => answer,
        Err(error) => return Some(error.to_string()),
    };
    let team = answer["team_id"].as_str().unwrap_or_default();
    if team != at.slack.team_id {
        return Some(format!(
            "The bot token is of the team {team}, not {}",
            at.slack.team_id
        ));
    }
    for channel in &at.slack.channels {
        let fields = [("channel", channel.channel.as_str())];
        if let Err(error) = client.call_form("conversations.info", token, &fields).await {
            return Some(format!(
                "{}: {error}; invite the app there",
                channel.channel
            ));
        }
    }
    None
}
