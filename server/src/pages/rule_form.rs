//! The form of a rule: its fields, what stands in them, and the rule that they make.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::form::Form;
use super::matrix::Choice;
use crate::domain::fields::FieldError;
use crate::domain::rules::Rule;

/// The days of a week, as the form and the rule name them.
pub const DAYS: [(&str, &str); 7] = [
    ("monday", "Mon"),
    ("tuesday", "Tue"),
    ("wednesday", "Wed"),
    ("thursday", "Thu"),
    ("friday", "Fri"),
    ("saturday", "Sat"),
    ("sunday", "Sun"),
];
/// The kinds of environments, as rules name them.
const TYPES: [(&str, &str); 4] = [
    ("type:production", "all of type production"),
    ("type:staging", "all of type staging"),
    ("type:test", "all of type test"),
    ("type:dev", "all of type dev"),
];

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Text,
    Number,
    Time,
    Moment,
    Lines,
    Select(&'static [(&'static str, &'static str)]),
    Ticks(&'static [(&'static str, &'static str)]),
    /// One of the environments that are known.
    Environment,
    /// Some of them.
    Environments,
    /// Some of them, or of their types.
    EnvironmentsAndTypes,
}

/// A field of the form.
struct Ask {
    key: &'static str,
    label: &'static str,
    input: Input,
}

const fn ask(key: &'static str, label: &'static str, input: Input) -> Ask {
    Ask { key, label, input }
}

const YES_NO: &[(&str, &str)] = &[("true", "yes"), ("false", "no")];

/// What every rule is asked for.
fn common(kind: &str) -> Vec<Ask> {
    let mut all = vec![
        ask("name", "Name", Input::Text),
        ask("products", "Products, one a line; empty: all", Input::Lines),
        ask(
            "environments",
            "Environments; none ticked: all",
            Input::EnvironmentsAndTypes,
        ),
    ];
    if kind != "concurrency" {
        let rollbacks = &[
            ("", "as usual for this kind"),
            ("pass", "passes"),
            ("gated", "is held as any other"),
        ];
        let label = "A version that ran there within 90 days";
        all.push(ask("rollbacks", label, Input::Select(rollbacks)));
    }
    all
}

/// What the people's say is counted by.
const TERMS: [Ask; 5] = [
    ask("required_approvals", "How many people", Input::Number),
    ask(
        "valid_for_days",
        "An approval counts for so many days",
        Input::Number,
    ),
    ask(
        "exclude_deployer",
        "The deployer's own does not count",
        Input::Select(YES_NO),
    ),
    ask(
        "keys",
        "Those of API keys count",
        Input::Select(&[("false", "no"), ("true", "yes")]),
    ),
    ask(
        "unknown_deployer",
        "If it is not known who deploys",
        Input::Select(&[("warn", "say so"), ("block", "hold it")]),
    ),
];

/// What a rule of a kind is asked for besides.
fn of_kind(kind: &str, recurrence: &str) -> Vec<Ask> {
    match kind {
        "concurrency" => vec![
            ask(
                "per",
                "One deployment at a time",
                Input::Select(&[
                    ("product", "of each product"),
                    ("environment", "of all these products together"),
                ]),
            ),
            ask(
                "expires_after_minutes",
                "Given up after so many minutes without a word; empty: 24 hours",
                Input::Number,
            ),
        ],
        "flow" => vec![ask(
            "required_environments",
            "First deployed to",
            Input::Environments,
        )],
        "soak_time" => vec![
            ask("environment", "Ran in", Input::Environment),
            ask(
                "soak_minutes",
                "For at least so many minutes",
                Input::Number,
            ),
        ],
        "quality_approval" => {
            let mut all = vec![ask(
                "required_environments",
                "Approved in",
                Input::Environments,
            )];
            all.extend(TERMS);
            all
        }
        "release_approval" => TERMS.into(),
        "no_deploy_window" => {
            let mut all = vec![
                ask(
                    "recurrence",
                    "Repeats",
                    Input::Select(&[
                        ("weekly", "every week"),
                        ("once", "once"),
                        ("daily", "every day"),
                        ("monthly", "every month"),
                    ]),
                ),
                ask(
                    "timezone",
                    "Time zone, such as Europe/Berlin; empty: UTC",
                    Input::Text,
                ),
            ];
            all.extend(of_window(recurrence));
            all
        }
        _ => Vec::new(),
    }
}

fn of_window(recurrence: &str) -> Vec<Ask> {
    const END_DAY: &[(&str, &str)] = &[
        ("", "the same day or the next"),
        ("monday", "Monday"),
        ("tuesday", "Tuesday"),
        ("wednesday", "Wednesday"),
        ("thursday", "Thursday"),
        ("friday", "Friday"),
        ("saturday", "Saturday"),
        ("sunday", "Sunday"),
    ];
    let from = || ask("start_time", "From", Input::Time);
    let to = || ask("end_time", "To", Input::Time);
    match recurrence {
        "once" => vec![
            ask("starts_at", "From, in that zone", Input::Moment),
            ask("ends_at", "To, in that zone", Input::Moment),
        ],
        "daily" => vec![from(), to()],
        "monthly" => vec![
            ask("start_day", "Begins on day", Input::Number),
            from(),
            ask(
                "end_day",
                "Ends on day; empty: the same or the next",
                Input::Number,
            ),
            to(),
        ],
        _ => vec![
            ask("days", "Begins on", Input::Ticks(&DAYS)),
            from(),
            to(),
            ask("end_day", "Ends on", Input::Select(END_DAY)),
        ],
    }
}

/// A field as the template shows it.
pub struct Field {
    /// What is sent.
    pub key: &'static str,
    /// What is read.
    pub label: &'static str,
    /// How it is filled in: the type of an input, or `select`, `ticks`, `lines`.
    pub input: &'static str,
    /// What stands in it.
    pub value: String,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What stands in a form.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The kind of rule.
    pub kind: String,
    values: BTreeMap<String, Vec<String>>,
}

impl Draft {
    /// An empty form for a kind of rule.
    pub fn new(kind: &str) -> Draft {
        let mut draft = Draft {
            kind: kind.to_owned(),
            values: BTreeMap::new(),
        };
        for (key, value) in [
            ("required_approvals", "1"),
            ("valid_for_days", "30"),
            ("recurrence", "weekly"),
            ("soak_minutes", "1440"),
        ] {
            draft.values.insert(key.to_owned(), vec![value.to_owned()]);
        }
        draft
    }

    /// What a rule says.
    pub fn of_rule(rule: &Rule) -> Draft {
        let shown = rule.spec.to_json();
        let mut draft = Draft {
            kind: rule.spec.check.type_name().to_owned(),
            values: BTreeMap::new(),
        };
        let nothing = Map::new();
        let config = shown["config"].as_object().unwrap_or(&nothing);
        let own = shown.as_object().unwrap_or(&nothing);
        for (key, value) in own.iter().chain(config) {
            let texts = match value {
                Value::String(text) => vec![text.clone()],
                Value::Array(items) => items
                    .iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect(),
                Value::Number(number) => vec![number.to_string()],
                Value::Bool(truth) => vec![truth.to_string()],
                Value::Null | Value::Object(_) => continue,
            };
            draft.values.insert(key.clone(), texts);
        }
        draft
    }

    /// What somebody has typed.
    pub fn of_form(form: &Form) -> Draft {
        let kind = form.text("kind").to_owned();
        let mut draft = Draft {
            kind,
            values: BTreeMap::new(),
        };
        let recurrence = form.text("recurrence").to_owned();
        for one in draft.asks(&recurrence) {
            let values: Vec<String> = match one.input {
                Input::Lines => form
                    .exact(one.key)
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect(),
                _ => form
                    .all(one.key)
                    .filter(|value| !value.is_empty())
                    .map(str::to_owned)
                    .collect(),
            };
            draft.values.insert(one.key.to_owned(), values);
        }
        draft
    }

    fn asks(&self, recurrence: &str) -> Vec<Ask> {
        let mut all = common(&self.kind);
        all.extend(of_kind(&self.kind, recurrence));
        all
    }

    fn first(&self, key: &str) -> &str {
        let values = self.values.get(key);
        values
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    }

    fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// The rule as the API takes it. A number that is none stays text, so that the API says so.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut config = Map::new();
        let own: Vec<&str> = common(&self.kind).iter().map(|one| one.key).collect();
        for one in self.asks(self.first("recurrence")) {
            let first = self.first(one.key);
            let value = match one.input {
                Input::Lines
                | Input::Ticks(_)
                | Input::Environments
                | Input::EnvironmentsAndTypes => json!(self.all(one.key)),
                Input::Number => match first.parse::<i64>() {
                    Ok(number) => json!(number),
                    Err(_) if first.is_empty() => continue,
                    Err(_) => json!(first),
                },
                Input::Select(choices)
                    if choices.len() == 2 && choices.iter().any(|(word, _)| *word == "true") =>
                {
                    json!(first == "true")
                }
                _ if first.is_empty() => continue,
                _ => json!(first),
            };
            match own.contains(&one.key) {
                true => body.insert(one.key.to_owned(), value),
                false => config.insert(one.key.to_owned(), value),
            };
        }
        body.insert("type".to_owned(), json!(self.kind));
        body.insert("config".to_owned(), Value::Object(config));
        body
    }

    /// The fields as a page shows them.
    pub fn fields(&self, environments: &[String], errors: &[FieldError]) -> Vec<Field> {
        let field = |one: Ask| {
            let (input, choices) = self.choices(&one, environments);
            Field {
                key: one.key,
                label: one.label,
                input,
                value: match one.input {
                    Input::Lines => self.all(one.key).join("\n"),
                    Input::Time => self.first(one.key).chars().take(5).collect(),
                    Input::Moment => self.first(one.key).chars().take(16).collect(),
                    _ => self.first(one.key).to_owned(),
                },
                choices,
                error: error_of(one.key, self.first(one.key), errors),
            }
        };
        self.asks(self.first("recurrence"))
            .into_iter()
            .map(field)
            .collect()
    }

    fn choices(&self, one: &Ask, environments: &[String]) -> (&'static str, Vec<Choice>) {
        let chosen = self.all(one.key);
        let choice = |value: &str, text: &str| Choice {
            value: value.to_owned(),
            text: super::format::attribute(text),
            selected: chosen.iter().any(|other| other == value),
        };
        let fixed = |words: &[(&str, &str)]| -> Vec<Choice> {
            words
                .iter()
                .map(|(value, text)| choice(value, text))
                .collect()
        };
        // What the rule names stays, whether it is known or not.
        let known = |words: &[(&str, &str)]| -> Vec<Choice> {
            let mut all = fixed(words);
            all.extend(environments.iter().map(|name| choice(name, name)));
            let named = |value: &String| all.iter().any(|one| one.value == *value);
            let others: Vec<&String> = chosen.iter().filter(|value| !named(value)).collect();
            all.extend(others.into_iter().map(|name| choice(name, name)));
            all
        };
        match one.input {
            Input::Text => ("text", Vec::new()),
            Input::Number => ("number", Vec::new()),
            Input::Time => ("time", Vec::new()),
            Input::Moment => ("datetime-local", Vec::new()),
            Input::Lines => ("lines", Vec::new()),
            Input::Select(words) => ("select", fixed(words)),
            Input::Ticks(words) => ("ticks", fixed(words)),
            Input::Environment => ("select", known(&[])),
            Input::Environments => ("ticks", known(&[])),
            Input::EnvironmentsAndTypes => ("ticks", known(&TYPES)),
        }
    }
}

