//! The page that answers whether a version may go somewhere.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::buttons::{self, Shown};
use super::error::PageError;
use super::filters;
use super::form::Form;
use super::format::{self, Html, name};
use super::frame::{Frame, Here, show_as};
use super::gate::{self, Asked, RuleRow, Says, Verdict};
use super::matrix::Choice;
use super::once::Once;
use super::query::Query;
use super::viewer::{Admin, Viewer};
use crate::api::App;
use crate::domain::answer::{Refusal, Verdict as Found};
use crate::domain::deployment::Request;
use crate::domain::event::DeploymentEvent;
use crate::domain::fields::FieldError;
use crate::domain::people::Role;
use crate::domain::rules::{Exempted, Exemption, ExemptionSpec, Rule, Seen, etag};
use crate::domain::time::instant;
use crate::store::Account;
use crate::store::flow::{Command, Outcome};
use crate::store::transaction::Envelope;
use crate::store::views::{Deployment, Filter, Version};

/// The versions that can be chosen.
const VERSIONS: i64 = 50;
/// For how long an exemption may be, in hours.
const HOURS: [(&str, &str); 4] = [
    ("1", "1 hour"),
    ("4", "4 hours"),
    ("24", "24 hours"),
    ("168", "7 days"),
];

/// An environment, and whether the version may go there.
struct Elsewhere {
    name: Html,
    href: String,
    yes: bool,
    sentence: String,
}

/// What lets this version through.
struct Through {
    id: String,
    text: Html,
}

/// A rule that a start can be let past.
struct Passable {
    id: String,
    name: Html,
    chosen: bool,
    /// Its entity tag as it stands on the page.
    tag: String,
}

/// The form that lets one start through.
#[derive(Default)]
struct Letting {
    rules: Vec<Passable>,
    /// The commit of the version, if it has one.
    commit: String,
    reason: String,
    hours: Vec<Choice>,
    open: bool,
    errors: Vec<(String, String)>,
}

impl Letting {
    fn error(&self, key: &str) -> Option<&str> {
        let found = self.errors.iter().find(|(other, _)| other == key);
        found.map(|(_, text)| text.as_str())
    }
}

#[derive(Template)]
#[template(path = "gate.html")]
struct Page {
    frame: Frame,
    title: String,
    product: String,
    version: String,
    environment: String,
    product_html: Html,
    version_html: Html,
    environment_html: Html,
    product_href: String,
    version_href: String,
    asked_at: Html,
    versions: Vec<Choice>,
    environments: Vec<Choice>,
    verdict: Option<Verdict>,
    rows: Vec<RuleRow>,
    elsewhere: Vec<Elsewhere>,
    through: Vec<Through>,
    letting: Option<Letting>,
    said: Option<&'static str>,
    command: String,
    /// The deployment buttons.
    deploy: Vec<Shown>,
}

/// What would go where.
#[derive(Debug, Clone)]
pub struct Question {
    /// The product.
    pub product: String,
    /// The version.
    pub version: String,
    /// The environment.
    pub environment: String,
}

/// The last attempt of a version in an environment.
///
/// # Errors
/// If the database fails.
pub async fn last_attempt(
    account: &Account,
    question: &Question,
) -> Result<Option<Deployment>, PageError> {
    let filter = Filter {
        product: Some(question.product.clone()),
        environment: Some(question.environment.clone()),
        version: Some(question.version.clone()),
        limit: 1,
        ..Filter::default()
    };
    Ok(account
        .list::<Deployment>(filter)
        .await?
        .items
        .into_iter()
        .next())
}

