//! Lists, newest first, page by page.

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::{Account, catalog, object};
use crate::domain::deployment::{Gate, State};
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::domain::time::rfc3339;
use crate::store::StoreError;
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
    fn read(row: &Row<'_>) -> Result<Self, StoreError>;
}

impl Listed for Product {
    const LISTING: Listing = Listing::Products;
    const SELECT: &'static str = "t.id, t.name, t.archived, t.owner, t.alias_of, \
        t.created_at FROM products t";
    const ITEM: &'static str = "t.id";

    fn read(row: &Row<'_>) -> Result<Product, StoreError> {
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

    fn read(row: &Row<'_>) -> Result<Environment, StoreError> {
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

    fn read(row: &Row<'_>) -> Result<Version, StoreError> {
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

    fn read(row: &Row<'_>) -> Result<Build, StoreError> {
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

    fn read(row: &Row<'_>) -> Result<Deployment, StoreError> {
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
pub fn state(row: &Row<'_>, column: usize) -> Result<State, StoreError> {
    let word: String = row.get(column)?;
    State::parse(&word).ok_or_else(|| StoreError::Damaged(format!("status {word:?}")))
}

/// The time in a column, as it is shown.
pub fn time(row: &Row<'_>, column: usize) -> Result<Option<String>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(rfc3339))
}

/// The bytes of text in a row.
pub fn size(row: &Row<'_>) -> Result<usize, StoreError> {
    let mut size = 0;
    for index in 0..row.as_ref().column_count() {
        if let ValueRef::Text(text) = row.get_ref(index)? {
            size += text.len();
        }
    }
    Ok(size)
}

/// One item by its identifier.
pub fn one<T: Listed>(connection: &Connection, id: &str) -> Result<Option<T>, StoreError> {
    let sql = format!("SELECT {} WHERE t.id = ?", T::SELECT);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([id])?;
    rows.next()?.map(T::read).transpose()
}

impl Account {
    /// One item by its identifier.
    pub async fn one<T: Listed + Send + 'static>(
        &self,
        id: String,
    ) -> Result<Option<T>, StoreError> {
        self.read(move |connection| one(connection, &id)).await
    }

    /// A page of a list.
    pub async fn list<T: Listed + Send + 'static>(
        &self,
        mut filter: Filter,
    ) -> Result<Page<T>, StoreError> {
        self.read(move |connection| {
            for (kind, name) in [
                (Kind::Product, &mut filter.product),
                (Kind::Environment, &mut filter.environment),
            ] {
                *name = catalog::present_name(connection, kind, name.take())?;
            }
            page(connection, &filter)
        })
        .await
    }
}

fn page<T: Listed>(connection: &Connection, filter: &Filter) -> Result<Page<T>, StoreError> {
    let (sql, parameters) = query::<T>(filter);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(parameters))?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut page = Page::default();
    let mut last = None;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += size(row)?;
        if page.items.len() == limit || (bytes > MAX_PAGE && !page.items.is_empty()) {
            page.next_cursor = last;
            break;
        }
        let columns = row.as_ref().column_count();
        let item = match row.get_ref(columns - 1)? {
            ValueRef::Integer(position) => position.to_string(),
            other => other.as_str().map(str::to_owned).unwrap_or_default(),
        };
        let place = Cursor {
            created_at: row.get(columns - 2)?,
            item,
        };
        last = Some(place.to_string());
        page.items.push(T::read(row)?);
    }
    Ok(page)
}

/// The statement for a page. Its last two columns are the place of the item in the list.
///
/// There is an index for each filter, and it has the order of the list too; a version has so few items
/// that they are put in order afterwards. A `+` keeps a condition from choosing another index.
fn query<T: Listed>(filter: &Filter) -> (String, Vec<SqlValue>) {
    const PRODUCT: &str = "(SELECT id FROM products WHERE folded = ?)";
    let item = T::ITEM;
    let of_versions = T::LISTING == Listing::Versions;
    let by_version = filter.version.is_some() && !of_versions;
    let plus = if by_version { "+" } else { "" };
    let mut conditions: Vec<String> = Vec::new();
    let mut parameters: Vec<SqlValue> = Vec::new();
    let mut add = |condition: String, values: &[SqlValue]| {
        conditions.push(condition);
        parameters.extend_from_slice(values);
    };
    let product = filter.product.as_ref().map(|name| fold(name).into());
    let version = filter.version.as_ref().map(|name| name.clone().into());
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
            &[fold(name).into()],
        );
    }
    if let Some(status) = filter.status {
        add(format!("{plus}t.status = ?"), &[status.to_owned().into()]);
    }
    if let Some(since) = filter.since {
        add(format!("{plus}t.created_at >= ?"), &[since.into()]);
    }
    if let Some(until) = filter.until {
        // What comes after a cursor is older anyway.
        let plus = if filter.cursor.is_some() { "+" } else { plus };
        add(format!("{plus}t.created_at < ?"), &[until.into()]);
    }
    if let Some(cursor) = &filter.cursor {
        let place: SqlValue = match cursor.item.parse::<i64>() {
            Ok(position) if T::LISTING.is_numbered() => position.into(),
            _ => cursor.item.clone().into(),
        };
        add(
            format!("({plus}t.created_at, {item}) < (?, ?)"),
            &[cursor.created_at.into(), place],
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
    parameters.push((filter.limit + 1).into());
    (sql, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::account::MIGRATIONS;
    use crate::store::sqlite::open;

    /// How SQLite goes about a page, in its words.
    fn plan<T: Listed>(connection: &Connection, filter: &Filter) -> String {
        let (sql, parameters) = query::<T>(filter);
        let mut explain = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let steps = explain
            .query_map(params_from_iter(parameters), |row| row.get::<_, String>(3))
            .unwrap();
        steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
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
        let connection = open::open(&folder.path().join("a.db"), &MIGRATIONS).unwrap();
        check::<Product>(&connection);
        check::<Environment>(&connection);
        check::<Version>(&connection);
        check::<Build>(&connection);
        check::<Deployment>(&connection);
    }
}
