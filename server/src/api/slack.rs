//! `/slack/`: how Slack is reached for the account.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::schemas;
use crate::auth::principal::{Key, ToAdminister};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::slack::Slack;
use crate::slack::{Client, Slacked, open, seal};
use crate::store::Account;
use crate::store::flow::{Command, SlackCommand, SlackSealed};

/// How Slack is reached: the app, and what is told where. Its secrets are never given back.
#[utoipa::path(
    get, path = "/slack/", tag = "Slack",
    responses(
        (status = 200, description = "How it is reached", body = schemas::SlackSetting),
        (status = 404, description = "It is not")
    )
)]
pub async fn show(State(app): State<Arc<App>>, key: Key<ToAdminister>) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    Ok(Answer::new(
        200,
        &shown(&app, &key.account_name, &key.account).await?,
    ))
}

async fn shown(app: &App, name: &str, account: &Account) -> Result<Value, ApiError> {
    let reached = account.slack().await?.ok_or(Refusal::NotFound("Slack"))?;
    let (waiting, error) = account.slack_waiting().await?;
    let standing = app.slack.standing(name);
    let mut shown = reached.slack.to_json();
    shown["connected"] = json!(standing.socket);
    shown["waiting"] = json!(waiting);
    shown["problem"] = json!(standing.problem.or(error));
    Ok(shown)
}

/// Reach Slack from now on, or in another way. A secret that is left out stays as it is; `null` takes it
/// away.
#[utoipa::path(
    put, path = "/slack/", tag = "Slack",
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
    body: JsonBody,
) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    let command = putting(&app, &key.account, body.value).await?;
    key.write(&app, command).await?;
    app.slack.change();
    Ok(Answer::new(
        200,
        &shown(&app, &key.account_name, &key.account).await?,
    ))
}

/// The command that a body asks for.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn putting(
    app: &App,
    account: &Account,
    body: Value,
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
    }))
}

/// Reach Slack no more. What was told there stays there.
#[utoipa::path(
    delete, path = "/slack/", tag = "Slack",
    responses(
        (status = 204, description = "It is reached no more"),
        (status = 404, description = "It was not")
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
) -> Result<Answer, ApiError> {
    key.check_unlimited()?;
    key.write(&app, Command::Slack(SlackCommand::Remove)).await
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
