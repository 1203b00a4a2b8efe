//! The form of a source: what is typed in it becomes settings, and settings what stands in it.

use serde_json::{Map, Value, json};

use super::form::Form;
use crate::domain::answer::Refusal;
use crate::domain::fields::FieldError;
use crate::domain::senders::{SENDERS, Sender};
use crate::domain::source::{Settings, Source};

/// The fields, as they stand in the form.
#[derive(Default)]
pub struct Fields {
    /// The word for the sender.
    pub sender: String,
    /// What people call the source.
    pub name: String,
    /// The product that everything is about.
    pub product: String,
    /// The environment of what names none.
    pub environment: String,
    /// Our names for theirs, one a line.
    pub environments: String,
    /// What GitHub calls an app.
    pub app_id: String,
    /// Where its API is.
    pub api_url: String,
    /// Whether the version of `v1.4.2` is `1.4.2`.
    pub strip_v: bool,
    /// Whether rules rest on it.
    pub evidence: bool,
    /// Where everything stands, as JSON.
    pub mapping: String,
    /// The other settings, as JSON.
    pub other: String,
    /// Headers of something that it sends, one a line.
    pub headers: String,
    /// Its body.
    pub body: String,
}

/// The settings that have a field of their own.
const OWN: [&str; 9] = [
    "product",
    "environment",
    "environments",
    "strip_v",
    "evidence",
    "ready",
    "mapping",
    "app_id",
    "api_url",
];

impl Fields {
    /// What the form of a source says.
    pub fn of(source: &Source) -> Fields {
        let settings = &source.settings;
        let sender = Sender::of(source.kind, settings);
        let lines = settings.environments.iter();
        let lines: Vec<String> = lines
            .map(|(theirs, ours)| format!("{theirs} = {ours}"))
            .collect();
        let mut other = json!(settings);
        if let Some(other) = other.as_object_mut() {
            // A sender that always signs in the same way need not say so.
            let usual = Settings::read(json!({ "ready": sender.ready })).ok();
            if usual.is_some_and(|usual| usual.signature == settings.signature) {
                other.shift_remove("signature");
            }
            other.retain(|name, _| !OWN.contains(&name.as_str()));
        }
        let written = |value: &Value| match value.as_object().is_none_or(Map::is_empty) {
            true => String::new(),
            false => format!("{value:#}"),
        };
        Fields {
            sender: sender.word.to_owned(),
            name: source.name.clone(),
            product: settings.product.clone().unwrap_or_default(),
            environment: settings.environment.clone().unwrap_or_default(),
            environments: lines.join("\n"),
            app_id: settings.app_id.clone().unwrap_or_default(),
            api_url: settings.api_url.clone().unwrap_or_default(),
            strip_v: settings.strip_v,
            evidence: settings.evidence,
            mapping: settings
                .mapping
                .as_ref()
                .map_or(String::new(), |own| written(&json!(own))),
            other: written(&other),
            headers: String::new(),
            body: String::new(),
        }
    }

    /// What was typed.
    pub fn typed(form: &Form) -> Fields {
        let text = |name: &str| form.text(name).to_owned();
        Fields {
            sender: text("sender"),
            name: text("name"),
            product: text("product"),
            environment: text("environment"),
            environments: text("environments"),
            app_id: text("app_id"),
            api_url: text("api_url"),
            strip_v: form.text("strip_v") == "1",
            evidence: form.text("evidence") == "1",
            mapping: text("mapping"),
            other: text("other"),
            headers: text("headers"),
            body: text("body"),
        }
    }

