//! Deployments, spans and cells.

use super::{Row as SqlRow, Statements, object, params};
use crate::domain::change::Details;
use crate::domain::deployment::{Cell, Completed, Gate, Place, Row, SpanFact, State};
use crate::store::StoreError;

/// The columns of a row; `v` are the versions.
macro_rules! columns {
    () => {
        "d.id, d.position, d.product_id, d.environment_id, d.version_id, v.version, d.status, \
         d.gate, d.exclusive, d.origin, d.span, d.parts, d.deployed_by, d.asked_by, d.asked, \
         d.asks, d.refused_by, d.ended_by, d.overlapped, d.evidence, d.created_at, d.updated_at, \
         d.started_at, d.at, d.deployed_at, d.expires_at, d.lease \
         FROM deployments d JOIN versions v ON v.id = d.version_id"
    };
}

fn damaged(what: &str, word: &str) -> StoreError {
    StoreError::Damaged(format!("{what} {word:?}"))
}

fn read(row: &dyn SqlRow) -> Result<Row, StoreError> {
    let (state, gate): (String, String) = (row.get(6)?, row.get(7)?);
    let (origin, parts): (String, String) = (row.get(9)?, row.get(11)?);
    let ended_by: Option<String> = row.get(17)?;
    Ok(Row {
        id: row.get(0)?,
        position: row.get(1)?,
        product_id: row.get(2)?,
        environment_id: row.get(3)?,
        version_id: row.get(4)?,
        version: row.get(5)?,
        state: State::parse(&state).ok_or_else(|| damaged("status", &state))?,
        gate: Gate::parse(&gate).ok_or_else(|| damaged("gate", &gate))?,
        exclusive: row.get(8)?,
        origin: serde_json::from_str(&origin)?,
        span: row.get(10)?,
        parts: serde_json::from_str(&parts)?,
        deployed_by: row.get(12)?,
        asked_by: row.get(13)?,
        asked: row.get(14)?,
        asks: row.get(15)?,
        refused_by: row.get(16)?,
        ended_by: ended_by
            .map(|text| serde_json::from_str(&text))
            .transpose()?,
        overlapped: row.get(18)?,
        evidence: row.get(19)?,
        created_at: row.get(20)?,
        updated_at: row.get(21)?,
        started_at: row.get(22)?,
        at: row.get(23)?,
        deployed_at: row.get(24)?,
        expires_at: row.get(25)?,
        lease: row.get(26)?,
    })
}

/// A deployment by its identifier.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Row>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " WHERE d.id = ?");
    database.row(sql, &params![id], read).await
}

/// Deployments without a word for too long.
pub async fn expired(
    database: &impl Statements,
    now: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " WHERE d.expires_at <= ? ORDER BY d.expires_at, d.position LIMIT ?"
    );
    database.rows(sql, &params![now, limit], read).await
}

/// The newest deployments of a cell, newest first: as many as a run may have told of here.
pub async fn newest_of_cell(
    database: &impl Statements,
    product_id: &str,
    environment_id: &str,
) -> Result<Vec<Row>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " WHERE d.product_id = ? AND d.environment_id = ? \
         ORDER BY d.created_at DESC, d.position DESC LIMIT 20"
    );
    let parameters = params![product_id, environment_id];
    database.rows(sql, &parameters, read).await
}

/// The deployments that are not over, of runs of this name; among them those whose jobs wait for a verdict.
pub async fn open_of_run(
    database: &impl Statements,
    invoke_id: &str,
) -> Result<Vec<Row>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " WHERE d.status IN ('started', 'pending') AND d.invoke_id = ? ORDER BY d.position LIMIT 100"
    );
    let mut open = database.rows(sql, &params![invoke_id], read).await?;
    // Of all that were ever refused only these have not expired.
    let sql = concat!(
        "SELECT ",
        columns!(),
        " WHERE d.expires_at > 0 AND d.status NOT IN ('started', 'pending') AND d.invoke_id = ? \
            AND d.span LIKE 'gate:%' ORDER BY d.position LIMIT 100"
    );
    open.extend(database.rows(sql, &params![invoke_id], read).await?);
    Ok(open)
}

/// What a cell's last events left behind.
pub async fn cell(
    database: &impl Statements,
    product_id: &str,
    environment_id: &str,
) -> Result<Cell, StoreError> {
    let sql = "SELECT in_progress, last_id, last_started_id, current_id, current_at, previous_id, \
        latest_id, latest_at FROM cells WHERE product_id = ? AND environment_id = ?";
    let found = database
        .row(sql, &params![product_id, environment_id], |row| {
            Ok(Cell {
                in_progress: serde_json::from_str(&row.get::<String>(0)?)?,
                last_id: row.get(1)?,
                last_started_id: row.get(2)?,
                current_id: row.get(3)?,
                current_at: row.get(4)?,
                previous_id: row.get(5)?,
                latest_id: row.get(6)?,
                latest_at: row.get(7)?,
            })
        })
        .await;
    Ok(found?.unwrap_or_default())
}

