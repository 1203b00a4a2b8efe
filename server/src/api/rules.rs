//! `/deployment-rules/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::App;
use super::body::JsonBody;
use super::events::{request_key, text};
use super::id::Id;
use super::lists::Parameters;
use super::schemas;
use crate::api::error::ApiError;
use crate::auth::principal::{Key, ToRead, ToRule};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::{Fields, MAX_TEXT};
use crate::domain::rules::{RuleSpec, etag};
use crate::store::flow::Command;

/// Add a rule.
#[utoipa::path(
    post,
    path = "/deployment-rules/",
    tag = "Deployment rules",
    request_body(
        content = Object,
        description = "`name`, `type`, `status` (`enabled`, `report_only` or `disabled`), `products` \
            and `environments` (lists of names, empty for all), and `config` by `type`:\n\
            - `concurrency`: nothing\n\
            - `no_deploy_window`: `timezone` (IANA), and `recurrence` `once` with `starts_at`, `ends_at`, \
            or `weekly` with `days`, `start_time`, `end_time`, `end_day`\n\
            - `flow`: `required_environments`\n\
            - `soak_time`: `environment`, `soak_minutes`\n\
            - `quality_approval`: `required_environments`, `required_approvals`\n\
            - `release_approval`: `required_approvals`\n\
            `rollbacks` says whether a version that was current there within 90 days passes (`pass`, \
            what all but windows do by default) or not (`gated`). \
            An environment that does not exist is refused, unless `create` is true. `reason` is kept \
            in the log",
        example = json!({
            "name": "Production Freeze - Friday Afternoons",
            "type": "no_deploy_window",
            "status": "enabled",
            "products": [],
            "environments": ["production"],
            "config": {
                "recurrence": "weekly",
                "timezone": "America/Los_Angeles",
                "days": ["friday"],
                "start_time": "15:00",
                "end_time": "18:00"
            }
        })
    ),
    responses(
        (status = 201, description = "The rule, with its `id`", body = schemas::Rule),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn add_rule(
    State(app): State<Arc<App>>,
    key: Key<ToRule>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let request = request_key("deployment-rules", &headers, &body)?;
    let Wanted {
        body,
        create,
        reason,
    } = split(body.value)?;
    let spec = RuleSpec::read(Value::Object(body))?;
    let command = Command::AddRule {
        spec,
        create,
        reason,
    };
    Ok(with_tag(
        key.write_once(&app, request, None, command).await?,
    ))
}

/// All rules, in the order of creation.
#[utoipa::path(
    get,
    path = "/deployment-rules/",
    tag = "Deployment rules",
    responses((status = 200, description = "`items`: the rules", body = schemas::Rules))
)]
pub async fn list_rules(State(app): State<Arc<App>>, key: Key<ToRead>) -> Result<Answer, ApiError> {
    let rules = key.account.rules().await?;
    let now = app.now();
    let items: Vec<Value> = rules.iter().map(|rule| rule.to_json(now)).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One rule.
#[utoipa::path(
    get,
    path = "/deployment-rules/{id}/",
    tag = "Deployment rules",
    params(("id" = String, Path, description = "The rule")),
    responses(
        (status = 200, description = "The rule", body = schemas::Rule),
        (status = 404, description = "There is no such rule")
    )
)]
pub async fn get_rule(
    State(app): State<Arc<App>>,
    key: Key<ToRead>,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let rules = key.account.rules().await?;
    match rules.iter().find(|rule| rule.id == id) {
        Some(rule) => Ok(with_tag(Answer::new(200, &rule.to_json(app.now())))),
        None => Err(Refusal::NotFound("Rule").into()),
    }
}

/// Change some fields of a rule, such as its status.
#[utoipa::path(
    patch,
    path = "/deployment-rules/{id}/",
    tag = "Deployment rules",
    params(
        ("id" = String, Path, description = "The rule"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the rule that the change is for")
    ),
    request_body(
        content = Object,
        description = "The fields to replace; `config` is replaced as a whole. `reason` is kept in the \
            log. `override` (`status`, `until`, at most 7 days away, `reason`) is what the rule does \
            for a time in place of its `status`; `null` ends it",
        example = json!({ "status": "report_only" })
    ),
    responses(
        (status = 200, description = "The changed rule", body = schemas::Rule),
        (status = 404, description = "There is no such rule"),
        (status = 412, description = "It is not any more what `If-Match` says"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change_rule(
    State(app): State<Arc<App>>,
    key: Key<ToRule>,
    Id(id): Id,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let Wanted {
        body: changes,
        create,
        reason,
    } = split(body.value)?;
    let command = Command::ChangeRule {
        id,
        changes,
        create,
        reason,
        expected: if_match(&headers)?,
    };
    Ok(with_tag(key.write(&app, command).await?))
}

/// Remove a rule.
#[utoipa::path(
    delete,
    path = "/deployment-rules/{id}/",
    tag = "Deployment rules",
    params(
        ("id" = String, Path, description = "The rule"),
        ("reason" = Option<String>, Query, description = "Why, for the log"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the rule that is to go")
    ),
    responses(
        (status = 204, description = "The rule is gone"),
        (status = 404, description = "There is no such rule"),
        (status = 412, description = "It is not any more what `If-Match` says")
    )
)]
pub async fn remove_rule(
    State(app): State<Arc<App>>,
    key: Key<ToRule>,
    Id(id): Id,
    headers: HeaderMap,
    Parameters(mut query): Parameters,
) -> Result<Answer, ApiError> {
    let reason = query.text("reason", MAX_TEXT);
    query.refuse_unread();
    query.finish()?;
    let expected = if_match(&headers)?;
    let command = Command::RemoveRule {
        id,
        reason,
        expected,
    };
    key.write(&app, command).await
}

/// A body, and what in it is about the change and not of the rule.
struct Wanted {
    body: Map<String, Value>,
    create: bool,
    reason: Option<String>,
}

fn split(body: Value) -> Result<Wanted, ApiError> {
    let mut fields = Fields::of_body(body)?;
    let create = fields.boolean("create").unwrap_or(false);
    let reason = fields.text("reason", MAX_TEXT);
    let body = fields.clone_object();
    fields.finish()?;
    Ok(Wanted {
        body,
        create,
        reason,
    })
}

/// The state of the thing that the change was made for; any, without the header.
///
/// # Errors
/// If it is no text.
pub fn if_match(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let tag = text(headers, "If-Match")?;
    Ok(tag.filter(|tag| tag != "*"))
}

/// The answer, with the state of the rule in it.
fn with_tag(answer: Answer) -> Response {
    let rule: Option<Map<String, Value>> = serde_json::from_str(&answer.body).ok();
    let tag = rule.filter(|rule| rule.contains_key("id")).map(|mut rule| {
        // What is said of the change is not part of the rule.
        rule.shift_remove("warnings");
        etag(&Value::Object(rule))
    });
    let mut response = answer.into_response();
    if let Some(value) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}
