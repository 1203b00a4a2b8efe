//! One deployment with everything that happened to it.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::lists::{MAX_PAGE, one, size, time};
use super::{Row, Statements, approvals, params};
use crate::domain::change::{Change, Details};
use crate::domain::deployment::Row as State;
use crate::domain::rules::PREFLIGHT_STATUS;
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::account::{Account, read};
use crate::store::views::{Deployment, DeploymentStory, StoryPage, Told};

/// The most of a story at once.
const MAX_TOLD: usize = 500;

impl Account {
    /// A deployment and what happened to it, after the row of the log at `after`.
    pub async fn story(
        &self,
        id: String,
        after: i64,
    ) -> Result<Option<DeploymentStory>, StoreError> {
        read!(self, database => story(database, &id, after))
    }
}

async fn story(
    database: &impl Statements,
    id: &str,
    after: i64,
) -> Result<Option<DeploymentStory>, StoreError> {
    let Some(deployment) = one::<Deployment>(database, id).await? else {
        return Ok(None);
    };
    let environment = Some(deployment.environment_id.as_str());
    let approvals = approvals::of_version(database, &deployment.version_id, environment).await?;
    Ok(Some(DeploymentStory {
        story: told(database, id, after).await?,
        approvals,
        deployment,
    }))
}

async fn told(database: &impl Statements, id: &str, after: i64) -> Result<StoryPage, StoreError> {
    let sql = "SELECT l.position, l.at, l.occurred_at, l.actor, l.request_id, l.kind, l.subject, \
         l.status, l.changes, l.answer FROM ( \
             SELECT position FROM log WHERE subject = ?1 AND position > ?2 \
             UNION SELECT position FROM mentions WHERE deployment_id = ?1 AND position > ?2 \
             ORDER BY position LIMIT ?3 \
         ) s JOIN log l ON l.position = s.position ORDER BY l.position";
    let one_more = i64::try_from(MAX_TOLD + 1).unwrap_or(i64::MAX);
    let mut page = StoryPage::default();
    let mut bytes = 0;
    let mut last: Option<i64> = None;
    let mut add = |row: &dyn Row| {
        bytes += size(row)?;
        if page.items.len() == MAX_TOLD || (bytes > MAX_PAGE && !page.items.is_empty()) {
            page.next_cursor = last.map(|position| position.to_string());
            return Ok(ControlFlow::Break(()));
        }
        last = row.get(0)?;
        page.items.extend(item(row, id)?);
        Ok(ControlFlow::Continue(()))
    };
    let parameters = params![id, after, one_more];
    database.each(sql, &parameters, &mut add).await?;
    Ok(page)
}

/// What a row of the log says of the deployment; none if it only names it.
fn item(row: &dyn Row, id: &str) -> Result<Option<Told>, StoreError> {
    let changes: String = row.get(8)?;
    let Some((state, details)) = change_of(&changes, id)? else {
        return Ok(None);
    };
    let Details {
        attributes,
        mut metadata,
    } = details.unwrap_or_default();
    let subject: Option<String> = row.get(6)?;
    let about_it = subject.as_deref() == Some(id);
    let answer: Option<String> = row.get(9)?;
    Ok(Some(Told {
        position: row.get(0)?,
        at: rfc3339(row.get(1)?),
        occurred_at: time(row, 2)?,
        actor: row.get(3)?,
        request_id: row.get(4)?,
        kind: row.get(5)?,
        of_deployment: subject.filter(|_| !about_it),
        answered: row.get::<Option<u16>>(7)?.filter(|_| about_it),
        status: state.state,
        gate: state.gate,
        refused_by: state.refused_by,
        ended_by: state.ended_by,
        overlapped: state.overlapped,
        checks: metadata.shift_remove(PREFLIGHT_STATUS),
        warnings: answer
            .filter(|_| about_it)
            .map_or_else(Vec::new, |answer| warnings(&answer)),
        details: attributes,
        extra_metadata: metadata,
    }))
}

/// The state that the deployment is in after the last of these changes to it, and what came with it.
fn change_of(changes: &str, id: &str) -> Result<Option<(State, Option<Details>)>, StoreError> {
    let changes: Vec<Change> = serde_json::from_str(changes)?;
    let mut of_it = changes.into_iter().filter_map(|change| match change {
        Change::Deployment { row, details, .. } if row.id == id => Some((*row, details)),
        _ => None,
    });
    Ok(of_it.next_back())
}

/// What the sender was warned of: the answer says so, or the details of a rejection.
fn warnings(answer: &str) -> Vec<String> {
    let Ok(answer) = serde_json::from_str::<Map<String, Value>>(answer) else {
        return Vec::new();
    };
    let found = answer
        .get("warnings")
        .or_else(|| answer.get("details")?.get("warnings"));
    let texts = found.and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}
