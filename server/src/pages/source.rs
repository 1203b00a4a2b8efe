//! One source, for admins: what it has sent, how its sender is set up, and what is to be changed of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::delivered::Row;
use super::error::PageError;
use super::filters;
use super::form::{Form, Problems, integer};
use super::frame::{Frame, Here, show, show_as};
use super::id::Id;
use super::login::query;
use super::once::Once;
use super::source_form::Fields;
use super::tried::{Tried, tried};
use super::viewer::Admin;
use crate::api::App;
use crate::api::error::{ApiError, refusal_status};
use crate::api::sources::{check_key, find, new_secret, seal, seal_key, secret_of};
use crate::domain::answer::Refusal;
use crate::domain::queue::{Kind as Queued, State as Became, Which};
use crate::domain::senders::{Found, HIDDEN, Sender, Step};
use crate::domain::source::{Kind, Rotation, Settings, Source};
use crate::store::StoreError;
use crate::store::flow::{Command, QueueCommand, SourceCommand};

/// How many deliveries a page shows.
const SHOWN: usize = 25;

/// The page of a source.
#[derive(Template)]
#[template(path = "source.html")]
pub struct Page {
    frame: Frame,
    source: Source,
    sender: &'static Sender,
    deliveries: Vec<Row>,
    /// The address of what was sent before these.
    older: Option<String>,
    steps: Vec<Step<String>>,
    /// Whether the steps have a secret in them, which is shown this once.
    has_secret: bool,
    fields: Fields,
    is_new: bool,
    /// What the form was made of, as far as it tells changes apart.
    tag: String,
    tried: Option<Tried>,
    /// Whether the form is open.
    is_changing: bool,
    said: String,
    problems: Problems,
    rotating: Problems,
    hours: String,
    now: i64,
}

impl Page {
    /// The page of this source.
    pub async fn new(
        app: &App,
        viewer: &Admin,
        parts: &Parts,
        id: String,
    ) -> Result<Page, PageError> {
        let source = find(&viewer.account, id).await?;
        let before = query(parts).text("before").to_owned();
        let before = (!before.is_empty()).then_some(before);
        let most = SHOWN + 1;
        let mut deliveries = Row::read(&viewer.account, &source.id, before, most).await?;
        let older = match deliveries.len() > SHOWN {
            true => deliveries.get(SHOWN - 1).map(|row| row.item.id.clone()),
            false => None,
        };
        deliveries.truncate(SHOWN);
        let url = address(app, parts, &source.id);
        let found = Found {
            url: &url,
            secret: HIDDEN.secret,
        };
        Ok(Page {
            frame: viewer.frame(Here::Me),
            sender: Sender::of(source.kind, &source.settings),
            deliveries,
            older: older.map(|last| format!("/manage/sources/{}?before={last}", source.id)),
            steps: Sender::steps_for(source.kind, &source.settings, found),
            has_secret: false,
            fields: Fields::of(&source),
            is_new: false,
            tag: source.tag(),
            tried: None,
            is_changing: false,
            said: String::new(),
            problems: Problems::default(),
            rotating: Problems::default(),
            hours: "168".to_owned(),
            now: app.now(),
            source,
        })
    }

    /// The page with what is shown once.
    pub fn made(self, steps: Vec<Step<String>>) -> Page {
        Page {
            steps,
            has_secret: true,
            ..self
        }
    }

    /// Whether a secret of before is valid still.
    fn overlap(&self) -> Option<i64> {
        self.source
            .old_secret_until
            .filter(|until| self.now < *until)
    }

    fn has_dead(&self) -> bool {
        let mut states = self.deliveries.iter().map(|row| row.item.state);
        states.any(|state| state == Became::Dead)
    }
}

/// Where the sender finds a source.
pub fn address(app: &App, parts: &Parts, id: &str) -> String {
    format!("{}/hooks/{id}", app.origin(&parts.headers))
}

