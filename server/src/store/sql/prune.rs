//! What nobody asks for any more: finding it, and taking it out.

use super::{Row, Statements, params};
use crate::domain::prune::{Ages, Old, Place};
use crate::store::StoreError;

/// How many are taken in one transaction: bounds how long others wait.
const AT_ONCE: usize = 200;
/// How many Idempotency-Keys are looked at in one transaction.
const LOOKED_AT: usize = 2000;

/// The versions of which nothing is taken: what is or was last in a place, or is on its way there. All
/// that a rule could ask of them stays.
const KEPT: &str = "WITH kept AS ( \
    SELECT k.version_id FROM cells c JOIN deployments k ON k.id = c.current_id \
    UNION SELECT k.version_id FROM cells c JOIN deployments k ON k.id = c.previous_id \
    UNION SELECT version_id FROM deployments WHERE status IN ('started', 'pending')) ";

/// Looks for what is old, from a place on.
pub async fn find(
    database: &impl Statements,
    from: &Place,
    ages: &Ages,
) -> Result<Old, StoreError> {
    match from {
        Place::Deployments(at, position) => deployments(database, (*at, *position), ages).await,
        Place::Builds(at, position) => builds(database, (*at, *position), ages).await,
        Place::Answers(key, endpoint, actor) => {
            answers(database, (key, endpoint, actor), ages).await
        }
    }
}

/// A row by its identifier and its place in the order of arrival.
type Found = (String, i64, i64);

fn found(row: &dyn Row) -> Result<Found, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// The identifiers, and where to go on.
fn split(found: Vec<Found>, place: fn(i64, i64) -> Place) -> (Vec<String>, Option<Place>) {
    let next = (found.len() == AT_ONCE)
        .then(|| found.last().map(|(_, at, position)| place(*at, *position)))
        .flatten();
    (found.into_iter().map(|(id, ..)| id).collect(), next)
}

async fn deployments(
    database: &impl Statements,
    (at, position): (i64, i64),
    ages: &Ages,
) -> Result<Old, StoreError> {
    let sql = format!(
        "{KEPT} SELECT d.id, d.created_at, d.position FROM deployments d \
         WHERE (d.created_at, d.position) > (?1, ?2) AND d.created_at < ?3 AND d.updated_at < ?3 \
         AND d.status NOT IN ('started', 'pending') \
         AND d.version_id NOT IN (SELECT version_id FROM kept) \
         AND NOT EXISTS (SELECT 1 FROM cells c \
             WHERE c.product_id = d.product_id AND c.environment_id = d.environment_id \
             AND d.id IN (c.last_id, c.last_started_id, c.latest_id)) \
         AND EXISTS (SELECT 1 FROM deployments n \
             WHERE n.product_id = d.product_id AND n.environment_id = d.environment_id \
             AND (n.created_at, n.position) > (d.created_at, d.position) LIMIT 1 OFFSET 9) \
         AND (d.status <> 'completed' OR ({COMPLETED})) \
         ORDER BY d.created_at, d.position LIMIT ?5"
    );
    let parameters = params![
        at,
        position,
        ages.before,
        ages.current_since,
        limit(AT_ONCE)
    ];
    let rows = database.rows(&sql, &parameters, found).await?;
    let (ids, next) = split(rows, Place::Deployments);
    Ok(Old {
        deployments: ids,
        next,
        ..Old::default()
    })
}

/// Of what was completed in a place the last ten stay, what was current within the time in which it may
/// go back, and what ended a run of a version of which everything stays: without it that run would go on.
const COMPLETED: &str = "EXISTS (SELECT 1 FROM deployments n \
        WHERE n.product_id = d.product_id AND n.environment_id = d.environment_id \
        AND n.status = 'completed' AND (n.at, n.position) > (d.at, d.position) LIMIT 1 OFFSET 9) \
    AND EXISTS (SELECT 1 FROM deployments o \
        WHERE o.product_id = d.product_id AND o.environment_id = d.environment_id \
        AND o.status = 'completed' AND o.version_id <> d.version_id AND o.at < ?4 \
        AND (o.at, o.position) > (d.at, d.position)) \
    AND COALESCE((SELECT p.version_id FROM deployments p \
        WHERE p.product_id = d.product_id AND p.environment_id = d.environment_id \
        AND p.status = 'completed' AND (p.at, p.position) < (d.at, d.position) \
        ORDER BY p.at DESC, p.position DESC LIMIT 1), '') NOT IN (SELECT version_id FROM kept)";

