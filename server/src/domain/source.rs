//! Sources: who else tells of builds and deployments, and how what they send is read.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::answer::Refusal;
use super::fields::{Fields, MAX_NAME};
use super::keys::overlap_of;
use super::mapping::{JsonMapping, Ready};
use super::names::fold;
use super::rules::etag;
use super::time::rfc3339;

/// How a sender proves that it is the one, and what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// GitHub, Gitea, Forgejo.
    Github,
    /// GitLab.
    Gitlab,
    /// CloudEvents, with CDEvents and Tekton's.
    Cloudevents,
    /// Standard Webhooks.
    Standard,
    /// Any sender of JSON.
    Json,
    /// An app at GitHub, whose environments wait for a verdict from here.
    #[serde(rename = "github-app")]
    GithubApp,
}

impl Kind {
    /// Every kind, with its word.
    pub const NAMED: [(&'static str, Kind); 6] = [
        ("github", Kind::Github),
        ("github-app", Kind::GithubApp),
        ("gitlab", Kind::Gitlab),
        ("cloudevents", Kind::Cloudevents),
        ("standard", Kind::Standard),
        ("json", Kind::Json),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        let named = Kind::NAMED.iter().find(|(_, kind)| *kind == self);
        named.map_or("", |(word, _)| word)
    }

    /// Reads the word for one.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(word: &str) -> Result<Kind, String> {
        let named = Kind::NAMED.iter().find(|(known, _)| *known == word);
        named.map(|(_, kind)| *kind).ok_or_else(|| {
            let words = Kind::NAMED.map(|(word, _)| word).join(", ");
            format!("{word:?} is none of {words}")
        })
    }
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-1, which some senders still use.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// An HMAC of the body in a header, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The header.
    pub header: String,
    /// The hash function.
    pub algorithm: Algorithm,
    /// What stands before the digits.
    #[serde(default)]
    pub prefix: String,
}

/// How what a source sends is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The product that everything is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The environment of what names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Our names of environments for theirs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, String>,
    /// Whether the version of the tag `v1.4.2` is `1.4.2`.
    #[serde(skip_serializing_if = "is_false")]
    pub strip_v: bool,
    /// Whether rules rest on what is told here.
    #[serde(skip_serializing_if = "is_false")]
    pub evidence: bool,
    /// GitHub's workflows that build, by their names or their files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<String>,
    /// Whether GitLab's pipelines are builds.
    #[serde(skip_serializing_if = "is_false")]
    pub builds: bool,
    /// What GitHub calls the app.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number_or_text"
    )]
    pub app_id: Option<String>,
    /// Where GitHub's API is, if not at github.com.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// A mapping that is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// A mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<JsonMapping>,
    /// How a sender of JSON signs; without it the secret stands in the address, or in Authorization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// GitHub shows the number of an app, and some write it as one.
fn number_or_text<'d, D: Deserializer<'d>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        None => None,
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(other) => {
            let msg = format!("app_id: {other} is neither a number nor a text");
            return Err(D::Error::custom(msg));
        }
    })
}

