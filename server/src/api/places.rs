//! What runs where: the matrix, a commit, two environments side by side.

use std::sync::Arc;

use axum::extract::State;
use utoipa::IntoParams;

use super::App;
use super::lists::{MAX_LIMIT, NO_CURSOR, Parameters};
use crate::api::error::ApiError;
use crate::api::id::Id;
use crate::auth::principal::{Key, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::fields::{FieldError, Fields, MAX_NAME};
use crate::domain::names::nearest;
use crate::store::views::{Commit, Comparison, Matrix};
use crate::store::{Account, Name, Products, SHORT_SHA};

/// The parameters of a page of products.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documents the parameters; they are read by name")]
struct ProductParams {
    /// Only this product.
    product: Option<String>,
    /// The most products to answer: 1 to 500, 500 by default.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn products(fields: &mut Fields) -> Products {
    Products {
        product: fields.text("product", MAX_NAME),
        after: fields.text("cursor", MAX_NAME),
        limit: fields
            .integer_text("limit", 1..=MAX_LIMIT)
            .unwrap_or(MAX_LIMIT),
    }
}

fn no_cursor() -> ApiError {
    vec![FieldError::new("query", "cursor", "cursor", NO_CURSOR)].into()
}

/// The environment state matrix: what runs where, product by product.
#[utoipa::path(
    get, path = "/state/", tag = "Reading", params(ProductParams),
    responses((status = 200, description = "A page of the matrix", body = Matrix))
)]
pub async fn state(
    State(app): State<Arc<App>>,
    key: Key<ToRead>,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let products = products(&mut fields);
    fields.refuse_unread();
    fields.finish()?;
    match key.account.matrix(products, app.now()).await? {
        Some(matrix) => Ok(Answer::new(200, &matrix)),
        None => Err(no_cursor()),
    }
}

/// Where a commit runs: by the versions that were built from it.
#[utoipa::path(
    get, path = "/commits/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The commit, or at least its first 7 characters")),
    responses(
        (status = 200, description = "The versions, and where they run; none if none was built from \
            it", body = Commit),
        (status = 422, description = "It is too short to tell commits apart")
    )
)]
pub async fn commit(key: Key<ToRead>, Id(sha): Id) -> Result<Answer, ApiError> {
    if sha.chars().count() < SHORT_SHA || sha.chars().count() > MAX_NAME {
        let msg = format!("String should have {SHORT_SHA} to {MAX_NAME} characters");
        let error = FieldError::new("path", "id", "string_too_short", msg);
        return Err(vec![error].into());
    }
    Ok(Answer::new(200, &key.account.commit(sha).await?))
}

/// What one environment has that another has not, product by product.
#[utoipa::path(
    get, path = "/compare/", tag = "Reading",
    params(
        ("from" = String, Query, description = "The environment, such as staging"),
        ("to" = String, Query, description = "What it is compared with, such as production"),
        ProductParams
    ),
    responses(
        (status = 200, description = "A page of the products that run in either", body = Comparison),
        (status = 422, description = "There is no such environment")
    )
)]
pub async fn compare(
    key: Key<ToRead>,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let from = fields.required_text("from", MAX_NAME);
    let to = fields.required_text("to", MAX_NAME);
    let products = products(&mut fields);
    fields.refuse_unread();
    fields.finish()?;
    let from = environment(&key.account, "from", from).await?;
    let to = environment(&key.account, "to", to).await?;
    match key.account.compare(from, to, products).await? {
        Some(comparison) => Ok(Answer::new(200, &comparison)),
        None => Err(no_cursor()),
    }
}

/// The environment that a parameter names.
async fn environment(account: &Account, field: &str, name: String) -> Result<Name, ApiError> {
    if let Some(found) = account.environment(name.clone()).await? {
        return Ok(found);
    }
    let known = account.environments().await?;
    let meant = match nearest(&name, known.iter().map(String::as_str)) {
        Some(other) => format!("; did you mean {other}?"),
        None => String::new(),
    };
    let msg = format!("There is no environment {name}{meant}");
    let error = FieldError::new("query", field, "unknown_environment", msg);
    Err(Refusal::Invalid(vec![error]).into())
}
