//! Lists, newest first, page by page.

use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Account, StoreError};
use crate::time::rfc3339;

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

/// Which items, and how many.
#[derive(Debug, Default)]
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
    /// Only what comes after the item with this identifier.
    pub cursor: Option<String>,
    /// The most items.
    pub limit: i64,
}

/// Some of the items.
#[derive(Debug)]
pub struct Page {
    /// The items as the API shows them.
    pub items: Vec<Value>,
    /// The cursor of the next page, where there is one.
    pub next_cursor: Option<String>,
}

/// How a column is shown. The first column of every list is the identifier.
#[derive(Debug, Clone, Copy)]
enum Column {
    /// Text, or nothing.
    Text(&'static str),
    /// A time, or nothing.
    Time(&'static str),
    /// An object under this name.
    Object(&'static str),
    /// An object whose fields are shown beside the others.
    Fields,
}

impl Listing {
    /// The filters it has besides those of time.
    pub const fn filters(self) -> &'static [&'static str] {
        match self {
            Listing::Products | Listing::Environments => &[],
            Listing::Versions => &["product", "version"],
            Listing::Builds => &["product", "version", "status"],
            Listing::Deployments => &["product", "environment", "version", "status"],
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Listing::Products => "SELECT t.id, t.name, t.created_at FROM products t",
            Listing::Environments => "SELECT t.id, t.name, t.created_at FROM environments t",
            Listing::Versions => {
                "SELECT t.id, t.product_id, p.name, t.version, t.scm_sha, t.created_at \
                 FROM versions t JOIN products p ON p.id = t.product_id"
            }
            Listing::Builds => {
                "SELECT t.id, t.product_id, p.name, t.version_id, v.version, t.status, \
                 t.invoke_id, t.attributes, t.extra_metadata, t.created_at, t.updated_at \
                 FROM builds t JOIN products p ON p.id = t.product_id \
                 JOIN versions v ON v.id = t.version_id"
            }
            Listing::Deployments => {
                "SELECT t.id, t.product_id, p.name, t.version_id, v.version, t.environment_id, \
                 e.name, t.status, t.invoke_id, t.deployed_by, t.attributes, t.extra_metadata, \
                 t.created_at, t.updated_at, t.deployed_at \
                 FROM deployments t JOIN products p ON p.id = t.product_id \
                 JOIN versions v ON v.id = t.version_id \
                 JOIN environments e ON e.id = t.environment_id"
            }
        }
    }

    const fn columns(self) -> &'static [Column] {
        use Column::{Fields, Object, Text, Time};
        match self {
            Listing::Products | Listing::Environments => {
                &[Text("id"), Text("name"), Time("created_at")]
            }
            Listing::Versions => &[
                Text("id"),
                Text("product_id"),
                Text("product_name"),
                Text("version"),
                Text("scm_sha"),
                Time("created_at"),
            ],
            Listing::Builds => &[
                Text("id"),
                Text("product_id"),
                Text("product_name"),
                Text("version_id"),
                Text("version"),
                Text("status"),
                Text("invoke_id"),
                Fields,
                Object("extra_metadata"),
                Time("created_at"),
                Time("updated_at"),
            ],
            Listing::Deployments => &[
                Text("id"),
                Text("product_id"),
                Text("product_name"),
                Text("version_id"),
                Text("version"),
                Text("environment_id"),
                Text("environment_name"),
                Text("status"),
                Text("invoke_id"),
                Text("deployed_by"),
                Fields,
                Object("extra_metadata"),
                Time("created_at"),
                Time("updated_at"),
                Time("deployed_at"),
            ],
        }
    }

    fn show(self, row: &SqliteRow) -> Result<Value, StoreError> {
        let mut item = Map::new();
        for (index, column) in self.columns().iter().enumerate() {
            match column {
                Column::Text(name) => {
                    let text: Option<String> = row.try_get(index)?;
                    item.insert((*name).to_owned(), text.into());
                }
                Column::Time(name) => {
                    let time: Option<i64> = row.try_get(index)?;
                    item.insert((*name).to_owned(), time.map(rfc3339).into());
                }
                Column::Object(name) => {
                    let object = serde_json::from_str(row.try_get(index)?)?;
                    item.insert((*name).to_owned(), object);
                }
                Column::Fields => {
                    let fields: Map<String, Value> = serde_json::from_str(row.try_get(index)?)?;
                    item.extend(fields);
                }
            }
        }
        Ok(Value::Object(item))
    }
}

impl Account {
    /// A page of a list.
    pub async fn list(&self, listing: Listing, filter: &Filter) -> Result<Page, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(listing.select());
        query.push(" WHERE 1 = 1");
        if let Some(product) = &filter.product {
            query.push(" AND t.product_id = (SELECT id FROM products WHERE name = ");
            query.push_bind(product).push(")");
        }
        if let Some(environment) = &filter.environment {
            query.push(" AND t.environment_id = (SELECT id FROM environments WHERE name = ");
            query.push_bind(environment).push(")");
        }
        if let Some(version) = &filter.version {
            query.push(match listing {
                Listing::Versions => " AND t.version = ",
                _ => " AND v.version = ",
            });
            query.push_bind(version);
        }
        if let Some(status) = filter.status {
            query.push(" AND t.status = ").push_bind(status);
        }
        if let Some(since) = filter.since {
            query.push(" AND t.created_at >= ").push_bind(since);
        }
        if let Some(until) = filter.until {
            query.push(" AND t.created_at < ").push_bind(until);
        }
        if let Some(cursor) = &filter.cursor {
            query.push(" AND t.id < ").push_bind(cursor);
        }
        // One more than asked for tells whether there is a next page.
        query
            .push(" ORDER BY t.id DESC LIMIT ")
            .push_bind(filter.limit + 1);
        let mut rows = query.build().fetch_all(&self.reader).await?;
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if more => Some(last.try_get(0)?),
            _ => None,
        };
        let items = rows
            .iter()
            .map(|row| listing.show(row))
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor })
    }
}
