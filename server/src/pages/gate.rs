//! Can it go? The verdict of every rule, and who must do what until when.

use serde_json::{Map, Value};

use super::cell::deployment_address;
use super::format::{self, Html, micros, name};
use super::voters::{Voters, list_of};
use crate::domain::deployment::Place;
use crate::domain::people::Known;
use crate::domain::rules::{ApprovalKind, Check, Exemption, Rule};
use crate::domain::time::instant;
use crate::store::views::Deployment;

/// How far ahead windows are told of, in microseconds.
const AHEAD: i64 = 7 * 24 * 3600 * 1_000_000;

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// It holds the start.
    Holds,
    /// It would, if it blocked.
    WouldHold,
    /// It lets it pass.
    Passes,
}

/// The verdict of a rule.
pub struct RuleRow {
    pub says: Says,
    pub class: &'static str,
    pub icon: &'static str,
    pub word: &'static str,
    /// Its identifier, if it is one that can be exempted.
    pub id: Option<String>,
    pub name: Html,
    pub href: Option<String>,
    pub why: Html,
    pub to_do: Html,
    pub until: Html,
    /// Whether it is a deployment in progress, which nothing lets another one past.
    pub in_the_way: bool,
    /// When it holds no more by itself, in microseconds since 1970.
    over_at: Option<i64>,
}

/// The answer in one sentence.
pub struct Verdict {
    /// Whether it may go.
    pub yes: bool,
    pub sentence: String,
    pub more: Html,
}

/// What the rows are made from.
pub struct Asked<'a> {
    /// What would go where.
    pub place: &'a Place,
    /// All rules.
    pub rules: &'a [Rule],
    /// Everybody.
    pub people: &'a [Known],
    /// Who asks.
    pub viewer: &'a str,
    /// The last attempt of this version there.
    pub attempt: Option<&'a Deployment>,
    /// What lets starts past rules.
    pub exemptions: &'a [Exemption],
    /// The current time.
    pub now: i64,
}

/// The rows for what a preflight answered.
pub fn rows(verdict: &Value, asked: &Asked<'_>) -> Vec<RuleRow> {
    let evaluated = verdict["rules_evaluated"].as_array();
    let mut rows: Vec<RuleRow> = evaluated
        .into_iter()
        .flatten()
        .filter_map(|one| row(one, asked))
        .collect();
    let in_progress = evaluated
        .into_iter()
        .flatten()
        .any(|one| one["type"] == "concurrency");
    if !in_progress {
        let place = asked.place;
        rows.push(RuleRow {
            id: None,
            name: Html::of("One at a time"),
            href: None,
            why: Html::of(format!(
                "No other deployment of {} is in progress in {}.",
                name(&place.product),
                name(&place.environment)
            )),
            ..passing()
        });
    }
    rows.sort_by_key(|row| row.says);
    rows
}

fn passing() -> RuleRow {
    RuleRow {
        says: Says::Passes,
        class: "yes",
        icon: "yes",
        word: "passes",
        id: None,
        name: Html::default(),
        href: None,
        why: Html::default(),
        to_do: Html::default(),
        until: Html::default(),
        in_the_way: false,
        over_at: None,
    }
}

