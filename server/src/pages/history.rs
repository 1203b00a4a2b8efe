//! What was deployed and built, newest first.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::State as Of;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};
use versioner::Status;

use super::cell::{deployment_address, ended_by};
use super::deployment::{Mark, duration, gate_note, mark};
use super::error::PageError;
use super::filters;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, show};
use super::matrix::Choice;
use super::query::Query;
use super::story::cause;
use super::viewer::Viewer;
use crate::api::App;
use crate::domain::answer::Refusal;
use crate::domain::deployment::State;
use crate::domain::fields::{FieldError, read_timestamp};
use crate::store::views::{Build, Cursor, Deployment, Filter, Listing, Page};
use crate::store::{Account, Listed, StoreError};

/// The rows of a page.
pub const PAGE: i64 = 100;

/// The names of the filters.
const FILTERS: [&str; 6] = [
    "product",
    "environment",
    "version",
    "status",
    "since",
    "until",
];

/// What a history is asked for.
pub struct Asked {
    /// Of what.
    pub listing: Listing,
    /// Which of them.
    pub filter: Filter,
    /// What is wrong with the parameters, by name.
    pub wrong: Vec<(&'static str, String)>,
}

/// Reads the parameters.
pub fn asked(query: &Query) -> Asked {
    let builds = query.get("kind") == Some("builds");
    let listing = if builds {
        Listing::Builds
    } else {
        Listing::Deployments
    };
    let mut wrong = Vec::new();
    let status = query.get("status").and_then(|word| {
        let known = State::parse(&word.to_ascii_lowercase());
        let known = known.or_else(|| Status::parse(word).map(State::of));
        if known.is_none() {
            wrong.push((
                "status",
                format!("“{word}” is no state. Choose one of the list."),
            ));
        }
        known.map(State::as_str)
    });
    let cursor = query.get("cursor");
    if cursor.is_some_and(|text| Cursor::parse(text).is_none()) {
        let text = "This address names no place in the list. Begin with the newest.";
        wrong.push(("cursor", text.to_owned()));
    }
    let mut time = |key: &'static str, end: bool| {
        let text = query.get(key)?;
        let found = moment(text, end);
        if found.is_none() {
            let what = "is no day. Write it as 2026-11-23, in UTC.";
            wrong.push((key, format!("“{text}” {what}")));
        }
        found
    };
    let (since, until) = (time("since", false), time("until", true));
    Asked {
        listing,
        filter: Filter {
            product: query.owned("product"),
            environment: query.owned("environment").filter(|_| !builds),
            version: query.owned("version"),
            status,
            since,
            until,
            cursor: cursor.and_then(Cursor::parse),
            limit: PAGE,
        },
        wrong,
    }
}

/// A day, or a moment with a zone, in microseconds since 1970. The end of a day is the begin of the
/// next.
fn moment(text: &str, end: bool) -> Option<i64> {
    if let Ok(day) = text.parse::<Date>()
        && text.len() == 10
    {
        let day = if end { day.tomorrow().ok()? } else { day };
        let begin = day.to_zoned(TimeZone::UTC).ok()?;
        return Some(begin.timestamp().as_microsecond());
    }
    read_timestamp(text).map(jiff::Timestamp::as_microsecond)
}

