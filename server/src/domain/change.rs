//! What is stored: every change goes into the log, and from there into the tables.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::build::BuildRow;
use super::buttons::Buttons;
use super::deployment::{Cell, Row};
use super::keys::{Hashes, KeyInfo};
use super::naming::{EnvironmentType, Kind, Named};
use super::people::{Identity, Person};
use super::rules::{Approval, Exemption};
use super::sessions::{Hashed, Means, Session};
use super::slack::{Code, Slack};
use super::source::Source;
use super::webhook::Webhook;

/// The descriptive fields and the metadata of a row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// The descriptive fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// The metadata.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Details {
    fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.metadata.is_empty()
    }

    /// Puts what an event brings over what is known.
    pub fn merge(&mut self, newer: &Details) {
        self.attributes.extend(newer.attributes.clone());
        self.metadata.extend(newer.metadata.clone());
    }
}

/// One change of what is stored. Applied in order to an empty account, all changes of its log make
/// its tables again; nothing is judged a second time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A product that nobody named before.
    Product {
        /// Its identifier.
        id: String,
        /// Its name.
        name: String,
        /// When.
        at: i64,
    },
    /// An environment that nobody named before.
    Environment {
        /// Its identifier.
        id: String,
        /// Its name.
        name: String,
        /// What kind of environment its name suggests.
        #[serde(default)]
        environment_type: Option<EnvironmentType>,
        /// When.
        at: i64,
    },
    /// A product or an environment has another name, or something else is said of it.
    Named {
        /// What it is.
        kind: Kind,
        /// What is said of it from now on.
        named: Named,
        /// What was said before; its name stays one of it.
        before: Named,
    },
    /// Two products or environments are one.
    Merged {
        /// What they are.
        kind: Kind,
        /// The one that is only another name from now on.
        from: String,
        /// The one that has everything.
        into: String,
    },
    /// A new API key, or another state of one.
    Key {
        /// The key as it is from now on.
        key: Box<KeyInfo>,
        /// What it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<KeyInfo>>,
        /// The hashes of its secrets, if they change. The log has a fingerprint.
        #[serde(skip)]
        hashes: Option<Hashes>,
        /// The fingerprint of its new secret.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    },
    /// A setting of the account.
    Setting {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
        /// What it was before, unless nobody had set it.
        before: Option<String>,
    },
    /// A version that nobody named before.
    Version {
        /// Its identifier.
        id: String,
        /// Its product.
        product_id: String,
        /// Its name.
        version: String,
        /// When.
        at: i64,
    },
    /// The commit of a version.
    Commit {
        /// The version.
        version_id: String,
        /// The commit.
        scm_sha: String,
        /// Whether it stays: a build from it is completed.
        pinned: bool,
    },
    /// A new build, or a new state of one.
    Build {
        /// The row as it is from now on.
        row: BuildRow,
        /// What comes over its details.
        #[serde(default, skip_serializing_if = "Details::is_empty")]
        details: Details,
        /// Whether it is new.
        new: bool,
    },
    /// A new deployment, or a new state of one.
    Deployment {
        /// The row as it is from now on.
        row: Box<Row>,
        /// What comes over its details.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<Details>,
        /// Whether it is new.
        new: bool,
    },
    /// A span belongs to a deployment, or was aborted before it started.
    Span {
        /// The span.
        span: String,
        /// Its deployment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment_id: Option<String>,
        /// The part that it deploys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
        /// Until when the abort is remembered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aborted_until: Option<i64>,
    },
    /// A cell as it is from now on.
    Cell {
        /// The product.
        product_id: String,
        /// The environment.
        environment_id: String,
        /// The rest.
        cell: Cell,
    },
    /// A new rule, or another form of one.
    Rule {
        /// Its identifier.
        id: String,
        /// The rule as the API takes it; none once it is removed.
        definition: Option<Value>,
        /// What it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Value>,
        /// Why, if somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// When it was made.
        created_at: i64,
        /// When it was changed.
        updated_at: i64,
    },
    /// A new exemption, or another state of one.
    Exemption {
        /// The exemption as it is from now on.
        exemption: Box<Exemption>,
        /// What it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Exemption>>,
        /// Why, if somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something that people are to hear of. It changes nothing; whoever follows the log tells them.
    Notice {
        /// What kind of thing, such as `skipped_without_reason`.
        notice: String,
        /// What it is about.
        subject: String,
        /// What to say.
        message: String,
    },
    /// A new approval, or another state of one.
    Approval {
        /// The approval as it is from now on.
        approval: Box<Approval>,
        /// What it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Approval>>,
        /// Why, if somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Nobody asks for these any more. They are in the log, and nowhere else.
    Pruned {
        /// Deployments, by identifier.
        deployments: Vec<String>,
        /// Builds.
        builds: Vec<String>,
        /// How many answers to an Idempotency-Key.
        answers: i64,
    },
    /// Names were taken out of what is stored, of these rows of the log too. Each keeps the hash of what it
    /// was, and this says what it is.
    Erased {
        /// What stands in their place.
        place: String,
        /// How many rows of the log were rewritten.
        rows: i64,
        /// A digest of every row of the log that was rewritten up to now, by this or before.
        digest: String,
    },
    /// A new person, or another state of one.
    Person {
        /// The person as they are from now on.
        person: Person,
        /// What they were before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Person>,
        /// The names they are known by from now on, if they change. They stay out of the log, which
        /// nobody can change: a person can be erased.
        #[serde(skip)]
        identities: Option<Vec<Identity>>,
        /// Whether their names change.
        renamed: bool,
    },
    /// A person has come in.
    SessionBegun {
        /// The session.
        id: String,
        /// The person.
        person_id: String,
        /// How they have shown who they are.
        means: Means,
        /// The whole session and the hash of its secret. Where people sit stays out of the log.
        #[serde(skip)]
        kept: Option<Box<(Session, Vec<u8>)>>,
    },
    /// A session of a person is over, or all of them.
    SessionsEnded {
        /// The person.
        person_id: String,
        /// The session; none for all, and for the links that would begin another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<String>,
    },
    /// A new link that begins a session, or one that somebody has used.
    Link {
        /// Its identifier.
        id: String,
        /// Whom it logs in; nobody if it makes the first admin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person_id: Option<String>,
        /// When it ends to be valid.
        expires_at: i64,
        /// Whether it is used.
        used: bool,
        /// The hash of its secret, if it is new.
        #[serde(skip)]
        hash: Option<Vec<u8>>,
    },
    /// A new source, or another state of one.
    Source {
        /// The source as it is from now on.
        source: Box<Source>,
        /// What it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Source>>,
    },
    /// A secret that the server must know in clear is another one, or is taken away.
    Secret {
        /// What it is known by, such as `source:` and the identifier of the source.
        name: String,
        /// Its fingerprint; none if it is taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<String>,
        /// The secret, encrypted. The log has nothing of it.
        #[serde(skip)]
        sealed: Option<Vec<u8>>,
    },
    /// A new webhook, or another state of one.
    Webhook {
        /// The webhook as it is from now on.
        webhook: Box<Webhook>,
        /// What it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Webhook>>,
    },
    /// Slack is reached in another way, or no more.
    Slack {
        /// How from now on; not any more if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slack: Option<Box<Slack>>,
        /// How it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Slack>>,
    },
    /// A code that makes a user of Slack known is made, or used.
    SlackCode {
        /// Whether it is made.
        made: bool,
        /// The code. Who somebody is stays out of the log.
        #[serde(skip)]
        code: Option<Box<Code>>,
    },
    /// The deployment buttons of a product are others, or the variables of the account.
    Buttons {
        /// The product; empty for the account.
        product_id: String,
        /// What they are from now on.
        buttons: Buttons,
        /// What they were before.
        before: Buttons,
    },
    /// A person has another password, or none any more.
    Password {
        /// The person.
        person_id: String,
        /// Whether they have one.
        set: bool,
        /// What is kept of it. The log has nothing.
        #[serde(skip)]
        hashed: Option<Hashed>,
    },
}

/// What follows from a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What is stored.
    pub changes: Vec<Change>,
    /// What is answered.
    pub answer: Answer,
    /// The thing it is about.
    pub subject: Option<String>,
    /// What kind of thing happened.
    pub kind: &'static str,
}

impl Decision {
    /// Whether something was only used: that is no row of the log.
    pub fn is_use(&self) -> bool {
        self.changes.is_empty()
            && matches!(
                self.kind,
                "key.used" | "session.used" | "slack.used" | "webhook.used"
            )
    }
}
