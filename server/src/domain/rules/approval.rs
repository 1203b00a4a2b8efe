//! Approvals that rules can require.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::answer::Refusal;
use crate::domain::fields::{Fields, MAX_NAME, MAX_TEXT};
use crate::domain::time::rfc3339;

/// What is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalKind {
    /// The version was tested in an environment.
    Quality,
    /// The version may be released to an environment.
    Release,
}

impl ApprovalKind {
    const WORDS: [(&'static str, ApprovalKind); 2] = [
        ("quality", ApprovalKind::Quality),
        ("release", ApprovalKind::Release),
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ApprovalKind::Quality => "quality",
            ApprovalKind::Release => "release",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<ApprovalKind> {
        let found = ApprovalKind::WORDS.iter().find(|(name, _)| *name == word);
        found.map(|(_, kind)| *kind)
    }
}

/// What somebody says of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may go.
    Approve,
    /// It may not.
    Refuse,
}

impl Verdict {
    const WORDS: [(&'static str, Verdict); 2] =
        [("approve", Verdict::Approve), ("refuse", Verdict::Refuse)];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Approve => "approve",
            Verdict::Refuse => "refuse",
        }
    }
}

/// An approval, or the refusal of one, of a version for an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its identifier.
    pub id: String,
    /// The version.
    pub version_id: String,
    /// The version's commit as it was known then.
    pub scm_sha: Option<String>,
    /// What is approved.
    pub kind: ApprovalKind,
    /// What is said.
    pub verdict: Verdict,
    /// The environment it is for.
    pub environment_id: String,
    /// Who says so: `person:ID`, `key:k1`, or `name:ada` of before keys were told apart.
    pub actor: String,
    /// The person who says so, or to whom the key belongs.
    pub person_id: Option<String>,
    /// Their role as it was then.
    pub role: Option<String>,
    /// Who, as it was sent with a key.
    pub approved_by: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// When it arrived, in microseconds since 1970.
    pub created_at: i64,
    /// When it was withdrawn.
    pub withdrawn_at: Option<i64>,
}

impl Approval {
    /// Who counts once: a person, whether by themselves or by a key of theirs, or a key of nobody.
    pub fn voter(&self) -> String {
        match &self.person_id {
            Some(id) => format!("person:{id}"),
            None => self.actor.clone(),
        }
    }

    /// Whether it was given with an API key.
    pub fn is_by_key(&self) -> bool {
        !self.actor.starts_with("person:")
    }

    /// The approval as the API shows it, with the environment's name and the person's.
    pub fn to_json(&self, environment: &str, person: Option<&str>) -> Value {
        json!({
            "id": self.id,
            "version_id": self.version_id,
            "scm_sha": self.scm_sha,
            "type": self.kind.as_str(),
            "verdict": self.verdict.as_str(),
            "environment": environment,
            "approved_by": self.approved_by.as_deref().or(person),
            "person_id": self.person_id,
            "actor": self.actor,
            "role": self.role,
            "comment": self.comment,
            "created_at": rfc3339(self.created_at),
            "withdrawn_at": self.withdrawn_at.map(rfc3339),
        })
    }
}

/// An approval as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalSpec {
    /// The version.
    pub version_id: String,
    /// What is approved.
    pub kind: ApprovalKind,
    /// What is said.
    pub verdict: Verdict,
    /// The environment it is for.
    pub environment: String,
    /// Who, in whose name a key sends it.
    pub approved_by: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// The commit that was looked at, if that is said.
    pub scm_sha: Option<String>,
    /// Whether the environment may exist from now on.
    pub create: bool,
}

impl ApprovalSpec {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing or wrong.
    pub fn read(body: Value, version_id: String) -> Result<ApprovalSpec, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let kind = fields.required_choice("type", &ApprovalKind::WORDS);
        let verdict = fields.choice("verdict", &Verdict::WORDS);
        let environment = fields.required_name("environment");
        let approved_by = fields.name("approved_by", MAX_NAME);
        let comment = fields.text("comment", MAX_TEXT);
        if verdict == Some(Verdict::Refuse) && comment.is_none() {
            let msg = "A refusal needs its reason: somebody has to do something about it";
            fields.reject("comment", "missing", msg);
        }
        if fields.is_blank("scm_sha") {
            // An empty variable of a script is no commit that somebody has looked at.
            let msg = "Input should be a commit; leave it out if none was looked at";
            fields.reject("scm_sha", "empty", msg);
        }
        let scm_sha = fields.text("scm_sha", MAX_NAME);
        let create = fields.boolean("create").unwrap_or(false);
        fields.refuse_unread();
        fields.finish()?;
        Ok(ApprovalSpec {
            version_id,
            kind: kind.unwrap_or(ApprovalKind::Release),
            verdict: verdict.unwrap_or(Verdict::Approve),
            environment,
            approved_by,
            comment,
            scm_sha,
            create,
        })
    }
}