/// What the rules say of it now. Nothing is recorded.
///
/// # Errors
/// [`PageError::Refused`] if a name cannot be one.
pub async fn judge(
    app: &App,
    account: &Account,
    question: &Question,
    attempt: Option<&Deployment>,
) -> Result<Box<Found>, PageError> {
    let mut event = json!({
        "product_name": question.product,
        "version": question.version,
        "environment_name": question.environment,
        "status": "started",
    });
    if let Some(attempt) = attempt {
        event["deployed_by"] = json!(attempt.deployed_by);
        for key in ["deployed_by_email", "source_system", "scm_sha"] {
            event[key] = attempt.details.get(key).cloned().unwrap_or(Value::Null);
        }
    }
    let event = DeploymentEvent::read(event).map_err(PageError::Refused)?;
    let request = Request {
        origin: event.origin(),
        event,
        span: None,
        has_key: true,
        // Whoever looks is not who deploys: their own approval counts.
        actor: "pages".to_owned(),
        owner: None,
        fingerprint: String::new(),
        occurred: None,
        history: false,
        foreign: false,
    };
    let envelope = Envelope::new("pages".to_owned(), app.now());
    let command = Command::Preflight(Box::new(request));
    match account.write(envelope, command).await? {
        Outcome::Looked(verdict) => Ok(verdict),
        Outcome::Refused(refusal) => Err(PageError::Refused(refusal)),
        Outcome::Done(_) | Outcome::Shown(_) | Outcome::Claimed(_) => Err(PageError::Broken),
    }
}

/// What was typed into the form that lets a start through, and what is wrong with it.
struct Typed {
    form: Form,
    errors: Vec<FieldError>,
    status: StatusCode,
}

/// The gate.
///
/// # Errors
/// [`PageError::Refused`] if a name cannot be one.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let text = |key: &str| query.owned(key).unwrap_or_default();
    let question = Question {
        product: text("product"),
        version: text("version"),
        environment: text("environment"),
    };
    let said = match query.get("said") {
        Some("through") => Some("One start of this version is let through."),
        Some("withdrawn") => Some("The permission is withdrawn."),
        _ => None,
    };
    answer(&app, &viewer, question, None, said).await
}

async fn answer(
    app: &App,
    viewer: &Viewer,
    mut question: Question,
    typed: Option<Typed>,
    said: Option<&'static str>,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let now = app.now();
    let columns = account.environment_columns().await?;
    let mut versions = Vec::new();
    if !question.product.is_empty() {
        let filter = Filter {
            product: Some(question.product.clone()),
            limit: VERSIONS,
            ..Filter::default()
        };
        versions = account.list::<Version>(filter).await?.items;
    }
    if question.version.is_empty() {
        let newest = versions.first().map(|version| version.version.clone());
        question.version = newest.unwrap_or_default();
    }
    let mut known: Vec<&str> = versions.iter().map(|one| one.version.as_str()).collect();
    if !question.version.is_empty() && !known.contains(&question.version.as_str()) {
        known.insert(0, &question.version);
    }
    let choice = |value: &str, chosen: &str| Choice {
        value: value.to_owned(),
        text: format::attribute(value),
        selected: value == chosen,
    };
    let version_choices: Vec<Choice> = known
        .iter()
        .map(|one| choice(one, &question.version))
        .collect();
    let mut environments = vec![Choice {
        value: String::new(),
        text: "each of them".to_owned(),
        selected: question.environment.is_empty(),
    }];
    environments.extend(
        columns
            .iter()
            .map(|one| choice(&one.name, &question.environment)),
    );
    let mut page = Page {
        frame: viewer.frame(Here::Elsewhere),
        title: format!(
            "Can {} {} go?",
            format::attribute(&question.product),
            format::attribute(&question.version)
        ),
        product_html: name(&question.product),
        version_html: name(&question.version),
        environment_html: name(&question.environment),
        product_href: format::address("/manage/products", &[("product", &question.product)]),
        version_href: format::address(
            "/manage/versions",
            &[
                ("product", &question.product),
                ("version", &question.version),
            ],
        ),
        asked_at: format::clock(now, now),
        versions: version_choices,
        environments,
        verdict: None,
        rows: Vec::new(),
        elsewhere: Vec::new(),
        through: Vec::new(),
        letting: None,
        said,
        command: command(&question),
        deploy: Vec::new(),
        product: question.product.clone(),
        version: question.version.clone(),
        environment: question.environment.clone(),
    };
    let complete = !question.product.is_empty() && !question.version.is_empty();
    if complete {
        let wanted = Filter {
            product: Some(question.product.clone()),
            version: Some(question.version.clone()),
            limit: 1,
            ..Filter::default()
        };
        if let Some(version) = account.list::<Version>(wanted).await?.items.first() {
            page.deploy = buttons::beside(account, version, &question.environment).await?;
        }
        let people = account.people().await?;
        let rules = account.rules().await?;
        let exemptions = account.exemptions().await?;
        let names: Vec<String> = match question.environment.as_str() {
            "" => columns.iter().map(|one| one.name.clone()).collect(),
            one => vec![one.to_owned()],
        };
        for environment in names {
            let one = Question {
                environment,
                ..question.clone()
            };
            let attempt = last_attempt(account, &one).await?;
            let found = judge(app, account, &one, attempt.as_ref()).await?;
            let asked = Asked {
                place: &found.place,
                rules: &rules,
                people: &people,
                viewer: &viewer.person().id,
                attempt: attempt.as_ref(),
                exemptions: &exemptions,
                now,
            };
            let rows = gate::rows(&found.body, &asked);
            let verdict = gate::verdict(&rows, &asked);
            if question.environment.is_empty() {
                page.elsewhere.push(Elsewhere {
                    name: name(&one.environment),
                    href: address(&one),
                    yes: verdict.yes,
                    sentence: verdict.sentence,
                });
                continue;
            }
            let live = exemptions
                .iter()
                .filter(|one| one.is_live(now) && one.is_for(&found.place));
            page.through = live.map(|one| through(one, now)).collect();
            if viewer.may(Role::Admin) {
                let seen = account.commit_of(question.product.clone(), question.version.clone());
                let seen = (seen.await?.unwrap_or_default(), rules.as_slice(), now);
                page.letting = letting(&rows, seen, typed.as_ref());
            }
            page.rows = rows;
            page.verdict = Some(verdict);
        }
    }
    let status = typed.map_or(StatusCode::OK, |typed| typed.status);
    Ok(show_as(status, &page))
}

