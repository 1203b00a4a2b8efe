//! Lists, page by page.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::deployment::{EndedBy, Gate, Parts, State};
use crate::domain::event::{BuildDetails, DeploymentDetails};

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Products.
    Products,
    /// Environments.
    Environments,
    /// Versions.
    Versions,
    /// Builds.
    Builds,
    /// Deployments.
    Deployments,
}

impl Listing {
    /// Whether its items have a number, in the order of their arrival.
    pub const fn is_numbered(self) -> bool {
        matches!(self, Listing::Builds | Listing::Deployments)
    }

    /// The filters it has besides those of time.
    pub const fn filters(self) -> &'static [&'static str] {
        match self {
            Listing::Products | Listing::Environments => &[],
            Listing::Versions => &["product", "version"],
            Listing::Builds => &["product", "version", "status"],
            Listing::Deployments => &["product", "environment", "version", "status"],
        }
    }
}

/// Which items, and how many.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this product.
    pub product: Option<String>,
    /// Only of this environment.
    pub environment: Option<String>,
    /// Only of this version.
    pub version: Option<String>,
    /// Only with this status.
    pub status: Option<&'static str>,
    /// Only what was created then or later, in microseconds since 1970.
    pub since: Option<i64>,
    /// Only what was created before, in microseconds since 1970.
    pub until: Option<i64>,
    /// Only what comes after this place of the list.
    pub cursor: Option<Cursor>,
    /// The most items.
    pub limit: i64,
}

/// The place of an item in a list, which stays where it is whatever is added, and whatever the clock
/// does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the item was created, in microseconds since 1970.
    pub created_at: i64,
    /// Tells it from others of the same moment.
    pub item: String,
}

impl Cursor {
    /// Reads `next_cursor` of a page.
    pub fn parse(text: &str) -> Option<Cursor> {
        let (created_at, item) = text.split_once('.')?;
        Some(Cursor {
            created_at: created_at.parse().ok()?,
            item: item.to_owned(),
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}.{}", self.created_at, self.item)
    }
}

/// Some of the items.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// To be sent as `cursor` for the next page; none after the last.
    pub next_cursor: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Page<T> {
        Page {
            items: Vec::new(),
            next_cursor: None,
        }
    }
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether nobody needs to see it any more.
    pub archived: bool,
    /// Whose it is.
    pub owner: Option<String>,
    /// The product that it is only another name of.
    pub alias_of: Option<String>,
    /// When it was first named.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// An environment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Environment {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `dev`, `test`, `staging` or `production`, if that is known.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its place in the order from development to production.
    pub order: Option<i64>,
    /// Whether nobody needs to see it any more.
    pub archived: bool,
    /// Whose it is.
    pub owner: Option<String>,
    /// The environment that it is only another name of.
    pub alias_of: Option<String>,
    /// When it was first named.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A version of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Its identifier.
    pub id: String,
    /// The product.
    pub product_id: String,
    /// The product's name.
    pub product_name: String,
    /// Its name.
    pub version: String,
    /// The commit that it was built from.
    pub scm_sha: Option<String>,
    /// When it was first named.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A build.
#[derive(Debug, Serialize, ToSchema)]
pub struct Build {
    /// Its identifier.
    pub id: String,
    /// The product.
    pub product_id: String,
    /// The product's name.
    pub product_name: String,
    /// The version.
    pub version_id: String,
    /// The version's name.
    pub version: String,
    /// What became of it.
    pub status: State,
    /// The run of the pipeline.
    pub invoke_id: Option<String>,
    /// What its events said of it.
    #[serde(flatten)]
    #[schema(value_type = BuildDetails)]
    pub details: Map<String, Value>,
    /// What they said besides.
    #[schema(value_type = Object)]
    pub extra_metadata: Map<String, Value>,
    /// When its first event arrived.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its last event arrived.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deployment {
    /// Its identifier.
    pub id: String,
    /// The product.
    pub product_id: String,
    /// The product's name.
    pub product_name: String,
    /// The version.
    pub version_id: String,
    /// The version's name.
    pub version: String,
    /// The environment.
    pub environment_id: String,
    /// The environment's name.
    pub environment_name: String,
    /// What became of it.
    pub status: State,
    /// How it came past the rules.
    pub gate: Gate,
    /// The rules that refused its start.
    pub refused_by: Option<String>,
    /// Who ended it, if not its own run.
    pub ended_by: Option<EndedBy>,
    /// Whether another deployment had the place while this one went on.
    pub overlapped: bool,
    /// How often it asked to start.
    pub asks: i64,
    /// The run of the pipeline.
    pub invoke_id: Option<String>,
    /// The span that named it last.
    pub span: Option<String>,
    /// Its parts, and how each ended.
    #[schema(value_type = Object)]
    pub parts: Parts,
    /// Who deploys.
    pub deployed_by: Option<String>,
    /// What its events said of it.
    #[serde(flatten)]
    #[schema(value_type = DeploymentDetails)]
    pub details: Map<String, Value>,
    /// What they said besides.
    #[schema(value_type = Object)]
    pub extra_metadata: Map<String, Value>,
    /// When its first event arrived.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its last event arrived.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it was completed.
    #[schema(format = DateTime)]
    pub deployed_at: Option<String>,
    /// When it is given up without another word.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}
