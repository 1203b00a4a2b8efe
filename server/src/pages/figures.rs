//! How often, how fast and how well: the four figures as charts.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::error::PageError;
use super::filters;
use super::format::{self, Html, micros};
use super::frame::{Frame, Here, show};
use super::matrix::Choice;
use super::query::Query;
use super::viewer::Viewer;
use crate::api::App;
use crate::domain::figures::{Figures, count};
use crate::domain::naming::EnvironmentType;

const WEEK: i64 = 7 * 24 * 3600 * 1_000_000;
/// How many weeks can be looked at.
const WEEKS: [usize; 3] = [12, 26, 52];

/// A figure over the weeks.
struct Chart {
    title: &'static str,
    value: String,
    unit: &'static str,
    before: String,
    svg: Html,
    rows: Vec<(String, String)>,
    column: &'static str,
}

#[derive(Template)]
#[template(path = "figures.html")]
struct Page {
    frame: Frame,
    sentence: Html,
    product: String,
    environments: Vec<Choice>,
    weeks: Vec<Choice>,
    charts: Vec<Chart>,
    counted: String,
    /// Why there is nothing to draw.
    nothing: Option<Html>,
}

/// How a chart is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Columns,
    Line,
}

/// What a figure is.
struct Kind {
    title: &'static str,
    unit: &'static str,
    column: &'static str,
    shape: Shape,
    /// The least that the axis goes up to.
    least: f64,
    of: fn(&Figures) -> Option<f64>,
    text: fn(f64) -> String,
}

#[allow(
    clippy::cast_precision_loss,
    reason = "nobody has 2^52 deployments or seconds"
)]
const fn seconds(of: Option<i64>) -> Option<f64> {
    match of {
        Some(seconds) => Some(seconds as f64),
        None => None,
    }
}

/// A time in seconds, as people say it.
#[allow(clippy::cast_possible_truncation, reason = "a time of the record fits")]
fn time(seconds: f64) -> String {
    format::exact_span((seconds * 1e6) as i64)
}

fn kinds() -> [Kind; 4] {
    [
        Kind {
            title: "Deployment frequency",
            unit: "a week",
            column: "deployments",
            shape: Shape::Columns,
            least: 2.0,
            of: |figures| Some(figures.deployments_per_day * 7.0),
            text: |count| {
                let rounded = (count * 10.0).round() / 10.0;
                format!("{rounded}")
            },
        },
        Kind {
            title: "Lead time",
            unit: "from first build to deployment, median",
            column: "median",
            shape: Shape::Line,
            least: 120.0,
            of: |figures| seconds(figures.lead_time_seconds),
            text: time,
        },
        Kind {
            title: "Change failure rate",
            unit: "failed or rolled back",
            column: "failed or rolled back",
            shape: Shape::Columns,
            least: 10.0,
            of: |figures| figures.change_failure_rate.map(|rate| rate * 100.0),
            text: |rate| format!("{} %", rate.round()),
        },
        Kind {
            title: "Recovery time",
            unit: "from failure to the next success, median",
            column: "median",
            shape: Shape::Line,
            least: 120.0,
            of: |figures| seconds(figures.recovery_time_seconds),
            text: time,
        },
    ]
}

/// A day on an axis.
fn day(at: &str) -> String {
    let at = crate::domain::time::instant(micros(at)).to_zoned(jiff::tz::TimeZone::UTC);
    at.strftime("%-d %b").to_string()
}

/// The next round number.
fn ceiling(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 10.0];
    steps
        .iter()
        .map(|step| step * power)
        .find(|top| *top >= most)
        .unwrap_or(most)
}

/// The drawing: geometry in attributes, paint by class.
#[allow(clippy::cast_precision_loss, reason = "there are at most 52 weeks")]
fn draw(kind: &Kind, weeks: &[Figures], id: usize) -> Html {
    const LEFT: f64 = 44.0;
    const RIGHT: f64 = 280.0;
    const TOP: f64 = 10.5;
    const BOTTOM: f64 = 110.5;
    let values: Vec<Option<f64>> = weeks.iter().map(kind.of).collect();
    let most = values.iter().flatten().copied().fold(kind.least, f64::max);
    let top = ceiling(most);
    let step = (RIGHT - LEFT) / weeks.len().max(1) as f64;
    let y = |value: f64| BOTTOM - value / top * (BOTTOM - TOP);
    let mut svg = format!(
        "<svg viewBox=\"0 0 280 132\" width=\"280\" height=\"132\" role=\"img\" aria-labelledby=\"t{id}\">\
         <title id=\"t{id}\">{}, from {} to {}</title>",
        kind.title,
        values
            .first()
            .copied()
            .flatten()
            .map_or("nothing".to_owned(), kind.text),
        values
            .last()
            .copied()
            .flatten()
            .map_or("nothing".to_owned(), kind.text)
    );
    for (at, value) in [(TOP, top), (60.5, top / 2.0), (BOTTOM, 0.0)] {
        svg +=
            &format!("<line class=\"ax\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at}\" y2=\"{at}\"/>");
        let label = (kind.text)(value).replace('\u{a0}', " ");
        svg += &format!(
            "<text x=\"38\" y=\"{}\" text-anchor=\"end\">{label}</text>",
            at + 3.5
        );
    }
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let x = LEFT + step * number as f64;
        match kind.shape {
            Shape::Columns => {
                let (from, height) = (y(*value), BOTTOM - y(*value));
                let width = (step * 0.66).max(1.0);
                svg += &format!(
                    "<rect class=\"col\" x=\"{:.1}\" y=\"{from:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
                    x + step * 0.17
                );
            }
            Shape::Line => points.push((x + step / 2.0, y(*value))),
        }
    }
    if !points.is_empty() {
        let all: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        svg += &format!("<polyline class=\"ln\" points=\"{}\"/>", all.join(" "));
        for (x, y) in points {
            svg += &format!("<circle class=\"col\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>");
        }
    }
    let (first, last) = (weeks.first(), weeks.last());
    svg += &format!(
        "<text x=\"{LEFT}\" y=\"128\">{}</text><text x=\"280\" y=\"128\" text-anchor=\"end\">{}</text></svg>",
        first.map_or(String::new(), |week| day(&week.since)),
        last.map_or(String::new(), |week| day(&week.since))
    );
    Html::of(svg)
}

