//! `/webhooks/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::lists::{DEFAULT_LIMIT, MAX_LIMIT, Parameters};
use super::schemas;
use crate::announce::make::{self, MakeError, Ready};
use crate::announce::{open, test_item};
use crate::auth::principal::{Key, ToAdministerAll};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::{Fields, MAX_NAME};
use crate::domain::keys::read_overlap;
use crate::domain::queue::{Item, Kind, State as Queued, Which};
use crate::domain::time::rfc3339;
use crate::store::flow::{Command, QueueCommand, WebhookCommand};
use crate::store::{Account, Kept, StoreError, new_id};

impl From<MakeError> for ApiError {
    fn from(error: MakeError) -> ApiError {
        match error {
            MakeError::Refused(refusal) => refusal.into(),
            MakeError::Secrets(error) => error.into(),
        }
    }
}

/// A webhook that was not removed.
pub async fn find(account: &Account, id: String) -> Result<Kept, ApiError> {
    let found = account.webhook(id).await?;
    let found = found.filter(|kept| kept.webhook.removed_at.is_none());
    found.ok_or_else(|| Refusal::NotFound("Webhook").into())
}

/// A webhook as it is shown: with its address, if this server can read it.
fn shown(app: &App, kept: &Kept) -> Value {
    let opened = app
        .secrets()
        .and_then(|keeper| open(keeper, &kept.webhook, &kept.sealed));
    let url = opened.ok().map(|secrets| secrets.url);
    kept.webhook.to_json(url.as_deref(), kept.failing_since)
}

/// Make a webhook: the server tells an address what happens.
#[utoipa::path(
    post,
    path = "/webhooks/",
    tag = "Webhooks",
    request_body(
        content = Object,
        description = "`url`, `name`, `secret` (made, unless it is given), `format` (`standard` by default, \
            `versioner`, `cdevents`), and what it is told of: `events`, `products`, `environments`, \
            `statuses` (empty for all)",
        example = json!({ "url": "https://hooks.example.com/deployments", "events": ["deployment"] })
    ),
    responses(
        (status = 201, description = "The webhook; `secret` stands there this once", body = schemas::Webhook),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn add(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let ready = make::add(app.secrets()?, body.value, |url| app.check_webhook(url))?;
    write(&app, &key, ready, 201).await
}

/// Every webhook.
#[utoipa::path(
    get,
    path = "/webhooks/",
    tag = "Webhooks",
    responses((status = 200, description = "`items`: the webhooks", body = schemas::Webhooks))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
) -> Result<Answer, ApiError> {
    let kept = key.account.webhooks().await?;
    let there = kept.iter().filter(|kept| kept.webhook.removed_at.is_none());
    let items: Vec<Value> = there.map(|kept| shown(&app, kept)).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One webhook.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/",
    tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The webhook", body = schemas::Webhook),
        (status = 404, description = "There is no such webhook")
    )
)]
pub async fn get(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let kept = find(&key.account, id).await?;
    Ok(Answer::new(200, &shown(&app, &kept)))
}

/// Change some fields of a webhook; `enabled` switches it off and on.
#[utoipa::path(
    patch,
    path = "/webhooks/{id}/",
    tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")),
    request_body(
        content = Object,
        description = "The fields to replace, as for a new webhook but for `secret`, and `enabled`",
        example = json!({ "enabled": true })
    ),
    responses(
        (status = 200, description = "The changed webhook", body = schemas::Webhook),
        (status = 404, description = "There is no such webhook"),
        (status = 412, description = "Somebody else has changed it meanwhile"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let changes = Fields::of_body(body.value)?.clone_object();
    let kept = find(&key.account, id).await?;
    let check = |url: &str| app.check_webhook(url);
    let ready = make::change(|| app.secrets(), &kept, changes, check, app.now())?;
    write(&app, &key, ready, 200).await
}

/// Remove a webhook. What was not delivered yet is dropped.
#[utoipa::path(
    delete,
    path = "/webhooks/{id}/",
    tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The webhook as it was", body = schemas::Webhook),
        (status = 404, description = "There is no such webhook")
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let command = Command::Webhook(WebhookCommand::Remove(id));
    key.write(&app, command).await
}

/// Give a webhook another secret. Deliveries are signed with the one before, too, for a time.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/rotate/",
    tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")),
    request_body(
        content = Object,
        description = "`overlap_hours`: how long the old one goes on; a week by default, 0 ends it now",
        example = json!({ "overlap_hours": 24 })
    ),
    responses(
        (status = 200, description = "The webhook; `secret` stands there this once", body = schemas::Webhook),
        (status = 404, description = "There is no such webhook"),
        (status = 412, description = "Somebody else has changed it meanwhile")
    )
)]
pub async fn rotate(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let overlap = read_overlap(body.value)?;
    let kept = find(&key.account, id).await?;
    let ready = make::rotate(app.secrets()?, &kept, overlap, None)?;
    write(&app, &key, ready, 200).await
}

/// Send a test to a webhook, also to one that is switched off. It is sent once, and stands among the
/// deliveries.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/test/",
    tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")),
    responses(
        (status = 202, description = "`id`: the delivery", body = schemas::Queued),
        (status = 404, description = "There is no such webhook")
    )
)]
pub async fn test(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let kept = find(&key.account, id).await?;
    let item = test_item(&app, &kept.webhook, &key.actor, &new_id());
    let item = item.ok_or(Refusal::NotFound("Test"))?;
    let command = Command::Queue(QueueCommand::Add(item));
    key.write(&app, command).await
}

