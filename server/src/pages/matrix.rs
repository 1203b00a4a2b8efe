//! The first page: what runs where.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::cell::Cell;
use super::error::PageError;
use super::filters;
use super::format::{self, Html};
use super::frame::{Frame, Here, show};
use super::query::Query;
use super::viewer::Viewer;
use crate::api::App;
use crate::domain::deployment::Place;
use crate::domain::rules::{Check, Rule, RuleStatus};
use crate::domain::time::instant;
use crate::store::views::{Attention, Board, BoardEnvironment, BoardFilter, BoardRow};

/// The products of a page.
const PAGE: usize = 100;
/// The rows of a part of the table that a browser lays out by itself.
const PART: usize = 25;
/// The most columns of the grid.
const MAX_COLUMNS: usize = 10;
/// How far ahead a window that closes an environment is told of, in hours.
const AHEAD: i64 = 7 * 24;

/// A count beside the title, which filters.
pub struct Count {
    /// The class of the badge.
    pub class: &'static str,
    /// The mark.
    pub icon: &'static str,
    /// The state that it counts.
    pub state: &'static str,
    /// Where those are that it counts.
    pub href: String,
    /// How many there are of what.
    pub text: String,
    /// Whether those are shown now.
    pub current: bool,
}

/// A column.
pub struct Column {
    /// The environment.
    pub name: Html,
    /// Its page.
    pub href: String,
    /// When it is closed.
    pub shut: Option<Html>,
}

