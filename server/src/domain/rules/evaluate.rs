//! The checks before a deployment starts.

use jiff::Span;
use serde_json::{Map, Value, json};

use super::evidence::Evidence;
use super::preflight::{Failed, Lifted, Preflight, Violation};
use super::{Check, Exemption, Rollbacks, Rule, RuleStatus};
use crate::domain::deployment::{Place, Row};
use crate::domain::names::fold;
use crate::domain::time::{instant, rfc3339, rounded_up};

/// The name of the concurrency check where no rule gives it another.
const CONCURRENCY_NAME: &str = "Concurrent Deployments";

/// A deployment that wants to start.
#[derive(Debug)]
pub struct Start<'a> {
    /// What, and where.
    pub place: &'a Place,
    /// The deployment of the product that is in progress in the environment.
    pub in_progress: Option<&'a Row>,
    /// What the rules ask for.
    pub evidence: &'a Evidence,
    /// What may be let through.
    pub exemptions: &'a [Exemption],
    /// The current time, in microseconds since 1970.
    pub now: i64,
}

/// Looks at every rule that is for this product and environment.
pub fn evaluate(rules: &[Rule], start: &Start<'_>) -> Preflight {
    let mut applicable: Vec<&Rule> = rules
        .iter()
        .filter(|rule| {
            rule.spec
                .applies_to(&start.place.product, &start.place.environment)
        })
        .collect();
    applicable.sort_by_key(|rule| rule.spec.check.order());
    let mut preflight = Preflight::default();
    preflight.failed.extend(concurrency(&applicable, start));
    for rule in applicable {
        let rule_status = rule.status_at(start.now);
        if rule_status == RuleStatus::Disabled {
            continue;
        }
        if let Some(violation) = violation(rule, start) {
            preflight.failed.push(Failed {
                rule_id: Some(rule.id.clone()),
                rule_name: rule.spec.name.clone(),
                rule_status,
                violation,
                lifted: is_rollback(rule, start).then_some(Lifted::Rollback),
            });
        }
    }
    exempt(&mut preflight.failed, start);
    preflight
}

/// Whether the version goes back to a place that it has had, and the rule lets it.
fn is_rollback(rule: &Rule, start: &Start<'_>) -> bool {
    rule.spec.rollbacks == Rollbacks::Pass && start.evidence.was_current
}

/// Lets the start past rules for which there is an exemption. Nothing lets it past a deployment in
/// progress.
fn exempt(failed: &mut [Failed], start: &Start<'_>) {
    let mut exemptions: Vec<&Exemption> = start
        .exemptions
        .iter()
        .filter(|exemption| exemption.is_live(start.now) && exemption.is_for(start.place))
        .collect();
    exemptions.sort_by_key(|exemption| exemption.until);
    let mut used: Vec<&Exemption> = Vec::new();
    for failed in failed {
        let held = failed.rule_status == RuleStatus::Enabled && failed.lifted.is_none();
        if !held || failed.violation.status == 409 {
            continue;
        }
        let Some(rule_id) = &failed.rule_id else {
            continue;
        };
        // One that is used already costs nothing more.
        let found = used
            .iter()
            .chain(&exemptions)
            .find(|exemption| exemption.covers(rule_id))
            .copied();
        if let Some(exemption) = found {
            failed.lifted = Some(Lifted::Exemption(exemption.id.clone()));
            used.push(exemption);
        }
    }
}

/// This check needs no rule. Where there are rules for it, the one that says most precisely where it
/// applies decides, and among equals the strictest.
fn concurrency(applicable: &[&Rule], start: &Start<'_>) -> Option<Failed> {
    let other = start.in_progress?;
    let rule = applicable
        .iter()
        .filter(|rule| rule.spec.check == Check::Concurrency)
        .max_by_key(|rule| {
            let precision = u8::from(!rule.spec.products.is_empty())
                + u8::from(!rule.spec.environments.is_empty());
            let strictness = match rule.status_at(start.now) {
                RuleStatus::Enabled => 2,
                RuleStatus::ReportOnly => 1,
                RuleStatus::Disabled => 0,
            };
            (precision, strictness)
        });
    let (rule_name, rule_status) = match rule {
        Some(rule) => (rule.spec.name.clone(), rule.status_at(start.now)),
        None => (CONCURRENCY_NAME.to_owned(), RuleStatus::Enabled),
    };
    (rule_status != RuleStatus::Disabled).then(|| Failed {
        rule_id: rule.map(|rule| rule.id.clone()),
        rule_name,
        rule_status,
        violation: Violation {
            status: 409,
            code: "DEPLOYMENT_IN_PROGRESS",
            message: format!(
                "Another deployment to {} is already in progress",
                start.place.environment
            ),
            retry_after: None,
            shown: None,
            details: conflict(other, start.place),
        },
        lifted: None,
    })
}