fn row(one: &Value, asked: &Asked<'_>) -> Option<RuleRow> {
    let id = one["rule_id"].as_str();
    let rule = asked.rules.iter().find(|rule| Some(rule.id.as_str()) == id);
    let code = one["code"].as_str().unwrap_or_default();
    let failed = one["evaluation_result"] == "failed";
    // Who will deploy is not known before the start, which says so then.
    let unknown_deployer = code == "UNKNOWN_DEPLOYER" && asked.attempt.is_none();
    let mut shown = RuleRow {
        id: id.map(str::to_owned),
        name: name(one["rule_name"].as_str().unwrap_or_default()),
        href: id.map(|id| format::address("/manage/rules/edit", &[("rule", id)])),
        ..passing()
    };
    if !failed || unknown_deployer {
        shown.why = passed(one, rule, asked);
        return Some(shown);
    }
    let (says, class, icon, word) = match one["status"].as_str() {
        Some("enabled") => (Says::Holds, "hold", "hold", "holds"),
        _ => (Says::WouldHold, "off", "note", "would hold"),
    };
    (shown.says, shown.class, shown.icon, shown.word) = (says, class, icon, word);
    shown.in_the_way = code == "DEPLOYMENT_IN_PROGRESS";
    let message = name(one["error_message"].as_str().unwrap_or_default());
    let report = match rule {
        Some(rule) if says == Says::WouldHold => match rule.override_at(asked.now) {
            Some(meanwhile) => {
                let until = format::clock(meanwhile.until, asked.now);
                shown.until = Html::of(format!("{until}, then it does what its status says"));
                "Report only for now, blocks nothing. "
            }
            None => "Report only, blocks nothing. ",
        },
        None if says == Says::WouldHold => "Told, blocks nothing. ",
        _ => "",
    };
    shown.why = Html::of(format!("{report}{message}."));
    shown.over_at = one["retry_after"].as_str().map(micros);
    to_do(&mut shown, one, rule, asked);
    Some(shown)
}

/// What is said of a rule that holds nothing.
fn passed(one: &Value, rule: Option<&Rule>, asked: &Asked<'_>) -> Html {
    let place = asked.place;
    if let Some(by) = one["let_through_by"].as_str() {
        if by == "rollback" {
            return Html::of("It ran here before: a rollback passes.");
        }
        let exemption = by
            .strip_prefix("exemption ")
            .and_then(|id| asked.exemptions.iter().find(|exemption| exemption.id == id));
        return match exemption {
            Some(exemption) => Html::of(format!(
                "Let through until {}: {}",
                format::clock(exemption.until, asked.now),
                name(&exemption.reason)
            )),
            None => Html::of(format!("Let through by {}", name(by))),
        };
    }
    let version = name(&place.version);
    let text = match rule.map(|rule| &rule.spec.check) {
        Some(Check::Concurrency(_)) | None => format!(
            "No other deployment is in progress in {}.",
            name(&place.environment)
        ),
        Some(Check::NoDeployWindow(window)) => {
            let end = instant(asked.now.saturating_add(AHEAD));
            let next = window.between(instant(asked.now), end).into_iter().next();
            match next {
                Some((from, to)) => format!(
                    "No window is open now. Next: {} to {}.",
                    format::clock(from.as_microsecond(), asked.now),
                    format::clock(to.as_microsecond(), asked.now)
                ),
                None => "No window is open now, and none within 7 days.".to_owned(),
            }
        }
        Some(Check::Flow {
            required_environments,
        }) => {
            format!(
                "{version} was completed in {}.",
                names(required_environments)
            )
        }
        Some(Check::SoakTime { environment, .. }) => {
            format!("{version} ran in {} for long enough.", name(environment))
        }
        Some(Check::QualityApproval {
            required_environments,
            ..
        }) => {
            format!(
                "Its quality in {} is approved.",
                names(required_environments)
            )
        }
        Some(Check::ReleaseApproval(terms)) => format!(
            "Enough people say yes: {} {} needed.",
            terms.required,
            if terms.required == 1 { "is" } else { "are" }
        ),
        Some(Check::Damaged { .. }) => String::new(),
    };
    Html::of(text)
}

fn names(all: &[String]) -> String {
    let shown: Vec<String> = all.iter().map(|one| name(one).to_string()).collect();
    list_of(&shown, "and")
}