/// A row.
pub struct Row {
    /// When it was first told of.
    pub time: Html,
    /// Its page.
    pub href: String,
    /// The product.
    pub product: Html,
    /// The version.
    pub version: Html,
    /// The environment; none for a build.
    pub environment: Option<Html>,
    /// What became of it.
    pub state: Mark,
    /// Why.
    pub note: Option<Html>,
    /// A mark and words for how it came past the rules, if that is not the usual way.
    pub late: Option<(&'static str, Html)>,
    /// Who did it.
    pub by: Option<Html>,
    /// How long it took.
    pub took: String,
}

/// What the template shows.
pub struct Shown {
    builds: bool,
    product: String,
    environment: String,
    version: String,
    since: String,
    until: String,
    statuses: Vec<Choice>,
    environments: Vec<String>,
    wrong: Vec<(&'static str, String)>,
    set: usize,
    csv: String,
    json: String,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
}

impl Shown {
    /// What is wrong with a filter.
    fn error(&self, key: &str) -> Option<&str> {
        let found = self.wrong.iter().find(|(other, _)| *other == key);
        found.map(|(_, text)| text.as_str())
    }
}

fn statuses(query: &Query, builds: bool) -> Vec<Choice> {
    let mut all = vec![Choice {
        value: String::new(),
        text: "Any".to_owned(),
        selected: query.get("status").is_none(),
    }];
    let states = State::ALL
        .into_iter()
        .filter(|state| !builds || *state != State::PreflightFailed);
    all.extend(states.map(|state| Choice {
        value: state.as_str().to_owned(),
        text: mark(state).text.to_string(),
        selected: query.get("status") == Some(state.as_str()),
    }));
    all
}

/// The page with these rows.
pub fn shown(
    query: &Query,
    asked: Asked,
    rows: Vec<Row>,
    next: Option<String>,
    environments: Vec<String>,
) -> Shown {
    let text = |key: &str| query.owned(key).unwrap_or_default();
    let builds = asked.listing == Listing::Builds;
    let export = |format: &str| query.address(&format!("/manage/history.{format}"), "", None);
    Shown {
        builds,
        product: text("product"),
        environment: text("environment"),
        version: text("version"),
        since: text("since"),
        until: text("until"),
        statuses: statuses(query, builds),
        environments,
        wrong: asked.wrong,
        set: query.count(&FILTERS),
        csv: export("csv"),
        json: export("json"),
        rows,
        newest: query
            .get("cursor")
            .map(|_| query.address("/manage/history", "cursor", None)),
        older: next.map(|cursor| query.address("/manage/history", "cursor", Some(&cursor))),
    }
}

/// The rows for deployments.
pub fn deployments(page: &Page<Deployment>, now: i64) -> Vec<Row> {
    let row = |one: &Deployment| {
        let mut state = mark(one.status);
        let note = match one.status {
            State::Started => {
                let since = micros(one.started_at.as_deref().unwrap_or(&one.created_at));
                state.text = Html::of(format!("in progress, {}", format::age(since, now)));
                None
            }
            State::PreflightFailed => one.refused_by.as_deref().map(|rules| {
                let asks = if one.asks > 1 {
                    format!("; asked {} times", one.asks)
                } else {
                    String::new()
                };
                Html::of(format!("{}{asks}", name(rules)))
            }),
            State::Aborted if one.ended_by.is_some() => {
                state.text = Html::of(format!("aborted{}", ended_by(one.ended_by.as_ref())));
                None
            }
            State::Failed => {
                let cause: Vec<String> = cause(&one.extra_metadata)
                    .iter()
                    .map(Html::to_string)
                    .collect();
                (!cause.is_empty()).then(|| Html::of(cause.join(", ")))
            }
            _ => None,
        };
        Row {
            time: format::clock(micros(&one.created_at), now),
            href: deployment_address(&one.id),
            product: name(&one.product_name),
            version: name(&one.version),
            environment: Some(name(&one.environment_name)),
            state,
            note,
            late: gate_note(one),
            by: one.deployed_by.as_deref().map(name),
            took: duration(one).map(format::exact_span).unwrap_or_default(),
        }
    };
    page.items.iter().map(row).collect()
}

/// The rows for builds.
pub fn builds(page: &Page<Build>, now: i64) -> Vec<Row> {
    let row = |one: &Build| {
        let text = |key: &str| one.details.get(key).and_then(Value::as_str);
        let took = text("started_at")
            .zip(text("completed_at"))
            .map(|(from, to)| micros(to).saturating_sub(micros(from)));
        Row {
            time: format::clock(micros(&one.created_at), now),
            href: format::address("/manage/versions", &[("view", &one.version_id)]),
            product: name(&one.product_name),
            version: name(&one.version),
            environment: None,
            state: mark(one.status),
            note: None,
            late: None,
            by: text("built_by_name").or(text("built_by")).map(name),
            took: took.map(format::exact_span).unwrap_or_default(),
        }
    };
    page.items.iter().map(row).collect()
}

/// The columns of an export.
pub const fn columns(listing: Listing) -> &'static [&'static str] {
    match listing {
        Listing::Builds => &[
            "id",
            "product_name",
            "version",
            "status",
            "created_at",
            "updated_at",
            "built_by",
            "scm_sha",
            "scm_branch",
            "scm_repository",
            "source_system",
            "build_number",
            "invoke_id",
            "build_url",
        ],
        _ => &[
            "id",
            "product_name",
            "version",
            "environment_name",
            "status",
            "gate",
            "refused_by",
            "created_at",
            "started_at",
            "deployed_at",
            "updated_at",
            "deployed_by",
            "scm_sha",
            "scm_branch",
            "scm_repository",
            "source_system",
            "build_number",
            "invoke_id",
            "deploy_url",
        ],
    }
}

/// A line of an export.
pub fn csv_line(listing: Listing, item: &Map<String, Value>) -> String {
    let cells: Vec<String> = columns(listing)
        .iter()
        .map(|column| match item.get(*column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
        .collect();
    super::csv::line(cells.iter().map(String::as_str))
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    shown: Shown,
}

/// The history.
///
/// # Errors
/// If the database fails.
pub async fn page(
    Of(app): Of<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let asked = asked(&query);
    let (account, now) = (&viewer.account, app.now());
    let filter = asked.filter.clone();
    let (rows, next) = if !asked.wrong.is_empty() {
        (Vec::new(), None)
    } else if asked.listing == Listing::Builds {
        let page = account.list::<Build>(filter).await?;
        (builds(&page, now), page.next_cursor)
    } else {
        let page = account.list::<Deployment>(filter).await?;
        (deployments(&page, now), page.next_cursor)
    };
    let environments = account.environments().await?;
    Ok(show(&HistoryPage {
        frame: viewer.frame(Here::History),
        shown: shown(&query, asked, rows, next, environments),
    }))
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
}

/// How many items are read at once for an export.
const EXPORTED_AT_ONCE: i64 = 500;

/// The history as a table for spreadsheets, as long as it is.
///
/// # Errors
/// [`PageError::Refused`] if a filter is wrong.
pub async fn csv(viewer: Viewer, query: Query) -> Result<Response, PageError> {
    export(viewer, &query, Form::Csv)
}

/// The history as JSON, as the API shows it.
///
/// # Errors
/// As [`csv`].
pub async fn json(viewer: Viewer, query: Query) -> Result<Response, PageError> {
    export(viewer, &query, Form::Json)
}

fn export(viewer: Viewer, query: &Query, form: Form) -> Result<Response, PageError> {
    let asked = asked(query);
    if let Some((key, wrong)) = asked.wrong.into_iter().next() {
        let error = FieldError::new("query", key, "value_error", wrong);
        return Err(PageError::Refused(Refusal::Invalid(vec![error])));
    }
    let filter = Filter {
        limit: EXPORTED_AT_ONCE,
        ..asked.filter
    };
    let (name, body) = match asked.listing {
        Listing::Builds => ("builds", items::<Build>(viewer.account, filter, form)),
        _ => (
            "deployments",
            items::<Deployment>(viewer.account, filter, form),
        ),
    };
    let (content_type, ending) = match form {
        Form::Csv => ("text/csv; charset=utf-8", "csv"),
        Form::Json => ("application/json", "json"),
    };
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, body).into_response())
}

/// Where an export is.
enum Place {
    Begin,
    At(Option<Cursor>),
    End,
}

/// The items, some hundred at a time, so that nobody keeps all of them in memory.
fn items<T>(account: Arc<Account>, filter: Filter, form: Form) -> Body
where
    T: Listed + Serialize + Send + 'static,
{
    let next = move |place: Place| {
        let (account, mut filter) = (account.clone(), filter.clone());
        async move {
            let mut text = String::new();
            let first = matches!(place, Place::Begin);
            filter.cursor = match place {
                Place::End => return None,
                Place::Begin => filter.cursor,
                Place::At(cursor) => cursor,
            };
            if first {
                text += &match form {
                    Form::Csv => super::csv::line(columns(T::LISTING).iter().copied()),
                    Form::Json => "[".to_owned(),
                };
            }
            let page = match account.list::<T>(filter).await {
                Ok(page) => page,
                Err(error) => return Some((Err(error), Place::End)),
            };
            for (count, item) in page.items.iter().enumerate() {
                let value = match serde_json::to_value(item) {
                    Ok(Value::Object(object)) => object,
                    _ => continue,
                };
                text += &match form {
                    Form::Csv => csv_line(T::LISTING, &value),
                    Form::Json if first && count == 0 => format!("\n{}", Value::Object(value)),
                    Form::Json => format!(",\n{}", Value::Object(value)),
                };
            }
            let place = match page.next_cursor.as_deref().map(Cursor::parse) {
                Some(cursor) => Place::At(cursor),
                None => Place::End,
            };
            if matches!(place, Place::End) && form == Form::Json {
                text += "\n]\n";
            }
            Some((Ok::<String, StoreError>(text), place))
        }
    };
    Body::from_stream(stream::unfold(Place::Begin, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_times_and_other_words_are_told() {
        let query = Query::parse("since=2026-11-23&until=2026-11-23&status=done&product=");
        let asked = asked(&query);
        assert_eq!(asked.filter.since, Some(micros("2026-11-23T00:00:00Z")));
        assert_eq!(asked.filter.until, Some(micros("2026-11-24T00:00:00Z")));
        assert_eq!(asked.filter.product, None);
        let query = Query::parse("since=yesterday&status=nonsense&kind=builds&environment=x");
        let asked = super::asked(&query);
        assert_eq!(asked.wrong.len(), 2);
        assert_eq!(asked.listing, Listing::Builds);
        assert_eq!(asked.filter.environment, None);
    }
}
