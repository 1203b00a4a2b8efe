//! What runs where, on a screen on the wall: what needs a look in full, the rest as a list.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::cell::Cell;
use super::error::PageError;
use super::format::{self, Html, name};
use super::frame::{Frame, Here, show};
use super::matrix::{Column, Count, Row, columns, counts, filter, row};
use super::query::Query;
use super::viewer::Viewer;
use crate::api::App;
use crate::store::views::BoardRow;

/// The most products.
const MOST: usize = 500;
/// The most products that are shown in full.
const MAX_ROWS: usize = 40;

/// A product that needs no look.
struct Quiet {
    name: Html,
    version: Html,
}

#[derive(Template)]
#[template(path = "wall.html")]
struct Page {
    frame: Frame,
    counts: Vec<Count>,
    at: Html,
    columns: Vec<Column>,
    rows: Vec<Row>,
    quiet: Vec<Quiet>,
}

/// Whether somebody should look at a product.
fn needs_a_look(row: &BoardRow) -> bool {
    row.cells.iter().flatten().any(|cell| {
        let stuck = cell
            .drift
            .as_ref()
            .is_some_and(|drift| drift.stuck_since.is_some());
        cell.latest.is_some() || !cell.in_progress.is_empty() || stuck
    })
}

/// The row with nothing to click.
fn plain(row: Row) -> Row {
    Row {
        cells: row.cells.into_iter().map(Cell::plain).collect(),
        ..row
    }
}

/// The wall display.
///
/// # Errors
/// If the database fails.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let now = app.now();
    let board = viewer.account.board(filter(&query, MOST), now).await?;
    let rules = viewer.account.rules().await?;
    let (loud, quiet): (Vec<&BoardRow>, Vec<&BoardRow>) =
        board.rows.iter().partition(|row| needs_a_look(row));
    Ok(show(&Page {
        frame: viewer.frame(Here::Matrix),
        counts: counts(&board, &query),
        at: format::clock(now, now),
        columns: columns(&board, &rules, now),
        rows: loud
            .iter()
            .take(MAX_ROWS)
            .map(|one| plain(row(&board, one, now)))
            .collect(),
        quiet: quiet
            .iter()
            .map(|row| {
                let last = row
                    .cells
                    .iter()
                    .flatten()
                    .filter_map(|cell| cell.current.as_ref())
                    .next_back();
                Quiet {
                    name: name(&row.name),
                    version: last.map_or(Html::default(), |current| name(&current.version)),
                }
            })
            .collect(),
    }))
}
