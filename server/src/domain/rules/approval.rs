//! Approvals that rules can require.

use serde_json::{Value, json};

use crate::domain::answer::Refusal;
use crate::domain::fields::{Fields, MAX_TEXT};
use crate::domain::names::fold;
use crate::domain::time::rfc3339;

/// What is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A person's approval of a version for an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its identifier; empty before it is stored.
    pub id: String,
    /// The approved version.
    pub version_id: String,
    /// What is approved.
    pub kind: ApprovalKind,
    /// The environment it is for.
    pub environment: String,
    /// Who approves.
    pub approved_by: String,
    /// Why.
    pub comment: Option<String>,
    /// When it arrived, in microseconds since 1970.
    pub created_at: i64,
}

impl Approval {
    /// Reads a request body, and whether the environment may exist from now on.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing or wrong.
    pub fn read(
        body: Value,
        version_id: String,
        created_at: i64,
    ) -> Result<(Approval, bool), Refusal> {
        let mut fields = Fields::of_body(body)?;
        let kind = fields.required_choice("type", &ApprovalKind::WORDS);
        let approval = Approval {
            id: String::new(),
            version_id,
            kind: kind.unwrap_or(ApprovalKind::Release),
            environment: fields.required_name("environment"),
            approved_by: fields.required_name("approved_by"),
            comment: fields.text("comment", MAX_TEXT),
            created_at,
        };
        let create = fields.boolean("create").unwrap_or(false);
        fields.refuse_unread();
        fields.finish()?;
        Ok((approval, create))
    }

    /// Who approves, in the form in which people are told apart.
    pub fn person(&self) -> String {
        fold(&self.approved_by)
    }

    /// The approval as the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "version_id": self.version_id,
            "type": self.kind.as_str(),
            "environment": self.environment,
            "approved_by": self.approved_by,
            "comment": self.comment,
            "created_at": rfc3339(self.created_at),
        })
    }
}