/// What somebody needs to know of the deployment that is in the way.
fn conflict(other: &Row, place: &Place) -> Map<String, Value> {
    let started = other.started_at.map(rfc3339);
    let details = json!({
        "conflicting_deployment_id": other.id,
        "conflicting_deployment_status": other.state.as_str(),
        "conflicting_deployment_started": started,
        "same_version": other.version_id == place.version_id,
        "expires_at": other.expires_at.map(rfc3339),
        "to_abort": format!(
            "if nothing is running there any more: POST /deployments/{}/abort/ with \
             {{\"reason\": \"…\"}}",
            other.id
        ),
        "in_progress": {
            "deployment_id": other.id,
            "version": other.version,
            "source_system": other.origin.source_system,
            "invoke_id": other.origin.invoke_id,
            "deployed_by": other.deployed_by,
            "started_at": started,
        },
    });
    match details {
        Value::Object(details) => details,
        _ => Map::new(),
    }
}

fn violation(rule: &Rule, start: &Start<'_>) -> Option<Violation> {
    match &rule.spec.check {
        Check::Concurrency => None,
        Check::Damaged { reason, .. } => {
            let message = format!(
                "This rule cannot be read any more and blocks until it is changed or removed: \
                 {reason}"
            );
            Some(Violation::precondition("RULE_DAMAGED", message))
        }
        Check::NoDeployWindow(window) => {
            let until = window.blocked_until(instant(start.now))?;
            Some(Violation {
                status: 423,
                code: "NO_DEPLOY_WINDOW",
                message: "Deployment blocked by no-deploy window".to_owned(),
                retry_after: until.as_ref().map(jiff::Zoned::timestamp),
                shown: until.map(|until| until.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
                details: Map::new(),
            })
        }
        Check::Flow {
            required_environments,
        } => flow(required_environments, start),
        Check::SoakTime {
            environment,
            soak_minutes,
        } => soak_time(environment, *soak_minutes, start),
        Check::QualityApproval {
            required_environments,
            required_approvals,
        } => quality(required_environments, *required_approvals, start),
        Check::ReleaseApproval { required_approvals } => {
            let given = start.evidence.release_approvals;
            (given < *required_approvals).then(|| {
                let message = format!(
                    "{} deployment requires {required_approvals} release approval(s)",
                    start.place.environment
                );
                Violation::precondition("APPROVAL_REQUIRED", message)
                    .with("required_approvals", json!(required_approvals))
                    .with("approvals", json!(given))
            })
        }
    }
}

fn flow(required: &[String], start: &Start<'_>) -> Option<Violation> {
    let missing: Vec<_> = super::prerequisites(required, &start.place.environment)
        .filter(|name| !start.evidence.of(name).succeeded)
        .collect();
    (!missing.is_empty()).then(|| {
        let message = format!("Version must be deployed to {} first", missing.join(", "));
        Violation::precondition("FLOW_VIOLATION", message)
            .with("missing_environments", json!(missing))
    })
}

fn soak_time(environment: &str, soak_minutes: i64, start: &Start<'_>) -> Option<Violation> {
    if fold(environment) == fold(&start.place.environment) {
        return None;
    }
    let there = start.evidence.of(environment);
    let needed = soak_minutes * 60 * 1_000_000;
    let soaked = |(from, to): &(i64, Option<i64>)| to.unwrap_or(start.now) - from >= needed;
    if there.succeeded && there.runs.iter().any(soaked) {
        return None;
    }
    let message = format!(
        "Version must soak in {environment} for at least {}",
        duration(soak_minutes)
    );
    let mut violation = Violation::precondition("INSUFFICIENT_SOAK_TIME", message)
        .with("environment", json!(environment))
        .with("soak_minutes", json!(soak_minutes));
    // A run goes on through a deployment of the same version: it began with the first of them.
    let running = there
        .runs
        .iter()
        .filter(|(_, to)| to.is_none())
        .map(|(from, _)| *from)
        .min();
    if let Some(from) = running.filter(|_| there.succeeded) {
        violation.retry_after = instant(from)
            .checked_add(Span::new().minutes(soak_minutes))
            .ok()
            .map(rounded_up);
        violation.shown = violation.retry_after.map(|time| time.to_string());
        violation = violation.with("running_since", json!(rfc3339(from)));
    }
    Some(violation)
}

fn quality(required: &[String], approvals: i64, start: &Start<'_>) -> Option<Violation> {
    let lacking = super::prerequisites(required, &start.place.environment)
        .find(|name| start.evidence.of(name).quality_approvals < approvals)?;
    let message = format!("Version requires {approvals} quality approval(s) from {lacking}");
    let given = start.evidence.of(lacking).quality_approvals;
    Some(
        Violation::precondition("QUALITY_APPROVAL_REQUIRED", message)
            .with("required_environment", json!(lacking))
            .with("required_approvals", json!(approvals))
            .with("approvals", json!(given)),
    )
}

fn duration(minutes: i64) -> String {
    let (count, unit) = if minutes % 60 == 0 {
        (minutes / 60, "hour")
    } else {
        (minutes, "minute")
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