fn chart(kind: &Kind, total: &Figures, before: &Figures, weeks: &[Figures], id: usize) -> Chart {
    let (now, then) = ((kind.of)(total), (kind.of)(before));
    let text = |value: Option<f64>| value.map_or("nothing yet".to_owned(), kind.text);
    let before = match (now, then) {
        (Some(now), Some(then)) => {
            let (now, then) = ((kind.text)(now), (kind.text)(then));
            match now == then {
                true => "As in the weeks before".to_owned(),
                false => format!("{then} in the weeks before"),
            }
        }
        _ => "Nothing to compare with in the weeks before".to_owned(),
    };
    Chart {
        title: kind.title,
        value: text(now),
        unit: kind.unit,
        before,
        svg: draw(kind, weeks, id),
        rows: weeks
            .iter()
            .map(|week| {
                (
                    day(&week.since),
                    (kind.of)(week).map_or("-".to_owned(), kind.text),
                )
            })
            .collect(),
        column: kind.column,
    }
}

/// The figures.
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
    let columns = account.environment_columns().await?;
    let usual = columns
        .iter()
        .find(|one| one.kind == Some(EnvironmentType::Production))
        .or(columns.last())
        .map(|one| one.name.clone());
    let chosen = query.owned("environment").or(usual);
    let product = query.owned("product");
    let weeks: usize = query
        .get("weeks")
        .and_then(|weeks| weeks.parse().ok())
        .unwrap_or(12);
    let weeks = WEEKS.into_iter().find(|one| *one == weeks).unwrap_or(12);
    let span = i64::try_from(weeks).unwrap_or(12) * WEEK;
    let edges = |from: i64| -> Vec<i64> {
        let steps = (0..).take(weeks + 1);
        steps.map(|week: i64| from + week * WEEK).collect()
    };
    let finished = account
        .finished(product.clone(), chosen.clone(), now - 2 * span, now)
        .await?;
    let (earlier, later): (Vec<_>, Vec<_>) =
        finished.into_iter().partition(|one| one.at < now - span);
    let nothing = match (&product, query.owned("environment")) {
        _ if !later.is_empty() => None,
        (Some(name), _) if account.product(name.clone()).await?.is_none() => {
            Some(format!("{} is no product here.", format::name(name)))
        }
        (_, Some(name)) if account.environment(name.clone()).await?.is_none() => {
            Some(format!("{} is no environment here.", format::name(&name)))
        }
        _ => Some("Nothing was completed or failed there in this time.".to_owned()),
    };
    let (before, _) = count(earlier, &edges(now - 2 * span));
    let (total, by_week) = count(later, &edges(now - span));
    let kinds = kinds();
    let charts = kinds
        .iter()
        .enumerate()
        .map(|(id, kind)| chart(kind, &total, &before, &by_week, id))
        .collect();
    Ok(show(&Page {
        frame: viewer.frame(Here::Figures),
        sentence: Html::of(format!(
            "{}{}, the last {weeks} weeks",
            product
                .as_deref()
                .map_or(Html::of("All products"), format::name),
            chosen
                .as_deref()
                .map_or(String::new(), |one| format!(" in {}", format::name(one)))
        )),
        product: product.unwrap_or_default(),
        environments: columns
            .iter()
            .map(|one| Choice {
                value: one.name.clone(),
                text: format::attribute(&one.name),
                selected: Some(&one.name) == chosen.as_ref(),
            })
            .collect(),
        weeks: WEEKS
            .map(|one| Choice {
                value: one.to_string(),
                text: format!("{one} weeks"),
                selected: one == weeks,
            })
            .into(),
        charts,
        counted: format!(
            "{} with a lead time, {} recovered from a failure.",
            format::counted(total.lead_times, "deployment", "deployments"),
            total.recoveries
        ),
        nothing: nothing.map(Html::of),
    }))
}

#[cfg(test)]
mod tests {
    use super::ceiling;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (most, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (13.0, 20.0),
            (35.0, 40.0),
            (0.3, 0.4),
            (99.0, 100.0),
        ] {
            assert!(
                (ceiling(most) - top).abs() < 1e-9,
                "{most}: {}",
                ceiling(most)
            );
        }
    }
}