/// The address of the answer.
pub fn address(question: &Question) -> String {
    let parameters = [
        ("product", question.product.as_str()),
        ("version", question.version.as_str()),
        ("environment", question.environment.as_str()),
    ];
    format::address("/manage/gate", &parameters)
}

/// The command that asks the same. What a shell would read otherwise stands in quotes.
fn command(question: &Question) -> String {
    let quoted = |text: &str| {
        let plain = |one: char| one.is_ascii_alphanumeric() || "._-+/:@".contains(one);
        match text.chars().all(plain) {
            true => text.to_owned(),
            false => format!("'{}'", format::attribute(text).replace('\'', "'\\''")),
        }
    };
    format!(
        "versioner check --product {} --version {} --environment {}",
        quoted(&question.product),
        quoted(&question.version),
        quoted(&question.environment)
    )
}

fn through(exemption: &Exemption, now: i64) -> Through {
    let what = match &exemption.exempted {
        Exempted::All => "every rule".to_owned(),
        Exempted::Rules(rules) => format::counted(rules.len(), "rule", "rules"),
    };
    let left = exemption.uses - exemption.used;
    let starts = format::counted(usize::try_from(left).unwrap_or(0), "start", "starts");
    Through {
        id: exemption.id.clone(),
        text: Html::of(format!(
            "{starts} may pass {what} until {}: {}",
            format::clock(exemption.until, now),
            name(&exemption.reason)
        )),
    }
}

