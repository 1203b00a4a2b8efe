//! The check for a deployment in progress.

use serde_json::{Map, Value, json};

use super::evaluate::Start;
use super::preflight::{Failed, Violation};
use super::{Check, Rule, RuleStatus};
use crate::domain::deployment::{Place, Row};
use crate::domain::fields::Fields;
use crate::domain::time::rfc3339;

/// The name of the check if no rule gives it another.
const NAME: &str = "Concurrent Deployments";
const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
/// The longest that a rule lets a deployment be in progress without a word: 7 days.
const MAX_EXPIRY_MINUTES: i64 = 7 * 24 * 60;

/// Of what one deployment may be in progress in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Of each product.
    Product,
    /// Of all products that the rule is for together.
    Environment,
}

impl Per {
    const WORDS: [(&'static str, Per); 2] =
        [("product", Per::Product), ("environment", Per::Environment)];
}

impl Rule {
    /// Whether it asks for what other products do in the environment.
    pub fn looks_elsewhere(&self) -> bool {
        matches!(&self.spec.check, Check::Concurrency(terms) if terms.per == Per::Environment)
    }
}

/// What a rule says of deployments in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concurrency {
    /// Of what there may be one.
    pub per: Per,
    /// After how many minutes without a word one is thought to be over.
    pub expires_after_minutes: Option<i64>,
}

impl Concurrency {
    /// Reads the `config` of a rule.
    pub fn read(config: &mut Fields) -> Concurrency {
        Concurrency {
            per: config.choice("per", &Per::WORDS).unwrap_or(Per::Product),
            expires_after_minutes: config.integer("expires_after_minutes", 1..=MAX_EXPIRY_MINUTES),
        }
    }

    /// The `config` of the rule.
    pub fn to_json(&self) -> Value {
        let per = Per::WORDS.iter().find(|(_, per)| *per == self.per);
        let mut config = json!({ "per": per.map(|(word, _)| word) });
        if let Some(minutes) = self.expires_after_minutes {
            config["expires_after_minutes"] = minutes.into();
        }
        config
    }
}

/// A deployment of another product that is in progress in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The product.
    pub product: String,
    /// The deployment.
    pub row: Row,
}

/// The rule that decides for a place: the one that says most precisely where it applies, and among
/// equals the strictest.
fn deciding<'a>(applicable: &[&'a Rule], now: i64) -> Option<(&'a Rule, &'a Concurrency)> {
    let per_product = applicable.iter().filter_map(|rule| match &rule.spec.check {
        Check::Concurrency(terms) if terms.per == Per::Product => Some((*rule, terms)),
        _ => None,
    });
    per_product.max_by_key(|(rule, _)| {
        let precision =
            u8::from(!rule.spec.products.is_empty()) + u8::from(!rule.spec.environments.is_empty());
        let strictness = match rule.status_at(now) {
            RuleStatus::Enabled => 2,
            RuleStatus::ReportOnly => 1,
            RuleStatus::Disabled => 0,
        };
        (precision, strictness)
    })
}

/// How long a deployment that starts here may go on without a word, in microseconds, if a rule says
/// so.
pub fn expiry(rules: &[Rule], place: &Place, now: i64) -> Option<i64> {
    let applicable: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.spec.applies_to(place))
        .collect();
    let (_, terms) = deciding(&applicable, now)?;
    terms.expires_after_minutes.map(|minutes| minutes * MINUTE)
}

/// The built-in check, which needs no rule.
pub fn of_product(applicable: &[&Rule], start: &Start<'_>) -> Option<Failed> {
    let other = start.in_progress?;
    let rule = deciding(applicable, start.now).map(|(rule, _)| rule);
    let (rule_name, rule_status) = match rule {
        Some(rule) => (rule.spec.name.clone(), rule.status_at(start.now)),
        None => (NAME.to_owned(), RuleStatus::Enabled),
    };
    let message = format!(
        "Another deployment to {} is already in progress",
        start.place.environment
    );
    (rule_status != RuleStatus::Disabled).then(|| Failed {
        rule_id: rule.map(|rule| rule.id.clone()),
        rule_name,
        rule_status,
        violation: conflict(other, start, message),
        lifted: None,
    })
}

/// The check over all products that a rule is for.
pub fn of_environment(rule: &Rule, start: &Start<'_>) -> Option<Violation> {
    let other = start.evidence.elsewhere.iter().find(|other| {
        rule.spec.is_for_product(&other.product) && !other.row.is_expired(start.now)
    })?;
    let message = format!(
        "A deployment of {} to {} is already in progress",
        other.product, start.place.environment
    );
    Some(conflict(&other.row, start, message).with("product", json!(other.product)))
}

/// What somebody needs to know of the deployment that is in the way.
fn conflict(other: &Row, start: &Start<'_>, message: String) -> Violation {
    let started = other.started_at.map(rfc3339);
    let details = json!({
        "conflicting_deployment_id": other.id,
        "conflicting_deployment_status": other.state.as_str(),
        "conflicting_deployment_started": started,
        "same_version": other.version_id == start.place.version_id,
        "expires_at": other.expires_at.map(rfc3339),
        "no_word_for": no_word_for(other, start.now),
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
    Violation {
        status: 409,
        code: "DEPLOYMENT_IN_PROGRESS",
        message,
        retry_after: None,
        shown: None,
        details: match details {
            Value::Object(details) => details,
            _ => Map::new(),
        },
        holds_rollbacks: true,
    }
}

/// For how long nobody has said a word of a deployment in progress, from half of its time on.
fn no_word_for(row: &Row, now: i64) -> Option<String> {
    let silence = now - row.updated_at;
    (row.in_progress() && silence >= row.lease / 2).then(|| {
        if silence < HOUR {
            format!("{} min", silence / MINUTE)
        } else {
            format!("{} h", silence / HOUR)
        }
    })
}
