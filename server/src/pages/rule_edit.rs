//! Making and changing a rule, with a look at what it would have held.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::cell::deployment_address;
use super::error::PageError;
use super::filters;
use super::form::Form;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, show_as};
use super::once::Once;
use super::preview::preview;
use super::query::Query;
use super::rule_form::{Draft, Field};
use super::rules::kind_name;
use super::viewer::{Admin, Viewer};
use crate::api::App;
use crate::api::error::refusal_status;
use crate::domain::answer::Refusal;
use crate::domain::fields::FieldError;
use crate::domain::people::Role;
use crate::domain::rules::{Rule, RuleSpec, etag};
use crate::store::flow::Command;

/// The kinds that can be made, and what each is for.
const KINDS: [(&str, &str); 6] = [
    (
        "release_approval",
        "Somebody says yes before a version goes there.",
    ),
    (
        "quality_approval",
        "Somebody says that it was tested in another environment.",
    ),
    ("flow", "A version is deployed to other environments first."),
    (
        "soak_time",
        "A version runs in another environment for some time first.",
    ),
    (
        "no_deploy_window",
        "Nothing is deployed at certain times: a freeze, a weekend, month end.",
    ),
    (
        "concurrency",
        "One deployment at a time, in an environment or of each product.",
    ),
];
/// The most of the held deployments that are named.
const MAX_HELD: usize = 10;

struct Kind {
    href: String,
    name: &'static str,
    what: &'static str,
}

struct Looked {
    sentence: String,
    asked: usize,
    held: usize,
    items: Vec<(String, Html)>,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct Page {
    frame: Frame,
    title: String,
    heading: Html,
    kinds: Vec<Kind>,
    kind: String,
    kind_name: &'static str,
    rule: String,
    etag: String,
    fields: Vec<Field>,
    status: String,
    reason: String,
    reason_error: Option<String>,
    /// What is wrong with no field of its own.
    problems: Vec<String>,
    wrong: usize,
    looked: Option<Looked>,
    may: bool,
}

/// What a page begins with.
struct Begin {
    draft: Draft,
    rule: Option<Rule>,
    etag: String,
    status: String,
    reason: String,
    errors: Vec<FieldError>,
    problems: Vec<String>,
    code: StatusCode,
}

/// The form of a rule; of a new one, if none is named.
///
/// # Errors
/// [`PageError::NotFound`] if there is no such rule.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let rule = match query.get("rule") {
        Some(id) => Some(
            find(&viewer, id)
                .await?
                .ok_or(PageError::NotFound("rule"))?,
        ),
        None => None,
    };
    let kind = query.get("kind").unwrap_or_default();
    let known = KINDS.iter().any(|(word, _)| *word == kind);
    let draft = match &rule {
        Some(rule) => Draft::of_rule(rule),
        None if known => Draft::new(kind),
        None => Draft::default(),
    };
    let begin = Begin {
        etag: rule
            .as_ref()
            .map_or(String::new(), |rule| etag(&rule.to_json(app.now()))),
        draft,
        rule,
        status: "report_only".to_owned(),
        reason: String::new(),
        errors: Vec::new(),
        problems: Vec::new(),
        code: StatusCode::OK,
    };
    answer(&app, &viewer, begin).await
}

async fn find(viewer: &Viewer, id: &str) -> Result<Option<Rule>, PageError> {
    let rules = viewer.account.rules().await?;
    Ok(rules.into_iter().find(|rule| rule.id == id))
}

