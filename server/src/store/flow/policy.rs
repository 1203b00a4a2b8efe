//! Rules and approvals.

use serde_json::{Map, Value};

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::rules::{Approval, Rule, RuleSpec};
use crate::store::transaction::Transaction;
use crate::store::{StoreError, new_id};

type Decided = Result<Decision, Refusal>;

/// Adds a rule.
pub fn add_rule(spec: &RuleSpec, now: i64) -> Decided {
    let rule = Rule {
        id: new_id(),
        spec: spec.clone(),
        created_at: now,
        updated_at: now,
    };
    Ok(rule_decision(
        &rule,
        None,
        Answer::new(201, &rule.to_json()),
        "rule.added",
    ))
}

/// Replaces some fields of a rule.
pub async fn change_rule<T: Transaction>(
    transaction: &mut T,
    id: &str,
    changes: &Map<String, Value>,
    now: i64,
) -> Result<Decided, StoreError> {
    let rules = transaction.rules().await?;
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return Ok(Err(Refusal::NotFound("Rule")));
    };
    Ok(rule.spec.patched(changes).map(|spec| {
        let changed = Rule {
            spec,
            updated_at: now,
            ..rule.clone()
        };
        let answer = Answer::new(200, &changed.to_json());
        rule_decision(&changed, Some(rule.spec.to_json()), answer, "rule.changed")
    }))
}

/// Removes a rule.
pub async fn remove_rule<T: Transaction>(
    transaction: &mut T,
    id: &str,
    now: i64,
) -> Result<Decided, StoreError> {
    let rules = transaction.rules().await?;
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return Ok(Err(Refusal::NotFound("Rule")));
    };
    Ok(Ok(Decision {
        changes: vec![Change::Rule {
            id: id.to_owned(),
            definition: None,
            before: Some(rule.spec.to_json()),
            created_at: rule.created_at,
            updated_at: now,
        }],
        answer: Answer {
            status: 204,
            body: String::new(),
            replayed: false,
        },
        subject: Some(id.to_owned()),
        kind: "rule.removed",
    }))
}

fn rule_decision(
    rule: &Rule,
    before: Option<Value>,
    answer: Answer,
    kind: &'static str,
) -> Decision {
    Decision {
        changes: vec![Change::Rule {
            id: rule.id.clone(),
            definition: Some(rule.spec.to_json()),
            before,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }],
        answer,
        subject: Some(rule.id.clone()),
        kind,
    }
}

/// Adds an approval; a person who has approved before gets the first one again.
pub async fn approve<T: Transaction>(
    transaction: &mut T,
    approval: &Approval,
) -> Result<Decided, StoreError> {
    if !transaction.version_exists(&approval.version_id).await? {
        return Ok(Err(Refusal::NotFound("Version")));
    }
    let (environment_id, mut changes) = transaction
        .ensure_environment(&approval.environment, approval.created_at)
        .await?;
    if let Some(given) = transaction.approval(approval, &environment_id).await? {
        return Ok(Ok(Decision {
            changes: Vec::new(),
            answer: Answer::new(200, &given.to_json()),
            subject: Some(given.id),
            kind: "approval.given",
        }));
    }
    let given = Approval {
        id: new_id(),
        ..approval.clone()
    };
    changes.push(Change::Approval {
        id: given.id.clone(),
        version_id: given.version_id.clone(),
        environment_id,
        kind: given.kind.as_str().to_owned(),
        person: given.person(),
        approved_by: given.approved_by.clone(),
        comment: given.comment.clone(),
        at: given.created_at,
    });
    Ok(Ok(Decision {
        changes,
        answer: Answer::new(201, &given.to_json()),
        subject: Some(given.id),
        kind: "approval.given",
    }))
}
