//! What runs where.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Account;
use super::catalog;
use super::lists::{state, time};
use super::memory::Name;
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::views::{
    Commit, CommitPlace, CommitVersion, Compared, Comparison, Difference, InProgress, Matrix,
    MatrixCell, MatrixProduct, Running,
};

/// The most versions of one commit that are shown.
const MAX_VERSIONS: i64 = 100;
/// The shortest abbreviation of a commit that is looked for.
pub const SHORT_SHA: usize = 7;
/// How far back is looked for since when something waits.
const MAX_BACK: i64 = 1000;

/// When the version of the deployment `d` was built, or else deployed first: the order of versions.
macro_rules! built_at {
    ($alias:literal) => {
        concat!(
            "COALESCE((SELECT MIN(b.created_at) FROM builds b WHERE b.version_id = ",
            $alias,
            ".version_id), (SELECT MIN(o.at) FROM deployments o WHERE o.version_id = ",
            $alias,
            ".version_id))"
        )
    };
}

/// The columns that [`running`] reads, of a deployment and its version.
macro_rules! running {
    ($deployment:literal, $version:literal) => {
        concat!(
            $deployment,
            ".id, ",
            $deployment,
            ".version_id, ",
            $version,
            ".version, ",
            $deployment,
            ".status, ",
            $deployment,
            ".deployed_at, ",
            $deployment,
            ".updated_at, ",
            $deployment,
            ".deployed_by"
        )
    };
}

/// The columns of [`Running`].
const RUNNING: usize = 7;

const MATRIX: &str = concat!(
    "WITH page AS (SELECT id, name FROM products p WHERE (?1 IS NULL OR p.folded = ?1) \
     AND (?2 IS NULL OR (p.name, p.id) > (SELECT name, id FROM products WHERE id = ?2)) \
     AND EXISTS (SELECT 1 FROM cells s WHERE s.product_id = p.id) \
     ORDER BY p.name, p.id LIMIT ?3) \
     SELECT p.id, p.name, e.id, e.name, s.in_progress, ",
    built_at!("c"),
    ", ",
    running!("c", "cv"),
    ", ",
    running!("b", "bv"),
    ", ",
    running!("l", "lv"),
    " FROM page p JOIN cells s ON s.product_id = p.id JOIN environments e ON e.id = s.environment_id \
     LEFT JOIN deployments c ON c.id = s.current_id LEFT JOIN versions cv ON cv.id = c.version_id \
     LEFT JOIN deployments b ON b.id = s.previous_id LEFT JOIN versions bv ON bv.id = b.version_id \
     LEFT JOIN deployments l ON l.id = s.latest_id LEFT JOIN versions lv ON lv.id = l.version_id \
     ORDER BY p.name, p.id, e.id"
);

const COMPARISON: &str = concat!(
    "SELECT p.id, p.name, ",
    built_at!("f"),
    ", ",
    built_at!("t"),
    ", ",
    running!("f", "fv"),
    ", ",
    running!("t", "tv"),
    " FROM products p \
     LEFT JOIN cells sf ON sf.product_id = p.id AND sf.environment_id = ?1 \
     LEFT JOIN deployments f ON f.id = sf.current_id LEFT JOIN versions fv ON fv.id = f.version_id \
     LEFT JOIN cells st ON st.product_id = p.id AND st.environment_id = ?2 \
     LEFT JOIN deployments t ON t.id = st.current_id LEFT JOIN versions tv ON tv.id = t.version_id \
     WHERE (f.id IS NOT NULL OR t.id IS NOT NULL) AND (?3 IS NULL OR p.folded = ?3) \
     AND (?4 IS NULL OR (p.name, p.id) > (SELECT name, id FROM products WHERE id = ?4)) \
     ORDER BY p.name, p.id LIMIT ?5"
);

/// Which products, page by page.
#[derive(Debug, Default)]
pub struct Products {
    /// Only this one.
    pub product: Option<String>,
    /// Only those that come after the one with this identifier.
    pub after: Option<String>,
    /// The most of them.
    pub limit: i64,
}

impl Products {
    fn folded(&self, connection: &Connection) -> Result<Option<String>, StoreError> {
        let name = catalog::present_name(connection, Kind::Product, self.product.clone())?;
        Ok(name.as_deref().map(fold))
    }
}

