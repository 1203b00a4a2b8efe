//! The rules, and what each does for now.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::error::PageError;
use super::filters;
use super::form::Form;
use super::format::{self, Html, name};
use super::frame::{Frame, Here, show_as};
use super::once::Once;
use super::query::Query;
use super::viewer::{Admin, Viewer};
use crate::api::App;
use crate::api::error::refusal_status;
use crate::domain::answer::Refusal;
use crate::domain::people::Role;
use crate::domain::rules::{Rule, RuleSpec, RuleStatus, etag};
use crate::store::flow::Command;

const DAYS: i64 = 30;
const DAY: i64 = 24 * 3600 * 1_000_000;

/// A rule in the list.
struct Row {
    id: String,
    name: Html,
    href: String,
    kind: &'static str,
    place: Html,
    held: String,
    class: &'static str,
    icon: &'static str,
    status: Html,
    own_status: String,
    overridden: Option<Html>,
    etag: String,
    open: bool,
    chosen: String,
    reason: String,
    until: String,
    errors: Vec<(String, String)>,
}

impl Row {
    fn error(&self, key: &str) -> Option<&str> {
        let found = self.errors.iter().find(|(other, _)| other == key);
        found.map(|(_, text)| text.as_str())
    }
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Page {
    frame: Frame,
    sentence: String,
    rows: Vec<Row>,
    may: bool,
    said: Option<String>,
}

/// What a kind of rule is called.
pub fn kind_name(word: &str) -> &'static str {
    match word {
        "concurrency" => "One at a time",
        "no_deploy_window" => "No-deploy window",
        "flow" => "Flow",
        "soak_time" => "Soak time",
        "quality_approval" => "Quality approval",
        "release_approval" => "Release approval",
        _ => "Cannot be read",
    }
}

/// Where a rule applies.
pub fn place(spec: &RuleSpec) -> Html {
    let list = |all: &[String], every: &str| match all {
        [] => every.to_owned(),
        [one, two, three, rest @ ..] if !rest.is_empty() => {
            let more = rest.len();
            format!(
                "{}, {}, {} and {more} more",
                name(one),
                name(two),
                name(three)
            )
        }
        some => {
            let shown: Vec<String> = some.iter().map(|one| name(one).to_string()).collect();
            shown.join(", ")
        }
    };
    match (spec.products.as_slice(), spec.environments.as_slice()) {
        ([], []) => Html::of("everywhere"),
        (products, environments) => Html::of(format!(
            "{}; {}",
            list(products, "all products"),
            list(environments, "all environments")
        )),
    }
}

fn row(rule: &Rule, held: usize, typed: Option<&Typed>, now: i64) -> Row {
    let meanwhile = rule.override_at(now);
    let (class, icon, word) = match rule.status_at(now) {
        RuleStatus::Enabled => ("yes", "yes", "enabled"),
        RuleStatus::ReportOnly => ("hold", "note", "report only"),
        RuleStatus::Disabled => ("off", "off", "disabled"),
    };
    let until = meanwhile.map_or(String::new(), |meanwhile| {
        format!(" until {}", format::clock(meanwhile.until, now))
    });
    let typed = typed.filter(|typed| typed.form.text("rule") == rule.id);
    let text = |key: &str| typed.map_or(String::new(), |typed| typed.form.text(key).to_owned());
    Row {
        id: rule.id.clone(),
        name: name(&rule.spec.name),
        href: format::address("/manage/rules/edit", &[("rule", &rule.id)]),
        kind: kind_name(rule.spec.check.type_name()),
        place: place(&rule.spec),
        held: match held {
            0 => "held nothing".to_owned(),
            count => format!("held {count}"),
        },
        class,
        icon,
        status: Html::of(format!("{word}{until}")),
        own_status: rule.spec.status.as_str().replace('_', " "),
        overridden: meanwhile.map(|meanwhile| {
            Html::of(format!(
                "{} until {}: “{}”. Then {} again.",
                meanwhile.status.as_str().replace('_', " "),
                format::clock(meanwhile.until, now),
                format::text(&meanwhile.reason),
                rule.spec.status.as_str().replace('_', " ")
            ))
        }),
        etag: etag(&rule.to_json(now)),
        open: typed.is_some(),
        chosen: match typed {
            Some(typed) => typed.form.text("status").to_owned(),
            None => rule.status_at(now).as_str().to_owned(),
        },
        reason: text("reason"),
        until: text("until"),
        errors: typed.map_or(Vec::new(), |typed| typed.errors.clone()),
    }
}

/// What was typed, and what is wrong with it.
struct Typed {
    form: Form,
    errors: Vec<(String, String)>,
    status: StatusCode,
}

