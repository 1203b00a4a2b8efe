//! What the server asks of Slack.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Request, StatusCode, Uri};
use serde_json::{Value, json};

use super::is_of_slack;
use crate::api::App;
use crate::outgoing::{Outgoing, Terms, Wanted};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer.
const MAX_ANSWER: usize = 512 * 1024;
/// How many seconds pass if Slack does not say how many should.
const PAUSE: u64 = 30;

/// Why Slack did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// It was asked too often; in so many seconds it may be again.
    #[error("Slack takes no more for {0} seconds")]
    Limited(u64),
    /// It does not want to.
    #[error("Slack says {0}")]
    Refused(String),
    /// It did not answer, or with something that is no answer.
    #[error("{0}")]
    Away(String),
}

impl SlackError {
    /// Whether the app is not let in any more at all.
    pub fn is_shut_out(&self) -> bool {
        const WORDS: [&str; 7] = [
            "invalid_auth",
            "not_authed",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "team_access_not_granted",
            "org_login_required",
        ];
        matches!(self, SlackError::Refused(word) if WORDS.contains(&word.as_str()))
    }

    /// Whether Slack refuses for this reason.
    pub fn is_of(&self, reason: &str) -> bool {
        matches!(self, SlackError::Refused(word) if word == reason)
    }

    /// Whether Slack may have done what it was asked for all the same.
    pub fn is_unknown(&self) -> bool {
        const WORDS: [&str; 4] = [
            "internal_error",
            "fatal_error",
            "request_timeout",
            "service_unavailable",
        ];
        match self {
            SlackError::Limited(_) => false,
            SlackError::Refused(word) => WORDS.contains(&word.as_str()),
            SlackError::Away(_) => true,
        }
    }

    /// Whether another try may well do: nothing is wrong with what was sent.
    pub fn is_passing(&self) -> bool {
        const WORDS: [&str; 5] = [
            "ratelimited",
            "internal_error",
            "fatal_error",
            "request_timeout",
            "service_unavailable",
        ];
        match self {
            SlackError::Refused(word) => WORDS.contains(&word.as_str()) || self.is_shut_out(),
            _ => true,
        }
    }
}

/// Slack, as a server reaches it.
pub struct Client<'a> {
    outgoing: &'a Outgoing,
    base: &'a Uri,
}

impl<'a> Client<'a> {
    /// Slack, as `app` reaches it.
    pub fn of(app: &'a App) -> Client<'a> {
        Client {
            outgoing: &app.outgoing,
            base: &app.slack.api,
        }
    }

    /// Calls a method that takes JSON.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn call(&self, method: &str, token: &str, body: &Value) -> Result<Value, SlackError> {
        let kind = "application/json; charset=utf-8";
        self.ask(method, token, kind, body.to_string()).await
    }

    /// Calls a method that takes a form.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn call_form(
        &self,
        method: &str,
        token: &str,
        fields: &[(&str, &str)],
    ) -> Result<Value, SlackError> {
        let kind = "application/x-www-form-urlencoded";
        self.ask(method, token, kind, form(fields)).await
    }

    async fn ask(
        &self,
        method: &str,
        token: &str,
        kind: &str,
        body: String,
    ) -> Result<Value, SlackError> {
        let address = format!("{}{method}", self.base);
        let Ok(mut token) = HeaderValue::from_str(&format!("Bearer {token}")) else {
            return Err(SlackError::Refused("invalid_auth".to_owned()));
        };
        token.set_sensitive(true);
        let request = Request::post(address)
            .header(CONTENT_TYPE, kind)
            .header(AUTHORIZATION, token)
            .body(Bytes::from(body));
        let answer = self.send(request).await?;
        match (answer["ok"].as_bool(), answer["error"].as_str()) {
            (Some(true), _) => Ok(answer),
            (_, Some(error)) => Err(SlackError::Refused(error.chars().take(80).collect())),
            _ => Err(SlackError::Away("Slack answers without ok".to_owned())),
        }
    }

    /// Says something to one user, where Slack takes an answer to what that user did.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn answer(&self, address: &str, text: &Value) -> Result<(), SlackError> {
        let address: Uri = match address.parse() {
            Ok(address) if is_of_slack(&address, self.base) => address,
            _ => {
                return Err(SlackError::Refused(
                    "an address that is not its own".to_owned(),
                ));
            }
        };
        let request = Request::post(address)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Bytes::from(text.to_string()));
        self.send(request).await.map(drop)
    }

    async fn send(
        &self,
        request: Result<Request<Bytes>, axum::http::Error>,
    ) -> Result<Value, SlackError> {
        let request = request.map_err(|error| SlackError::Away(error.to_string()))?;
        let terms = Terms {
            time: PATIENCE,
            wanted: Wanted::Whole(MAX_ANSWER),
            named: self.base.host(),
        };
        let answer = self.outgoing.send(request, terms).await;
        let answer = answer.map_err(|error| SlackError::Away(error.to_string()))?;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = answer.headers.get(RETRY_AFTER);
            let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
            return Err(SlackError::Limited(seconds.unwrap_or(PAUSE).clamp(1, 3600)));
        }
        if answer.status.is_server_error() || answer.status.is_redirection() {
            return Err(SlackError::Away(format!("Slack answers {}", answer.status)));
        }
        // What a response address answers is no JSON.
        Ok(serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({})))
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::SlackError;

    #[test]
    fn what_passes_is_tried_again_and_what_is_wrong_is_not() {
        let refused = |word: &str| SlackError::Refused(word.to_owned());
        assert!(refused("token_revoked").is_shut_out());
        assert!(refused("token_revoked").is_passing());
        assert!(!refused("channel_not_found").is_passing());
        assert!(refused("fatal_error").is_unknown() && !refused("channel_not_found").is_unknown());
        assert!(SlackError::Limited(3).is_passing() && !SlackError::Limited(3).is_unknown());
        assert!(SlackError::Away("x".to_owned()).is_passing());
    }
}
