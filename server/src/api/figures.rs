//! `GET /metrics/dora`: how often, how fast and how well.

use std::sync::Arc;

use axum::extract::State;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::lists::Parameters;
use crate::api::error::ApiError;
use crate::auth::principal::{Key, ToRead};
use crate::domain::answer::Answer;
use crate::domain::fields::MAX_NAME;
use crate::domain::figures::{Figures, count};

/// The most intervals of one answer.
const MAX_INTERVALS: usize = 400;
/// How far back the figures go if nobody says.
const WEEKS: i64 = 12;

/// The figures over a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dora {
    /// Only of this product.
    pub product: Option<String>,
    /// Only in this environment.
    pub environment: Option<String>,
    /// `day`, `week` or `month`.
    pub interval: &'static str,
    /// The figures of the whole time.
    pub total: Figures,
    /// Those of each interval, oldest first.
    pub intervals: Vec<Figures>,
}

/// How long an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interval {
    Day,
    Week,
    Month,
}

impl Interval {
    const WORDS: [(&'static str, Interval); 3] = [
        ("day", Interval::Day),
        ("week", Interval::Week),
        ("month", Interval::Month),
    ];

    /// So many intervals.
    fn times(self, count: i64) -> Span {
        match self {
            Interval::Day => Span::new().days(count),
            Interval::Week => Span::new().weeks(count),
            Interval::Month => Span::new().months(count),
        }
    }
}

/// The four DORA figures: deployment frequency, lead time, change failure rate and recovery time.
///
/// Counted is what was completed or failed, at the time at which it happened. A refused deployment
/// that fails is no failed change; one that is rolled back is. The lead time begins with the first
/// build of a version.
#[utoipa::path(
    get, path = "/metrics/dora", tag = "Reading",
    params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("environment" = Option<String>, Query, description = "Only in this environment"),
        ("since" = Option<String>, Query, description = "From when on, in RFC 3339 with a zone; 12 weeks before `until` by default"),
        ("until" = Option<String>, Query, description = "Until before when, in RFC 3339 with a zone; now by default"),
        ("interval" = Option<String>, Query, description = "`day`, `week` (by default) or `month`, from `since` on, in UTC; 400 of them at most")
    ),
    responses((status = 200, description = "The figures", body = Dora))
)]
pub async fn dora(
    State(app): State<Arc<App>>,
    key: Key<ToRead>,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let product = fields.text("product", MAX_NAME);
    let environment = fields.text("environment", MAX_NAME);
    let until = fields.timestamp("until").unwrap_or_else(|| app.time());
    let since = fields.timestamp("since");
    let interval = fields.choice("interval", &Interval::WORDS);
    let interval = interval.unwrap_or(Interval::Week);
    fields.refuse_unread();
    let begin = until.checked_sub(Span::new().hours(WEEKS * 7 * 24));
    let since = since.unwrap_or_else(|| begin.unwrap_or(Timestamp::MIN));
    if since >= until {
        fields.reject("since", "order", "Input should be earlier than until");
    }
    let edges = edges(since, until, interval);
    if edges.is_none() {
        let msg = format!("The time should hold at most {MAX_INTERVALS} intervals");
        fields.reject("interval", "too_many", msg);
    }
    fields.finish()?;
    let edges = edges.unwrap_or_default();
    let (first, last) = (since.as_microsecond(), until.as_microsecond());
    let finished = key
        .account
        .finished(product.clone(), environment.clone(), first, last)
        .await?;
    let (total, intervals) = count(finished, &edges);
    let word = Interval::WORDS.iter().find(|(_, one)| *one == interval);
    let answer = Dora {
        product,
        environment,
        interval: word.map_or("", |(word, _)| word),
        total,
        intervals,
    };
    Ok(Answer::new(200, &answer))
}

/// Where each interval begins, and the end of the last; none if there are too many of them.
fn edges(since: Timestamp, until: Timestamp, interval: Interval) -> Option<Vec<i64>> {
    let start = since.to_zoned(TimeZone::UTC);
    let mut edges = vec![since.as_microsecond()];
    for count in 1.. {
        let next = start.checked_add(interval.times(count)).ok()?.timestamp();
        if next >= until {
            break;
        }
        if edges.len() == MAX_INTERVALS {
            return None;
        }
        edges.push(next.as_microsecond());
    }
    edges.push(until.as_microsecond());
    Some(edges)
}
