//! What an account knows of Slack: the app, its secrets, and what is told in which channel.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::Refusal;
use super::deployment::State;
use super::fields::{Fields, MAX_NAME};
use super::rules::etag;
use super::time::rfc3339;

/// What its secrets are known by.
pub const SECRETS: &str = "slack";
/// How long a code lives that makes a user of Slack known, in microseconds: 10 minutes.
pub const CODE_LIFE: i64 = 600 * 1_000_000;
/// The most channels.
const MOST_CHANNELS: usize = 100;
/// The states of a deployment that are told unless somebody chooses others.
const TOLD: [State; 4] = [
    State::Started,
    State::Completed,
    State::Failed,
    State::Aborted,
];

/// The secrets of an app. They never show in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// What the server posts with.
    pub bot_token: String,
    /// What Slack signs requests with.
    pub signing_secret: Option<String>,
    /// What the server opens a socket with.
    pub app_token: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// What is told in a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The channel.
    pub channel: String,
    /// Only of these environments; all, if there are none.
    pub environments: Vec<String>,
    /// Only of these products; all, if there are none.
    pub products: Vec<String>,
    /// Which states of a deployment are told.
    pub statuses: Vec<State>,
    /// Whether starts that people can let through are shown there.
    pub approvals: bool,
}

/// How Slack is reached, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slack {
    /// The team.
    pub team_id: String,
    /// The app.
    pub app_id: String,
    /// Whether a user whose confirmed address is that of a person here is that person.
    pub by_address: bool,
    /// What is told where.
    pub channels: Vec<Channel>,
    /// What tells the token from others.
    pub bot_token: String,
    /// What tells the signing secret from others, if there is one.
    pub signing_secret: Option<String>,
    /// What tells the token of the socket from others, if there is one.
    pub app_token: Option<String>,
    /// When it was last changed, in microseconds since 1970.
    pub updated_at: i64,
}

/// A code that makes a user of Slack known here. Its hash is all that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// The hash of the code.
    pub hash: Vec<u8>,
    /// The team of the user.
    pub team: String,
    /// The user.
    pub user: String,
    /// What people call the user there.
    pub user_name: String,
    /// When it ends to be valid.
    pub expires_at: i64,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.user)
    }
}

/// What is stored in place of a code, however it is typed.
pub fn code_hash(code: &str) -> Vec<u8> {
    let typed = code.chars().filter(char::is_ascii_alphanumeric);
    let typed: String = typed.map(|one| one.to_ascii_uppercase()).collect();
    Sha256::digest(typed).to_vec()
}

impl Slack {
    /// Reads a request body. A secret that it leaves out is that of `before`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
    pub fn read(
        body: Value,
        before: Option<&Secrets>,
        now: i64,
    ) -> Result<(Slack, Secrets), Refusal> {
        let mut fields = Fields::of_body(body)?;
        let team_id = fields.required_text("team_id", MAX_NAME);
        check_id(&mut fields, "team_id", &team_id, 'T', "T0123ABCD");
        let keeps = |fields: &mut Fields, name: &str, of: fn(&Secrets) -> Option<String>| {
            let is_there = fields.contains(name);
            let sent = fields.text(name, MAX_NAME);
            // `null` takes it away.
            if is_there { sent } else { before.and_then(of) }
        };
        let bot_token = keeps(&mut fields, "bot_token", |one| Some(one.bot_token.clone()));
        let signing_secret = keeps(&mut fields, "signing_secret", |one| {
            one.signing_secret.clone()
        });
        let app_token = keeps(&mut fields, "app_token", |one| one.app_token.clone());
        check_token(&mut fields, "bot_token", bot_token.as_deref(), "xoxb-");
        check_token(&mut fields, "app_token", app_token.as_deref(), "xapp-");
        check_token(&mut fields, "signing_secret", signing_secret.as_deref(), "");
        if bot_token.is_none() {
            let msg = "Field required: it begins with xoxb- and is on the page OAuth & Permissions";
            fields.reject("bot_token", "missing", msg);
        }
        if signing_secret.is_none() && app_token.is_none() {
            let msg = "Field required, unless there is an app_token: by one of them Slack is known";
            fields.reject("signing_secret", "missing", msg);
        }
        // `xapp-1-A0123ABCD-…` names its app.
        let named = app_token
            .as_deref()
            .and_then(|token| token.split('-').nth(2));
        let named = named.filter(|id| id.starts_with('A')).map(str::to_owned);
        let app_id = match fields.text("app_id", MAX_NAME).or(named) {
            Some(id) => {
                check_id(&mut fields, "app_id", &id, 'A', "A0123ABCD");
                id
            }
            None => {
                let msg = "Field required: it is on the page Basic Information of the app";
                fields.reject("app_id", "missing", msg);
                String::new()
            }
        };
        let by_address = fields.boolean("by_address").unwrap_or(false);
        let channels = channels(&mut fields);
        fields.refuse_unread();
        fields.finish()?;
        let secrets = Secrets {
            bot_token: bot_token.unwrap_or_default(),
            signing_secret,
            app_token,
        };
        let slack = Slack {
            team_id,
            app_id,
            by_address,
            channels,
            bot_token: fingerprint(&secrets.bot_token),
            signing_secret: secrets.signing_secret.as_deref().map(fingerprint),
            app_token: secrets.app_token.as_deref().map(fingerprint),
            updated_at: now,
        };
        Ok((slack, secrets))
    }

