//! The shape of a case, as `schema.json` describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The key of a case that names none.
pub const DEFAULT_KEY: &str = "sk_test_k1_secretsecret";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub event: Event,
    #[serde(default)]
    pub fields: Map<String, Value>,
    #[serde(default)]
    pub options: Map<String, Value>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    pub files: BTreeMap<String, FileContent>,
    #[serde(default)]
    pub replies: Vec<Reply>,
    #[serde(default)]
    pub clock: Clock,
    /// The key that must win, where it is neither an option nor `VERSIONER_API_KEY`.
    pub key: Option<String>,
    pub expect: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Build,
    Deployment,
}

impl Event {
    /// Where an event of this sort is posted, below the base URL.
    pub const fn path(self) -> &'static str {
        match self {
            Event::Build => "/build-events/",
            Event::Deployment => "/deployment-events/",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The machine's own; pauses are made so short that nobody waits.
    #[default]
    Real,
    /// Handed in by the runner: sleeps return at once and are recorded.
    Simulated,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum FileContent {
    Text(String),
    Binary { base64: String },
    Directory { directory: bool },
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub json: Option<Value>,
    pub body: Option<String>,
    pub body_base64: Option<String>,
    pub truncate: bool,
    pub endless: bool,
    pub chunked: bool,
    pub close: bool,
    pub hang: bool,
    pub garbage: Option<String>,
}

impl Case {
    /// The client options as a surface gets them: the defaults, less what the case sets to null.
    pub fn client_options(&self, server: &str) -> Map<String, Value> {
        let mut options = Map::new();
        options.insert("api_key".into(), DEFAULT_KEY.into());
        options.insert("api_url".into(), server.into());
        options.extend(self.options.clone());
        options.retain(|_, value| !value.is_null());
        options
    }

    /// The key every request must carry: explicit, else from the environment.
    pub fn effective_key(&self) -> String {
        let option = match self.options.get("api_key") {
            None => Some(DEFAULT_KEY),
            Some(value) => value.as_str(),
        };
        [
            self.key.as_deref(),
            option,
            self.environment
                .get("VERSIONER_API_KEY")
                .map(String::as_str),
        ]
        .into_iter()
        .flatten()
        .map(str::trim)
        .find(|key| !key.is_empty())
        .unwrap_or_default()
        .to_owned()
    }

    /// Every key that the case hands to the client, used or not: none may show.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.effective_key()];
        secrets.extend(self.environment.get("VERSIONER_API_KEY").cloned());
        secrets.extend(
            self.options
                .get("api_key")
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
        secrets
            .iter()
            .map(|key| key.trim().to_owned())
            .filter(|key| key.starts_with("sk_"))
            .collect()
    }
}
