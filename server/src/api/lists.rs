//! Reading: lists with filters and pages, and the environment state matrix.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use versioner::Status;

use crate::api::error::ApiError;
use crate::api::id::Id;
use crate::auth::principal::{Key, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::deployment::State;
use crate::domain::fields::FieldError;
use crate::domain::fields::Fields;
use crate::store::{Filter, Listing};

/// The items of a page, unless it says otherwise.
pub const DEFAULT_LIMIT: i64 = 50;
/// The most items of a page.
pub const MAX_LIMIT: i64 = 500;

/// The parameters of a page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documents the parameters; they are read by name")]
struct PageParams {
    /// The most items to answer: 1 to 500, 50 by default.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only what was created at this time or later, in RFC 3339 with a zone.
    since: Option<String>,
    /// Only what was created before this time, in RFC 3339 with a zone.
    until: Option<String>,
}

/// The query of a request, unread.
pub struct Parameters(pub Fields);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|error: QueryRejection| {
            let msg = error.body_text();
            ApiError::from(vec![FieldError::new("query", "", "query_parsing", msg)])
        })?;
        let mut object: Map<String, Value> = Map::new();
        for (name, value) in pairs {
            if object.contains_key(&name) {
                let msg = "This parameter stands there twice";
                return Err(vec![FieldError::new("query", &name, "doubled", msg)].into());
            }
            object.insert(name, Value::String(value));
        }
        Ok(Parameters(Fields::of(object, vec!["query".to_owned()])))
    }
}

impl Parameters {
    /// Reads the filters of a list. A filter the list does not have is an error: ignoring it would
    /// answer more than was asked for.
    fn filter(self, listing: Listing) -> Result<Filter, ApiError> {
        let Parameters(mut fields) = self;
        fields.refuse_empty();
        let mut name = |name: &str| {
            let known = listing.filters().contains(&name);
            known
                .then(|| fields.text(name, crate::domain::fields::MAX_NAME))
                .flatten()
        };
        let (product, environment, version) =
            (name("product"), name("environment"), name("version"));
        let status = name("status");
        let status = status.and_then(|word| {
            let known = Status::parse(&word).map(State::of);
            let known = known.or_else(|| State::parse(&word.to_ascii_lowercase()));
            let known = known.map(State::as_str);
            if known.is_none() {
                fields.reject("status", "enum", format!("{word:?} is no status"));
            }
            known
        });
        let micros = |time: jiff::Timestamp| time.as_microsecond();
        let filter = Filter {
            product,
            environment,
            version,
            status,
            since: fields.timestamp("since").map(micros),
            until: fields.timestamp("until").map(micros),
            cursor: fields.text("cursor", crate::domain::fields::MAX_NAME),
            limit: fields
                .integer_text("limit", 1..=MAX_LIMIT)
                .unwrap_or(DEFAULT_LIMIT),
        };
        fields.refuse_unread();
        fields.finish()?;
        Ok(filter)
    }
}

async fn list(
    key: Key<ToRead>,
    parameters: Parameters,
    listing: Listing,
) -> Result<Answer, ApiError> {
    let page = key
        .account
        .list(listing, parameters.filter(listing)?)
        .await?;
    let body = json!({ "items": page.items, "next_cursor": page.next_cursor });
    Ok(Answer::new(200, &body))
}

/// Products, newest first.
#[utoipa::path(
    get, path = "/products/", tag = "Reading", params(PageParams),
    responses((status = 200, description = "`items`, and `next_cursor` where there are more"))
)]
pub async fn products(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list(key, parameters, Listing::Products).await
}

/// Environments, newest first.
#[utoipa::path(
    get, path = "/environments/", tag = "Reading", params(PageParams),
    responses((status = 200, description = "`items`, and `next_cursor` where there are more"))
)]
pub async fn environments(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list(key, parameters, Listing::Environments).await
}

/// Versions, newest first.
#[utoipa::path(
    get, path = "/versions/", tag = "Reading",
    params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("version" = Option<String>, Query, description = "Only this version"),
        PageParams
    ),
    responses((status = 200, description = "`items`, and `next_cursor` where there are more"))
)]
pub async fn versions(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list(key, parameters, Listing::Versions).await
}

/// Builds, newest first.
#[utoipa::path(
    get, path = "/builds/", tag = "Reading",
    params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("version" = Option<String>, Query, description = "Only of this version"),
        ("status" = Option<String>, Query, description = "Only with this status, or an alias of it"),
        PageParams
    ),
    responses((status = 200, description = "`items`, and `next_cursor` where there are more"))
)]
pub async fn builds(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list(key, parameters, Listing::Builds).await
}

/// Deployments, newest first, with those that the rules did not allow (`preflight_failed`).
#[utoipa::path(
    get, path = "/deployments/", tag = "Reading",
    params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("environment" = Option<String>, Query, description = "Only to this environment"),
        ("version" = Option<String>, Query, description = "Only of this version"),
        ("status" = Option<String>, Query, description = "Only with this status, or an alias of it"),
        PageParams
    ),
    responses((status = 200, description = "`items`, and `next_cursor` where there are more"))
)]
pub async fn deployments(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list(key, parameters, Listing::Deployments).await
}

async fn one(
    key: Key<ToRead>,
    id: String,
    listing: Listing,
    what: &'static str,
) -> Result<Answer, ApiError> {
    match key.account.one(listing, id).await? {
        Some(item) => Ok(Answer::new(200, &item)),
        None => Err(Refusal::NotFound(what).into()),
    }
}

/// A product by its identifier.
#[utoipa::path(
    get, path = "/products/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The product")),
    responses(
        (status = 200, description = "The product, as the list shows it"),
        (status = 404, description = "There is no such product")
    )
)]
pub async fn product(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one(key, id, Listing::Products, "Product").await
}

/// An environment by its identifier.
#[utoipa::path(
    get, path = "/environments/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The environment")),
    responses(
        (status = 200, description = "The environment, as the list shows it"),
        (status = 404, description = "There is no such environment")
    )
)]
pub async fn environment(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one(key, id, Listing::Environments, "Environment").await
}

/// A version by its identifier.
#[utoipa::path(
    get, path = "/versions/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "The version, as the list shows it"),
        (status = 404, description = "There is no such version")
    )
)]
pub async fn version(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one(key, id, Listing::Versions, "Version").await
}

/// A build by its identifier.
#[utoipa::path(
    get, path = "/builds/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The build")),
    responses(
        (status = 200, description = "The build, as the list shows it"),
        (status = 404, description = "There is no such build")
    )
)]
pub async fn build(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one(key, id, Listing::Builds, "Build").await
}

/// A deployment by its identifier.
#[utoipa::path(
    get, path = "/deployments/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The deployment")),
    responses(
        (status = 200, description = "The deployment, as the list shows it"),
        (status = 404, description = "There is no such deployment")
    )
)]
pub async fn deployment(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one(key, id, Listing::Deployments, "Deployment").await
}

/// The environment state matrix: what runs where.
#[utoipa::path(
    get, path = "/state/", tag = "Reading",
    params(("product" = Option<String>, Query, description = "Only this product")),
    responses((
        status = 200,
        description = "`products`, each with its `environments`, each with `current` (what was last \
            deployed with success), `latest` (the last deployment, whatever became of it) and \
            `drift`: whether another version runs there than the newest one that runs anywhere"
    ))
)]
pub async fn state(
    key: Key<ToRead>,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let product = fields.text("product", crate::domain::fields::MAX_NAME);
    fields.refuse_unread();
    fields.finish()?;
    let products = key.account.state(product).await?;
    Ok(Answer::new(200, &json!({ "products": products })))
}
