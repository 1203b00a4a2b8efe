//! `/queue/`: what waits to be done, and what became of it.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::App;
use super::error::ApiError;
use super::id::Id;
use super::lists::{DEFAULT_LIMIT, MAX_LIMIT, Parameters};
use super::schemas;
use crate::auth::principal::{Key, ToAdministerAll};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::MAX_NAME;
use crate::domain::queue::{Item, Kind, State as Became, Which};
use crate::domain::time::rfc3339;
use crate::store::flow::{Command, QueueCommand};

/// What waits to be done and what became of it, newest first, without the bodies.
#[utoipa::path(
    get,
    path = "/queue/",
    tag = "Queue",
    params(
        ("kind" = Option<String>, Query, description = "Only `inbox`, `webhook`, `slack`, `email`, `gate` or `answer`"),
        ("state" = Option<String>, Query, description = "Only `waiting`, `done`, `ignored`, `dead` or `dropped`"),
        ("topic" = Option<String>, Query, description = "Only what belongs to this, such as a source"),
        ("limit" = Option<i64>, Query, description = "The most items to answer: 1 to 500, 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses((status = 200, description = "A page of the queue", body = schemas::QueuePage))
)]
pub async fn list(
    key: Key<ToAdministerAll>,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let kinds = Kind::ALL.map(|kind| (kind.as_str(), kind));
    let states = Became::ALL.map(|state| (state.as_str(), state));
    let which = Which {
        kind: fields.choice("kind", &kinds),
        state: fields.choice("state", &states),
        topic: fields.text("topic", MAX_NAME),
        ..Which::default()
    };
    let cursor = fields.text("cursor", MAX_NAME);
    let limit = fields
        .integer_text("limit", 1..=MAX_LIMIT)
        .unwrap_or(DEFAULT_LIMIT);
    fields.refuse_unread();
    fields.finish()?;
    let mut items = key.account.queue_items(which, cursor, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| more).map(|item| item.id.clone());
    let items: Vec<_> = items.iter().map(shown).collect();
    Ok(Answer::new(
        200,
        &json!({ "items": items, "next_cursor": next }),
    ))
}

/// One row of the queue, with its body.
#[utoipa::path(
    get,
    path = "/queue/{id}/",
    tag = "Queue",
    params(("id" = String, Path, description = "The row")),
    responses(
        (status = 200, description = "The row", body = schemas::QueueItem),
        (status = 404, description = "There is no such row")
    )
)]
pub async fn get(key: Key<ToAdministerAll>, Id(id): Id) -> Result<Answer, ApiError> {
    let Some(item) = key.account.queue_item(id).await? else {
        return Err(Refusal::NotFound("Row").into());
    };
    let mut row = shown(&item);
    match std::str::from_utf8(&item.body) {
        Ok(text) => row["body"] = text.into(),
        Err(_) => row["body_base64"] = STANDARD.encode(&item.body).into(),
    }
    Ok(Answer::new(200, &row))
}

/// Begin a row anew that has ended.
#[utoipa::path(
    post,
    path = "/queue/{id}/replay/",
    tag = "Queue",
    params(("id" = String, Path, description = "The row")),
    responses(
        (status = 200, description = "`count`: 0 if it waits already, or there is no such row", body = schemas::Counted)
    )
)]
pub async fn replay(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let command = QueueCommand::Replay(only(id));
    key.write(&app, Command::Queue(command)).await
}

/// Give up on a row that waits or could not be done.
#[utoipa::path(
    post,
    path = "/queue/{id}/drop/",
    tag = "Queue",
    params(("id" = String, Path, description = "The row")),
    responses(
        (status = 200, description = "`count`: 0 if it is over, or there is no such row", body = schemas::Counted)
    )
)]
pub async fn give_up(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let command = QueueCommand::Drop(only(id));
    key.write(&app, Command::Queue(command)).await
}

fn only(id: String) -> Which {
    Which {
        id: Some(id),
        ..Which::default()
    }
}

fn shown(item: &Item) -> Value {
    json!({
        "id": item.id,
        "kind": item.kind.as_str(),
        "topic": item.topic,
        "key": item.key,
        "state": item.state.as_str(),
        "attempts": item.attempts,
        "created_at": rfc3339(item.created_at),
        "not_before": rfc3339(item.not_before),
        "ended_at": item.ended_at.map(rfc3339),
        "error": item.error,
        "result": item.result,
        "head": item.head,
        "size": item.size,
    })
}