/// Who must do what until when.
fn to_do(shown: &mut RuleRow, one: &Value, rule: Option<&Rule>, asked: &Asked<'_>) {
    let place = asked.place;
    let details = one["details"].as_object();
    let nothing = Map::new();
    let details = details.unwrap_or(&nothing);
    let version = name(&place.version);
    let by_itself = |shown: &mut RuleRow, what: &str| {
        shown.to_do = Html::of(what);
        if let Some(at) = shown.over_at {
            let left = format::exact_span(at.saturating_sub(asked.now));
            shown.until = Html::of(format!("{}, in {left}", format::clock(at, asked.now)));
        }
    };
    match rule.map(|rule| &rule.spec.check) {
        Some(Check::NoDeployWindow(_)) => {
            by_itself(shown, "Nobody. It ends by itself.");
            if shown.over_at.is_none() {
                shown.to_do = Html::of("An admin changes the rule: its windows never end.");
            }
        }
        Some(Check::SoakTime { environment, .. }) => {
            if shown.over_at.is_some() {
                by_itself(shown, "Nobody. It fulfils itself.");
            } else {
                shown.to_do = deploy_first(place, std::slice::from_ref(environment));
            }
        }
        Some(Check::Flow { .. }) => {
            let missing = details
                .get("missing_environments")
                .and_then(Value::as_array);
            let missing: Vec<String> = missing
                .into_iter()
                .flatten()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect();
            shown.to_do = deploy_first(place, &missing);
        }
        Some(Check::QualityApproval { .. }) => {
            let there = details.get("required_environment").and_then(Value::as_str);
            let there = there.unwrap_or_default();
            approvals(
                shown,
                details,
                ApprovalKind::Quality,
                &format!("{version} in {}", name(there)),
                asked,
            );
        }
        Some(Check::ReleaseApproval(_)) => {
            approvals(shown, details, ApprovalKind::Release, "", asked);
        }
        Some(Check::Damaged { .. }) => {
            shown.to_do = Html::of("An admin mends the rule.");
        }
        Some(Check::Concurrency(_)) | None => in_the_way(shown, details, asked.now),
    }
}

fn deploy_first(place: &Place, environments: &[String]) -> Html {
    let links: Vec<String> = environments
        .iter()
        .map(|environment| {
            let parameters = [
                ("product", place.product.as_str()),
                ("version", place.version.as_str()),
                ("environment", environment.as_str()),
            ];
            let href = format::address("/manage/gate", &parameters);
            let href = format::escaped_attribute(&href);
            format!("<a href=\"{href}\">{}</a>", name(environment))
        })
        .collect();
    let version = name(&place.version);
    Html::of(format!(
        "Somebody deploys {version} to {} first.",
        list_of(&links, "and")
    ))
}

fn in_the_way(shown: &mut RuleRow, details: &Map<String, Value>, now: i64) {
    let text = |key: &str| details.get(key).and_then(Value::as_str);
    let Some(id) = text("conflicting_deployment_id") else {
        return;
    };
    let href = format::escaped_attribute(&deployment_address(id));
    let by = details
        .get("in_progress")
        .and_then(|other| other["deployed_by"].as_str())
        .map_or_else(|| Html::of("Whoever deploys"), name);
    shown.to_do = Html::of(format!(
        "{by} finishes <a href=\"{href}\">the deployment in progress</a>, or somebody aborts it."
    ));
    if let Some(at) = text("expires_at").map(micros) {
        let at = format::clock(at, now);
        shown.until = Html::of(format!("{at} at the latest, then it is given up"));
    }
}