impl Account {
    /// The matrix; none if the cursor is none.
    pub async fn matrix(&self, of: Products, now: i64) -> Result<Option<Matrix>, StoreError> {
        self.read(move |connection| {
            if is_unknown(connection, of.after.as_deref())? {
                return Ok(None);
            }
            let mut select = connection.prepare_cached(MATRIX)?;
            let mut rows = select.query(params![of.folded(connection)?, of.after, of.limit + 1])?;
            let mut cells = Vec::new();
            while let Some(row) = rows.next()? {
                cells.push(cell(connection, row, now)?);
            }
            let products = cells.chunk_by(|a, b| a.product == b.product);
            let mut products: Vec<MatrixProduct> = products.map(show_product).collect();
            let next_cursor = cut(&mut products, of.limit, |product| &product.product_id);
            Ok(Some(Matrix {
                products,
                next_cursor,
            }))
        })
        .await
    }

    /// Where the commit runs.
    pub async fn commit(&self, sha: String) -> Result<Commit, StoreError> {
        self.read(move |connection| commit(connection, sha)).await
    }

    /// The environment of this name.
    pub async fn environment(&self, name: String) -> Result<Option<Name>, StoreError> {
        self.read(move |connection| catalog::find(connection, Kind::Environment, &name))
            .await
    }

    /// The names of all environments.
    pub async fn environments(&self) -> Result<Vec<String>, StoreError> {
        self.read(catalog::environments).await
    }

    /// Compares two environments; none if the cursor is none.
    pub async fn compare(
        &self,
        from: Name,
        to: Name,
        of: Products,
    ) -> Result<Option<Comparison>, StoreError> {
        self.read(move |connection| {
            if is_unknown(connection, of.after.as_deref())? {
                return Ok(None);
            }
            let mut select = connection.prepare_cached(COMPARISON)?;
            let parameters = params![
                from.id,
                to.id,
                of.folded(connection)?,
                of.after,
                of.limit + 1
            ];
            let mut rows = select.query(parameters)?;
            let mut products = Vec::new();
            while let Some(row) = rows.next()? {
                products.push(compared(connection, row, &from.id)?);
            }
            let next_cursor = cut(&mut products, of.limit, |product| &product.product_id);
            Ok(Some(Comparison {
                from: from.name,
                to: to.name,
                products,
                next_cursor,
            }))
        })
        .await
    }
}

/// Whether a cursor is none of a product.
fn is_unknown(connection: &Connection, cursor: Option<&str>) -> Result<bool, StoreError> {
    let Some(id) = cursor else { return Ok(false) };
    let mut select = connection.prepare_cached("SELECT 1 FROM products WHERE id = ?")?;
    Ok(!select.exists([id])?)
}

/// Leaves as many items as were asked for, and says where the next are.
fn cut<T>(items: &mut Vec<T>, limit: i64, id: impl Fn(&T) -> &String) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() <= limit {
        return None;
    }
    items.truncate(limit);
    items.last().map(|last| id(last).clone())
}

/// A deployment from the columns that begin with `first`; none if there is none.
fn running(row: &Row<'_>, first: usize) -> Result<Option<Running>, StoreError> {
    let Some(deployment_id) = row.get(first)? else {
        return Ok(None);
    };
    Ok(Some(Running {
        deployment_id,
        version_id: row.get(first + 1)?,
        version: row.get(first + 2)?,
        status: state(row, first + 3)?,
        deployed_at: time(row, first + 4)?,
        updated_at: rfc3339(row.get(first + 5)?),
        deployed_by: row.get(first + 6)?,
    }))
}

/// The place of a version in the order in which versions were built.
type Built = (i64, String);

fn built(at: Option<i64>, running: Option<&Running>) -> Option<Built> {
    running.map(|running| (at.unwrap_or(i64::MIN), running.version_id.clone()))
}

/// One environment of a product.
struct Cell {
    product: (String, String),
    built: Option<Built>,
    shown: MatrixCell,
}

