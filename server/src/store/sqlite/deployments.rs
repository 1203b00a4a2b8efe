//! Deployments, spans and cells.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::object;
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

fn read(row: &SqlRow<'_>) -> Result<Row, StoreError> {
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
pub fn by_id(connection: &Connection, id: &str) -> Result<Option<Row>, StoreError> {
    let mut select =
        connection.prepare_cached(concat!("SELECT ", columns!(), " WHERE d.id = ?"))?;
    let mut rows = select.query([id])?;
    rows.next()?.map(read).transpose()
}

/// Deployments without a word for too long.
pub fn expired(connection: &Connection, now: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " WHERE d.expires_at <= ? ORDER BY d.expires_at LIMIT ?"
    ))?;
    let mut rows = select.query([now, limit])?;
    let mut expired = Vec::new();
    while let Some(row) = rows.next()? {
        expired.push(read(row)?);
    }
    Ok(expired)
}

/// What a cell's last events left behind.
pub fn cell(
    connection: &Connection,
    product_id: &str,
    environment_id: &str,
) -> Result<Cell, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT in_progress, last_id, last_started_id, current_id, current_at, previous_id, \
         latest_id, latest_at FROM cells WHERE product_id = ? AND environment_id = ?",
    )?;
    let found = select.query_row([product_id, environment_id], |row| {
        let in_progress: String = row.get(0)?;
        Ok((
            in_progress,
            Cell {
                in_progress: Vec::new(),
                last_id: row.get(1)?,
                last_started_id: row.get(2)?,
                current_id: row.get(3)?,
                current_at: row.get(4)?,
                previous_id: row.get(5)?,
                latest_id: row.get(6)?,
                latest_at: row.get(7)?,
            },
        ))
    });
    let Some((in_progress, cell)) = found.optional()? else {
        return Ok(Cell::default());
    };
    Ok(Cell {
        in_progress: serde_json::from_str(&in_progress)?,
        ..cell
    })
}

