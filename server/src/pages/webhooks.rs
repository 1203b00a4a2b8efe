//! Webhooks: admins say who is told what happens, and see what came of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::error::PageError;
use super::filters;
use super::form::{Form, Problems, words};
use super::frame::{Frame, Here, show, show_as};
use super::id::Id;
use super::login::query;
use super::once::Once;
use super::query::storable;
use super::viewer::Admin;
use crate::announce::make::{self, MakeError, Ready};
use crate::announce::{sign, test_item};
use crate::api::App;
use crate::api::error::ApiError;
use crate::api::webhooks::{find, find_delivery, of};
use crate::domain::keys::read_overlap;
use crate::domain::news::{EVENTS, TEST};
use crate::domain::queue::{Item, State as Queued, Which};
use crate::domain::webhook::{Attempt, Format};
use crate::store::flow::{Command, QueueCommand, WebhookCommand};
use crate::store::{Kept, StoreError, new_id};

/// How many deliveries a page shows.
const SHOWN: i64 = 50;

impl From<MakeError> for PageError {
    fn from(error: MakeError) -> PageError {
        match error {
            MakeError::Refused(refusal) => PageError::Refused(refusal),
            MakeError::Secrets(error) => ApiError::from(error).into(),
        }
    }
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Webhooks {
    frame: Frame,
    rows: Vec<Kept>,
    said: &'static str,
    url: String,
    name: String,
    format: String,
    families: Vec<String>,
    products: String,
    environments: String,
    problems: Problems,
    now: i64,
}

impl Webhooks {
    async fn new(app: &App, viewer: &Admin) -> Result<Webhooks, PageError> {
        let mut rows = viewer.account.webhooks().await?;
        rows.retain(|kept| kept.webhook.removed_at.is_none());
        Ok(Webhooks {
            frame: viewer.frame(Here::Me),
            rows,
            said: "",
            url: String::new(),
            name: String::new(),
            format: "standard".to_owned(),
            families: Vec::new(),
            products: String::new(),
            environments: String::new(),
            problems: Problems::default(),
            now: app.now(),
        })
    }

    /// The families of what can be told.
    fn choices(&self) -> Vec<&'static str> {
        let known = EVENTS.into_iter().filter(|event| *event != TEST);
        let mut families: Vec<&str> = known
            .map(|event| event.split('.').next().unwrap_or(event))
            .collect();
        families.dedup();
        families
    }

    fn formats(&self) -> [&'static str; 3] {
        Format::WORDS.map(|(word, _)| word)
    }

    fn is_chosen(&self, family: &str) -> bool {
        self.families.iter().any(|chosen| chosen == family)
    }
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct Webhook {
    frame: Frame,
    kept: Kept,
    deliveries: Vec<Item>,
    /// A secret that was made a moment ago, shown this once.
    made: Option<String>,
    said: String,
    problems: Problems,
    now: i64,
}

impl Webhook {
    async fn new(app: &App, viewer: &Admin, id: String) -> Result<Webhook, PageError> {
        let kept = find(&viewer.account, id).await?;
        let which = of(&kept.webhook.id);
        let deliveries = viewer.account.queue_items(which, None, SHOWN).await?;
        Ok(Webhook {
            frame: viewer.frame(Here::Me),
            kept,
            deliveries,
            made: None,
            said: String::new(),
            problems: Problems::default(),
            now: app.now(),
        })
    }

    fn event<'a>(&self, item: &'a Item) -> &'a str {
        event(item)
    }
}