async fn answer(app: &App, viewer: &Viewer, begin: Begin) -> Result<Response, PageError> {
    let account = &viewer.account;
    let columns = account.environment_columns().await?;
    let names: Vec<String> = columns.iter().map(|one| one.name.clone()).collect();
    let (draft, rule) = (&begin.draft, &begin.rule);
    let spec = match draft.kind.is_empty() {
        true => None,
        false => RuleSpec::read(Value::Object(draft.body())).ok(),
    };
    let now = app.now();
    let looked = match &spec {
        Some(spec) => {
            let found = preview(account, spec, &columns).await?;
            let items = found.held.iter().take(MAX_HELD).map(|one| {
                let by = one
                    .deployed_by
                    .as_deref()
                    .map_or(String::new(), |by| format!(", {}", name(by)));
                let text = format!(
                    "{} {}, {}{by}",
                    name(&one.product_name),
                    name(&one.version),
                    format::clock(micros(&one.created_at), now)
                );
                (deployment_address(&one.id), Html::of(text))
            });
            Some(Looked {
                sentence: match found.asked {
                    0 => "No deployment yet that it is for.".to_owned(),
                    asked => format!(
                        "Would have blocked {} of the last {}.",
                        found.held.len(),
                        format::counted(asked, "deployment", "deployments")
                    ),
                },
                asked: found.asked,
                held: found.held.len(),
                items: items.collect(),
            })
        }
        None => None,
    };
    let fields = match draft.kind.as_str() {
        "" => Vec::new(),
        _ => draft.fields(&names, &begin.errors),
    };
    let mut problems = begin.problems;
    let of_field = |error: &&FieldError| {
        let last = error.loc.last();
        fields
            .iter()
            .any(|field| last.is_some_and(|last| last == field.key))
    };
    problems.extend(
        begin
            .errors
            .iter()
            .filter(|error| !of_field(error))
            .filter_map(|error| {
                let last = error.loc.last().map_or("", String::as_str);
                (last != "reason").then(|| error.msg.clone())
            }),
    );
    let reason_error = begin
        .errors
        .iter()
        .find(|error| error.loc.last().is_some_and(|last| last == "reason"));
    let reason_error = reason_error.map(|error| error.msg.clone());
    let wrong = fields.iter().filter(|field| field.error.is_some()).count()
        + usize::from(reason_error.is_some())
        + problems.len();
    let kind_name = kind_name(&draft.kind);
    let heading = match (rule, draft.kind.as_str()) {
        (Some(rule), _) => Html::of(format!("Rule {}", name(&rule.spec.name))),
        (None, "") => Html::of("New rule"),
        (None, _) => Html::of(format!("New rule: {kind_name}")),
    };
    let kinds = KINDS.map(|(word, what)| Kind {
        href: format::address("/manage/rules/edit", &[("kind", word)]),
        name: super::rules::kind_name(word),
        what,
    });
    Ok(show_as(
        begin.code,
        &Page {
            frame: viewer.frame(Here::Rules),
            title: rule.as_ref().map_or("New rule".to_owned(), |rule| {
                format::attribute(&rule.spec.name)
            }),
            heading,
            kinds: match draft.kind.is_empty() {
                true => kinds.into(),
                false => Vec::new(),
            },
            kind: draft.kind.clone(),
            kind_name,
            rule: rule.as_ref().map_or(String::new(), |rule| rule.id.clone()),
            etag: begin.etag,
            fields,
            status: begin.status,
            reason: begin.reason,
            reason_error,
            problems,
            wrong,
            looked,
            may: viewer.may(Role::Admin),
        },
    ))
}

