//! API keys: admins look after all of them, developers after their own.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::error::PageError;
use super::filters;
use super::form::{Form, Problems, integer, words};
use super::frame::{Frame, Here, show, show_as};
use super::id::Id;
use super::login::query;
use super::once::Once;
use super::viewer::Developer;
use crate::api::App;
use crate::auth::keys::{ApiKey, part_of, secret_part};
use crate::domain::keys::{Giver, KeyInfo, NewKey, read_overlap};
use crate::domain::people::Role;
use crate::domain::scope::{Scope, Scopes};
use crate::share;
use crate::store::StoreError;
use crate::store::flow::{Command, KeyCommand, Secret};

/// A key of the list.
struct Row {
    key: KeyInfo,
    used_at: Option<i64>,
    /// Whose it is, as people call them.
    owner: Option<String>,
    valid: bool,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    frame: Frame,
    rows: Vec<Row>,
    is_admin: bool,
    /// A key that was made a moment ago, shown this once.
    made: Option<String>,
    /// Where it stands, if it is one for badges and feeds.
    links: Vec<(&'static str, String)>,
    said: &'static str,
    name: String,
    scopes: Vec<String>,
    products: String,
    environments: String,
    days: String,
    problems: Problems,
    now: i64,
}

impl Keys {
    async fn new(app: &App, viewer: &Developer) -> Result<Keys, PageError> {
        let is_admin = viewer.may(Role::Admin);
        let people = viewer.account.people().await?;
        let name_of = |id: &String| {
            let found = people.iter().find(|known| known.person.id == *id);
            found.map_or(id.clone(), |known| known.name().to_owned())
        };
        let mut rows: Vec<Row> = viewer
            .account
            .key_infos()
            .await?
            .into_iter()
            .filter(|(key, _)| is_admin || is_own(viewer, key))
            .map(|(key, used_at)| Row {
                owner: key.owner.as_ref().map(name_of),
                valid: key.is_valid(app.now()),
                used_at,
                key,
            })
            .collect();
        rows.sort_by_key(|row| !row.valid);
        Ok(Keys {
            frame: viewer.frame(Here::Me),
            rows,
            is_admin,
            made: None,
            links: Vec::new(),
            said: "",
            name: String::new(),
            scopes: ["events", "read"].map(str::to_owned).to_vec(),
            products: String::new(),
            environments: String::new(),
            days: String::new(),
            problems: Problems::default(),
            now: app.now(),
        })
    }

    /// The same, showing a key that was made a moment ago, and where it can be used.
    fn showing(mut self, key: &ApiKey, origin: &str) -> Keys {
        let info = self.rows.iter().find(|row| row.key.id == key.id());
        if let Some(info) = info.map(|row| &row.key)
            && info.scopes == Scopes::shared()
        {
            self.links = share::links(origin, key, &info.products, &info.environments);
        }
        self.made = Some(key.reveal().to_owned());
        self
    }

    /// The scopes that the viewer can give.
    fn choices(&self) -> Vec<&'static str> {
        let all = Scope::ALL.into_iter();
        let given = all.filter(|scope| self.is_admin || EVERYDAY.contains(scope));
        given.map(Scope::as_str).collect()
    }

    fn is_chosen(&self, scope: &str) -> bool {
        self.scopes.iter().any(|chosen| chosen == scope)
    }
}

/// What developers can give.
const EVERYDAY: [Scope; 3] = [Scope::Events, Scope::Read, Scope::Share];

fn is_own(viewer: &Developer, key: &KeyInfo) -> bool {
    key.owner.as_ref() == Some(&viewer.person().id)
}

fn giver(viewer: &Developer) -> Giver {
    match viewer.may(Role::Admin) {
        true => Giver::machine(),
        false => Giver {
            scopes: Scopes::of(&EVERYDAY),
            ..Giver::machine()
        },
    }
}

/// The keys that the viewer looks after.
pub async fn list(
    State(app): State<Arc<App>>,
    viewer: Developer,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = Keys::new(&app, &viewer).await?;
    if query(&parts).text("said") == "revoked" {
        page.said = "The key is revoked.";
    }
    Ok(show(&page))
}

