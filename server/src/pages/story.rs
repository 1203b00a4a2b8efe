//! What happened to a deployment, told in sentences.

use serde_json::{Map, Value};

use super::cell::{deployment_address, ended_by, skipped};
use super::format::{self, Html, micros, name};
use super::who::Who;
use crate::domain::deployment::{EndedBy, State};
use crate::domain::rules::RuleStatus;
use crate::store::views::{DeploymentStory, Told};

/// What happened on one day.
pub struct Day {
    /// The day in words.
    pub name: String,
    /// What happened.
    pub events: Vec<Event>,
}

/// One thing that happened.
#[derive(Debug)]
pub struct Event {
    at: i64,
    /// The time of the day.
    pub time: Html,
    /// The mark.
    pub icon: &'static str,
    /// Its colour.
    pub tint: &'static str,
    /// What happened.
    pub sentence: Html,
    /// What else is to be said.
    pub more: Vec<Html>,
}

/// The story, day by day, with the approvals in it.
pub fn days(story: &DeploymentStory, who: &Who, now: i64) -> Vec<Day> {
    let mut events: Vec<Event> = Vec::new();
    let mut refusals = 0;
    let mut last: Option<&Told> = None;
    for told in &story.story.items {
        let again = told.kind == "deployment.refused"
            && last
                .is_some_and(|last| last.kind == told.kind && last.refused_by == told.refused_by);
        last = Some(told);
        if !again {
            refusals = 1;
            events.push(event(told, story, who));
            continue;
        }
        refusals += 1;
        if let Some(first) = events.last_mut() {
            first.more.truncate(first.more.len().min(MAX_MORE));
            let until = format::clock(micros(&told.at), now);
            let asked = Html::of(format!("asked {refusals} times, last at {until}"));
            match first.more.last_mut() {
                Some(line) if refusals > 2 => *line = asked,
                _ => first.more.push(asked),
            }
        }
    }
    events.extend(
        story
            .approvals
            .iter()
            .flat_map(|approval| said(approval, who)),
    );
    events.sort_by_key(|event| event.at);
    let mut days: Vec<Day> = Vec::new();
    for event in events {
        let name = format::day(event.at, now);
        match days.last_mut() {
            Some(day) if day.name == name => day.events.push(event),
            _ => days.push(Day {
                name,
                events: vec![event],
            }),
        }
    }
    days
}

/// The most lines of one event: a start can be held by many rules.
const MAX_MORE: usize = 20;

fn event(told: &Told, story: &DeploymentStory, who: &Who) -> Event {
    let at = micros(told.occurred_at.as_deref().unwrap_or(&told.at));
    let actor = who.name(&told.actor);
    let mut more = checks(told);
    let (icon, tint, sentence) = match told.kind.as_str() {
        "deployment.refused" => {
            let rules = told.refused_by.as_deref().map(name).unwrap_or_default();
            (
                "hold",
                "hold-i",
                format!("<strong>Start blocked</strong> by {rules}"),
            )
        }
        "deployment.started" if told.status == State::Started => {
            ("go", "go-i", format!("<strong>Started</strong> by {actor}"))
        }
        "deployment.joined" => (
            "go",
            "go-i",
            format!("Another part of the run joined it, by {actor}"),
        ),
        "deployment.renewed" => ("told", "", format!("Sign of life from {actor}")),
        "deployment.part_ended" => ("yes", "yes-i", "A part ended".to_owned()),
        "deployment.pending" => ("told", "", format!("<strong>Queued</strong> by {actor}")),
        _ => ended(told, story, &actor, &mut more),
    };
    let late = told.occurred_at.as_ref().map(|_| {
        let arrived = format::moment(micros(&told.at));
        Html::of(format!("told later: it arrived on {arrived}"))
    });
    more.extend(late);
    if told.overlapped {
        more.push(Html::of("another deployment had the place meanwhile"));
    }
    more.extend(told.warnings.iter().map(|warning| name(warning)));
    more.truncate(MAX_MORE);
    Event {
        at,
        time: format::element(at, &format::clock_text(at, at)),
        icon,
        tint,
        sentence: Html::of(sentence),
        more,
    }
}

