//! Starts that wait at this server for another verdict: whoever thinks of an override is to know whom
//! it lets go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::error::ApiError;
use super::id::Id;
use super::schemas;
use crate::auth::principal::{Key, ToRead};
use crate::domain::answer::{Answer, Refusal, Verdict};
use crate::domain::time::rfc3339;

/// A start that waits.
struct Start {
    account: String,
    product: String,
    environment: String,
    version: String,
    since: i64,
    /// What holds it: rules by their identifiers, and `None` for what is no rule.
    held_by: Vec<Option<String>>,
}

/// Those that wait.
#[derive(Default)]
pub struct Waiting(Mutex<(u64, BTreeMap<u64, Start>)>);

impl Waiting {
    /// Somebody waits from now on, until what this answers is dropped.
    pub fn begin(&self, account: &str, verdict: &Verdict, now: i64) -> Place<'_> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0 += 1;
        let number = known.0;
        let place = &verdict.place;
        known.1.insert(
            number,
            Start {
                account: account.to_owned(),
                product: place.product.clone(),
                environment: place.environment.clone(),
                version: place.version.clone(),
                since: now,
                held_by: verdict.held_by.clone(),
            },
        );
        Place {
            waiting: self,
            number,
        }
    }

    /// Those in an account that a rule holds, the first of them first, and how many nothing else holds.
    fn held_by(&self, account: &str, rule: &str) -> (Vec<Value>, usize) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |id: &Option<String>| id.as_deref() == Some(rule);
        let held = known.1.values();
        let held = held.filter(|start| start.account == account);
        let held = held.filter(|start| start.held_by.iter().any(is_this));
        let mut released = 0;
        let shown = held.map(|start| {
            let alone = start.held_by.iter().all(is_this);
            released += usize::from(alone);
            json!({
                "product": start.product,
                "environment": start.environment,
                "version": start.version,
                "waits_since": rfc3339(start.since),
                "held_by_this_alone": alone,
            })
        });
        (shown.collect(), released)
    }
}

/// The place of one who waits.
pub struct Place<'a> {
    waiting: &'a Waiting,
    number: u64,
}

impl Place<'_> {
    /// The verdict is another one now.
    pub fn update(&self, verdict: &Verdict) {
        let mut known = self
            .waiting
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(start) = known.1.get_mut(&self.number) {
            start.held_by.clone_from(&verdict.held_by);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut known = self
            .waiting
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.1.remove(&self.number);
    }
}

/// The starts that wait at this server and that a rule holds. An override of the rule lets those go
/// that nothing else holds.
#[utoipa::path(
    get, path = "/deployment-rules/{id}/waiting/", tag = "Deployment rules",
    params(("id" = String, Path, description = "The rule")),
    responses(
        (status = 200, description = "`items`: the starts; `released`: how many of them an override \
            would let go", body = schemas::WaitingStarts),
        (status = 404, description = "There is no such rule")
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    key: Key<ToRead>,
    Id(id): Id,
) -> Result<Answer, ApiError> {
    let rules = key.account.rules().await?;
    if !rules.iter().any(|rule| rule.id == id) {
        return Err(Refusal::NotFound("Rule").into());
    }
    let (items, released) = app.waiting_starts.held_by(&key.account_name, &id);
    let body = json!({ "items": items, "released": released });
    Ok(Answer::new(200, &body))
}
