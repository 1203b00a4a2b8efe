//! `/deployment-rules/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::App;
use super::body::JsonBody;
use super::id::Id;
use crate::api::error::ApiError;
use crate::auth::principal::{Reader, Writer};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::Fields;
use crate::domain::rules::RuleSpec;
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
            An environment that does not exist is refused, unless `create` is true",
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
        (status = 201, description = "The rule, with its `id`"),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn add_rule(
    State(app): State<Arc<App>>,
    writer: Writer,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let (body, create) = split_create(body.value)?;
    let spec = RuleSpec::read(Value::Object(body))?;
    let command = Command::AddRule { spec, create };
    writer.write(&app, command).await
}

/// All rules, in the order of creation.
#[utoipa::path(
    get,
    path = "/deployment-rules/",
    tag = "Deployment rules",
    responses((status = 200, description = "`items`: the rules"))
)]
pub async fn list_rules(reader: Reader) -> Result<Answer, ApiError> {
    let rules = reader.account.rules().await?;
    let items: Vec<Value> = rules.iter().map(|rule| rule.to_json()).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One rule.
#[utoipa::path(
    get,
    path = "/deployment-rules/{id}/",
    tag = "Deployment rules",
    params(("id" = String, Path, description = "The rule")),
    responses(
        (status = 200, description = "The rule"),
        (status = 404, description = "There is no such rule")
    )
)]
pub async fn get_rule(reader: Reader, Id(id): Id) -> Result<Answer, ApiError> {
    let rules = reader.account.rules().await?;
    match rules.iter().find(|rule| rule.id == id) {
        Some(rule) => Ok(Answer::new(200, &rule.to_json())),
        None => Err(Refusal::NotFound("Rule").into()),
    }
}

/// Change some fields of a rule, such as its status.
#[utoipa::path(
    patch,
    path = "/deployment-rules/{id}/",
    tag = "Deployment rules",
    params(("id" = String, Path, description = "The rule")),
    request_body(
        content = Object,
        description = "The fields to replace; `config` is replaced as a whole",
        example = json!({ "status": "report_only" })
    ),
    responses(
        (status = 200, description = "The changed rule"),
        (status = 404, description = "There is no such rule"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change_rule(
    State(app): State<Arc<App>>,
    writer: Writer,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let (changes, create) = split_create(body.value)?;
    let command = Command::ChangeRule {
        id,
        changes,
        create,
    };
    writer.write(&app, command).await
}

/// Remove a rule.
#[utoipa::path(
    delete,
    path = "/deployment-rules/{id}/",
    tag = "Deployment rules",
    params(("id" = String, Path, description = "The rule")),
    responses(
        (status = 204, description = "The rule is gone"),
        (status = 404, description = "There is no such rule")
    )
)]
pub async fn remove_rule(
    State(app): State<Arc<App>>,
    writer: Writer,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    writer.write(&app, Command::RemoveRule(id)).await
}

/// The body without `create`, which says that environments may exist from now on.
fn split_create(body: Value) -> Result<(Map<String, Value>, bool), ApiError> {
    let mut fields = Fields::of_body(body)?;
    let create = fields.boolean("create").unwrap_or(false);
    let body = fields.clone_object();
    fields.finish()?;
    Ok((body, create))
}
