//! `/people/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::body::JsonBody;
use super::error::ApiError;
use super::id::Id;
use super::schemas;
use crate::auth::principal::{Key, ToAdminister};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::Fields;
use crate::domain::people::{Known, PersonSpec};
use crate::store::flow::Command;

/// Add a person.
#[utoipa::path(
    post,
    path = "/people/",
    tag = "People",
    request_body(
        content = Object,
        description = "`name`; `emails`; `logins` (`source_system`, `login`, and `host` if not any); \
            `role` (`viewer`, `developer` or `admin`; `viewer` by default); `approves` (`quality`, \
            `release`; an admin may give both); `active`",
        example = json!({
            "name": "Ada Lovelace", "emails": ["ada@example.com"],
            "logins": [{ "source_system": "github", "login": "ada" }],
            "role": "developer", "approves": ["release"]
        })
    ),
    responses(
        (status = 201, description = "The person", body = schemas::Person),
        (status = 409, description = "Somebody else is known by one of the addresses or logins"),
        (status = 422, description = "Fields are missing, wrong or unknown")
    )
)]
pub async fn add(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let spec = PersonSpec::read(body.value)?;
    let answer = key.write(&app, Command::AddPerson(spec)).await?;
    shown(&key, answer).await
}

/// Everybody.
#[utoipa::path(
    get,
    path = "/people/",
    tag = "People",
    responses((status = 200, description = "`items`: the people", body = schemas::People))
)]
pub async fn list(key: Key<ToAdminister>) -> Result<Answer, ApiError> {
    let people = key.account.people().await?;
    let items: Vec<Value> = people.iter().map(Known::to_json).collect();
    Ok(Answer::new(200, &json!({ "items": items })))
}

/// One person.
#[utoipa::path(
    get,
    path = "/people/{id}/",
    tag = "People",
    params(("id" = String, Path, description = "The person")),
    responses(
        (status = 200, description = "The person", body = schemas::Person),
        (status = 404, description = "There is no such person")
    )
)]
pub async fn get(key: Key<ToAdminister>, Id(id): Id) -> Result<Answer, ApiError> {
    match find(&key, &id).await? {
        Some(known) => Ok(Answer::new(200, &known.to_json())),
        None => Err(Refusal::NotFound("Person").into()),
    }
}

/// Change some fields of a person. Nobody changes what they may do themselves, and one admin stays.
#[utoipa::path(
    patch,
    path = "/people/{id}/",
    tag = "People",
    params(("id" = String, Path, description = "The person")),
    request_body(
        content = Object,
        description = "The fields to replace",
        example = json!({ "active": false })
    ),
    responses(
        (status = 200, description = "The changed person", body = schemas::Person),
        (status = 403, description = "The API key is theirs"),
        (status = 404, description = "There is no such person"),
        (status = 409, description = "It is the last admin, or somebody else is known by that name"),
        (status = 422, description = "Fields are wrong or unknown")
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    key: Key<ToAdminister>,
    Id(id): Id,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    let mut fields = Fields::of_body(body.value)?;
    fields.refuse_empty();
    let changes = fields.clone_object();
    fields.finish()?;
    let command = Command::ChangePerson {
        id,
        changes,
        owner: key.owner(),
        expected: None,
    };
    let answer = key.write(&app, command).await?;
    shown(&key, answer).await
}

async fn find(key: &Key<ToAdminister>, id: &str) -> Result<Option<Known>, ApiError> {
    let people = key.account.people().await?;
    Ok(people.into_iter().find(|known| known.person.id == id))
}

/// The answer with the names, which what is kept of it must not have.
async fn shown(key: &Key<ToAdminister>, answer: Answer) -> Result<Answer, ApiError> {
    let kept: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let id = kept["id"].as_str().unwrap_or_default();
    let person = find(key, id).await?;
    Ok(person.map_or(answer.clone(), |known| {
        Answer::new(answer.status, &known.to_json())
    }))
}
