//! Deployment buttons: admins say where what deploys is, and everybody finds it beside a version.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::error::PageError;
use super::filters;
use super::form::{Form, Problems};
use super::format::{self, Html, name};
use super::frame::{Frame, Here, show, show_as};
use super::once::Once;
use super::query::Query;
use super::viewer::{Admin, Viewer};
use crate::api::App;
use crate::api::buttons::{Button, filled_in, of_version};
use crate::api::error::refusal_status;
use crate::domain::answer::Refusal;
use crate::domain::buttons::{Buttons, Changes, SYSTEM};
use crate::store::flow::{ButtonsChange, Command};
use crate::store::views::{Filter, Product, Version};
use crate::store::{Account, OF_ACCOUNT};

/// A button as a page shows it.
pub struct Shown {
    /// The environment.
    pub environment: Html,
    /// Where it leads to.
    pub href: String,
    /// Why it leads nowhere.
    pub error: String,
}

fn shown(buttons: &[Button]) -> Vec<Shown> {
    let shown = buttons.iter().map(|button| Shown {
        environment: name(&button.environment),
        href: button.address.clone().unwrap_or_default(),
        error: match &button.address {
            Ok(_) => String::new(),
            Err(why) => why.to_string(),
        },
    });
    shown.collect()
}

/// The buttons beside a version; for an environment alone, if it is named.
///
/// # Errors
/// If the database fails.
pub async fn beside(
    account: &Account,
    version: &Version,
    environment: &str,
) -> Result<Vec<Shown>, PageError> {
    let mut buttons = of_version(account, version).await?;
    buttons.retain(|button| environment.is_empty() || button.environment == environment);
    Ok(shown(&buttons))
}

/// A product that has buttons.
struct Row {
    name: Html,
    href: String,
    count: String,
}

/// A field for the address of an environment.
struct Field {
    /// The name of the field, from the identifier of the environment.
    id: String,
    environment: Html,
    environment_name: String,
    address: String,
}

#[derive(Template)]
#[template(path = "buttons.html")]
struct Page {
    frame: Frame,
    /// The product; none for the variables of the account.
    product: Option<Product>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    variables: String,
    tag: String,
    /// What the addresses become for the newest version.
    preview: Vec<Shown>,
    previewed: Option<Html>,
    said: &'static str,
    problems: Problems,
}

impl Page {
    fn system(&self) -> String {
        SYSTEM.map(|name| format!("{{{name}}}")).join(" ")
    }
}

/// The name of the field of an environment.
fn field_of(environment_id: &str) -> String {
    format!("address-{environment_id}")
}

/// Variables as lines.
fn lines(buttons: &Buttons) -> String {
    let lines = buttons.variables.iter();
    let lines: Vec<String> = lines
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.join("\n")
}

async fn page_of(viewer: &Viewer, product: Option<Product>) -> Result<Page, PageError> {
    let account = &viewer.account;
    let id = product.as_ref().map_or(OF_ACCOUNT, |product| &product.id);
    let buttons = account.buttons(id.to_owned()).await?;
    let mut fields = Vec::new();
    let mut rows = Vec::new();
    match &product {
        Some(_) => {
            for (id, called) in account.environment_names().await? {
                fields.push(Field {
                    address: buttons.addresses.get(&id).cloned().unwrap_or_default(),
                    id: field_of(&id),
                    environment: name(&called),
                    environment_name: called,
                });
            }
        }
        None => {
            let all = account.all_buttons().await?;
            rows.extend(all.products.iter().map(|of| Row {
                name: name(&of.product),
                href: address(&of.product),
                count: format::counted(of.buttons.addresses.len(), "button", "buttons"),
            }));
        }
    }
    Ok(Page {
        frame: viewer.frame(Here::Me),
        product,
        rows,
        fields,
        variables: lines(&buttons),
        tag: buttons.tag(),
        preview: Vec::new(),
        previewed: None,
        said: "",
        problems: Problems::default(),
    })
}

fn address(product: &str) -> String {
    format::address("/manage/buttons", &[("product", product)])
}

/// The product that is named, if one is.
async fn product_of(account: &Account, named: &str) -> Result<Option<Product>, PageError> {
    if named.is_empty() {
        return Ok(None);
    }
    let found = match account.product(named.to_owned()).await? {
        Some(found) => account.one::<Product>(found.id).await?,
        None => None,
    };
    found.map(Some).ok_or(PageError::NotFound("product"))
}

/// Shows what is kept of a product, or of the account.
///
/// # Errors
/// If the database fails.
pub async fn page(viewer: Admin, query: Query) -> Result<Response, PageError> {
    let named = query.get("product").unwrap_or_default();
    let product = product_of(&viewer.account, named).await?;
    let mut page = page_of(&viewer, product).await?;
    if query.get("said") == Some("saved") {
        page.said = "Saved.";
    }
    Ok(show(&page))
}