/// Where GitHub's API is for everybody.
const GITHUB: &str = "https://api.github.com";

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(value: Value) -> Result<Settings, Refusal> {
        let wrong = |msg: String| Refusal::field("settings", "value_error", msg);
        let mut settings: Settings =
            serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        if let Some(problem) = settings.mapping.as_ref().and_then(JsonMapping::problem) {
            return Err(wrong(format!("mapping: {problem}")));
        }
        if let Some(name) = &settings.ready {
            if Ready::named(name).is_none() {
                let names = Ready::NAMED.map(|(name, _)| name).join(", ");
                return Err(wrong(format!("ready: {name:?} is none of {names}")));
            }
            // Those who sign do so in one way.
            let signature = |header: &str, algorithm, prefix: &str| Signature {
                header: header.to_owned(),
                algorithm,
                prefix: prefix.to_owned(),
            };
            let usual = match name.as_str() {
                "vercel" => Some(signature("x-vercel-signature", Algorithm::Sha1, "")),
                "flux" => Some(signature("x-signature", Algorithm::Sha256, "sha256=")),
                _ => None,
            };
            settings.signature = settings.signature.or(usual);
        }
        settings.check_app().map_err(wrong)?;
        Ok(settings)
    }

    /// Says what is wrong with what is said of an app.
    fn check_app(&mut self) -> Result<(), String> {
        if let Some(id) = &self.app_id {
            let is_word = |text: &str| {
                text.chars()
                    .all(|one| one.is_ascii_alphanumeric() || one == '.')
            };
            if id.is_empty() || id.len() > 64 || !is_word(id) {
                return Err(format!(
                    "app_id: {id:?} is none; it is the App ID, a number, or the Client ID that the \
                     page of the app shows"
                ));
            }
        }
        let Some(text) = &mut self.api_url else {
            return Ok(());
        };
        *text = text.trim().trim_end_matches('/').to_owned();
        let wrong = |why: &str| {
            Err(format!(
                "api_url: {text:?} {why}; it is {GITHUB}, or https://HOST/api/v3 of an Enterprise Server"
            ))
        };
        match Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "https" | "http") => {
                wrong("begins with neither https:// nor http://")
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                wrong("has a name or a password before its host")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                wrong("has something after its path")
            }
            Ok(_) => Ok(()),
            Err(error) => wrong(&format!("is no address ({error})")),
        }
    }

    /// Where GitHub's API is.
    pub fn api(&self) -> &str {
        self.api_url.as_deref().unwrap_or(GITHUB)
    }

    /// What is wrong with these settings for a source of this kind.
    ///
    /// # Errors
    /// What is wrong.
    fn check_kind(&self, kind: Kind) -> Result<(), Refusal> {
        let wrong = |msg: &str| Err(Refusal::field("settings", "value_error", msg));
        match (kind, &self.app_id, &self.api_url) {
            (Kind::GithubApp, None, _) => {
                wrong("app_id is missing: the App ID that GitHub shows on the page of the app")
            }
            (Kind::GithubApp, Some(_), _) | (_, None, None) => Ok(()),
            _ => wrong("app_id and api_url are for a source of the kind github-app"),
        }
    }

    /// Our name for an environment.
    pub fn environment(&self, theirs: &str) -> String {
        let mut named = self.environments.iter();
        let ours = named.find(|(name, _)| fold(name) == fold(theirs));
        ours.map_or_else(|| theirs.to_owned(), |(_, ours)| ours.clone())
    }
}

/// A source. Its secrets are not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its identifier, which its address ends with: the account, `_`, and 32 random bytes in base64url.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it proves that it is the one, and what it sends.
    pub kind: Kind,
    /// How what it sends is read.
    #[serde(default)]
    pub settings: Settings,
    /// Whether what it sends is taken.
    pub enabled: bool,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<i64>,
    /// Until when the secret before the present one is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<i64>,
}

/// One that is in no database, for the tests of what is done with sources.
#[cfg(any(test, feature = "fuzzing"))]
impl Source {
    pub(crate) fn made_up(kind: Kind, settings: Settings) -> Source {
        Source {
            id: "local_made_up".to_owned(),
            name: "made up".to_owned(),
            kind,
            settings,
            enabled: true,
            created_at: 0,
            removed_at: None,
            old_secret_until: None,
        }
    }
}

/// A source to be made.
#[derive(Clone)]
pub struct NewSource {
    /// What people call it.
    pub name: String,
    /// What it sends.
    pub kind: Kind,
    /// How that is read.
    pub settings: Settings,
    /// The secret that the sender has already.
    pub secret: Option<String>,
    /// What an app proves with that it is the one, as GitHub gives it out.
    pub private_key: Option<String>,
}

impl std::fmt::Debug for NewSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewSource({}, {}, …)", self.name, self.kind.as_str())
    }
}

/// The shortest secret that is taken from others, in characters.
const SHORTEST_SECRET: usize = 16;

