//! Why a call failed, while it is not yet known which event it was about.

use crate::model::event::EventKind;
use crate::model::kind::Kind;
#[cfg(feature = "capi")]
use crate::model::outcome::Error;
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;

/// What went wrong, and with which argument or setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub kind: Kind,
    pub argument: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            argument: "",
            message: message.into(),
        }
    }

    /// An argument of a call that cannot be used, by its name.
    pub fn argument(argument: &'static str, message: impl Into<String>) -> Self {
        Failure {
            argument,
            ..Failure::new(Kind::InvalidArgument, message)
        }
    }

    /// A file, a proxy or a certificate that cannot be used.
    pub fn config(message: impl Into<String>) -> Self {
        Failure::new(Kind::Config, message)
    }

    /// A setting that cannot be used, by its name.
    pub fn setting(name: &'static str, message: impl Into<String>) -> Self {
        Failure {
            argument: name,
            ..Failure::config(message)
        }
    }

    /// The same failure without the API key in its words.
    pub fn redacted(self, key: &Secret) -> Self {
        Failure {
            message: key.redact(self.message),
            ..self
        }
    }

    /// For what failed before there was an event.
    #[cfg(feature = "capi")]
    pub fn into_error(self) -> Error {
        self.into_outcome(None).into()
    }

    pub fn into_outcome(self, event: Option<EventKind>) -> Outcome {
        let mut outcome = Outcome::new(event, self.kind, self.message);
        outcome.argument = self.argument;
        outcome
    }
}