/// What the form says, for the parts that it has.
fn typed(form: &Form, page: &Page, before: &Buttons) -> Result<Value, Refusal> {
    let mut variables = Map::new();
    for line in form.text("variables").lines().map(str::trim) {
        let Some((name, value)) = line.split_once('=') else {
            if line.is_empty() {
                continue;
            }
            let msg = format!("{line:?} is no variable; write it as name=value");
            return Err(Refusal::field("variables", "value_error", msg));
        };
        variables.insert(name.trim().to_owned(), json!(value.trim()));
    }
    let gone = before.variables.keys();
    let gone: Vec<&String> = gone.filter(|name| !variables.contains_key(*name)).collect();
    for name in gone {
        variables.insert(name.clone(), Value::Null);
    }
    let mut body = json!({ "variables": variables });
    if page.product.is_some() {
        let environments = page.fields.iter().map(|field| {
            let address = Some(form.text(&field.id)).filter(|address| !address.is_empty());
            (field.environment_name.clone(), json!(address))
        });
        body["environments"] = Value::Object(environments.collect());
    }
    Ok(body)
}

/// Keeps what the form says, or shows what it would become.
///
/// # Errors
/// If the database fails.
pub async fn save(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let product = product_of(account, form.text("product")).await?;
    let id = product.as_ref().map(|product| product.id.clone());
    let before = account
        .buttons(id.clone().unwrap_or_else(|| OF_ACCOUNT.to_owned()))
        .await?;
    let mut page = page_of(&viewer, product).await?;
    let body = typed(&form, &page, &before);
    let is_product = page.product.is_some();
    let read = body.and_then(|body| Changes::read(body, is_product));
    let done = match read {
        Ok(changes) if form.text("do") == "preview" => {
            page = kept(page, &form);
            return preview(account, page, &changes).await;
        }
        Ok(changes) => {
            let command = Command::Buttons(ButtonsChange {
                product: id,
                changes,
                expected: Some(form.text("tag").to_owned()),
            });
            let once = Once::of(&form);
            viewer.write_once(&app, once.as_ref(), command).await
        }
        Err(refusal) => Err(PageError::Refused(refusal)),
    };
    let error = match done {
        Ok(_) => {
            let product = page
                .product
                .as_ref()
                .map_or("", |product| product.name.as_str());
            let parameters = [("product", product), ("said", "saved")];
            let to = format::address("/manage/buttons", &parameters);
            return Ok(Redirect::to(&to).into_response());
        }
        Err(error) => error,
    };
    let now = page.tag.clone();
    page = kept(page, &form);
    let (status, error) = match error {
        PageError::Refused(refusal @ Refusal::Changed) => {
            page.tag = now;
            let msg = "Somebody else has changed this since you opened it. Yours is kept below: save again \
                to replace theirs.";
            let told = PageError::Refused(Refusal::Conflict(msg.to_owned()));
            (refusal_status(&refusal), told)
        }
        error => (StatusCode::UNPROCESSABLE_ENTITY, error),
    };
    page.problems = Problems::of_error(error)?;
    Ok(show_as(status, &page))
}

/// The page with what was typed.
fn kept(page: Page, form: &Form) -> Page {
    let fields = page.fields.into_iter().map(|field| Field {
        address: form.text(&field.id).to_owned(),
        ..field
    });
    Page {
        fields: fields.collect(),
        variables: form.text("variables").to_owned(),
        tag: form.text("tag").to_owned(),
        ..page
    }
}

/// What the addresses would become for the newest version of the product.
async fn preview(
    account: &Account,
    mut page: Page,
    changes: &Changes,
) -> Result<Response, PageError> {
    let Some(product) = &page.product else {
        return Ok(show(&page));
    };
    let filter = Filter {
        product: Some(product.name.clone()),
        limit: 1,
        ..Filter::default()
    };
    let newest = account.list::<Version>(filter).await?.items;
    let Some(version) = newest.first() else {
        page.said = "There is no version of it yet that could stand in the addresses.";
        return Ok(show(&page));
    };
    let ids = account.environment_names().await?;
    let mut buttons = Buttons::default();
    for (name, value) in &changes.variables {
        if let Some(value) = value {
            buttons.variables.insert(name.clone(), value.clone());
        }
    }
    for (name, address) in &changes.environments {
        let id = ids.iter().find(|(_, called)| called == name);
        if let (Some((id, _)), Some(address)) = (id, address) {
            buttons.addresses.insert(id.clone(), address.clone());
        }
    }
    page.preview = shown(&filled_in(account, version, &buttons).await?);
    page.previewed = Some(name(&version.version));
    Ok(show(&page))
}
