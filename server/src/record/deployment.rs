//! Recording a deployment event.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use versioner::Status;

use super::merge;
use crate::answer::Answer;
use crate::event::{self, DeploymentEvent};
use crate::rules::{Preflight, Start, evaluate};
use crate::store::{Catalog, DeploymentRow, NewDeployment, Session, StoreError};
use crate::time::rfc3339;

/// The status of a start that a rule did not allow.
pub const PREFLIGHT_FAILED: &str = "preflight_failed";
/// Where the metadata says what the checks found. The server's word wins over the client's.
const PREFLIGHT_STATUS: &str = "preflight_status";

/// Records `event` and answers it.
pub fn record(
    session: &mut Session<'_>,
    event: &DeploymentEvent,
    now: Timestamp,
) -> Result<Answer, StoreError> {
    let micros = now.as_microsecond();
    let product_id = session.ensure(Catalog::Product, &event.product_name, micros)?;
    let environment_id = session.ensure(Catalog::Environment, &event.environment_name, micros)?;
    let version = session.ensure_version(&product_id, &event.version, micros)?;
    let open = session.open_deployments(&product_id, &environment_id)?;

    let preflight = if event.status != Status::Started {
        None
    } else if event.skip_preflight_checks {
        Some((Preflight::skipped(), None))
    } else {
        let start = Start {
            product: &event.product_name,
            product_id: &product_id,
            version_id: &version.id,
            environment: &event.environment_name,
            environment_id: &environment_id,
            in_progress: open.iter().rfind(|other| other.started),
            now,
        };
        let preflight = evaluate(session, &start)?;
        Some((preflight.to_json(), Some(preflight)))
    };
    let blocked = matches!(&preflight, Some((_, Some(found))) if found.blocks());

    let continued = open
        .iter()
        .rfind(|other| continues(event, &version.id, other));
    let mut attributes = continued.map_or_else(Map::new, |row| row.attributes.clone());
    attributes.extend(event::attributes(&event.details)?);
    let mut metadata = continued.map_or_else(Map::new, |row| row.extra_metadata.clone());
    let verdict = preflight
        .as_ref()
        .map(|(verdict, _)| verdict)
        .or_else(|| metadata.get(PREFLIGHT_STATUS))
        .cloned();
    if let Err(refused) = merge(&mut metadata, &event.extra_metadata) {
        return Ok(refused);
    }
    match verdict {
        Some(verdict) => metadata.insert(PREFLIGHT_STATUS.to_owned(), verdict),
        None => metadata.shift_remove(PREFLIGHT_STATUS),
    };

    let completed = event.status == Status::Completed;
    let deployed_at = completed.then(|| event.completed.unwrap_or(now).min(now).as_microsecond());
    let status = if blocked {
        PREFLIGHT_FAILED
    } else {
        event.status.as_str()
    };
    let deployment = NewDeployment {
        product_id: &product_id,
        version_id: &version.id,
        environment_id: &environment_id,
        status,
        invoke_id: event.invoke_id.as_deref(),
        deployed_by: event.deployed_by.as_deref(),
        attributes: &attributes,
        extra_metadata: &metadata,
        deployed_at,
        now: micros,
    };
    let id = match continued {
        Some(row) => {
            session.update_deployment(&row.id, &deployment)?;
            row.id.clone()
        }
        None => session.insert_deployment(&deployment)?,
    };

    let answer = match preflight
        .as_ref()
        .and_then(|(_, found)| found.as_ref()?.rejection(&id))
    {
        Some(rejection) => rejection,
        None => {
            let mut body = json!({
                "id": id,
                "product_id": product_id,
                "version_id": version.id,
                "environment_id": environment_id,
                "status": status,
                "deployed_at": deployed_at.map(rfc3339),
            });
            if let Some((verdict, _)) = preflight {
                body["extra_metadata"] =
                    Value::Object(Map::from_iter([(PREFLIGHT_STATUS.to_owned(), verdict)]));
            }
            Answer::new(StatusCode::OK, &body)
        }
    };
    Ok(answer)
}

/// Whether the event tells more of a deployment that is open, rather than of a new one.
fn continues(event: &DeploymentEvent, version_id: &str, open: &DeploymentRow) -> bool {
    let same_run = match (&event.invoke_id, &open.invoke_id) {
        (Some(sent), Some(known)) => sent == known,
        _ => true,
    };
    let starts_again = open.started && event.status == Status::Started;
    open.version_id == version_id && same_run && !starts_again
}
