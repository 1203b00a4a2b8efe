//! Two environments side by side, and what has waited for long.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::error::PageError;
use super::filters;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, show};
use super::matrix::Choice;
use super::query::Query;
use super::viewer::Viewer;
use super::voters::list_of;
use crate::api::App;
use crate::store::Products;
use crate::store::views::{Compared, Difference, Running};

const DAY: i64 = 24 * 3600 * 1_000_000;
/// The longest wait that can be asked for, in days: ten years.
const MOST_DAYS: i64 = 3650;
/// From how many days on a change is stuck, if nobody says.
const STUCK_DAYS: i64 = 7;
/// The products that are compared at once.
const MOST: i64 = 500;
/// The names of those that are the same that a page shows.
const MAX_SAME: usize = 200;

/// A product that differs.
struct Row {
    name: Html,
    href: String,
    from: Option<(Html, String)>,
    to: Option<(Html, String)>,
    icon: &'static str,
    difference: String,
    waits: Option<Html>,
    late: bool,
    gate: Option<String>,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Page {
    frame: Frame,
    heading: Html,
    title: String,
    sentence: String,
    from: Html,
    to: Html,
    sources: Vec<Choice>,
    targets: Vec<Choice>,
    days: Vec<Choice>,
    rows: Vec<Row>,
    same: usize,
    same_names: Html,
    more: Option<String>,
    first: Option<String>,
    /// What is wrong with the question.
    wrong: Option<String>,
}

fn cell(running: Option<&Running>) -> Option<(Html, String)> {
    let running = running?;
    let href = super::cell::deployment_address(&running.deployment_id);
    Some((name(&running.version), href))
}

fn row(one: &Compared, to: &str, from: &str, stuck: i64, now: i64) -> Row {
    let apart = one.versions_apart.unwrap_or_default();
    let (icon, difference) = match one.difference {
        Difference::Behind => ("down", format!("{apart} behind")),
        Difference::Ahead => ("up", format!("{apart} ahead")),
        Difference::OnlyInFrom => ("gone", format!("only in {}", format::attribute(from))),
        Difference::OnlyInTo => ("gone", format!("only in {}", format::attribute(to))),
        Difference::Same => ("yes", "the same".to_owned()),
    };
    let since = waits_since(one);
    let late = since.is_some_and(|since| since.saturating_add(stuck) <= now);
    let waits = since.map(|since| match late {
        true => Html::of(format!("stuck for {}", format::age(since, now))),
        false => format::age(since, now),
    });
    let gate = one
        .from
        .as_ref()
        .filter(|_| since.is_some())
        .map(|running| {
            let parameters = [
                ("product", one.product_name.as_str()),
                ("version", running.version.as_str()),
                ("environment", to),
            ];
            format::address("/manage/gate", &parameters)
        });
    Row {
        name: name(&one.product_name),
        href: format::address("/manage/products", &[("view", &one.product_id)]),
        from: cell(one.from.as_ref()),
        to: cell(one.to.as_ref()),
        icon,
        difference,
        waits,
        late,
        gate,
    }
}

/// Since when the one environment has something that the other has not.
fn waits_since(one: &Compared) -> Option<i64> {
    match one.difference {
        Difference::Behind => one.waiting_since.as_deref().map(micros),
        Difference::OnlyInFrom => {
            let running = one.from.as_ref()?;
            Some(micros(
                running
                    .deployed_at
                    .as_deref()
                    .unwrap_or(&running.updated_at),
            ))
        }
        _ => None,
    }
}

/// The comparison.
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
    let columns: Vec<String> = account
        .environment_columns()
        .await?
        .into_iter()
        .map(|one| one.name)
        .collect();
    let usual = |back: usize| {
        let at = columns.len().checked_sub(back)?;
        columns.get(at).cloned()
    };
    let from = query.owned("from").or_else(|| usual(2)).unwrap_or_default();
    let to = query.owned("to").or_else(|| usual(1)).unwrap_or_default();
    let least: i64 = query
        .get("days")
        .and_then(|days| days.parse().ok())
        .map_or(0, |days: i64| days.clamp(0, MOST_DAYS));
    let choices = |chosen: &str| -> Vec<Choice> {
        let known = columns.iter().map(|one| Choice {
            value: one.clone(),
            text: format::attribute(one),
            selected: one == chosen,
        });
        known.collect()
    };
    let mut page = Page {
        frame: viewer.frame(Here::Compare),
        heading: Html::of(format!("In {}, not yet in {}", name(&from), name(&to))),
        title: format!(
            "In {}, not yet in {}",
            format::attribute(&from),
            format::attribute(&to)
        ),
        sentence: String::new(),
        from: name(&from),
        to: name(&to),
        sources: choices(&from),
        targets: choices(&to),
        days: [
            ("", "any time"),
            ("3", "3 days"),
            ("7", "7 days"),
            ("30", "30 days"),
        ]
        .map(|(value, text)| Choice {
            value: value.to_owned(),
            text: text.to_owned(),
            selected: query.get("days").unwrap_or_default() == value,
        })
        .into(),
        rows: Vec::new(),
        same: 0,
        same_names: Html::default(),
        more: None,
        first: query
            .get("after")
            .map(|_| query.address("/manage/compare", "after", None)),
        wrong: None,
    };
    if columns.len() < 2 {
        page.wrong = Some("There are not two environments yet.".to_owned());
        return Ok(show(&page));
    }
    let found = (
        account.environment(from.clone()).await?,
        account.environment(to.clone()).await?,
    );
    let (Some(one), Some(other)) = found else {
        page.wrong =
            Some("One of these environments is not known. Choose two of the list.".to_owned());
        return Ok(show(&page));
    };
    let of = Products {
        product: query.owned("product"),
        after: query.owned("after"),
        limit: MOST,
    };
    let Some(compared) = account.compare(one, other, of).await? else {
        return Err(PageError::NotFound("product"));
    };
    page.more = compared
        .next_cursor
        .as_ref()
        .map(|after| query.address("/manage/compare", "after", Some(after)));
    let stuck = STUCK_DAYS.max(least) * DAY;
    let mut differing: Vec<&Compared> = Vec::new();
    let mut same: Vec<String> = Vec::new();
    for one in &compared.products {
        if one.difference != Difference::Same {
            differing.push(one);
        } else if same.len() < MAX_SAME {
            let version = one.from.as_ref().map_or(String::new(), |running| {
                format!(" {}", name(&running.version))
            });
            same.push(format!("{}{version}", name(&one.product_name)));
        }
        page.same += usize::from(one.difference == Difference::Same);
    }
    let all = differing.len();
    let late = differing
        .iter()
        .filter(|one| waits_since(one).is_some_and(|since| since.saturating_add(stuck) <= now))
        .count();
    if least > 0 {
        differing.retain(|one| {
            waits_since(one).is_some_and(|since| since.saturating_add(least * DAY) <= now)
        });
    }
    // The longest wait first, then what does not wait, by name.
    differing.sort_by_key(|one| waits_since(one).unwrap_or(i64::MAX));
    page.sentence = format!(
        "{all} of {} differ; {} stuck for longer than {} days",
        format::counted(compared.products.len(), "product", "products"),
        match late {
            1 => "1 change is".to_owned(),
            count => format!("{count} changes are"),
        },
        STUCK_DAYS.max(least)
    );
    page.same_names = Html::of(list_of(&same, "and"));
    page.rows = differing
        .into_iter()
        .map(|one| row(one, &to, &from, stuck, now))
        .collect();
    Ok(show(&page))
}