/// The newest rows of a version in a cell, as many as an event can belong to.
pub async fn of_version(database: &impl Statements, place: &Place) -> Result<Vec<Row>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " WHERE d.version_id = ? AND d.environment_id = ? ORDER BY d.position DESC LIMIT 16"
    );
    let parameters = params![place.version_id, place.environment_id];
    database.rows(sql, &parameters, read).await
}

/// The rows that a cell names and that are not among `rows`.
pub fn missing(cell: &Cell, rows: &[Row]) -> Vec<String> {
    let of_cell = [&cell.last_id, &cell.last_started_id].into_iter().flatten();
    let mut missing: Vec<String> = Vec::new();
    for id in cell.in_progress.iter().chain(of_cell) {
        if !rows.iter().any(|row| row.id == *id) && !missing.contains(id) {
            missing.push(id.clone());
        }
    }
    missing
}

/// The row as it is read again after it was written.
pub fn as_stored(row: &Row) -> Row {
    Row {
        exclusive: row.exclusive && row.in_progress(),
        ..row.clone()
    }
}

/// The newest completed deployments of a cell, as many as its order needs.
pub async fn completed(
    database: &impl Statements,
    place: &Place,
) -> Result<Vec<Completed>, StoreError> {
    let sql = "SELECT id, version_id, at FROM deployments \
        WHERE product_id = ? AND environment_id = ? AND status = 'completed' \
        ORDER BY at DESC, position DESC LIMIT 8";
    let parameters = params![place.product_id, place.environment_id];
    database
        .rows(sql, &parameters, |row| {
            Ok(Completed {
                id: row.get(0)?,
                version_id: row.get(1)?,
                at: row.get(2)?,
            })
        })
        .await
}

/// A span by the header, or by the Idempotency-Key of its start.
pub async fn find_span(
    database: &impl Statements,
    span: &str,
) -> Result<Option<SpanFact>, StoreError> {
    let sql = "SELECT deployment_id, part, aborted_until FROM spans WHERE span = ?";
    let read = |row: &dyn SqlRow| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    if let Some((id, part, aborted_until)) = database.row(sql, &params![span], read).await? {
        let id: Option<String> = id;
        let row = match id {
            Some(id) => by_id(database, &id).await?,
            None => None,
        };
        return Ok(Some(SpanFact {
            row,
            part,
            aborted_until,
        }));
    }
    let sql = "SELECT l.subject FROM requests r JOIN log l ON l.position = r.position \
        WHERE r.idempotency_key = ? AND r.endpoint = 'deployment-events' \
        AND l.kind IN ('deployment.started', 'deployment.refused', 'deployment.joined') \
        ORDER BY r.position DESC LIMIT 1";
    let id = database
        .row(sql, &params![span], |row| row.get::<Option<String>>(0))
        .await;
    let row = match id?.flatten() {
        Some(id) => by_id(database, &id).await?,
        None => None,
    };
    Ok(row.map(|row| SpanFact {
        row: Some(row),
        part: None,
        aborted_until: None,
    }))
}

/// The details of a deployment.
pub async fn details(database: &impl Statements, id: &str) -> Result<Details, StoreError> {
    let sql = "SELECT attributes, extra_metadata FROM deployments WHERE id = ?";
    let found = database
        .row(sql, &params![id], |row| {
            Ok(Details {
                attributes: object(row, 0)?,
                metadata: object(row, 1)?,
            })
        })
        .await;
    Ok(found?.unwrap_or_default())
}

/// Writes a row, and what comes over its details; `known` are those, if they were read before.
pub async fn write(
    database: &impl Statements,
    row: &Row,
    added: Option<&Details>,
    known: Option<Details>,
    new: bool,
) -> Result<(), StoreError> {
    if new {
        return insert(database, row, added).await;
    }
    let merged = match (added, known) {
        (None, _) => None,
        (Some(added), known) => {
            let mut all = match known {
                Some(known) => known,
                None => details(database, &row.id).await?,
            };
            all.merge(added);
            Some(all)
        }
    };
    update(database, row, merged.as_ref()).await
}

