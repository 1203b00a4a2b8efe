//! What rules ask of the record.

use rusqlite::{Connection, OptionalExtension, params};

use super::{approvals, catalog, deployments};
use crate::domain::deployment::Place;
use crate::domain::naming::Kind;
use crate::domain::rules::{ApprovalKind, Elsewhere, Evidence, Found, Questions};
use crate::store::StoreError;

/// How long a version that was current counts as one to go back to, in microseconds: 90 days.
const ROLLBACK: i64 = 90 * 24 * 3600 * 1_000_000;

/// The answers to `questions`.
pub fn find(
    connection: &Connection,
    place: &Place,
    questions: &Questions,
    now: i64,
) -> Result<Evidence, StoreError> {
    let mut evidence = Evidence::default();
    for (name, question) in &questions.environments {
        let Some(environment) = catalog::find(connection, Kind::Environment, name)? else {
            continue;
        };
        let environment_id = &environment.id;
        let mut found = Found::default();
        if question.runs {
            found.succeeded = succeeded(connection, [&place.version_id, environment_id])?;
            found.runs = runs(connection, place, environment_id)?;
        }
        if question.quality {
            let kind = ApprovalKind::Quality;
            found.quality_approvals =
                approvals::standing(connection, &place.version_id, kind, environment_id)?;
        }
        evidence.environments.insert(name.clone(), found);
    }
    if questions.release {
        let kind = ApprovalKind::Release;
        evidence.release_approvals =
            approvals::standing(connection, &place.version_id, kind, &place.environment_id)?;
    }
    if questions.elsewhere {
        evidence.elsewhere = elsewhere(connection, place)?;
    }
    if questions.rollback {
        evidence.was_current = was_current(connection, place, now - ROLLBACK)?;
    }
    Ok(evidence)
}

/// What of other products is in progress in the environment.
fn elsewhere(connection: &Connection, place: &Place) -> Result<Vec<Elsewhere>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT d.id, p.name FROM deployments d JOIN products p ON p.id = d.product_id \
         WHERE d.environment_id = ? AND d.status = 'started' AND d.gate <> 'told' \
         AND d.product_id <> ? ORDER BY d.position",
    )?;
    let mut rows = select.query([&place.environment_id, &place.product_id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, product): (String, String) = (row.get(0)?, row.get(1)?);
        let row = deployments::by_id(connection, &id)?;
        found.extend(row.map(|row| Elsewhere { product, row }));
    }
    Ok(found)
}

/// Whether the version was current in its cell at `since` or later, by a start that was allowed.
fn was_current(connection: &Connection, place: &Place, since: i64) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached(
        // Where its newest deployment was followed by another version, so were those before.
        "SELECT NOT EXISTS (SELECT 1 FROM deployments o \
             WHERE o.product_id = d.product_id AND o.environment_id = d.environment_id \
             AND o.status = 'completed' AND o.at >= d.at AND o.at < ?4 \
             AND o.version_id <> d.version_id AND (o.at > d.at OR o.position > d.position)) \
         FROM deployments d \
         WHERE d.product_id = ?1 AND d.environment_id = ?2 AND d.version_id = ?3 \
         AND d.status = 'completed' AND d.gate = 'allowed' \
         ORDER BY d.at DESC, d.position DESC LIMIT 1",
    )?;
    let parameters = params![
        place.product_id,
        place.environment_id,
        place.version_id,
        since
    ];
    let found = select.query_row(parameters, |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(false))
}

/// Whether the last finished attempt of a version in an environment was a success.
pub fn succeeded(connection: &Connection, version: [&str; 2]) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT status = 'completed' FROM deployments \
         WHERE version_id = ? AND environment_id = ? \
         AND status IN ('completed', 'failed', 'aborted') AND gate <> 'refused' AND evidence \
         ORDER BY at DESC, position DESC LIMIT 1",
    )?;
    let found = select.query_row(version, |row| row.get(0));
    Ok(found.optional()?.unwrap_or(false))
}

/// When the version ran there, without a pause: its newest 16 runs.
fn runs(
    connection: &Connection,
    place: &Place,
    environment_id: &str,
) -> Result<Vec<(i64, Option<i64>)>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT d.at, (SELECT MIN(o.at) FROM deployments o \
             WHERE o.product_id = d.product_id AND o.environment_id = d.environment_id \
             AND o.status = 'completed' AND o.at >= d.at AND o.version_id <> d.version_id \
             AND (o.at > d.at OR o.position > d.position)) \
         FROM deployments d \
         WHERE d.version_id = ? AND d.environment_id = ? \
         AND d.status = 'completed' AND d.evidence ORDER BY d.position DESC LIMIT 16",
    )?;
    let parameters = [place.version_id.as_str(), environment_id];
    let runs = select.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(runs.collect::<Result<_, _>>()?)
}
