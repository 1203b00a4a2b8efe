//! Lists, newest first, page by page.

use std::ops::ControlFlow;

use super::{Owned, Row, Statements, Value, borrowed, catalog, object, params};
use crate::domain::deployment::{Gate, State};
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::account::{Account, read};
use crate::store::views::{
    Build, Cursor, Deployment, Environment, Filter, Listing, Page, Product, Version,
};

/// A page ends early rather than grow beyond this, in bytes: metadata can be large.
pub const MAX_PAGE: usize = 384 * 1024;

/// What a list holds.
pub trait Listed: Sized {
    /// The list.
    const LISTING: Listing;
    /// The columns that [`Listed::read`] reads. The first is the identifier, and `t` the table.
    const SELECT: &'static str;
    /// What tells items of the same moment apart, in the order of their arrival.
    const ITEM: &'static str;

    /// Reads one item.
    fn read(row: &dyn Row) -> Result<Self, StoreError>;
}

impl Listed for Product {
    const LISTING: Listing = Listing::Products;
    const SELECT: &'static str = "t.id, t.name, t.archived, t.owner, t.alias_of, \
        t.created_at FROM products t";
    const ITEM: &'static str = "t.id";

    fn read(row: &dyn Row) -> Result<Product, StoreError> {
        Ok(Product {
            id: row.get(0)?,
            name: row.get(1)?,
            archived: row.get(2)?,
            owner: row.get(3)?,
            alias_of: row.get(4)?,
            created_at: rfc3339(row.get(5)?),
        })
    }
}

impl Listed for Environment {
    const LISTING: Listing = Listing::Environments;
    const SELECT: &'static str = "t.id, t.name, t.type, t.rank, t.archived, t.owner, \
        t.alias_of, t.created_at FROM environments t";
    const ITEM: &'static str = "t.id";

    fn read(row: &dyn Row) -> Result<Environment, StoreError> {
        Ok(Environment {
            id: row.get(0)?,
            name: row.get(1)?,
            kind: row.get(2)?,
            order: row.get(3)?,
            archived: row.get(4)?,
            owner: row.get(5)?,
            alias_of: row.get(6)?,
            created_at: rfc3339(row.get(7)?),
        })
    }
}

impl Listed for Version {
    const LISTING: Listing = Listing::Versions;
    const SELECT: &'static str = "t.id, t.product_id, p.name, t.version, t.scm_sha, t.created_at \
        FROM versions t CROSS JOIN products p ON p.id = t.product_id";
    const ITEM: &'static str = "t.id";

    fn read(row: &dyn Row) -> Result<Version, StoreError> {
        Ok(Version {
            id: row.get(0)?,
            product_id: row.get(1)?,
            product_name: row.get(2)?,
            version: row.get(3)?,
            scm_sha: row.get(4)?,
            created_at: rfc3339(row.get(5)?),
        })
    }
}

impl Listed for Build {
    const LISTING: Listing = Listing::Builds;
    const SELECT: &'static str = "t.id, t.product_id, p.name, t.version_id, v.version, t.status, \
        t.invoke_id, t.attributes, t.extra_metadata, t.created_at, t.updated_at \
        FROM builds t CROSS JOIN products p ON p.id = t.product_id \
        CROSS JOIN versions v ON v.id = t.version_id";
    const ITEM: &'static str = "t.position";

    fn read(row: &dyn Row) -> Result<Build, StoreError> {
        Ok(Build {
            id: row.get(0)?,
            product_id: row.get(1)?,
            product_name: row.get(2)?,
            version_id: row.get(3)?,
            version: row.get(4)?,
            status: state(row, 5)?,
            invoke_id: row.get(6)?,
            details: object(row, 7)?,
            extra_metadata: object(row, 8)?,
            created_at: rfc3339(row.get(9)?),
            updated_at: rfc3339(row.get(10)?),
        })
    }
}

impl Listed for Deployment {
    const LISTING: Listing = Listing::Deployments;
    const SELECT: &'static str = "t.id, t.product_id, p.name, t.version_id, v.version, \
        t.environment_id, e.name, t.status, t.gate, t.refused_by, t.ended_by, t.overlapped, \
        t.asks, t.invoke_id, t.span, t.parts, t.deployed_by, t.attributes, t.extra_metadata, \
        t.created_at, t.updated_at, t.started_at, t.deployed_at, t.expires_at \
        FROM deployments t CROSS JOIN products p ON p.id = t.product_id \
        CROSS JOIN versions v ON v.id = t.version_id \
        CROSS JOIN environments e ON e.id = t.environment_id";
    const ITEM: &'static str = "t.position";

