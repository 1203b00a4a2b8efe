//! The checks before a deployment starts.

use axum::http::StatusCode;
use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

use super::{ApprovalKind, Check, Rule, RuleStatus};
use crate::answer::Answer;
use crate::store::{Catalog, DeploymentRow, Session, StoreError};
use crate::time::{instant, rfc3339};

/// The name of the concurrency check where no rule gives it another.
const CONCURRENCY_NAME: &str = "Concurrent Deployments";

/// A deployment that wants to start.
#[derive(Debug)]
pub struct Start<'a> {
    /// The product's name.
    pub product: &'a str,
    /// The product.
    pub product_id: &'a str,
    /// The version.
    pub version_id: &'a str,
    /// The environment's name.
    pub environment: &'a str,
    /// The environment.
    pub environment_id: &'a str,
    /// A deployment of the product that is in progress in the environment.
    pub in_progress: Option<&'a DeploymentRow>,
    /// The current time.
    pub now: Timestamp,
}

/// Why a rule does not allow a start.
#[derive(Debug)]
struct Violation {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<String>,
    details: Map<String, Value>,
}

impl Violation {
    fn precondition(code: &'static str, message: String) -> Violation {
        Violation {
            status: StatusCode::PRECONDITION_REQUIRED,
            code,
            message,
            retry_after: None,
            details: Map::new(),
        }
    }

    fn with(mut self, name: &str, value: Value) -> Violation {
        self.details.insert(name.to_owned(), value);
        self
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::CONFLICT => "Deployment Conflict",
            StatusCode::LOCKED => "Deployment Blocked by Schedule",
            _ => "Deployment Precondition Failed",
        }
    }
}

/// A violated rule.
#[derive(Debug)]
struct Failed {
    rule_name: String,
    rule_status: RuleStatus,
    violation: Violation,
}

/// What the checks found.
#[derive(Debug, Default)]
pub struct Preflight {
    failed: Vec<Failed>,
}

impl Preflight {
    fn blocking(&self) -> Option<&Failed> {
        self.failed
            .iter()
            .find(|failed| failed.rule_status == RuleStatus::Enabled)
    }

    /// Whether the deployment may not start.
    pub fn blocks(&self) -> bool {
        self.blocking().is_some()
    }

    /// What is kept with the deployment, and answered as `preflight_status`.
    pub fn to_json(&self) -> Value {
        let evaluated: Vec<_> = self
            .failed
            .iter()
            .map(|failed| {
                json!({
                    "rule_name": failed.rule_name,
                    "error_message": failed.violation.message,
                    "status": failed.rule_status.as_str(),
                    "evaluation_result": "fail",
                })
            })
            .collect();
        let result = if self.blocks() { "failed" } else { "passed" };
        json!({ "result": result, "rules_evaluated": evaluated })
    }

    /// What is kept with a deployment that was not checked.
    pub fn skipped() -> Value {
        json!({ "result": "skipped", "rules_evaluated": [] })
    }

    /// The rejection, by the first rule that blocks; `None` where the deployment may start.
    pub fn rejection(&self, deployment_id: &str) -> Option<Answer> {
        let failed = self.blocking()?;
        let violation = &failed.violation;
        let mut details = Map::new();
        details.insert("rule_name".to_owned(), failed.rule_name.clone().into());
        details.insert("deployment_id".to_owned(), deployment_id.into());
        details.extend(violation.details.clone());
        let body = json!({ "detail": {
            "error": violation.title(),
            "message": violation.message,
            "code": violation.code,
            "retry_after": violation.retry_after,
            "details": details,
        }});
        Some(Answer::new(violation.status, &body))
    }
}

/// Looks at every rule that is for this product and environment.
///
/// # Errors
/// When the database fails.
pub fn evaluate(session: &mut Session<'_>, start: &Start<'_>) -> Result<Preflight, StoreError> {
    let rules = session.rules()?;
    let mut applicable: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.spec.applies_to(start.product, start.environment))
        .collect();
    applicable.sort_by_key(|rule| rule.spec.check.order());
    let mut preflight = Preflight::default();
    if let Some(failed) = concurrency(&applicable, start) {
        preflight.failed.push(failed);
    }
    for rule in applicable {
        if rule.spec.status == RuleStatus::Disabled {
            continue;
        }
        if let Some(violation) = violation(session, &rule.spec.check, start)? {
            preflight.failed.push(Failed {
                rule_name: rule.spec.name.clone(),
                rule_status: rule.spec.status,
                violation,
            });
        }
    }
    Ok(preflight)
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
            let strictness = match rule.spec.status {
                RuleStatus::Enabled => 2,
                RuleStatus::ReportOnly => 1,
                RuleStatus::Disabled => 0,
            };
            (precision, strictness)
        });
    let (rule_name, rule_status) = match rule {
        Some(rule) => (rule.spec.name.clone(), rule.spec.status),
        None => (CONCURRENCY_NAME.to_owned(), RuleStatus::Enabled),
    };
    let in_progress = json!({
        "deployment_id": other.id,
        "version": other.version,
        "deployed_by": other.deployed_by,
        "started_at": rfc3339(other.created_at),
    });
    (rule_status != RuleStatus::Disabled).then(|| Failed {
        rule_name,
        rule_status,
        violation: Violation {
            status: StatusCode::CONFLICT,
            code: "DEPLOYMENT_IN_PROGRESS",
            message: format!(
                "Another deployment to {} is already in progress",
                start.environment
            ),
            retry_after: None,
            details: Map::from_iter([("in_progress".to_owned(), in_progress)]),
        },
    })
}

