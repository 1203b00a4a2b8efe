//! Approvals: giving them, and taking them back.

use super::policy::unknown_environment;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::deployment::Place;
use crate::domain::names::fold;
use crate::domain::people::Known;
use crate::domain::rules::{Approval, ApprovalKind, ApprovalSpec, Seen, Verdict};
use crate::store::transaction::{Envelope, Transaction};
use crate::store::{StoreError, new_id};

type Decided = Result<Decision, Refusal>;

/// How long the same approval said again is the first one, in microseconds: a day. After that it
/// begins to count anew.
const AGAIN: i64 = 24 * 3600 * 1_000_000;

/// Adds an approval or a refusal. What the same voter said before gives way to it; said again, it is
/// the first one. It is of the commit that is read here, so it does not count for another one that a build
/// brings in the same moment.
pub async fn approve<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    (owner, seen): (Option<&str>, Option<&Seen>),
    spec: &ApprovalSpec,
) -> Result<Decided, StoreError> {
    let known = transaction.environment(&spec.environment).await?;
    let environment_id = known.as_ref().map_or("", |(id, _)| id);
    let wanted = transaction
        .approvable(&spec.version_id, environment_id)
        .await?;
    let Some(version) = wanted else {
        return Ok(Err(Refusal::NotFound("Version")));
    };
    if known.is_none() && !spec.create {
        let all = transaction.environments().await?;
        let refusal = unknown_environment("environment", &spec.environment, &all);
        return Ok(Err(refusal));
    }
    if let Some(seen) = seen
        && let Err(refusal) = seen.check_commit(&version.version, version.scm_sha.as_deref())
    {
        return Ok(Err(refusal));
    }
    let missing = match (spec.verdict, spec.kind) {
        (Verdict::Approve, ApprovalKind::Quality) if !version.deployed => Some(format!(
            "Version {} was not deployed to {} with success, so its quality there cannot be \
             approved",
            version.version, spec.environment
        )),
        (Verdict::Approve, _) if !version.exists => Some(format!(
            "Version {} was neither built nor deployed without failure yet",
            version.version
        )),
        _ => None,
    };
    if let Some(missing) = missing {
        return Ok(Err(Refusal::Conflict(missing)));
    }
    let people = transaction.people().await?;
    let by_key = !envelope.actor.starts_with("person:");
    let person_id = match envelope.actor.strip_prefix("person:") {
        Some(id) => Some(id),
        None => owner,
    };
    let person = person_id.and_then(|id| people.iter().find(|known| known.person.id == id));
    if !by_key && !person.is_some_and(|known| known.person.may_give(spec.kind)) {
        return Ok(Err(Refusal::Forbidden(
            "Your role may not give such approvals",
        )));
    }
    let (environment_id, changes) = transaction
        .ensure_environment(&spec.environment, envelope.now)
        .await?;
    let place = Place {
        product_id: version.product_id.clone(),
        environment_id: environment_id.clone(),
        ..Place::default()
    };
    transaction.lock(&place).await?;
    let approval = Approval {
        id: new_id(),
        version_id: spec.version_id.clone(),
        scm_sha: version.scm_sha,
        kind: spec.kind,
        verdict: spec.verdict,
        environment_id: environment_id.clone(),
        actor: envelope.actor.clone(),
        person_id: person_id.map(str::to_owned),
        role: person.map(|known| known.person.role.as_str().to_owned()),
        approved_by: spec.approved_by.clone().filter(|_| by_key),
        comment: spec.comment.clone(),
        created_at: envelope.now,
        withdrawn_at: None,
    };
    let standing = transaction
        .approvals(&spec.version_id, spec.kind, &environment_id)
        .await?;
    Ok(Ok(give(
        approval,
        &standing,
        changes,
        &spec.environment,
        person,
    )))
}

/// The decision that `approval` is given, beside those that stand.
fn give(
    approval: Approval,
    standing: &[Approval],
    mut changes: Vec<Change>,
    environment: &str,
    person: Option<&Known>,
) -> Decision {
    let name = person.map(Known::name);
    let same = |other: &&Approval| {
        other.verdict == approval.verdict
            && other.scm_sha == approval.scm_sha
            && other.comment == approval.comment
    };
    // What a key sends in the names of several stands side by side, and counts as one.
    let says = |one: &Approval| (one.voter(), one.approved_by.as_deref().map(fold));
    let mine = standing
        .iter()
        .filter(|other| says(other) == says(&approval));
    if let Some(before) = mine
        .clone()
        .find(same)
        .filter(|_| mine.clone().count() == 1)
    {
        let again = before.created_at + AGAIN > approval.created_at;
        if again {
            return Decision {
                changes,
                answer: Answer::new(200, &before.to_json(environment, name)),
                subject: Some(before.id.clone()),
                kind: "approval.given",
            };
        }
    }
    changes.extend(mine.map(|before| Change::Approval {
        approval: Box::new(Approval {
            withdrawn_at: Some(approval.created_at),
            ..before.clone()
        }),
        before: Some(Box::new(before.clone())),
        reason: None,
    }));
    let answer = Answer::new(201, &approval.to_json(environment, name));
    let subject = Some(approval.id.clone());
    let kind = match approval.verdict {
        Verdict::Approve => "approval.given",
        Verdict::Refuse => "approval.refused",
    };
    changes.push(Change::Approval {
        approval: Box::new(approval),
        before: None,
        reason: None,
    });
    Decision {
        changes,
        answer,
        subject,
        kind,
    }
}

/// Takes back an approval or a refusal: one's own, or with `others` anybody's.
pub async fn withdraw<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    (version_id, id): (&str, &str),
    owner: Option<&str>,
    others: bool,
    reason: &Option<String>,
) -> Result<Decided, StoreError> {
    let found = transaction.approval(id).await?;
    let Some(before) = found.filter(|found| found.version_id == version_id) else {
        return Ok(Err(Refusal::NotFound("Approval")));
    };
    let own = before.actor == envelope.actor
        || before.person_id.is_some() && before.person_id.as_deref() == owner;
    if !own && !others {
        let msg = "Somebody else has given this; an admin, or a key with the scope admin, may withdraw it";
        return Ok(Err(Refusal::Forbidden(msg)));
    }
    if before.withdrawn_at.is_some() {
        let msg = "This approval is withdrawn already";
        return Ok(Err(Refusal::Conflict(msg.to_owned())));
    }
    let version = transaction
        .approvable(version_id, &before.environment_id)
        .await?;
    let place = Place {
        product_id: version.map_or(String::new(), |version| version.product_id),
        environment_id: before.environment_id.clone(),
        ..Place::default()
    };
    transaction.lock(&place).await?;
    let withdrawn = Approval {
        withdrawn_at: Some(envelope.now),
        ..before.clone()
    };
    Ok(Ok(Decision {
        answer: Answer {
            status: 204,
            body: String::new(),
            replayed: false,
        },
        subject: Some(id.to_owned()),
        changes: vec![Change::Approval {
            approval: Box::new(withdrawn),
            before: Some(Box::new(before)),
            reason: reason.clone(),
        }],
        kind: "approval.withdrawn",
    }))
}
