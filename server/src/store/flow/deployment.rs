//! Recording what happens to deployments.

use std::sync::Arc;

use serde_json::json;
use versioner::Status;

use super::naming::{closed, too_many_new};
use super::{Outcome, finish};
use crate::domain::answer::{Answer, Refusal, Verdict};
use crate::domain::change::{Change, Decision};
use crate::domain::deployment::{
    self, Facts, Known, Request, decide, is_judged, is_of_run, target,
};
use crate::domain::rules::{AllStop, Evidence, Exemption, Rule, questions};
use crate::domain::run_end::RunEnd;
use crate::store::transaction::{Envelope, Names, Transaction};
use crate::store::{StoreError, new_id};

/// The most deployments that expire in one transaction: bounds how long others wait.
const EXPIRED_AT_ONCE: i64 = 100;

/// What follows from the event.
pub async fn record<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    now: i64,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let judged = judge(transaction, request, now, false).await?;
    Ok(judged.map(|(decision, _)| decision))
}

/// The same of a start, with every rule's verdict.
pub async fn ask<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    now: i64,
) -> Result<Result<(Decision, Option<Verdict>), Refusal>, StoreError> {
    judge(transaction, request, now, true).await
}

async fn judge<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    now: i64,
    in_full: bool,
) -> Result<Result<(Decision, Option<Verdict>), Refusal>, StoreError> {
    let mut created = Vec::new();
    let (facts, policy) = look_up(transaction, request, now, &mut created).await?;
    let now = transaction.now(now);
    if !request.event.is_end()
        && let Some(refusal) = too_many_new(transaction, &created, now).await?
    {
        return Ok(Err(refusal));
    }
    let place = &facts.place;
    // What somebody else did in a new place has happened.
    if place.environment_created
        && !request.foreign
        && request.event.status == Status::Started
        && let Some(refusal) = closed(transaction, &place.environment).await?
    {
        return Ok(Err(refusal));
    }
    let known = know(transaction, request, &facts, &policy, now).await?;
    let verdict = in_full.then(|| deployment::preflight(request, &known));
    let mut decision = match decide(request, &known) {
        Ok(decision) => decision,
        Err(refusal) => return Ok(Err(refusal)),
    };
    look_for_end(transaction, request, &decision, now).await?;
    created.append(&mut decision.changes);
    decision.changes = created;
    Ok(Ok((decision, verdict)))
}

/// What follows from an event of somebody else's system. What the run has told of itself here, or was told
/// of it before, has the version that it has there.
pub async fn foreign<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    now: i64,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let mut request = request.clone();
    name_version(transaction, &mut request).await?;
    record(transaction, &request, now).await
}

/// Gives an event the version that its run has here already, or that was built from its commit.
pub async fn name_version<T: Transaction>(
    transaction: &mut T,
    request: &mut Request,
) -> Result<(), StoreError> {
    let event = &request.event;
    let Some((product_id, _)) = transaction.product(&event.product_name).await? else {
        return Ok(());
    };
    let mut known = None;
    if let Some((id, _)) = transaction.environment(&event.environment_name).await? {
        let newest = transaction.newest_of_cell(&product_id, &id).await?;
        let mut of_run = newest.iter().filter(|row| is_of_run(request, row));
        known = of_run.next().map(|row| row.version.clone());
    }
    let event = &mut request.event;
    let sha = event.details.scm_sha.clone();
    if known.is_none()
        && let Some(sha) = sha.filter(|sha| *sha == event.version)
    {
        known = transaction.version_of_commit(&product_id, &sha).await?;
    }
    if let Some(version) = known {
        event.version = version;
    }
    Ok(())
}

/// Asks for a look at what was told of late, if the end of its run is known: that look ends it, unless its own
/// end comes before.
async fn look_for_end<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    decision: &Decision,
    now: i64,
) -> Result<(), StoreError> {
    let open = matches!(request.event.status, Status::Pending | Status::Started);
    if request.occurred.is_none() || request.origin.invoke_id.is_none() || !open {
        return Ok(());
    }
    let changed = decision.changes.iter().find_map(|change| match change {
        Change::Deployment { row, .. } if decision.subject.as_ref() == Some(&row.id) => Some(row),
        _ => None,
    });
    let Some(row) = changed else {
        return Ok(());
    };
    for (source_id, end) in transaction.run_ends(&request.origin).await? {
        if end.has_left(row) {
            transaction
                .enqueue(&end.look(&source_id, &row.id, now), now)
                .await?;
        }
    }
    Ok(())
}

/// Ends what a run has left in progress. The answer counts them.
pub async fn end_run<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    end: &RunEnd,
) -> Result<Outcome, StoreError> {
    let mut count = 0;
    let invoke_id = end.run.invoke_id.as_deref().unwrap_or_default();
    for row in transaction.open_of_run(invoke_id).await? {
        if !end.has_left(&row) {
            continue;
        }
        let found = transaction.deployment(&row.id).await?;
        let Some((row, cell)) = found.filter(|(row, _)| end.has_left(row)) else {
            continue;
        };
        let now = transaction.now(envelope.now);
        if let Some(decision) = deployment::run_ended(&row, &cell, now) {
            finish(transaction, envelope, Ok(decision)).await?;
            count += 1;
        }
    }
    Ok(Outcome::Done(Answer::new(200, &json!({ "ended": count }))))
}