/// The form that lets a start past the rules that hold it; none if none of them can be passed.
fn letting(
    rows: &[RuleRow],
    (commit, all, now): (String, &[Rule], i64),
    typed: Option<&Typed>,
) -> Option<Letting> {
    let ticked: Vec<&str> = typed.map_or(Vec::new(), |typed| typed.form.all("rule").collect());
    let tag = |id: &str| {
        let rule = all.iter().find(|rule| rule.id == id);
        let tag = rule.map_or(String::new(), |rule| etag(&rule.to_json(now)));
        tag.trim_matches('"').to_owned()
    };
    let rules: Vec<Passable> = rows
        .iter()
        .filter(|row| row.says == Says::Holds && !row.in_the_way)
        .filter_map(|row| {
            let id = row.id.clone()?;
            Some(Passable {
                chosen: typed.is_none() || ticked.contains(&id.as_str()),
                tag: tag(&id),
                name: row.name.clone(),
                id,
            })
        })
        .collect();
    if rules.is_empty() {
        return None;
    }
    let hours = typed.map_or("4", |typed| typed.form.text("hours"));
    let errors = typed.map_or(Vec::new(), |typed| {
        typed
            .errors
            .iter()
            .map(|error| {
                let key = error.loc.last().cloned().unwrap_or_default();
                let text = match key.as_str() {
                    "reason" => "Say why. It stands in the record.".to_owned(),
                    "rule_ids" => "Choose at least one rule.".to_owned(),
                    _ => error.msg.clone(),
                };
                (key, text)
            })
            .collect()
    });
    Some(Letting {
        rules,
        commit,
        reason: typed.map_or(String::new(), |typed| typed.form.text("reason").to_owned()),
        hours: HOURS
            .map(|(value, text)| Choice {
                value: value.to_owned(),
                text: text.to_owned(),
                selected: value == hours,
            })
            .into(),
        open: typed.is_some(),
        errors,
    })
}

/// Lets one start past the rules that hold it.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no admin.
pub async fn let_through(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let question = Question {
        product: form.text("product").to_owned(),
        version: form.text("version").to_owned(),
        environment: form.text("environment").to_owned(),
    };
    let hours: i64 = form.text("hours").parse().unwrap_or(0);
    let until = app
        .now()
        .saturating_add(hours.clamp(0, 168) * 3_600_000_000);
    let until: Timestamp = instant(until);
    let rules: Vec<&str> = form.all("rule").collect();
    let body = json!({
        "rule_ids": rules,
        "product": question.product,
        "version": question.version,
        "environment": question.environment,
        "until": until.to_string(),
        "reason": form.text("reason"),
    });
    let done = match ExemptionSpec::read(body, app.now()) {
        Ok(spec) => {
            let seen = Some(seen(&form));
            let once = Once::of(&form);
            let command = Command::Exempt { spec, seen };
            let written = viewer.write_once(&app, once.as_ref(), command).await;
            written.map(|_| ())
        }
        Err(refusal) => Err(PageError::Refused(refusal)),
    };
    match done {
        Ok(()) => {
            let to = format!("{}&said=through", address(&question));
            Ok(Redirect::to(&to).into_response())
        }
        Err(PageError::Refused(Refusal::Invalid(errors))) => {
            let typed = Typed {
                form,
                errors,
                status: StatusCode::UNPROCESSABLE_ENTITY,
            };
            answer(&app, &viewer, question, Some(typed), None).await
        }
        Err(PageError::Refused(Refusal::Conflict(why))) => {
            let typed = Typed {
                form,
                errors: vec![FieldError::new("body", "seen", "changed", why)],
                status: StatusCode::CONFLICT,
            };
            answer(&app, &viewer, question, Some(typed), None).await
        }
        Err(other) => Err(other),
    }
}

/// What stood on the page that the form is on.
fn seen(form: &Form) -> Seen {
    let tags = form.all("tag").filter_map(|one| one.split_once(' '));
    Seen {
        commit: Some(form.text("commit").to_owned()).filter(|commit| !commit.is_empty()),
        rules: tags
            .map(|(id, tag)| (id.to_owned(), tag.to_owned()))
            .collect(),
    }
}

/// Takes back what lets starts through.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no admin, [`PageError::Refused`] if it is over.
pub async fn withdraw(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let command = Command::WithdrawExemption {
        id: form.text("exemption").to_owned(),
        reason: None,
    };
    let once = Once::of(&form);
    viewer.write_once(&app, once.as_ref(), command).await?;
    let question = Question {
        product: form.text("product").to_owned(),
        version: form.text("version").to_owned(),
        environment: form.text("environment").to_owned(),
    };
    let to = format!("{}&said=withdrawn", address(&question));
    Ok(Redirect::to(&to).into_response())
}
