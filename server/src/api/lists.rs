//! Reading: lists with filters and pages, and what stands in them.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use versioner::Status;

use crate::api::error::ApiError;
use crate::api::id::Id;
use crate::auth::principal::{Key, ToRead};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::deployment::State;
use crate::domain::fields::FieldError;
use crate::domain::fields::Fields;
use crate::store::Listed;
use crate::store::views::{
    Build, Cursor, Deployment, DeploymentStory, Environment, Filter, Listing, Page, Product,
    Version,
};

/// The items of a page, unless it says otherwise.
pub const DEFAULT_LIMIT: i64 = 50;
/// The most items of a page.
pub const MAX_LIMIT: i64 = 500;

/// What a cursor that is none is told.
pub const NO_CURSOR: &str = "Input should be the next_cursor of a page of this list";

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
        let cursor = fields.text("cursor", crate::domain::fields::MAX_NAME);
        let cursor = cursor.and_then(|text| {
            let numbered =
                |cursor: &Cursor| !listing.is_numbered() || cursor.item.parse::<i64>().is_ok();
            let cursor = Cursor::parse(&text).filter(numbered);
            if cursor.is_none() {
                fields.reject("cursor", "cursor", NO_CURSOR);
            }
            cursor
        });
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
            cursor,
            limit: fields
                .integer_text("limit", 1..=MAX_LIMIT)
                .unwrap_or(DEFAULT_LIMIT),
        };
        fields.refuse_unread();
        fields.finish()?;
        Ok(filter)
    }
}

async fn list<T>(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError>
where
    T: Listed + Serialize + Send + 'static,
{
    let filter = parameters.filter(T::LISTING)?;
    Ok(Answer::new(200, &key.account.list::<T>(filter).await?))
}

async fn one<T>(key: Key<ToRead>, id: String, what: &'static str) -> Result<Answer, ApiError>
where
    T: Listed + Serialize + Send + 'static,
{
    match key.account.one::<T>(id).await? {
        Some(item) => Ok(Answer::new(200, &item)),
        None => Err(Refusal::NotFound(what).into()),
    }
}

/// Products, newest first.
#[utoipa::path(
    get, path = "/products/", tag = "Reading", params(PageParams),
    responses((status = 200, description = "A page of the list", body = Page<Product>))
)]
pub async fn products(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list::<Product>(key, parameters).await
}

/// Environments, newest first.
#[utoipa::path(
    get, path = "/environments/", tag = "Reading", params(PageParams),
    responses((status = 200, description = "A page of the list", body = Page<Environment>))
)]
pub async fn environments(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list::<Environment>(key, parameters).await
}

/// Versions, newest first.
#[utoipa::path(
    get, path = "/versions/", tag = "Reading", params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("version" = Option<String>, Query, description = "Only this version"),
        PageParams),
    responses((status = 200, description = "A page of the list", body = Page<Version>))
)]
pub async fn versions(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list::<Version>(key, parameters).await
}

/// Builds, newest first.
#[utoipa::path(
    get, path = "/builds/", tag = "Reading", params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("version" = Option<String>, Query, description = "Only of this version"),
        ("status" = Option<String>, Query, description = "Only with this status, or an alias of it"),
        PageParams),
    responses((status = 200, description = "A page of the list", body = Page<Build>))
)]
pub async fn builds(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list::<Build>(key, parameters).await
}

/// Deployments, newest first, with those that the rules did not allow (`preflight_failed`).
#[utoipa::path(
    get, path = "/deployments/", tag = "Reading", params(
        ("product" = Option<String>, Query, description = "Only of this product"),
        ("environment" = Option<String>, Query, description = "Only to this environment"),
        ("version" = Option<String>, Query, description = "Only of this version"),
        ("status" = Option<String>, Query, description = "Only with this status, or an alias of it"),
        PageParams),
    responses((status = 200, description = "A page of the list", body = Page<Deployment>))
)]
pub async fn deployments(key: Key<ToRead>, parameters: Parameters) -> Result<Answer, ApiError> {
    list::<Deployment>(key, parameters).await
}

/// A product by its identifier.
#[utoipa::path(
    get, path = "/products/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The product")),
    responses(
        (status = 200, description = "The product, as the list shows it", body = Product),
        (status = 404, description = "There is no such product")
    )
)]
pub async fn product(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one::<Product>(key, id, "Product").await
}

/// An environment by its identifier.
#[utoipa::path(
    get, path = "/environments/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The environment")),
    responses(
        (status = 200, description = "The environment, as the list shows it", body = Environment),
        (status = 404, description = "There is no such environment")
    )
)]
pub async fn environment(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one::<Environment>(key, id, "Environment").await
}

/// A version by its identifier.
#[utoipa::path(
    get, path = "/versions/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "The version, as the list shows it", body = Version),
        (status = 404, description = "There is no such version")
    )
)]
pub async fn version(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one::<Version>(key, id, "Version").await
}

/// A build by its identifier.
#[utoipa::path(
    get, path = "/builds/{id}/", tag = "Reading",
    params(("id" = String, Path, description = "The build")),
    responses(
        (status = 200, description = "The build, as the list shows it", body = Build),
        (status = 404, description = "There is no such build")
    )
)]
pub async fn build(key: Key<ToRead>, Id(id): Id) -> Result<Answer, ApiError> {
    one::<Build>(key, id, "Build").await
}

/// A deployment by its identifier, with everything that happened to it.
#[utoipa::path(
    get, path = "/deployments/{id}/", tag = "Reading",
    params(
        ("id" = String, Path, description = "The deployment"),
        ("cursor" = Option<String>, Query, description = "`story.next_cursor` of the part before")
    ),
    responses(
        (status = 200, description = "The deployment, its story and the approvals of its version \
            for its environment", body = DeploymentStory),
        (status = 404, description = "There is no such deployment")
    )
)]
pub async fn deployment(
    key: Key<ToRead>,
    Id(id): Id,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let after = fields.integer_text("cursor", 0..=i64::MAX).unwrap_or(0);
    fields.refuse_unread();
    fields.finish()?;
    match key.account.story(id, after).await? {
        Some(story) => Ok(Answer::new(200, &story)),
        None => Err(Refusal::NotFound("Deployment").into()),
    }
}
