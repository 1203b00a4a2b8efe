//! The first page: what every cell shows, and how many need somebody.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lists::state;
use super::places::{self, Built, built_at};
use super::{Owned, Row, Statements, borrowed, params, rules};
use crate::domain::deployment::{EndedBy, Gate, State};
use crate::domain::names::fold;
use crate::domain::naming::EnvironmentType;
use crate::domain::rules::Rule;
use crate::store::StoreError;
use crate::store::account::{Account, read};
use crate::store::views::{
    Attempt, Attention, Board, BoardCell, BoardEnvironment, BoardFilter, BoardRow, Drift, GoesOn,
    Placed, WaitingStart,
};

/// From when on a version that is behind is stuck, in microseconds: 7 days.
pub const STUCK: i64 = 7 * 24 * 3600 * 1_000_000;

const ENVIRONMENTS: &str = "SELECT id, name, type, rank FROM environments \
    WHERE alias_of IS NULL AND archived = 0 \
    ORDER BY CASE WHEN rank IS NULL THEN 1 ELSE 0 END, rank, name, id";

const PRODUCTS: &str = "SELECT p.id, p.name FROM products p WHERE p.archived = 0 \
    AND EXISTS (SELECT 1 FROM cells s WHERE s.product_id = p.id) ORDER BY p.name, p.id";

/// The cells whose last attempt is not what runs there.
const UNQUIET: &str = "SELECT s.product_id, s.environment_id, l.status, l.refused_by, s.in_progress \
    FROM cells s LEFT JOIN deployments l ON l.id = s.latest_id \
    WHERE s.current_id IS NULL OR s.latest_id <> s.current_id OR s.in_progress <> '[]'";

/// The starts that rules hold, longest first.
const HELD: &str = "SELECT l.id, p.name, v.version, e.name, l.refused_by FROM cells s \
    JOIN deployments l ON l.id = s.latest_id JOIN versions v ON v.id = l.version_id \
    JOIN products p ON p.id = s.product_id JOIN environments e ON e.id = s.environment_id \
    WHERE l.status = 'preflight_failed' AND l.refused_by IS NOT NULL AND s.in_progress = '[]' \
    AND p.archived = 0 AND e.archived = 0 ORDER BY l.at, l.id";

/// What runs in each cell.
const CURRENT: &str = "SELECT s.product_id, s.environment_id, c.version_id FROM cells s \
    JOIN deployments c ON c.id = s.current_id";

const CELLS: &str = concat!(
    "SELECT s.product_id, s.environment_id, s.in_progress, ",
    built_at!("c"),
    ", c.id, c.version_id, cv.version, COALESCE(c.deployed_at, c.at), c.deployed_by, c.gate, \
     CASE WHEN c.gate = 'skipped' THEN c.extra_metadata END, ",
    built_at!("w"),
    ", w.version_id, wv.version, \
     l.id, lv.version, l.status, l.updated_at, l.refused_by, l.ended_by \
     FROM cells s \
     LEFT JOIN deployments c ON c.id = s.current_id LEFT JOIN versions cv ON cv.id = c.version_id \
     LEFT JOIN deployments w ON w.id = s.previous_id LEFT JOIN versions wv ON wv.id = w.version_id \
     LEFT JOIN deployments l ON l.id = s.latest_id AND l.id <> COALESCE(s.current_id, '') \
     LEFT JOIN versions lv ON lv.id = l.version_id \
     WHERE s.product_id IN "
);

impl Account {
    /// The environments, from development to production.
    pub async fn environment_columns(&self) -> Result<Vec<BoardEnvironment>, StoreError> {
        read!(self, database => database.rows(ENVIRONMENTS, &[], environment))
    }

    /// The names of rules that refused starts since then, and how many. Of a deployment that asked
    /// again and again one counts.
    pub async fn refusals(&self, since: i64) -> Result<Vec<(String, i64)>, StoreError> {
        read!(self, database => refusals(database, since))
    }

    /// The starts that a rule holds which wants people to say yes, the last attempt of each cell.
    pub async fn waiting_starts(&self) -> Result<Vec<WaitingStart>, StoreError> {
        read!(self, database => waiting_starts(database))
    }

    /// A part of the board.
    pub async fn board(&self, filter: BoardFilter, now: i64) -> Result<Board, StoreError> {
        read!(self, database => board(database, &filter, now))
    }
}

