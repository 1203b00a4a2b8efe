//! Exemptions: making them, and taking them back. What uses one up is a start.

use super::policy::no_environment;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::deployment::Place;
use crate::domain::rules::{Check, Exempted, Exemption, ExemptionSpec, Seen};
use crate::store::transaction::{Envelope, Transaction};
use crate::store::{StoreError, new_id};

/// Adds an exemption.
pub async fn add<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    spec: &ExemptionSpec,
    seen: Option<&Seen>,
) -> Result<Result<Decision, Refusal>, StoreError> {
    if let Exempted::Rules(ids) = &spec.exempted {
        let rules = transaction.rules().await?;
        for id in ids {
            let rule = rules.iter().find(|rule| rule.id == *id);
            if let (Some(rule), Some(seen)) = (rule, seen)
                && let Err(refusal) = seen.check_rule(rule, envelope.now)
            {
                return Ok(Err(refusal));
            }
            let msg = match rule.map(|rule| &rule.spec.check) {
                None => format!("There is no rule {id}"),
                Some(Check::Concurrency(_)) => format!(
                    "Nothing is let past a deployment in progress, as rule {id} demands; abort it"
                ),
                Some(_) => continue,
            };
            return Ok(Err(Refusal::field("rule_ids", "unknown_rule", msg)));
        }
    }
    let Some((product_id, product)) = transaction.product(&spec.product).await? else {
        let msg = format!("There is no product {}", spec.product);
        return Ok(Err(Refusal::field("product", "unknown_product", msg)));
    };
    let Some((environment_id, environment)) = transaction.environment(&spec.environment).await?
    else {
        let known = transaction.environments().await?;
        let msg = no_environment(&spec.environment, &known);
        let refusal = Refusal::field("environment", "unknown_environment", msg);
        return Ok(Err(refusal));
    };
    if let (Some(version), Some(seen)) = (&spec.version, seen) {
        // Builds of the product wait until this is done.
        let builds = Place {
            product_id: product_id.clone(),
            ..Place::default()
        };
        transaction.lock(&builds).await?;
        let commit = transaction.commit_of(&product_id, version).await?;
        if let Err(refusal) = seen.check_commit(version, commit.as_deref()) {
            return Ok(Err(refusal));
        }
    }
    let exemption = Exemption {
        id: new_id(),
        exempted: spec.exempted.clone(),
        product_id,
        product,
        environment_id,
        environment,
        version: spec.version.clone(),
        until: spec.until,
        uses: spec.uses,
        used: 0,
        reason: spec.reason.clone(),
        by: envelope.actor.clone(),
        created_at: envelope.now,
        withdrawn_at: None,
    };
    Ok(Ok(Decision {
        answer: Answer::new(201, &exemption.to_json(envelope.now)),
        subject: Some(exemption.id.clone()),
        changes: vec![Change::Exemption {
            exemption: Box::new(exemption),
            before: None,
            reason: None,
        }],
        kind: "exemption.added",
    }))
}

/// Takes an exemption back; one that is over stays as it is.
pub async fn withdraw<T: Transaction>(
    transaction: &mut T,
    id: &str,
    reason: &Option<String>,
    now: i64,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let Some(before) = transaction.exemption(id).await? else {
        return Ok(Err(Refusal::NotFound("Exemption")));
    };
    if !before.is_live(now) {
        return Ok(Err(Refusal::Conflict(
            "The exemption is over already".to_owned(),
        )));
    }
    let exemption = Exemption {
        withdrawn_at: Some(now),
        ..before.clone()
    };
    Ok(Ok(Decision {
        answer: Answer::new(200, &exemption.to_json(now)),
        subject: Some(exemption.id.clone()),
        changes: vec![Change::Exemption {
            exemption: Box::new(exemption),
            before: Some(Box::new(before)),
            reason: reason.clone(),
        }],
        kind: "exemption.withdrawn",
    }))
}
