//! Lists, newest first, page by page.

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Row, params_from_iter};
use serde_json::{Map, Value};

use super::{Account, object};
use crate::domain::names::fold;
use crate::domain::time::rfc3339;
use crate::store::StoreError;

/// A page ends early rather than grow beyond this, in bytes: metadata can be large.
const MAX_PAGE: usize = 1024 * 1024;

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
#[derive(Debug, Default)]
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
    /// A truth value.
    Flag(&'static str),
    /// A count.
    Number(&'static str),
    /// Any JSON, or nothing.
    Json(&'static str),
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
                 e.name, t.status, t.gate, t.refused_by, t.ended_by, t.overlapped, t.asks, \
                 t.invoke_id, t.span, t.parts, t.deployed_by, t.attributes, t.extra_metadata, \
                 t.created_at, t.updated_at, t.started_at, t.deployed_at, t.expires_at \
                 FROM deployments t JOIN products p ON p.id = t.product_id \
                 JOIN versions v ON v.id = t.version_id \
                 JOIN environments e ON e.id = t.environment_id"
            }
        }
    }

    const fn columns(self) -> &'static [Column] {
        use Column::{Fields, Flag, Json, Number, Object, Text, Time};
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
                Text("gate"),
                Text("refused_by"),
                Json("ended_by"),
                Flag("overlapped"),
                Number("asks"),
                Text("invoke_id"),
                Text("span"),
                Json("parts"),
                Text("deployed_by"),
                Fields,
                Object("extra_metadata"),
                Time("created_at"),
                Time("updated_at"),
                Time("started_at"),
                Time("deployed_at"),
                Time("expires_at"),
            ],
        }
    }

    /// The bytes of text in a row.
    fn size(self, row: &Row<'_>) -> Result<usize, StoreError> {
        let mut size = 0;
        for index in 0..self.columns().len() {
            if let ValueRef::Text(text) = row.get_ref(index)? {
                size += text.len();
            }
        }
        Ok(size)
    }

    fn show(self, row: &Row<'_>) -> Result<Value, StoreError> {
        let mut item = Map::new();
        for (index, column) in self.columns().iter().enumerate() {
            match column {
                Column::Text(name) => {
                    let text: Option<String> = row.get(index)?;
                    item.insert((*name).to_owned(), text.into());
                }
                Column::Time(name) => {
                    let time: Option<i64> = row.get(index)?;
                    item.insert((*name).to_owned(), time.map(rfc3339).into());
                }
                Column::Flag(name) => {
                    item.insert((*name).to_owned(), row.get::<_, bool>(index)?.into());
                }
                Column::Number(name) => {
                    item.insert((*name).to_owned(), row.get::<_, i64>(index)?.into());
                }
                Column::Json(name) => {
                    let text: Option<String> = row.get(index)?;
                    let value = text.map(|text| serde_json::from_str(&text)).transpose()?;
                    item.insert((*name).to_owned(), value.unwrap_or(Value::Null));
                }
                Column::Object(name) => {
                    item.insert((*name).to_owned(), Value::Object(object(row, index)?));
                }
                Column::Fields => item.extend(object(row, index)?),
            }
        }
        Ok(Value::Object(item))
    }
}

impl Account {
    /// One item by its identifier.
    pub async fn one(&self, listing: Listing, id: String) -> Result<Option<Value>, StoreError> {
        self.read(move |connection| {
            let sql = format!("{} WHERE t.id = ?", listing.select());
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query([id])?;
            rows.next()?.map(|row| listing.show(row)).transpose()
        })
        .await
    }

    /// A page of a list.
    pub async fn list(&self, listing: Listing, filter: Filter) -> Result<Page, StoreError> {
        self.read(move |connection| {
            let (sql, parameters) = query(listing, &filter);
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(params_from_iter(parameters))?;
            let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
            let mut page = Page::default();
            let mut last_id = None;
            let mut size = 0;
            while let Some(row) = rows.next()? {
                size += listing.size(row)?;
                if page.items.len() == limit || (size > MAX_PAGE && !page.items.is_empty()) {
                    page.next_cursor = last_id;
                    break;
                }
                last_id = row.get(0)?;
                page.items.push(listing.show(row)?);
            }
            Ok(page)
        })
        .await
    }
}

fn query(listing: Listing, filter: &Filter) -> (String, Vec<SqlValue>) {
    let version = match listing {
        Listing::Versions => "t.version = ?",
        _ => "v.version = ?",
    };
    let text = |text: &Option<String>| text.clone().map(SqlValue::from);
    let folded = |text: &Option<String>| text.as_ref().map(|text| SqlValue::from(fold(text)));
    let conditions = [
        (
            "t.product_id = (SELECT id FROM products WHERE folded = ?)",
            folded(&filter.product),
        ),
        (
            "t.environment_id = (SELECT id FROM environments WHERE folded = ?)",
            folded(&filter.environment),
        ),
        (version, text(&filter.version)),
        (
            "t.status = ?",
            filter.status.map(|status| status.to_owned().into()),
        ),
        ("t.created_at >= ?", filter.since.map(SqlValue::from)),
        ("t.created_at < ?", filter.until.map(SqlValue::from)),
        (
            match listing {
                Listing::Builds => "t.position < (SELECT position FROM builds WHERE id = ?)",
                Listing::Deployments => {
                    "t.position < (SELECT position FROM deployments WHERE id = ?)"
                }
                _ => "t.id < ?",
            },
            text(&filter.cursor),
        ),
    ];
    let mut sql = listing.select().to_owned();
    let mut parameters = Vec::new();
    for (condition, parameter) in conditions {
        if let Some(parameter) = parameter {
            sql += if parameters.is_empty() {
                " WHERE "
            } else {
                " AND "
            };
            sql += condition;
            parameters.push(parameter);
        }
    }
    // One more than asked for tells whether there is a next page.
    sql += match listing {
        Listing::Builds | Listing::Deployments => " ORDER BY t.position DESC LIMIT ?",
        _ => " ORDER BY t.id DESC LIMIT ?",
    };
    parameters.push((filter.limit + 1).into());
    (sql, parameters)
}