/// The secret that a sender has made, if it is named.
fn secret_of(fields: &mut Fields) -> Option<String> {
    let secret = fields.text("secret", MAX_NAME)?;
    if secret.len() < SHORTEST_SECRET {
        let msg = format!("Input should have at least {SHORTEST_SECRET} characters");
        fields.reject("secret", "too_short", msg);
    }
    Some(secret)
}

/// The longest private key, in characters.
const LONGEST_KEY: usize = 20_000;

/// The private key of an app, if it is named.
fn private_key_of(fields: &mut Fields) -> Option<String> {
    match fields.take("private_key")? {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) if text.len() <= LONGEST_KEY => Some(text),
        _ => {
            let msg = format!("Input should be a text of at most {LONGEST_KEY} characters");
            fields.reject("private_key", "string_type", msg);
            None
        }
    }
}

/// Another secret for a source.
#[derive(Clone)]
pub struct Rotation {
    /// How long the present one stays valid, in microseconds.
    pub overlap: i64,
    /// The new one, if the sender has made it itself.
    pub secret: Option<String>,
    /// Another private key of an app; then the secret stays as it is.
    pub private_key: Option<String>,
}

impl Rotation {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with what is wrong or unknown.
    pub fn read(body: Value) -> Result<Rotation, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let secret = secret_of(&mut fields);
        let private_key = private_key_of(&mut fields);
        if secret.is_some() && private_key.is_some() {
            let msg = "Give another secret or another private key, one at a time";
            fields.reject("private_key", "value_error", msg);
        }
        let overlap = overlap_of(&mut fields);
        fields.refuse_unread();
        fields.finish()?;
        Ok(Rotation {
            overlap,
            secret,
            private_key,
        })
    }
}

impl NewSource {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with what is missing, wrong or unknown.
    pub fn read(body: Value) -> Result<NewSource, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let name = fields.required_text("name", MAX_NAME);
        let kind = fields.required_choice("kind", &Kind::NAMED);
        let secret = secret_of(&mut fields);
        let private_key = private_key_of(&mut fields);
        let settings = fields.object("settings").unwrap_or_default();
        let kind = kind.unwrap_or(Kind::Json);
        match (kind, &private_key) {
            (Kind::GithubApp, None) => {
                let msg = "An app needs its private key, as GitHub gives it out (a .pem file)";
                fields.reject("private_key", "missing", msg);
            }
            (Kind::GithubApp, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                let msg = "Only a source of the kind github-app has a private key";
                fields.reject("private_key", "value_error", msg);
            }
        }
        fields.refuse_unread();
        fields.finish()?;
        let settings = Settings::read(Value::Object(settings))?;
        settings.check_kind(kind)?;
        Ok(NewSource {
            name,
            kind,
            settings,
            secret,
            private_key,
        })
    }
}

impl Source {
    /// The source with new values for some fields.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with what is wrong or unknown.
    pub fn changed(&self, changes: Map<String, Value>) -> Result<Source, Refusal> {
        let mut fields = Fields::of(changes, vec!["body".to_owned()]);
        fields.refuse_empty();
        let mut source = self.clone();
        if let Some(name) = fields.text("name", MAX_NAME) {
            source.name = name;
        }
        if let Some(enabled) = fields.boolean("enabled") {
            source.enabled = enabled;
        }
        let settings = fields.object("settings");
        fields.refuse_unread();
        fields.finish()?;
        if let Some(settings) = settings {
            let settings = Settings::read(Value::Object(settings))?;
            settings.check_kind(self.kind)?;
            // The private key would be used at another place than the one that it was given for.
            if settings.app_id != self.settings.app_id || settings.api() != self.settings.api() {
                let msg = "app_id and api_url belong to the private key; make another source for \
                           another app";
                return Err(Refusal::field("settings", "value_error", msg));
            }
            source.settings = settings;
        }
        Ok(source)
    }

    /// Tells the states of the source apart, as an entity tag.
    pub fn tag(&self) -> String {
        etag(&self.to_json())
    }

    /// The source as the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "kind": self.kind.as_str(),
            "settings": self.settings,
            "enabled": self.enabled,
            "created_at": rfc3339(self.created_at),
            "old_secret_until": self.old_secret_until.map(rfc3339),
        })
    }
}