/// The sentence for an end.
fn ended(
    told: &Told,
    story: &DeploymentStory,
    actor: &Html,
    more: &mut Vec<Html>,
) -> (&'static str, &'static str, String) {
    let took = story.deployment.started_at.as_deref().map(|started| {
        let took = micros(&told.at).saturating_sub(micros(started));
        format!(", took {}", format::exact_span(took))
    });
    let took = took.unwrap_or_default();
    let other = told.of_deployment.as_ref().map_or(String::new(), |id| {
        format!(
            " (<a href=\"{}\">the other one</a>)",
            deployment_address(id)
        )
    });
    match told.status {
        State::Completed => ("yes", "yes-i", format!("<strong>Completed</strong>{took}")),
        State::Failed => {
            more.extend(cause(&told.extra_metadata));
            ("bad", "bad-i", format!("<strong>Failed</strong>{took}"))
        }
        State::Aborted => {
            let mut by = ended_by(told.ended_by.as_ref()).to_owned();
            if let Some(EndedBy::Request { reason, .. }) = &told.ended_by {
                more.push(Html::of(format!("“{}”", format::text(reason))));
                by += &format!(" of {actor}");
            }
            ("off", "", format!("<strong>Aborted</strong>{by}{other}"))
        }
        State::PreflightFailed => ("hold", "hold-i", format!("Still blocked{other}")),
        State::Started => ("go", "go-i", format!("In progress{other}, told by {actor}")),
        State::Pending => ("told", "", format!("Queued{other}, told by {actor}")),
    }
}

/// Why a command failed, if its client said so.
pub fn cause(metadata: &Map<String, Value>) -> Vec<Html> {
    const WORDS: [(&str, &str); 3] = [
        ("vi_exit_code", "exit code"),
        ("vi_signal", "signal"),
        ("vi_error_class", "error"),
    ];
    WORDS
        .iter()
        .filter_map(|(key, word)| {
            let value = match metadata.get(*key)? {
                Value::String(text) => text.clone(),
                Value::Null => return None,
                other => other.to_string(),
            };
            Some(Html::of(format!("{word} {}", name(&value))))
        })
        .collect()
}

/// What the rules found.
fn checks(told: &Told) -> Vec<Html> {
    let Some(checks) = &told.checks else {
        return Vec::new();
    };
    if checks["result"] == "skipped" {
        return vec![skipped(checks["skip_reason"].as_str())];
    }
    let evaluated = checks["rules_evaluated"].as_array();
    let lines = evaluated.into_iter().flatten().map(|rule| {
        let rule_name = name(rule["rule_name"].as_str().unwrap_or_default());
        let message = name(rule["error_message"].as_str().unwrap_or_default());
        let reported = rule["status"] == RuleStatus::ReportOnly.as_str();
        let let_through = rule["let_through_by"].as_str();
        let how = match (let_through, reported) {
            (Some(by), _) => format!(" (let through by {})", name(by)),
            (None, true) => " (report only)".to_owned(),
            (None, false) => String::new(),
        };
        Html::of(format!("{rule_name}{how}: {message}"))
    });
    lines.collect()
}

/// What an approval adds to the story: when it was given, and when it was withdrawn.
fn said(approval: &Value, who: &Who) -> Vec<Event> {
    let by = person_of(approval, who);
    let text = |key: &str| approval[key].as_str();
    let refused = text("verdict") == Some("refuse");
    let comment = text("comment").map_or(String::new(), |comment| {
        format!(": “{}”", format::text(comment))
    });
    let environment = name(text("environment").unwrap_or_default());
    let kind = text("type").unwrap_or_default();
    let (word, tint) = match refused {
        true => ("refused", "bad-i"),
        false => ("approved", "yes-i"),
    };
    let sentence = format!("<strong>{by} {word}</strong> the {kind} for {environment}{comment}");
    let mut events = vec![(text("created_at"), tint, sentence)];
    if let Some(withdrawn) = text("withdrawn_at") {
        let sentence = format!("{by} does not say so any more: withdrawn or replaced");
        events.push((Some(withdrawn), "", sentence));
    }
    let event = |(at, tint, sentence): (Option<&str>, &'static str, String)| {
        let at = micros(at.unwrap_or_default());
        Event {
            at,
            time: format::element(at, &format::clock_text(at, at)),
            icon: "wait",
            tint,
            sentence: Html::of(sentence),
            more: Vec::new(),
        }
    };
    events.into_iter().map(event).collect()
}

/// Who gave an approval.
pub fn person_of(approval: &Value, who: &Who) -> Html {
    match approval["approved_by"].as_str() {
        Some(by) => name(by),
        None => who.name(approval["actor"].as_str().unwrap_or_default()),
    }
}