async fn board(
    database: &impl Statements,
    filter: &BoardFilter,
    now: i64,
) -> Result<Board, StoreError> {
    let all = database.rows(ENVIRONMENTS, &[], environment).await?;
    let products = database
        .rows(PRODUCTS, &[], |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    let rules = rules::all(database).await?;
    let shown = |environment: &BoardEnvironment| {
        filter.environments.is_empty()
            || filter
                .environments
                .iter()
                .any(|name| fold(name) == fold(&environment.name))
    };
    let mut board = Board {
        environment_names: all.iter().map(|one| one.name.clone()).collect(),
        environments: all.iter().filter(|one| shown(one)).cloned().collect(),
        products: products.len(),
        changed_at: database
            .row("SELECT MAX(latest_at) FROM cells", &[], |row| row.get(0))
            .await?
            .flatten(),
        ..Board::default()
    };
    let columns: HashSet<&str> = board
        .environments
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    let known: HashSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    let named: HashSet<&str> = products
        .iter()
        .map(|(id, _): &(String, String)| id.as_str())
        .collect();
    let mut wanted: HashSet<String> = HashSet::new();
    for (product, environment, why) in database
        .rows(UNQUIET, &[], |row| unquiet(row, &rules))
        .await?
    {
        let Some(why) = why else { continue };
        if !known.contains(environment.as_str()) || !named.contains(product.as_str()) {
            continue;
        }
        *board.counts.entry(why).or_default() += 1;
        if Some(why) == filter.attention && columns.contains(environment.as_str()) {
            wanted.insert(product);
        }
    }
    let differing = match filter.differs {
        true => Some(differing(database, &columns).await?),
        false => None,
    };
    let part = filter.product.as_deref().map(fold);
    let matching: Vec<&(String, String)> = products
        .iter()
        .filter(|(id, name)| {
            part.as_ref().is_none_or(|part| fold(name).contains(part))
                && filter.only.as_ref().is_none_or(|only| only.contains(id))
                && (filter.attention.is_none() || wanted.contains(id))
                && differing.as_ref().is_none_or(|some| some.contains(id))
        })
        .collect();
    board.matching = matching.len();
    // The product may have ceased to match: what comes after it by name goes on.
    let from = filter.after.as_ref().and_then(|after| {
        let place = products.iter().find(|(id, _)| id == after)?;
        let order = |one: &(String, String)| (one.1.clone(), one.0.clone());
        Some(matching.partition_point(|one| order(one) <= order(place)))
    });
    let rest = matching.get(from.unwrap_or(0)..).unwrap_or_default();
    let page = rest.get(..filter.limit.min(rest.len())).unwrap_or(rest);
    if page.len() < rest.len() {
        board.next = page.last().map(|(id, _)| id.clone());
    }
    let mut cells = cells(database, page, &rules, now).await?;
    for (id, name) in page {
        let of_product = cells.remove(id).unwrap_or_default();
        let drifts = drifts(database, id, &all, &of_product, now).await?;
        let cell = |environment: &BoardEnvironment| {
            let (_, cell) = of_product.get(&environment.id)?;
            Some(BoardCell {
                drift: drifts.get(&environment.id).cloned(),
                ..cell.clone()
            })
        };
        board.rows.push(BoardRow {
            id: id.clone(),
            name: name.clone(),
            cells: board.environments.iter().map(cell).collect(),
        });
    }
    Ok(board)
}

async fn waiting_starts(database: &impl Statements) -> Result<Vec<WaitingStart>, StoreError> {
    let rules = rules::all(database).await?;
    let asking: Vec<&str> = rules
        .iter()
        .filter(|rule| rule.spec.is_for_people())
        .map(|rule| rule.spec.name.as_str())
        .collect();
    if asking.is_empty() {
        return Ok(Vec::new());
    }
    let read = |row: &dyn Row| {
        let refused_by: String = row.get(4)?;
        let start = WaitingStart {
            deployment_id: row.get(0)?,
            product: row.get(1)?,
            version: row.get(2)?,
            environment: row.get(3)?,
        };
        Ok((refused_by, start))
    };
    let held = database.rows(HELD, &[], read).await?;
    // A name may be a part of another's: then it is looked at, and found not to wait.
    let waits = |refused_by: &str| asking.iter().any(|name| refused_by.contains(name));
    let waiting = held.into_iter().filter(|(by, _)| waits(by));
    Ok(waiting.map(|(_, start)| start).collect())
}

async fn refusals(
    database: &impl Statements,
    since: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT refused_by, COUNT(*) FROM deployments \
        WHERE created_at >= ? AND refused_by IS NOT NULL GROUP BY refused_by";
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    database.rows(sql, &params![since], read).await
}

fn environment(row: &dyn Row) -> Result<BoardEnvironment, StoreError> {
    let word: Option<String> = row.get(2)?;
    Ok(BoardEnvironment {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: word.as_deref().and_then(EnvironmentType::parse),
        rank: row.get(3)?,
    })
}

/// Why a cell needs somebody; none if its last attempt was only told late.
fn unquiet(
    row: &dyn Row,
    rules: &[Rule],
) -> Result<(String, String, Option<Attention>), StoreError> {
    let (in_progress, refused_by): (String, Option<String>) = (row.get(4)?, row.get(3)?);
    let latest: Option<String> = row.get(2)?;
    let latest = latest.as_deref().and_then(State::parse);
    let why = match latest {
        _ if in_progress != "[]" => Some(Attention::InProgress),
        Some(State::Failed) => Some(Attention::Failed),
        Some(State::Aborted) => Some(Attention::Aborted),
        Some(State::Pending) => Some(Attention::Queued),
        Some(State::PreflightFailed) if waits(refused_by.as_deref(), rules) => {
            Some(Attention::Waits)
        }
        Some(State::PreflightFailed) => Some(Attention::Blocked),
        Some(State::Started | State::Completed) | None => None,
    };
    Ok((row.get(0)?, row.get(1)?, why))
}

/// Whether all rules that refused a start wait for people. Their names stand in one text, and may
/// hold commas themselves.
fn waits(refused_by: Option<&str>, rules: &[Rule]) -> bool {
    let mut rest = refused_by.unwrap_or_default();
    let mut found = false;
    while !rest.is_empty() {
        let named = rules
            .iter()
            .filter_map(|rule| {
                let after = rest.strip_prefix(rule.spec.name.as_str())?;
                let after = match after {
                    "" => after,
                    _ => after.strip_prefix(", ")?,
                };
                Some((rule, after))
            })
            .min_by_key(|(_, after)| after.len());
        match named {
            Some((rule, after)) if rule.spec.is_for_people() => {
                found = true;
                rest = after;
            }
            _ => return false,
        }
    }
    found
}

/// The products of which these environments have different versions, or only some have one.
async fn differing(
    database: &impl Statements,
    columns: &HashSet<&str>,
) -> Result<HashSet<String>, StoreError> {
    let mut versions: HashMap<String, HashSet<String>> = HashMap::new();
    let all: Vec<(String, String, String)> = database
        .rows(CURRENT, &[], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .await?;
    for (product, environment, version) in all {
        if columns.contains(environment.as_str()) {
            versions.entry(product).or_default().insert(version);
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    Ok(versions.into_keys().collect())
}

/// A cell, and its version's place in the order in which versions were built.
type Found = (Option<Built>, BoardCell);

async fn cells(
    database: &impl Statements,
    page: &[&(String, String)],
    rules: &[Rule],
    now: i64,
) -> Result<HashMap<String, BTreeMap<String, Found>>, StoreError> {
    let mut found: HashMap<String, BTreeMap<String, Found>> = HashMap::new();
    if page.is_empty() {
        return Ok(found);
    }
    let places = vec!["?"; page.len()].join(", ");
    let ids: Vec<Owned> = page.iter().map(|(id, _)| Owned::Text(id.clone())).collect();
    let sql = format!("{CELLS}({places})");
    let rows = database
        .rows(&sql, &borrowed(&ids), |row| cell(row, rules))
        .await?;
    for (product, environment, in_progress, built, mut cell) in rows {
        for id in in_progress {
            cell.in_progress.extend(goes_on(database, &id, now).await?);
        }
        found
            .entry(product)
            .or_default()
            .insert(environment, (built, cell));
    }
    Ok(found)
}

type CellRow = (String, String, Vec<String>, Option<Built>, BoardCell);

fn cell(row: &dyn Row, rules: &[Rule]) -> Result<CellRow, StoreError> {
    let in_progress: String = row.get(2)?;
    let current: Option<String> = row.get(4)?;
    let mut built = None;
    let mut cell = BoardCell::default();
    if let Some(deployment_id) = current {
        let at: Option<i64> = row.get(3)?;
        let of_current: Built = (at.unwrap_or(i64::MIN), row.get(5)?);
        let gate: String = row.get(9)?;
        let metadata: Option<String> = row.get(10)?;
        cell.current = Some(Placed {
            deployment_id,
            version: row.get(6)?,
            at: row.get(7)?,
            by: row.get(8)?,
            gate: Gate::parse(&gate)
                .ok_or_else(|| StoreError::Damaged(format!("gate {gate:?}")))?,
            skip_reason: metadata.as_deref().and_then(skip_reason),
        });
        if let Some(version_id) = row.get::<Option<String>>(12)? {
            let at: Option<i64> = row.get(11)?;
            let before: Built = (at.unwrap_or(i64::MIN), version_id);
            if before.1 != of_current.1 && before > of_current {
                cell.rolled_back_from = row.get(13)?;
            }
        }
        built = Some(of_current);
    }
    if let Some(deployment_id) = row.get::<Option<String>>(14)? {
        let (refused_by, ended_by): (Option<String>, Option<String>) = (row.get(18)?, row.get(19)?);
        cell.latest = Some(Attempt {
            deployment_id,
            version: row.get(15)?,
            state: state(row, 16)?,
            at: row.get(17)?,
            waits: waits(refused_by.as_deref(), rules),
            refused_by,
            ended_by: ended_by
                .map(|text| serde_json::from_str::<EndedBy>(&text))
                .transpose()?,
        });
    }
    let ids = serde_json::from_str(&in_progress)?;
    Ok((row.get(0)?, row.get(1)?, ids, built, cell))
}

/// Why the checks of a deployment were skipped, from what was sent with it.
fn skip_reason(metadata: &str) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).ok()?;
    Some(metadata.get("vi_skip_reason")?.as_str()?.to_owned())
}

pub(super) async fn goes_on(
    database: &impl Statements,
    id: &str,
    now: i64,
) -> Result<Option<GoesOn>, StoreError> {
    let sql = "SELECT d.id, v.version, COALESCE(d.started_at, d.created_at), d.updated_at, d.lease \
        FROM deployments d JOIN versions v ON v.id = d.version_id WHERE d.id = ?";
    database
        .row(sql, &params![id], |row| {
            let (updated_at, lease): (i64, i64) = (row.get(3)?, row.get(4)?);
            let silent = now.saturating_sub(updated_at) >= lease / 2;
            Ok(GoesOn {
                deployment_id: row.get(0)?,
                version: row.get(1)?,
                since: row.get(2)?,
                silent_since: silent.then_some(updated_at),
            })
        })
        .await
}

/// How each environment of a product stands to the nearest one before it in which the product runs.
async fn drifts(
    database: &impl Statements,
    product_id: &str,
    environments: &[BoardEnvironment],
    cells: &BTreeMap<String, Found>,
    now: i64,
) -> Result<HashMap<String, Drift>, StoreError> {
    let mut drifts = HashMap::new();
    let built = |environment: &BoardEnvironment| cells.get(&environment.id)?.0.clone();
    for environment in environments {
        let (Some(own), Some(rank)) = (built(environment), environment.rank) else {
            continue;
        };
        let before = environments
            .iter()
            .filter(|other| other.rank.is_some_and(|other| other < rank))
            .filter_map(|other| Some((other, built(other)?)))
            .max_by_key(|(other, _)| other.rank);
        let Some((before, theirs)) = before.filter(|(_, theirs)| theirs.1 != own.1) else {
            continue;
        };
        let behind = own < theirs;
        // Nothing newer waits for longer than this version is old.
        let stuck_since = match behind && own.0.saturating_add(STUCK) <= now {
            true => places::waiting_since(database, product_id, &before.id, &own).await?,
            false => None,
        };
        let stuck_since = stuck_since.filter(|since| since.saturating_add(STUCK) <= now);
        let drift = Drift {
            than: before.name.clone(),
            behind,
            versions: places::apart(database, product_id, &own, &theirs).await?,
            stuck_since,
        };
        drifts.insert(environment.id.clone(), drift);
    }
    Ok(drifts)
}