fn cell(connection: &Connection, row: &Row<'_>, now: i64) -> Result<Cell, StoreError> {
    const FIRST: usize = 6;
    let ids: String = row.get(4)?;
    let ids: Vec<String> = serde_json::from_str(&ids)?;
    let mut in_progress_now = Vec::new();
    for id in ids {
        in_progress_now.extend(in_progress(connection, &id, now)?);
    }
    let current = running(row, FIRST)?;
    Ok(Cell {
        product: (row.get(0)?, row.get(1)?),
        built: built(row.get(5)?, current.as_ref()),
        shown: MatrixCell {
            environment_id: row.get(2)?,
            environment_name: row.get(3)?,
            drift: false,
            current,
            previous: running(row, FIRST + RUNNING)?,
            latest: running(row, FIRST + 2 * RUNNING)?,
            in_progress: in_progress_now,
        },
    })
}

fn in_progress(
    connection: &Connection,
    id: &str,
    now: i64,
) -> Result<Option<InProgress>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT d.id, v.version, d.started_at, d.deployed_by, d.expires_at, d.updated_at, d.lease \
         FROM deployments d JOIN versions v ON v.id = d.version_id WHERE d.id = ?",
    )?;
    let found = select.query_row([id], |row| {
        let (updated_at, lease): (i64, i64) = (row.get(5)?, row.get(6)?);
        let silent = now.saturating_sub(updated_at) >= lease / 2;
        Ok(InProgress {
            deployment_id: row.get(0)?,
            version: row.get(1)?,
            started_at: row.get::<_, Option<i64>>(2)?.map(rfc3339),
            deployed_by: row.get(3)?,
            expires_at: row.get::<_, Option<i64>>(4)?.map(rfc3339),
            no_word_since: silent.then(|| rfc3339(updated_at)),
        })
    });
    Ok(found.optional()?)
}

fn show_product(cells: &[Cell]) -> MatrixProduct {
    let newest = cells.iter().filter_map(|cell| cell.built.as_ref()).max();
    let drifts = |cell: &Cell| cell.built.is_some() && cell.built.as_ref() != newest;
    let (product_id, product_name) = cells
        .first()
        .map(|cell| cell.product.clone())
        .unwrap_or_default();
    MatrixProduct {
        product_id,
        product_name,
        drift: cells.iter().any(drifts),
        environments: cells
            .iter()
            .map(|cell| MatrixCell {
                drift: drifts(cell),
                ..cell.shown.clone()
            })
            .collect(),
    }
}

fn compared(connection: &Connection, row: &Row<'_>, from_id: &str) -> Result<Compared, StoreError> {
    const FIRST: usize = 4;
    let product_id: String = row.get(0)?;
    let (from, to) = (running(row, FIRST)?, running(row, FIRST + RUNNING)?);
    let built_from = built(row.get(2)?, from.as_ref());
    let built_to = built(row.get(3)?, to.as_ref());
    let difference = match (&built_from, &built_to) {
        (Some(from), Some(to)) if from.1 == to.1 => Difference::Same,
        (Some(from), Some(to)) if to < from => Difference::Behind,
        (Some(_), Some(_)) => Difference::Ahead,
        (Some(_), None) => Difference::OnlyInFrom,
        _ => Difference::OnlyInTo,
    };
    let versions_apart = match (&built_from, &built_to) {
        (Some(a), Some(b)) => Some(apart(connection, &product_id, a, b)?),
        _ => None,
    };
    let waiting_since = match &built_to {
        Some(to) if difference == Difference::Behind => {
            waiting_since(connection, &product_id, from_id, to)?
        }
        _ => None,
    };
    Ok(Compared {
        product_id,
        product_name: row.get(1)?,
        difference,
        versions_apart,
        waiting_since: waiting_since.map(rfc3339),
        from,
        to,
    })
}

/// How many versions were built after the older of the two and until the newer.
fn apart(
    connection: &Connection,
    product_id: &str,
    a: &Built,
    b: &Built,
) -> Result<i64, StoreError> {
    if a.1 == b.1 {
        return Ok(0);
    }
    let mut select = connection.prepare_cached(
        "SELECT COUNT(DISTINCT b.version_id) FROM builds b \
         WHERE b.product_id = ?1 AND b.created_at > ?2 AND b.created_at <= ?3 AND NOT EXISTS \
         (SELECT 1 FROM builds o WHERE o.version_id = b.version_id AND o.created_at <= ?2)",
    )?;
    let (older, newer) = (a.min(b), a.max(b));
    let parameters = params![product_id, older.0, newer.0];
    let built: i64 = select.query_row(parameters, |row| row.get(0))?;
    // The newer one need not have been built here.
    Ok(built.max(1))
}

