//! Pages that change by themselves: what changed is drawn once for each account, and sent to everybody
//! who looks.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};

use super::cell::Cell;
use super::error::PageError;
use super::format;
use super::matrix::count_text;
use super::viewer::Viewer;
use crate::api::App;
use crate::api::error::ApiError;
use crate::domain::deployment::State as Reached;
use crate::store::views::{BoardEnvironment, BoardFilter, BoardRow};
use crate::store::{Follower, StoreError, Touched};

/// How long changes are gathered before they are drawn.
const GATHER: Duration = Duration::from_millis(40);
/// How often a connection shows that it is there, and its session is looked at.
const BEAT: Duration = Duration::from_secs(15);
/// How many changes somebody may be behind; beyond that they are told to look anew.
const BACKLOG: usize = 32;
/// What part of the connections may be open pages: the rest is for whoever deploys.
const SHARE: usize = 4;
/// From how many products on a change is not drawn: everybody looks anew.
const MANY: usize = 25;

/// Who looks at which account.
#[derive(Default)]
pub struct Live(Mutex<HashMap<String, Watched>>);

/// An account that somebody looks at.
struct Watched {
    sender: broadcast::Sender<Bytes>,
    turn: Turn,
}

/// Whose turn it is to look their session up: pages of an account that hear of a change at the same moment
/// would do so on many threads, and every thread keeps memory.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl Live {
    /// Follows an account. The first to do so sets off what draws its changes.
    fn follow(
        &self,
        app: &Arc<App>,
        account: &str,
    ) -> Result<(broadcast::Receiver<Bytes>, Turn), ApiError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open: usize = all.values().map(|one| one.sender.receiver_count()).sum();
        if open >= app.limits().connections / SHARE {
            return Err(ApiError::TooManyWatch);
        }
        if let Some(one) = all.get(account) {
            return Ok((one.sender.subscribe(), one.turn.clone()));
        }
        let (sender, receiver) = broadcast::channel(BACKLOG);
        let watched = Watched {
            sender: sender.clone(),
            turn: Turn::default(),
        };
        let turn = watched.turn.clone();
        all.insert(account.to_owned(), watched);
        let follower = app.directory().follow(account);
        tokio::spawn(draw_changes(
            app.clone(),
            account.to_owned(),
            follower,
            sender,
        ));
        Ok((receiver, turn))
    }

    /// Ends the drawing for an account, unless somebody looks again.
    fn end(&self, account: &str, sender: &broadcast::Sender<Bytes>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = sender.receiver_count() == 0;
        if ends {
            all.remove(account);
        }
        ends
    }
}

/// Draws the changes of an account as long as somebody looks.
async fn draw_changes(
    app: Arc<App>,
    account: String,
    mut follower: Follower,
    sender: broadcast::Sender<Bytes>,
) {
    loop {
        let first = tokio::select! {
            touched = follower.next() => touched,
            () = sender.closed() => {
                match app.live.end(&account, &sender) {
                    true => return,
                    false => continue,
                }
            }
            () = app.stopped() => return,
        };
        tokio::time::sleep(GATHER).await;
        let mut touched = vec![first];
        touched.extend(std::iter::from_fn(|| follower.next_now()));
        let message = match message(&app, &account, &touched).await {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%error, "a change could not be drawn");
                Bytes::from_static(ANEW.as_bytes())
            }
        };
        // The last of them may have gone meanwhile.
        let _ = sender.send(message);
    }
}

/// Tells a page that it is followed, and how soon it should come back if it is not any more.
const HERE: &str = "retry: 2000\nevent: here\ndata: {}\n\n";
/// Tells a page that the connection is there, which it cannot know by itself.
const HEARTBEAT: &str = "event: beat\ndata: {}\n\n";
/// Tells a page to look anew.
const ANEW: &str = "event: anew\ndata: {}\n\n";