fn approvals(
    shown: &mut RuleRow,
    details: &Map<String, Value>,
    kind: ApprovalKind,
    what: &str,
    asked: &Asked<'_>,
) {
    let number = |key: &str| details.get(key).and_then(Value::as_i64).unwrap_or_default();
    let (needed, given) = (number("required_approvals"), number("approvals"));
    let not_counted = details.get("not_counted").and_then(Value::as_array);
    let left_out = not_counted.into_iter().flatten().map(|one| {
        let by = name(one["by"].as_str().unwrap_or_default());
        let why = name(one["why"].as_str().unwrap_or_default());
        format!(" The approval of {by} does not count: {why}.")
    });
    let left_out: String = left_out.collect();
    let why = format!("{given} of {needed}. {}{left_out}", shown.why);
    shown.why = Html::of(why);
    let refusals = details.get("refusals").and_then(Value::as_array);
    let refusers: Vec<String> = refusals
        .into_iter()
        .flatten()
        .map(|one| name(one["by"].as_str().unwrap_or_default()).to_string())
        .collect();
    let voters = Voters::of(asked.people, kind, asked.viewer, asked.attempt);
    let link = format::address(
        "/manage/approvals",
        &[("product", asked.place.product.as_str())],
    );
    let link = format!(
        "<a href=\"{}\">Open the approval</a>",
        format::escaped_attribute(&link)
    );
    shown.to_do = if !refusers.is_empty() {
        Html::of(format!(
            "{} withdraws the refusal.",
            list_of(&refusers, "and")
        ))
    } else {
        let what = if what.is_empty() {
            String::new()
        } else {
            format!(" {what}")
        };
        let more = needed.saturating_sub(given);
        match voters.sentence(more) {
            Some(who) => Html::of(format!("{who}{what}. {link}")),
            None => Html::of(format!(
                "Nobody here may give {} approvals yet: an admin gives somebody the right.",
                kind.as_str()
            )),
        }
    };
}

/// The answer in a sentence, and when.
pub fn verdict(rows: &[RuleRow], asked: &Asked<'_>) -> Verdict {
    let holding: Vec<&RuleRow> = rows.iter().filter(|row| row.says == Says::Holds).collect();
    let closes = next_window(asked);
    if holding.is_empty() {
        let all = rows.len();
        let more = closes.unwrap_or_default();
        return Verdict {
            yes: true,
            sentence: match all {
                1 => "Yes: nothing holds it.".to_owned(),
                _ => format!("Yes: none of {all} rules holds it."),
            },
            more: Html::of(more),
        };
    }
    let sentence = format!(
        "Not yet: {} of {} {} it.",
        holding.len(),
        rows.len(),
        if holding.len() == 1 {
            "rules holds"
        } else {
            "rules hold"
        }
    );
    let latest = holding.iter().filter_map(|row| row.over_at).max();
    let others: Vec<String> = holding
        .iter()
        .filter(|row| row.over_at.is_none())
        .map(|row| format!("“{}”", row.name))
        .collect();
    let now = asked.now;
    let mut more = match (latest, others.is_empty()) {
        (Some(at), true) => format!("It can go at {} at the earliest.", format::clock(at, now)),
        (Some(at), false) => format!(
            "It can go at {} at the earliest, if what {} asks for is done by then.",
            format::clock(at, now),
            list_of(&others, "and")
        ),
        (None, _) => format!(
            "It can go as soon as what {} asks for is done.",
            list_of(&others, "and")
        ),
    };
    if let Some(closes) = closes {
        more = format!("{more} {closes}");
    }
    Verdict {
        yes: false,
        sentence,
        more: Html::of(more),
    }
}

/// When the place is closed next, if it is open now.
fn next_window(asked: &Asked<'_>) -> Option<String> {
    let end = instant(asked.now.saturating_add(AHEAD));
    let next = asked
        .rules
        .iter()
        .filter(|rule| rule.spec.applies_to(asked.place))
        .filter(|rule| rule.status_at(asked.now) == crate::domain::rules::RuleStatus::Enabled)
        .filter_map(|rule| match &rule.spec.check {
            Check::NoDeployWindow(window) => Some(window),
            _ => None,
        })
        .flat_map(|window| window.between(instant(asked.now), end))
        .min()?;
    let (from, to) = (next.0.as_microsecond(), next.1.as_microsecond());
    (from > asked.now).then(|| {
        format!(
            "From {} it would have to wait until {}.",
            format::clock(from, asked.now),
            format::clock(to, asked.now)
        )
    })
}