/// The list of rules.
///
/// # Errors
/// If the database fails.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let said = match query.get("said") {
        Some("changed") => Some("The change is recorded."),
        Some("added") => Some("The rule is there from now on."),
        Some("removed") => Some("The rule is gone. The record keeps what it was."),
        _ => None,
    };
    answer(&app, &viewer, None, said).await
}

async fn answer(
    app: &App,
    viewer: &Viewer,
    typed: Option<Typed>,
    said: Option<&str>,
) -> Result<Response, PageError> {
    let now = app.now();
    let rules = viewer.account.rules().await?;
    let since = now.saturating_sub(DAYS * DAY);
    let refusals = viewer.account.refusals(since).await?;
    let held = held(&rules, &refusals);
    let count = |status: RuleStatus| {
        let of_it = rules.iter().filter(|rule| rule.status_at(now) == status);
        of_it.count()
    };
    let sentence = match rules.len() {
        0 => "None yet: nothing is held, but for a deployment in progress.".to_owned(),
        _ => format!(
            "{} enabled, {} report only, {} disabled",
            count(RuleStatus::Enabled),
            count(RuleStatus::ReportOnly),
            count(RuleStatus::Disabled)
        ),
    };
    let rows = rules.iter().map(|rule| {
        let held = held.get(rule.id.as_str()).copied().unwrap_or(0);
        row(rule, held, typed.as_ref(), now)
    });
    let status = typed.as_ref().map_or(StatusCode::OK, |typed| typed.status);
    Ok(show_as(
        status,
        &Page {
            frame: viewer.frame(Here::Rules),
            sentence,
            rows: rows.collect(),
            may: viewer.may(Role::Admin),
            said: said.map(str::to_owned),
        },
    ))
}

/// How many starts each rule has refused, by its identifier. What refused one stands there by name.
fn held<'a>(rules: &'a [Rule], refusals: &[(String, i64)]) -> HashMap<&'a str, usize> {
    let mut held: HashMap<&str, usize> = HashMap::new();
    for (names, count) in refusals {
        for rule in rules {
            let named =
                names == &rule.spec.name || names.split(", ").any(|name| name == rule.spec.name);
            if named {
                *held.entry(&rule.id).or_default() += usize::try_from(*count).unwrap_or(0);
            }
        }
    }
    held
}

/// A time of the form, which is in UTC.
pub fn utc_time(text: &str) -> Option<String> {
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(at.to_string())
}

/// Changes what a rule does, for good or for a time.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no admin.
pub async fn change_status(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let (reason, until) = (
        form.text("reason").to_owned(),
        form.text("until").to_owned(),
    );
    let mut errors: Vec<(String, String)> = Vec::new();
    if reason.is_empty() {
        let text = "Give a reason. It stands in the record.".to_owned();
        errors.push(("reason".to_owned(), text));
    }
    let end = utc_time(&until);
    if end.is_none() && !until.is_empty() {
        let text = format!("“{until}” is no time. Write it as 2026-11-25T14:00, in UTC.");
        errors.push(("until".to_owned(), text));
    }
    let mut changes = Map::new();
    match end {
        Some(end) => {
            let overridden = json!({
                "status": form.text("status"), "until": end, "reason": reason,
            });
            changes.insert("override".to_owned(), overridden);
        }
        None => {
            changes.insert("status".to_owned(), json!(form.text("status")));
            changes.insert("override".to_owned(), Value::Null);
        }
    }
    let command = Command::ChangeRule {
        id: form.text("rule").to_owned(),
        changes,
        create: false,
        reason: Some(reason),
        expected: Some(form.text("etag").to_owned()),
    };
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if errors.is_empty() {
        let once = Once::of(&form);
        match viewer.write_once(&app, once.as_ref(), command).await {
            Ok(_) => return Ok(Redirect::to("/manage/rules?said=changed").into_response()),
            Err(PageError::Refused(Refusal::Invalid(found))) => {
                errors.extend(found.iter().map(|error| {
                    let key = error.loc.last().cloned().unwrap_or_default();
                    let text = match key.as_str() {
                        "until" => "The end should be in the future, and at most 7 days away.",
                        _ => error.msg.as_str(),
                    };
                    (key, text.to_owned())
                }));
            }
            Err(PageError::Refused(Refusal::Changed)) => {
                status = refusal_status(&Refusal::Changed);
                let text = "Somebody has changed this rule meanwhile. What it says now stands in \
                            this row; send again what you want.";
                errors.push(("status".to_owned(), text.to_owned()));
            }
            Err(other) => return Err(other),
        }
    }
    let typed = Typed {
        form,
        errors,
        status,
    };
    answer(&app, &viewer, Some(typed), None).await
}