/// A row.
pub struct Row {
    /// The product.
    pub name: Html,
    /// The same for an attribute.
    pub title: String,
    /// Its page.
    pub href: String,
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// An option of a select.
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub text: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// What the template shows.
pub struct Shown {
    counts: Vec<Count>,
    product: String,
    environments: Vec<Choice>,
    states: Vec<Choice>,
    differs: bool,
    set: usize,
    /// What is wrong with the filter.
    wrong: Option<String>,
    summary: String,
    csv: String,
    json: String,
    columns: Vec<Column>,
    parts: Vec<Vec<Row>>,
    first: Option<String>,
    next: Option<String>,
    hidden_columns: usize,
    /// Whether every product stands there.
    whole: bool,
    /// Whether nothing was ever recorded.
    empty: bool,
    changed: Option<Html>,
}

/// What a count beside the title says.
pub fn count_text(why: Attention, count: usize) -> String {
    match why {
        Attention::Failed => format!("{count} failed"),
        Attention::Blocked => format!("{count} blocked"),
        Attention::Waits => {
            let word = if count == 1 { "waits" } else { "wait" };
            format!("{count} {word} for approval")
        }
        Attention::InProgress => format!("{count} in progress"),
        Attention::Queued => format!("{count} queued"),
        Attention::Aborted => format!("{count} aborted"),
    }
}

/// The counts beside the title.
pub fn counts(board: &Board, query: &Query) -> Vec<Count> {
    let count = |(why, count): (&Attention, &usize)| {
        let (class, icon) = match why {
            Attention::Failed => ("bad", "bad"),
            Attention::Blocked => ("hold", "hold"),
            Attention::Waits => ("hold", "wait"),
            Attention::InProgress => ("go", "go"),
            Attention::Queued => ("go", "told"),
            Attention::Aborted => ("off", "off"),
        };
        let current = query.get("state") == Some(why.word());
        let value = (!current).then_some(why.word());
        Count {
            class,
            icon,
            state: why.word(),
            href: query.address("/manage/", "state", value),
            text: count_text(*why, *count),
            current,
        }
    };
    board.counts.iter().map(count).collect()
}

/// When the environment is closed for all products, next or now.
fn shut(environment: &BoardEnvironment, rules: &[Rule], now: i64) -> Option<Html> {
    let place = Place {
        environment: environment.name.clone(),
        environment_type: environment.kind,
        ..Place::default()
    };
    let closes = rules
        .iter()
        .filter(|rule| rule.spec.products.is_empty() && rule.spec.applies_to(&place))
        .filter(|rule| rule.status_at(now) == RuleStatus::Enabled)
        .filter_map(|rule| match &rule.spec.check {
            Check::NoDeployWindow(window) => Some(window),
            _ => None,
        });
    let spans = closes.flat_map(|window| {
        let end = now.saturating_add(AHEAD * 3_600_000_000);
        window.between(instant(now), instant(end))
    });
    let (from, to) = spans.min()?;
    let to = format::clock(to.as_microsecond(), now);
    let from = from.as_microsecond();
    Some(match from <= now {
        true => Html::of(format!("closed until {to}")),
        false => Html::of(format!("closes {} until {to}", format::clock(from, now))),
    })
}

/// The columns that fit.
pub fn columns(board: &Board, rules: &[Rule], now: i64) -> Vec<Column> {
    let column = |environment: &BoardEnvironment| Column {
        name: format::name(&environment.name),
        href: format::address("/manage/environments", &[("view", &environment.id)]),
        shut: shut(environment, rules, now),
    };
    board
        .environments
        .iter()
        .take(MAX_COLUMNS)
        .map(column)
        .collect()
}

/// A row with the cells that fit.
pub fn row(board: &Board, row: &BoardRow, now: i64) -> Row {
    let cells = board.environments.iter().zip(&row.cells).take(MAX_COLUMNS);
    Row {
        name: format::name(&row.name),
        title: format::attribute(&row.name),
        href: format::address("/manage/products", &[("view", &row.id)]),
        cells: cells
            .map(|(environment, cell)| Cell::of(row, environment, cell.as_ref(), now))
            .collect(),
    }
}

fn shown(board: Board, rules: &[Rule], query: &Query, now: i64) -> Shown {
    let selected: Vec<&str> = query.all("environment").collect();
    let all = format!("All {}", board.environment_names.len());
    let mut environments = vec![Choice {
        value: String::new(),
        text: all,
        selected: selected.is_empty(),
    }];
    environments.extend(board.environment_names.iter().map(|name| Choice {
        value: name.clone(),
        text: format::attribute(name),
        selected: selected.contains(&name.as_str()),
    }));
    let words = [
        ("", "Any"),
        ("started", "In progress"),
        ("failed", "Failed"),
        ("blocked", "Blocked"),
        ("waits", "Waits for approval"),
        ("pending", "Queued"),
        ("aborted", "Aborted"),
    ];
    let states = words.map(|(value, text)| Choice {
        value: value.to_owned(),
        text: text.to_owned(),
        selected: query.get("state").unwrap_or_default() == value,
    });
    let filters = ["product", "environment", "state", "differs"];
    let set = query.count(&filters);
    let products = format::counted(board.products, "product", "products");
    let matching = match set {
        0 => products,
        _ => format!("{} of {products}", board.matching),
    };
    let columns = format::counted(board.environments.len(), "environment", "environments");
    let visible = board.environments.len().min(MAX_COLUMNS);
    let is_unknown = query.get("environment").is_some() && board.environments.is_empty();
    let rows = if is_unknown { &[] } else { &board.rows[..] };
    let parts = rows.chunks(PART);
    Shown {
        counts: counts(&board, query),
        product: query.owned("product").unwrap_or_default(),
        environments,
        states: states.into(),
        differs: query.get("differs").is_some(),
        set,
        wrong: wrong_state(query).or_else(|| {
            let text = "There is no such environment. Choose one of the list.";
            is_unknown.then(|| text.to_owned())
        }),
        summary: format!("{matching}, {columns}."),
        csv: query.address("/manage/state.csv", "", None),
        json: query.address("/manage/state.json", "", None),
        columns: self::columns(&board, rules, now),
        parts: parts
            .map(|part| part.iter().map(|one| row(&board, one, now)).collect())
            .collect(),
        first: query
            .get("after")
            .map(|_| query.address("/manage/", "after", None)),
        next: board
            .next
            .as_ref()
            .map(|after| query.address("/manage/", "after", Some(after))),
        hidden_columns: board.environments.len() - visible,
        whole: set == 0 && board.rows.len() == board.products,
        empty: board.products == 0,
        changed: board.changed_at.map(|at| format::ago(at, now)),
    }
}

/// What is wrong with a state that is none of the list.
pub fn wrong_state(query: &Query) -> Option<String> {
    let word = query.get("state")?;
    let word = Attention::parse(word)
        .is_none()
        .then(|| format::attribute(word))?;
    Some(format!("“{word}” is no state. Choose one of the list."))
}

/// The part of the board that a query asks for.
pub fn filter(query: &Query, limit: usize) -> BoardFilter {
    BoardFilter {
        product: query.owned("product"),
        only: None,
        environments: query.all("environment").map(str::to_owned).collect(),
        attention: query.get("state").and_then(Attention::parse),
        differs: query.get("differs").is_some(),
        after: query.owned("after"),
        // Of a state that is none there are no products.
        limit: if wrong_state(query).is_some() {
            0
        } else {
            limit
        },
    }
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct Page {
    frame: Frame,
    /// The address of this server, for the command that sends the first event.
    origin: String,
    shown: Shown,
}

/// The matrix.
///
/// # Errors
/// If the database fails.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let now = app.now();
    let board = viewer.account.board(filter(&query, PAGE), now).await?;
    let rules = viewer.account.rules().await?;
    Ok(show(&Page {
        frame: viewer.frame(Here::Matrix),
        origin: app.origin(&headers),
        shown: shown(board, &rules, &query, now),
    }))
}
