//! Which deployments a rule would have held, had it been there.

use serde_json::Value;

use super::error::PageError;
use super::format::micros;
use super::voters::claim_of;
use crate::domain::deployment::{Gate, Place, State};
use crate::domain::names::fold;
use crate::domain::naming::EnvironmentType;
use crate::domain::people::Known;
use crate::domain::rules::{Approval, ApprovalKind, Asking, Check, Per, RuleSpec, Terms, count};
use crate::domain::time::instant;
use crate::store::Account;
use crate::store::views::{BoardEnvironment, Deployment, Filter};

/// How many deployments a preview looks at.
pub const LOOKED_AT: usize = 100;
/// How many it goes through to find those.
const MOST: i64 = 500;

/// What a rule would have done.
pub struct Preview {
    /// How many deployments it would have been asked about.
    pub asked: usize,
    /// Those that it would have held.
    pub held: Vec<Deployment>,
}

/// Asks a rule about the newest deployments that it is for.
///
/// # Errors
/// If the database fails.
pub async fn preview(
    account: &Account,
    spec: &RuleSpec,
    environments: &[BoardEnvironment],
) -> Result<Preview, PageError> {
    let filter = Filter {
        limit: MOST,
        ..Filter::default()
    };
    let page = account.list::<Deployment>(filter).await?;
    let people = account.people().await?;
    let looked = Looked {
        account,
        people: &people,
        environments,
    };
    let mut found = Preview {
        asked: 0,
        held: Vec::new(),
    };
    for one in page.items {
        let started = one.gate != Gate::Told && one.status != State::Pending;
        if !started || !is_for(spec, &one, environments) {
            continue;
        }
        if found.asked == LOOKED_AT {
            break;
        }
        found.asked += 1;
        if holds(&looked, spec, &one).await? {
            found.held.push(one);
        }
    }
    Ok(found)
}

fn is_for(spec: &RuleSpec, one: &Deployment, environments: &[BoardEnvironment]) -> bool {
    let kind: Option<EnvironmentType> = environments
        .iter()
        .find(|environment| environment.id == one.environment_id)
        .and_then(|environment| environment.kind);
    spec.applies_to(&Place {
        product: one.product_name.clone(),
        environment: one.environment_name.clone(),
        environment_type: kind,
        ..Place::default()
    })
}

/// When the deployment asked to start.
fn asked_at(one: &Deployment) -> i64 {
    micros(one.started_at.as_deref().unwrap_or(&one.created_at))
}

/// Where a preview looks.
struct Looked<'a> {
    account: &'a Account,
    people: &'a [Known],
    environments: &'a [BoardEnvironment],
}

async fn holds(looked: &Looked<'_>, spec: &RuleSpec, one: &Deployment) -> Result<bool, PageError> {
    let account = looked.account;
    let at = asked_at(one);
    let elsewhere = |names: &[String]| -> Vec<String> {
        let own = fold(&one.environment_name);
        let others = names.iter().filter(|name| fold(name) != own);
        others.cloned().collect()
    };
    Ok(match &spec.check {
        Check::Damaged { .. } => true,
        Check::NoDeployWindow(window) => window.blocked_until(instant(at)).is_some(),
        Check::Flow {
            required_environments,
        } => {
            let mut missing = false;
            for name in elsewhere(required_environments) {
                missing |= first_success(account, one, &name, at).await?.is_none();
            }
            missing
        }
        Check::SoakTime {
            environment,
            soak_minutes,
        } => {
            let needed = soak_minutes.saturating_mul(60_000_000);
            match elsewhere(std::slice::from_ref(environment)).first() {
                None => false,
                Some(name) => {
                    let since = first_success(account, one, name, at).await?;
                    since.is_none_or(|since| since.saturating_add(needed) > at)
                }
            }
        }
        Check::QualityApproval {
            required_environments,
            terms,
        } => {
            let mut few = false;
            for name in elsewhere(required_environments) {
                let is = |known: &&BoardEnvironment| fold(&known.name) == fold(&name);
                few |= match looked.environments.iter().find(is) {
                    Some(known) => {
                        let wanted = (ApprovalKind::Quality, known.id.as_str());
                        !is_approved(looked, one, wanted, terms, at).await?
                    }
                    None => true,
                };
            }
            few
        }
        Check::ReleaseApproval(terms) => {
            let wanted = (ApprovalKind::Release, one.environment_id.as_str());
            !is_approved(looked, one, wanted, terms, at).await?
        }
        Check::Concurrency(terms) => match terms.per {
            // That one is always looked at, with a rule or without.
            Per::Product => false,
            Per::Environment => another_went_on(account, spec, one, at).await?,
        },
    })
}

/// When the version was first completed in an environment before some time.
async fn first_success(
    account: &Account,
    one: &Deployment,
    environment: &str,
    before: i64,
) -> Result<Option<i64>, PageError> {
    let filter = Filter {
        product: Some(one.product_name.clone()),
        version: Some(one.version.clone()),
        environment: Some(environment.to_owned()),
        status: Some(State::Completed.as_str()),
        until: Some(before),
        limit: 50,
        ..Filter::default()
    };
    let page = account.list::<Deployment>(filter).await?;
    let ended = page
        .items
        .iter()
        .map(|other| micros(other.deployed_at.as_deref().unwrap_or(&other.updated_at)));
    Ok(ended.filter(|ended| *ended <= before).min())
}

/// Whether enough had approved before some time, counted as the rule counts: by people who may give such
/// approvals, for the same commit, and not by whoever deployed.
async fn is_approved(
    looked: &Looked<'_>,
    one: &Deployment,
    (kind, environment_id): (ApprovalKind, &str),
    terms: &Terms,
    before: i64,
) -> Result<bool, PageError> {
    let all = looked.account.approvals_as_given(one.version_id.clone());
    let stood = all.await?.into_iter().filter(|approval| {
        approval.kind == kind
            && approval.environment_id == environment_id
            && approval.created_at <= before
            && approval.withdrawn_at.is_none_or(|at| at > before)
    });
    let stood: Vec<Approval> = stood
        .map(|approval| Approval {
            withdrawn_at: None,
            ..approval
        })
        .collect();
    let asking = Asking {
        people: looked.people,
        claim: claim_of(Some(one)),
        actor: "preview",
    };
    let sha = one.details.get("scm_sha").and_then(Value::as_str);
    Ok(count(&stood, terms, &asking, sha, before).suffices(terms, &asking))
}

/// Whether another product's deployment went on in the environment.
async fn another_went_on(
    account: &Account,
    spec: &RuleSpec,
    one: &Deployment,
    at: i64,
) -> Result<bool, PageError> {
    let filter = Filter {
        environment: Some(one.environment_name.clone()),
        until: Some(at),
        limit: 50,
        ..Filter::default()
    };
    let page = account.list::<Deployment>(filter).await?;
    Ok(page.items.iter().any(|other| {
        let began = other.started_at.as_deref().map(micros);
        let ended = match other.status.is_end() {
            true => micros(&other.updated_at),
            false => i64::MAX,
        };
        other.id != one.id
            && other.product_id != one.product_id
            && spec.is_for_product(&other.product_name)
            && began.is_some_and(|began| began < at && at < ended)
    }))
}