fn event(item: &Item) -> &str {
    let event = item.head.get("event").and_then(Value::as_str);
    event.unwrap_or_default()
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct Delivery {
    frame: Frame,
    kept: Kept,
    item: Item,
    attempts: Vec<Attempt>,
    body: String,
    now: i64,
}

impl Delivery {
    fn event(&self) -> &str {
        event(&self.item)
    }
}

/// Every webhook, and a form for another.
pub async fn list(
    State(app): State<Arc<App>>,
    viewer: Admin,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = Webhooks::new(&app, &viewer).await?;
    if query(&parts).text("said") == "removed" {
        page.said = "The webhook is removed.";
    }
    Ok(show(&page))
}

/// Makes a webhook, and shows its secret once.
pub async fn add(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let families: Vec<&str> = form.all("events").collect();
    let mut body = json!({
        "url": form.text("url"),
        "format": form.text("format"),
        "events": families,
        "products": words(form.text("products")),
        "environments": words(form.text("environments")),
    });
    if !form.text("name").is_empty() {
        body["name"] = json!(form.text("name"));
    }
    let once = Once::of(&form);
    if let Some(once) = &once {
        body["secret"] = json!(secret(once));
    }
    let made = match app.secrets() {
        Ok(keeper) => make::add(keeper, body, |url| app.check_webhook(url)),
        Err(error) => Err(error.into()),
    };
    let made = match made {
        Ok(ready) => write(&app, &viewer, once.as_ref(), ready).await,
        Err(error) => Err(error.into()),
    };
    match made {
        Ok((id, secret)) => {
            let page = Webhook {
                made: secret,
                ..Webhook::new(&app, &viewer, id).await?
            };
            Ok(show_as(StatusCode::CREATED, &page))
        }
        Err(error) => {
            let page = Webhooks {
                problems: Problems::of_error(error)?,
                url: form.text("url").to_owned(),
                name: form.text("name").to_owned(),
                format: form.text("format").to_owned(),
                families: families.into_iter().map(str::to_owned).collect(),
                products: form.text("products").to_owned(),
                environments: form.text("environments").to_owned(),
                ..Webhooks::new(&app, &viewer).await?
            };
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// The secret that the same form makes each time.
fn secret(once: &Once) -> String {
    sign::secret_of(&once.bytes("webhook secret"))
}

/// Writes it; the identifier of the webhook, and a new secret.
async fn write(
    app: &App,
    viewer: &Admin,
    once: Option<&Once>,
    ready: Ready,
) -> Result<(String, Option<String>), PageError> {
    let command = Command::Webhook(ready.command);
    let answer = viewer.write_once(app, once, command).await?;
    let written: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    let id = written["id"].as_str().unwrap_or_default().to_owned();
    Ok((id, ready.secret))
}

/// One webhook with its last deliveries.
pub async fn one(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = Webhook::new(&app, &viewer, id).await?;
    page.said = match query(&parts).text("said") {
        "on" => "It is told again what happens.".to_owned(),
        "off" => "It is told nothing any more.".to_owned(),
        "tested" => "A test is on its way; it stands among the deliveries.".to_owned(),
        "resent" => "What could not be delivered goes out again.".to_owned(),
        _ => String::new(),
    };
    Ok(show(&page))
}

fn back(id: &str, said: &str) -> Response {
    Redirect::to(&format!("/manage/webhooks/{id}?said={said}")).into_response()
}

/// Switches a webhook on or off.
pub async fn switch(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let kept = find(&viewer.account, id).await?;
    let on = form.text("to") == "on";
    let changes = Map::from_iter([("enabled".to_owned(), json!(on))]);
    let check = |url: &str| app.check_webhook(url);
    let ready = make::change(|| app.secrets(), &kept, changes, check, app.now())?;
    write(&app, &viewer, Once::of(&form).as_ref(), ready).await?;
    Ok(back(&kept.webhook.id, if on { "on" } else { "off" }))
}

/// Gives a webhook another secret, and shows it once. The one before goes on for a week.
pub async fn rotate(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let kept = find(&viewer.account, id).await?;
    let once = Once::of(&form);
    let overlap = read_overlap(json!({})).map_err(PageError::Refused)?;
    let keeper = app.secrets().map_err(ApiError::from)?;
    let ready = make::rotate(keeper, &kept, overlap, once.as_ref().map(secret))?;
    let (id, made) = write(&app, &viewer, once.as_ref(), ready).await?;
    let page = Webhook {
        made,
        said: "Deliveries are signed with the secret of before, too, for a week.".to_owned(),
        ..Webhook::new(&app, &viewer, id).await?
    };
    Ok(show(&page))
}

/// Sends a test.
pub async fn test(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let kept = find(&viewer.account, id).await?;
    let actor = format!("person:{}", viewer.person().id);
    // The queue takes each name once, and nothing of it stands in the log.
    let name = match Once::of(&form) {
        Some(once) => once.request().key,
        None => new_id(),
    };
    let item = test_item(&app, &kept.webhook, &actor, &name);
    let item = item.ok_or(PageError::NotFound("test"))?;
    let command = Command::Queue(QueueCommand::Add(item));
    viewer.write(&app, command).await?;
    Ok(back(&kept.webhook.id, "tested"))
}

/// Sends again what could not be delivered, or one delivery.
pub async fn resend(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let kept = find(&viewer.account, id.clone()).await?;
    let which = match form.text("delivery") {
        "" => Which {
            state: Some(Queued::Dead),
            ..of(&kept.webhook.id)
        },
        delivery => {
            let (item, _) = find_delivery(&viewer.account, id, delivery.to_owned()).await?;
            Which {
                id: Some(item.id),
                ..Which::default()
            }
        }
    };
    let command = Command::Queue(QueueCommand::Replay(which));
    let once = Once::of(&form);
    viewer.write_once(&app, once.as_ref(), command).await?;
    Ok(back(&kept.webhook.id, "resent"))
}

/// Removes a webhook. One that somebody has removed a moment ago is removed as well.
pub async fn remove(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let command = Command::Webhook(WebhookCommand::Remove(id.clone()));
    let once = Once::of(&form);
    let was_there = async || Ok(viewer.account.webhook(id).await?.is_some());
    viewer
        .end_once(&app, once.as_ref(), command, was_there)
        .await?;
    Ok(Redirect::to("/manage/webhooks?said=removed").into_response())
}

/// One delivery: what is sent, and what came of it.
pub async fn delivery(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let kept = find(&viewer.account, storable(&id)).await?;
    let (item, attempts) = find_delivery(&viewer.account, id, storable(&delivery)).await?;
    let body: Option<Value> = serde_json::from_slice(&item.body).ok();
    let body = body.and_then(|body| serde_json::to_string_pretty(&body).ok());
    Ok(show(&Delivery {
        frame: viewer.frame(Here::Me),
        kept,
        body: body.unwrap_or_default(),
        item,
        attempts,
        now: app.now(),
    }))
}
