//! Taking out what nobody asks for any more, a part of it in each transaction.

use serde_json::json;

use super::{Outcome, finish};
use crate::domain::answer::Answer;
use crate::domain::change::{Change, Decision};
use crate::domain::prune::Prune;
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

/// Takes out a part, and says where to go on.
pub async fn prune<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    prune: &Prune,
) -> Result<Outcome, StoreError> {
    let ages = prune.ages(envelope.now);
    let old = transaction.find_old(&prune.from, &ages).await?;
    let (deployments, builds) = (old.deployments.len(), old.builds.len());
    let answers = old.answers.len();
    let next = old.next.or_else(|| prune.from.after_all());
    let answer = Answer::new(
        200,
        &json!({
            "deployments": deployments, "builds": builds, "answers": answers, "next": next,
        }),
    );
    if prune.check || deployments + builds + answers == 0 {
        return Ok(Outcome::Shown(answer));
    }
    transaction
        .forget_answers(&old.answers, ages.answers_before)
        .await?;
    let decision = Decision {
        changes: vec![Change::Pruned {
            deployments: old.deployments,
            builds: old.builds,
            answers: i64::try_from(answers).unwrap_or(i64::MAX),
        }],
        answer,
        subject: None,
        kind: "pruned",
    };
    finish(transaction, envelope, Ok(decision)).await
}
