//! What people are asked for: the approvals that rules hold a start for.

use crate::api::App;
use crate::domain::deployment::State;
use crate::domain::people::Known;
use crate::domain::rules::ApprovalKind;
use crate::pages::{Approved, MOST_HELD, PageError, Question, Voters, held, judge, last_attempt};
use crate::store::Account;
use crate::store::views::{Deployment, Version};

/// An approval that a start waits for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What would go where.
    pub question: Question,
    /// Who deploys.
    pub deployed_by: Option<String>,
    /// What kind of approval it is.
    pub kind: ApprovalKind,
    /// The environment that it is for.
    pub environment: String,
    /// The rule.
    pub rule: String,
    /// What the rule says.
    pub message: String,
    /// How many approvals there are.
    pub given: i64,
    /// How many there should be.
    pub needed: i64,
    /// Who has refused it, and why.
    pub refusals: Vec<(String, String)>,
}

/// How a start stands.
#[derive(Debug)]
pub struct Standing {
    /// Whether it may go.
    pub allowed: bool,
    /// The approvals that it waits for.
    pub asked: Vec<Asked>,
    /// What else holds it: a rule, and what it says.
    pub others: Vec<(String, String)>,
}

/// How the last attempt of a version in an environment stands.
///
/// # Errors
/// If the database fails.
pub async fn standing(
    app: &App,
    account: &Account,
    question: &Question,
    attempt: &Deployment,
) -> Result<Standing, PageError> {
    let verdict = judge(app, account, question, Some(attempt)).await?;
    let mut standing = Standing {
        allowed: verdict.allowed,
        asked: Vec::new(),
        others: Vec::new(),
    };
    for one in verdict.body["rules_evaluated"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if one["evaluation_result"] != "failed" || one["status"] != "enabled" {
            continue;
        }
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let details = &one["details"];
        let kind = match one["type"].as_str() {
            Some("release_approval") => Some(ApprovalKind::Release),
            Some("quality_approval") => Some(ApprovalKind::Quality),
            _ => None,
        };
        let environment = match kind {
            Some(ApprovalKind::Quality) => details["required_environment"].as_str(),
            _ => Some(question.environment.as_str()),
        };
        let (Some(kind), Some(environment), Some(needed)) =
            (kind, environment, details["required_approvals"].as_i64())
        else {
            standing
                .others
                .push((text("rule_name"), text("error_message")));
            continue;
        };
        let refusals = details["refusals"].as_array().into_iter().flatten();
        standing.asked.push(Asked {
            question: question.clone(),
            deployed_by: attempt.deployed_by.clone(),
            kind,
            environment: environment.to_owned(),
            rule: text("rule_name"),
            message: text("error_message"),
            given: details["approvals"].as_i64().unwrap_or_default(),
            needed,
            refusals: refusals
                .map(|one| {
                    let of = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
                    (of("by"), of("reason"))
                })
                .collect(),
        });
    }
    Ok(standing)
}

/// The question that a deployment asks.
pub fn question_of(deployment: &Deployment) -> Question {
    Question {
        product: deployment.product_name.clone(),
        version: deployment.version.clone(),
        environment: deployment.environment_name.clone(),
    }
}

/// The last attempt, if it waits for something.
///
/// # Errors
/// If the database fails.
pub async fn waiting_attempt(
    account: &Account,
    question: &Question,
) -> Result<Option<Deployment>, PageError> {
    let found = last_attempt(account, question).await?;
    Ok(found.filter(|attempt| attempt.status == State::PreflightFailed))
}

/// What waits for a person.
///
/// # Errors
/// If the database fails.
pub async fn waiting_for(
    app: &App,
    account: &Account,
    known: &Known,
) -> Result<Vec<Asked>, PageError> {
    let people = account.people().await?;
    let mut waiting = Vec::new();
    for (question, attempt) in held(account, None, MOST_HELD).await? {
        let version = account.one::<Version>(attempt.version_id.clone()).await?;
        let commit = version.and_then(|version| version.scm_sha);
        let approved = Approved::by(
            account,
            &known.person,
            &attempt.version_id,
            commit.as_deref(),
        )
        .await?;
        for asked in standing(app, account, &question, &attempt).await?.asked {
            let voters = Voters::of(&people, asked.kind, &known.person.id, Some(&attempt));
            let is_said = approved.has(asked.kind, &asked.environment);
            if voters.you && asked.refusals.is_empty() && !is_said {
                waiting.push(asked);
            }
        }
    }
    Ok(waiting)
}
