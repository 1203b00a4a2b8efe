//! What runs where.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use std::ops::ControlFlow;

use super::lists::{state, time};
use super::memory::Name;
use super::{Row, Statements, catalog, params};
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::account::{Account, read};
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

/// When the version of a deployment was built, or else deployed first: the order of versions. The
/// deployment has another alias than `b` and `o`, which stand within.
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
pub(super) use built_at;

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
    "WITH page AS (SELECT id, name FROM products p WHERE (CAST(?1 AS TEXT) IS NULL OR p.folded = ?1) \
     AND (CAST(?2 AS TEXT) IS NULL OR (p.name, p.id) > (SELECT name, id FROM products WHERE id = ?2)) \
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
     WHERE (f.id IS NOT NULL OR t.id IS NOT NULL) AND (CAST(?3 AS TEXT) IS NULL OR p.folded = ?3) \
     AND (CAST(?4 AS TEXT) IS NULL OR (p.name, p.id) > (SELECT name, id FROM products WHERE id = ?4)) \
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
    async fn folded(&self, database: &impl Statements) -> Result<Option<String>, StoreError> {
        let name = catalog::present_name(database, Kind::Product, self.product.clone()).await?;
        Ok(name.as_deref().map(fold))
    }
}

impl Account {
    /// The matrix; none if the cursor is none.
    pub async fn matrix(&self, of: Products, now: i64) -> Result<Option<Matrix>, StoreError> {
        read!(self, database => matrix(database, &of, now))
    }

    /// Where the commit runs.
    pub async fn commit(&self, sha: String) -> Result<Commit, StoreError> {
        read!(self, database => commit(database, sha))
    }

    /// The environment of this name.
    pub async fn environment(&self, name: String) -> Result<Option<Name>, StoreError> {
        read!(self, database => catalog::find(database, Kind::Environment, &name))
    }

    /// The product of this name.
    pub async fn product(&self, name: String) -> Result<Option<Name>, StoreError> {
        read!(self, database => catalog::find(database, Kind::Product, &name))
    }

    /// The names of all environments.
    pub async fn environments(&self) -> Result<Vec<String>, StoreError> {
        read!(self, database => catalog::environments(database))
    }

    /// Compares two environments; none if the cursor is none.
    pub async fn compare(
        &self,
        from: Name,
        to: Name,
        of: Products,
    ) -> Result<Option<Comparison>, StoreError> {
        read!(self, database => compare(database, from, to, &of))
    }
}

async fn matrix(
    database: &impl Statements,
    of: &Products,
    now: i64,
) -> Result<Option<Matrix>, StoreError> {
    if is_unknown(database, of.after.as_deref()).await? {
        return Ok(None);
    }
    let folded = of.folded(database).await?;
    let parameters = params![folded, of.after, of.limit + 1];
    let mut cells = database.rows(MATRIX, &parameters, cell).await?;
    for (ids, cell) in &mut cells {
        for id in ids {
            let found = in_progress(database, id, now).await?;
            cell.shown.in_progress.extend(found);
        }
    }
    let cells: Vec<Cell> = cells.into_iter().map(|(_, cell)| cell).collect();
    let products = cells.chunk_by(|a, b| a.product == b.product);
    let mut products: Vec<MatrixProduct> = products.map(show_product).collect();
    let next_cursor = cut(&mut products, of.limit, |product| &product.product_id);
    Ok(Some(Matrix {
        products,
        next_cursor,
    }))
}

async fn compare(
    database: &impl Statements,
    from: Name,
    to: Name,
    of: &Products,
) -> Result<Option<Comparison>, StoreError> {
    if is_unknown(database, of.after.as_deref()).await? {
        return Ok(None);
    }
    let folded = of.folded(database).await?;
    let parameters = params![from.id, to.id, folded, of.after, of.limit + 1];
    let mut products = Vec::new();
    for pair in database.rows(COMPARISON, &parameters, pair).await? {
        products.push(compared(database, pair, &from.id).await?);
    }
    let next_cursor = cut(&mut products, of.limit, |product| &product.product_id);
    Ok(Some(Comparison {
        from: from.name,
        to: to.name,
        products,
        next_cursor,
    }))
}

