//! The answer to the question whether a deployment may start. Only a clear yes is a yes.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Reader, is_failed, is_report_only, line, violations};
use crate::model::foreign::Foreign;
use crate::model::kind::Kind;
use crate::model::outcome::{Outcome, Rejection};
use crate::model::policy::Policy;
use crate::send::said::text;

type Rule = Map<String, Value>;

impl Reader {
    pub(super) fn verdict(&self) -> Outcome {
        match self.status {
            200 => self.judged().unwrap_or_else(|| self.not_of_versioner()),
            201..300 => self.not_of_versioner(),
            404 | 405 => self.failed_with((
                if self.status == 404 {
                    Kind::NotFound
                } else {
                    Kind::Http
                },
                "the service does not tell whether a deployment may start",
                "Only versioner-server does: check the API URL (VERSIONER_API_URL). Elsewhere, a \
                 deployment with status started asks.",
            )),
            _ => self.failed(),
        }
    }

    /// `None` if this is no verdict.
    fn judged(&self) -> Option<Outcome> {
        let json = self.json.as_ref()?;
        let body = json.as_object()?;
        let is_allowed = body.get("allowed")?.as_bool()?;
        let rules = evaluated(body)?;
        let forbidding: Vec<&Rule> = rules.iter().copied().filter(|rule| forbids(rule)).collect();
        let mut outcome = match (is_allowed, forbidding.first()) {
            (true, None) => self.outcome(Kind::Ok, "the deployment may start: no rule forbids it"),
            (true, Some(rule)) => self.outcome(
                Kind::Http,
                format!(
                    "the service contradicts itself: it allows the deployment, but its rule {:?} \
                     is violated. Without a clear verdict there is no permission.",
                    line(rule, "rule_name")
                ),
            ),
            (false, _) => self.forbidden(&forbidding),
        };
        outcome.warnings = violations(rules.into_iter());
        outcome.data = Some(json.clone());
        Some(outcome)
    }

    /// Told by the first rule that forbids it; the others stand in the details.
    fn forbidden(&self, forbidding: &[&Rule]) -> Outcome {
        let none = Rule::new();
        let rule = forbidding.first().copied().unwrap_or(&none);
        let policy_code = line(rule, "code");
        let policy = Policy::of_code(&policy_code).unwrap_or(Policy::other());
        let said = Foreign::text(&text(rule.get("error_message")));
        let mut details = rule.get("details").and_then(Value::as_object).cloned();
        if forbidding.len() > 1 {
            details
                .get_or_insert_default()
                .insert("blocking".to_owned(), blocking(forbidding));
        }
        self.rejection(
            policy.kind,
            Rejection {
                rule: line(rule, "rule_name"),
                retry_after: latest(forbidding),
                details,
                said: match said.is_empty() {
                    true => Foreign::line("the service does not allow this deployment"),
                    false => said,
                },
                policy: Some(policy),
                policy_code,
            },
        )
    }
}

/// The rules; `None` if they are told in a form that is not the service's own.
fn evaluated(body: &Map<String, Value>) -> Option<Vec<&Rule>> {
    match body.get("rules_evaluated") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(rules) => rules.as_array()?.iter().map(Value::as_object).collect(),
    }
}

fn forbids(rule: &Rule) -> bool {
    let is_disabled = line(rule, "status").eq_ignore_ascii_case("disabled");
    is_failed(rule) && !is_report_only(rule) && !is_disabled
}

fn blocking(forbidding: &[&Rule]) -> Value {
    let told = forbidding.iter().map(|rule| {
        json!({
            "rule_name": rule.get("rule_name"),
            "code": rule.get("code"),
            "message": rule.get("error_message"),
            "retry_after": rule.get("retry_after"),
        })
    });
    told.collect()
}

/// When all of them have ended; empty if one does not say.
fn latest(forbidding: &[&Rule]) -> Foreign {
    let times = forbidding.iter().map(|rule| {
        let shown = line(rule, "retry_after");
        let time = OffsetDateTime::parse(&shown, &Rfc3339).ok();
        Some((time?, shown))
    });
    let Some(times) = times.collect::<Option<Vec<_>>>() else {
        return match forbidding {
            [rule] => line(rule, "retry_after"),
            _ => Foreign::default(),
        };
    };
    let latest = times.into_iter().max_by_key(|(time, _)| *time);
    latest.map(|(_, shown)| shown).unwrap_or_default()
}
