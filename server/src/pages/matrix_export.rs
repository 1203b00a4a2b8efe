//! The matrix as a table for spreadsheets and as JSON: one line for each cell.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use super::csv::line;
use super::error::PageError;
use super::matrix::{filter, wrong_state};
use super::query::Query;
use super::viewer::Viewer;
use crate::api::App;
use crate::domain::answer::Refusal;
use crate::domain::fields::FieldError;
use crate::domain::time::rfc3339;
use crate::store::views::{Board, BoardCell};

/// How many products are read at once.
const AT_ONCE: usize = 200;

const COLUMNS: [&str; 10] = [
    "product",
    "environment",
    "version",
    "since",
    "deployed_by",
    "gate",
    "last_attempt",
    "last_attempt_status",
    "behind",
    "ahead",
];

/// The cells of a part of the board.
fn cells(board: &Board) -> Vec<Value> {
    let mut all = Vec::new();
    for row in &board.rows {
        let pairs = board.environments.iter().zip(&row.cells);
        for (environment, cell) in pairs {
            if let Some(cell) = cell {
                all.push(shown(&row.name, &environment.name, cell));
            }
        }
    }
    all
}

fn shown(product: &str, environment: &str, cell: &BoardCell) -> Value {
    let current = cell.current.as_ref();
    let (attempt, status) = match (&cell.in_progress.first(), &cell.latest) {
        (Some(going), _) => (Some(&going.version), Some("started")),
        (None, Some(latest)) => (Some(&latest.version), Some(latest.state.as_str())),
        (None, None) => (None, None),
    };
    let drift = |behind: bool| {
        let drift = cell.drift.as_ref().filter(|drift| drift.behind == behind);
        drift.map(|drift| drift.versions)
    };
    json!({
        "product": product,
        "environment": environment,
        "version": current.map(|current| &current.version),
        "since": current.map(|current| rfc3339(current.at)),
        "deployed_by": current.and_then(|current| current.by.as_ref()),
        "gate": current.map(|current| current.gate.as_str()),
        "last_attempt": attempt,
        "last_attempt_status": status,
        "behind": drift(true),
        "ahead": drift(false),
    })
}

fn csv_line(cell: &Value) -> String {
    let texts = COLUMNS.map(|column| match &cell[column] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    line(texts.iter().map(String::as_str))
}

/// The matrix as CSV.
///
/// # Errors
/// [`PageError::Refused`] if the state is none.
pub async fn csv(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let head = line(COLUMNS);
    let cell = |_: bool, cell: &Value| csv_line(cell);
    export(
        app,
        viewer,
        query,
        head,
        cell,
        "",
        ("text/csv; charset=utf-8", "matrix.csv"),
    )
}

/// The matrix as JSON.
///
/// # Errors
/// As [`csv`].
pub async fn json(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let cell = |first: bool, cell: &Value| match first {
        true => format!("\n{cell}"),
        false => format!(",\n{cell}"),
    };
    let head = "[".to_owned();
    export(
        app,
        viewer,
        query,
        head,
        cell,
        "\n]\n",
        ("application/json", "matrix.json"),
    )
}

/// Where an export is: what is written before, and after which product it goes on.
struct Place {
    head: Option<String>,
    after: Option<String>,
    is_first: bool,
    is_over: bool,
}

fn export(
    app: Arc<App>,
    viewer: Viewer,
    query: Query,
    head: String,
    cell: fn(bool, &Value) -> String,
    foot: &'static str,
    (kind, name): (&'static str, &'static str),
) -> Result<Response, PageError> {
    if let Some(wrong) = wrong_state(&query) {
        let error = FieldError::new("query", "state", "value_error", wrong);
        return Err(PageError::Refused(Refusal::Invalid(vec![error])));
    }
    let account = viewer.account.clone();
    let place = Place {
        head: Some(head),
        after: None,
        is_first: true,
        is_over: false,
    };
    let next = move |mut place: Place| {
        let (app, account, mut filter) = (app.clone(), account.clone(), filter(&query, AT_ONCE));
        async move {
            if place.is_over {
                return None;
            }
            filter.after = place.after.take();
            let board = match account.board(filter, app.now()).await {
                Ok(board) => board,
                Err(error) => {
                    place.is_over = true;
                    return Some((Err(error), place));
                }
            };
            let mut text = place.head.take().unwrap_or_default();
            for one in cells(&board) {
                text += &cell(place.is_first, &one);
                place.is_first = false;
            }
            place.after = board.next;
            place.is_over = place.after.is_none();
            if place.is_over {
                text += foot;
            }
            Some((Ok(text), place))
        }
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(stream::unfold(place, next))).into_response())
}
