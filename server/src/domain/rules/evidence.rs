//! What rules ask of the record.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Approval, Check, Elsewhere, Per, Rollbacks, Rule, RuleStatus, prerequisites};
use crate::domain::deployment::Place;
use crate::domain::people::Known;

/// What is asked of an environment that a rule names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Question {
    /// How the version's last attempt there ended, and when it ran there.
    pub runs: bool,
    /// Who approved its quality there.
    pub quality: bool,
}

/// What to look up for a start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// By environment.
    pub environments: BTreeMap<String, Question>,
    /// Who approved the release to the environment itself.
    pub release: bool,
    /// Whether the version was current in the cell before.
    pub rollback: bool,
    /// What of other products is in progress in the environment.
    pub elsewhere: bool,
}

/// What was found in an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether the version's last finished attempt there was a success.
    pub succeeded: bool,
    /// When the version ran there: from when it was deployed to when another version was, in
    /// microseconds since 1970; the end of a run that lasts is `None`.
    pub runs: Vec<(i64, Option<i64>)>,
    /// Who approved its quality there.
    pub quality_approvals: Vec<Approval>,
}

/// The answers to [`Questions`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// By environment.
    pub environments: BTreeMap<String, Found>,
    /// Who approved the release to the environment itself.
    pub release_approvals: Vec<Approval>,
    /// Everybody in the account, if approvals are asked for.
    pub people: Arc<Vec<Known>>,
    /// The names of the other environments, if nobody has named this one before.
    pub environments_known: Vec<String>,
    /// What of other products is in progress in the environment.
    pub elsewhere: Vec<Elsewhere>,
    /// Whether the version was current in the cell within 90 days, by a start that was allowed.
    pub was_current: bool,
}

impl Questions {
    /// Whether approvals are asked for.
    pub fn approvals(&self) -> bool {
        self.release || self.environments.values().any(|asked| asked.quality)
    }
}

impl Evidence {
    /// What was found in an environment: nothing, if it does not exist.
    pub fn of(&self, environment: &str) -> Found {
        self.environments
            .get(environment)
            .cloned()
            .unwrap_or_default()
    }
}

/// What the rules ask of a start of the product in the environment.
pub fn questions(rules: &[Rule], place: &Place, now: i64) -> Questions {
    let environment = place.environment.as_str();
    let mut asked = Questions::default();
    for rule in rules {
        let spec = &rule.spec;
        let disabled = rule.status_at(now) == RuleStatus::Disabled;
        if disabled || !spec.applies_to(place) {
            continue;
        }
        asked.rollback |= spec.rollbacks == Rollbacks::Pass;
        match &spec.check {
            Check::Concurrency(terms) => asked.elsewhere |= terms.per == Per::Environment,
            Check::NoDeployWindow(_) | Check::Damaged { .. } => {}
            Check::Flow {
                required_environments,
            } => {
                for name in prerequisites(required_environments, environment) {
                    asked.environments.entry(name.to_owned()).or_default().runs = true;
                }
            }
            Check::SoakTime { environment, .. } => {
                asked
                    .environments
                    .entry(environment.clone())
                    .or_default()
                    .runs = true;
            }
            Check::QualityApproval {
                required_environments,
                ..
            } => {
                for name in prerequisites(required_environments, environment) {
                    asked
                        .environments
                        .entry(name.to_owned())
                        .or_default()
                        .quality = true;
                }
            }
            Check::ReleaseApproval(_) => asked.release = true,
        }
    }
    asked
}