    /// Tells its states apart, as an entity tag.
    pub fn tag(&self) -> String {
        etag(&json!(self))
    }

    /// It as the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "team_id": self.team_id,
            "app_id": self.app_id,
            "by_address": self.by_address,
            "channels": self.channels,
            "socket_mode": self.app_token.is_some(),
            "http": self.signing_secret.is_some(),
            "updated_at": rfc3339(self.updated_at),
        })
    }
}

impl Channel {
    /// Whether it is for a product and an environment, by their folded names.
    pub fn is_for(&self, product: &str, environment: &str) -> bool {
        let among = |names: &[String], name: &str| {
            names.is_empty()
                || names
                    .iter()
                    .any(|one| super::names::fold(one) == super::names::fold(name))
        };
        among(&self.products, product) && among(&self.environments, environment)
    }
}

/// What tells a secret from others.
fn fingerprint(secret: &str) -> String {
    let hash = Sha256::digest(secret);
    hash.iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn check_id(fields: &mut Fields, name: &str, id: &str, first: char, example: &str) {
    let fits = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit();
    let is_one = id.starts_with(first) && id.chars().all(fits);
    if !id.is_empty() && !is_one {
        let msg = format!("{id:?} should be an identifier such as {example}");
        fields.reject(name, "string_pattern_mismatch", msg);
    }
}

/// What is wrong with a secret is said without it.
fn check_token(fields: &mut Fields, name: &str, token: Option<&str>, begins: &str) {
    const SHORTEST: usize = 16;
    let Some(token) = token else { return };
    let clean = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !token.starts_with(begins) || !clean || token.len() < SHORTEST {
        let msg = match begins {
            "" => "It should be the Signing Secret of the page Basic Information".to_owned(),
            _ => format!("It should begin with {begins} and be copied whole"),
        };
        fields.reject(name, "string_pattern_mismatch", msg);
    }
}

fn channels(fields: &mut Fields) -> Vec<Channel> {
    let items = match fields.take("channels") {
        None => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= MOST_CHANNELS => items,
        Some(_) => {
            let msg = format!("Input should be a list of at most {MOST_CHANNELS} objects");
            fields.reject("channels", "list_type", msg);
            return Vec::new();
        }
    };
    let mut channels: Vec<Channel> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let path = ["body", "channels", &index.to_string()].map(str::to_owned);
        let Value::Object(item) = item else {
            let msg = "Input should be an object with channel, environments, products, statuses and \
                approvals";
            fields.reject("channels", "dict_type", msg);
            continue;
        };
        let mut object = Fields::of(item, path.into());
        let channel = object.required_text("channel", MAX_NAME);
        let fits = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit();
        let is_one = channel.starts_with(['C', 'G']) && channel.chars().all(fits);
        if !channel.is_empty() && !is_one {
            let msg = format!(
                "{channel:?} should be the identifier of a channel such as C0123ABCD, which stands \
                 below its details, not its name"
            );
            object.reject("channel", "string_pattern_mismatch", msg);
        }
        if channels.iter().any(|other| other.channel == channel) {
            object.reject(
                "channel",
                "value_error",
                format!("{channel} stands here twice"),
            );
        }
        let environments = object.names("environments").unwrap_or_default();
        let products = object.names("products").unwrap_or_default();
        let words = object.names("statuses");
        let statuses = match words {
            None => TOLD.to_vec(),
            Some(words) => {
                let mut statuses = Vec::new();
                for word in words {
                    match State::parse(&word).filter(|state| TOLD.contains(state)) {
                        Some(state) => statuses.push(state),
                        None => {
                            let msg =
                                format!("{word:?} should be started, completed, failed or aborted");
                            object.reject("statuses", "enum", msg);
                        }
                    }
                }
                statuses
            }
        };
        let approvals = object.boolean("approvals").unwrap_or(true);
        object.refuse_unread();
        fields.absorb(object);
        channels.push(Channel {
            channel,
            environments,
            products,
            statuses,
            approvals,
        });
    }
    channels
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Secrets, Slack, code_hash};
    use crate::domain::answer::Refusal;

    fn body() -> Value {
        json!({
            "team_id": "T1", "app_id": "A1", "bot_token": "xoxb-1-secret-secret",
            "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5",
            "channels": [{ "channel": "C1", "environments": ["production"] }],
        })
    }

    fn wrong(change: impl FnOnce(&mut Value)) -> String {
        let mut body = body();
        change(&mut body);
        match Slack::read(body, None, 0) {
            Err(Refusal::Invalid(errors)) => errors[0].loc.join(".") + ": " + &errors[0].msg,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn secrets_stay_out_of_what_is_shown() {
        let (slack, secrets) = Slack::read(body(), None, 0).unwrap();
        for shown in [
            format!("{slack:?} {secrets:?}"),
            slack.to_json().to_string(),
            json!(slack).to_string(),
        ] {
            assert!(
                !shown.contains("secret-secret") && !shown.contains("8f742231"),
                "{shown}"
            );
        }
        assert!(slack.channels[0].approvals && slack.channels[0].statuses.len() == 4);
        assert!(
            slack.channels[0].is_for("x", "Production") && !slack.channels[0].is_for("x", "qa")
        );
    }

    #[test]
    fn a_secret_that_is_left_out_stays_and_null_takes_it_away() {
        let (_, before) = Slack::read(body(), None, 0).unwrap();
        let again = json!({ "team_id": "T1", "signing_secret": null,
            "app_token": "xapp-1-A9-1-abcdefgh" });
        let (slack, secrets) = Slack::read(again, Some(&before), 0).unwrap();
        assert_eq!(
            secrets,
            Secrets {
                bot_token: "xoxb-1-secret-secret".to_owned(),
                signing_secret: None,
                app_token: Some("xapp-1-A9-1-abcdefgh".to_owned()),
            }
        );
        assert_eq!(slack.app_id, "A9", "the token names its app");
    }

    #[test]
    fn what_is_wrong_is_named_without_the_secret() {
        let of = |key: &'static str, value: Value| wrong(move |body| body[key] = value);
        assert!(of("bot_token", json!("xoxp-1-secret-secret")).contains("xoxb-"));
        assert!(!of("bot_token", json!("xoxp-1-secret-secret")).contains("secret-secret"));
        assert!(of("signing_secret", json!(null)).contains("app_token"));
        assert!(of("signing_secret", json!("")).contains("app_token"));
        assert!(of("team_id", json!("acme")).contains("T0123ABCD"));
        assert!(of("channels", json!([{ "channel": "#releases" }])).contains("not its name"));
        assert!(
            of(
                "channels",
                json!([{ "channel": "C1" }, { "channel": "C1" }])
            )
            .contains("twice")
        );
        assert!(
            of(
                "channels",
                json!([{ "channel": "C1", "statuses": ["pending"] }])
            )
            .contains("started")
        );
        assert!(
            wrong(|body| {
                body["app_id"] = json!(null);
            })
            .contains("Basic Information")
        );
    }

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        assert_eq!(code_hash("abcd-efgh"), code_hash(" ABCD EFGH "));
        assert_ne!(code_hash("abcd-efgh"), code_hash("abcd-efgi"));
    }
}