/// What is wrong with a field, in the words of a form.
fn error_of(key: &str, typed: &str, errors: &[FieldError]) -> Option<String> {
    let error = errors
        .iter()
        .find(|error| error.loc.last().is_some_and(|last| last == key))?;
    Some(match (error.kind, key) {
        ("missing", "days") => "Tick at least one day.".to_owned(),
        ("missing", "required_environments") => "Tick at least one.".to_owned(),
        ("missing", _) => "Fill this in.".to_owned(),
        ("timezone", _) => {
            let zones = jiff::tz::db()
                .available()
                .map(|zone| zone.as_str().to_owned());
            let zones: Vec<String> = zones.collect();
            match crate::domain::names::nearest(typed, zones.iter().map(String::as_str)) {
                Some(other) => format!("“{typed}” is no time zone. Did you mean {other}?"),
                None => format!("“{typed}” is no time zone. Name one such as Europe/Berlin."),
            }
        }
        _ => error.msg.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::RuleSpec;

    #[test]
    fn what_a_form_shows_makes_the_same_rule_again() {
        let rules = [
            json!({ "name": "a", "type": "flow", "environments": ["production"],
                "config": { "required_environments": ["staging"] } }),
            json!({ "name": "b", "type": "soak_time", "products": ["x", "y"],
                "config": { "environment": "staging", "soak_minutes": 60 } }),
            json!({ "name": "c", "type": "release_approval", "rollbacks": "gated",
                "config": { "required_approvals": 2, "keys": true, "valid_for_days": 7 } }),
            json!({ "name": "d", "type": "no_deploy_window", "config": {
                "recurrence": "weekly", "timezone": "Europe/Berlin", "days": ["friday"],
                "start_time": "15:00", "end_time": "08:00", "end_day": "monday" } }),
            json!({ "name": "e", "type": "no_deploy_window", "config": {
                "recurrence": "monthly", "start_day": 28, "end_day": 2,
                "start_time": "00:00", "end_time": "06:00" } }),
            json!({ "name": "f", "type": "concurrency", "config": { "per": "environment" } }),
        ];
        for body in rules {
            let spec = RuleSpec::read(body).unwrap();
            let rule = Rule {
                id: "r".to_owned(),
                spec: spec.clone(),
                overridden: None,
                created_at: 0,
                updated_at: 0,
            };
            let again = Draft::of_rule(&rule).body();
            assert_eq!(RuleSpec::read(Value::Object(again)).unwrap(), spec);
        }
    }

    #[test]
    fn a_zone_with_a_typing_error_is_told_with_what_was_meant() {
        let form = Form::parse(
            b"kind=no_deploy_window&recurrence=daily&name=x&timezone=Europe%2FBerln&start_time=15:00&end_time=16:00",
        );
        let draft = Draft::of_form(&form);
        let Err(crate::domain::answer::Refusal::Invalid(errors)) =
            RuleSpec::read(Value::Object(draft.body()))
        else {
            panic!("the zone is none");
        };
        let fields = draft.fields(&[], &errors);
        let zone = fields.iter().find(|field| field.key == "timezone").unwrap();
        assert_eq!(
            zone.error.as_deref(),
            Some("“Europe/Berln” is no time zone. Did you mean Europe/Berlin?")
        );
        assert_eq!(zone.value, "Europe/Berln");
    }
}