    /// The senders to choose from.
    pub fn senders(&self) -> &'static [Sender] {
        &SENDERS
    }

    /// Whether it is chosen.
    pub fn is(&self, sender: &Sender) -> bool {
        self.sender == sender.word
    }

    /// Whether more than the sender and the name is said.
    pub fn is_detailed(&self) -> bool {
        let texts = [
            &self.product,
            &self.environment,
            &self.environments,
            &self.mapping,
            &self.other,
            &self.headers,
            &self.body,
        ];
        self.strip_v || self.evidence || texts.iter().any(|text| !text.is_empty())
    }

    /// The sender, and the settings as the API takes them.
    ///
    /// # Errors
    /// What is wrong, each with its field.
    pub fn read(&self) -> Result<(&'static Sender, Map<String, Value>), Vec<FieldError>> {
        let mut errors = Vec::new();
        let sender = Sender::named(&self.sender);
        if sender.is_none() {
            errors.push(wrong("sender", "Choose who sends"));
        }
        let mut settings = object("other", &self.other).unwrap_or_else(|error| {
            errors.push(error);
            Map::new()
        });
        if let Some(name) = settings.keys().find(|name| OWN.contains(&name.as_str())) {
            errors.push(wrong("other", format!("{name} has a field of its own")));
        }
        errors.extend(checked("other", settings.clone()));
        for (name, text) in [
            ("product", &self.product),
            ("environment", &self.environment),
            ("app_id", &self.app_id),
            ("api_url", &self.api_url),
        ] {
            if !text.is_empty() {
                settings.insert(name.to_owned(), json!(text));
            }
        }
        match self.environments() {
            Ok(names) if names.is_empty() => {}
            Ok(names) => drop(settings.insert("environments".to_owned(), names.into())),
            Err(error) => errors.push(error),
        }
        for (name, is_set) in [("strip_v", self.strip_v), ("evidence", self.evidence)] {
            if is_set {
                settings.insert(name.to_owned(), json!(true));
            }
        }
        if let Some(ready) = sender.and_then(|sender| sender.ready) {
            settings.insert("ready".to_owned(), json!(ready));
        }
        match object("mapping", &self.mapping) {
            Ok(mapping) if mapping.is_empty() => {
                if self.sender == "json" {
                    let msg = "Say where everything stands, or choose a sender that is known";
                    errors.push(wrong("mapping", msg));
                }
            }
            Ok(mapping) => {
                let alone =
                    Map::from_iter([("mapping".to_owned(), Value::Object(mapping.clone()))]);
                errors.extend(checked("mapping", alone));
                settings.insert("mapping".to_owned(), Value::Object(mapping));
            }
            Err(error) => errors.push(error),
        }
        let of_app = ["app_id", "api_url"].map(|name| (name, settings.get(name).cloned()));
        for (name, value) in of_app {
            let alone = value.map(|value| Map::from_iter([(name.to_owned(), value)]));
            errors.extend(alone.and_then(|alone| checked(name, alone)));
        }
        if self.sender == "github-app" && self.app_id.is_empty() {
            errors.push(wrong(
                "app_id",
                "GitHub shows it on the page of the app: App ID",
            ));
        }
        match sender {
            Some(sender) if errors.is_empty() => Ok((sender, settings)),
            _ => Err(errors),
        }
    }

    fn environments(&self) -> Result<Map<String, Value>, FieldError> {
        let lines = self.environments.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        let pairs = lines.map(|line| match line.split_once('=') {
            Some((theirs, ours)) if !theirs.trim().is_empty() && !ours.trim().is_empty() => {
                Ok((theirs.trim().to_owned(), json!(ours.trim())))
            }
            _ => {
                let msg = format!("{line:?}: write theirs = ours, such as prod = production");
                Err(wrong("environments", msg))
            }
        });
        pairs.collect()
    }

    /// The headers of what was pasted, as they are kept.
    ///
    /// # Errors
    /// If a line is none.
    pub fn sample_headers(&self) -> Result<Map<String, Value>, FieldError> {
        let lines = self.headers.lines().filter(|line| !line.trim().is_empty());
        let pairs = lines.map(|line| match line.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_ascii_lowercase(), json!(value.trim()))),
            None => {
                let msg = format!("{line:?}: write X-GitHub-Event: deployment_status");
                Err(wrong("headers", msg))
            }
        });
        pairs.collect()
    }

    /// What a source is by now, as far as it is not what was typed.
    pub fn meanwhile(&self, typed: &Fields) -> String {
        let said = |fields: &Fields| {
            let flag = |is: bool| if is { "yes" } else { "no" }.to_owned();
            let text = |text: &str| match text {
                "" => "none".to_owned(),
                text => text.lines().map(str::trim).collect::<Vec<_>>().join(" "),
            };
            [
                ("sender", text(&fields.sender)),
                ("name", text(&fields.name)),
                ("product", text(&fields.product)),
                ("environment", text(&fields.environment)),
                ("environments", text(&fields.environments)),
                ("app", text(&fields.app_id)),
                ("API", text(&fields.api_url)),
                ("versions without v", flag(fields.strip_v)),
                ("evidence", flag(fields.evidence)),
                ("mapping", text(&fields.mapping)),
                ("other settings", text(&fields.other)),
            ]
        };
        let both = said(self).into_iter().zip(said(typed));
        let others = both.filter(|(is, typed)| is != typed);
        let others: Vec<_> = others
            .map(|((what, is), _)| format!("{what}: {is}"))
            .collect();
        match others.as_slice() {
            [] => "By now it says the same as your form.".to_owned(),
            some => format!("By now it says {}.", some.join("; ")),
        }
    }
}

