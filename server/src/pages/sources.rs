//! Sources, for admins: who tells of builds and deployments, what became of it, and a form for another.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::delivered::Row as Delivered;
use super::error::PageError;
use super::filters;
use super::form::{Form, Problems};
use super::frame::{Frame, Here, show, show_as};
use super::login::query;
use super::once::Once;
use super::source::{Page, address, secret};
use super::source_form::Fields;
use super::tried::{Tried, tried};
use super::viewer::Admin;
use crate::api::App;
use crate::api::error::ApiError;
use crate::api::sources::{check_key, new_id, seal, seal_key};
use crate::domain::answer::Refusal;
use crate::domain::queue::{Kind as Queued, State as Became};
use crate::domain::senders::{Found, Sender};
use crate::domain::source::{NewSource, Settings, Source};
use crate::store::StoreError;
use crate::store::flow::{Command, SourceCommand};

/// A source of the list.
struct Row {
    source: Source,
    sender: &'static Sender,
    last: Option<Delivered>,
    waiting: i64,
    dead: i64,
}

#[derive(Template)]
#[template(path = "sources.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    said: &'static str,
    fields: Fields,
    is_new: bool,
    tried: Option<Tried>,
    problems: Problems,
    account: String,
    now: i64,
}

impl List {
    async fn new(app: &App, viewer: &Admin) -> Result<List, PageError> {
        let counts = viewer.account.queue_counts(Queued::Inbox).await?;
        let counts: HashMap<(String, &str), i64> = counts
            .into_iter()
            .map(|(topic, state, count)| ((topic, state.as_str()), count))
            .collect();
        let mut rows = Vec::new();
        for source in viewer.account.sources().await? {
            let last = Delivered::read(&viewer.account, &source.id, None, 1).await?;
            let count = |state: Became| {
                let found = counts.get(&(source.id.clone(), state.as_str()));
                found.copied().unwrap_or_default()
            };
            rows.push(Row {
                sender: Sender::of(source.kind, &source.settings),
                last: last.into_iter().next(),
                waiting: count(Became::Waiting),
                dead: count(Became::Dead),
                source,
            });
        }
        Ok(List {
            frame: viewer.frame(Here::Me),
            rows,
            said: "",
            fields: Fields {
                sender: "github".to_owned(),
                ..Fields::default()
            },
            is_new: true,
            tried: None,
            problems: Problems::default(),
            account: viewer.account_name.clone(),
            now: app.now(),
        })
    }
}

/// Every source, and a form for another.
pub async fn list(
    State(app): State<Arc<App>>,
    viewer: Admin,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = List::new(&app, &viewer).await?;
    if query(&parts).text("said") == "removed" {
        page.said = "The source is removed. What it told stays.";
    }
    Ok(show(&page))
}

/// What the form asks for.
enum Asked {
    /// A new source.
    New(Box<NewSource>),
    /// What something would become.
    Try(Tried),
}

/// Makes a source and shows once what its sender needs; or tries what something would become.
pub async fn add(
    State(app): State<Arc<App>>,
    viewer: Admin,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    let fields = Fields::typed(&form);
    let once = Once::of(&form);
    let asked = asked(&fields, &form);
    let error = match asked {
        Ok(Asked::Try(tried)) => {
            let page = List {
                fields,
                tried: Some(tried),
                ..List::new(&app, &viewer).await?
            };
            return Ok(show(&page));
        }
        Ok(Asked::New(new)) => match write(&app, &viewer, once.as_ref(), *new).await {
            Ok((source, secret)) => {
                let url = address(&app, &parts, &source.id);
                let found = Found {
                    url: &url,
                    secret: &secret,
                };
                let page = Page::new(&app, &viewer, &parts, source.id.clone()).await?;
                let steps = Sender::steps_for(source.kind, &source.settings, found);
                return Ok(show_as(StatusCode::CREATED, &page.made(steps)));
            }
            Err(error) => error,
        },
        Err(refusal) => PageError::Refused(refusal),
    };
    let page = List {
        problems: Problems::of_error(error)?,
        fields,
        ..List::new(&app, &viewer).await?
    };
    Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

fn asked(fields: &Fields, form: &Form) -> Result<Asked, Refusal> {
    let named = match fields.name.is_empty() && form.text("do") != "try" {
        true => match NewSource::read(json!({ "kind": "json" })) {
            Err(Refusal::Invalid(errors)) => errors,
            _ => Vec::new(),
        },
        false => Vec::new(),
    };
    let (sender, settings) = match fields.read() {
        Ok(read) if named.is_empty() => read,
        Ok(_) => return Err(Refusal::Invalid(named)),
        Err(errors) => return Err(Refusal::Invalid([named, errors].concat())),
    };
    if form.text("do") == "try" {
        let headers = fields.sample_headers();
        let headers = headers.map_err(|error| Refusal::Invalid(vec![error]))?;
        let settings = Settings::read(Value::Object(settings))?;
        let body = fields.body.as_bytes();
        return Ok(Asked::Try(tried(sender.kind, &settings, &headers, body)));
    }
    let mut body = json!({
        "name": fields.name, "kind": sender.kind.as_str(), "settings": settings,
    });
    if !form.text("secret").is_empty() {
        body["secret"] = json!(form.text("secret"));
    }
    if !form.text("private_key").is_empty() {
        body["private_key"] = json!(form.text("private_key"));
    }
    let new = NewSource::read(body)?;
    check_key(new.private_key.as_deref())?;
    Ok(Asked::New(Box::new(new)))
}

/// Writes it; the source, and its secret.
async fn write(
    app: &App,
    viewer: &Admin,
    once: Option<&Once>,
    new: NewSource,
) -> Result<(Source, String), PageError> {
    let secret = match &new.secret {
        Some(given) => given.clone(),
        None => secret(new.kind, once)?,
    };
    let id = new_id(&viewer.account_name).map_err(StoreError::from)?;
    let keeper = app.secrets().map_err(ApiError::from)?;
    let sealed = seal(keeper, &id, &secret).map_err(ApiError::from)?;
    let private_key = seal_key(keeper, &id, new.private_key.as_deref());
    let private_key = private_key.map_err(ApiError::from)?;
    let command = SourceCommand::Add(id, Box::new(new), sealed, private_key);
    let answer = viewer
        .write_once(app, once, Command::Source(command))
        .await?;
    let written: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
    let id = written["id"].as_str().unwrap_or_default().to_owned();
    let source = viewer.account.source(id).await?;
    Ok((source.ok_or(PageError::NotFound("source"))?, secret))
}
