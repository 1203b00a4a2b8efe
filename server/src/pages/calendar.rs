//! When nothing is deployed: the windows of the next weeks.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;

use super::error::PageError;
use super::filters;
use super::format::{self, Html, name};
use super::frame::{Frame, Here, show};
use super::rules::place;
use super::viewer::Viewer;
use crate::api::App;
use crate::domain::rules::{Check, Rule, RuleStatus};
use crate::domain::time::instant;

const DAY: i64 = 24 * 3600 * 1_000_000;
/// How many weeks are shown.
const WEEKS: i64 = 5;
/// How wide a day is drawn.
const WIDE: f64 = 40.0;

/// A window.
struct Span {
    from: Html,
    to: Html,
    rule: Html,
    href: String,
    place: Html,
    status: &'static str,
}

/// A week.
struct Week {
    title: String,
    svg: Html,
    spans: Vec<Span>,
}

#[derive(Template)]
#[template(path = "calendar.html")]
struct Page {
    frame: Frame,
    weeks: Vec<Week>,
    rules: usize,
}

/// The windows of a rule between two times.
type Found<'a> = (&'a Rule, Vec<(Timestamp, Timestamp)>);

/// The calendar.
///
/// # Errors
/// If the database fails.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let now = app.now();
    let rules = viewer.account.rules().await?;
    let windows: Vec<&Rule> = rules
        .iter()
        .filter(|rule| matches!(rule.spec.check, Check::NoDeployWindow(_)))
        .filter(|rule| rule.status_at(now) != RuleStatus::Disabled)
        .collect();
    let monday = monday(now);
    let weeks = (0..WEEKS).map(|number| week(&windows, monday + number * 7 * DAY, now));
    Ok(show(&Page {
        frame: viewer.frame(Here::Rules),
        weeks: weeks.collect(),
        rules: windows.len(),
    }))
}

/// When the week began.
fn monday(now: i64) -> i64 {
    let today = instant(now).to_zoned(jiff::tz::TimeZone::UTC).date();
    let back = i64::from(today.weekday().to_monday_zero_offset());
    let midnight = now.div_euclid(DAY) * DAY;
    midnight - back * DAY
}

fn week(windows: &[&Rule], from: i64, now: i64) -> Week {
    let to = from + 7 * DAY;
    let found: Vec<Found<'_>> = windows
        .iter()
        .filter_map(|rule| match &rule.spec.check {
            Check::NoDeployWindow(window) => {
                Some((*rule, window.between(instant(from), instant(to))))
            }
            _ => None,
        })
        .collect();
    let mut spans: Vec<(Timestamp, Span)> = Vec::new();
    for (rule, of_it) in &found {
        for (begin, end) in of_it {
            spans.push((
                *begin,
                Span {
                    from: format::dated(begin.as_microsecond()),
                    to: format::dated(end.as_microsecond()),
                    rule: name(&rule.spec.name),
                    href: format::address("/manage/rules/edit", &[("rule", &rule.id)]),
                    place: place(&rule.spec),
                    status: match rule.status_at(now) {
                        RuleStatus::ReportOnly => "report only",
                        _ => "",
                    },
                },
            ));
        }
    }
    spans.sort_by_key(|(begin, _)| *begin);
    let title = format!(
        "{} to {}",
        format::day(from, now),
        format::day(to - DAY, now)
    );
    Week {
        svg: draw(&found, from, &title),
        title,
        spans: spans.into_iter().map(|(_, span)| span).collect(),
    }
}

/// The week, with a bar for each window.
#[allow(clippy::cast_precision_loss, reason = "a week has few microseconds")]
fn draw(found: &[Found<'_>], from: i64, title: &str) -> Html {
    let id = from / DAY;
    let mut svg = format!(
        "<svg viewBox=\"0 0 280 52\" width=\"280\" height=\"52\" role=\"img\" aria-labelledby=\"w{id}\">\
         <title id=\"w{id}\">{title}</title>"
    );
    for (number, day) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        .iter()
        .enumerate()
    {
        let x = WIDE * number as f64 + 0.5;
        svg += &format!(
            "<line class=\"ax\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"34\"/><text x=\"{}\" y=\"47\">{day}</text>",
            x + 3.5
        );
    }
    for (begin, end) in found.iter().flat_map(|(_, spans)| spans) {
        let place = |at: &Timestamp| {
            let days = (at.as_microsecond() - from) as f64 / DAY as f64;
            (days * WIDE).clamp(0.0, 280.0)
        };
        let (left, right) = (place(begin), place(end));
        svg += &format!(
            "<rect class=\"shade\" x=\"{left:.1}\" y=\"6\" width=\"{:.1}\" height=\"22\"/>",
            (right - left).max(1.0)
        );
    }
    svg += "<line class=\"ax\" x1=\"0\" x2=\"280\" y1=\"34.5\" y2=\"34.5\"/></svg>";
    Html::of(svg)
}
