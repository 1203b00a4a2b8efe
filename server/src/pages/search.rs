//! Where is my commit, or my version?

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::deployment::running;
use super::error::PageError;
use super::filters;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, show};
use super::query::Query;
use super::repository::is_sha;
use super::viewer::Viewer;
use crate::api::App;
use crate::domain::names::composed;
use crate::store::SHORT_SHA;
use crate::store::views::{BoardFilter, Filter, Version};

/// The most hits of a kind.
const MOST: usize = 50;

/// A version that was found.
struct Hit {
    name: Html,
    href: String,
    runs: Vec<Html>,
}

/// A product that was found.
struct Found {
    name: Html,
    href: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Page {
    frame: Frame,
    asked: Html,
    text: String,
    hits: Vec<Hit>,
    products: Vec<Found>,
}

fn version_address(id: &str) -> String {
    format::address("/manage/versions", &[("view", id)])
}

/// The hits; a single one is shown at once.
///
/// # Errors
/// If the database fails.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let now = app.now();
    let text = query.owned("q").unwrap_or_default();
    let mut hits: Vec<Hit> = Vec::new();
    let mut products: Vec<Found> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    if text.chars().count() >= SHORT_SHA && is_sha(&text) {
        for version in account.commit(text.clone()).await?.versions {
            let runs = version.environments.iter().map(|place| {
                let since = place.deployed_at.as_deref().map_or(String::new(), |at| {
                    format!(" for {}", format::age(micros(at), now))
                });
                Html::of(format!("{}{since}", name(&place.environment_name)))
            });
            seen.push(version.version_id.clone());
            hits.push(Hit {
                name: Html::of(format!(
                    "{} {}",
                    name(&version.product_name),
                    name(&version.version)
                )),
                href: version_address(&version.version_id),
                runs: runs.collect(),
            });
        }
    }
    if !text.is_empty() {
        let filter = Filter {
            version: Some(composed(&text)),
            limit: 50,
            ..Filter::default()
        };
        for version in account.list::<Version>(filter).await?.items {
            if seen.contains(&version.id) {
                continue;
            }
            let matrix = running(account, &version.product_name, now).await?;
            let cells = matrix.map_or(Vec::new(), |product| product.environments);
            let runs = cells.iter().filter_map(|cell| {
                let current = cell.current.as_ref()?;
                let at = current
                    .deployed_at
                    .as_deref()
                    .unwrap_or(&current.updated_at);
                (current.version_id == version.id).then(|| {
                    let since = format::age(micros(at), now);
                    Html::of(format!("{} for {since}", name(&cell.environment_name)))
                })
            });
            hits.push(Hit {
                name: Html::of(format!(
                    "{} {}",
                    name(&version.product_name),
                    name(&version.version)
                )),
                href: version_address(&version.id),
                runs: runs.collect(),
            });
        }
        let filter = BoardFilter {
            product: Some(text.clone()),
            limit: MOST,
            ..BoardFilter::default()
        };
        let board = account.board(filter, now).await?;
        products.extend(board.rows.iter().map(|row| Found {
            name: name(&row.name),
            href: format::address("/manage/products", &[("view", &row.id)]),
        }));
    }
    match (hits.as_slice(), products.as_slice()) {
        ([only], []) => return Ok(Redirect::to(&only.href).into_response()),
        ([], [only]) => return Ok(Redirect::to(&only.href).into_response()),
        _ => {}
    }
    Ok(show(&Page {
        frame: viewer.frame(Here::Elsewhere),
        asked: name(&text),
        text,
        hits,
        products,
    }))
}
