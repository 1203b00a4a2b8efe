//! What a source has sent, and what became of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value};

use super::error::PageError;
use super::filters;
use super::format::{self, Html};
use super::frame::{Frame, Here, show};
use super::query::storable;
use super::tried::{Tried, tried};
use super::viewer::Admin;
use crate::api::App;
use crate::api::sources::find;
use crate::domain::queue::{Item, Kind as Queued, State as Became, Which};
use crate::domain::run_end::RUN_ENDED;
use crate::domain::source::Source;
use crate::store::views::{Build, Deployment};
use crate::store::{Account, StoreError};

/// The most of a body that is shown, in characters.
const MOST_SHOWN: usize = 100_000;

/// A delivery with what it became.
pub struct Row {
    /// The row of the queue.
    pub item: Item,
    /// Links to what it became.
    pub results: Vec<Html>,
}

impl Row {
    /// The last deliveries of a source, newest first; those before `before`, if it is there.
    pub async fn read(
        account: &Account,
        source: &str,
        before: Option<String>,
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let which = Which {
            kind: Some(Queued::Inbox),
            topic: Some(source.to_owned()),
            ..Which::default()
        };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = Vec::new();
        for item in account.queue_items(which, before, most).await? {
            rows.push(Row::of(account, item).await?);
        }
        Ok(rows)
    }

    async fn of(account: &Account, item: Item) -> Result<Row, StoreError> {
        let mut results = Vec::new();
        let ids = item.result.as_deref().unwrap_or_default().split(',');
        for id in ids.filter(|id| !id.is_empty()) {
            results.extend(result(account, id).await?);
        }
        Ok(Row { item, results })
    }

    /// What the sender calls it.
    pub fn called(&self) -> String {
        called(&self.item.head)
    }

    /// What became of it.
    pub fn became(&self) -> &'static str {
        match self.item.state {
            Became::Waiting if self.item.claimed => "is read now",
            Became::Waiting => "waits",
            Became::Done if self.results.is_empty() => "done",
            Became::Done => "told",
            Became::Ignored => "ignored",
            Became::Dead => "not read",
            Became::Dropped => "given up",
        }
    }

    /// Whether somebody has to do something.
    pub fn is_dead(&self) -> bool {
        self.item.state == Became::Dead
    }

    /// Whether it still waits.
    pub fn waits(&self) -> bool {
        self.item.state == Became::Waiting
    }
}

/// What the sender calls what it has sent, as far as its headers say.
fn called(head: &Map<String, Value>) -> String {
    const NAMES: [&str; 5] = [
        "x-github-event",
        "x-gitea-event",
        "x-forgejo-event",
        "x-gitlab-event",
        "ce-type",
    ];
    let mut names = NAMES.iter().filter_map(|name| head.get(*name)?.as_str());
    match names.next() {
        Some(name) => name.to_owned(),
        None if head.contains_key(RUN_ENDED) => "end of a run".to_owned(),
        None => "delivery".to_owned(),
    }
}

/// A link to what a delivery became, if it is there still.
async fn result(account: &Account, id: &str) -> Result<Option<Html>, StoreError> {
    let link = |address: String, text: String| {
        Html::of(format!(
            "<a href=\"{}\">{text}</a>",
            address.replace('&', "&amp;")
        ))
    };
    if let Some(found) = account.one::<Deployment>(id.to_owned()).await? {
        let text = format!(
            "{} {} to {}: {}",
            format::name(&found.product_name),
            format::name(&found.version),
            format::name(&found.environment_name),
            found.status.as_str()
        );
        return Ok(Some(link(
            format::address("/manage/deployments", &[("view", id)]),
            text,
        )));
    }
    let found = account.one::<Build>(id.to_owned()).await?;
    Ok(found.map(|found| {
        let text = format!(
            "build of {} {}: {}",
            format::name(&found.product_name),
            format::name(&found.version),
            found.status.as_str()
        );
        link(
            format::address("/manage/versions", &[("view", &found.version_id)]),
            text,
        )
    }))
}

#[derive(Template)]
#[template(path = "delivered.html")]
struct Page {
    frame: Frame,
    source: Source,
    row: Row,
    headers: Vec<(String, String)>,
    body: String,
    is_cut: bool,
    tried: Option<Tried>,
    now: i64,
}

/// One delivery: what it said, what became of it, and what it would become now.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Admin,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let source = find(&viewer.account, storable(&id)).await?;
    let found = viewer.account.queue_item(storable(&delivery)).await?;
    let is_of = |item: &Item| item.kind == Queued::Inbox && item.topic == source.id;
    let item = found.filter(is_of).ok_or(PageError::NotFound("delivery"))?;
    let headers = item.head.iter();
    let headers =
        headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let headers = headers.collect();
    let parsed: Option<Value> = serde_json::from_slice(&item.body).ok();
    let written = parsed.map_or_else(
        || String::from_utf8_lossy(&item.body).into_owned(),
        |value| format!("{value:#}"),
    );
    let body: String = written.chars().take(MOST_SHOWN).collect();
    let is_sent = !item.head.contains_key(RUN_ENDED);
    Ok(show(&Page {
        frame: viewer.frame(Here::Me),
        tried: is_sent.then(|| tried(source.kind, &source.settings, &item.head, &item.body)),
        headers,
        is_cut: body.len() < written.len(),
        body,
        row: Row::of(&viewer.account, item).await?,
        source,
        now: app.now(),
    }))
}