/// Saves a rule, shows what it would have held, or removes it.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no admin.
pub async fn save(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let rule = match form.text("rule") {
        "" => None,
        id => find(&viewer, id).await?,
    };
    let is_gone = rule.is_none() && !form.text("rule").is_empty();
    let action = form.text("do").to_owned();
    if is_gone && action == "remove" {
        // As by another click, or by somebody else: it is as they want it.
        return Ok(done("removed"));
    }
    let mut begin = Begin {
        draft: Draft::of_form(&form),
        etag: form.text("etag").to_owned(),
        status: form.text("status").to_owned(),
        reason: form.text("reason").to_owned(),
        rule,
        errors: Vec::new(),
        problems: Vec::new(),
        code: StatusCode::OK,
    };
    if is_gone {
        let text = "Somebody has removed this rule since you opened it. Yours is kept below: save to \
            make it anew.";
        begin.problems.push(text.to_owned());
        begin.code = refusal_status(&Refusal::Changed);
        return answer(&app, &viewer, begin).await;
    }
    let mut body = begin.draft.body();
    if begin.rule.is_none() {
        body.insert("status".to_owned(), json!(begin.status));
    }
    let read = RuleSpec::read(Value::Object(body.clone()));
    if let Err(Refusal::Invalid(errors)) = &read
        && action != "remove"
    {
        begin.errors.extend(errors.iter().cloned());
    }
    if action != "preview" && begin.reason.is_empty() {
        let text = "Give a reason. It stands in the record.";
        begin
            .errors
            .push(FieldError::new("body", "reason", "missing", text));
    }
    if action == "preview" || !begin.errors.is_empty() {
        if !begin.errors.is_empty() {
            begin.code = StatusCode::UNPROCESSABLE_ENTITY;
        }
        return answer(&app, &viewer, begin).await;
    }
    let reason = Some(begin.reason.clone());
    let expected = Some(begin.etag.clone());
    let (command, said) = match (&begin.rule, action.as_str(), read) {
        (Some(rule), "remove", _) => (
            Command::RemoveRule {
                id: rule.id.clone(),
                reason,
                expected,
            },
            "removed",
        ),
        (Some(rule), _, _) => (
            Command::ChangeRule {
                id: rule.id.clone(),
                changes: body,
                create: false,
                reason,
                expected,
            },
            "changed",
        ),
        (None, _, Ok(spec)) => (
            Command::AddRule {
                spec,
                create: false,
                reason,
            },
            "added",
        ),
        (None, _, Err(refusal)) => return Err(PageError::Refused(refusal)),
    };
    let once = Once::of(&form);
    match viewer.write_once(&app, once.as_ref(), command).await {
        Ok(_) => return Ok(done(said)),
        Err(PageError::Refused(Refusal::Invalid(errors))) => {
            begin.errors = errors;
            begin.code = StatusCode::UNPROCESSABLE_ENTITY;
        }
        Err(PageError::Refused(Refusal::Changed)) => {
            begin.code = refusal_status(&Refusal::Changed);
            if let Some(rule) = &begin.rule {
                begin.etag = etag(&rule.to_json(app.now()));
                begin.problems.push(meanwhile(rule, &begin.draft));
            }
        }
        Err(other) => return Err(other),
    }
    answer(&app, &viewer, begin).await
}

/// The list of rules, which says what was done.
fn done(said: &str) -> Response {
    let to = format::address("/manage/rules", &[("said", said)]);
    Redirect::to(&to).into_response()
}

/// What a rule says by now, as far as it is not what was typed.
fn meanwhile(rule: &Rule, typed: &Draft) -> String {
    let flat = |draft: &Draft| -> Vec<(String, String)> {
        let mut body = draft.body();
        let config = body.shift_remove("config").unwrap_or_default();
        let config = config.as_object().cloned().unwrap_or_default();
        let all = body.into_iter().chain(config);
        all.map(|(key, value)| (key.replace('_', " "), shown(&value)))
            .collect()
    };
    let (now, then) = (flat(&Draft::of_rule(rule)), flat(typed));
    let others: Vec<String> = now
        .iter()
        .filter(|one| !then.contains(one))
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    let now_it_says = match others.as_slice() {
        [] => "It says the same as your form, but for its status.".to_owned(),
        some => format!("By now it says {}.", some.join("; ")),
    };
    format!(
        "Somebody has changed this rule since you opened it. {now_it_says} Yours is kept below: save \
         again to replace theirs."
    )
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "all".to_owned(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(shown).collect();
            texts.join(", ")
        }
        other => other.to_string(),
    }
}
