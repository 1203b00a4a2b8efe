//! Recording a build event.

use super::naming::too_many_new;
use crate::domain::answer::Refusal;
use crate::domain::build::{decide, target};
use crate::domain::change::Decision;
use crate::domain::event::BuildEvent;
use crate::store::transaction::{Names, Transaction};
use crate::store::{StoreError, new_id};

/// What follows from the event.
pub async fn record<T: Transaction>(
    transaction: &mut T,
    event: &BuildEvent,
    now: i64,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let names = Names {
        product: &event.product_name,
        environment: None,
        version: &event.version,
    };
    let (place, mut created) = transaction.ensure(names, now).await?;
    if !event.is_end()
        && let Some(refusal) = too_many_new(transaction, &created, now).await?
    {
        return Ok(Err(refusal));
    }
    transaction.lock(&place).await?;
    let now = transaction.now(now);
    let facts = transaction.build_facts(&place).await?;
    let known = match target(event, &facts) {
        Some(row) => Some(transaction.build_details(row).await?),
        None => None,
    };
    let position = transaction.position().await?;
    let decided = decide(event, &facts, known.as_ref(), (new_id(), position, now));
    Ok(decided.map(|mut decision| {
        created.append(&mut decision.changes);
        decision.changes = created;
        decision
    }))
}
