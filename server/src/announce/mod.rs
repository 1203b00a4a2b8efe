//! Tells those who want to hear of it what happens: the log is followed by position, and what its rows
//! tell goes into the queue in the transaction that goes on to the next position. So nothing is told of
//! what was not recorded, nothing is told twice into one queue, and nothing is left out.

mod deliver;
mod mail;
pub mod make;
mod payload;
mod secrets;
pub mod sign;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::api::App;
use crate::domain::news::{About, News, TEST, news_of};
use crate::domain::queue::{Bounds, Kind, NewItem};
use crate::domain::webhook::Webhook;
use crate::store::flow::{Command, WebhookCommand};
use crate::store::transaction::Envelope;
use crate::store::{Account, StoreError};

pub use deliver::Deliver;
pub use mail::Mailer;
use payload::{Body, Told};
pub use secrets::{open, seal};

/// How often is looked for what is to be told.
const PAUSE: Duration = Duration::from_secs(1);
/// How many rows of the log are told in one transaction.
const AT_ONCE: i64 = 100;
/// How many rows of the log are skipped at once if nobody wants to hear of them.
const UNHEARD: i64 = 1000;
/// The header that says which webhooks news have come through, on whatever servers.
pub const VIA: &str = "x-versioner-via";
/// What came through so many webhooks is told no further.
const MOST_HOPS: usize = 16;
/// Where news come from, if nobody has said where people find the pages.
const SOURCE: &str = "versioner-server";

/// Looks again and again, in accounts that are in use. Those in which something is left to be told are
/// opened by the queue.
pub async fn run(app: Arc<App>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        for (name, account) in app.directory().open_by_name() {
            tell_all(&app, &name, &account).await;
        }
    }
}

async fn tell_all(app: &App, name: &str, account: &Account) {
    if let Err(error) = tell(app, account).await {
        tracing::warn!(account = name, %error, "what happened cannot be told now");
    }
}

/// Tells what the log has that was not told yet.
async fn tell(app: &App, account: &Account) -> Result<(), StoreError> {
    loop {
        let told = account.told().await?;
        if told.place >= told.last {
            return Ok(());
        }
        if !told.any {
            if told.last - told.place > UNHEARD {
                advance(app, account, (told.place, told.last), Vec::new()).await?;
            }
            return Ok(());
        }
        let waiting = account.queue_waiting().await?;
        let bounds = Bounds::default();
        if waiting.iter().any(|waiting| {
            waiting.kind == Kind::Webhook
                && (waiting.rows >= bounds.rows || waiting.bytes >= bounds.bytes)
        }) {
            // It stays in the log until there is room.
            return Ok(());
        }
        let entries = account.log_after(told.place, AT_ONCE).await?;
        let Some(to) = entries.last().map(|entry| entry.place) else {
            return Ok(());
        };
        // Read after the rows: whoever is not there yet was made after them.
        let webhooks = account.webhooks_to_tell().await?;
        let mut items = Vec::new();
        for news in entries.iter().flat_map(news_of) {
            // One that begins in the future was made by a clock that was wrong.
            let now = app.now();
            let hear = |webhook: &&Webhook| webhook.told_from <= news.at || webhook.told_from > now;
            let who: Vec<&Webhook> = webhooks.iter().filter(hear).collect();
            if !who.is_empty() {
                items.extend(items_of(app, account, &news, &who).await?);
            }
        }
        advance(app, account, (told.place, to), items).await?;
    }
}

async fn advance(
    app: &App,
    account: &Account,
    (from, to): (i64, i64),
    items: Vec<NewItem>,
) -> Result<(), StoreError> {
    let command = WebhookCommand::Announce { from, to, items };
    let envelope = Envelope::of_server(app.now());
    account.write(envelope, Command::Webhook(command)).await?;
    Ok(())
}

/// A delivery of the news for each webhook that wants it.
async fn items_of(
    app: &App,
    account: &Account,
    news: &News,
    webhooks: &[&Webhook],
) -> Result<Vec<NewItem>, StoreError> {
    let base = base(app);
    let told = Told::of(account, news, base.as_deref()).await?;
    let via = came_through(account, news).await?;
    if via.len() >= MOST_HOPS {
        return Ok(Vec::new());
    }
    // What a webhook has caused itself would go round for ever.
    let wants = |webhook: &&&Webhook| {
        !via.contains(&webhook.id) && webhook.interest.has(news.event, told.from())
    };
    let items = webhooks.iter().filter(wants).filter_map(|webhook| {
        let source = base.as_deref().unwrap_or(SOURCE);
        let body = told.body(webhook.format, source)?;
        Some(item(webhook, news, body, &via))
    });
    Ok(items.collect())
}

/// The webhooks that news have come through, if a source has told them.
async fn came_through(account: &Account, news: &News) -> Result<Vec<String>, StoreError> {
    let Some(id) = news
        .request_id
        .as_ref()
        .filter(|_| news.actor.starts_with("source:"))
    else {
        return Ok(Vec::new());
    };
    let item = account.queue_item(id.clone()).await?;
    let item = item.filter(|item| item.kind == Kind::Inbox);
    let via = item.and_then(|item| Some(item.head.get(VIA)?.as_str()?.to_owned()));
    let via = via.unwrap_or_default();
    let ids = via.split(',').map(|id| id.trim().to_owned());
    Ok(ids.filter(|id| !id.is_empty()).collect())
}

fn item(webhook: &Webhook, news: &News, body: Body, via: &[String]) -> NewItem {
    let mut head = Map::new();
    head.insert("event".to_owned(), json!(news.event));
    head.insert("called".to_owned(), json!(body.event));
    if let Some(kind) = news.waits_for {
        head.insert("approval".to_owned(), json!(kind.as_str()));
    }
    if !body.attributes.is_empty() {
        head.insert("attributes".to_owned(), Value::Object(body.attributes));
    }
    if !via.is_empty() {
        head.insert("via".to_owned(), json!(via.join(", ")));
    }
    NewItem {
        kind: Kind::Webhook,
        topic: webhook.id.clone(),
        key: news.key.clone(),
        not_before: 0,
        head,
        body: body.bytes,
    }
}

/// Where people find the pages.
fn base(app: &App) -> Option<String> {
    let url = app.reach.public_url.as_ref()?;
    Some(url.to_string().trim_end_matches('/').to_owned())
}

/// What the test button sends; the same `name` is the same test.
pub fn test_item(app: &App, webhook: &Webhook, actor: &str, name: &str) -> Option<NewItem> {
    let news = News {
        event: TEST,
        key: format!("test-{name}"),
        number: 0,
        at: app.now(),
        occurred_at: None,
        actor: actor.to_owned(),
        request_id: None,
        waits_for: None,
        about: About::Other(Value::Null),
    };
    let source = base(app);
    let body = Told::test(&news).body(webhook.format, source.as_deref().unwrap_or(SOURCE))?;
    Some(item(webhook, &news, body, &[]))
}