fn wrong(field: &str, msg: impl Into<String>) -> FieldError {
    FieldError::new("body", field, "value_error", msg)
}

/// The members of an object that is written as JSON; none of what is empty.
fn object(field: &str, text: &str) -> Result<Map<String, Value>, FieldError> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|error| {
        // Where a text is cut off, its last line says nothing.
        wrong(field, format!("This is no JSON object: {error}"))
    })
}

/// What is wrong with settings, said of `field`.
fn checked(field: &str, settings: Map<String, Value>) -> Option<FieldError> {
    match Settings::read(Value::Object(settings)) {
        Err(Refusal::Invalid(errors)) => errors.into_iter().next().map(|error| {
            let msg = ["mapping: ", "app_id: ", "api_url: "]
                .iter()
                .find_map(|start| error.msg.strip_prefix(start))
                .unwrap_or(&error.msg);
            wrong(field, msg)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source::Kind;

    fn source(kind: Kind, settings: Value) -> Source {
        let Ok(settings) = Settings::read(settings) else {
            panic!("settings");
        };
        Source::made_up(kind, settings)
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        let own = json!({ "status": "/s", "version": ["/v", "/w"] });
        let signature = json!({ "header": "X-Sum", "algorithm": "sha1", "prefix": "" });
        for (kind, settings) in [
            (
                Kind::Github,
                json!({ "workflows": ["build"], "strip_v": true }),
            ),
            (
                Kind::Gitlab,
                json!({ "environments": { "prod": "production", "qa": "test" } }),
            ),
            (
                Kind::Json,
                json!({ "ready": "vercel", "product": "shop", "evidence": true }),
            ),
            (
                Kind::Json,
                json!({ "ready": "flux", "signature": signature }),
            ),
            (
                Kind::Json,
                json!({ "mapping": own, "environment": "production" }),
            ),
            (Kind::Standard, json!({ "mapping": own })),
        ] {
            let source = source(kind, settings);
            let fields = Fields::of(&source);
            let (sender, read) = fields.read().unwrap();
            assert_eq!(sender.kind, kind);
            let Ok(read) = Settings::read(Value::Object(read)) else {
                panic!("settings");
            };
            assert_eq!(read, source.settings, "{}", fields.other);
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_its_field() {
        let at = |fields: Fields| {
            let errors = fields.read().unwrap_err();
            let said = errors.iter();
            said.map(|error| format!("{}: {}", error.loc[1], error.msg))
                .collect::<Vec<_>>()
        };
        let json = |mapping: &str, other: &str| Fields {
            sender: "json".to_owned(),
            mapping: mapping.to_owned(),
            other: other.to_owned(),
            ..Fields::default()
        };
        assert!(at(Fields::default())[0].starts_with("sender: "));
        assert!(at(json("", ""))[0].starts_with("mapping: Say where"));
        assert!(at(json("{", ""))[0].starts_with("mapping: This is no JSON"));
        assert!(
            at(json("{\"version\": \"/v\"}", ""))[0].starts_with("mapping: status and version")
        );
        let own = "{\"status\": \"/s\", \"version\": \"/v\"}";
        assert!(at(json(own, "{\"colour\": 1}"))[0].starts_with("other: unknown field"));
        assert!(at(json(own, "{\"product\": \"a\"}"))[0].contains("a field of its own"));
        let lines = Fields {
            environments: "prod = production\nqa".to_owned(),
            ..json(own, "")
        };
        assert!(at(lines)[0].contains("\"qa\": write theirs = ours"));
    }
}
