//! How a product stands in an environment.

use super::board::goes_on;
use super::lists::state;
use super::{Row, Statements, params};
use crate::store::StoreError;
use crate::store::account::{Account, read};
use crate::store::views::CellStanding;

const STANDING: &str = "SELECT cv.version, lv.version, l.status, s.in_progress FROM cells s \
    LEFT JOIN deployments c ON c.id = s.current_id LEFT JOIN versions cv ON cv.id = c.version_id \
    LEFT JOIN deployments l ON l.id = s.latest_id AND l.id <> COALESCE(s.current_id, '') \
    LEFT JOIN versions lv ON lv.id = l.version_id \
    WHERE s.product_id = ? AND s.environment_id = ?";

impl Account {
    /// How the product with this identifier stands in the environment with that one.
    pub async fn standing(
        &self,
        product_id: String,
        environment_id: String,
        now: i64,
    ) -> Result<CellStanding, StoreError> {
        read!(self, database => standing(database, (&product_id, &environment_id), now))
    }
}

async fn standing(
    database: &impl Statements,
    (product_id, environment_id): (&str, &str),
    now: i64,
) -> Result<CellStanding, StoreError> {
    let read = |row: &dyn Row| {
        let latest: Option<String> = row.get(1)?;
        let latest = latest.map(|version| Ok::<_, StoreError>((version, state(row, 2)?)));
        let standing = CellStanding {
            current: row.get(0)?,
            latest: latest.transpose()?,
            in_progress: None,
        };
        let in_progress: String = row.get(3)?;
        Ok((standing, serde_json::from_str::<Vec<String>>(&in_progress)?))
    };
    let parameters = params![product_id, environment_id];
    let Some((mut standing, in_progress)) = database.row(STANDING, &parameters, read).await? else {
        return Ok(CellStanding::default());
    };
    let mut newest = None;
    for id in in_progress {
        if let Some(one) = goes_on(database, &id, now).await?
            && newest.as_ref().is_none_or(|(since, _)| *since <= one.since)
        {
            newest = Some((one.since, one.version));
        }
    }
    standing.in_progress = newest.map(|(_, version)| version);
    Ok(standing)
}