async fn insert(
    database: &impl Statements,
    row: &Row,
    added: Option<&Details>,
) -> Result<(), StoreError> {
    let none = Details::default();
    let details = added.unwrap_or(&none);
    let sql = "INSERT INTO deployments (position, id, product_id, environment_id, version_id, status, \
         gate, exclusive, invoke_id, origin, span, parts, deployed_by, asked_by, asked, asks, \
         refused_by, ended_by, overlapped, evidence, created_at, updated_at, started_at, at, \
         deployed_at, expires_at, lease, attributes, extra_metadata) VALUES \
         (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (origin, parts) = (
        serde_json::to_string(&row.origin)?,
        serde_json::to_string(&row.parts)?,
    );
    let (attributes, metadata) = (
        serde_json::to_string(&details.attributes)?,
        serde_json::to_string(&details.metadata)?,
    );
    let (ended_by, exclusive) = (ended_by(row)?, row.exclusive && row.in_progress());
    let parameters = params![
        row.position,
        row.id,
        row.product_id,
        row.environment_id,
        row.version_id,
        row.state.as_str(),
        row.gate.as_str(),
        exclusive,
        row.origin.invoke_id,
        origin,
        row.span,
        parts,
        row.deployed_by,
        row.asked_by,
        row.asked,
        row.asks,
        row.refused_by,
        ended_by,
        row.overlapped,
        row.evidence,
        row.created_at,
        row.updated_at,
        row.started_at,
        row.at,
        row.deployed_at,
        row.expires_at,
        row.lease,
        attributes,
        metadata,
    ];
    database.execute(sql, &parameters).await?;
    Ok(())
}

async fn update(
    database: &impl Statements,
    row: &Row,
    details: Option<&Details>,
) -> Result<(), StoreError> {
    let text = |map| serde_json::to_string(map);
    let attributes = details
        .map(|details| text(&details.attributes))
        .transpose()?;
    let metadata = details.map(|details| text(&details.metadata)).transpose()?;
    let (origin, parts) = (
        serde_json::to_string(&row.origin)?,
        serde_json::to_string(&row.parts)?,
    );
    let (ended_by, exclusive) = (ended_by(row)?, row.exclusive && row.in_progress());
    let sql = "UPDATE deployments SET status = ?, gate = ?, exclusive = ?, invoke_id = ?, origin = ?, \
         span = ?, parts = ?, deployed_by = ?, asked_by = ?, asked = ?, asks = ?, refused_by = ?, \
         ended_by = ?, overlapped = ?, evidence = ?, updated_at = ?, started_at = ?, at = ?, \
         deployed_at = ?, expires_at = ?, lease = ?, \
         attributes = COALESCE(?, attributes), extra_metadata = COALESCE(?, extra_metadata) \
         WHERE position = ?";
    let parameters = params![
        row.state.as_str(),
        row.gate.as_str(),
        exclusive,
        row.origin.invoke_id,
        origin,
        row.span,
        parts,
        row.deployed_by,
        row.asked_by,
        row.asked,
        row.asks,
        row.refused_by,
        ended_by,
        row.overlapped,
        row.evidence,
        row.updated_at,
        row.started_at,
        row.at,
        row.deployed_at,
        row.expires_at,
        row.lease,
        attributes,
        metadata,
        row.position,
    ];
    database.execute(sql, &parameters).await?;
    Ok(())
}

fn ended_by(row: &Row) -> Result<Option<String>, StoreError> {
    Ok(row
        .ended_by
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?)
}

/// Writes what a span is about.
pub async fn write_span(
    database: &impl Statements,
    span: &str,
    deployment_id: Option<&str>,
    part: Option<&str>,
    aborted_until: Option<i64>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO spans (span, deployment_id, part, aborted_until) VALUES (?, ?, ?, ?) \
        ON CONFLICT (span) DO UPDATE SET deployment_id = excluded.deployment_id, \
        part = COALESCE(excluded.part, spans.part), aborted_until = excluded.aborted_until";
    let parameters = params![span, deployment_id, part, aborted_until];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// Writes a cell.
pub async fn write_cell(
    database: &impl Statements,
    product_id: &str,
    environment_id: &str,
    cell: &Cell,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO cells (product_id, environment_id, in_progress, last_id, \
        last_started_id, current_id, current_at, previous_id, latest_id, latest_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (product_id, environment_id) \
        DO UPDATE SET in_progress = excluded.in_progress, last_id = excluded.last_id, \
        last_started_id = excluded.last_started_id, current_id = excluded.current_id, \
        current_at = excluded.current_at, previous_id = excluded.previous_id, \
        latest_id = excluded.latest_id, latest_at = excluded.latest_at";
    let in_progress = serde_json::to_string(&cell.in_progress)?;
    let parameters = params![
        product_id,
        environment_id,
        in_progress,
        cell.last_id,
        cell.last_started_id,
        cell.current_id,
        cell.current_at,
        cell.previous_id,
        cell.latest_id,
        cell.latest_at,
    ];
    database.execute(sql, &parameters).await?;
    Ok(())
}