    fn read(row: &dyn Row) -> Result<Deployment, StoreError> {
        let gate: String = row.get(8)?;
        let (ended_by, parts): (Option<String>, String) = (row.get(10)?, row.get(15)?);
        Ok(Deployment {
            id: row.get(0)?,
            product_id: row.get(1)?,
            product_name: row.get(2)?,
            version_id: row.get(3)?,
            version: row.get(4)?,
            environment_id: row.get(5)?,
            environment_name: row.get(6)?,
            status: state(row, 7)?,
            gate: Gate::parse(&gate)
                .ok_or_else(|| StoreError::Damaged(format!("gate {gate:?}")))?,
            refused_by: row.get(9)?,
            ended_by: ended_by
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
            overlapped: row.get(11)?,
            asks: row.get(12)?,
            invoke_id: row.get(13)?,
            span: row.get(14)?,
            parts: serde_json::from_str(&parts)?,
            deployed_by: row.get(16)?,
            details: object(row, 17)?,
            extra_metadata: object(row, 18)?,
            created_at: rfc3339(row.get(19)?),
            updated_at: rfc3339(row.get(20)?),
            started_at: time(row, 21)?,
            deployed_at: time(row, 22)?,
            expires_at: time(row, 23)?,
        })
    }
}

/// The state in a column.
pub fn state(row: &dyn Row, column: usize) -> Result<State, StoreError> {
    let word: String = row.get(column)?;
    State::parse(&word).ok_or_else(|| StoreError::Damaged(format!("status {word:?}")))
}

/// The time in a column, as it is shown.
pub fn time(row: &dyn Row, column: usize) -> Result<Option<String>, StoreError> {
    Ok(row.get::<Option<i64>>(column)?.map(rfc3339))
}

/// The bytes of text in a row.
pub fn size(row: &dyn Row) -> Result<usize, StoreError> {
    let mut size = 0;
    for index in 0..row.width() {
        if let Value::Text(text) = row.value(index)? {
            size += text.len();
        }
    }
    Ok(size)
}

/// One item by its identifier.
pub async fn one<T: Listed>(database: &impl Statements, id: &str) -> Result<Option<T>, StoreError> {
    let sql = format!("SELECT {} WHERE t.id = ?", T::SELECT);
    database.row(&sql, &params![id], T::read).await
}

impl Account {
    /// One item by its identifier.
    pub async fn one<T: Listed + Send + 'static>(
        &self,
        id: String,
    ) -> Result<Option<T>, StoreError> {
        read!(self, database => one(database, &id))
    }

    /// A page of a list.
    pub async fn list<T: Listed + Send + 'static>(
        &self,
        filter: Filter,
    ) -> Result<Page<T>, StoreError> {
        read!(self, database => page(database, filter))
    }
}

async fn page<T: Listed>(
    database: &impl Statements,
    mut filter: Filter,
) -> Result<Page<T>, StoreError> {
    for (kind, name) in [
        (Kind::Product, &mut filter.product),
        (Kind::Environment, &mut filter.environment),
    ] {
        *name = catalog::present_name(database, kind, name.take()).await?;
    }
    let (sql, parameters) = query::<T>(&filter);
    let parameters = borrowed(&parameters);
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut page = Page::default();
    let mut last = None;
    let mut bytes = 0;
    let mut add = |row: &dyn Row| {
        bytes += size(row)?;
        if page.items.len() == limit || (bytes > MAX_PAGE && !page.items.is_empty()) {
            page.next_cursor = last.take();
            return Ok(ControlFlow::Break(()));
        }
        let columns = row.width();
        let item = match row.value(columns - 1)? {
            Value::Integer(position) => position.to_string(),
            Value::Text(text) => text.to_owned(),
            _ => String::new(),
        };
        let place = Cursor {
            created_at: row.get(columns - 2)?,
            item,
        };
        last = Some(place.to_string());
        page.items.push(T::read(row)?);
        Ok(ControlFlow::Continue(()))
    };
    database.each(&sql, &parameters, &mut add).await?;
    Ok(page)
}