/// Whether the start would be allowed now. The transaction is for looking only.
pub async fn preflight<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    now: i64,
) -> Result<Verdict, StoreError> {
    let (facts, policy) = look_up(transaction, request, now, &mut Vec::new()).await?;
    let now = transaction.now(now);
    let known = know(transaction, request, &facts, &policy, now).await?;
    Ok(deployment::preflight(request, &known))
}

/// What an account has decided of its deployments.
struct Policy {
    rules: Arc<Vec<Rule>>,
    exemptions: Arc<Vec<Exemption>>,
    stop: Option<Arc<AllStop>>,
}

/// What the event can be about, under the cell's lock, and the policy.
async fn look_up<T: Transaction>(
    transaction: &mut T,
    request: &Request,
    now: i64,
    created: &mut Vec<Change>,
) -> Result<(Facts, Policy), StoreError> {
    let event = &request.event;
    let names = Names {
        product: &event.product_name,
        environment: Some(&event.environment_name),
        version: &event.version,
    };
    let (place, mut named) = transaction.ensure(names, now).await?;
    created.append(&mut named);
    transaction.lock(&place).await?;
    let (product_id, environment_id) = (place.product_id.clone(), place.environment_id.clone());
    let mut facts = transaction
        .facts(place, request.span.as_deref(), event.is_end())
        .await?;
    if request.foreign {
        // The run may have told of itself under another version.
        let newest = transaction
            .newest_of_cell(&product_id, &environment_id)
            .await?;
        for row in newest {
            if !facts.rows.iter().any(|known| known.id == row.id) {
                facts.rows.push(row);
            }
        }
    }
    let policy = Policy {
        rules: transaction.rules().await?,
        exemptions: transaction.exemptions().await?,
        stop: transaction.all_stop().await?,
    };
    Ok((facts, policy))
}

/// The rest that the decision rests on.
async fn know<'a, T: Transaction>(
    transaction: &mut T,
    request: &Request,
    facts: &'a Facts,
    policy: &'a Policy,
    now: i64,
) -> Result<Known<'a>, StoreError> {
    let details = match target(request, facts, now) {
        Some(row) => Some(transaction.deployment_details(row).await?),
        None => None,
    };
    let evidence = if is_judged(request) {
        let place = &facts.place;
        let asked = questions(&policy.rules, place, now);
        let mut evidence = transaction.evidence(place, &asked, now).await?;
        if asked.approvals() {
            evidence.people = transaction.people().await?;
        }
        if place.environment_created {
            evidence.environments_known = transaction.environments().await?;
            evidence
                .environments_known
                .retain(|name| *name != place.environment);
        }
        evidence
    } else {
        Evidence::default()
    };
    Ok(Known {
        facts,
        details,
        rules: &policy.rules,
        evidence,
        exemptions: &policy.exemptions,
        stop: policy.stop.as_deref(),
        now,
        new_id: new_id(),
        position: transaction.position().await?,
    })
}

/// Ends a deployment because somebody asks for it.
pub async fn abort<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    id: &str,
    reason: &str,
    others: bool,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let found = transaction.deployment(id).await?;
    let now = transaction.now(envelope.now);
    Ok(match found {
        Some((row, _)) if !others && row.asked_by.as_ref() != Some(&envelope.actor) => {
            let msg = "Another API key has started this deployment; the scope override may end it";
            Err(Refusal::Forbidden(msg))
        }
        Some((row, cell)) => deployment::abort(&row, &cell, &envelope.actor, reason, now),
        None => Err(Refusal::NotFound("Deployment")),
    })
}

/// A sign of life.
pub async fn renew<T: Transaction>(
    transaction: &mut T,
    id: &str,
    lease: Option<i64>,
    now: i64,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let found = transaction.deployment(id).await?;
    let now = transaction.now(now);
    Ok(match found {
        Some((row, _)) => deployment::renew(&row, lease, now),
        None => Err(Refusal::NotFound("Deployment")),
    })
}

/// Ends what nobody said a word of for too long. The answer counts them.
pub async fn expire<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
) -> Result<Outcome, StoreError> {
    let mut count = 0;
    for row in transaction.expired(envelope.now, EXPIRED_AT_ONCE).await? {
        // Read again: the one before may have been in the same cell.
        let Some((row, cell)) = transaction.deployment(&row.id).await? else {
            continue;
        };
        let now = transaction.now(envelope.now);
        if let Some(decision) = deployment::expire(&row, &cell, now) {
            finish(transaction, envelope, Ok(decision)).await?;
            count += 1;
        }
    }
    Ok(Outcome::Done(Answer::new(
        200,
        &json!({ "expired": count }),
    )))
}
