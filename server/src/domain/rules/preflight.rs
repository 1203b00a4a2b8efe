//! What the checks before a deployment found, and what its start is told.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Rule, RuleStatus, all_stop};
use crate::domain::deployment::Place;

/// Where the metadata says what the checks found.
pub const PREFLIGHT_STATUS: &str = "preflight_status";

/// Why a rule does not allow a start.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The HTTP status of the rejection.
    pub status: u16,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// When it is over as things stand.
    pub retry_after: Option<Timestamp>,
    /// How `retry_after` is shown.
    pub shown: Option<String>,
    /// The rest.
    pub details: Map<String, Value>,
    /// Whether it holds a rollback whatever the rule says.
    pub holds_rollbacks: bool,
}

impl Violation {
    /// Something that is to be done first.
    pub fn precondition(code: &'static str, message: String) -> Violation {
        Violation {
            status: 428,
            code,
            message,
            retry_after: None,
            shown: None,
            details: Map::new(),
            holds_rollbacks: false,
        }
    }

    /// The same with a member in its details.
    pub fn with(mut self, name: &str, value: Value) -> Violation {
        self.details.insert(name.to_owned(), value);
        self
    }

    fn title(&self) -> &'static str {
        match self.status {
            _ if self.code == all_stop::CODE => "All Deployments Stopped",
            409 => "Deployment Conflict",
            423 => "Deployment Blocked by Schedule",
            _ => "Deployment Precondition Failed",
        }
    }
}

/// Why a violated rule does not hold up a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifted {
    /// The version was current here before.
    Rollback,
    /// An exemption, by its identifier.
    Exemption(String),
}

/// A violated rule.
#[derive(Debug, Clone)]
pub struct Failed {
    /// None for the check that needs no rule.
    pub rule_id: Option<String>,
    /// Its name.
    pub rule_name: String,
    /// What it does when it is violated.
    pub rule_status: RuleStatus,
    /// Why it is violated.
    pub violation: Violation,
    /// Why it does not hold up the start all the same.
    pub lifted: Option<Lifted>,
}

impl Failed {
    fn blocks(&self) -> bool {
        self.rule_status == RuleStatus::Enabled && self.lifted.is_none()
    }

    /// The type of the rule, or of what takes the place of one.
    fn type_name(&self, rules: &[Rule]) -> &'static str {
        let rule = rules
            .iter()
            .find(|rule| Some(&rule.id) == self.rule_id.as_ref());
        match rule {
            Some(rule) => rule.spec.check.type_name(),
            None if self.violation.code == all_stop::CODE => "all_stop",
            None => "concurrency",
        }
    }

    /// The word for what came of it, and what let the start through.
    fn result(&self) -> (&'static str, Option<String>) {
        match &self.lifted {
            None => ("failed", None),
            Some(Lifted::Rollback) => ("passed", Some("rollback".to_owned())),
            Some(Lifted::Exemption(id)) => ("skipped", Some(format!("exemption {id}"))),
        }
    }
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
    pub(super) failed: Vec<Failed>,
    skipped: Option<Skipped>,
}

/// No check was made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Skipped {
    reason: Option<String>,
}

impl Preflight {
    /// These were violated.
    pub(super) fn of(failed: Vec<Failed>) -> Preflight {
        Preflight {
            failed,
            ..Preflight::default()
        }
    }

    /// No check was made, because the start said so, for this reason if it gave one.
    pub fn skipped(reason: Option<String>) -> Preflight {
        Preflight {
            failed: Vec::new(),
            skipped: Some(Skipped { reason }),
        }
    }

    /// Whether no check was made.
    pub fn is_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    /// The exemptions without which the start would not be allowed.
    pub fn exemptions(&self) -> Vec<&String> {
        let mut ids: Vec<&String> = Vec::new();
        for failed in &self.failed {
            if let Some(Lifted::Exemption(id)) = &failed.lifted
                && failed.rule_status == RuleStatus::Enabled
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
        ids
    }

    /// The same findings, none of which blocks.
    pub fn into_report(mut self) -> Preflight {
        for failed in &mut self.failed {
            failed.rule_status = RuleStatus::ReportOnly;
            failed.lifted = None;
        }
        self
    }

    fn blocking(&self) -> impl Iterator<Item = &Failed> {
        self.failed.iter().filter(|failed| failed.blocks())
    }

    /// Whether the deployment may not start.
    pub fn blocks(&self) -> bool {
        self.blocking().next().is_some()
    }

    /// What does not allow it: rules by their identifiers, and `None` for what is no rule.
    pub fn blocking_ids(&self) -> Vec<Option<String>> {
        self.blocking()
            .map(|failed| failed.rule_id.clone())
            .collect()
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
                let (result, let_through_by) = failed.result();
                let mut shown = json!({
                    "rule_name": failed.rule_name,
                    "error_message": failed.violation.message,
                    "status": failed.rule_status.as_str(),
                    "evaluation_result": result,
                });
                if let Some(by) = let_through_by {
                    shown["let_through_by"] = by.into();
                }
                shown
            })
            .collect();
        let result = match (&self.skipped, self.blocks()) {
            (Some(_), _) => "skipped",
            (None, true) => "failed",
            (None, false) => "passed",
        };
        let mut status = json!({ "result": result, "rules_evaluated": evaluated });
        if let Some(skipped) = &self.skipped {
            status["skip_reason"] = skipped.reason.clone().into();
        }
        status
    }

    /// The verdict of every rule for the place, those that are met too.
    pub fn verdicts(&self, rules: &[Rule], place: &Place, now: i64) -> Vec<Value> {
        let mut verdicts: Vec<Value> = self
            .failed
            .iter()
            .map(|failed| {
                let violation = &failed.violation;
                let (result, let_through_by) = failed.result();
                json!({
                    "rule_id": failed.rule_id,
                    "rule_name": failed.rule_name,
                    "type": failed.type_name(rules),
                    "status": failed.rule_status.as_str(),
                    "evaluation_result": result,
                    "let_through_by": let_through_by,
                    "code": violation.code,
                    "error_message": violation.message,
                    "retry_after": violation.shown,
                    "details": violation.details,
                })
            })
            .collect();
        let met = rules.iter().filter(|rule| {
            rule.status_at(now) != RuleStatus::Disabled
                && rule.spec.applies_to(place)
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
                "status": rule.status_at(now).as_str(),
                "evaluation_result": "passed",
            })
        }));
        verdicts
    }

    /// The next moment at which a violated rule is met by itself.
    pub fn changes_at(&self) -> Option<i64> {
        let times = self.failed.iter();
        let times = times.filter_map(|failed| failed.violation.retry_after);
        times.min().map(Timestamp::as_microsecond)
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
