//! The checks before a deployment starts.

use jiff::Span;
use serde_json::{Map, json};

use super::approval::Approval;
use super::concurrency;
use super::counting::{Terms, UnknownDeployer, count};
use super::evidence::Evidence;
use super::preflight::{Failed, Lifted, Preflight, Violation};
use super::{AllStop, Asking, Check, Exemption, Per, Rollbacks, Rule, RuleStatus};
use crate::domain::build::same_commit;
use crate::domain::deployment::{Place, Row};
use crate::domain::names::{fold, nearest};
use crate::domain::time::{instant, rfc3339, rounded_up};

/// A deployment that wants to start.
#[derive(Debug)]
pub struct Start<'a> {
    /// What, and where.
    pub place: &'a Place,
    /// The deployment of the product that is in progress in the environment.
    pub in_progress: Option<&'a Row>,
    /// What the rules ask for.
    pub evidence: &'a Evidence,
    /// Who asks.
    pub asking: Asking<'a>,
    /// The commit that it runs from.
    pub scm_sha: Option<&'a str>,
    /// What may be let through.
    pub exemptions: &'a [Exemption],
    /// What stops every start, if it is in force; nothing lets one past it.
    pub stop: Option<&'a AllStop>,
    /// The current time, in microseconds since 1970.
    pub now: i64,
}

/// Looks at every rule that is for this product and environment.
pub fn evaluate(rules: &[Rule], start: &Start<'_>) -> Preflight {
    let mut applicable: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.spec.applies_to(start.place))
        .collect();
    applicable.sort_by_key(|rule| rule.spec.check.order());
    let mut preflight = Preflight::default();
    let stop = start.stop.filter(|stop| stop.holds(start.now));
    preflight.failed.extend(stop.map(AllStop::failed));
    preflight
        .failed
        .extend(concurrency::of_product(&applicable, start));
    for rule in applicable {
        let rule_status = rule.status_at(start.now);
        if rule_status == RuleStatus::Disabled {
            continue;
        }
        let failed = |rule_status, violation: Violation| {
            let rollback = is_rollback(rule, start) && !violation.holds_rollbacks;
            Failed {
                rule_id: Some(rule.id.clone()),
                rule_name: rule.spec.name.clone(),
                rule_status,
                violation,
                lifted: rollback.then_some(Lifted::Rollback),
            }
        };
        if let Some(violation) = violation(rule, start) {
            preflight.failed.push(failed(rule_status, violation));
        } else if let Some(warning) = unknown_deployer(rule, start) {
            let warning = failed(RuleStatus::ReportOnly, warning);
            preflight.failed.push(warning);
        }
    }
    exempt(&mut preflight.failed, start);
    preflight.failed.extend(unknown_environment(start));
    preflight.failed.extend(other_commit(start));
    preflight
}

/// A report that needs no rule.
fn report(rule_name: &str, code: &'static str, message: String) -> Failed {
    Failed {
        rule_id: None,
        rule_name: rule_name.to_owned(),
        rule_status: RuleStatus::ReportOnly,
        violation: Violation::precondition(code, message),
        lifted: None,
    }
}

/// An environment that nobody has named before may be a typing error, which no rule is for.
fn unknown_environment(start: &Start<'_>) -> Option<Failed> {
    let place = start.place;
    place.environment_created.then(|| {
        let others = start.evidence.environments_known.iter();
        let meant = match nearest(&place.environment, others.map(String::as_str)) {
            Some(other) => format!("; did you mean {other}?"),
            None => String::new(),
        };
        let message = format!(
            "Environment {} was not known until now{meant}",
            place.environment
        );
        report("Known Environment", "UNKNOWN_ENVIRONMENT", message)
    })
}

/// A deployment may run from another commit than its version was built from; somebody should know.
fn other_commit(start: &Start<'_>) -> Option<Failed> {
    let (sent, known) = (start.scm_sha?, start.place.scm_sha.as_deref()?);
    (!same_commit(sent, known)).then(|| {
        let message = format!(
            "Version {} is commit {known}, and this deployment runs from {sent}",
            start.place.version
        );
        report("Same Commit", "SHA_DIFFERS", message)
    })
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

fn violation(rule: &Rule, start: &Start<'_>) -> Option<Violation> {
    match &rule.spec.check {
        Check::Concurrency(terms) => match terms.per {
            Per::Product => None,
            Per::Environment => concurrency::of_environment(rule, start),
        },
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
                holds_rollbacks: false,
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
            terms,
        } => quality(required_environments, terms, start),
        Check::ReleaseApproval(terms) => {
            let message = format!(
                "{} deployment requires {} release approval(s)",
                start.place.environment, terms.required
            );
            let violation = Violation::precondition("APPROVAL_REQUIRED", message);
            approved(&start.evidence.release_approvals, terms, violation, start)
        }
    }
}

/// What approvals leave of `violation`, which says that there are too few: nothing if there are
/// enough and nobody refuses.
fn approved(
    approvals: &[Approval],
    terms: &Terms,
    mut violation: Violation,
    start: &Start<'_>,
) -> Option<Violation> {
    let scm_sha = start.place.scm_sha.as_deref();
    let found = count(approvals, terms, &start.asking, scm_sha, start.now);
    if found.suffices(terms, &start.asking) {
        return None;
    }
    let unknown = terms.exclude_deployer && start.asking.deployers().is_empty();
    if let Some(refusal) = found.refusals.first() {
        violation.message = format!(
            "Refused by {}: {}",
            refusal["by"].as_str().unwrap_or_default(),
            refusal["reason"].as_str().unwrap_or_default()
        );
        violation.holds_rollbacks = true;
    } else if unknown && terms.unknown_deployer == UnknownDeployer::Block {
        violation.message = UNKNOWN_DEPLOYER.to_owned();
    }
    let mut violation = violation
        .with("required_approvals", json!(terms.required))
        .with("approvals", json!(found.counted))
        .with("not_counted", json!(found.not_counted));
    if !found.refusals.is_empty() {
        violation = violation.with("refusals", json!(found.refusals));
    }
    if unknown {
        violation = violation.with("deployer", json!("unknown"));
    }
    Some(violation)
}

/// What is said of a start if whoever deploys is nobody who is known here.
const UNKNOWN_DEPLOYER: &str = "Nobody is known here by the name, the address or the API key of \
                                whoever deploys, so it cannot be told whose approval is their own";

/// The warning that it is not known who deploys, though the rule wants to know.
fn unknown_deployer(rule: &Rule, start: &Start<'_>) -> Option<Violation> {
    let terms = match &rule.spec.check {
        Check::QualityApproval { terms, .. } | Check::ReleaseApproval(terms) => terms,
        _ => return None,
    };
    (terms.exclude_deployer && start.asking.deployers().is_empty())
        .then(|| Violation::precondition("UNKNOWN_DEPLOYER", UNKNOWN_DEPLOYER.to_owned()))
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

fn quality(required: &[String], terms: &Terms, start: &Start<'_>) -> Option<Violation> {
    super::prerequisites(required, &start.place.environment).find_map(|name| {
        let message = format!(
            "Version requires {} quality approval(s) from {name}",
            terms.required
        );
        let violation = Violation::precondition("QUALITY_APPROVAL_REQUIRED", message)
            .with("required_environment", json!(name));
        let approvals = start.evidence.of(name).quality_approvals;
        approved(&approvals, terms, violation, start)
    })
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