/// Whether a cursor is none of a product.
async fn is_unknown(database: &impl Statements, cursor: Option<&str>) -> Result<bool, StoreError> {
    let Some(id) = cursor else { return Ok(false) };
    let sql = "SELECT 1 FROM products WHERE id = ?";
    Ok(!database.exists(sql, &params![id]).await?)
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
fn running(row: &dyn Row, first: usize) -> Result<Option<Running>, StoreError> {
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
pub(super) type Built = (i64, String);

fn built(at: Option<i64>, running: Option<&Running>) -> Option<Built> {
    running.map(|running| (at.unwrap_or(i64::MIN), running.version_id.clone()))
}

/// One environment of a product.
struct Cell {
    product: (String, String),
    built: Option<Built>,
    shown: MatrixCell,
}

/// A cell, but for what is in progress: of that come the identifiers.
fn cell(row: &dyn Row) -> Result<(Vec<String>, Cell), StoreError> {
    const FIRST: usize = 6;
    let ids: String = row.get(4)?;
    let ids: Vec<String> = serde_json::from_str(&ids)?;
    let current = running(row, FIRST)?;
    let cell = Cell {
        product: (row.get(0)?, row.get(1)?),
        built: built(row.get(5)?, current.as_ref()),
        shown: MatrixCell {
            environment_id: row.get(2)?,
            environment_name: row.get(3)?,
            drift: false,
            current,
            previous: running(row, FIRST + RUNNING)?,
            latest: running(row, FIRST + 2 * RUNNING)?,
            in_progress: Vec::new(),
        },
    };
    Ok((ids, cell))
}

async fn in_progress(
    database: &impl Statements,
    id: &str,
    now: i64,
) -> Result<Option<InProgress>, StoreError> {
    let sql = "SELECT d.id, v.version, d.started_at, d.deployed_by, d.expires_at, d.updated_at, \
        d.lease FROM deployments d JOIN versions v ON v.id = d.version_id WHERE d.id = ?";
    database
        .row(sql, &params![id], |row| {
            let (updated_at, lease): (i64, i64) = (row.get(5)?, row.get(6)?);
            let silent = now.saturating_sub(updated_at) >= lease / 2;
            Ok(InProgress {
                deployment_id: row.get(0)?,
                version: row.get(1)?,
                started_at: time(row, 2)?,
                deployed_by: row.get(3)?,
                expires_at: time(row, 4)?,
                no_word_since: silent.then(|| rfc3339(updated_at)),
            })
        })
        .await
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

/// What runs of a product in two environments, and when each was built.
struct Pair {
    product: (String, String),
    built_at: (Option<i64>, Option<i64>),
    running: (Option<Running>, Option<Running>),
}

fn pair(row: &dyn Row) -> Result<Pair, StoreError> {
    const FIRST: usize = 4;
    Ok(Pair {
        product: (row.get(0)?, row.get(1)?),
        built_at: (row.get(2)?, row.get(3)?),
        running: (running(row, FIRST)?, running(row, FIRST + RUNNING)?),
    })
}

async fn compared(
    database: &impl Statements,
    pair: Pair,
    from_id: &str,
) -> Result<Compared, StoreError> {
    let (product_id, product_name) = pair.product;
    let (from, to) = pair.running;
    let built_from = built(pair.built_at.0, from.as_ref());
    let built_to = built(pair.built_at.1, to.as_ref());
    let difference = match (&built_from, &built_to) {
        (Some(from), Some(to)) if from.1 == to.1 => Difference::Same,
        (Some(from), Some(to)) if to < from => Difference::Behind,
        (Some(_), Some(_)) => Difference::Ahead,
        (Some(_), None) => Difference::OnlyInFrom,
        _ => Difference::OnlyInTo,
    };
    let versions_apart = match (&built_from, &built_to) {
        (Some(a), Some(b)) => Some(apart(database, &product_id, a, b).await?),
        _ => None,
    };
    let waiting_since = match &built_to {
        Some(to) if difference == Difference::Behind => {
            waiting_since(database, &product_id, from_id, to).await?
        }
        _ => None,
    };
    Ok(Compared {
        product_id,
        product_name,
        difference,
        versions_apart,
        waiting_since: waiting_since.map(rfc3339),
        from,
        to,
    })
}

/// How many versions were built after the older of the two and until the newer.
pub(super) async fn apart(
    database: &impl Statements,
    product_id: &str,
    a: &Built,
    b: &Built,
) -> Result<i64, StoreError> {
    if a.1 == b.1 {
        return Ok(0);
    }
    let sql = "SELECT COUNT(DISTINCT b.version_id) FROM builds b \
        WHERE b.product_id = ?1 AND b.created_at > ?2 AND b.created_at <= ?3 AND NOT EXISTS \
        (SELECT 1 FROM builds o WHERE o.version_id = b.version_id AND o.created_at <= ?2)";
    let (older, newer) = (a.min(b), a.max(b));
    let parameters = params![product_id, older.0, newer.0];
    let built = database
        .row(sql, &parameters, |row| row.get::<i64>(0))
        .await;
    // The newer one need not have been built here.
    Ok(built?.unwrap_or_default().max(1))
}

/// Since when the environment has something newer than the version that was built at `than`.
pub(super) async fn waiting_since(
    database: &impl Statements,
    product_id: &str,
    environment_id: &str,
    than: &Built,
) -> Result<Option<i64>, StoreError> {
    let sql = concat!(
        "SELECT d.at, ",
        built_at!("d"),
        ", d.version_id FROM deployments d \
         WHERE d.product_id = ? AND d.environment_id = ? AND d.status = 'completed' \
         ORDER BY d.at DESC, d.position DESC LIMIT ?"
    );
    let mut since = None;
    let mut look = |row: &dyn Row| {
        let at: Option<i64> = row.get(1)?;
        let built: Built = (at.unwrap_or(i64::MIN), row.get(2)?);
        if built.cmp(than) != Ordering::Greater {
            return Ok(ControlFlow::Break(()));
        }
        since = Some(row.get(0)?);
        Ok(ControlFlow::Continue(()))
    };
    let parameters = params![product_id, environment_id, MAX_BACK];
    database.each(sql, &parameters, &mut look).await?;
    Ok(since)
}

async fn commit(database: &impl Statements, sha: String) -> Result<Commit, StoreError> {
    const SELECT: &str = "SELECT v.id, v.version, p.id, p.name, v.scm_sha, v.pinned, v.created_at \
        FROM versions v JOIN products p ON p.id = v.product_id WHERE v.scm_sha IS NOT NULL AND lower(v.scm_sha)";
    let order = "ORDER BY v.created_at DESC, v.id DESC LIMIT ?";
    // Builds may have named it in full, or shorter than it is asked for.
    let longer = format!("{SELECT} >= ? AND lower(v.scm_sha) < ? {order}");
    let shorter = format!("{SELECT} = ? {order}");
    let mut found = BTreeMap::new();
    let mut add = |row: &dyn Row| {
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
        Ok(ControlFlow::Continue(()))
    };
    let wanted = sha.to_ascii_lowercase();
    let end = format!("{wanted}\u{10ffff}");
    let parameters = params![wanted, end, MAX_VERSIONS];
    database.each(&longer, &parameters, &mut add).await?;
    for (index, _) in wanted.char_indices().skip(SHORT_SHA) {
        let parameters = params![&wanted[..index], MAX_VERSIONS];
        database.each(&shorter, &parameters, &mut add).await?;
    }
    let newest = usize::try_from(MAX_VERSIONS).unwrap_or(usize::MAX);
    let mut versions: Vec<CommitVersion> = found.into_values().rev().take(newest).collect();
    for version in &mut versions {
        version.environments = runs_in(database, version).await?;
    }
    Ok(Commit { sha, versions })
}

/// Where a version runs.
async fn runs_in(
    database: &impl Statements,
    version: &CommitVersion,
) -> Result<Vec<CommitPlace>, StoreError> {
    let sql = "SELECT e.id, e.name, d.id, d.deployed_at, d.deployed_by FROM cells s \
        JOIN deployments d ON d.id = s.current_id JOIN environments e ON e.id = s.environment_id \
        WHERE s.product_id = ? AND d.version_id = ? ORDER BY e.id";
    let parameters = params![version.product_id, version.version_id];
    database
        .rows(sql, &parameters, |row| {
            Ok(CommitPlace {
                environment_id: row.get(0)?,
                environment_name: row.get(1)?,
                deployment_id: row.get(2)?,
                deployed_at: time(row, 3)?,
                deployed_by: row.get(4)?,
            })
        })
        .await
}