/// A new secret, the same for the same form.
pub fn secret(kind: Kind, once: Option<&Once>) -> Result<String, PageError> {
    Ok(match once {
        Some(once) => secret_of(kind, &once.bytes("source secret")),
        None => new_secret(kind).map_err(StoreError::from)?,
    })
}

fn back(id: &str, said: &str) -> Response {
    Redirect::to(&format!("/manage/sources/{id}?said={said}")).into_response()
}

/// One source with its last deliveries.
pub async fn one(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = Page::new(&app, &viewer, &parts, id).await?;
    page.said = match query(&parts).text("said") {
        "on" => "What it sends is taken again.".to_owned(),
        "off" => "Nothing is taken from it any more; its sender is answered 404.".to_owned(),
        "rekeyed" => "The app signs with the new key from now on.".to_owned(),
        "changed" => "Changed. What comes from now on is read so.".to_owned(),
        "replayed" => "What could not be read is read again, as things are now.".to_owned(),
        "dropped" => "It is given up.".to_owned(),
        _ => String::new(),
    };
    Ok(show(&page))
}

async fn write(
    app: &App,
    viewer: &Admin,
    id: &str,
    form: &Form,
    command: SourceCommand,
) -> Result<(), PageError> {
    let once = Once::of(form);
    viewer
        .write_once(app, once.as_ref(), Command::Source(command))
        .await?;
    app.sources.forget(id);
    Ok(())
}

/// Changes what stands in the form; or tries what something would become by it.
pub async fn change(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    let mut page = Page::new(&app, &viewer, &parts, id.clone()).await?;
    let fields = Fields::typed(&form);
    page.is_changing = true;
    let error = match read(&page.source, &fields, &form) {
        Ok(Asked::Try(tried)) => {
            page.tried = Some(tried);
            page.tag = form.text("tag").to_owned();
            page.fields = fields;
            return Ok(show(&page));
        }
        Ok(Asked::Change(changes)) => {
            let tag = Some(form.text("tag").to_owned());
            let command = SourceCommand::Change(id.clone(), changes, tag);
            match write(&app, &viewer, &id, &form, command).await {
                Ok(()) => return Ok(back(&id, "changed")),
                Err(error) => error,
            }
        }
        Err(refusal) => PageError::Refused(refusal),
    };
    let (status, error) = match error {
        PageError::Refused(Refusal::Changed) => {
            let msg = format!(
                "Somebody else has changed this source since you opened the page. {} Yours is kept \
                 below: save again to replace theirs.",
                page.fields.meanwhile(&fields)
            );
            let refusal = PageError::Refused(Refusal::Conflict(msg));
            (refusal_status(&Refusal::Changed), refusal)
        }
        // The tag is that of the form still: what is wrong with it says nothing of what others do.
        error => {
            page.tag = form.text("tag").to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, error)
        }
    };
    page.problems = Problems::of_error(error)?;
    page.fields = fields;
    Ok(show_as(status, &page))
}

/// What the form asks for.
enum Asked {
    Change(Map<String, Value>),
    Try(Tried),
}

fn read(source: &Source, fields: &Fields, form: &Form) -> Result<Asked, Refusal> {
    let (_, settings) = fields.read().map_err(Refusal::Invalid)?;
    if form.text("do") == "try" {
        let headers = fields.sample_headers();
        let headers = headers.map_err(|error| Refusal::Invalid(vec![error]))?;
        let settings = Settings::read(Value::Object(settings))?;
        let body = fields.body.as_bytes();
        return Ok(Asked::Try(tried(source.kind, &settings, &headers, body)));
    }
    let changes = json!({ "name": fields.name, "settings": settings });
    let changes = changes.as_object().cloned().unwrap_or_default();
    if fields.name.is_empty() {
        let msg = "Say what people call it";
        return Err(Refusal::field("name", "missing", msg));
    }
    source.changed(changes.clone())?;
    Ok(Asked::Change(changes))
}