fn violation(
    session: &mut Session<'_>,
    check: &Check,
    start: &Start<'_>,
) -> Result<Option<Violation>, StoreError> {
    match check {
        Check::Concurrency => Ok(None),
        Check::NoDeployWindow(window) => {
            Ok(window.blocked_until(start.now).map(|until| Violation {
                status: StatusCode::LOCKED,
                code: "NO_DEPLOY_WINDOW",
                message: "Deployment blocked by no-deploy window".to_owned(),
                retry_after: Some(until.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
                details: Map::new(),
            }))
        }
        Check::Flow {
            required_environments,
        } => flow(session, required_environments, start),
        Check::SoakTime {
            environment,
            soak_minutes,
        } => soak_time(session, environment, *soak_minutes, start),
        Check::QualityApproval {
            required_environments,
            required_approvals,
        } => {
            for environment in prerequisites(required_environments, start) {
                let kind = ApprovalKind::Quality;
                let given = approvals(session, kind, environment, start)?;
                if given < *required_approvals {
                    let message = format!(
                        "Version requires {required_approvals} quality approval(s) from {environment}"
                    );
                    let violation = Violation::precondition("QUALITY_APPROVAL_REQUIRED", message)
                        .with("required_environment", json!(environment))
                        .with("required_approvals", json!(required_approvals))
                        .with("approvals", json!(given));
                    return Ok(Some(violation));
                }
            }
            Ok(None)
        }
        Check::ReleaseApproval { required_approvals } => {
            let kind = ApprovalKind::Release;
            let given = session.count_approvals(start.version_id, kind, start.environment_id)?;
            Ok((given < *required_approvals).then(|| {
                let message = format!(
                    "{} deployment requires {required_approvals} release approval(s)",
                    start.environment
                );
                Violation::precondition("APPROVAL_REQUIRED", message)
                    .with("required_approvals", json!(required_approvals))
                    .with("approvals", json!(given))
            }))
        }
    }
}

/// An environment is no prerequisite of itself, so that a rule for all environments can be met.
fn prerequisites<'a>(
    required: &'a [String],
    start: &Start<'_>,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let target = start.environment.to_owned();
    required
        .iter()
        .map(String::as_str)
        .filter(move |environment| *environment != target)
}

fn flow(
    session: &mut Session<'_>,
    required: &[String],
    start: &Start<'_>,
) -> Result<Option<Violation>, StoreError> {
    let mut missing = Vec::new();
    for environment in prerequisites(required, start) {
        let deployed = match session.find(Catalog::Environment, environment)? {
            Some(id) => session.was_deployed(start.product_id, start.version_id, &id)?,
            None => false,
        };
        if !deployed {
            missing.push(environment);
        }
    }
    Ok((!missing.is_empty()).then(|| {
        let message = format!("Version must be deployed to {} first", missing.join(", "));
        Violation::precondition("FLOW_VIOLATION", message)
            .with("missing_environments", json!(missing))
    }))
}

fn soak_time(
    session: &mut Session<'_>,
    environment: &str,
    soak_minutes: i64,
    start: &Start<'_>,
) -> Result<Option<Violation>, StoreError> {
    if environment == start.environment {
        return Ok(None);
    }
    let runs = match session.find(Catalog::Environment, environment)? {
        Some(id) => session.runs(start.product_id, start.version_id, &id)?,
        None => Vec::new(),
    };
    let needed = soak_minutes * 60 * 1_000_000;
    let now = start.now.as_microsecond();
    let soaked = |(from, to): &(i64, Option<i64>)| to.unwrap_or(now) - from >= needed;
    if runs.iter().any(soaked) {
        return Ok(None);
    }
    let message = format!(
        "Version must soak in {environment} for at least {}",
        duration(soak_minutes)
    );
    let mut violation = Violation::precondition("INSUFFICIENT_SOAK_TIME", message)
        .with("environment", json!(environment))
        .with("soak_minutes", json!(soak_minutes));
    if let Some((from, None)) = runs.last() {
        violation.retry_after = instant(*from)
            .checked_add(Span::new().minutes(soak_minutes))
            .ok()
            .map(|time| time.to_string());
        violation = violation.with("running_since", json!(rfc3339(*from)));
    }
    Ok(Some(violation))
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

fn approvals(
    session: &mut Session<'_>,
    kind: ApprovalKind,
    environment: &str,
    start: &Start<'_>,
) -> Result<i64, StoreError> {
    match session.find(Catalog::Environment, environment)? {
        Some(id) => session.count_approvals(start.version_id, kind, &id),
        None => Ok(0),
    }
}