/// The secret part of a key, and what the account is told of it.
fn new_secret(viewer: &Developer, once: Option<&Once>) -> Result<(Secret, String), PageError> {
    let part = match once {
        Some(once) => part_of(&once.bytes("key")),
        None => secret_part().map_err(StoreError::from)?,
    };
    let secret = Secret {
        account: viewer.account_name.clone(),
        part: part.clone(),
    };
    Ok((secret, part))
}

/// Makes a key, and shows it once.
pub async fn add(
    State(app): State<Arc<App>>,
    viewer: Developer,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let mut body = json!({
        "name": form.text("name"),
        "scopes": form.all("scopes").collect::<Vec<_>>(),
        "products": words(form.text("products")),
        "environments": words(form.text("environments")),
    });
    if !form.text("days").is_empty() {
        body["expires_in_days"] = integer(form.text("days"));
    }
    if !viewer.may(Role::Admin) || form.text("mine") == "1" {
        body["owner"] = json!(viewer.person().id);
    }
    let once = Once::of(&form);
    let (secret, part) = new_secret(&viewer, once.as_ref())?;
    let made = match NewKey::read(body, app.now()) {
        Ok(new) => {
            let command = Command::Key(KeyCommand::Add(new, secret), giver(&viewer));
            viewer.write_once(&app, once.as_ref(), command).await
        }
        Err(refusal) => Err(PageError::Refused(refusal)),
    };
    match made {
        Ok(answer) => {
            let shown: Value = serde_json::from_str(&answer.body).unwrap_or_default();
            let id = shown["id"].as_str().unwrap_or_default();
            let key = ApiKey::of(&viewer.account_name, id, &part);
            let page = Keys::new(&app, &viewer).await?;
            let page = page.showing(&key, &app.origin(&headers));
            Ok(show_as(StatusCode::CREATED, &page))
        }
        Err(error) => {
            let problems = Problems::of_error(error)?;
            let page = Keys {
                problems,
                name: form.text("name").to_owned(),
                scopes: form.all("scopes").map(str::to_owned).collect(),
                products: form.text("products").to_owned(),
                environments: form.text("environments").to_owned(),
                days: form.text("days").to_owned(),
                ..Keys::new(&app, &viewer).await?
            };
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Makes sure that the viewer looks after a key.
async fn require_theirs(viewer: &Developer, id: &str) -> Result<(), PageError> {
    let found = viewer.account.key(id.to_owned()).await?;
    let is_theirs = |key: &KeyInfo| viewer.may(Role::Admin) || is_own(viewer, key);
    match found.is_some_and(|(key, _)| is_theirs(&key)) {
        true => Ok(()),
        false => Err(PageError::NotFound("key")),
    }
}

/// Gives a key a new secret, and shows it once. The old one goes on for a week, so that whoever uses it
/// can be told.
pub async fn rotate(
    State(app): State<Arc<App>>,
    viewer: Developer,
    headers: HeaderMap,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    require_theirs(&viewer, &id).await?;
    let once = Once::of(&form);
    let (secret, part) = new_secret(&viewer, once.as_ref())?;
    let overlap = read_overlap(json!({})).map_err(PageError::Refused)?;
    let command = KeyCommand::Rotate(id.clone(), secret, overlap);
    let command = Command::Key(command, giver(&viewer));
    viewer.write_once(&app, once.as_ref(), command).await?;
    app.directory.forget_key(&viewer.account_name, &id);
    let key = ApiKey::of(&viewer.account_name, &id, &part);
    let page = Keys {
        said: "The secret of before is valid for another week.",
        ..Keys::new(&app, &viewer).await?
    };
    Ok(show(&page.showing(&key, &app.origin(&headers))))
}

/// Revokes a key. One that is revoked already is so.
pub async fn revoke(
    State(app): State<Arc<App>>,
    viewer: Developer,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    require_theirs(&viewer, &id).await?;
    let command = Command::Key(KeyCommand::Revoke(id.clone()), giver(&viewer));
    let once = Once::of(&form);
    let was_there = async || Ok(true);
    viewer
        .end_once(&app, once.as_ref(), command, was_there)
        .await?;
    app.directory.forget_key(&viewer.account_name, &id);
    Ok(Redirect::to("/manage/keys?said=revoked").into_response())
}