/// Switches a source on or off.
pub async fn switch(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let source = find(&viewer.account, id).await?;
    let on = form.text("to") == "on";
    let changes = Map::from_iter([("enabled".to_owned(), json!(on))]);
    let command = SourceCommand::Change(source.id.clone(), changes, None);
    write(&app, &viewer, &source.id, &form, command).await?;
    Ok(back(&source.id, if on { "on" } else { "off" }))
}

/// Gives a source another secret, and shows it once. The one before goes on for a time.
pub async fn rotate(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    let source = find(&viewer.account, id).await?;
    let mut body = json!({ "overlap_hours": integer(form.text("overlap_hours")) });
    if form.text("overlap_hours").is_empty() {
        body = json!({});
    }
    if !form.text("secret").is_empty() {
        body["secret"] = json!(form.text("secret"));
    }
    if !form.text("private_key").is_empty() {
        body["private_key"] = json!(form.text("private_key"));
    }
    let read = Rotation::read(body).and_then(|rotation| {
        check_key(rotation.private_key.as_deref())?;
        Ok(rotation)
    });
    let rotation = match read {
        Ok(rotation) => rotation,
        Err(refusal) => {
            let mut page = Page::new(&app, &viewer, &parts, source.id).await?;
            page.rotating = Problems::of_error(PageError::Refused(refusal))?;
            page.hours = form.text("overlap_hours").to_owned();
            return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let keeper = app.secrets().map_err(ApiError::from)?;
    let key = seal_key(keeper, &source.id, rotation.private_key.as_deref());
    if let Some(sealed) = key.map_err(ApiError::from)? {
        let command = SourceCommand::Rekey(source.id.clone(), sealed);
        write(&app, &viewer, &source.id, &form, command).await?;
        return Ok(back(&source.id, "rekeyed"));
    }
    let once = Once::of(&form);
    let new = match rotation.secret {
        Some(given) => given,
        None => secret(source.kind, once.as_ref())?,
    };
    let sealed = seal(keeper, &source.id, &new).map_err(ApiError::from)?;
    let command = SourceCommand::Rotate(source.id.clone(), sealed, rotation.overlap);
    write(&app, &viewer, &source.id, &form, command).await?;
    let url = address(&app, &parts, &source.id);
    let found = Found {
        url: &url,
        secret: &new,
    };
    let page = Page::new(&app, &viewer, &parts, source.id.clone()).await?;
    let steps = Sender::steps_for(source.kind, &source.settings, found);
    Ok(show(&page.made(steps)))
}

/// Which deliveries a form is for: one of the source, or those that could not be read.
async fn which(viewer: &Admin, id: String, form: &Form) -> Result<Which, PageError> {
    let source = find(&viewer.account, id).await?;
    let of_source = Which {
        kind: Some(Queued::Inbox),
        topic: Some(source.id),
        ..Which::default()
    };
    Ok(match form.text("delivery") {
        "" => Which {
            state: Some(Became::Dead),
            ..of_source
        },
        delivery => Which {
            id: Some(delivery.to_owned()),
            ..of_source
        },
    })
}

/// Reads again what could not be read, or one delivery.
pub async fn replay(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let command = QueueCommand::Replay(which(&viewer, id.clone(), &form).await?);
    let once = Once::of(&form);
    viewer
        .write_once(&app, once.as_ref(), Command::Queue(command))
        .await?;
    Ok(back(&id, "replayed"))
}

/// Gives up on what could not be read, or on one delivery.
pub async fn give_up(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let command = QueueCommand::Drop(which(&viewer, id.clone(), &form).await?);
    let once = Once::of(&form);
    viewer
        .write_once(&app, once.as_ref(), Command::Queue(command))
        .await?;
    Ok(back(&id, "dropped"))
}

/// Removes a source.
pub async fn remove(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    write(&app, &viewer, &id, &form, SourceCommand::Remove(id.clone())).await?;
    Ok(Redirect::to("/manage/sources?said=removed").into_response())
}
