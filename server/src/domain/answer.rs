//! What a command is answered with.

use serde::Serialize;
use serde_json::Value;

use super::deployment::Place;
use super::fields::FieldError;

/// A finished answer: kept with its event, so that a repeated request gets the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body; empty where the status allows none.
    pub body: String,
    /// Whether it was given before, to the same Idempotency-Key.
    pub replayed: bool,
}

impl Answer {
    /// An answer whose body is `body` as JSON.
    pub fn new(status: u16, body: &impl Serialize) -> Answer {
        Answer {
            status,
            // What is answered has text keys alone, and so always a form in JSON.
            body: serde_json::to_string(body).unwrap_or_default(),
            replayed: false,
        }
    }
}

/// Whether a deployment could start, as things stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What is answered.
    pub body: Value,
    /// Whether it could.
    pub allowed: bool,
    /// Where.
    pub place: Place,
    /// What does not allow it: rules by their identifiers, and `None` for what is no rule.
    pub held_by: Vec<Option<String>>,
    /// The next moment at which a rule allows it by itself, in microseconds since 1970.
    pub changes_at: Option<i64>,
}

/// Why a command is refused: then nothing of it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fields that are missing or wrong.
    #[error("invalid request")]
    Invalid(Vec<FieldError>),
    /// The thing that is named does not exist.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The version exists already, built from another commit.
    #[error("Version {0} already exists with different SHA")]
    OtherCommit(String),
    /// The key may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The thing is not any more as it was when it was read.
    #[error("This was changed since it was read; read it again")]
    Changed,
    /// The thing that is named is in no state for this.
    #[error("{0}")]
    Conflict(String),
    /// There are too many of something for now.
    #[error("{message}")]
    TooMany {
        /// Of what, and how many may be.
        message: String,
        /// Seconds until there is room again.
        retry_after: u64,
    },
}

impl Refusal {
    /// One field of the body that is wrong.
    pub fn field(name: &str, kind: &'static str, msg: impl Into<String>) -> Refusal {
        Refusal::Invalid(vec![FieldError::new("body", name, kind, msg)])
    }

    /// What it says to people, with every field that is wrong.
    pub fn sentence(&self) -> String {
        let Refusal::Invalid(errors) = self else {
            return self.to_string();
        };
        let fields = errors.iter();
        let fields = fields.map(|error| format!("{}: {}", error.loc.join("."), error.msg));
        fields.collect::<Vec<_>>().join("; ")
    }

    /// A header that is wrong.
    pub fn header(name: &str, kind: &'static str, msg: impl Into<String>) -> Refusal {
        Refusal::Invalid(vec![FieldError::new("header", name, kind, msg)])
    }
}
