//! The shape of a case, as `schema.json` describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reply::Reply;

/// The key of a case that names none.
pub const DEFAULT_KEY: &str = "sk_test_k1_secretsecret";

/// Everybody who may run cases; the name that the `User-Agent` carries.
pub const SURFACES: &[&str] = &[
    "rust",
    "cli",
    "c",
    "go",
    "ruby",
    "java",
    "python",
    "javascript",
    "ansible",
    "rundeck",
    "jenkins",
];

/// The surfaces that can ask as well as tell, and name an idempotency key.
const ASKING_SURFACES: &[&str] = &[
    "rust",
    "cli",
    "c",
    "go",
    "ruby",
    "java",
    "python",
    "javascript",
];

/// The surface that can be handed a clock.
const SIMULATING_SURFACE: &str = "rust";

/// The surfaces that perform several calls on one client.
const STEPPING_SURFACES: &[&str] = &[
    "rust",
    "cli",
    "c",
    "go",
    "ruby",
    "python",
    "java",
    "jenkins",
    "javascript",
];

/// The surfaces whose starts can wait for their gate, and that track as a step.
const WAITING_SURFACES: &[&str] = &[
    "rust",
    "cli",
    "c",
    "go",
    "ruby",
    "java",
    "jenkins",
    "python",
    "javascript",
];

/// The surfaces that can name an outbox.
const KEEPING_SURFACES: &[&str] = &[
    "rust",
    "cli",
    "c",
    "go",
    "ruby",
    "java",
    "jenkins",
    "python",
    "javascript",
];

/// The surfaces that can be handed a variable that is not text.
const BYTE_SURFACES: &[&str] = &["rust", "cli", "c", "go", "ruby", "python"];

#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    #[serde(default)]
    pub call: Call,
    #[serde(default)]
    pub event: Event,
    /// Of a call that reads: below the base URL.
    #[serde(default)]
    pub path: String,
    /// Of a call that reads: names and values.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// Several calls on one client, in place of one with `fields`.
    #[serde(default)]
    pub steps: Vec<Step>,
    #[serde(default)]
    pub options: Map<String, Value>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Variables that are not text, as Base64.
    #[serde(default)]
    pub environment_bytes: BTreeMap<String, String>,
    #[serde(default)]
    pub files: BTreeMap<String, FileContent>,
    #[serde(default)]
    pub replies: Vec<Reply>,
    #[serde(default)]
    pub clock: Clock,
    /// The key that must be sent, if it is neither an option nor `VERSIONER_API_KEY`.
    pub key: Option<String>,
    #[serde(default)]
    pub not_on: Vec<String>,
    pub expect: Map<String, Value>,
}

/// What a case asks of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// To track the event.
    #[default]
    Track,
    /// To ask whether the deployment may start.
    Check,
    /// To read what is at `path`, with `query`.
    Read,
    /// To read what runs where, of the product in `fields` if there is one.
    State,
    /// To tell which version of the product in `fields` is deployed to the environment in it.
    DeployedVersion,
}

/// One call of several.
#[derive(Deserialize)]
pub struct Step {
    /// What is to be done; the runner gets it as it is.
    #[serde(flatten)]
    pub call: Map<String, Value>,
    /// What must come out; none of a step without a result.
    pub expect: Option<Map<String, Value>>,
}

impl Step {
    fn waits(&self) -> bool {
        let mut names = self.call.keys();
        names.any(|name| name.starts_with("wait")) || self.call.get("do") == Some(&"track".into())
    }
}

/// Which event a case tracks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Something was built.
    Build,
    /// Something is deployed.
    #[default]
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

/// Which time a case runs in.
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
    Other {
        #[serde(default)]
        base64: String,
        #[serde(default)]
        directory: bool,
    },
}

impl Case {
    /// The method of its requests.
    pub const fn method(&self) -> &'static str {
        match self.call {
            Call::Track | Call::Check => "POST",
            Call::Read | Call::State | Call::DeployedVersion => "GET",
        }
    }

    /// Where a request goes if the case does not say it, below the base URL.
    pub fn request_path(&self) -> &str {
        match self.call {
            Call::Track => self.event.path(),
            Call::Check => "/preflight/",
            Call::Read => &self.path,
            Call::State | Call::DeployedVersion => "/state/",
        }
    }

    /// By way of text, because `serde_json::from_value` makes `0` of `-0`.
    pub fn parse(value: &Value) -> serde_json::Result<Case> {
        serde_json::from_str(&value.to_string())
    }

    pub fn runs_on(&self, surface: &str) -> bool {
        let has_clock = self.clock == Clock::Real || surface == SIMULATING_SURFACE;
        let has_steps = self.steps.is_empty() || STEPPING_SURFACES.contains(&surface);
        let waits = self.steps.iter().any(Step::waits);
        let has_steps = has_steps && (!waits || WAITING_SURFACES.contains(&surface));
        let has_outbox =
            !self.options.contains_key("outbox") || KEEPING_SURFACES.contains(&surface);
        let has_bytes = self.environment_bytes.is_empty() || BYTE_SURFACES.contains(&surface);
        let is_new = self.call != Call::Track || self.fields.contains_key("idempotency_key");
        let is_in_programs = matches!(self.call, Call::Read | Call::DeployedVersion);
        let has_call = (!is_new || ASKING_SURFACES.contains(&surface))
            && !(is_in_programs && surface == "cli");
        let is_able = has_call && has_clock && has_steps && has_outbox && has_bytes;
        is_able && !self.not_on.iter().any(|name| name == surface)
    }

    /// The client options as a surface gets them: the defaults, less what the case sets to null.
    pub fn client_options(&self, server: &str) -> Map<String, Value> {
        let mut options = Map::new();
        options.insert("api_key".into(), DEFAULT_KEY.into());
        options.insert("api_url".into(), server.into());
        options.extend(self.options.clone());
        options.retain(|_, value| !value.is_null());
        options
    }

    /// The environment as a surface gets it.
    pub fn client_environment(&self) -> BTreeMap<String, String> {
        const PAUSE: &str = "VERSIONER_RETRY_PAUSE";
        let mut environment = self.environment.clone();
        if self.clock == Clock::Real && !self.options.contains_key("retry_pause") {
            environment
                .entry(PAUSE.into())
                .or_insert_with(|| "0.001".into());
        }
        environment
    }

    /// The key every request must carry: explicit, else from the environment.
    pub fn effective_key(&self) -> String {
        [self.key.as_deref()]
            .into_iter()
            .chain(self.given_keys())
            .flatten()
            .map(str::trim)
            .find(|key| !key.is_empty())
            .unwrap_or_default()
            .to_owned()
    }

    /// The keys that the case hands to the client, by precedence.
    pub fn given_keys(&self) -> [Option<&str>; 2] {
        let option = match self.options.get("api_key") {
            None => Some(DEFAULT_KEY),
            Some(value) => value.as_str(),
        };
        let variable = self.environment.get("VERSIONER_API_KEY");
        [option, variable.map(String::as_str)]
    }
}