/// The newest rows of a version in a cell, as many as an event can belong to.
pub fn of_version(connection: &Connection, place: &Place) -> Result<Vec<Row>, StoreError> {
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " WHERE d.version_id = ? AND d.environment_id = ? ORDER BY d.position DESC LIMIT 16"
    ))?;
    let mut found = select.query([&place.version_id, &place.environment_id])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    Ok(rows)
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
pub fn completed(connection: &Connection, place: &Place) -> Result<Vec<Completed>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, version_id, at FROM deployments \
         WHERE product_id = ? AND environment_id = ? AND status = 'completed' \
         ORDER BY at DESC, position DESC LIMIT 8",
    )?;
    let parameters = [&place.product_id, &place.environment_id];
    let found = select.query_map(parameters, |row| {
        Ok(Completed {
            id: row.get(0)?,
            version_id: row.get(1)?,
            at: row.get(2)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// A span by the header, or by the Idempotency-Key of its start.
pub fn find_span(connection: &Connection, span: &str) -> Result<Option<SpanFact>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT deployment_id, part, aborted_until FROM spans WHERE span = ?")?;
    let found = select.query_row([span], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    if let Some((id, part, aborted_until)) = found.optional()? {
        let id: Option<String> = id;
        return Ok(Some(SpanFact {
            row: id.map_or(Ok(None), |id| by_id(connection, &id))?,
            part,
            aborted_until,
        }));
    }
    let mut select = connection.prepare_cached(
        "SELECT l.subject FROM requests r JOIN log l ON l.position = r.position \
         WHERE r.idempotency_key = ? AND r.endpoint = 'deployment-events' \
         AND l.kind IN ('deployment.started', 'deployment.refused', 'deployment.joined') \
         ORDER BY r.position DESC LIMIT 1",
    )?;
    let id: Option<Option<String>> = select.query_row([span], |row| row.get(0)).optional()?;
    let row = id.flatten().map_or(Ok(None), |id| by_id(connection, &id))?;
    Ok(row.map(|row| SpanFact {
        row: Some(row),
        part: None,
        aborted_until: None,
    }))
}

/// The details of a deployment.
pub fn details(connection: &Connection, id: &str) -> Result<Details, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT attributes, extra_metadata FROM deployments WHERE id = ?")?;
    let mut rows = select.query([id])?;
    match rows.next()? {
        Some(row) => Ok(Details {
            attributes: object(row, 0)?,
            metadata: object(row, 1)?,
        }),
        None => Ok(Details::default()),
    }
}

/// Writes a row, and what comes over its details; `known` are those, if they were read before.
pub fn write(
    connection: &Connection,
    row: &Row,
    added: Option<&Details>,
    known: Option<Details>,
    new: bool,
) -> Result<(), StoreError> {
    if new {
        return insert(connection, row, added);
    }
    let merged = match (added, known) {
        (None, _) => None,
        (Some(added), known) => {
            let mut all = known.map_or_else(|| details(connection, &row.id), Ok)?;
            all.merge(added);
            Some(all)
        }
    };
    update(connection, row, merged.as_ref())
}

fn insert(connection: &Connection, row: &Row, added: Option<&Details>) -> Result<(), StoreError> {
    let none = Details::default();
    let details = added.unwrap_or(&none);
    let mut insert = connection.prepare_cached(
        "INSERT INTO deployments (position, id, product_id, environment_id, version_id, status, \
         gate, exclusive, invoke_id, origin, span, parts, deployed_by, asked_by, asked, asks, \
         refused_by, ended_by, overlapped, evidence, created_at, updated_at, started_at, at, \
         deployed_at, expires_at, lease, attributes, extra_metadata) VALUES \
         (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        row.position,
        row.id,
        row.product_id,
        row.environment_id,
        row.version_id,
        row.state.as_str(),
        row.gate.as_str(),
        row.exclusive && row.in_progress(),
        row.origin.invoke_id,
        serde_json::to_string(&row.origin)?,
        row.span,
        serde_json::to_string(&row.parts)?,
        row.deployed_by,
        row.asked_by,
        row.asked,
        row.asks,
        row.refused_by,
        ended_by(row)?,
        row.overlapped,
        row.evidence,
        row.created_at,
        row.updated_at,
        row.started_at,
        row.at,
        row.deployed_at,
        row.expires_at,
        row.lease,
        serde_json::to_string(&details.attributes)?,
        serde_json::to_string(&details.metadata)?,
    ])?;
    Ok(())
}

fn update(connection: &Connection, row: &Row, details: Option<&Details>) -> Result<(), StoreError> {
    let text = |map| serde_json::to_string(map);
    let attributes = details
        .map(|details| text(&details.attributes))
        .transpose()?;
    let metadata = details.map(|details| text(&details.metadata)).transpose()?;
    let mut update = connection.prepare_cached(
        "UPDATE deployments SET status = ?, gate = ?, exclusive = ?, invoke_id = ?, origin = ?, \
         span = ?, parts = ?, deployed_by = ?, asked_by = ?, asked = ?, asks = ?, refused_by = ?, \
         ended_by = ?, overlapped = ?, evidence = ?, updated_at = ?, started_at = ?, at = ?, \
         deployed_at = ?, expires_at = ?, lease = ?, \
         attributes = COALESCE(?, attributes), extra_metadata = COALESCE(?, extra_metadata) \
         WHERE position = ?",
    )?;
    update.execute(params![
        row.state.as_str(),
        row.gate.as_str(),
        row.exclusive && row.in_progress(),
        row.origin.invoke_id,
        serde_json::to_string(&row.origin)?,
        row.span,
        serde_json::to_string(&row.parts)?,
        row.deployed_by,
        row.asked_by,
        row.asked,
        row.asks,
        row.refused_by,
        ended_by(row)?,
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
    ])?;
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
pub fn write_span(
    connection: &Connection,
    span: &str,
    deployment_id: Option<&str>,
    part: Option<&str>,
    aborted_until: Option<i64>,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO spans (span, deployment_id, part, aborted_until) VALUES (?, ?, ?, ?) \
         ON CONFLICT (span) DO UPDATE SET deployment_id = excluded.deployment_id, \
         part = COALESCE(excluded.part, part), aborted_until = excluded.aborted_until",
    )?;
    insert.execute(params![span, deployment_id, part, aborted_until])?;
    Ok(())
}

/// Writes a cell.
pub fn write_cell(
    connection: &Connection,
    product_id: &str,
    environment_id: &str,
    cell: &Cell,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO cells (product_id, environment_id, in_progress, last_id, \
         last_started_id, current_id, current_at, previous_id, latest_id, latest_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        product_id,
        environment_id,
        serde_json::to_string(&cell.in_progress)?,
        cell.last_id,
        cell.last_started_id,
        cell.current_id,
        cell.current_at,
        cell.previous_id,
        cell.latest_id,
        cell.latest_at,
    ])?;
    Ok(())
}
