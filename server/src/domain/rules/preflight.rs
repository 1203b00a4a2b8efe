//! The checks before a deployment starts.

use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

use super::evidence::Evidence;
use super::{Check, Rule, RuleStatus};
use crate::domain::deployment::{Place, Row};
use crate::domain::names::fold;
use crate::domain::time::{instant, rfc3339, rounded_up};

/// Where the metadata says what the checks found.
pub const PREFLIGHT_STATUS: &str = "preflight_status";
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
    /// The current time, in microseconds since 1970.
    pub now: i64,
}

/// Why a rule does not allow a start.
#[derive(Debug, Clone)]
struct Violation {
    status: u16,
    code: &'static str,
    message: String,
    retry_after: Option<Timestamp>,
    /// How `retry_after` is shown.
    shown: Option<String>,
    details: Map<String, Value>,
}

impl Violation {
    fn precondition(code: &'static str, message: String) -> Violation {
        Violation {
            status: 428,
            code,
            message,
            retry_after: None,
            shown: None,
            details: Map::new(),
        }
    }

    fn with(mut self, name: &str, value: Value) -> Violation {
        self.details.insert(name.to_owned(), value);
        self
    }

    fn title(&self) -> &'static str {
        match self.status {
            409 => "Deployment Conflict",
            423 => "Deployment Blocked by Schedule",
            _ => "Deployment Precondition Failed",
        }
    }
}

/// A violated rule.
#[derive(Debug, Clone)]
struct Failed {
    /// None for the check that needs no rule.
    rule_id: Option<String>,
    rule_name: String,
    rule_status: RuleStatus,
    violation: Violation,
}

/// What a start that is not allowed is told.
#[derive(Debug)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// What kind of rejection, for people.
    pub error: &'static str,
    /// The rule.
    pub rule_name: String,
    /// What is wrong.
    pub message: String,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// When the start would be allowed as things stand.
    pub retry_after: Option<String>,
    /// The rest.
    pub details: Map<String, Value>,
}

/// What the checks found.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    failed: Vec<Failed>,
    skipped: bool,
}

impl Preflight {
    /// No check was made, because the start said so.
    pub fn skipped() -> Preflight {
        Preflight {
            failed: Vec::new(),
            skipped: true,
        }
    }

    /// Whether no check was made.
    pub fn is_skipped(&self) -> bool {
        self.skipped
    }

    /// The same findings, none of which blocks.
    pub fn into_report(mut self) -> Preflight {
        for failed in &mut self.failed {
            failed.rule_status = RuleStatus::ReportOnly;
        }
        self
    }

    fn blocking(&self) -> impl Iterator<Item = &Failed> {
        self.failed
            .iter()
            .filter(|failed| failed.rule_status == RuleStatus::Enabled)
    }

    /// Whether the deployment may not start.
    pub fn blocks(&self) -> bool {
        self.blocking().next().is_some()
    }

    /// The rules that do not allow it.
    pub fn blocking_names(&self) -> Option<String> {
        let names: Vec<_> = self
            .blocking()
            .map(|failed| failed.rule_name.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
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
                    "evaluation_result": "failed",
                })
            })
            .collect();
        let result = match (self.skipped, self.blocks()) {
            (true, _) => "skipped",
            (false, true) => "failed",
            (false, false) => "passed",
        };
        json!({ "result": result, "rules_evaluated": evaluated })
    }

    /// The verdict of every rule for the place, those that are met too.
    pub fn verdicts(&self, rules: &[Rule], place: &Place) -> Vec<Value> {
        let mut verdicts: Vec<Value> = self
            .failed
            .iter()
            .map(|failed| {
                let violation = &failed.violation;
                let rule = rules
                    .iter()
                    .find(|rule| Some(&rule.id) == failed.rule_id.as_ref());
                json!({
                    "rule_id": failed.rule_id,
                    "rule_name": failed.rule_name,
                    "type": rule.map_or("concurrency", |rule| rule.spec.check.type_name()),
                    "status": failed.rule_status.as_str(),
                    "evaluation_result": "failed",
                    "code": violation.code,
                    "error_message": violation.message,
                    "retry_after": violation.shown,
                    "details": violation.details,
                })
            })
            .collect();
        let met = rules.iter().filter(|rule| {
            rule.spec.status != RuleStatus::Disabled
                && rule.spec.applies_to(&place.product, &place.environment)
                && !self
                    .failed
                    .iter()
                    .any(|failed| failed.rule_id.as_ref() == Some(&rule.id))
        });
        verdicts.extend(met.map(|rule| {
            json!({
                "rule_id": rule.id,
                "rule_name": rule.spec.name,
                "type": rule.spec.check.type_name(),
                "status": rule.spec.status.as_str(),
                "evaluation_result": "passed",
            })
        }));
        verdicts
    }

    /// The rejection, by the first rule that blocks; `None` if the deployment may start. All that
    /// block must be over before it can, so the latest of their times counts, and none if one of
    /// them does not end by itself.
    pub fn rejection(&self) -> Option<Rejection> {
        let failed = self.blocking().next()?;
        let violation = &failed.violation;
        let mut details = violation.details.clone();
        let all: Vec<_> = self.blocking().collect();
        let latest = all
            .iter()
            .map(|failed| failed.violation.retry_after)
            .collect::<Option<Vec<_>>>()
            .and_then(|times| times.into_iter().max());
        let retry_after = latest.and_then(|latest| {
            let of = all
                .iter()
                .find(|failed| failed.violation.retry_after == Some(latest))?;
            of.violation.shown.clone()
        });
        if all.len() > 1 {
            let blocking = all.iter().map(|failed| {
                json!({
                    "rule_name": failed.rule_name,
                    "code": failed.violation.code,
                    "message": failed.violation.message,
                    "retry_after": failed.violation.shown,
                })
            });
            details.insert("blocking".to_owned(), blocking.collect());
        }
        Some(Rejection {
            status: violation.status,
            error: violation.title(),
            rule_name: failed.rule_name.clone(),
            message: violation.message.clone(),
            code: violation.code,
            retry_after,
            details,
        })
    }
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
        if rule.spec.status == RuleStatus::Disabled {
            continue;
        }
        if let Some(violation) = violation(&rule.spec.check, start) {
            preflight.failed.push(Failed {
                rule_id: Some(rule.id.clone()),
                rule_name: rule.spec.name.clone(),
                rule_status: rule.spec.status,
                violation,
            });
        }
    }
    preflight
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

fn violation(check: &Check, start: &Start<'_>) -> Option<Violation> {
    match check {
        Check::Concurrency => None,
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
