//! Which approvals count at a start, and why others do not.

use serde_json::{Value, json};

use super::approval::{Approval, Verdict};
use crate::domain::build::same_commit;
use crate::domain::fields::Fields;
use crate::domain::names::fold;
use crate::domain::people::{Claim, Known, deployers};

const DAY: i64 = 24 * 3600 * 1_000_000;
const MAX_APPROVALS: i64 = 100;
/// How long an approval counts, in days, unless a rule says otherwise.
const VALID_FOR: i64 = 30;
/// The longest that a rule may say.
const MAX_VALID_FOR: i64 = 366;

/// What a rule does if nobody is known to be who deploys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownDeployer {
    /// It says so.
    Warn,
    /// It blocks.
    Block,
}

impl UnknownDeployer {
    const WORDS: [(&'static str, UnknownDeployer); 2] = [
        ("warn", UnknownDeployer::Warn),
        ("block", UnknownDeployer::Block),
    ];
}

/// How a rule counts approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How many are needed.
    pub required: i64,
    /// Whether those given with API keys count.
    pub keys: bool,
    /// Whether those of whoever deploys do not count.
    pub exclude_deployer: bool,
    /// What happens if that is not known.
    pub unknown_deployer: UnknownDeployer,
    /// How long one counts, in days.
    pub valid_for_days: i64,
}

impl Terms {
    /// Reads the members of a rule's `config`. A stored rule without them is of before there were
    /// people: it counts what it counted then.
    pub fn read(config: &mut Fields) -> Option<Terms> {
        let before = config.is_stored();
        let keys = config.boolean("keys").unwrap_or(before);
        let exclude_deployer = config.boolean("exclude_deployer").unwrap_or(!before);
        let unknown_deployer = config
            .choice("unknown_deployer", &UnknownDeployer::WORDS)
            .unwrap_or(UnknownDeployer::Warn);
        let valid_for_days = config
            .integer("valid_for_days", 1..=MAX_VALID_FOR)
            .unwrap_or(VALID_FOR);
        let required = config.required_integer("required_approvals", 1..=MAX_APPROVALS);
        Some(Terms {
            required: required?,
            keys,
            exclude_deployer,
            unknown_deployer,
            valid_for_days,
        })
    }

    /// The same members.
    pub fn to_json(&self) -> Value {
        let unknown = UnknownDeployer::WORDS
            .iter()
            .find(|(_, choice)| *choice == self.unknown_deployer);
        json!({
            "required_approvals": self.required,
            "keys": self.keys,
            "exclude_deployer": self.exclude_deployer,
            "unknown_deployer": unknown.map(|(word, _)| word),
            "valid_for_days": self.valid_for_days,
        })
    }
}

/// Who asks for a start, and of what.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    /// Everybody in the account.
    pub people: &'a [Known],
    /// What the event says of who deploys.
    pub claim: Claim<'a>,
    /// Who sends it, such as `key:k1`.
    pub actor: &'a str,
}

impl<'a> Asking<'a> {
    /// Everybody who deploys, as far as it is known.
    pub fn deployers(&self) -> Vec<&'a Known> {
        deployers(self.people, &self.claim)
    }

    fn person(&self, id: &str) -> Option<&'a Known> {
        self.people.iter().find(|known| known.person.id == id)
    }
}

/// What approvals come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Count {
    /// How many count.
    pub counted: i64,
    /// Those that do not, and why.
    pub not_counted: Vec<Value>,
    /// Who refuses, and why.
    pub refusals: Vec<Value>,
}

impl Count {
    /// Whether they are enough for a rule.
    pub fn suffices(&self, terms: &Terms, asking: &Asking<'_>) -> bool {
        let unknown = terms.exclude_deployer && asking.deployers().is_empty();
        let blocks = unknown && terms.unknown_deployer == UnknownDeployer::Block;
        self.refusals.is_empty() && !blocks && self.counted >= terms.required
    }
}

/// Counts approvals of one kind for one environment.
pub fn count(
    approvals: &[Approval],
    terms: &Terms,
    asking: &Asking<'_>,
    scm_sha: Option<&str>,
    now: i64,
) -> Count {
    let mut count = Count::default();
    let mut voters: Vec<String> = Vec::new();
    for approval in approvals {
        if approval.withdrawn_at.is_some() {
            continue;
        }
        let who = who(approval, asking);
        if approval.verdict == Verdict::Refuse {
            let refusal = json!({ "id": approval.id, "by": who, "reason": approval.comment });
            count.refusals.push(refusal);
            continue;
        }
        let voter = approval.voter();
        let why = why_not(approval, terms, asking, scm_sha, now).or_else(|| {
            voters
                .contains(&voter)
                .then(|| "the same has approved already".to_owned())
        });
        match why {
            Some(why) => {
                let left_out = json!({ "id": approval.id, "by": who, "why": why });
                count.not_counted.push(left_out);
            }
            None => {
                voters.push(voter);
                count.counted += 1;
            }
        }
    }
    count
}

/// Who approved, for people.
fn who(approval: &Approval, asking: &Asking<'_>) -> String {
    let person = approval.person_id.as_ref();
    let known = person.and_then(|id| asking.person(id)).map(Known::name);
    match (&approval.approved_by, known) {
        (Some(sent), _) if approval.is_by_key() => format!("{sent} ({})", approval.actor),
        (_, Some(name)) => name.to_owned(),
        _ => approval.actor.clone(),
    }
}

/// Why an approval does not count.
fn why_not(
    approval: &Approval,
    terms: &Terms,
    asking: &Asking<'_>,
    scm_sha: Option<&str>,
    now: i64,
) -> Option<String> {
    if let (Some(then), Some(now)) = (&approval.scm_sha, scm_sha)
        && !same_commit(then, now)
    {
        return Some(format!(
            "it was given for commit {then}, the version is {now}"
        ));
    }
    if approval.created_at + terms.valid_for_days * DAY <= now {
        return Some(format!("it is older than {} days", terms.valid_for_days));
    }
    if approval.is_by_key() && !terms.keys {
        return Some("it was given with an API key, which this rule does not count".to_owned());
    }
    if let Some(id) = &approval.person_id {
        let person = asking.person(id).map(|known| &known.person);
        let Some(person) = person.filter(|person| person.active) else {
            return Some("they are not active any more".to_owned());
        };
        if !approval.is_by_key() && !person.may_give(approval.kind) {
            let kind = approval.kind.as_str();
            return Some(format!("they may not give {kind} approvals any more"));
        }
    }
    if terms.exclude_deployer && is_deployer(approval, asking) {
        return Some("they deploy".to_owned());
    }
    None
}

/// Whether whoever deploys has approved. What a key sends in somebody's name counts as theirs here.
fn is_deployer(approval: &Approval, asking: &Asking<'_>) -> bool {
    let person = |id: &String| {
        asking
            .deployers()
            .iter()
            .any(|known| known.person.id == *id)
    };
    let claimed = |name: &String| {
        let claim = &asking.claim;
        let said = [claim.deployed_by, claim.email].into_iter().flatten();
        said.into_iter().any(|said| fold(said) == fold(name))
    };
    approval.actor == asking.actor
        || approval.person_id.as_ref().is_some_and(person)
        || approval.approved_by.as_ref().is_some_and(claimed)
}

#[cfg(test)]
#[path = "counting_tests.rs"]
mod tests;