/// Since when the environment has something newer than the version that was built at `than`.
fn waiting_since(
    connection: &Connection,
    product_id: &str,
    environment_id: &str,
    than: &Built,
) -> Result<Option<i64>, StoreError> {
    let mut select = connection.prepare_cached(concat!(
        "SELECT d.at, ",
        built_at!("d"),
        ", d.version_id FROM deployments d \
         WHERE d.product_id = ? AND d.environment_id = ? AND d.status = 'completed' \
         ORDER BY d.at DESC, d.position DESC LIMIT ?"
    ))?;
    let mut rows = select.query(params![product_id, environment_id, MAX_BACK])?;
    let mut since = None;
    while let Some(row) = rows.next()? {
        let built: Built = (
            row.get::<_, Option<i64>>(1)?.unwrap_or(i64::MIN),
            row.get(2)?,
        );
        if built.cmp(than) != Ordering::Greater {
            break;
        }
        since = Some(row.get(0)?);
    }
    Ok(since)
}

fn commit(connection: &Connection, sha: String) -> Result<Commit, StoreError> {
    const SELECT: &str = "SELECT v.id, v.version, p.id, p.name, v.scm_sha, v.pinned, v.created_at \
        FROM versions v JOIN products p ON p.id = v.product_id WHERE v.scm_sha COLLATE NOCASE";
    let order = "ORDER BY v.created_at DESC, v.id DESC LIMIT ?";
    // Builds may have named it in full, or shorter than it is asked for.
    let mut longer = connection.prepare_cached(&format!(
        "{SELECT} >= ? AND v.scm_sha COLLATE NOCASE < ? {order}"
    ))?;
    let mut found = BTreeMap::new();
    let mut add = |row: &Row<'_>| -> Result<(), rusqlite::Error> {
        let key: (i64, String) = (row.get(6)?, row.get(0)?);
        let version = CommitVersion {
            version_id: row.get(0)?,
            version: row.get(1)?,
            product_id: row.get(2)?,
            product_name: row.get(3)?,
            scm_sha: row.get(4)?,
            pinned: row.get(5)?,
            environments: Vec::new(),
        };
        found.insert(key, version);
        Ok(())
    };
    let end = format!("{sha}\u{10ffff}");
    let mut rows = longer.query(params![sha, end, MAX_VERSIONS])?;
    while let Some(row) = rows.next()? {
        add(row)?;
    }
    let mut shorter = connection.prepare_cached(&format!("{SELECT} = ? {order}"))?;
    for (index, _) in sha.char_indices().skip(SHORT_SHA) {
        let mut rows = shorter.query(params![&sha[..index], MAX_VERSIONS])?;
        while let Some(row) = rows.next()? {
            add(row)?;
        }
    }
    let newest = usize::try_from(MAX_VERSIONS).unwrap_or(usize::MAX);
    let mut versions: Vec<CommitVersion> = found.into_values().rev().take(newest).collect();
    for version in &mut versions {
        version.environments = runs_in(connection, version)?;
    }
    Ok(Commit { sha, versions })
}

/// Where a version runs.
fn runs_in(
    connection: &Connection,
    version: &CommitVersion,
) -> Result<Vec<CommitPlace>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT e.id, e.name, d.id, d.deployed_at, d.deployed_by FROM cells s \
         JOIN deployments d ON d.id = s.current_id JOIN environments e ON e.id = s.environment_id \
         WHERE s.product_id = ? AND d.version_id = ? ORDER BY e.id",
    )?;
    let places = select.query_map([&version.product_id, &version.version_id], |row| {
        Ok(CommitPlace {
            environment_id: row.get(0)?,
            environment_name: row.get(1)?,
            deployment_id: row.get(2)?,
            deployed_at: row.get::<_, Option<i64>>(3)?.map(rfc3339),
            deployed_by: row.get(4)?,
        })
    })?;
    Ok(places.collect::<Result<_, _>>()?)
}