/// What was sent to a webhook, and is to be, newest first.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries/",
    tag = "Webhooks",
    params(
        ("id" = String, Path, description = "The webhook"),
        ("state" = Option<String>, Query, description = "Only `waiting`, `done`, `ignored`, `dead` or `dropped`"),
        ("limit" = Option<i64>, Query, description = "The most items to answer: 1 to 500, 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses(
        (status = 200, description = "A page of deliveries", body = schemas::Deliveries),
        (status = 404, description = "There is no such webhook")
    )
)]
pub async fn deliveries(
    key: Key<ToAdministerAll>,
    Id(id): Id,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let state = fields.choice("state", &Queued::ALL.map(|state| (state.as_str(), state)));
    let cursor = fields.text("cursor", MAX_NAME);
    let limit = fields
        .integer_text("limit", 1..=MAX_LIMIT)
        .unwrap_or(DEFAULT_LIMIT);
    fields.refuse_unread();
    fields.finish()?;
    let kept = find(&key.account, id).await?;
    let which = Which {
        state,
        ..of(&kept.webhook.id)
    };
    let mut items = key.account.queue_items(which, cursor, limit + 1).await?;
    let more = i64::try_from(items.len()).is_ok_and(|count| count > limit);
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = items.last().filter(|_| more).map(|item| item.id.clone());
    let items: Vec<Value> = items.iter().map(delivery).collect();
    Ok(Answer::new(
        200,
        &json!({ "items": items, "next_cursor": next }),
    ))
}

/// One delivery: what is sent, and what came of each attempt.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries/{delivery}/",
    tag = "Webhooks",
    params(
        ("id" = String, Path, description = "The webhook"),
        ("delivery" = String, Path, description = "The delivery: its `webhook-id`")
    ),
    responses(
        (status = 200, description = "The delivery", body = schemas::Delivery),
        (status = 404, description = "There is no such delivery")
    )
)]
pub async fn get_delivery(
    key: Key<ToAdministerAll>,
    Id((id, delivery)): Id<(String, String)>,
) -> Result<Answer, ApiError> {
    let (item, attempts) = find_delivery(&key.account, id, delivery).await?;
    let mut shown = self::delivery(&item);
    shown["body"] = json!(String::from_utf8_lossy(&item.body));
    shown["attempts"] = attempts
        .iter()
        .map(crate::domain::webhook::Attempt::to_json)
        .collect();
    Ok(Answer::new(200, &shown))
}

/// Send one delivery again, now.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/deliveries/{delivery}/resend/",
    tag = "Webhooks",
    params(
        ("id" = String, Path, description = "The webhook"),
        ("delivery" = String, Path, description = "The delivery: its `webhook-id`")
    ),
    responses(
        (status = 200, description = "`count`: 1; or 0 if it still waits", body = schemas::Counted),
        (status = 404, description = "There is no such delivery")
    )
)]
pub async fn resend_one(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id((id, delivery)): Id<(String, String)>,
) -> Result<Answer, ApiError> {
    let (item, _) = find_delivery(&key.account, id, delivery).await?;
    let which = Which {
        id: Some(item.id),
        ..Which::default()
    };
    let command = Command::Queue(QueueCommand::Replay(which));
    key.write(&app, command).await
}

/// Send everything again that could not be delivered since a time.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/resend/",
    tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")),
    request_body(
        content = Object,
        description = "`since`: from when on, in RFC 3339; `delivered`: whether what was delivered goes again, too",
        example = json!({ "since": "2025-11-19T12:00:00Z" })
    ),
    responses(
        (status = 200, description = "`count`: how many; at most 1000 at once", body = schemas::Counted),
        (status = 404, description = "There is no such webhook"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn resend(
    State(app): State<Arc<App>>,
    key: Key<ToAdministerAll>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let (since, delivered) = make::read_resend(body.value)?;
    let kept = find(&key.account, id).await?;
    let which = Which {
        since: Some(since),
        state: (!delivered).then_some(Queued::Dead),
        ..of(&kept.webhook.id)
    };
    let command = Command::Queue(QueueCommand::Replay(which));
    key.write(&app, command).await
}

/// The rows of the queue of a webhook.
pub fn of(id: &str) -> Which {
    Which {
        kind: Some(Kind::Webhook),
        topic: Some(id.to_owned()),
        ..Which::default()
    }
}

/// A delivery of this webhook, and the attempts on it.
pub async fn find_delivery(
    account: &Account,
    id: String,
    delivery: String,
) -> Result<(Item, Vec<crate::domain::webhook::Attempt>), ApiError> {
    let item = account.queue_item(delivery).await?;
    let is_its = |item: &Item| item.kind == Kind::Webhook && item.topic == id;
    let item = item.filter(is_its).ok_or(Refusal::NotFound("Delivery"))?;
    let attempts = account.attempts(item.id.clone()).await?;
    Ok((item, attempts))
}

/// A delivery as it is shown.
fn delivery(item: &Item) -> Value {
    let waits = item.state == Queued::Waiting;
    json!({
        "id": item.id,
        "event": item.head.get("event"),
        "state": item.state.as_str(),
        "attempt_count": item.attempts,
        "created_at": rfc3339(item.created_at),
        "next_attempt_at": waits.then(|| rfc3339(item.not_before)),
        "ended_at": item.ended_at.map(rfc3339),
        "error": item.error,
    })
}

/// Writes it, and shows the secret that nobody shows again.
async fn write(
    app: &App,
    key: &Key<ToAdministerAll>,
    ready: Ready,
    status: u16,
) -> Result<Answer, ApiError> {
    let answer = key.write(app, Command::Webhook(ready.command)).await?;
    let written: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    let id = written["id"].as_str().unwrap_or_default().to_owned();
    let mut answer = shown(app, &find(&key.account, id).await?);
    if let Some(secret) = ready.secret {
        answer["secret"] = secret.into();
    }
    Ok(Answer::new(status, &answer))
}
