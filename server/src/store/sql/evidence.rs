//! What rules ask of the record.

use super::{Row, Statements, approvals, catalog, deployments, params};
use crate::domain::deployment::Place;
use crate::domain::naming::Kind;
use crate::domain::rules::{ApprovalKind, Elsewhere, Evidence, Found, Questions};
use crate::store::StoreError;

/// How long a version that was current counts as one to go back to, in microseconds: 90 days.
const ROLLBACK: i64 = 90 * 24 * 3600 * 1_000_000;

/// The answers to `questions`.
pub async fn find(
    database: &impl Statements,
    place: &Place,
    questions: &Questions,
    now: i64,
) -> Result<Evidence, StoreError> {
    let mut evidence = Evidence::default();
    for (name, question) in &questions.environments {
        let Some(environment) = catalog::find(database, Kind::Environment, name).await? else {
            continue;
        };
        let environment_id = &environment.id;
        let mut found = Found::default();
        if question.runs {
            found.succeeded = succeeded(database, &place.version_id, environment_id).await?;
            found.runs = runs(database, place, environment_id).await?;
        }
        if question.quality {
            let kind = ApprovalKind::Quality;
            found.quality_approvals =
                approvals::standing(database, &place.version_id, kind, environment_id).await?;
        }
        evidence.environments.insert(name.clone(), found);
    }
    if questions.release {
        let kind = ApprovalKind::Release;
        evidence.release_approvals =
            approvals::standing(database, &place.version_id, kind, &place.environment_id).await?;
    }
    if questions.elsewhere {
        evidence.elsewhere = elsewhere(database, place).await?;
    }
    if questions.rollback {
        evidence.was_current = was_current(database, place, now - ROLLBACK).await?;
    }
    Ok(evidence)
}

/// What of other products is in progress in the environment.
async fn elsewhere(
    database: &impl Statements,
    place: &Place,
) -> Result<Vec<Elsewhere>, StoreError> {
    let sql = "SELECT d.id, p.name FROM deployments d JOIN products p ON p.id = d.product_id \
        WHERE d.environment_id = ? AND d.status = 'started' AND d.gate <> 'told' \
        AND d.product_id <> ? ORDER BY d.position";
    let parameters = params![place.environment_id, place.product_id];
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    let others: Vec<(String, String)> = database.rows(sql, &parameters, read).await?;
    let mut found = Vec::new();
    for (id, product) in others {
        let row = deployments::by_id(database, &id).await?;
        found.extend(row.map(|row| Elsewhere { product, row }));
    }
    Ok(found)
}

/// Whether the version was current in its cell at `since` or later, by a start that was allowed.
async fn was_current(
    database: &impl Statements,
    place: &Place,
    since: i64,
) -> Result<bool, StoreError> {
    // Where its newest deployment was followed by another version, so were those before.
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM deployments o \
             WHERE o.product_id = d.product_id AND o.environment_id = d.environment_id \
             AND o.status = 'completed' AND o.at >= d.at AND o.at < ?4 \
             AND o.version_id <> d.version_id AND (o.at > d.at OR o.position > d.position)) \
         FROM deployments d \
         WHERE d.product_id = ?1 AND d.environment_id = ?2 AND d.version_id = ?3 \
         AND d.status = 'completed' AND d.gate = 'allowed' \
         ORDER BY d.at DESC, d.position DESC LIMIT 1";
    let parameters = params![
        place.product_id,
        place.environment_id,
        place.version_id,
        since
    ];
    let found = database.row(sql, &parameters, |row| row.get(0)).await?;
    Ok(found.unwrap_or(false))
}

/// Whether the last finished attempt of a version in an environment was a success.
pub async fn succeeded(
    database: &impl Statements,
    version_id: &str,
    environment_id: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT status = 'completed' FROM deployments \
        WHERE version_id = ? AND environment_id = ? \
        AND status IN ('completed', 'failed', 'aborted') AND gate <> 'refused' AND evidence = 1 \
        ORDER BY at DESC, position DESC LIMIT 1";
    let found = database
        .row(sql, &params![version_id, environment_id], |row| row.get(0))
        .await;
    Ok(found?.unwrap_or(false))
}

/// When the version ran there, without a pause: its newest 16 runs.
async fn runs(
    database: &impl Statements,
    place: &Place,
    environment_id: &str,
) -> Result<Vec<(i64, Option<i64>)>, StoreError> {
    let sql = "SELECT d.at, (SELECT MIN(o.at) FROM deployments o \
             WHERE o.product_id = d.product_id AND o.environment_id = d.environment_id \
             AND o.status = 'completed' AND o.at >= d.at AND o.version_id <> d.version_id \
             AND (o.at > d.at OR o.position > d.position)) \
         FROM deployments d \
         WHERE d.version_id = ? AND d.environment_id = ? \
         AND d.status = 'completed' AND d.evidence = 1 ORDER BY d.position DESC LIMIT 16";
    let parameters = params![place.version_id, environment_id];
    database
        .rows(sql, &parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}
