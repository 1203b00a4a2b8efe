//! What a call would send, as data.

use crate::model::outcome::Warning;
use crate::model::source::Source;

/// What a call would send, and where each value came from. Nothing in it holds the API key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The HTTP method, `POST`.
    pub method: &'static str,
    /// The URL of the request.
    pub url: String,
    /// Name and value of each header. `[API key]` stands for the key. The idempotency key is
    /// left out, because each call makes its own.
    pub headers: Vec<(&'static str, String)>,
    /// The body as indented JSON. What is sent has the same values without the indentation.
    pub body: String,
    /// The values of the event that are sent, in the order of the body; a key of the metadata is
    /// called `extra_metadata.KEY`.
    pub values: Vec<Explained>,
    /// The settings of the client that have a value, without the API key.
    pub settings: Vec<Explained>,
    /// What the call would warn of before it sends.
    pub warnings: Vec<Warning>,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The name of the argument or setting, such as `scm_sha`.
    pub field: String,
    /// The value as it is sent or used. Durations are in seconds; a key of the metadata has JSON.
    pub value: String,
    /// The argument or setting that gives it: `field`, but `extra_metadata`, `status` or
    /// `skip_reason` for a key of the metadata.
    pub argument: &'static str,
    /// Where it came from.
    pub source: Source,
}

impl Explained {
    /// An argument or setting as a whole.
    pub(crate) fn new(argument: &'static str, value: impl Into<String>, source: Source) -> Self {
        Explained {
            field: argument.to_owned(),
            value: value.into(),
            argument,
            source,
        }
    }
}