/// What the pages are told of some changes.
async fn message(app: &App, account: &str, touched: &[Arc<Touched>]) -> Result<Bytes, StoreError> {
    let products: BTreeSet<String> = touched
        .iter()
        .flat_map(|touched| touched.products())
        .map(str::to_owned)
        .collect();
    if touched.iter().any(|touched| touched.is_all()) || products.len() > MANY {
        return Ok(Bytes::from_static(ANEW.as_bytes()));
    }
    let now = app.now();
    let account = app.directory().account(account).await?;
    let filter = BoardFilter {
        only: Some(products.into_iter().collect()),
        limit: MANY,
        ..BoardFilter::default()
    };
    let board = account.board(filter, now).await?;
    let mut cells: Vec<String> = Vec::new();
    let mut said = None;
    for row in &board.rows {
        let pairs = board.environments.iter().zip(&row.cells);
        for (environment, cell) in pairs {
            let shown = Cell::of(row, environment, cell.as_ref(), now);
            // What cannot be drawn is seen when the page is loaded again.
            cells.extend(shown.render());
        }
        said = sentence(row, &board.environments, now).or(said);
    }
    let counts: Vec<(&str, String)> = board
        .counts
        .iter()
        .map(|(why, count)| (why.word(), count_text(*why, *count)))
        .collect();
    let body = json!({ "cells": cells, "counts": counts, "said": said });
    Ok(format!("event: cells\ndata: {body}\n\n").into())
}

/// What happened last to a product, for those who do not see it.
fn sentence(row: &BoardRow, environments: &[BoardEnvironment], now: i64) -> Option<String> {
    const NEW: i64 = 10 * 1_000_000;
    let mut last: Option<(i64, String)> = None;
    for (environment, cell) in environments.iter().zip(&row.cells) {
        let Some(cell) = cell else { continue };
        let mut say = |at: i64, version: &str, word: &str| {
            if at.saturating_add(NEW) >= now && last.as_ref().is_none_or(|(other, _)| *other <= at)
            {
                let text = format!(
                    "{} {} {word} {}",
                    format::attribute(&row.name),
                    format::attribute(version),
                    format::attribute(&environment.name)
                );
                last = Some((at, text));
            }
        };
        if let Some(current) = &cell.current {
            say(current.at, &current.version, "completed in");
        }
        if let Some(latest) = &cell.latest {
            let word = match latest.state {
                Reached::Failed => "failed in",
                Reached::Aborted => "aborted in",
                Reached::PreflightFailed => "blocked in",
                _ => "queued in",
            };
            say(latest.at, &latest.version, word);
        }
        for going in &cell.in_progress {
            say(going.since, &going.version, "started in");
        }
    }
    last.map(|(_, text)| text)
}

/// What one connection needs.
struct Connection {
    app: Arc<App>,
    viewer: Viewer,
    changes: broadcast::Receiver<Bytes>,
    turn: Turn,
    began: bool,
}

/// Changes as they happen, as long as the session lasts.
///
/// # Errors
/// [`PageError::NoSession`] without a session, [`ApiError::TooManyWatch`] if so many look already.
pub async fn changes(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let (changes, turn) = app.live.follow(&app, &viewer.account_name)?;
    let connection = Connection {
        changes,
        turn,
        app,
        viewer,
        began: false,
    };
    let body = Body::from_stream(stream::unfold(connection, next));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies such as nginx would keep what is said back until it is much.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}

async fn next(mut connection: Connection) -> Option<(Result<Bytes, Infallible>, Connection)> {
    if !connection.began {
        connection.began = true;
        return Some((Ok(Bytes::from_static(HERE.as_bytes())), connection));
    }
    let text = tokio::select! {
        change = connection.changes.recv() => match change {
            Ok(text) => text,
            Err(RecvError::Lagged(_)) => Bytes::from_static(ANEW.as_bytes()),
            Err(RecvError::Closed) => return None,
        },
        () = tokio::time::sleep(BEAT) => Bytes::from_static(HEARTBEAT.as_bytes()),
        () = connection.app.stopped() => return None,
    };
    // Who is out, or may not look any more, sees nothing more.
    let is_in = {
        let _turn = connection.turn.lock().await;
        connection.viewer.is_still_in(&connection.app).await
    };
    is_in.then_some((Ok(text), connection))
}
