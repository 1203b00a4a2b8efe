//! The answer to a question about what is recorded.

use serde_json::Value;

use super::{Reader, failure_words};
use crate::model::kind::Kind;
use crate::model::outcome::Outcome;

impl Reader {
    pub(super) fn data(&self) -> Outcome {
        match (self.status, &self.json) {
            (200, Some(json @ (Value::Object(_) | Value::Array(_)))) if self.is_complete => {
                let mut outcome = self.outcome(Kind::Ok, "the service has answered");
                outcome.data = Some(json.clone());
                outcome
            }
            (200, _) if !self.is_complete => self.outcome(
                Kind::Http,
                "the answer is larger than 1 MiB, which is all that is read: ask for less, such as \
                 one product or fewer items (limit)",
            ),
            (200..300, _) => self.not_of_versioner(),
            (status, _) => self.failed_with(words(status, !self.location.is_empty())),
        }
    }
}

/// Kind, what happened, and what to do about it.
fn words(status: u16, has_location: bool) -> (Kind, &'static str, &'static str) {
    const NOTHING_THERE: &str = "the service has nothing at this address";
    const NEEDS_SERVER: &str = "Check what is asked for and the API URL (VERSIONER_API_URL): only \
                                versioner-server tells what is recorded.";
    match status {
        403 => (
            Kind::Authorization,
            "the API key may not read this",
            "Use a key with the scope read, and for this product and environment.",
        ),
        404 => (Kind::NotFound, NOTHING_THERE, NEEDS_SERVER),
        405 => (Kind::Http, NOTHING_THERE, NEEDS_SERVER),
        409 => (
            Kind::Http,
            "what is recorded does not allow this",
            "See what it has come to: versioner history, versioner state.",
        ),
        422 => (
            Kind::Validation,
            "the service refuses what is asked",
            "Correct what is named and ask again.",
        ),
        _ => failure_words(status, has_location),
    }
}