/// Builds of versions of which nothing is left but what is old, but for the last ten of a product.
async fn builds(
    database: &impl Statements,
    (at, position): (i64, i64),
    ages: &Ages,
) -> Result<Old, StoreError> {
    let sql = format!(
        "{KEPT} SELECT b.id, b.created_at, b.position FROM builds b \
         WHERE (b.created_at, b.position) > (?1, ?2) AND b.created_at < ?3 AND b.updated_at < ?3 \
         AND b.version_id NOT IN (SELECT version_id FROM kept) \
         AND NOT EXISTS (SELECT 1 FROM deployments d \
             WHERE d.version_id = b.version_id AND d.updated_at >= ?3) \
         AND EXISTS (SELECT 1 FROM builds n WHERE n.product_id = b.product_id \
             AND (n.created_at, n.position) > (b.created_at, b.position) LIMIT 1 OFFSET 9) \
         ORDER BY b.created_at, b.position LIMIT ?4"
    );
    let parameters = params![at, position, ages.before, limit(AT_ONCE)];
    let rows = database.rows(&sql, &parameters, found).await?;
    let (ids, next) = split(rows, Place::Builds);
    Ok(Old {
        builds: ids,
        next,
        ..Old::default()
    })
}

/// Idempotency-Keys whose answer nobody is given any more; that of a start stays as long as its
/// deployment is in progress.
async fn answers(
    database: &impl Statements,
    (key, endpoint, actor): (&String, &String, &String),
    ages: &Ages,
) -> Result<Old, StoreError> {
    let sql = "SELECT r.idempotency_key, r.endpoint, r.actor, l.at < ?4 AND NOT EXISTS ( \
             SELECT 1 FROM deployments d WHERE d.id = l.subject \
             AND d.status IN ('started', 'pending')) \
         FROM requests r JOIN log l ON l.position = r.position \
         WHERE (r.idempotency_key, r.endpoint, r.actor) > (?1, ?2, ?3) \
         ORDER BY r.idempotency_key, r.endpoint, r.actor LIMIT ?5";
    let parameters = params![key, endpoint, actor, ages.answers_before, limit(LOOKED_AT)];
    let looked_at = database
        .rows(sql, &parameters, |row| {
            let name: (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((name, row.get::<bool>(3)?))
        })
        .await?;
    let next = looked_at
        .last()
        .filter(|_| looked_at.len() == LOOKED_AT)
        .map(|((key, endpoint, actor), _)| {
            Place::Answers(key.clone(), endpoint.clone(), actor.clone())
        });
    let old = looked_at.into_iter().filter(|(_, old)| *old);
    Ok(Old {
        answers: old.map(|(name, _)| name).collect(),
        next,
        ..Old::default()
    })
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Takes deployments and builds out, with what only belongs to them.
pub async fn take(
    database: &impl Statements,
    deployments: &[String],
    builds: &[String],
) -> Result<(), StoreError> {
    for id in deployments {
        let sql = "DELETE FROM spans WHERE deployment_id = ?1 \
            AND span = (SELECT span FROM deployments WHERE id = ?1)";
        database.execute(sql, &params![id]).await?;
        let sql = "DELETE FROM mentions WHERE deployment_id = ?";
        database.execute(sql, &params![id]).await?;
        let sql = "DELETE FROM deployments WHERE id = ?";
        database.execute(sql, &params![id]).await?;
    }
    for id in builds {
        let sql = "DELETE FROM builds WHERE id = ?";
        database.execute(sql, &params![id]).await?;
    }
    Ok(())
}

/// Forgets the answers to Idempotency-Keys, and those that a version before the log gave, if they are
/// as old.
pub async fn forget_answers(
    database: &impl Statements,
    answers: &[(String, String, String)],
    before: i64,
) -> Result<(), StoreError> {
    for (key, endpoint, actor) in answers {
        let sql = "DELETE FROM requests \
            WHERE idempotency_key = ? AND endpoint = ? AND actor = ?";
        database
            .execute(sql, &params![key, endpoint, actor])
            .await?;
    }
    let sql = "DELETE FROM answers WHERE created_at < ?";
    database.execute(sql, &params![before]).await?;
    Ok(())
}
