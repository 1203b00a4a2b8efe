//! What a rule demands of a start.

use serde_json::{Map, Value, json};

use super::Window;
use super::concurrency::Concurrency;
use super::counting::Terms;
use crate::domain::fields::Fields;
use crate::domain::names::fold;

/// The longest soak time: a year.
const MAX_SOAK_MINUTES: i64 = 366 * 24 * 60;

/// What a rule demands.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// No other deployment is in progress in the environment.
    Concurrency(Concurrency),
    /// Nothing is deployed in a window of time.
    NoDeployWindow(Window),
    /// The version was deployed to other environments before.
    Flow {
        /// Those environments.
        required_environments: Vec<String>,
    },
    /// The version ran in another environment for some time.
    SoakTime {
        /// That environment.
        environment: String,
        /// How long, in minutes.
        soak_minutes: i64,
    },
    /// People approved the version's quality in other environments.
    QualityApproval {
        /// Those environments.
        required_environments: Vec<String>,
        /// How many people, in each of them, and which.
        terms: Terms,
    },
    /// People approved the release to the environment.
    ReleaseApproval(Terms),
    /// What was stored cannot be read any more. Nothing passes: what it protects stays closed.
    Damaged {
        /// What is wrong with it.
        reason: String,
        /// What was stored.
        definition: Map<String, Value>,
    },
}

/// The kind of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Concurrency,
    NoDeployWindow,
    Flow,
    SoakTime,
    QualityApproval,
    ReleaseApproval,
}

pub(super) const KINDS: [(&str, Kind); 6] = [
    ("concurrency", Kind::Concurrency),
    ("no_deploy_window", Kind::NoDeployWindow),
    ("flow", Kind::Flow),
    ("soak_time", Kind::SoakTime),
    ("quality_approval", Kind::QualityApproval),
    ("release_approval", Kind::ReleaseApproval),
];

impl Check {
    pub(super) fn read(kind: Kind, config: &mut Fields) -> Option<Check> {
        Some(match kind {
            Kind::Concurrency => Check::Concurrency(Concurrency::read(config)),
            Kind::NoDeployWindow => Check::NoDeployWindow(Window::read(config)?),
            Kind::Flow => Check::Flow {
                required_environments: required_environments(config)?,
            },
            Kind::SoakTime => {
                let environment = config.required_name("environment");
                let minutes = config.required_integer("soak_minutes", 1..=MAX_SOAK_MINUTES);
                Check::SoakTime {
                    environment,
                    soak_minutes: minutes?,
                }
            }
            Kind::QualityApproval => {
                let environments = required_environments(config);
                let terms = Terms::read(config);
                Check::QualityApproval {
                    required_environments: environments?,
                    terms: terms?,
                }
            }
            Kind::ReleaseApproval => Check::ReleaseApproval(Terms::read(config)?),
        })
    }

    fn kind(&self) -> Option<Kind> {
        Some(match self {
            Check::Concurrency(_) => Kind::Concurrency,
            Check::NoDeployWindow(_) => Kind::NoDeployWindow,
            Check::Flow { .. } => Kind::Flow,
            Check::SoakTime { .. } => Kind::SoakTime,
            Check::QualityApproval { .. } => Kind::QualityApproval,
            Check::ReleaseApproval(_) => Kind::ReleaseApproval,
            Check::Damaged { .. } => return None,
        })
    }

    /// The place of the check in the order in which checks are made.
    pub fn order(&self) -> usize {
        KINDS
            .iter()
            .position(|(_, kind)| Some(*kind) == self.kind())
            .unwrap_or(KINDS.len())
    }

    /// The word for its kind.
    pub fn type_name(&self) -> &'static str {
        KINDS.get(self.order()).map_or("damaged", |(name, _)| *name)
    }

    pub(super) fn config(&self) -> Value {
        match self {
            Check::Concurrency(terms) => terms.to_json(),
            Check::NoDeployWindow(window) => window.to_json(),
            Check::Flow {
                required_environments,
            } => {
                json!({ "required_environments": required_environments })
            }
            Check::SoakTime {
                environment,
                soak_minutes,
            } => {
                json!({ "environment": environment, "soak_minutes": soak_minutes })
            }
            Check::QualityApproval {
                required_environments,
                terms,
            } => {
                let mut config = terms.to_json();
                config["required_environments"] = json!(required_environments);
                config
            }
            Check::ReleaseApproval(terms) => terms.to_json(),
            Check::Damaged { definition, .. } => {
                definition.get("config").cloned().unwrap_or_default()
            }
        }
    }
}

fn required_environments(config: &mut Fields) -> Option<Vec<String>> {
    config.required_names("required_environments")
}

/// The environments that a check requires something of.
pub(super) fn required_by(check: &Check) -> &[String] {
    match check {
        Check::Flow {
            required_environments,
        }
        | Check::QualityApproval {
            required_environments,
            ..
        } => required_environments,
        Check::SoakTime { environment, .. } => std::slice::from_ref(environment),
        _ => &[],
    }
}

/// An environment that the rule is for, if it requires that one and no other.
pub(super) fn requires_itself<'a>(check: &'a Check, environments: &[String]) -> Option<&'a String> {
    let required = required_by(check);
    let own = |name: &&String| environments.iter().any(|own| fold(own) == fold(name));
    let first = required.first()?;
    (environments.len() == 1 && required.iter().all(|name| own(&name))).then_some(first)
}

/// The field in which it names other environments.
pub(super) fn check_field(check: Option<&Check>) -> &'static str {
    match check {
        Some(Check::SoakTime { .. }) => "environment",
        _ => "required_environments",
    }
}