/// The statement for a page. Its last two columns are the place of the item in the list.
///
/// There is an index for each filter, and it has the order of the list too; a version has so few items
/// that they are put in order afterwards. A `+` keeps a condition from choosing another index.
fn query<T: Listed>(filter: &Filter) -> (String, Vec<Owned>) {
    const PRODUCT: &str = "(SELECT id FROM products WHERE folded = ?)";
    let item = T::ITEM;
    let of_versions = T::LISTING == Listing::Versions;
    let by_version = filter.version.is_some() && !of_versions;
    let plus = if by_version { "+" } else { "" };
    let mut conditions: Vec<String> = Vec::new();
    let mut parameters: Vec<Owned> = Vec::new();
    let mut add = |condition: String, values: &[Owned]| {
        conditions.push(condition);
        parameters.extend_from_slice(values);
    };
    let product = filter.product.as_ref().map(|name| Owned::Text(fold(name)));
    let version = filter
        .version
        .as_ref()
        .map(|name| Owned::Text(name.clone()));
    match (product, version) {
        (Some(product), Some(version)) if of_versions => add(
            format!("t.product_id = {PRODUCT} AND t.version = ?"),
            &[product, version],
        ),
        (None, Some(version)) if of_versions => add("t.version = ?".to_owned(), &[version]),
        (Some(product), Some(version)) => add(
            format!(
                "t.version_id = (SELECT id FROM versions WHERE product_id = {PRODUCT} \
                 AND version = ?)"
            ),
            &[product, version],
        ),
        (None, Some(version)) => add(
            "t.version_id IN (SELECT id FROM versions WHERE version = ?)".to_owned(),
            &[version],
        ),
        (Some(product), None) => add(format!("t.product_id = {PRODUCT}"), &[product]),
        (None, None) => {}
    }
    if let Some(name) = &filter.environment {
        add(
            format!("{plus}t.environment_id = (SELECT id FROM environments WHERE folded = ?)"),
            &[Owned::Text(fold(name))],
        );
    }
    if let Some(status) = filter.status {
        let status = Owned::Text(status.to_owned());
        add(format!("{plus}t.status = ?"), &[status]);
    }
    if let Some(since) = filter.since {
        let since = Owned::Integer(since);
        add(format!("{plus}t.created_at >= ?"), &[since]);
    }
    if let Some(until) = filter.until {
        // What comes after a cursor is older anyway.
        let plus = if filter.cursor.is_some() { "+" } else { plus };
        let until = Owned::Integer(until);
        add(format!("{plus}t.created_at < ?"), &[until]);
    }
    if let Some(cursor) = &filter.cursor {
        let place = match cursor.item.parse::<i64>() {
            Ok(position) if T::LISTING.is_numbered() => Owned::Integer(position),
            _ => Owned::Text(cursor.item.clone()),
        };
        add(
            format!("({plus}t.created_at, {item}) < (?, ?)"),
            &[Owned::Integer(cursor.created_at), place],
        );
    }
    let conditions = match conditions.as_slice() {
        [] => String::new(),
        some => format!(" WHERE {}", some.join(" AND ")),
    };
    // The place of the item stands last, before the tables.
    let (columns, tables) = T::SELECT.split_once(" FROM ").unwrap_or((T::SELECT, ""));
    let sql = format!(
        "SELECT {columns}, t.created_at, {item} FROM {tables}{conditions} \
         ORDER BY t.created_at DESC, {item} DESC LIMIT ?"
    );
    // One more than asked for tells whether there is a next page.
    parameters.push(Owned::Integer(filter.limit + 1));
    (sql, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{explain, open_account};
    use rusqlite::Connection;

    /// How SQLite goes about a page, in its words.
    fn plan<T: Listed>(connection: &Connection, filter: &Filter) -> String {
        let (sql, parameters) = query::<T>(filter);
        let parameters = borrowed(&parameters);
        explain(connection, &sql, &parameters)
    }

    /// Every combination of the filters of a list.
    fn combinations(listing: Listing) -> Vec<Filter> {
        let mut all = vec![Filter {
            limit: 50,
            ..Filter::default()
        }];
        let names = listing.filters().iter().copied();
        for name in names.chain(["since", "until", "cursor"]) {
            let with = all.clone().into_iter().map(|mut filter| {
                let text = Some("x".to_owned());
                match name {
                    "product" => filter.product = text,
                    "environment" => filter.environment = text,
                    "version" => filter.version = text,
                    "status" => filter.status = Some("failed"),
                    "since" => filter.since = Some(1),
                    "until" => filter.until = Some(2),
                    _ => filter.cursor = Cursor::parse("1.1"),
                }
                filter
            });
            all.extend(with.collect::<Vec<_>>());
        }
        all
    }

    fn check<T: Listed>(connection: &Connection) {
        for filter in combinations(T::LISTING) {
            let plan = plan::<T>(connection, &filter);
            let first = plan
                .lines()
                .find(|line| line.contains(" t USING") || line.ends_with(" t"))
                .unwrap_or_default();
            let nothing = filter.product.is_none()
                && filter.environment.is_none()
                && filter.version.is_none()
                && filter.status.is_none()
                && filter.since.or(filter.until).is_none()
                && filter.cursor.is_none();
            let how = if nothing { "SCAN t" } else { "SEARCH t" };
            assert!(
                first.starts_with(how) && first.contains("INDEX"),
                "{filter:?}\n{plan}"
            );
            if filter.version.is_some() {
                assert!(first.contains("version"), "{filter:?}\n{plan}");
            } else {
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
            }
        }
    }

    #[test]
    fn every_filter_has_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_account(&folder.path().join("a.db")).unwrap();
        check::<Product>(&connection);
        check::<Environment>(&connection);
        check::<Version>(&connection);
        check::<Build>(&connection);
        check::<Deployment>(&connection);
    }
}
